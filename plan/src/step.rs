//! What the helper can be asked to do.

use std::{fmt, net::IpAddr};

use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};

use crate::{IfName, MacAddress};

/// Steps for one network namespace, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// How long, in milliseconds from now, a step may be tried again that found a MAC or an address
    /// still held by a namespace which the kernel is taking down.
    pub patience_ms: u32,
    /// What to do, first step first.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The longest patience that a helper has: more than a container's start may take.
    pub const MAX_PATIENCE_MS: u32 = 30_000;
    /// The most steps of one plan: room for three networks with every route that a definition may have.
    pub const MAX_STEPS: usize = 1024;
}

/// One operation. Making steps act inside the namespace which the helper entered; [`Step::DeleteLink`] needs
/// no namespace to be entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Make a macvlan or ipvlan link under its final name, down, directly in the namespace.
    CreateLink(CreateLink),
    /// Write one per-interface sysctl, before the link comes up.
    SetSysctl {
        /// Whose.
        link: IfName,
        /// Which.
        key: Sysctl,
        /// Zero or one.
        value: bool,
    },
    /// Add an address with the prefix length of its subnet; IPv6 without duplicate address detection.
    AddAddress {
        /// To which link.
        link: IfName,
        /// The address and its prefix length.
        address: IpNetwork,
    },
    /// Bring a link up and, in the same message, write its alias: the mark by which it is known as ours.
    SetUp {
        /// Which link.
        link: IfName,
        /// The alias, at most 255 bytes (`IFALIASZ`).
        alias: String,
    },
    /// Add a route to the main table.
    AddRoute(Route),
    /// Remove a link, if it still is the one that was made.
    DeleteLink(DeleteLink),
    /// Remove a route that outlives its link (blackhole, unreachable, prohibit). Its absence is no error.
    DeleteRoute(Route),
}

/// A link to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateLink {
    /// Its name in the namespace.
    pub name: IfName,
    /// Driver and mode.
    pub kind: LinkKind,
    /// Index of the parent in the host's namespace.
    pub parent: u32,
    /// Ethernet address; for macvlan alone, ipvlan shares its parent's.
    pub mac: Option<MacAddress>,
    /// Bytes; the parent's if not given.
    pub mtu: Option<u32>,
}

/// A link to remove, and all by which to recognise it.
///
/// The link is looked for in the namespace that the host knows under `nsid`. It is removed only if its driver
/// and parent are those given, and its alias is `alias` unless `nsid` and `index` tell it from all others: a
/// container may change an alias. A link whose index is not known may also be down and without an alias: then
/// its maker was killed between making it and bringing it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteLink {
    /// The host's number of the namespace (`RTM_NEWNSID`).
    pub nsid: i32,
    /// Its index there, once its maker has reported it: a container may rename its link.
    pub index: Option<u32>,
    /// Its name there when it was made.
    pub name: IfName,
    /// Driver and mode.
    pub kind: LinkKind,
    /// Index of the parent in the host's namespace.
    pub parent: u32,
    /// The mark.
    pub alias: String,
}

/// Driver and mode of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "driver", rename_all = "lowercase", deny_unknown_fields)]
pub enum LinkKind {
    /// Own MAC address (drivers/net/macvlan.c).
    Macvlan {
        /// Who reaches whom on one parent.
        mode: MacvlanMode,
    },
    /// The parent's MAC address (Documentation/networking/ipvlan.rst).
    Ipvlan {
        /// Where the parent hands over: frames (l2) or packets (l3, l3s).
        mode: IpvlanMode,
        /// Who reaches whom on one parent.
        flag: IpvlanFlag,
    },
}

/// `MACVLAN_MODE_*` of `include/uapi/linux/if_link.h`, without `source`, which nobody can ask for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MacvlanMode {
    /// Links of one parent reach each other directly.
    Bridge,
    /// Everything goes out; a switch with hairpin forwarding may send it back.
    Vepa,
    /// Links of one parent do not reach each other.
    Private,
    /// One link takes the parent over.
    Passthru,
}

/// `IPVLAN_MODE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpvlanMode {
    /// Switched by MAC; broadcast and ARP work.
    L2,
    /// Routed; no broadcast, no ARP.
    L3,
    /// Routed, and seen by the host's netfilter.
    L3s,
}

/// `IPVLAN_F_*`: none is bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpvlanFlag {
    /// Links of one parent reach each other directly.
    Bridge,
    /// Links of one parent do not reach each other.
    Private,
    /// Everything goes out.
    Vepa,
}

/// The per-interface sysctls that the helper may write (Documentation/networking/ip-sysctl.rst).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sysctl {
    /// `ipv4/conf/IF/arp_notify`: gratuitous ARP when the link comes up.
    ArpNotify,
    /// `ipv6/conf/IF/ndisc_notify`: unsolicited neighbour advertisement when the link comes up.
    NdiscNotify,
    /// `ipv6/conf/IF/disable_ipv6`.
    DisableIpv6,
    /// `ipv6/conf/IF/accept_ra`.
    AcceptRa,
    /// `ipv6/conf/IF/autoconf`.
    Autoconf,
}

/// A route of the main table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// What it does with a packet.
    pub kind: RouteKind,
    /// Destination, host bits zero; length 0 is the default route.
    pub destination: IpNetwork,
    /// Next hop, of the destination's family.
    pub gateway: Option<IpAddr>,
    /// Link to leave by; none for the kinds that leave by no link.
    pub link: Option<IfName>,
    /// Priority; the kernel's own default (IPv4 0, IPv6 1024) if not given.
    pub metric: Option<u32>,
}

/// `RTN_*` of include/uapi/linux/rtnetlink.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// Send on.
    Unicast,
    /// Drop silently.
    Blackhole,
    /// Drop and say "host unreachable".
    Unreachable,
    /// Drop and say "administratively prohibited".
    Prohibit,
}

impl fmt::Display for Route {
    /// As ip-route(8) writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            RouteKind::Unicast => "",
            RouteKind::Blackhole => "blackhole ",
            RouteKind::Unreachable => "unreachable ",
            RouteKind::Prohibit => "prohibit ",
        })?;
        match self.destination.prefix() {
            0 => f.write_str("default")?,
            _ => write!(f, "{}", self.destination)?,
        }
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        if let Some(link) = &self.link {
            write!(f, " dev {link}")?;
        }
        match self.metric {
            Some(metric) => write!(f, " metric {metric}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_written_as_ip_route_writes_it() {
        let route = Route {
            kind: RouteKind::Unicast,
            destination: "0.0.0.0/0".parse().unwrap(),
            gateway: Some([10, 0, 0, 1].into()),
            link: Some("eth0".parse().unwrap()),
            metric: Some(5),
        };
        assert_eq!(route.to_string(), "default via 10.0.0.1 dev eth0 metric 5");
        let drops = Route {
            kind: RouteKind::Blackhole,
            destination: "2001:db8::/48".parse().unwrap(),
            gateway: None,
            link: None,
            metric: None,
        };
        assert_eq!(drops.to_string(), "blackhole 2001:db8::/48");
    }
}
