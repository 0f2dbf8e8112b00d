//! What can go wrong between us and the kernel.

use std::io;

use nix::errno::Errno;
use thiserror::Error;

/// Result of a request to the kernel.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a request failed. `operation` says what was asked for and on what: "create macvlan link eth0".
#[derive(Debug, Error)]
pub enum Error {
    /// No socket, or one that cannot be set up: the machine is out of descriptors, or its kernel is older
    /// than 5.14.
    #[error("cannot set up a netlink socket ({step})")]
    Open {
        /// The call that failed.
        step: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The request could not be sent or its answer not be received; a timeout is one of the reasons.
    #[error("cannot {operation}: the exchange with the kernel failed")]
    Exchange {
        /// What was asked for.
        operation: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The kernel said no.
    #[error("cannot {operation}: {}", reason(*.errno, .kernel.as_deref()))]
    Refused {
        /// What was asked for.
        operation: String,
        /// The kernel's error number.
        errno: Errno,
        /// The kernel's own text (extended acknowledgement), where it gave one.
        kernel: Option<String>,
    },
    /// The kernel has no driver for a link of this kind; it has tried to load the module by itself already.
    #[error("cannot {operation}: {}", no_driver(.module))]
    NoDriver {
        /// What was asked for.
        operation: String,
        /// The module that would bring the driver.
        module: &'static str,
    },
    /// The kernel accepted a request and answered something that is no answer to it.
    #[error("cannot {operation}: the kernel's answer is malformed ({what})")]
    Malformed {
        /// What was asked for.
        operation: String,
        /// What was expected, or is too much.
        what: &'static str,
    },
    /// A dump changed each time while it was read (`NLM_F_DUMP_INTR`).
    #[error("cannot {operation}: the list kept changing while it was read; try again")]
    Unstable {
        /// What was asked for.
        operation: String,
    },
    /// The request contradicts itself and was not sent.
    #[error("cannot {operation}: {why}")]
    Impossible {
        /// What was asked for.
        operation: String,
        /// The contradiction.
        why: &'static str,
    },
}

impl Error {
    /// What was asked for and on what.
    #[must_use]
    pub fn operation(&self) -> &str {
        match self {
            Self::Open { .. } => "set up a netlink socket",
            Self::Exchange { operation, .. }
            | Self::Refused { operation, .. }
            | Self::NoDriver { operation, .. }
            | Self::Malformed { operation, .. }
            | Self::Unstable { operation }
            | Self::Impossible { operation, .. } => operation,
        }
    }

    /// Why, in words: the error number's, followed by the kernel's own text where it gave one.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Open { step, source } => format!("{step}: {source}"),
            Self::Exchange { source, .. } => source.to_string(),
            Self::Refused { errno, kernel, .. } => reason(*errno, kernel.as_deref()),
            Self::NoDriver { module, .. } => no_driver(module),
            Self::Malformed { what, .. } => format!("the kernel's answer is malformed ({what})"),
            Self::Unstable { .. } => "the list kept changing while it was read; try again".to_owned(),
            Self::Impossible { why, .. } => (*why).to_owned(),
        }
    }

    /// The error number, where there is one.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Open { source, .. } | Self::Exchange { source, .. } => source.raw_os_error(),
            Self::Refused { errno, .. } => Some(*errno as i32),
            Self::NoDriver { .. } => Some(Errno::EOPNOTSUPP as i32),
            Self::Malformed { .. } | Self::Unstable { .. } | Self::Impossible { .. } => None,
        }
    }

    /// The name, number or route is taken.
    #[must_use]
    pub fn is_exists(&self) -> bool {
        self.is_refusal(&[Errno::EEXIST])
    }

    /// A MAC, an address or a parent is in use: perhaps by a namespace that the kernel is still taking down,
    /// so that the same request may succeed some tens of milliseconds later.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.is_refusal(&[Errno::EBUSY, Errno::EADDRINUSE])
    }

    /// There is no such link (ENODEV), address (EADDRNOTAVAIL), route (ESRCH) or table (ENOENT).
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.is_refusal(&[Errno::ENODEV, Errno::ENOENT, Errno::ESRCH, Errno::EADDRNOTAVAIL])
    }

    /// The request asks for what cannot be: EINVAL, or an address that no link can have (EADDRNOTAVAIL).
    pub(crate) fn is_invalid(&self) -> bool {
        self.is_refusal(&[Errno::EINVAL, Errno::EADDRNOTAVAIL])
    }

    /// The caller lacks the privilege for it.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.is_refusal(&[Errno::EPERM, Errno::EACCES])
    }

    /// The number that was given names no namespace. The kernel answers EINVAL, without a text of its own or
    /// with one about namespaces; another EINVAL comes with a text that says what is invalid.
    pub(crate) fn is_unknown_namespace(&self) -> bool {
        match self {
            Self::Refused { errno: Errno::EINVAL, kernel, .. } => {
                kernel.as_deref().is_none_or(|text| text.contains("namespace"))
            }
            _ => false,
        }
    }

    fn is_refusal(&self, numbers: &[Errno]) -> bool {
        matches!(self, Self::Refused { errno, .. } if numbers.contains(errno))
    }
}

fn reason(errno: Errno, kernel: Option<&str>) -> String {
    match kernel {
        Some(text) => format!("{}: {text}", errno.desc()),
        None => errno.desc().to_owned(),
    }
}

fn no_driver(module: &str) -> String {
    format!(
        "this kernel has no `{module}`: load it with `modprobe {module}`, or install the package with this \
         kernel's extra modules"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(errno: Errno, kernel: Option<&str>) -> Error {
        Error::Refused { operation: "add route".into(), errno, kernel: kernel.map(Into::into) }
    }

    #[test]
    fn a_refusal_says_what_why_and_the_kernels_own_words() {
        assert_eq!(
            refused(Errno::ENETUNREACH, Some("Nexthop has invalid gateway")).to_string(),
            "cannot add route: Network is unreachable: Nexthop has invalid gateway"
        );
        assert_eq!(refused(Errno::EEXIST, None).to_string(), "cannot add route: File exists");
    }

    #[test]
    fn a_missing_driver_names_its_module() {
        let error = Error::NoDriver { operation: "create ipvlan link eth0".into(), module: "ipvlan" };
        assert!(error.to_string().contains("modprobe ipvlan"), "{error}");
        assert_eq!(error.errno(), Some(95));
    }

    #[test]
    fn an_invalid_name_is_no_unknown_namespace() {
        assert!(refused(Errno::EINVAL, None).is_unknown_namespace());
        assert!(!refused(Errno::EINVAL, Some("Attribute failed policy validation")).is_unknown_namespace());
        assert!(!refused(Errno::ENODEV, None).is_unknown_namespace());
    }
}
