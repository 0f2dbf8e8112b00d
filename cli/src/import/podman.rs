//! podman's networks (netavark), as in /etc/containers/networks and from `podman network inspect`.

use underlay::network::file::AUTO;

use super::{
    definition::{self, Definition, Route, Subnet},
    fault::Trouble,
    object::{Findings, Object},
};

/// Who it is for podman, and who is on it at the moment.
const OF_NO_USE: &[&str] = &["id", "created", "containers"];

pub(super) fn definition(mut network: Object, findings: &mut Findings) -> Definition {
    let mut definition = Definition::new(network.text("name", findings));
    match definition::driver(network.text("driver", findings)) {
        Ok(driver) => definition.set("driver", Some(driver)),
        Err(driver) => {
            findings.trouble(Trouble::Driver(driver));
            return definition;
        }
    }
    let options = network.object("options", findings);
    let interface = network.text("network_interface", findings);
    options_of(options, interface, &mut definition, findings);
    for subnet in network.objects("subnets", findings) {
        definition.add_subnet(subnet_of(subnet, findings));
    }
    for route in network.objects("routes", findings) {
        definition.add_route(route_of(route, findings));
    }
    definition.set("ipv6", network.flag("ipv6_enabled", findings).then_some(true));
    definition.set("internal", network.flag("internal", findings).then_some(true));
    let servers = network.texts("network_dns_servers", findings);
    definition.set("dns", (!servers.is_empty()).then(|| serde_json::json!({"servers": servers})));
    definition.set("labels", Some(network.map("labels", findings)));
    if network.flag("dns_enabled", findings) {
        findings.note("dns_enabled is not carried over: containers are not found by their names");
    }
    ipam(network.object("ipam_options", findings), findings);
    network.leave(OF_NO_USE, findings);
    definition
}

/// Without an interface, podman takes the default route's as well.
fn options_of(
    options: Option<Object>,
    interface: Option<String>,
    definition: &mut Definition,
    findings: &mut Findings,
) {
    let mut parent = interface;
    if let Some(mut options) = options {
        parent = parent.or(options.text("parent", findings));
        definition.set("mode", options.text("mode", findings));
        definition.set("mtu", definition::mtu(options.number("mtu", findings)));
        definition.set("metric", options.number("metric", findings));
        let without = options.text("no_default_route", findings);
        definition.set("default_route", without.is_some_and(|word| is_true(&word)).then_some(false));
        if options.text("bclim", findings).is_some() {
            findings.note("options.bclim is not carried over: the kernel's own limit for broadcasts applies");
        }
        options.leave(&[], findings);
    }
    definition.set("parent", Some(parent.unwrap_or_else(|| AUTO.to_owned())));
}

/// What Go's `strconv.ParseBool` takes for true.
fn is_true(word: &str) -> bool {
    ["1", "t", "T", "true", "TRUE", "True"].contains(&word)
}

fn subnet_of(mut subnet: Object, findings: &mut Findings) -> Subnet {
    let prefix = subnet.text("subnet", findings).unwrap_or_default();
    let range = subnet.object("lease_range", findings).and_then(|mut range| {
        let ends = (range.text("start_ip", findings), range.text("end_ip", findings));
        range.leave(&[], findings);
        definition::range(&prefix, ends.0, ends.1)
    });
    let gateway = subnet.text("gateway", findings);
    subnet.leave(&[], findings);
    Subnet { prefix, gateway, ip_range: range, ..Subnet::default() }
}

fn route_of(mut route: Object, findings: &mut Findings) -> Route {
    let read = Route {
        destination: route.text("destination", findings).unwrap_or_default(),
        gateway: route.text("gateway", findings),
        metric: route.number("metric", findings),
        kind: route.text("route_type", findings),
    };
    route.leave(&[], findings);
    read
}

fn ipam(options: Option<Object>, findings: &mut Findings) {
    let Some(mut options) = options else { return };
    match options.text("driver", findings).as_deref() {
        None | Some("host-local" | "none") => {}
        Some("dhcp") => findings.note(super::cni::NO_DHCP),
        Some(other) => findings.trouble(Trouble::Ipam {
            place: "ipam_options.driver",
            found: other.to_owned(),
            instead: "it is host-local, none or dhcp",
        }),
    }
    options.leave(&[], findings);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_is_what_go_takes_for_it() {
        assert!(is_true("1") && is_true("true") && !is_true("0") && !is_true("yes"));
    }
}
