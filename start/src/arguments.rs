//! The words of the command line, as execve(2) put them on the stack.

use std::{
    ffi::{CStr, OsString, c_char, c_int},
    os::unix::ffi::OsStringExt,
};

/// The arguments after the program's name. A program that was executed without a name has none either.
///
/// # Safety
///
/// `words` points at `count` pointers, each to a text that ends with a zero byte.
#[must_use]
#[expect(unsafe_code, reason = "the words are behind pointers")]
pub unsafe fn arguments(count: c_int, words: *const *const c_char) -> Vec<OsString> {
    let count = usize::try_from(count).unwrap_or_default();
    // SAFETY: what the caller promised.
    let text = |n| unsafe { CStr::from_ptr(*words.add(n)) };
    (1..count).map(|n| OsString::from_vec(text(n).to_bytes().to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&CStr]) -> Vec<OsString> {
        let pointers: Vec<_> = words.iter().map(|word| word.as_ptr()).collect();
        // SAFETY: so many pointers to texts, which live on.
        #[expect(unsafe_code, reason = "it is what is tested")]
        unsafe {
            arguments(c_int::try_from(pointers.len()).unwrap(), pointers.as_ptr())
        }
    }

    #[test]
    fn the_name_is_left_out_and_every_other_byte_is_kept() {
        assert_eq!(of(&[]), [""; 0]);
        assert_eq!(of(&[c"hook"]), [""; 0]);
        assert_eq!(of(&[c"hook", c"", c"poststop"]), ["", "poststop"]);
        assert_eq!(of(&[c"hook", c"\xff"]), [OsString::from_vec(vec![0xff])]);
    }
}
