//! The per-interface sysctls, below /proc/sys/net of the namespace that was entered.

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
        let ipv4 = open_directory(AT_FDCWD, "/proc/sys/net/ipv4/conf")?;
        let ipv6 = open_directory(AT_FDCWD, "/proc/sys/net/ipv6/conf")?;
        Ok(Self { ipv4, ipv6 })
    }

    /// The same in another procfs than the host's.
    pub(crate) fn below(procfs: &OwnedFd) -> Result<Self> {
        let ipv4 = open_directory(procfs, "sys/net/ipv4/conf")?;
        let ipv6 = open_directory(procfs, "sys/net/ipv6/conf")?;
        Ok(Self { ipv4, ipv6 })
    }

    /// Whether they can be opened to be written: tried with the loopback, which is in every namespace.
    pub(crate) fn are_writable(&self) -> bool {
        let is_writable = |directory: &Option<OwnedFd>, file| {
            directory.as_ref().is_none_or(|directory| open_file(directory, file).is_ok())
        };
        self.ipv4.is_some()
            && is_writable(&self.ipv4, "lo/arp_notify")
            && is_writable(&self.ipv6, "lo/disable_ipv6")
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
