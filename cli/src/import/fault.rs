//! Why a network cannot be imported.

use thiserror::Error;
use underlay::network::{InvalidNetworkName, file::Mistake};

/// Why nothing of a text can be imported.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("it is not JSON")]
    Syntax(#[source] serde_json::Error),
    #[error("there is no network in it")]
    Empty,
    #[error("it is not clear whose words these are; say so with --from podman, cni or docker")]
    Origin,
    #[error("network {network}")]
    Network {
        network: String,
        #[source]
        trouble: Trouble,
    },
}

/// What is wrong with one network.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A value of another kind than its owner writes.
    #[error("{place}: {expected} is expected")]
    Type { place: String, expected: &'static str },
    #[error("driver `{0}` has no counterpart; only macvlan and ipvlan networks can be imported")]
    Driver(String),
    #[error("{place}: `{found}` has no counterpart; {instead}")]
    Ipam { place: &'static str, found: String, instead: &'static str },
    /// Something without which the network would be another one.
    #[error("{0}")]
    Unusable(&'static str),
    #[error(transparent)]
    Name(InvalidNetworkName),
    /// It became a definition that is wrong.
    #[error("{0}")]
    Definition(Mistake),
}
