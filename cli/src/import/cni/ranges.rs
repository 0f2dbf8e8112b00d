//! CNI's addresses: the ranges of host-local, the fixed ones of static, and the routes that both have.

use ipnetwork::IpNetwork;

use crate::import::{
    definition::{self, Definition, Route, Subnet},
    object::{Findings, Object},
};

/// What addresses are taken from, in CNI's order.
pub(super) struct Ranges(Vec<Range>);

/// A part of a subnet.
struct Range {
    subnet: String,
    prefix: Option<IpNetwork>,
    ends: Option<String>,
    gateway: Option<String>,
}

/// A route of the whole network.
struct Hop {
    destination: String,
    gateway: Option<String>,
    metric: Option<u64>,
}

/// `ranges`, and the one range that older configurations have beside them, which comes first
/// (`LoadIPAMConfig`).
pub(super) fn host_local(ipam: &mut Object, findings: &mut Findings) -> Ranges {
    let mut ranges = Vec::new();
    if ipam.has("subnet") {
        ranges.push(range(ipam, findings));
    }
    let sets = ipam.sets("ranges", findings);
    for set in sets {
        for mut object in set {
            ranges.push(range(&mut object, findings));
            object.leave(&[], findings);
        }
    }
    Ranges(ranges)
}

/// Without a gateway, host-local takes the first address of the subnet for one (`Range.Canonicalize`).
fn range(object: &mut Object, findings: &mut Findings) -> Range {
    let subnet = object.text("subnet", findings).unwrap_or_default();
    let prefix: Option<IpNetwork> = subnet.parse().ok();
    let (first, last) = (object.text("rangeStart", findings), object.text("rangeEnd", findings));
    let gateway = object.text("gateway", findings);
    Range {
        ends: definition::range(&subnet, first, last),
        gateway: gateway.or_else(|| Some(first_address(prefix?))),
        subnet,
        prefix,
    }
}

fn first_address(subnet: IpNetwork) -> String {
    match subnet {
        IpNetwork::V4(subnet) => {
            std::net::Ipv4Addr::from(u32::from(subnet.network()).saturating_add(1)).to_string()
        }
        IpNetwork::V6(subnet) => {
            std::net::Ipv6Addr::from(u128::from(subnet.network()).saturating_add(1)).to_string()
        }
    }
}

/// `addresses`: the same for every container of the network, so one container at a time can have them.
pub(super) fn fixed(ipam: &mut Object, findings: &mut Findings) -> Ranges {
    let ranges = ipam.objects("addresses", findings).into_iter().map(|mut object| {
        let text = object.text("address", findings).unwrap_or_default();
        let gateway = object.text("gateway", findings);
        object.leave(&[], findings);
        let prefix: Option<IpNetwork> = text.contains('/').then(|| text.parse().ok()).flatten();
        if let Some(own) = prefix {
            findings
                .note(format!("{} is for one container at a time, as every fixed address is here", own.ip()));
        }
        let subnet = prefix.and_then(|own| IpNetwork::new(own.network(), own.prefix()).ok());
        Range {
            subnet: subnet.map_or(text, |subnet| subnet.to_string()),
            prefix: subnet,
            ends: prefix.map(|own| format!("{0}-{0}", own.ip())),
            gateway,
        }
    });
    Ranges(ranges.collect())
}

impl Ranges {
    /// Writes subnets and routes.
    ///
    /// A gateway of CNI's is used only by routes that name it or no other; here, it is what makes a default
    /// route. So one without a default route becomes an auxiliary address: it is somebody's all the same.
    pub(super) fn define(
        mut self,
        ipam: &mut Object,
        is_layer3: bool,
        definition: &mut Definition,
        findings: &mut Findings,
    ) {
        self.merge(findings);
        let hops = hops(ipam, findings);
        let (defaults, others): (Vec<_>, Vec<_>) = hops.into_iter().partition(Hop::is_default);
        if is_layer3 && defaults.is_empty() && !self.0.is_empty() {
            definition.set("default_route", Some(false));
        }
        definition.set("metric", defaults.iter().find_map(|default| default.metric));
        for hop in others {
            let gateway = hop.gateway.or_else(|| self.gateway_for(&hop.destination));
            let route = Route { destination: hop.destination, gateway, metric: hop.metric, kind: None };
            definition.add_route(route);
        }
        for default in defaults.iter().filter(|default| !self.holds_gateway_of(default)) {
            let gateway = default.gateway.as_deref().unwrap_or_default();
            findings.note(format!(
                "the default route via {gateway} is not carried over: no subnet holds {gateway}"
            ));
        }
        for range in self.0 {
            definition.add_subnet(range.subnet(&defaults));
        }
    }

    /// CNI takes an address of each set and may have several ranges of one subnet; here it is one address of
    /// each family, and one range.
    fn merge(&mut self, findings: &mut Findings) {
        let mut seen: Vec<String> = Vec::new();
        self.0.retain(|range| {
            let is_first = !seen.contains(&range.subnet);
            if is_first {
                seen.push(range.subnet.clone());
            } else {
                let rest = range.ends.as_deref().unwrap_or("all of it");
                findings.note(format!("a second range of {} is not carried over: {rest}", range.subnet));
            }
            is_first
        });
        let of_family =
            |is_ipv6: bool| self.0.iter().filter(|range| range.subnet.contains(':') == is_ipv6).count();
        if of_family(false) > 1 || of_family(true) > 1 {
            findings.note(
                "a container gets one address a family, from the first of these subnets that has one left",
            );
        }
    }

    /// A route without a gateway leads through that of its family's first range (`ConfigureIface`).
    fn gateway_for(&self, destination: &str) -> Option<String> {
        let is_ipv6 = destination.contains(':');
        self.0.iter().find(|range| range.subnet.contains(':') == is_ipv6)?.gateway.clone()
    }

    fn holds_gateway_of(&self, default: &Hop) -> bool {
        default.gateway.is_none() || self.0.iter().any(|range| range.holds_gateway_of(default))
    }
}

impl Range {
    fn subnet(self, defaults: &[Hop]) -> Subnet {
        let is_own = |default: &&Hop| default.destination.contains(':') == self.subnet.contains(':');
        let gateway = match defaults.iter().find(is_own) {
            Some(default) if self.holds_gateway_of(default) => default.gateway.clone(),
            Some(Hop { gateway: None, .. }) => self.gateway.clone(),
            _ => None,
        };
        let reserved = self.gateway.filter(|reserved| gateway.as_ref() != Some(reserved));
        Subnet {
            prefix: self.subnet,
            gateway,
            ip_range: self.ends,
            aux_addresses: reserved
                .map(|reserved| ("gateway".to_owned(), reserved.into()))
                .into_iter()
                .collect(),
        }
    }

    fn holds_gateway_of(&self, default: &Hop) -> bool {
        let gateway = default.gateway.as_deref().and_then(|gateway| gateway.parse().ok());
        gateway.is_some_and(|gateway| self.prefix.is_some_and(|prefix| prefix.contains(gateway)))
    }
}

impl Hop {
    fn is_default(&self) -> bool {
        ["0.0.0.0/0", "::/0"].contains(&self.destination.as_str())
    }
}

fn hops(ipam: &mut Object, findings: &mut Findings) -> Vec<Hop> {
    let routes = ipam.objects("routes", findings).into_iter().map(|mut route| {
        let hop = Hop {
            destination: route.text("dst", findings).unwrap_or_default(),
            gateway: route.text("gw", findings),
            metric: route.number("priority", findings),
        };
        route.leave(&[], findings);
        hop
    });
    routes.collect()
}
