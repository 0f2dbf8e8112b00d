//! What the host has, read once and then a value.

use ipnetwork::IpNetwork;
use netlink::{Kind, Link, Socket};

use super::make::MARK;

/// Drivers that take the receive handler of their ports, of which a link has one (`netdev_rx_handler_register`): macvlan
/// and ipvlan find it busy. A VRF does without.
const TAKING: [&str; 4] = ["bridge", "bond", "team", "openvswitch"];

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
    /// We made it for a network and take it down with the last one that names it.
    pub ours: bool,
    /// The bridge, bond or the like that has it to itself as a port.
    pub taken_by: Option<String>,
}

impl Host {
    /// Asks the kernel.
    pub fn read() -> Result<Self, netlink::Error> {
        let socket = Socket::open()?;
        let mut host = Self { links: Vec::new(), prefixes: socket.destinations()? };
        let links = socket.links()?;
        for link in &links {
            // The kernel removes the route of an address when its link goes down, so routes alone do not tell.
            host.prefixes.extend(socket.addresses(link.index)?);
        }
        host.links = links.iter().map(|link| HostLink::new(link, &links)).collect();
        Ok(host)
    }

    /// The link of this name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&HostLink> {
        self.links.iter().find(|link| link.name == name)
    }
}

impl HostLink {
    fn new(link: &Link, links: &[Link]) -> Self {
        let takes =
            |master: &&Link| matches!(&master.kind, Kind::Other(driver) if TAKING.contains(&driver.as_str()));
        let master = links.iter().find(|master| link.master == Some(master.index));
        Self {
            name: link.name.clone(),
            mtu: link.mtu,
            loopback: link.loopback,
            ours: link.alias.as_deref() == Some(MARK),
            taken_by: master.filter(takes).map(|master| master.name.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, name: &str, kind: Kind) -> Link {
        Link {
            index,
            name: name.to_owned(),
            up: true,
            loopback: false,
            carrier: true,
            mtu: 1500,
            mac: None,
            parent: None,
            parent_elsewhere: false,
            master: None,
            alias: None,
            kind,
        }
    }

    #[test]
    fn a_port_belongs_to_its_bridge_but_not_to_its_vrf() {
        let links = [
            link(1, "br0", Kind::Other("bridge".to_owned())),
            link(2, "blue", Kind::Other("vrf".to_owned())),
            Link { master: Some(1), ..link(3, "eth0", Kind::None) },
            Link { master: Some(2), ..link(4, "eth1", Kind::None) },
        ];
        let taken: Vec<_> = links.iter().map(|link| HostLink::new(link, &links).taken_by).collect();
        assert_eq!(taken, [None, None, Some("br0".to_owned()), None]);
    }

    #[test]
    fn a_link_is_ours_by_its_mark_alone() {
        let marked = Link { alias: Some(MARK.to_owned()), ..link(5, "eth0.50", Kind::Vlan(50)) };
        let named = Link { alias: Some("somebody's".to_owned()), ..link(6, "ul-lan", Kind::Dummy) };
        assert!(HostLink::new(&marked, &[]).ours);
        assert!(!HostLink::new(&named, &[]).ours);
    }
}
