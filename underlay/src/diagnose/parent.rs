//! Whether each network's parent is there and can carry it.

use std::path::Path;

use netlink::{DefaultLinks, Kind, Link};
use plan::{IfName, LinkKind};

use super::{Finding, driver_name};
use crate::{
    network::{Network, ParentSpec},
    parent::{self, takes_ports},
};

const CHECK: &str = "parent";

/// The parent of one network as it is now.
#[derive(Debug, Default)]
struct View<'a> {
    /// The link that the network's own links hang on.
    link: Option<&'a Link>,
    /// For a VLAN: the link below it.
    below: Option<&'a Link>,
    /// The link is a port of this one.
    master: Option<&'a Link>,
    /// Links of the host itself that stand on the link.
    siblings: Vec<&'a Link>,
    /// The link, or the one below it, is a wireless card.
    is_wireless: bool,
}

/// Networks whose parent is for the default route to say, with what it says now in its place; where there is
/// no default route, they stay as they are.
pub(super) fn resolve(networks: Vec<Network>, links: &[Link], defaults: DefaultLinks) -> Vec<Network> {
    let resolved = |network: Network| {
        let index = if network.is_ipv6_only() { defaults.ipv6 } else { defaults.ipv4 };
        let link = links.iter().find(|link| Some(link.index) == index);
        match link.and_then(|link| IfName::new(link.name.as_str()).ok()) {
            Some(name) if network.parent == ParentSpec::DefaultRoute => {
                Network { parent: ParentSpec::Link(name), ..network }
            }
            _ => network,
        }
    };
    networks.into_iter().map(resolved).collect()
}

pub(super) fn check(links: &[Link], networks: &[Network]) -> Vec<Finding> {
    networks.iter().flat_map(|network| judge(network, &view(network, links), links)).collect()
}

fn view<'a>(network: &Network, links: &'a [Link]) -> View<'a> {
    let named = |name: &str| links.iter().find(|link| link.name == name);
    let name = parent::link_name(network).ok().flatten();
    let link = name.and_then(|name| named(name.as_str()));
    let below = match &network.parent {
        ParentSpec::Vlan { parent, .. } => named(parent.as_str()),
        ParentSpec::Link(_) | ParentSpec::DefaultRoute | ParentSpec::Dummy => None,
    };
    let on = |parent: &Link| {
        links.iter().filter(|link| link.parent == Some(parent.index) && !link.parent_elsewhere).collect()
    };
    View {
        link,
        below,
        master: link.and_then(|link| links.iter().find(|master| link.master == Some(master.index))),
        siblings: link.map(on).unwrap_or_default(),
        is_wireless: [link, below].into_iter().flatten().any(|link| is_wireless(&link.name)),
    }
}

/// cfg80211 gives its cards a `phy80211`; older drivers with wireless extensions alone have `wireless`.
fn is_wireless(name: &str) -> bool {
    let card = Path::new("/sys/class/net").join(name);
    card.join("phy80211").exists() || card.join("wireless").exists()
}

/// Everything that is wrong; or that nothing is.
fn judge(network: &Network, view: &View<'_>, links: &[Link]) -> Vec<Finding> {
    let name = match parent::link_name(network) {
        Ok(Some(name)) => name,
        Ok(None) => {
            let found = "its parent is the default route's link, and the host has no default route";
            let advice = "add a default route of the network's family, or name a parent";
            return vec![Finding::failure(CHECK, network.name.as_str(), found).advise(advice)];
        }
        Err(error) => return vec![Finding::failure(CHECK, network.name.as_str(), error.to_string())],
    };
    let subject = format!("{name} of {}", network.name);
    if let Some(finding) = absence(network, view, links, &subject) {
        return vec![finding];
    }
    let Some(link) = view.link else {
        let found = "not there; it is made with the next container";
        return [Some(Finding::ok(CHECK, &subject, found)), wireless(network, view, &subject)]
            .into_iter()
            .flatten()
            .collect();
    };
    let found: Vec<_> = [
        identity(network, view, link, &subject),
        port(view, &subject),
        company(network, view, &subject),
        state(link, &subject),
        mtu(network, link, &subject),
        wireless(network, view, &subject),
    ]
    .into_iter()
    .flatten()
    .collect();
    if found.is_empty() { vec![Finding::ok(CHECK, subject, healthy(link))] } else { found }
}

/// A link that nobody but the administrator makes.
fn absence(network: &Network, view: &View<'_>, links: &[Link], subject: &str) -> Option<Finding> {
    let missing = match &network.parent {
        ParentSpec::Link(name) if view.link.is_none() => name,
        ParentSpec::Vlan { parent, .. } if view.below.is_none() => parent,
        _ => return None,
    };
    let there: Vec<_> = links.iter().filter(|link| !link.loopback).map(|link| link.name.as_str()).collect();
    let found = format!("there is no link {missing}; there are {}", there.join(", "));
    Some(
        Finding::failure(CHECK, subject, found)
            .advise("make the link, or name another one as `parent` of the network"),
    )
}

/// Whether a link of the right name is the right link.
fn identity(network: &Network, view: &View<'_>, link: &Link, subject: &str) -> Option<Finding> {
    let wanted = match &network.parent {
        ParentSpec::Link(_) if link.loopback => "a link that leads somewhere, not loopback".to_owned(),
        ParentSpec::Vlan { parent, vlan }
            if link.kind != Kind::Vlan(vlan.get()) || link.parent != view.below.map(|below| below.index) =>
        {
            format!("VLAN {} of {parent}", vlan.get())
        }
        ParentSpec::Dummy if link.kind != Kind::Dummy => "a dummy".to_owned(),
        _ => return None,
    };
    let found =
        format!("a link of this name is there, but it is {}; wanted is {wanted}", driver_name(&link.kind));
    Some(
        Finding::failure(CHECK, subject, found)
            .advise("rename or delete it, or name it as the network's parent as it stands"),
    )
}

/// Bridges and bonds take the one receive handler that macvlan and ipvlan need, too.
fn port(view: &View<'_>, subject: &str) -> Option<Finding> {
    let master = view.master?;
    let what = format!("it is a port of {} ({})", master.name, driver_name(&master.kind));
    Some(if takes_ports(&master.kind) {
        let found = format!("{what}: the kernel refuses macvlan and ipvlan links on it (EBUSY)");
        Finding::failure(CHECK, subject, found).advise(format!("name {} as the parent", master.name))
    } else {
        Finding::note(CHECK, subject, what)
    })
}

/// Links that somebody else made on the same parent; those of containers cannot be seen from here.
fn company(network: &Network, view: &View<'_>, subject: &str) -> Option<Finding> {
    let excludes = |link: &&&Link| {
        matches!(
            (network.driver, driver_name(&link.kind).as_str()),
            (LinkKind::Macvlan { .. }, "ipvlan") | (LinkKind::Ipvlan { .. }, "macvlan")
        )
    };
    let other = view.siblings.iter().find(excludes)?;
    let found = format!(
        "{} stands on it and is {}: macvlan and ipvlan exclude each other (EBUSY)",
        other.name,
        driver_name(&other.kind)
    );
    Some(Finding::failure(CHECK, subject, found).advise("give one of them another parent"))
}

fn state(link: &Link, subject: &str) -> Option<Finding> {
    if !link.up {
        let advice = format!("`ip link set {} up`; the next container's start does it, too", link.name);
        return Some(Finding::warning(CHECK, subject, "it is down").advise(advice));
    }
    let found = "it is up but has no carrier";
    let advice = "look at the cable, at the other end's port, and at the link below it, if there is one";
    (!link.carrier).then(|| Finding::warning(CHECK, subject, found).advise(advice))
}

fn mtu(network: &Network, link: &Link, subject: &str) -> Option<Finding> {
    let mtu = network.mtu.filter(|mtu| *mtu > link.mtu)?;
    let found = format!("its mtu is {}, less than the network's {mtu}", link.mtu);
    let advice =
        format!("`ip link set {} mtu {mtu}` if its wire carries that, or lower the network's", link.name);
    Some(Finding::failure(CHECK, subject, found).advise(advice))
}

/// An access point hands frames to the MAC addresses that are associated with it alone.
fn wireless(network: &Network, view: &View<'_>, subject: &str) -> Option<Finding> {
    let is_macvlan = matches!(network.driver, LinkKind::Macvlan { .. });
    let found =
        "it is a wireless card: its access point drops frames of other MAC addresses, and so macvlan's";
    let advice = "use ipvlan, which has the card's MAC address";
    (view.is_wireless && is_macvlan).then(|| Finding::warning(CHECK, subject, found).advise(advice))
}

fn healthy(link: &Link) -> String {
    format!("up, with carrier, mtu {}, {}", link.mtu, driver_name(&link.kind))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Verdict,
            fixture::{link, network},
        },
        *,
    };

    /// Verdict and words for one network on a host with these links.
    fn judged(fields: &str, links: &[Link]) -> Vec<(Verdict, String)> {
        let network = network("lan", fields);
        let findings = judge(&network, &view(&network, links), links);
        findings.into_iter().map(|finding| (finding.verdict, finding.found)).collect()
    }

    fn eth0() -> Link {
        link(2, "eth0", Kind::None)
    }

    const MACVLAN: &str = r#""driver": "macvlan", "parent": "eth0""#;
    const VLAN: &str = r#""driver": "macvlan", "parent": "eth0", "vlan": 50"#;

    #[track_caller]
    fn assert_one(findings: &[(Verdict, String)], verdict: Verdict, words: &str) {
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].0, verdict, "{findings:?}");
        assert!(findings[0].1.contains(words), "{findings:?}");
    }

    #[test]
    fn a_link_that_is_up_is_right_and_a_missing_one_is_named_with_those_there_are() {
        assert_one(&judged(MACVLAN, &[eth0()]), Verdict::Ok, "up, with carrier, mtu 1500");
        let missing = judged(MACVLAN, &[link(2, "en0", Kind::None)]);
        assert_one(&missing, Verdict::Failure, "no link eth0; there are en0");
        assert_one(&judged(VLAN, &[]), Verdict::Failure, "no link eth0");
    }

    #[test]
    fn down_without_carrier_and_too_small_are_told() {
        let down = Link { up: false, carrier: false, ..eth0() };
        assert_one(&judged(MACVLAN, &[down]), Verdict::Warning, "down");
        assert_one(&judged(MACVLAN, &[Link { carrier: false, ..eth0() }]), Verdict::Warning, "no carrier");
        let jumbo = format!(r#"{MACVLAN}, "mtu": 9000"#);
        assert_one(&judged(&jumbo, &[eth0()]), Verdict::Failure, "less than the network's 9000");
    }

    #[test]
    fn a_port_of_a_bridge_fails_and_one_of_a_vrf_is_noted() {
        for (driver, verdict) in
            [("bridge", Verdict::Failure), ("bond", Verdict::Failure), ("vrf", Verdict::Note)]
        {
            let master = link(1, "m0", Kind::Other(driver.to_owned()));
            let port = Link { master: Some(1), ..eth0() };
            assert_one(&judged(MACVLAN, &[master, port]), verdict, "port of m0");
        }
    }

    #[test]
    fn a_sub_interface_may_be_missing_but_not_be_something_else() {
        assert_one(&judged(VLAN, &[eth0()]), Verdict::Ok, "made with the next container");
        let right = Link { parent: Some(2), ..link(3, "eth0.50", Kind::Vlan(50)) };
        assert_one(&judged(VLAN, &[eth0(), right.clone()]), Verdict::Ok, "VLAN 50");
        for wrong in [Link { kind: Kind::Vlan(51), ..right.clone() }, Link { parent: Some(9), ..right }] {
            assert_one(&judged(VLAN, &[eth0(), wrong]), Verdict::Failure, "wanted is VLAN 50 of eth0");
        }
    }

    #[test]
    fn the_other_driver_on_the_same_parent_excludes_ours() {
        let shim = Link { parent: Some(2), ..link(4, "shim", Kind::Macvlan(netlink::MacvlanMode::Bridge)) };
        let ipvlan = MACVLAN.replace("macvlan", "ipvlan");
        assert_one(&judged(&ipvlan, &[eth0(), shim.clone()]), Verdict::Failure, "shim stands on it");
        assert_one(&judged(MACVLAN, &[eth0(), shim]), Verdict::Ok, "up");
    }

    #[test]
    fn macvlan_on_a_wireless_card_is_warned_of_and_ipvlan_is_not() {
        let wlan = eth0();
        let view = || View { link: Some(&wlan), is_wireless: true, ..View::default() };
        let verdict = |fields: &str| judge(&network("lan", fields), &view(), &[])[0].verdict;
        assert_eq!(verdict(MACVLAN), Verdict::Warning);
        assert_eq!(verdict(&MACVLAN.replace("macvlan", "ipvlan")), Verdict::Ok);
    }

    #[test]
    fn the_default_route_names_the_parent_if_there_is_one() {
        let auto = || vec![network("lan", r#""driver": "macvlan", "parent": "auto""#)];
        let links = [eth0()];
        let by = |ipv4| resolve(auto(), &links, DefaultLinks { ipv4, ipv6: None }).remove(0);
        assert_eq!(by(Some(2)).parent, ParentSpec::Link("eth0".parse().unwrap()));
        let unresolved = by(None);
        let findings = judge(&unresolved, &view(&unresolved, &links), &links);
        assert_eq!(findings[0].verdict, Verdict::Failure);
        assert!(findings[0].found.contains("no default route"), "{findings:?}");
    }

    #[test]
    fn a_dummy_needs_nothing() {
        assert_one(&judged(r#""driver": "macvlan""#, &[]), Verdict::Ok, "next container");
        let other = link(5, "ul-lan", Kind::None);
        assert_one(&judged(r#""driver": "macvlan""#, &[other]), Verdict::Failure, "wanted is a dummy");
    }
}
