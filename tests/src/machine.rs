//! Which Debian a lab's host runs: whose engines, runtimes and tools.

use std::{env, path::PathBuf};

/// The programs of a lab's host. The kernel is always this machine's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    /// Those of this machine.
    #[default]
    This,
    /// Those of Debian 13, with newer engines: a tree that `tests/tree.sh` made.
    Trixie,
}

impl Machine {
    /// The tree that becomes its root directory.
    pub(crate) fn tree(self) -> Option<PathBuf> {
        match self {
            Self::This => None,
            Self::Trixie => Some(cache().join("trixie")),
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::This => "this machine",
            Self::Trixie => "Debian 13",
        }
    }
}

/// Where tests/tree.sh and tests/packaging.sh keep what takes long to make.
fn cache() -> PathBuf {
    env::var_os("XDG_CACHE_HOME").map_or(PathBuf::from("/var/cache"), PathBuf::from).join("underlay-tests")
}
