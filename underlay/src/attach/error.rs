//! Why nothing was attached.

use plan::IfName;
use thiserror::Error;

use crate::{
    attachment::ledger,
    boot, helper,
    ipam::{self, InvalidHost},
    message,
    network::{NetworkName, Refusal, catalog},
    parent, planner, rights,
    undo::{self, OpenError},
};

/// Why nothing was attached.
#[derive(Debug, Error)]
pub enum Error {
    /// Networks that are not there or whose definitions are wrong: all of them.
    #[error("{}", .0.iter().map(message::chain).collect::<Vec<_>>().join("; "))]
    Networks(Vec<catalog::Error>),
    /// What the definitions do not grant to whoever asks: all of it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Refusal>),
    /// The namespace has the network already, otherwise than asked for.
    #[error(
        "network {network} is attached to this namespace as {interface} already, with {has}, and the container asks for {wants}; \
         containers that share a namespace share its interfaces"
    )]
    Different {
        /// Which network.
        network: NetworkName,
        /// Its interface.
        interface: IfName,
        /// What it has.
        has: String,
        /// What was asked for.
        wants: String,
    },
    /// The boot's identity.
    #[error(transparent)]
    Boot(#[from] boot::Error),
    /// The helper.
    #[error(transparent)]
    Helper(#[from] helper::Error),
    /// This host's name, in which addresses are leased.
    #[error(transparent)]
    Host(#[from] InvalidHost),
    /// Addresses.
    #[error(transparent)]
    Ipam(#[from] ipam::Error),
    /// Records.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A netlink request about no link in particular.
    #[error("cannot ask the kernel which network namespace this is")]
    Netlink(#[from] netlink::Error),
    /// Capabilities.
    #[error(transparent)]
    Rights(#[from] rights::Error),
    /// Leases and parents.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What an attach that was killed left in the namespace cannot be taken away.
    #[error(transparent)]
    Leftover(#[from] undo::Error),
    /// A parent.
    #[error(transparent)]
    Parent(#[from] parent::Error),
    /// The plan.
    #[error(transparent)]
    Planner(#[from] planner::Error),
}
