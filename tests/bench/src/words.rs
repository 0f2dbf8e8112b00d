//! What a program without Rust's start-up is told.

use std::ffi::{CStr, c_char, c_int};

/// The command line, with the program's name.
pub(crate) fn words<'a>(count: c_int, words: *const *const c_char) -> Vec<&'a CStr> {
    let count = usize::try_from(count).unwrap_or_default();
    // SAFETY: the C library passes as many pointers as it says, each to a text that ends with a zero byte and
    // stays until the program's end.
    unsafe { std::slice::from_raw_parts(words, count).iter().map(|word| CStr::from_ptr(*word)).collect() }
}
