//! A static program that does nothing: what starting and ending a process costs here.

#![no_main]
#![expect(unsafe_code, reason = "the C library's entry, without Rust's own start-up")]

/// What the C library calls.
#[unsafe(no_mangle)]
extern "C" fn main() -> libc::c_int {
    0
}
