//! The memory of programs that run for a millisecond: their heap, and how memory is copied.
//!
//! Both are the C library's elsewhere. musl's heap gives memory back to the kernel and asks for it again all the time, and
//! its memcpy(3) for x86-64 takes a hundred cycles for a byte: what a hook copies is a thousand short words.

#[cfg(all(target_arch = "x86_64", any(target_env = "musl", test)))]
mod copy;
mod heap;

pub use heap::Heap;
