//! What can fail between the catalogue and its directory.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::Distrust;
use crate::network::{
    InvalidNetworkName, NetworkName,
    file::{MAX_BYTES, Mistakes},
};

/// What failed. The administrator must act.
#[derive(Debug, Error)]
pub enum Error {
    /// The directory is there but cannot be read.
    #[error("cannot read the directory of networks {}", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else may have written what is there.
    #[error("{} is not trusted: {reason}", .path.display())]
    Untrusted {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        reason: Distrust,
    },
    /// No file of that name.
    #[error("there is no network `{name}`; {}", known_networks(.known))]
    Unknown {
        /// What was asked for.
        name: NetworkName,
        /// What there is, sorted.
        known: Vec<NetworkName>,
    },
    /// The file cannot be opened or read.
    #[error("cannot read the definition {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that ends in `.json` but not the name of a network in front.
    #[error("{} does not have the name of a network", .path.display())]
    FileName {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: InvalidNetworkName,
    },
    /// The definition is wrong.
    #[error("{} is no definition of a network", .path.display())]
    Definition {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: Mistakes,
    },
    /// There is a network of that name already.
    #[error("there is a network `{name}` already ({}); remove it first or choose another name", .path.display())]
    Exists {
        /// Its name.
        name: NetworkName,
        /// Its file.
        path: PathBuf,
    },
    /// The definition could not be read again.
    #[error(
        "the definition of network `{name}` would have {bytes} bytes; at most {} can be read again",
        MAX_BYTES
    )]
    TooLong {
        /// The network.
        name: NetworkName,
        /// The length of its text.
        bytes: usize,
    },
    /// The file cannot be written.
    #[error("cannot write the definition {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be removed.
    #[error("cannot remove the definition {}", .path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The lock cannot be taken.
    #[error("cannot lock {}", .path.display())]
    Lock {
        /// The lock's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn known_networks(known: &[NetworkName]) -> String {
    if known.is_empty() {
        return "none is defined yet, `underlay network create` makes one".to_owned();
    }
    let names: Vec<_> = known.iter().map(NetworkName::as_str).collect();
    format!("there are {}", names.join(", "))
}
