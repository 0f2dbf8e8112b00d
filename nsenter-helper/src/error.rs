//! What the helper could not do. Every error ends as words in the report, so it keeps what was tried apart
//! from why.

use std::io;

use plan::{Failure, IfName};
use thiserror::Error;

use crate::admission::Inadmissible;

pub(crate) type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Error)]
#[error("{what}")]
pub(crate) struct Error {
    /// The operation and its object: "create link eth0".
    pub(crate) what: String,
    #[source]
    cause: Cause,
}

/// Why it failed.
#[derive(Debug, Error)]
pub(crate) enum Cause {
    /// The kernel refused a netlink request.
    #[error("{}", .0.reason())]
    Netlink(netlink::Error),
    /// The kernel found something in use, and kept finding it so for as long as patience lasted.
    #[error("{}; {holder}", .error.reason())]
    Busy {
        error: netlink::Error,
        /// Who or what may be using it, and what to do.
        holder: &'static str,
    },
    /// A system call failed.
    #[error("{call}: {source}")]
    Call {
        call: &'static str,
        #[source]
        source: io::Error,
    },
    /// The capability sets could not be read or changed.
    #[error("{error}: {}", .error.cause())]
    Capabilities { error: capset::Error },
    /// The plan is not one.
    #[error(transparent)]
    Syntax(serde_json::Error),
    /// The plan asks for what the helper does not do.
    #[error(transparent)]
    Inadmissible(Inadmissible),
    /// The state of the machine does not allow it.
    #[error(transparent)]
    Obstacle(Obstacle),
}

#[derive(Debug, Error)]
pub(crate) enum Obstacle {
    #[error("descriptor {0} is not a network namespace")]
    NotANamespace(i32),
    #[error("it is the host's own network namespace; a container that shares it cannot be given links")]
    HostsNamespace,
    #[error("the parent is gone")]
    Orphaned,
    #[error("more capabilities than CAP_NET_ADMIN are left")]
    CapabilitiesLeft,
    #[error("it is longer than {0} bytes")]
    PlanTooLong(u64),
    #[error("the namespace already has a link named {0}; ask for another interface name")]
    NameTaken(IfName),
    #[error("the host's network was left before the last step that needs it")]
    HostLeft,
    #[error("the kernel made it but does not find it")]
    Vanished,
    #[error("{0}; remove it by hand if it is not needed")]
    NotOurs(String),
}

impl Error {
    pub(crate) fn new(what: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self { what: what.into(), cause: cause.into() }
    }

    /// The words for the report, with what could not be taken back.
    pub(crate) fn into_failure(self, left: Vec<String>) -> Failure {
        Failure { errno: self.cause.errno(), why: self.cause.to_string(), what: self.what, left }
    }

    /// Why, in words.
    pub(crate) fn why(&self) -> String {
        self.cause.to_string()
    }
}

impl Cause {
    /// For `map_err`: a failed system call by its name.
    pub(crate) fn call<E: Into<io::Error>>(call: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Call { call, source: source.into() }
    }

    /// For `map_err` after patience: says who may be in the way, if it is that.
    pub(crate) fn busy(holder: &'static str) -> impl FnOnce(netlink::Error) -> Self {
        move |error| if error.is_busy() { Self::Busy { error, holder } } else { Self::Netlink(error) }
    }

    fn errno(&self) -> Option<i32> {
        match self {
            Self::Netlink(error) | Self::Busy { error, .. } => error.errno(),
            Self::Call { source, .. } => source.raw_os_error(),
            Self::Capabilities { error } => error.cause().raw_os_error(),
            Self::Syntax(_) | Self::Inadmissible(_) | Self::Obstacle(_) => None,
        }
    }
}

impl From<capset::Error> for Cause {
    fn from(error: capset::Error) -> Self {
        Self::Capabilities { error }
    }
}

impl From<netlink::Error> for Cause {
    fn from(error: netlink::Error) -> Self {
        Self::Netlink(error)
    }
}

impl From<Obstacle> for Cause {
    fn from(obstacle: Obstacle) -> Self {
        Self::Obstacle(obstacle)
    }
}

impl From<Inadmissible> for Cause {
    fn from(why: Inadmissible) -> Self {
        Self::Inadmissible(why)
    }
}

impl From<serde_json::Error> for Cause {
    fn from(error: serde_json::Error) -> Self {
        Self::Syntax(error)
    }
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;

    fn refused(errno: Errno) -> netlink::Error {
        let kernel = Some("Address already assigned".to_owned());
        netlink::Error::Refused { operation: "bring up link 2".into(), errno, kernel }
    }

    #[test]
    fn a_failure_says_what_why_the_kernels_words_and_who_is_in_the_way() {
        let error = Error::new("bring up link eth0", Cause::busy("look around")(refused(Errno::EADDRINUSE)));
        let failure = error.into_failure(vec!["link eth1".into()]);
        assert_eq!(failure.what, "bring up link eth0");
        assert_eq!(failure.errno, Some(98));
        assert_eq!(failure.why, "Address already in use: Address already assigned; look around");
        assert_eq!(failure.left, ["link eth1"]);
    }

    #[test]
    fn another_refusal_accuses_nobody() {
        let error = Error::new("bring up link eth0", Cause::busy("look around")(refused(Errno::EPERM)));
        assert_eq!(error.why(), "Operation not permitted: Address already assigned");
    }
}
