//! CNI's networks: a list of plugins, or a single one, as in /etc/cni/net.d.
//!
//! The first plugin makes the interface and so decides what the network is; those behind it work on an
//! interface that they would not find here.

mod ranges;

use serde_json::{Map, Value, json};
use underlay::network::file::AUTO;

use super::{
    definition::{self, Definition},
    fault::Trouble,
    object::{Findings, Object},
};

/// Of no use outside CNI. What `capabilities` let a runtime ask for, every container may ask for here.
const OF_NO_USE: &[&str] =
    &["cniVersion", "cniVersions", "disableCheck", "disableGC", "capabilities", "loadOnlyInlinedPlugins"];

pub(super) const NO_DHCP: &str =
    "dhcp is not carried over: the network gives no addresses, its links work on layer 2 alone";

pub(super) fn definition(mut network: Object, findings: &mut Findings) -> Definition {
    let mut definition = Definition::new(network.text("name", findings));
    if !network.has("plugins") {
        plugin(network, &mut definition, findings);
        return definition;
    }
    let mut plugins = network.objects("plugins", findings).into_iter();
    match plugins.next() {
        Some(first) => plugin(first, &mut definition, findings),
        None => findings.trouble(Trouble::Unusable("it has no plugins")),
    }
    for mut other in plugins {
        let kind = other.text("type", findings).unwrap_or_default();
        findings.note(format!("plugin {kind} is not carried over{}", counterpart(&kind)));
    }
    if let Some(args) = network.object("args", findings) {
        podmans_own(args, &mut definition, findings);
    }
    network.leave(OF_NO_USE, findings);
    definition
}

/// Why one can do without.
fn counterpart(plugin: &str) -> &'static str {
    match plugin {
        "portmap" => ": containers have addresses of their own on the LAN, so ports need no mapping",
        "firewall" => ": the host's filter does not see what passes its parent's links",
        _ => "",
    }
}

/// podman keeps labels here, and its options once more.
fn podmans_own(mut args: Object, definition: &mut Definition, findings: &mut Findings) {
    definition.set("labels", Some(args.map("podman_labels", findings)));
    args.leave(&["podman_options"], findings);
}

/// The plugin that makes the interface. Without a master, it takes the default route's interface as well.
fn plugin(mut plugin: Object, definition: &mut Definition, findings: &mut Findings) {
    let driver = match definition::driver(plugin.text("type", findings)) {
        Ok(driver) => driver,
        Err(driver) => return findings.trouble(Trouble::Driver(driver)),
    };
    if plugin.flag("linkInContainer", findings) {
        findings.trouble(Trouble::Unusable("its parent is inside the container (linkInContainer)"));
    }
    let mode = plugin.text("mode", findings);
    let is_layer3 = driver == "ipvlan" && mode.as_deref().is_some_and(|mode| mode != "l2");
    definition.set("driver", Some(driver));
    definition.set("mode", mode);
    let master = plugin.text("master", findings);
    definition.set("parent", Some(master.unwrap_or_else(|| AUTO.to_owned())));
    definition.set("mtu", definition::mtu(plugin.number("mtu", findings)));
    let dns = plugin.object("dns", findings);
    let mut ipam = plugin.object("ipam", findings);
    let own_dns = ipam.as_mut().and_then(|ipam| ipam.object("dns", findings));
    definition.set("dns", dns.or(own_dns).map(|dns| resolver(dns, findings)));
    if let Some(ipam) = ipam {
        addresses(ipam, is_layer3, definition, findings);
    }
    plugin.leave(OF_NO_USE, findings);
}

fn addresses(mut ipam: Object, is_layer3: bool, definition: &mut Definition, findings: &mut Findings) {
    let ranges = match ipam.text("type", findings).as_deref() {
        None => None,
        Some("host-local") => Some(ranges::host_local(&mut ipam, findings)),
        Some("static") => Some(ranges::fixed(&mut ipam, findings)),
        // What it asks a server for goes with it.
        Some("dhcp") => return findings.note(NO_DHCP),
        Some(other) => {
            let (found, instead) = (other.to_owned(), "it is host-local, static or dhcp");
            findings.trouble(Trouble::Ipam { place: "ipam.type", found, instead });
            None
        }
    };
    if let Some(ranges) = ranges {
        ranges.define(&mut ipam, is_layer3, definition, findings);
    }
    ipam.leave(OF_NO_USE, findings);
}

/// `resolv.conf` has one list of domains; a network's own one is looked up first.
fn resolver(mut dns: Object, findings: &mut Findings) -> Value {
    let servers = dns.texts("nameservers", findings);
    let own = dns.text("domain", findings);
    let mut search = dns.texts("search", findings);
    if let Some(own) = own.filter(|own| !search.contains(own)) {
        search.insert(0, own);
    }
    dns.leave(&[], findings);
    let fields: Map<_, _> =
        [("servers".to_owned(), json!(servers)), ("search".to_owned(), json!(search))].into_iter().collect();
    Value::Object(fields)
}
