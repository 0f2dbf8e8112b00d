//! A static program that does nothing: what starting and ending a process costs here.
//!
//! With any argument it reads its standard input to the end, as a hook must: crun 1.8.1 takes its container down
//! where it cannot write all of the state (EPIPE).

#![no_main]
#![expect(unsafe_code, reason = "the C library's entry, without Rust's own start-up")]

/// What the C library calls.
#[unsafe(no_mangle)]
extern "C" fn main(words: libc::c_int) -> libc::c_int {
    let mut buffer = [0_u8; 4096];
    // SAFETY: the kernel writes into the buffer, at most as much as it has room for.
    while words > 1 && unsafe { libc::read(0, buffer.as_mut_ptr().cast(), buffer.len()) } > 0 {}
    0
}
