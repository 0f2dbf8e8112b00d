//! The routes that the rest of the LAN needs to reach a network on layer 3: pure.
//!
//! An ipvlan parent in mode l3 answers neither ARP nor neighbour discovery for its containers: nothing
//! outside knows that they are there. So routers send what is for their subnets to the host's own address on
//! the parent, whose Ethernet address the containers share; the parent hands over what is for them
//! (`ipvlan_handle_mode_l3`).

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use thiserror::Error;

use super::{Network, NetworkName, ParentSpec, file};
use crate::parent::{Host, HostLink};

/// A route for others to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnRoute {
    /// A subnet of the network.
    pub destination: IpNetwork,
    /// The host's address on the parent.
    pub gateway: IpAddr,
    /// Other addresses of the host there, which serve as well: for routers that reach them rather than the
    /// first.
    pub others: Vec<IpAddr>,
}

/// Why there are no such routes.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// Its containers answer for themselves.
    #[error(
        "network `{network}` ({driver} {mode}) works on layer 2: its containers answer on the LAN themselves, so routers need \
         no route to them"
    )]
    Layer2 {
        /// Which network.
        network: NetworkName,
        /// Its driver.
        driver: &'static str,
        /// Its mode.
        mode: &'static str,
    },
    /// Nobody answers.
    #[error("network `{0}` is internal: its containers have no way back, so no route to them is of use")]
    Internal(NetworkName),
    /// It leads nowhere.
    #[error("network `{0}` has no parent: it is isolated on this host, and no route leads to it")]
    Isolated(NetworkName),
    /// Nothing to lead to.
    #[error("network `{0}` has no subnets to which a route could lead")]
    NoSubnet(NetworkName),
    /// The parent is not there to be asked.
    #[error(
        "network `{network}`: its parent {parent} is not there at the moment, and so there is no address to which routers could \
         send"
    )]
    NoParent {
        /// Which network.
        network: NetworkName,
        /// Its parent.
        parent: String,
    },
    /// The host cannot be the next hop.
    #[error(
        "network `{network}`: the host has no {family} address on {parent}, outside the network's own subnets, to which routers \
         could send; give it one"
    )]
    NoAddress {
        /// Which network.
        network: NetworkName,
        /// Its parent.
        parent: String,
        /// IPv4 or IPv6.
        family: &'static str,
    },
}

/// A route to each subnet of the network, in declared order.
pub fn return_routes(network: &Network, host: &Host) -> Result<Vec<ReturnRoute>, Refusal> {
    let name = || network.name.clone();
    if !network.is_layer3() {
        let (driver, mode, _) = file::driver_words(network.driver);
        return Err(Refusal::Layer2 { network: name(), driver, mode });
    }
    if network.internal {
        return Err(Refusal::Internal(name()));
    }
    if network.parent == ParentSpec::Dummy {
        return Err(Refusal::Isolated(name()));
    }
    if network.subnets.is_empty() {
        return Err(Refusal::NoSubnet(name()));
    }
    let parent = host.parent_of(network).map_err(|parent| Refusal::NoParent { network: name(), parent })?;
    network.subnets.iter().map(|spec| route(network, spec.subnet, parent)).collect()
}

fn route(network: &Network, destination: IpNetwork, parent: &HostLink) -> Result<ReturnRoute, Refusal> {
    let mut hops =
        parent.addresses.iter().map(IpNetwork::ip).filter(|hop| is_hop(*hop, destination, network));
    let Some(gateway) = hops.next() else {
        return Err(Refusal::NoAddress {
            network: network.name.clone(),
            parent: parent.name.clone(),
            family: if destination.is_ipv4() { "IPv4" } else { "IPv6" },
        });
    };
    Ok(ReturnRoute { destination, gateway, others: hops.collect() })
}

/// A link-local address is of use only together with the router's own interface, which is not known here; one
/// in a subnet of the network would need the very route that it is for.
fn is_hop(hop: IpAddr, destination: IpNetwork, network: &Network) -> bool {
    let is_link_local = match hop {
        IpAddr::V4(hop) => hop.is_link_local(),
        IpAddr::V6(hop) => hop.is_unicast_link_local(),
    };
    let is_inside = network.subnets.iter().any(|spec| spec.subnet.contains(hop));
    hop.is_ipv4() == destination.is_ipv4() && !is_link_local && !is_inside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(fields: &str) -> Network {
        let text = format!(r#"{{"driver": "ipvlan", {fields}}}"#);
        file::parse(text.as_bytes(), &"far".parse().unwrap()).unwrap().network
    }

    const SUBNETS: &str = r#""subnets": [{"subnet": "10.1.0.0/24"}, {"subnet": "2001:db8:1::/64"}]"#;

    fn l3(parent: &str) -> Network {
        network(&format!(r#""mode": "l3", "parent": {parent}, {SUBNETS}"#))
    }

    fn host() -> Host {
        let link = |name: &str, addresses: &[&str]| HostLink {
            name: name.to_owned(),
            mtu: 1500,
            loopback: false,
            ours: false,
            taken_by: None,
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        };
        Host {
            links: vec![
                link(
                    "eth0",
                    &[
                        "10.1.0.250/24",
                        "192.168.1.250/24",
                        "192.168.2.250/24",
                        "fe80::1/64",
                        "2001:db8::250/64",
                    ],
                ),
                link("eth0.50", &["192.168.50.250/24"]),
            ],
            ipv4_default: Some("eth0".to_owned()),
            ..Host::default()
        }
    }

    fn refusal(network: &Network) -> String {
        return_routes(network, &host()).unwrap_err().to_string()
    }

    #[test]
    fn each_subnet_is_behind_the_hosts_addresses_of_its_family() {
        let expected = [
            ReturnRoute {
                destination: "10.1.0.0/24".parse().unwrap(),
                gateway: "192.168.1.250".parse().unwrap(),
                others: vec!["192.168.2.250".parse().unwrap()],
            },
            ReturnRoute {
                destination: "2001:db8:1::/64".parse().unwrap(),
                gateway: "2001:db8::250".parse().unwrap(),
                others: vec![],
            },
        ];
        for parent in [r#""eth0""#, r#""auto""#] {
            assert_eq!(return_routes(&l3(parent), &host()).unwrap(), expected, "{parent}");
        }
    }

    #[test]
    fn without_an_address_of_the_family_there_is_no_next_hop() {
        let text = refusal(&l3(r#""eth0", "vlan": 50"#));
        assert!(text.contains("no IPv6 address on eth0.50"), "{text}");
        assert!(refusal(&l3(r#""eth7""#)).contains("its parent eth7 is not there"));
    }

    #[test]
    fn what_needs_no_route_or_leads_nowhere_is_refused_with_the_reason() {
        assert!(
            refusal(&network(&format!(r#""parent": "eth0", {SUBNETS}"#)))
                .contains("(ipvlan l2) works on layer 2")
        );
        assert!(refusal(&network(&format!(r#""mode": "l3s", {SUBNETS}"#))).contains("no parent"));
        assert!(refusal(&network(r#""mode": "l3", "parent": "eth0""#)).contains("no subnets"));
        let internal = network(&format!(r#""mode": "l3", "parent": "eth0", "internal": true, {SUBNETS}"#));
        assert!(refusal(&internal).contains("is internal"));
    }
}
