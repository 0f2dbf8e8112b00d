//! Any value of each word, for property tests: of this crate, and by the feature `strategies` of the crates that
//! build on these words.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use proptest::{
    collection::vec,
    option,
    prelude::{Strategy, any, prop_compose, prop_oneof},
    sample::select,
};

use crate::{
    CreateLink, DeleteLink, Failure, Hello, IfName, IpvlanFlag, IpvlanMode, LinkKind, MacAddress,
    MacvlanMode, MadeLink, Plan, Question, Report, Route, RouteKind, SeenRoute, Sight, Step, Sysctl,
};

/// Every character that a name may have, in every place.
pub fn if_name() -> impl Strategy<Value = IfName> {
    "[!#$&(-.0-9;-\\[\\]-~]{1,15}".prop_filter_map("a reserved name", |text| IfName::new(text).ok())
}

/// Unicast, local and global.
pub fn mac_address() -> impl Strategy<Value = MacAddress> {
    any::<[u8; 6]>().prop_filter_map("the address of nothing", |mut bytes| {
        bytes[0] &= !1;
        MacAddress::new(bytes).ok()
    })
}

/// Of both families, and IPv4 in the clothes of IPv6.
pub fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|number| IpAddr::V4(number.into())),
        any::<u128>().prop_map(|number| IpAddr::V6(number.into())),
        any::<u32>().prop_map(|number| IpAddr::V6((0xffff_0000_0000 | u128::from(number)).into())),
    ]
}

/// An address with any length of its prefix.
pub fn prefix() -> impl Strategy<Value = IpNetwork> {
    (address(), 0..=128_u8).prop_filter_map("a length of the other family", |(address, length)| {
        let most = if address.is_ipv4() { 32 } else { 128 };
        IpNetwork::new(address, length % (most + 1)).ok()
    })
}

/// Every driver, mode and flag.
pub fn link_kind() -> impl Strategy<Value = LinkKind> {
    prop_oneof![
        macvlan_mode().prop_map(|mode| LinkKind::Macvlan { mode }),
        (ipvlan_mode(), ipvlan_flag()).prop_map(|(mode, flag)| LinkKind::Ipvlan { mode, flag }),
    ]
}

/// Every mode.
pub fn macvlan_mode() -> impl Strategy<Value = MacvlanMode> {
    use MacvlanMode::{Bridge, Passthru, Private, Vepa};
    select(vec![Bridge, Vepa, Private, Passthru])
}

/// Every mode.
pub fn ipvlan_mode() -> impl Strategy<Value = IpvlanMode> {
    select(vec![IpvlanMode::L2, IpvlanMode::L3, IpvlanMode::L3s])
}

/// Every flag.
pub fn ipvlan_flag() -> impl Strategy<Value = IpvlanFlag> {
    select(vec![IpvlanFlag::Bridge, IpvlanFlag::Private, IpvlanFlag::Vepa])
}

/// Every one.
pub fn sysctl() -> impl Strategy<Value = Sysctl> {
    use Sysctl::{AcceptRa, ArpNotify, Autoconf, DisableIpv6, NdiscNotify};
    select(vec![ArpNotify, NdiscNotify, DisableIpv6, AcceptRa, Autoconf])
}

/// Every kind.
pub fn route_kind() -> impl Strategy<Value = RouteKind> {
    use RouteKind::{Blackhole, Prohibit, Unicast, Unreachable};
    select(vec![Unicast, Blackhole, Unreachable, Prohibit])
}

prop_compose! {
    /// A route, whether the kernel would take it or not.
    pub fn route()(
        kind in route_kind(),
        destination in prefix(),
        gateway in option::of(address()),
        link in option::of(if_name()),
        metric in any::<Option<u32>>(),
    ) -> Route {
        Route { kind, destination, gateway, link, metric }
    }
}

prop_compose! {
    fn create_link()(
        name in if_name(),
        kind in link_kind(),
        parent in any::<u32>(),
        mac in option::of(mac_address()),
        mtu in any::<Option<u32>>(),
    ) -> CreateLink {
        CreateLink { name, kind, parent, mac, mtu }
    }
}

prop_compose! {
    fn delete_link()(
        nsid in any::<i32>(),
        index in any::<Option<u32>>(),
        name in if_name(),
        kind in link_kind(),
        parent in any::<u32>(),
        alias in any::<String>(),
    ) -> DeleteLink {
        DeleteLink { nsid, index, name, kind, parent, alias }
    }
}

/// Every step, whether the kernel would take it or not.
pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        create_link().prop_map(Step::CreateLink),
        (if_name(), sysctl(), any::<bool>()).prop_map(|(link, key, value)| Step::SetSysctl {
            link,
            key,
            value
        }),
        (if_name(), prefix()).prop_map(|(link, address)| Step::AddAddress { link, address }),
        (if_name(), any::<String>()).prop_map(|(link, alias)| Step::SetUp { link, alias }),
        route().prop_map(Step::AddRoute),
        delete_link().prop_map(Step::DeleteLink),
        route().prop_map(Step::DeleteRoute),
    ]
}

/// Steps in any order.
pub fn plan() -> impl Strategy<Value = Plan> {
    (any::<u32>(), vec(step(), 0..8)).prop_map(|(patience_ms, steps)| Plan { patience_ms, steps })
}

prop_compose! {
    /// With names of links that no program of ours would give.
    pub fn hello()(
        nsid in any::<i32>(),
        links in vec(any::<String>(), 0..4),
        ipv4_default in any::<bool>(),
        ipv6_default in any::<bool>(),
    ) -> Hello {
        Hello { nsid, links, ipv4_default, ipv6_default }
    }
}

prop_compose! {
    fn made_link()(
        name in if_name(),
        index in any::<u32>(),
        mac in option::of(mac_address()),
        mtu in any::<u32>(),
    ) -> MadeLink {
        MadeLink { name, index, mac, mtu }
    }
}

prop_compose! {
    fn failure()(
        what in any::<String>(),
        errno in any::<Option<i32>>(),
        why in any::<String>(),
        left in vec(any::<String>(), 0..4),
    ) -> Failure {
        Failure { what, errno, why, left }
    }
}

/// Of success and of failure.
pub fn report() -> impl Strategy<Value = Report> {
    prop_oneof![
        vec(made_link(), 0..4).prop_map(|links| Report::Done { links }),
        failure().prop_map(Report::Failed),
    ]
}

/// About any destinations.
pub fn question() -> impl Strategy<Value = Question> {
    vec(prefix(), 0..8).prop_map(|destinations| Question { destinations })
}

prop_compose! {
    fn seen_route()(
        kind in route_kind(),
        destination in prefix(),
        gateway in option::of(address()),
        link in any::<Option<u32>>(),
        metric in any::<u32>(),
    ) -> SeenRoute {
        SeenRoute { kind, destination, gateway, link, metric }
    }
}

/// Of any routes.
pub fn sight() -> impl Strategy<Value = Sight> {
    (any::<u64>(), vec(seen_route(), 0..4)).prop_map(|(cookie, routes)| Sight { cookie, routes })
}
