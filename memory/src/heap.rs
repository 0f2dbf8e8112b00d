//! The heap: dlmalloc, which keeps what was freed.

use std::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    hint,
    sync::atomic::{AtomicBool, Ordering},
};

use dlmalloc::Dlmalloc;

/// For `#[global_allocator]`.
///
/// `dlmalloc::GlobalDlmalloc` is the same behind a mutex of the C library, whose two calls cost more than what they
/// guard. Here it is one exchange and one store: a heap is held for some nanoseconds, and the only threads that there
/// ever are beside each other are the helper's two that delete a link, of which one waits in the kernel. So whoever finds
/// it held spins.
pub struct Heap {
    is_held: AtomicBool,
    memory: UnsafeCell<Dlmalloc>,
}

impl Heap {
    /// An empty heap. It asks the kernel for memory when it is first asked for some.
    #[must_use]
    pub const fn new() -> Self {
        Self { is_held: AtomicBool::new(false), memory: UnsafeCell::new(Dlmalloc::new()) }
    }

    fn hold<T>(&self, work: impl FnOnce(&mut Dlmalloc) -> T) -> T {
        while self.is_held.swap(true, Ordering::Acquire) {
            hint::spin_loop();
        }
        // SAFETY: whoever has set the flag is alone here until it is cleared; `work` is dlmalloc's, which neither panics
        // nor comes back here.
        #[expect(unsafe_code, reason = "the compiler does not know what the flag means")]
        let done = work(unsafe { &mut *self.memory.get() });
        self.is_held.store(false, Ordering::Release);
        done
    }
}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: `hold` lets one thread in at a time, and what it finds may be used by any.
#[expect(unsafe_code, reason = "the compiler does not know what the flag means")]
unsafe impl Sync for Heap {}

// SAFETY: dlmalloc keeps what is asked of a heap.
#[expect(unsafe_code, reason = "it is what a heap promises")]
unsafe impl GlobalAlloc for Heap {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is dlmalloc's condition, here and below.
        self.hold(|memory| unsafe { memory.malloc(layout.size(), layout.align()) })
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`.
        self.hold(|memory| unsafe { memory.calloc(layout.size(), layout.align()) })
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as for `alloc`.
        self.hold(|memory| unsafe { memory.free(block, layout.size(), layout.align()) });
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as for `alloc`.
        self.hold(|memory| unsafe { memory.realloc(block, layout.size(), layout.align(), size) })
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, iter, thread};

    use super::*;

    /// So that these tests, too, live on it.
    #[global_allocator]
    static HEAP: Heap = Heap::new();

    fn fill(seed: usize) -> BTreeMap<usize, Vec<u8>> {
        let lengths = iter::successors(Some(seed), |n| Some((n * 31 + 7) % 5000));
        lengths
            .take(300)
            .enumerate()
            .map(|(n, length)| (n, vec![u8::try_from(seed).unwrap(); length]))
            .collect()
    }

    #[test]
    fn threads_that_take_and_give_at_once_keep_what_is_theirs() {
        let threads: Vec<_> = (1..=8)
            .map(|seed| {
                thread::spawn(move || {
                    for _ in 0..50 {
                        let mut blocks = fill(seed);
                        blocks.retain(|n, _| n % 3 != 0);
                        for block in blocks.values_mut() {
                            block.resize(block.len() + 100, 0xff);
                        }
                        let is_ours = |block: &Vec<u8>| {
                            let (ours, grown) = block.split_at(block.len() - 100);
                            ours.iter().all(|byte| usize::from(*byte) == seed) && grown == [0xff; 100]
                        };
                        assert!(blocks.values().all(is_ours));
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[test]
    fn what_is_asked_for_in_zeros_is_zero_also_where_it_was_used_before() {
        for length in [1, 100, 5000, 100_000] {
            drop(vec![0xff_u8; length]);
            assert!(vec![0_u8; length].iter().all(|byte| *byte == 0));
        }
    }
}
