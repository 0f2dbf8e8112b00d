//! The per-interface sysctls, below /proc/sys/net of the namespace that was entered.

use std::{
    fs::OpenOptions,
    io::{self, Write},
};

use plan::{IfName, Sysctl};

use crate::error::{Cause, Error, Result};

/// Writes zero or one. The directory shows the namespace of whoever opens a file in it, so this is for after
/// setns. A name with dots in it is one component of a path here, unlike in sysctl(8).
pub(super) fn write(link: &IfName, key: Sysctl, value: bool) -> Result<()> {
    let (family, file) = location(key);
    let path = format!("/proc/sys/net/{family}/conf/{link}/{file}");
    match write_file(&path, value) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_off(key, value) => Ok(()),
        Err(error) => {
            let what = format!("set {file} of link {link} to {}", i32::from(value));
            Err(Error::new(what, Cause::call("/proc/sys")(error)))
        }
        Ok(()) => Ok(()),
    }
}

/// The kernel wants the value whole in one write.
fn write_file(path: &str, value: bool) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(if value { b"1" } else { b"0" })
}

fn location(key: Sysctl) -> (&'static str, &'static str) {
    match key {
        Sysctl::ArpNotify => ("ipv4", "arp_notify"),
        Sysctl::NdiscNotify => ("ipv6", "ndisc_notify"),
        Sysctl::DisableIpv6 => ("ipv6", "disable_ipv6"),
        Sysctl::AcceptRa => ("ipv6", "accept_ra"),
        Sysctl::Autoconf => ("ipv6", "autoconf"),
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
        assert!(write(&link, Sysctl::DisableIpv6, true).is_ok());
        assert!(write(&link, Sysctl::AcceptRa, false).is_ok());
        let error = write(&link, Sysctl::DisableIpv6, false).unwrap_err();
        assert_eq!(error.to_string(), "set disable_ipv6 of link no-such-link to 0");
        assert!(write(&link, Sysctl::ArpNotify, false).is_err());
    }
}
