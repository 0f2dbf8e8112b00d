//! Looking at a plan again before anything of it is carried out: its author has read what strangers wrote.

use std::{collections::BTreeSet, net::IpAddr};

use ipnetwork::IpNetwork;
use plan::{CreateLink, DeleteLink, IfName, LinkKind, Plan, Route, RouteKind, Step};
use thiserror::Error;

/// `IFALIASZ` counts the terminating zero.
const MAX_ALIAS: usize = 255;
/// What every IPv4 link carries (`ETH_MIN_MTU`), and the kernel's largest (`ETH_MAX_MTU`).
const MTU: std::ops::RangeInclusive<u32> = 68..=65535;

/// Why a plan is not carried out.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Inadmissible {
    #[error("the plan has {0} steps, more than {max}", max = Plan::MAX_STEPS)]
    Steps(usize),
    #[error("the plan's patience is {0} ms, more than {max}", max = Plan::MAX_PATIENCE_MS)]
    Patience(u32),
    #[error("no namespace was given, and all but deleting links needs one")]
    NoNamespace,
    #[error("{0} is not a link that the plan has made before")]
    ForeignLink(IfName),
    #[error("{0} is made twice")]
    Twice(IfName),
    #[error("{0} is not the index of a link")]
    Index(u32),
    #[error("{0} is not the number of a namespace")]
    Nsid(i32),
    #[error("{0} bytes are no mtu")]
    Mtu(u32),
    #[error("an ipvlan link has its parent's mac")]
    IpvlanMac,
    #[error("{0} cannot be the address of a link")]
    Address(IpNetwork),
    #[error("an alias has 1 to {MAX_ALIAS} bytes and no control characters")]
    Alias,
    #[error("the route to {0} needs a link, and a gateway of its own family if any")]
    UnicastRoute(IpNetwork),
    #[error("the route to {0} drops packets and has neither link nor gateway")]
    DroppingRoute(IpNetwork),
    #[error("{0} is not the destination of a route: host bits are set, or it is multicast")]
    Destination(IpNetwork),
    #[error("only a route that drops packets is deleted by itself; the one to {0} ends with its link")]
    DeleteRoute(IpNetwork),
}

type Verdict = Result<(), Inadmissible>;

/// Whether a plan may be carried out inside a namespace. Making steps touch only links that an earlier step
/// made.
pub(crate) fn check(plan: &Plan) -> Verdict {
    check_size(plan)?;
    // Not a HashSet, which would ask the kernel for random numbers.
    let mut made = BTreeSet::new();
    let known = |made: &BTreeSet<&IfName>, link: &IfName| {
        if made.contains(link) { Ok(()) } else { Err(Inadmissible::ForeignLink(link.clone())) }
    };
    for step in &plan.steps {
        match step {
            Step::CreateLink(new) => {
                check_new_link(new)?;
                if !made.insert(&new.name) {
                    return Err(Inadmissible::Twice(new.name.clone()));
                }
            }
            Step::SetSysctl { link, .. } => known(&made, link)?,
            Step::AddAddress { link, address } => {
                known(&made, link)?;
                check_address(*address)?;
            }
            Step::SetUp { link, alias } => {
                known(&made, link)?;
                check_alias(alias)?;
            }
            Step::AddRoute(route) => {
                check_route(route)?;
                route.link.as_ref().map_or(Ok(()), |link| known(&made, link))?;
            }
            Step::DeleteLink(link) => check_removal(link)?,
            Step::DeleteRoute(route) if route.kind == RouteKind::Unicast => {
                return Err(Inadmissible::DeleteRoute(route.destination));
            }
            Step::DeleteRoute(route) => check_route(route)?,
        }
    }
    Ok(())
}

/// The links to delete by a plan that is carried out without entering a namespace: nothing else can be in it.
pub(crate) fn removals(plan: Plan) -> Result<Vec<DeleteLink>, Inadmissible> {
    check_size(&plan)?;
    plan.steps
        .into_iter()
        .map(|step| match step {
            Step::DeleteLink(link) => check_removal(&link).map(|()| link),
            _ => Err(Inadmissible::NoNamespace),
        })
        .collect()
}

fn check_size(plan: &Plan) -> Verdict {
    if plan.steps.len() > Plan::MAX_STEPS {
        return Err(Inadmissible::Steps(plan.steps.len()));
    }
    if plan.patience_ms > Plan::MAX_PATIENCE_MS {
        return Err(Inadmissible::Patience(plan.patience_ms));
    }
    Ok(())
}

fn check_new_link(link: &CreateLink) -> Verdict {
    check_index(link.parent)?;
    if let Some(mtu) = link.mtu.filter(|mtu| !MTU.contains(mtu)) {
        return Err(Inadmissible::Mtu(mtu));
    }
    match link.kind {
        LinkKind::Ipvlan { .. } if link.mac.is_some() => Err(Inadmissible::IpvlanMac),
        _ => Ok(()),
    }
}

fn check_removal(link: &DeleteLink) -> Verdict {
    check_index(link.parent)?;
    link.index.map_or(Ok(()), check_index)?;
    if link.nsid < 0 {
        return Err(Inadmissible::Nsid(link.nsid));
    }
    check_alias(&link.alias)
}

/// The kernel's indices are positive numbers of 31 bits.
fn check_index(index: u32) -> Verdict {
    match i32::try_from(index) {
        Ok(1..) => Ok(()),
        _ => Err(Inadmissible::Index(index)),
    }
}

fn check_address(address: IpNetwork) -> Verdict {
    let ip = address.ip();
    if ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || address.prefix() == 0 {
        return Err(Inadmissible::Address(address));
    }
    Ok(())
}

/// An empty alias would be no mark, and a zero byte would end it early.
fn check_alias(alias: &str) -> Verdict {
    if alias.is_empty() || alias.len() > MAX_ALIAS || alias.chars().any(char::is_control) {
        return Err(Inadmissible::Alias);
    }
    Ok(())
}

fn check_route(route: &Route) -> Verdict {
    let destination = route.destination;
    if destination.network() != destination.ip() || destination.ip().is_multicast() {
        return Err(Inadmissible::Destination(destination));
    }
    let other_family = |gateway: IpAddr| gateway.is_ipv4() != destination.is_ipv4();
    match route.kind {
        RouteKind::Unicast if route.link.is_none() || route.gateway.is_some_and(other_family) => {
            Err(Inadmissible::UnicastRoute(destination))
        }
        RouteKind::Blackhole | RouteKind::Unreachable | RouteKind::Prohibit
            if route.link.is_some() || route.gateway.is_some() =>
        {
            Err(Inadmissible::DroppingRoute(destination))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use plan::{IpvlanFlag, IpvlanMode, MacAddress, MacvlanMode};

    use super::*;

    fn name(text: &str) -> IfName {
        text.parse().unwrap()
    }

    fn new_link() -> CreateLink {
        let kind = LinkKind::Macvlan { mode: MacvlanMode::Bridge };
        CreateLink { name: name("eth0"), kind, parent: 3, mac: None, mtu: None }
    }

    fn old_link() -> DeleteLink {
        let CreateLink { name, kind, parent, .. } = new_link();
        DeleteLink { nsid: 55, index: Some(2), name, kind, parent, alias: "underlay:x".into() }
    }

    fn route(kind: RouteKind, destination: &str) -> Route {
        let link = (kind == RouteKind::Unicast).then(|| name("eth0"));
        Route { kind, destination: destination.parse().unwrap(), gateway: None, link, metric: None }
    }

    fn plan(steps: Vec<Step>) -> Plan {
        Plan { patience_ms: 500, steps }
    }

    /// What is said about one step, after one that makes eth0.
    fn verdict(step: Step) -> Verdict {
        check(&plan(vec![Step::CreateLink(new_link()), step]))
    }

    fn address(text: &str) -> Step {
        Step::AddAddress { link: name("eth0"), address: text.parse().unwrap() }
    }

    #[test]
    fn an_ordinary_plan_is_admitted() {
        let steps = vec![
            Step::CreateLink(new_link()),
            Step::SetSysctl { link: name("eth0"), key: plan::Sysctl::ArpNotify, value: true },
            address("172.16.86.2/24"),
            Step::SetUp { link: name("eth0"), alias: "underlay:x".into() },
            Step::AddRoute(Route {
                gateway: Some([172, 16, 86, 1].into()),
                ..route(RouteKind::Unicast, "0.0.0.0/0")
            }),
            Step::AddRoute(route(RouteKind::Blackhole, "10.0.0.0/8")),
            Step::DeleteLink(old_link()),
            Step::DeleteRoute(route(RouteKind::Blackhole, "10.0.0.0/8")),
        ];
        assert_eq!(check(&plan(steps)), Ok(()));
    }

    #[test]
    fn a_link_that_the_plan_did_not_make_is_not_touched() {
        let foreign = Err(Inadmissible::ForeignLink(name("lo")));
        for step in [
            Step::SetUp { link: name("lo"), alias: "x".into() },
            Step::AddAddress { link: name("lo"), address: "10.0.0.1/8".parse().unwrap() },
            Step::SetSysctl { link: name("lo"), key: plan::Sysctl::ArpNotify, value: true },
            Step::AddRoute(Route { link: Some(name("lo")), ..route(RouteKind::Unicast, "0.0.0.0/0") }),
        ] {
            assert_eq!(verdict(step), foreign);
        }
        assert_eq!(verdict(Step::CreateLink(new_link())), Err(Inadmissible::Twice(name("eth0"))));
    }

    #[test]
    fn values_that_no_plan_of_ours_has_are_refused() {
        for text in ["127.0.0.1/8", "0.0.0.0/0", "10.0.0.1/0", "224.0.0.1/24", "ff02::1/64", "::1/128"] {
            assert!(matches!(verdict(address(text)), Err(Inadmissible::Address(_))), "{text}");
        }
        for alias in [String::new(), "a\0b".into(), "a\nb".into(), "x".repeat(256)] {
            let step = Step::SetUp { link: name("eth0"), alias };
            assert_eq!(verdict(step), Err(Inadmissible::Alias));
        }
        let bad = |link: CreateLink| check(&plan(vec![Step::CreateLink(link)]));
        assert_eq!(bad(CreateLink { parent: 0, ..new_link() }), Err(Inadmissible::Index(0)));
        assert_eq!(bad(CreateLink { mtu: Some(67), ..new_link() }), Err(Inadmissible::Mtu(67)));
        let kind = LinkKind::Ipvlan { mode: IpvlanMode::L2, flag: IpvlanFlag::Bridge };
        let mac = Some(MacAddress::local([1; 6]));
        assert_eq!(bad(CreateLink { kind, mac, ..new_link() }), Err(Inadmissible::IpvlanMac));
        assert_eq!(
            verdict(Step::DeleteLink(DeleteLink { nsid: -1, ..old_link() })),
            Err(Inadmissible::Nsid(-1))
        );
    }

    #[test]
    fn routes_are_of_one_family_and_have_what_their_kind_needs() {
        let add = |route| verdict(Step::AddRoute(route));
        let gateway = Some("2001:db8::1".parse().unwrap());
        assert!(matches!(
            add(Route { gateway, ..route(RouteKind::Unicast, "0.0.0.0/0") }),
            Err(Inadmissible::UnicastRoute(_))
        ));
        assert!(matches!(
            add(Route { link: None, ..route(RouteKind::Unicast, "0.0.0.0/0") }),
            Err(Inadmissible::UnicastRoute(_))
        ));
        assert!(matches!(
            add(Route { gateway, ..route(RouteKind::Prohibit, "::/0") }),
            Err(Inadmissible::DroppingRoute(_))
        ));
        assert!(matches!(add(route(RouteKind::Unicast, "10.0.0.1/8")), Err(Inadmissible::Destination(_))));
        let unicast = route(RouteKind::Unicast, "10.0.0.0/8");
        assert!(matches!(verdict(Step::DeleteRoute(unicast)), Err(Inadmissible::DeleteRoute(_))));
    }

    #[test]
    fn sizes_are_limited() {
        let steps = vec![Step::DeleteLink(old_link()); Plan::MAX_STEPS + 1];
        assert_eq!(check(&plan(steps)), Err(Inadmissible::Steps(1025)));
        let impatient = Plan { patience_ms: 30_001, steps: Vec::new() };
        assert_eq!(check(&impatient), Err(Inadmissible::Patience(30_001)));
    }

    #[test]
    fn without_a_namespace_only_links_are_deleted() {
        assert_eq!(removals(plan(vec![Step::DeleteLink(old_link())])), Ok(vec![old_link()]));
        for step in
            [Step::CreateLink(new_link()), Step::DeleteRoute(route(RouteKind::Blackhole, "10.0.0.0/8"))]
        {
            let steps = vec![Step::DeleteLink(old_link()), step];
            assert_eq!(removals(plan(steps)), Err(Inadmissible::NoNamespace));
        }
    }
}
