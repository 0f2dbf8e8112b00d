//! One line for an error with all its causes.

use std::{error::Error, fmt::Write};

/// The error and its causes, from the operation to the kernel's answer, with `: ` between. Control characters
/// are escaped: what a stranger wrote must not break out of its line in a log.
#[must_use]
pub fn chain(error: &impl Error) -> String {
    let mut text = escape(&error.to_string());
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {}", escape(&cause.to_string()));
        source = cause.source();
    }
    text
}

/// The text with control characters and invisible or direction-changing ones escaped as Rust writes them.
#[must_use]
pub fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        if c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use thiserror::Error;

    use super::*;

    #[derive(Debug, Error)]
    #[error("cannot open {0}")]
    struct Outer(String, #[source] Inner);

    #[derive(Debug, Error)]
    #[error("no such file")]
    struct Inner;

    proptest! {
        #[test]
        fn nothing_moves_a_terminals_cursor(text in any::<String>()) {
            let told = chain(&Outer(text.clone(), Inner));
            let moves = |c: char| c.is_control() || "\u{200f}\u{2028}\u{202e}\u{2066}".contains(c);
            prop_assert!(!told.contains(moves), "{}", told);
            prop_assert!(text.chars().any(|c| !c.is_ascii_graphic()) || told.contains(&text));
        }
    }

    #[test]
    fn a_chain_is_one_line_whatever_is_in_it() {
        assert_eq!(
            chain(&Outer("a\nb\u{1b}[2J".to_owned(), Inner)),
            "cannot open a\\nb\\u{1b}[2J: no such file"
        );
    }
}
