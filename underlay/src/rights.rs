//! What this process may do: for a hook, which is root's and reads what strangers wrote.
//!
//! A thread uses the capabilities of its effective set, and can take up those of its permitted one. So a hook
//! rests while it reads, acts for as long as something needs it, and gives up for good what it needs no more.
//! What it may read and write all the same is little of what is root's: [`files`] says what.
//!
//! `no_new_privs` is not set, on purpose: the helper, which is started again whenever there is something to take
//! back, gets the capabilities that it begins with from execve(2), being root's program. It renounces them
//! itself, which is why the hook need not keep any for it.

pub mod files;

use caps::Capability;
use capset::{Sets, mask};
use landlock::RulesetError;
use thiserror::Error;

use crate::run_file;

/// Rights could not be changed.
#[derive(Debug, Error)]
pub enum Error {
    /// Capabilities.
    #[error("cannot {operation} capabilities")]
    Capabilities {
        /// What was tried.
        operation: &'static str,
        /// What the kernel answered.
        #[source]
        source: capset::Error,
    },
    /// Files.
    #[error("cannot give up the files that are not needed (landlock)")]
    Files(#[source] RulesetError),
    /// The directory to which writing is confined.
    #[error(transparent)]
    RunDirectory(run_file::Error),
}

/// Uses no capability until [`act`].
pub fn rest() -> Result<(), Error> {
    change("lay down", |now| Sets { effective: 0, ..now })
}

/// Uses every capability that is left.
pub fn act() -> Result<(), Error> {
    change("take up", |now| Sets { effective: now.permitted, ..now })
}

/// Gives up all capabilities but these, and uses none until [`act`].
pub fn keep(capabilities: &[Capability]) -> Result<(), Error> {
    let kept = mask(capabilities);
    change("give up", |now| Sets { effective: 0, permitted: now.permitted & kept, ..now })
}

/// To make and look at links of the host, and of namespaces by their numbers.
pub const NETWORK: Capability = Capability::CAP_NET_ADMIN;
/// To end a helper that does not answer: by then it is another user's process.
pub const HELPERS: Capability = Capability::CAP_KILL;
/// To reach a namespace through another user's process.
pub const PROCESSES: Capability = Capability::CAP_SYS_PTRACE;

/// What of these this process does not have, by name: not to be used, and not to be taken up.
pub fn lacking(needed: &[Capability]) -> Result<Vec<String>, Error> {
    let missing = !look()?.permitted;
    Ok(needed
        .iter()
        .filter(|capability| missing & capability.bitmask() != 0)
        .map(ToString::to_string)
        .collect())
}

/// Without these nothing can be attached: to enter a namespace, to work in it, and to give all else up.
pub const NEEDED: [Capability; 5] = [
    Capability::CAP_SYS_ADMIN,
    Capability::CAP_NET_ADMIN,
    Capability::CAP_SETUID,
    Capability::CAP_SETGID,
    Capability::CAP_SETPCAP,
];

fn look() -> Result<Sets, Error> {
    Sets::of_this_thread().map_err(|source| Error::Capabilities { operation: "look at", source })
}

fn change(operation: &'static str, change: impl FnOnce(Sets) -> Sets) -> Result<(), Error> {
    change(look()?).set().map_err(|source| Error::Capabilities { operation, source })
}
