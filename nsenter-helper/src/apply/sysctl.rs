//! The per-interface sysctls, below /proc/sys/net of the namespace that was entered.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, OwnedFd},
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, open, openat},
    sys::stat::Mode,
};
use plan::{IfName, Sysctl};

use crate::error::{Cause, Error, Result};

/// The two directories with a directory for each link of the namespace, pinned: what landlock allows to be
/// written to is below them, and they are what it was told, whatever memory the kernel has to reclaim.
#[derive(Debug)]
pub(crate) struct Sysctls {
    ipv4: Option<OwnedFd>,
    /// None on a kernel without IPv6.
    ipv6: Option<OwnedFd>,
}

impl Sysctls {
    /// Opens the directories of the namespace that was entered: which one they show is settled when they are
    /// opened.
    pub(crate) fn open() -> Result<Self> {
        let ipv4 = open_directory("/proc/sys/net/ipv4/conf")?;
        let ipv6 = open_directory("/proc/sys/net/ipv6/conf")?;
        Ok(Self { ipv4, ipv6 })
    }

    /// Those that there are.
    pub(crate) fn directories(&self) -> impl Iterator<Item = &OwnedFd> {
        self.ipv4.iter().chain(&self.ipv6)
    }

    /// Writes zero or one. A name with dots in it is one component of a path here, unlike in sysctl(8).
    pub(super) fn write(&self, link: &IfName, key: Sysctl, value: bool) -> Result<()> {
        let (family, file) = location(key);
        let directory = match family {
            Family::Ipv4 => &self.ipv4,
            Family::Ipv6 => &self.ipv6,
        };
        match write_file(directory.as_ref(), &format!("{link}/{file}"), value) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_off(key, value) => Ok(()),
            Err(error) => {
                let what = format!("set {file} of link {link} to {}", i32::from(value));
                Err(Error::new(what, Cause::call("/proc/sys")(error)))
            }
            Ok(()) => Ok(()),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Family {
    Ipv4,
    Ipv6,
}

fn open_directory(path: &'static str) -> Result<Option<OwnedFd>> {
    match open(path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()) {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(Error::new("look at the links' sysctls", Cause::call(path)(errno))),
    }
}

/// The kernel wants the value whole in one write.
fn write_file(directory: Option<&OwnedFd>, path: &str, value: bool) -> io::Result<()> {
    let directory = directory.ok_or(io::ErrorKind::NotFound)?;
    let file = openat(directory.as_fd(), path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    File::from(file).write_all(if value { b"1" } else { b"0" })
}

fn location(key: Sysctl) -> (Family, &'static str) {
    match key {
        Sysctl::ArpNotify => (Family::Ipv4, "arp_notify"),
        Sysctl::NdiscNotify => (Family::Ipv6, "ndisc_notify"),
        Sysctl::DisableIpv6 => (Family::Ipv6, "disable_ipv6"),
        Sysctl::AcceptRa => (Family::Ipv6, "accept_ra"),
        Sysctl::Autoconf => (Family::Ipv6, "autoconf"),
    }
}

/// A kernel without IPv6 has none of its files, and what is asked for is so already.
fn is_off(key: Sysctl, value: bool) -> bool {
    match key {
        Sysctl::DisableIpv6 => value,
        Sysctl::AcceptRa | Sysctl::Autoconf | Sysctl::NdiscNotify => !value,
        Sysctl::ArpNotify => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_fine_only_for_switching_ipv6_off() {
        let link: IfName = "no-such-link".parse().unwrap();
        let sysctls = Sysctls::open().unwrap();
        let write = |link, key, value| sysctls.write(link, key, value);
        assert!(write(&link, Sysctl::DisableIpv6, true).is_ok());
        assert!(write(&link, Sysctl::AcceptRa, false).is_ok());
        let error = write(&link, Sysctl::DisableIpv6, false).unwrap_err();
        assert_eq!(error.to_string(), "set disable_ipv6 of link no-such-link to 0");
        assert!(write(&link, Sysctl::ArpNotify, false).is_err());
    }
}
