//! The memory of programs that run for a millisecond: their heap, and how memory is copied.
//!
//! Both are the C library's elsewhere. musl's heap gives memory back to the kernel and asks for it again all the time, and
//! its memcpy(3) for x86-64 takes more than a hundred cycles for a short word, of which a hook copies a thousand.

#[cfg(all(target_arch = "x86_64", any(target_env = "musl", test)))]
mod copy;
mod heap;

pub use heap::Heap;
