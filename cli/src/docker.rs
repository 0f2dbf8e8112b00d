//! Docker's words, and ours besides, become a definition as a file would have it.
//!
//! Only what belongs to the words is judged here: whether an option exists, which subnet a gateway is meant
//! for. Whether the definition is right is for its reader to say, which sees command lines and files alike.

mod fault;
mod foreign;
mod option;
mod route;
mod subnet;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde_json::{Map, Value, json};
use underlay::network::{
    Checked, InvalidNetworkName, NetworkName,
    create::Choose,
    file::{self, Warning},
};

use crate::arguments::CreateWords;
pub(crate) use fault::Fault;
pub(crate) use foreign::ForeignWords;
use option::Options;

/// A network as it was typed, and what was left to us.
#[derive(Debug)]
pub(crate) struct Typed {
    pub(crate) checked: Checked,
    /// Families for which a subnet is to be chosen.
    pub(crate) choose: Choose,
    /// What Docker would do otherwise.
    pub(crate) notes: Vec<String>,
}

impl Typed {
    /// What the administrator should know about the definition, in his own words.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        let gateways = self.checked.warnings.iter().map(|Warning { gateway, .. }| {
            format!("--gateway {gateway} is ignored: on layer 3 the default route names the interface alone")
        });
        self.notes.iter().cloned().chain(gateways)
    }
}

/// Reads the words; `is_link` tells which links the host has, those left out that were made for a network and
/// go with it. All that is wrong with the words is found at once.
pub(crate) fn read(words: &CreateWords, is_link: impl Fn(&str) -> bool) -> Result<Typed, Vec<Fault>> {
    let mut faults: Vec<_> = words.foreign.faults().chain(foreign::driver(&words.driver)).collect();
    let definition = Value::Object(definition(words, is_link, &mut faults));
    let name = name(words, &mut faults);
    match name.map(|name| file::parse(definition.to_string().as_bytes(), &name)) {
        Some(Ok(checked)) if faults.is_empty() => {
            Ok(Typed { checked, choose: choose(words), notes: notes(words) })
        }
        checked => {
            let mistakes = checked.and_then(Result::err).into_iter().flat_map(file::Mistakes::into_iter);
            // Of a driver of somebody else's it was said already why there is no such one here.
            let is_told = foreign::driver(&words.driver).is_some();
            let mistakes = mistakes.filter(|mistake| !(is_told && mistake.place == "driver"));
            faults.extend(mistakes.map(Fault::from));
            Err(faults)
        }
    }
}

/// Under any other name a definition has the same mistakes, which are to be told, too.
fn name(words: &CreateWords, faults: &mut Vec<Fault>) -> Option<NetworkName> {
    words.name.parse().map_or_else(
        |error: InvalidNetworkName| {
            faults.push(error.into());
            "unnamed".parse().ok()
        },
        Some,
    )
}

fn definition(
    words: &CreateWords,
    is_link: impl Fn(&str) -> bool,
    faults: &mut Vec<Fault>,
) -> Map<String, Value> {
    let options = Options::read(&words.opt, &words.driver, faults);
    let mut definition = Map::new();
    let mut set = |key: &str, value: Value| {
        definition.insert(key.to_owned(), value);
    };
    set("driver", json!(words.driver));
    if words.mtu.is_some() && options.mtu.is_some() {
        faults.push(Fault::Twice { flag: "--mtu", key: "(and -o mtu)".to_owned() });
    }
    let [vlan, parent_wait, mtu, metric] = [
        ("--vlan", &words.vlan),
        ("--parent-wait", &words.parent_wait),
        ("--mtu", &words.mtu),
        ("--metric", &words.metric),
    ]
    .map(|(flag, text)| text.as_deref().and_then(|text| number(flag, text, faults)));
    let (parent, vlan) = parent(options.parent.as_deref(), vlan, is_link);
    for (key, value) in [
        ("parent", parent.map(Value::from)),
        ("vlan", vlan.map(Value::from)),
        ("parent_wait", parent_wait.map(Value::from)),
        ("mode", options.mode.clone().map(Value::from)),
        ("flag", options.flag.clone().map(Value::from)),
        ("mtu", mtu.or(options.mtu).map(Value::from)),
        ("metric", metric.map(Value::from)),
        ("ipv6", words.ipv6.then_some(Value::Bool(true))),
    ] {
        if let Some(value) = value {
            set(key, value);
        }
    }
    set("internal", json!(words.internal));
    set("default_route", json!(!words.no_default_route));
    set("subnets", Value::Array(subnet::subnets(words, faults)));
    set("routes", Value::Array(route::routes(&words.route, faults)));
    set("dns", json!({"servers": words.dns, "search": words.dns_search}));
    set("access", access(words));
    set("labels", Value::Object(labels(&words.label, faults)));
    definition
}

/// `eth0.50` is VLAN 50 of eth0, unless a link of that very name exists, or a VLAN is named besides.
pub(crate) fn parent(
    parent: Option<&str>,
    vlan: Option<u64>,
    is_link: impl Fn(&str) -> bool,
) -> (Option<&str>, Option<u64>) {
    let Some(name) = parent.filter(|name| vlan.is_none() && !is_link(name)) else { return (parent, vlan) };
    // A sign would parse too.
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    match name.rsplit_once('.').map(|(link, vlan)| (link, number(vlan))) {
        Some((link, Some(vlan))) => (Some(link), Some(vlan)),
        _ => (parent, None),
    }
}

fn number(flag: &'static str, text: &str, faults: &mut Vec<Fault>) -> Option<u64> {
    text.parse().map_err(|_| faults.push(Fault::NoNumber { flag, text: text.to_owned() })).ok()
}

/// What is not said is granted.
fn access(words: &CreateWords) -> Value {
    let denied = [
        ("fixed_addresses", words.no_fixed_addresses),
        ("fixed_macs", words.no_fixed_macs),
        ("passthru", words.no_passthru),
    ];
    let mut access: Map<_, _> = denied
        .into_iter()
        .filter(|(_, is_denied)| *is_denied)
        .map(|(key, _)| (key.to_owned(), json!(false)))
        .collect();
    if !words.kubernetes_namespace.is_empty() {
        access.insert("kubernetes_namespaces".to_owned(), json!(words.kubernetes_namespace));
    }
    Value::Object(access)
}

/// As in Docker, a label without `=` has an empty value.
fn labels(words: &[String], faults: &mut Vec<Fault>) -> Map<String, Value> {
    let mut labels = Map::new();
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        if labels.insert(key.to_owned(), json!(value)).is_some() {
            faults.push(Fault::Twice { flag: "--label", key: key.to_owned() });
        }
    }
    labels
}

/// A network without any subnet gets one, and one that IPv6 was asked for gets an IPv6 one.
fn choose(words: &CreateWords) -> Choose {
    if words.no_ipam {
        return Choose::default();
    }
    Choose { ipv4: words.subnet.is_empty(), ipv6: words.ipv6 && !has_ipv6(words) }
}

fn notes(words: &CreateWords) -> Vec<String> {
    if words.ipv6 || !has_ipv6(words) {
        return Vec::new();
    }
    vec!["an IPv6 subnet is named, so IPv6 is on; --ipv6 says so without this note".to_owned()]
}

fn has_ipv6(words: &CreateWords) -> bool {
    words.subnet.iter().filter_map(|text| text.parse().ok()).any(|subnet: IpNetwork| subnet.is_ipv6())
}

/// The address that a text starts with: all of it, or what is in front of a prefix length or of the end of a
/// range.
fn leading_address(text: &str) -> Option<IpAddr> {
    text.split(['/', '-']).next().and_then(|address| address.trim().parse().ok())
}
