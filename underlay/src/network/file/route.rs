//! Routes besides the connected and the default ones.

use std::{net::IpAddr, ops::RangeInclusive};

use ipnetwork::IpNetwork;
use plan::RouteKind;

use super::{
    MAX_ROUTES, address,
    fault::Fault,
    field,
    item::{Fields, Findings, Item, Placed},
    link::{self, Words},
};
use crate::network::{NetworkRoute, SubnetSpec};

pub(super) const KINDS: &Words<RouteKind> = &[
    ("unicast", RouteKind::Unicast),
    ("blackhole", RouteKind::Blackhole),
    ("unreachable", RouteKind::Unreachable),
    ("prohibit", RouteKind::Prohibit),
];

/// All types of routes.
pub(super) fn types() -> Vec<&'static str> {
    link::words_of(KINDS)
}

/// `RTA_PRIORITY` and `RTA_METRICS` have 32 bits.
pub(super) const METRICS: RangeInclusive<u64> = 0..=u32::MAX as u64;

/// Reads the list and compares its members with one another and with the subnets.
pub(super) fn routes(
    list: Option<Item>,
    subnets: &[Placed<SubnetSpec>],
    findings: &mut Findings,
) -> Vec<Placed<NetworkRoute>> {
    let items = list.map(|list| list.list(MAX_ROUTES, findings)).unwrap_or_default();
    let routes: Vec<_> = items.into_iter().filter_map(|item| route(item, subnets, findings)).collect();
    for (position, later) in routes.iter().enumerate() {
        // The kernel tells routes of one table apart by these two (fib_table_insert, fib6_add_rt2node).
        let key = |route: &NetworkRoute| (route.destination, route.metric);
        let same = |earlier: &&Placed<NetworkRoute>| key(&earlier.value) == key(&later.value);
        if let Some(earlier) = routes.iter().take(position).find(same) {
            let (destination, place) = (later.value.destination, earlier.place.clone());
            findings.mistake(&later.place, Fault::RouteTwice { destination, place });
        }
    }
    routes
}

fn route(
    item: Item,
    subnets: &[Placed<SubnetSpec>],
    findings: &mut Findings,
) -> Option<Placed<NetworkRoute>> {
    let place = item.place.clone();
    let mut fields = item.fields(field::ROUTE, findings)?;
    let kind = kind(&mut fields, findings);
    let metric = fields.take("metric").and_then(|item| item.number(METRICS, findings));
    let gateway = fields.take("gateway").and_then(|item| item.parse(address::address, findings));
    let destination = destination(&mut fields, findings)?;
    let kind = kind?;
    if let Some(gateway) = &gateway {
        findings.accept(&gateway.place, leads_on(kind, gateway.value, destination.value, subnets));
    }
    // Which default route a container gets is a choice among all its networks, made from the gateways.
    if kind == RouteKind::Unicast && destination.value.prefix() == 0 {
        let why = "a default route comes from the `gateway` of a subnet, not from `routes`";
        findings.mistake(destination.place, Fault::Unfit(why));
    }
    let gateway = gateway.map(|gateway| gateway.value);
    Some(Placed { place, value: NetworkRoute { kind, destination: destination.value, gateway, metric } })
}

fn kind(fields: &mut Fields, findings: &mut Findings) -> Option<RouteKind> {
    fields.take("type").map_or(Some(RouteKind::Unicast), |item| {
        item.parse(|text| link::word("types of routes", KINDS, text), findings).map(|kind| kind.value)
    })
}

fn destination(fields: &mut Fields, findings: &mut Findings) -> Option<Placed<IpNetwork>> {
    let Some(item) = fields.take("destination") else {
        findings.mistake(fields.place("destination"), Fault::Missing("write a prefix such as 10.0.0.0/8"));
        return None;
    };
    item.parse(address::prefix, findings)
}

/// The kernel takes a gateway only if a connected route leads to it; to IPv6 link-local ones one always does.
fn leads_on(
    kind: RouteKind,
    gateway: IpAddr,
    destination: IpNetwork,
    subnets: &[Placed<SubnetSpec>],
) -> Result<(), Fault> {
    if kind != RouteKind::Unicast {
        return Err(Fault::Unfit("only a unicast route has a gateway"));
    }
    if gateway.is_ipv4() != destination.is_ipv4() {
        return Err(Fault::Family { address: gateway, with: destination });
    }
    let is_link_local = matches!(gateway, IpAddr::V6(gateway) if gateway.is_unicast_link_local());
    let subnet = subnets.iter().find(|subnet| subnet.value.subnet.contains(gateway));
    match subnet {
        Some(subnet) => address::usable(gateway, subnet.value.subnet),
        None if is_link_local => Ok(()),
        None => Err(Fault::Unreachable(gateway)),
    }
}
