//! What the host has, read once and then a value.

use ipnetwork::IpNetwork;
use netlink::Socket;

/// The host's links, and the prefixes that it reaches or has addresses of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// In the kernel's order.
    pub links: Vec<HostLink>,
    /// Of addresses and of routes in the main table, default routes left out; some of them twice.
    pub prefixes: Vec<IpNetwork>,
}

/// A link, as far as it may become a parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLink {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub mtu: u32,
    /// It leads back to the host itself.
    pub loopback: bool,
}

impl Host {
    /// Asks the kernel.
    pub fn read() -> Result<Self, netlink::Error> {
        let socket = Socket::open()?;
        let mut host = Self { links: Vec::new(), prefixes: socket.destinations()? };
        for link in socket.links()? {
            // The kernel removes the route of an address when its link goes down, so routes alone do not tell.
            host.prefixes.extend(socket.addresses(link.index)?);
            host.links.push(HostLink { name: link.name, mtu: link.mtu, loopback: link.loopback });
        }
        Ok(host)
    }

    /// The link of this name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&HostLink> {
        self.links.iter().find(|link| link.name == name)
    }
}
