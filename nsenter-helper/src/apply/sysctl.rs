//! The per-interface sysctls for which netlink has no message, below /proc/sys/net of the namespace that was entered.
//! They are IPv6's.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, OwnedFd},
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, OFlag, openat},
    sys::stat::Mode,
};
use plan::{IfName, Sysctl};

use crate::error::{Cause, Error, Result};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ipv6Sysctl {
    NdiscNotify,
    DisableIpv6,
    AcceptRa,
    Autoconf,
}

/// The directory with a directory for each link of the namespace, pinned: what landlock allows to be written to is
/// below it, and it is what landlock was told, whatever memory the kernel has to reclaim.
#[derive(Debug)]
pub(crate) struct Sysctls {
    /// None on a kernel without IPv6.
    links: Option<OwnedFd>,
}

impl Sysctls {
    /// Opens the directory of the namespace that was entered: which one it shows is settled when it is opened.
    pub(crate) fn open() -> Result<Self> {
        Ok(Self { links: open_directory(AT_FDCWD, "/proc/sys/net/ipv6/conf")? })
    }

    /// The same in another procfs than the host's.
    pub(crate) fn below(procfs: &OwnedFd) -> Result<Self> {
        Ok(Self { links: open_directory(procfs, "sys/net/ipv6/conf")? })
    }

    /// Whether they can be opened to be written: tried with the loopback, which is in every namespace.
    pub(crate) fn are_writable(&self) -> bool {
        self.links.as_ref().is_some_and(|links| open_file(links, "lo/disable_ipv6").is_ok())
    }

    /// The directory, if there is one.
    pub(crate) fn directory(&self) -> Option<&OwnedFd> {
        self.links.as_ref()
    }

    /// Writes zero or one. A name with dots in it is one component of a path here, unlike in sysctl(8).
    pub(super) fn write(&self, link: &IfName, key: Ipv6Sysctl, value: bool) -> Result<()> {
        let file = key.file();
        match write_file(self.links.as_ref(), &format!("{link}/{file}"), value) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && key.is_off(value) => Ok(()),
            Err(error) => {
                let what = format!("set {file} of link {link} to {}", i32::from(value));
                Err(Error::new(what, Cause::call("/proc/sys")(error)))
            }
            Ok(()) => Ok(()),
        }
    }
}

impl Ipv6Sysctl {
    /// None if it is not IPv6's.
    pub(super) fn of(key: Sysctl) -> Option<Self> {
        match key {
            Sysctl::ArpNotify => None,
            Sysctl::NdiscNotify => Some(Self::NdiscNotify),
            Sysctl::DisableIpv6 => Some(Self::DisableIpv6),
            Sysctl::AcceptRa => Some(Self::AcceptRa),
            Sysctl::Autoconf => Some(Self::Autoconf),
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::NdiscNotify => "ndisc_notify",
            Self::DisableIpv6 => "disable_ipv6",
            Self::AcceptRa => "accept_ra",
            Self::Autoconf => "autoconf",
        }
    }

    /// A kernel without IPv6 has none of its files, and what is asked for is so already.
    fn is_off(self, value: bool) -> bool {
        (self == Self::DisableIpv6) == value
    }
}

fn open_directory(at: impl AsFd, path: &'static str) -> Result<Option<OwnedFd>> {
    match openat(at, path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()) {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(Error::new("look at the links' sysctls", Cause::call(path)(errno))),
    }
}

/// The kernel wants the value whole in one write.
fn write_file(directory: Option<&OwnedFd>, path: &str, value: bool) -> io::Result<()> {
    let directory = directory.ok_or(io::ErrorKind::NotFound)?;
    open_file(directory, path)?.write_all(if value { b"1" } else { b"0" })
}

fn open_file(directory: &OwnedFd, path: &str) -> io::Result<File> {
    Ok(openat(directory, path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_fine_only_for_switching_ipv6_off() {
        let link: IfName = "no-such-link".parse().unwrap();
        let sysctls = Sysctls::open().unwrap();
        let write = |link, key, value| sysctls.write(link, key, value);
        assert!(write(&link, Ipv6Sysctl::DisableIpv6, true).is_ok());
        assert!(write(&link, Ipv6Sysctl::AcceptRa, false).is_ok());
        let error = write(&link, Ipv6Sysctl::DisableIpv6, false).unwrap_err();
        assert_eq!(error.to_string(), "set disable_ipv6 of link no-such-link to 0");
        let error = write(&link, Ipv6Sysctl::NdiscNotify, true).unwrap_err();
        assert_eq!(error.to_string(), "set ndisc_notify of link no-such-link to 1");
    }
}
