//! Names of network interfaces, parsed once and trusted from then on.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// `IFNAMSIZ` (include/uapi/linux/if.h) counts the terminating zero.
const MAX_LEN: usize = 15;

/// A name that the kernel takes for an interface and that is safe as one component of a path below
/// `/proc/sys/net`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IfName(String);

/// Why a text is not the name of an interface.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidIfName {
    /// Nothing was written.
    #[error("an interface name cannot be empty")]
    Empty,
    /// Longer than the kernel's limit.
    #[error("`{}` has {} bytes; an interface name has at most {MAX_LEN}", .0.escape_debug(), .0.len())]
    TooLong(String),
    /// A character that the kernel (`dev_valid_name` in net/core/dev.c) or the tools refuse.
    #[error(
        "`{}` cannot name an interface: letters, digits and most punctuation may, but not `{}`",
        .name.escape_debug(), .character.escape_debug()
    )]
    Character {
        /// The whole text.
        name: String,
        /// The first character that is refused.
        character: char,
    },
    /// `.` and `..` are refused by the kernel; `all` and `default` are directories of the sysctl tree.
    #[error("`{0}` is reserved and cannot name an interface")]
    Reserved(String),
}

impl IfName {
    /// Parses a name as the kernel would (`dev_valid_name`), and a little more strictly: printable ASCII
    /// only, no `/`, `:`, `%` (which asks the kernel to number the interface), quotes or backslash.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidIfName> {
        let text = text.into();
        if text.is_empty() {
            return Err(InvalidIfName::Empty);
        }
        if text.len() > MAX_LEN {
            return Err(InvalidIfName::TooLong(text));
        }
        if let Some(character) = text.chars().find(|c| !is_allowed(*c)) {
            return Err(InvalidIfName::Character { name: text, character });
        }
        if matches!(text.as_str(), "." | ".." | "all" | "default") {
            return Err(InvalidIfName::Reserved(text));
        }
        Ok(Self(text))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '/' | ':' | '%' | '"' | '\'' | '\\')
}

impl TryFrom<String> for IfName {
    type Error = InvalidIfName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl std::str::FromStr for IfName {
    type Err = InvalidIfName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl From<IfName> for String {
    fn from(name: IfName) -> Self {
        name.0
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_kernel_takes() {
        for name in ["eth0", "eth0.50", "enp0s31f6u1.100", "br-lan", "net1@x", "a"] {
            assert_eq!(IfName::new(name).map(String::from), Ok(name.to_owned()));
        }
    }

    #[test]
    fn refuses_what_would_be_a_path_a_pattern_or_a_surprise() {
        for name in
            ["", ".", "..", "all", "default", "a/b", "a:0", "eth%d", "a b", "a\n", "é", "abcdefghijklmnop"]
        {
            assert!(IfName::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_bad_name_does_not_come_in_through_json_either() {
        assert!(serde_json::from_str::<IfName>(r#""../x""#).is_err());
    }
}
