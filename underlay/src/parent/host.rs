//! What the host has, read once and then a value.

use ipnetwork::IpNetwork;
use netlink::{Kind, Link, Socket};

use super::{link_name, make::MARK};
use crate::network::Network;

/// Drivers that take the receive handler of their ports, of which a link has one
/// (`netdev_rx_handler_register`): macvlan and ipvlan find it busy. A VRF does without.
const TAKING: [&str; 4] = ["bridge", "bond", "team", "openvswitch"];

/// The host's links, and the prefixes that it reaches or has addresses of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// In the kernel's order.
    pub links: Vec<HostLink>,
    /// Of addresses and of routes in the main table, default routes left out; some of them twice.
    pub prefixes: Vec<IpNetwork>,
    /// The link of the IPv4 default route.
    pub ipv4_default: Option<String>,
    /// The link of the IPv6 default route.
    pub ipv6_default: Option<String>,
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
    /// We made it for a network and take it down with the last one that names it.
    pub ours: bool,
    /// The bridge, bond or the like that has it to itself as a port.
    pub taken_by: Option<String>,
    /// The host's own addresses on it.
    pub addresses: Vec<IpNetwork>,
}

impl Host {
    /// Asks the kernel.
    pub fn read() -> Result<Self, netlink::Error> {
        let socket = Socket::open()?;
        let links = socket.links()?;
        let name = |index: u32| links.iter().find(|link| link.index == index).map(|link| link.name.clone());
        let defaults = socket.default_route_links()?;
        let mut host = Self {
            links: Vec::new(),
            prefixes: socket.destinations()?,
            ipv4_default: defaults.ipv4.and_then(name),
            ipv6_default: defaults.ipv6.and_then(name),
        };
        for link in &links {
            let addresses = socket.addresses(link.index)?;
            // The kernel removes the route of an address when its link goes down, so routes alone do not
            // tell.
            host.prefixes.extend(&addresses);
            host.links.push(HostLink::new(link, &links, addresses));
        }
        Ok(host)
    }

    /// The link that a network's links would hang on at this moment, or the name of what is missing.
    pub fn parent_of(&self, network: &Network) -> Result<&HostLink, String> {
        let default = if network.is_ipv6_only() { &self.ipv6_default } else { &self.ipv4_default };
        let name = match link_name(network) {
            Ok(Some(name)) => name.to_string(),
            Ok(None) => default.clone().ok_or("(that of the default route)")?,
            Err(error) => return Err(error.to_string()),
        };
        self.link(&name).ok_or(name)
    }

    /// The link of this name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&HostLink> {
        self.links.iter().find(|link| link.name == name)
    }
}

impl HostLink {
    fn new(link: &Link, links: &[Link], addresses: Vec<IpNetwork>) -> Self {
        let master = links.iter().find(|master| link.master == Some(master.index));
        Self {
            name: link.name.clone(),
            mtu: link.mtu,
            loopback: link.loopback,
            ours: link.alias.as_deref() == Some(MARK),
            taken_by: master.filter(|master| takes_ports(&master.kind)).map(|master| master.name.clone()),
            addresses,
        }
    }
}

/// Whether links of this kind leave their ports no room for macvlan or ipvlan.
pub(crate) fn takes_ports(kind: &Kind) -> bool {
    matches!(kind, Kind::Other(driver) if TAKING.contains(&driver.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::fixture::link;

    #[test]
    fn a_port_belongs_to_its_bridge_but_not_to_its_vrf() {
        let links = [
            link(1, "br0", Kind::Other("bridge".to_owned())),
            link(2, "blue", Kind::Other("vrf".to_owned())),
            Link { master: Some(1), ..link(3, "eth0", Kind::None) },
            Link { master: Some(2), ..link(4, "eth1", Kind::None) },
        ];
        let taken: Vec<_> =
            links.iter().map(|link| HostLink::new(link, &links, Vec::new()).taken_by).collect();
        assert_eq!(taken, [None, None, Some("br0".to_owned()), None]);
    }

    #[test]
    fn a_link_is_ours_by_its_mark_alone() {
        let marked = Link { alias: Some(MARK.to_owned()), ..link(5, "eth0.50", Kind::Vlan(50)) };
        let named = Link { alias: Some("somebody's".to_owned()), ..link(6, "ul-lan", Kind::Dummy) };
        assert!(HostLink::new(&marked, &[], Vec::new()).ours);
        assert!(!HostLink::new(&named, &[], Vec::new()).ours);
    }
}
