//! Whether a network can live beside the others: pure.

use std::{fmt, net::IpAddr};

use ipnetwork::IpNetwork;
use plan::{IpvlanFlag, IpvlanMode};
use thiserror::Error;

use super::{
    AddressRange, Network, NetworkName, ParentSpec, SubnetSpec,
    file::{driver_words, overlap, range_text},
};

/// One thing in which a network is at odds with another. The administrator changes one of the two.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Conflict {
    /// Subnets that overlap without being the same: an address would have two prefix lengths.
    #[error(
        "subnet {subnet} overlaps {theirs} of network `{other}`; take one apart from it, or the same with an `ip_range` of its own"
    )]
    Subnet {
        /// Ours.
        subnet: IpNetwork,
        /// Theirs.
        theirs: IpNetwork,
        /// Whose.
        other: NetworkName,
    },
    /// One subnet, and ranges that overlap.
    #[error(
        "subnet {subnet} is network `{other}`'s as well, and their ranges {} and {} overlap; \
         give each an `ip_range` of its own", range_text(*.range), range_text(*.theirs)
    )]
    Range {
        /// The subnet of both.
        subnet: IpNetwork,
        /// Ours.
        range: AddressRange,
        /// Theirs.
        theirs: AddressRange,
        /// Whose.
        other: NetworkName,
    },
    /// One subnet, and one network may hand out what the other knows to be taken.
    #[error(
        "{address} is set apart in network `{by}` but may be handed out by network `{in_range_of}`; \
         make it an auxiliary address there, or take it out of the range"
    )]
    SetApart {
        /// A gateway or an auxiliary address.
        address: IpAddr,
        /// The network that says so.
        by: NetworkName,
        /// The network in whose range it is.
        in_range_of: NetworkName,
    },
    /// A macvlan link in mode passthru has its parent for itself.
    #[error(
        "network `{passthru}` takes {parent} over in mode passthru, so network `{other}` cannot use it; \
         give one of the two another parent"
    )]
    Passthru {
        /// The parent's name.
        parent: String,
        /// The network in that mode, ours or the other.
        passthru: NetworkName,
        /// The one beside it.
        other: NetworkName,
    },
    /// macvlan and ipvlan on one parent: the kernel has room for one receive handler on a link.
    #[error(
        "{parent} carries network `{other}` of driver {driver}; macvlan and ipvlan cannot share a parent; \
         take driver {driver} or another parent"
    )]
    Driver {
        /// The parent's name.
        parent: String,
        /// The other's.
        driver: &'static str,
        /// Whose.
        other: NetworkName,
    },
    /// ipvlan's mode and flag belong to the parent: the kernel would switch the other network's links.
    #[error(
        "{parent} carries network `{other}` in ipvlan mode {}; \
         all ipvlan networks of a parent have one mode and flag; take these or another parent", Port(.theirs)
    )]
    Port {
        /// The parent's name.
        parent: String,
        /// The other's mode and flag.
        theirs: (IpvlanMode, IpvlanFlag),
        /// Whose.
        other: NetworkName,
    },
}

/// Everything in which `network` is at odds with the others. One of the others that has its name is itself,
/// as it was, and passed over.
#[must_use]
pub fn conflicts<'a>(network: &Network, others: impl IntoIterator<Item = &'a Network>) -> Vec<Conflict> {
    let others = others.into_iter().filter(|other| other.name != network.name);
    others
        .flat_map(|other| address_conflicts(network, other).into_iter().chain(link_conflict(network, other)))
        .collect()
}

fn address_conflicts(network: &Network, other: &Network) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for ours in &network.subnets {
        for theirs in other.subnets.iter().filter(|theirs| overlap(ours.subnet, theirs.subnet)) {
            if ours.subnet == theirs.subnet {
                conflicts.extend(shared(network, ours, other, theirs));
            } else {
                let (subnet, theirs, other) = (ours.subnet, theirs.subnet, other.name.clone());
                conflicts.push(Conflict::Subnet { subnet, theirs, other });
            }
        }
    }
    conflicts
}

/// Two networks may have one subnet if each hands out a part of its own, and nothing that the other knows to
/// be taken.
fn shared(network: &Network, ours: &SubnetSpec, other: &Network, theirs: &SubnetSpec) -> Vec<Conflict> {
    let (range, their_range) = (range(ours), range(theirs));
    if range.first <= their_range.last && their_range.first <= range.last {
        let (subnet, other) = (ours.subnet, other.name.clone());
        return vec![Conflict::Range { subnet, range, theirs: their_range, other }];
    }
    let apart = |by: (&Network, &SubnetSpec), of: (&Network, &SubnetSpec)| {
        let names = (by.0.name.clone(), of.0.name.clone());
        let conflict =
            move |address| Conflict::SetApart { address, by: names.0.clone(), in_range_of: names.1.clone() };
        handed_out(by.1, of.1).into_iter().map(conflict).collect::<Vec<_>>()
    };
    let (ours, theirs) = ((network, ours), (other, theirs));
    [apart(ours, theirs), apart(theirs, ours)].concat()
}

/// What is set apart in one and not in the other, though it is in the other's range.
fn handed_out(apart_in: &SubnetSpec, range_of: &SubnetSpec) -> Vec<IpAddr> {
    let range = range(range_of);
    set_apart(apart_in)
        .filter(|address| (range.first..=range.last).contains(address))
        .filter(|address| !set_apart(range_of).any(|known| known == *address))
        .collect()
}

fn set_apart(spec: &SubnetSpec) -> impl Iterator<Item = IpAddr> {
    spec.gateway.into_iter().chain(spec.aux_addresses.iter().map(|aux| aux.address))
}

fn range(spec: &SubnetSpec) -> AddressRange {
    let whole = AddressRange { first: spec.subnet.network(), last: spec.subnet.broadcast() };
    spec.ip_range.unwrap_or(whole)
}

fn link_conflict(network: &Network, other: &Network) -> Option<Conflict> {
    let parent =
        parent_name(&network.parent).filter(|name| parent_name(&other.parent).as_ref() == Some(name))?;
    let name = || other.name.clone();
    if network.ipvlan_port().is_some() != other.ipvlan_port().is_some() {
        let (driver, _, _) = driver_words(other.driver);
        return Some(Conflict::Driver { parent, driver, other: name() });
    }
    if other.is_passthru() {
        return Some(Conflict::Passthru { parent, passthru: name(), other: network.name.clone() });
    }
    if network.is_passthru() {
        return Some(Conflict::Passthru { parent, passthru: network.name.clone(), other: name() });
    }
    let theirs = other.ipvlan_port().filter(|theirs| network.ipvlan_port() != Some(*theirs))?;
    Some(Conflict::Port { parent, theirs, other: name() })
}

/// The link's name, by which a sub-interface of ours is the same as one that is named as it stands. A dummy
/// is no other network's; which link the default route leads to is known at attach only, where the claim on
/// it is refused if it has to be.
fn parent_name(parent: &ParentSpec) -> Option<String> {
    match parent {
        ParentSpec::Dummy | ParentSpec::DefaultRoute => None,
        ParentSpec::Link(name) => Some(name.to_string()),
        ParentSpec::Vlan { parent, vlan } => Some(format!("{parent}.{}", vlan.get())),
    }
}

/// Mode and flag in words.
struct Port<'a>(&'a (IpvlanMode, IpvlanFlag));

impl fmt::Display for Port<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mode, flag) = *self.0;
        let (_, mode, flag) = driver_words(super::DriverMode::Ipvlan { mode, flag });
        write!(f, "{mode}, flag {}", flag.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::file, *};

    fn network(name: &str, fields: &str) -> Network {
        let text = format!("{{{fields}}}");
        file::parse(text.as_bytes(), &name.parse().unwrap()).unwrap().network
    }

    /// The messages for a network `new` beside a network `old`.
    fn between(new: &str, old: &str) -> Vec<String> {
        let old = network("old", old);
        conflicts(&network("new", new), [&old]).iter().map(ToString::to_string).collect()
    }

    fn subnet(fields: &str) -> String {
        format!(r#""driver": "macvlan", "subnets": [{{{fields}}}]"#)
    }

    fn on(parent: &str, rest: &str) -> String {
        format!(r#""parent": "{parent}", {rest}"#)
    }

    const MACVLAN: &str = r#""driver": "macvlan""#;
    const IPVLAN: &str = r#""driver": "ipvlan""#;
    const PASSTHRU: &str = r#""driver": "macvlan", "mode": "passthru""#;

    #[test]
    fn overlapping_subnets_are_refused_with_the_others_name() {
        let (new, old) = (subnet(r#""subnet": "10.1.0.0/16""#), subnet(r#""subnet": "10.0.0.0/8""#));
        assert_eq!(
            between(&new, &old),
            [
                "subnet 10.1.0.0/16 overlaps 10.0.0.0/8 of network `old`; take one apart from it, or the same with an \
              `ip_range` of its own"
            ]
        );
        assert_eq!(between(&old, &new).len(), 1);
        assert!(between(&new, &subnet(r#""subnet": "10.2.0.0/16""#)).is_empty());
        assert!(between(&subnet(r#""subnet": "2001:db8::/64""#), &old).is_empty());
    }

    #[test]
    fn one_subnet_is_shared_by_disjoint_ranges_alone() {
        let part = |range: &str| subnet(&format!(r#""subnet": "10.0.0.0/24", "ip_range": "{range}""#));
        let whole = subnet(r#""subnet": "10.0.0.0/24""#);
        assert!(between(&part("10.0.0.0/25"), &part("10.0.0.128/25")).is_empty());
        assert!(between(&part("10.0.0.1-10.0.0.9"), &part("10.0.0.10-10.0.0.20")).is_empty());
        assert_eq!(
            between(&part("10.0.0.0/25"), &part("10.0.0.127-10.0.0.130")),
            [
                "subnet 10.0.0.0/24 is network `old`'s as well, and their ranges 10.0.0.0/25 and 10.0.0.127-10.0.0.130 \
              overlap; give each an `ip_range` of its own"
            ]
        );
        assert_eq!(between(&whole, &part("10.0.0.0/25")).len(), 1);
        assert_eq!(between(&whole, &whole).len(), 1);
    }

    #[test]
    fn a_shared_subnet_has_one_truth_about_what_is_taken() {
        let low = r#""subnet": "10.0.0.0/24", "ip_range": "10.0.0.0/25""#;
        let high = r#""subnet": "10.0.0.0/24", "ip_range": "10.0.0.128/25""#;
        let gateway = r#", "gateway": "10.0.0.1""#;
        let with = |spec: &str, rest: &str| subnet(&format!("{spec}{rest}"));
        let conflict = between(&with(low, ""), &with(high, gateway));
        assert_eq!(conflict.len(), 1, "{conflict:?}");
        assert!(
            conflict[0]
                .starts_with("10.0.0.1 is set apart in network `old` but may be handed out by network `new`")
        );
        assert_eq!(between(&with(high, gateway), &with(low, "")).len(), 1);
        assert!(between(&with(high, gateway), &with(low, gateway)).is_empty());
        assert!(
            between(&with(high, gateway), &with(low, r#", "aux_addresses": {"router": "10.0.0.1"}"#))
                .is_empty()
        );
    }

    #[test]
    fn macvlan_networks_share_a_parent_unless_one_takes_it_over() {
        assert!(between(&on("eth0", MACVLAN), &on("eth0", MACVLAN)).is_empty());
        for (new, old, passthru) in
            [(MACVLAN, PASSTHRU, "old"), (PASSTHRU, MACVLAN, "new"), (PASSTHRU, PASSTHRU, "old")]
        {
            let conflict = between(&on("eth0", new), &on("eth0", old));
            assert!(
                conflict[0].starts_with(&format!("network `{passthru}` takes eth0 over")),
                "{conflict:?}"
            );
        }
        assert!(between(&on("eth0", PASSTHRU), &on("eth1", PASSTHRU)).is_empty());
        assert!(between(PASSTHRU, PASSTHRU).is_empty(), "each has a dummy of its own");
    }

    #[test]
    fn macvlan_and_ipvlan_do_not_share_a_parent() {
        assert_eq!(
            between(&on("eth0", IPVLAN), &on("eth0", MACVLAN)),
            [
                "eth0 carries network `old` of driver macvlan; macvlan and ipvlan cannot share a parent; take driver \
              macvlan or another parent"
            ]
        );
        assert_eq!(between(&on("eth0", PASSTHRU), &on("eth0", IPVLAN)).len(), 1);
    }

    #[test]
    fn ipvlan_networks_of_one_parent_have_one_mode_and_flag() {
        let l3 = on("eth0", r#""driver": "ipvlan", "mode": "l3", "flag": "vepa""#);
        assert!(between(&on("eth0", IPVLAN), &on("eth0", IPVLAN)).is_empty());
        assert_eq!(
            between(&on("eth0", IPVLAN), &l3),
            ["eth0 carries network `old` in ipvlan mode l3, flag vepa; \
              all ipvlan networks of a parent have one mode and flag; take these or another parent"]
        );
        assert!(between(&on("eth1", IPVLAN), &l3).is_empty());
    }

    #[test]
    fn a_sub_interface_is_the_link_of_its_name() {
        let vlan = on("eth0", r#""driver": "ipvlan", "vlan": 50"#);
        assert_eq!(between(&vlan, &on("eth0.50", MACVLAN)).len(), 1);
        assert!(between(&vlan, &on("eth0", MACVLAN)).is_empty());
        assert!(between(&vlan, &on("eth0", r#""driver": "macvlan", "vlan": 51"#)).is_empty());
    }

    #[test]
    fn what_the_default_route_leads_to_is_at_odds_with_nobody_beforehand() {
        assert!(between(&on("auto", IPVLAN), &on("auto", MACVLAN)).is_empty());
        assert!(between(&on("auto", PASSTHRU), &on("eth0", MACVLAN)).is_empty());
    }

    #[test]
    fn a_network_is_not_at_odds_with_itself() {
        let network = network("lan", &on("eth0", PASSTHRU));
        assert_eq!(conflicts(&network, [&network]), []);
    }
}
