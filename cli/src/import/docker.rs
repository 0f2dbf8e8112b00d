//! Docker's networks, as `docker network inspect` prints them.

use ipnetwork::IpNetwork;

use super::{
    definition::{self, Definition, Subnet},
    fault::Trouble,
    object::{Findings, Object},
};

/// Who it is for Docker, and what matters in a swarm alone.
const OF_NO_USE: &[&str] = &["Id", "Created", "Scope", "Attachable", "EnableIPv4", "Status"];

pub(super) fn definition(
    mut network: Object,
    is_link: &dyn Fn(&str) -> bool,
    findings: &mut Findings,
) -> Definition {
    let mut definition = Definition::new(network.text("Name", findings));
    if network.flag("ConfigOnly", findings) {
        findings.trouble(Trouble::Unusable(
            "it is a mere configuration for other networks (ConfigOnly); import those",
        ));
        return definition;
    }
    let driver = match definition::driver(network.text("Driver", findings)) {
        Ok(driver) => driver,
        Err(driver) => {
            findings.trouble(Trouble::Driver(driver));
            return definition;
        }
    };
    let options = network.object("Options", findings);
    definition.set("driver", Some(driver.as_str()));
    let lan = options_of(options, &driver, is_link, &mut definition, findings);
    let ipv6 = network.flag("EnableIPv6", findings);
    let internal = network.flag("Internal", findings);
    definition.set("ipv6", ipv6.then_some(true));
    definition.set("internal", internal.then_some(true));
    definition.set("labels", Some(network.map("Labels", findings)));
    if let Some(ipam) = network.object("IPAM", findings) {
        let subnets = subnets(ipam, ipv6, findings);
        if lan && !internal {
            note_missing_gateways(&subnets, findings);
        }
        for subnet in subnets {
            definition.add_subnet(subnet);
        }
    }
    let containers = network.map("Containers", findings).len();
    if containers > 0 {
        findings.note(format!(
            "containers of Docker's ({containers}) are on it; stop them first, or give their addresses as auxiliary ones: they \
             would be handed out again"
        ));
    }
    network.leave(OF_NO_USE, findings);
    definition
}

/// Tells whether the network's containers need a gateway to get out: on layer 2, with a parent.
fn options_of(
    options: Option<Object>,
    driver: &str,
    is_link: &dyn Fn(&str) -> bool,
    definition: &mut Definition,
    findings: &mut Findings,
) -> bool {
    let Some(mut options) = options else { return false };
    let parent = options.text("parent", findings);
    if let Some(parent) = &parent {
        set_parent(parent, is_link, definition);
    }
    let mode = options.text(&format!("{driver}_mode"), findings);
    let is_layer3 = mode.as_deref().is_some_and(|mode| mode.starts_with("l3"));
    definition.set("mode", mode);
    if driver == "ipvlan" {
        definition.set("flag", options.text("ipvlan_flag", findings));
    }
    for key in ["mtu", "com.docker.network.driver.mtu"] {
        definition.set("mtu", definition::mtu(options.number(key, findings)));
    }
    options.leave(&[], findings);
    parent.is_some() && !is_layer3
}

/// Docker makes `eth0.50`, if it is not there, and takes it down with the network. So, unlike at `network
/// create`, that it is there now does not mean that it will stay.
fn set_parent(name: &str, is_link: &dyn Fn(&str) -> bool, definition: &mut Definition) {
    let carrier = name.rsplit_once('.').map_or(name, |(carrier, _)| carrier);
    let stays = |link: &str| is_link(link) && !is_link(carrier);
    let (parent, vlan) = crate::docker::parent(Some(name), None, stays);
    definition.set("parent", parent);
    definition.set("vlan", vlan);
}

fn subnets(mut ipam: Object, ipv6: bool, findings: &mut Findings) -> Vec<Subnet> {
    match ipam.text("Driver", findings).as_deref() {
        None | Some("default" | "null") => {}
        Some(other) => findings.trouble(Trouble::Ipam {
            place: "IPAM.Driver",
            found: other.to_owned(),
            instead: "define the network by hand",
        }),
    }
    let subnets: Vec<_> =
        ipam.objects("Config", findings).into_iter().map(|config| subnet(config, findings)).collect();
    if !ipv6 && subnets.iter().any(|subnet| subnet.prefix.contains(':')) {
        findings.note(
            "it has an IPv6 subnet, so IPv6 is on, though Docker ignores the subnet without EnableIPv6",
        );
    }
    ipam.leave(&[], findings);
    subnets
}

fn note_missing_gateways(subnets: &[Subnet], findings: &mut Findings) {
    for Subnet { prefix, .. } in subnets.iter().filter(|subnet| subnet.gateway.is_none()) {
        findings.note(format!(
            "subnet {prefix} names no gateway, so it gives no default route; Docker before 29 takes its first address for one"
        ));
    }
}

fn subnet(mut config: Object, findings: &mut Findings) -> Subnet {
    let prefix = config.text("Subnet", findings).unwrap_or_default();
    // Docker has been writing the prefix length behind a gateway that it chose itself.
    let gateway = config.text("Gateway", findings).map(|gateway| match gateway.parse::<IpNetwork>() {
        Ok(network) => network.ip().to_string(),
        Err(_) => gateway,
    });
    let ip_range = config.text("IPRange", findings);
    let aux_addresses = config.map("AuxiliaryAddresses", findings);
    config.leave(&[], findings);
    Subnet { prefix, gateway, ip_range, aux_addresses }
}
