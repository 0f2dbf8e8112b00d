//! Calls for a process that was taken over to try, in words and in numbers.

use std::ffi::CStr;

use lab::Word;

/// A call to try.
pub(crate) struct Try<'a> {
    pub(crate) what: &'static str,
    pub(crate) call: i64,
    pub(crate) words: Vec<Word<'a>>,
}

pub(crate) const AT: Word<'static> = n(libc::AT_FDCWD);

pub(crate) fn attempt<'a>(what: &'static str, call: i64, words: &[Word<'a>]) -> Try<'a> {
    Try { what, call, words: words.to_vec() }
}

/// Number, shorter.
pub(crate) const fn n(number: i32) -> Word<'static> {
    Word::Number(number as i64)
}

pub(crate) fn path(path: &'static CStr) -> Word<'static> {
    Word::Bytes(path.to_bytes_with_nul())
}

pub(crate) fn open(what: &'static str, file: &'static CStr, flags: i32) -> Try<'static> {
    attempt(what, libc::SYS_openat, &[AT, path(file), n(flags), n(0o600)])
}

pub(crate) fn at_path(what: &'static str, call: i64, file: &'static CStr) -> Try<'static> {
    attempt(what, call, &[AT, path(file), n(0)])
}
