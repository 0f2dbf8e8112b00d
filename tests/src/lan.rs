//! The LAN behind a lab's NIC.

use std::ops::Deref;

use crate::{Place, Result};

/// The network at the other end of the NIC's cable, with all of its routers and neighbours in one namespace.
///
/// It is a [`Place`]: commands run on it.
#[derive(Clone, Debug)]
pub struct Lan {
    place: Place,
}

impl Lan {
    pub(crate) fn new(host: &Place) -> Self {
        Self { place: host.namespace("/run/netns/lan") }
    }

    /// Gives the LAN's end of the cable an address, untagged.
    pub fn address(&self, address: &str) -> Result {
        self.add_address("wire", address)
    }

    /// Gives the LAN addresses on a VLAN.
    pub fn vlan(&self, vlan: u16, addresses: &[&str]) -> Result {
        let link = format!("wire.{vlan}");
        self.ok(&format!("ip link add link wire name {link} up type vlan id {vlan}"))?;
        addresses.iter().try_for_each(|address| self.add_address(&link, address))
    }

    /// Lets the LAN route between its addresses.
    pub fn route(&self) -> Result {
        self.ok("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1").map(drop)
    }

    fn add_address(&self, link: &str, address: &str) -> Result {
        // A router that still looks for a double of its address does not answer.
        let nodad = if address.contains(':') { "nodad" } else { "" };
        self.ok(&format!("ip address add {address} dev {link} {nodad}")).map(drop)
    }
}

impl Deref for Lan {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}
