//! Who holds a lease.

use std::{fmt, str::FromStr};

use nix::{errno::Errno, unistd::gethostname};
use plan::{IfName, InvalidIfName};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::network::{InvalidNetworkName, NetworkName};

/// `__NEW_UTS_LEN` (include/uapi/linux/utsname.h): bytes of a nodename.
const MAX_HOST_LEN: usize = 64;

/// One interface of one network namespace. Written `host/cookie/network/interface`.
///
/// The cookie is the namespace's (`SO_NETNS_COOKIE`), never used again within a boot. The host is in it
/// because leases may be shared by hosts, whose cookies are not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Owner {
    /// The host.
    pub host: Host,
    /// The namespace.
    pub cookie: u64,
    /// The network that the addresses are of.
    pub network: NetworkName,
    /// The interface that has them.
    pub interface: IfName,
}

/// The name of a host: 1 to 64 bytes, no `/`, no space and no control character.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(String);

/// Why a text names no host.
#[derive(Debug, Error)]
pub enum InvalidHost {
    /// The kernel did not say.
    #[error("cannot read this host's name")]
    Read(#[source] Errno),
    /// It cannot be part of an owner's text.
    #[error(
        "host name `{}` is not 1 to {MAX_HOST_LEN} bytes without `/`, space and control characters; \
         set another with hostnamectl",
        .0.escape_debug()
    )]
    Form(String),
}

/// Why a text is not an owner.
#[derive(Debug, Error)]
pub enum InvalidOwner {
    /// Not four parts.
    #[error("`{}` is not of the form host/cookie/network/interface", .0.escape_debug())]
    Form(String),
    /// The first part.
    #[error("the first part of an owner is a host name")]
    Host(#[source] InvalidHost),
    /// The second part.
    #[error(
        "`{}`, the second part of an owner, is not a namespace's cookie: a decimal number of at most 64 bits",
        .0.escape_debug()
    )]
    Cookie(String),
    /// The third part.
    #[error("the third part of an owner is a network's name")]
    Network(#[source] InvalidNetworkName),
    /// The fourth part.
    #[error("the fourth part of an owner is an interface's name")]
    Interface(#[source] InvalidIfName),
}

impl Host {
    /// This host, as uname(2) calls it at this moment. It may be called otherwise later (DHCP, hostnamectl),
    /// so whoever wants to release what was claimed keeps the owner that claimed it.
    pub fn local() -> Result<Self, InvalidHost> {
        let name = gethostname().map_err(InvalidHost::Read)?;
        name.to_string_lossy().parse()
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Host {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=MAX_HOST_LEN).contains(&text.len());
        if fits && !text.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidHost::Form(text.to_owned()))
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Owner {
    type Err = InvalidOwner;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<_> = text.split('/').collect();
        let [host, cookie, network, interface] = parts.as_slice() else {
            return Err(InvalidOwner::Form(text.to_owned()));
        };
        Ok(Self {
            host: host.parse().map_err(InvalidOwner::Host)?,
            cookie: parse_cookie(cookie)?,
            network: network.parse().map_err(InvalidOwner::Network)?,
            interface: interface.parse().map_err(InvalidOwner::Interface)?,
        })
    }
}

impl TryFrom<String> for Owner {
    type Error = InvalidOwner;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        owner.to_string()
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.host, self.cookie, self.network, self.interface)
    }
}

/// One text for one number: owners are compared as texts, and `u64::from_str` alone would take `+1` and `01`.
fn parse_cookie(text: &str) -> Result<u64, InvalidOwner> {
    text.parse::<u64>()
        .ok()
        .filter(|cookie| cookie.to_string() == text)
        .ok_or_else(|| InvalidOwner::Cookie(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::strategies;

    #[test]
    fn its_parts_stand_in_their_order() {
        let text = "node-1.example/4294967297/lan.50/net1@x";
        let owner: Owner = text.parse().unwrap();
        assert_eq!((owner.host.as_str(), owner.cookie), ("node-1.example", 4_294_967_297));
        assert_eq!(owner.to_string(), text);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(owner in strategies::owner()) {
            let text = owner.to_string();
            prop_assert_eq!(text.parse::<Owner>().map_err(|error| error.to_string()), Ok(owner), "{}", text);
        }
    }

    #[test]
    fn a_text_that_is_no_owner_is_refused() {
        for text in [
            "",
            "h/1/lan",
            "h/1/lan/eth0/x",
            "/1/lan/eth0",
            "h h/1/lan/eth0",
            "h/+1/lan/eth0",
            "h/01/lan/eth0",
            "h/18446744073709551616/lan/eth0",
            "h/1/-lan/eth0",
            "h/1/lan/..",
        ] {
            assert!(text.parse::<Owner>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn this_host_has_a_name() {
        assert_eq!(Host::local().unwrap().as_str(), gethostname().unwrap().to_str().unwrap());
    }
}
