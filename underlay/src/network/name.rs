//! Names of networks: they become file names, so they are parsed before anything else is done with them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// With `.json` behind it, well below `NAME_MAX` (255), and short enough for a line of a table.
pub(super) const MAX_LEN: usize = 63;

/// The name of a network: a letter or digit, then letters, digits, `_`, `.` and `-`, as Docker and podman
/// have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkName(String);

/// Why a text is not the name of a network.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidNetworkName {
    /// Nothing was written.
    #[error("a network name cannot be empty")]
    Empty,
    /// Too long.
    #[error("network name `{}…` has {} bytes; at most {MAX_LEN} are allowed", .0.chars().take(20).collect::<String>().escape_debug(), .0.len())]
    TooLong(String),
    /// A character out of place.
    #[error(
        "`{}` cannot name a network: it starts with a letter or digit and goes on with letters, digits, `_`, `.` and `-`",
        .0.escape_debug()
    )]
    Form(String),
}

impl NetworkName {
    /// The name as text; safe as one component of a path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NetworkName {
    type Err = InvalidNetworkName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(InvalidNetworkName::Empty);
        }
        if text.len() > MAX_LEN {
            return Err(InvalidNetworkName::TooLong(text.to_owned()));
        }
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let goes_on_well = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
        if starts_well && goes_on_well {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidNetworkName::Form(text.to_owned()))
        }
    }
}

impl TryFrom<String> for NetworkName {
    type Error = InvalidNetworkName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NetworkName> for String {
    fn from(name: NetworkName) -> Self {
        name.0
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
