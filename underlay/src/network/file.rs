//! The text of a network's file, `/etc/underlay/networks/NAME.json`, and the network that it defines.
//!
//! Reading finds every mistake at once, each with its place; printing and reading again is the identity.
//! Nothing here touches the disk.

mod access;
mod address;
mod fault;
pub mod field;
mod item;
mod link;
mod print;
mod resolver;
mod route;
mod schema;
mod spelling;
mod subnet;
#[cfg(test)]
mod tests;
mod tree;

use std::{collections::BTreeMap, ops::RangeInclusive};

pub(super) use address::overlap;
pub use address::range_text;
pub use fault::{Fault, Mistake, Mistakes, Warning};
use item::{Fields, Findings, Item, Placed};
pub use link::{AUTO, driver_words};
pub use print::Document;
pub use schema::schema;
use tree::Node;

use super::{Network, NetworkName, SubnetSpec};

/// Bytes of one definition: room for every list at its limit with names of a usual length.
pub const MAX_BYTES: usize = 1 << 20;
/// Subnets of one network.
pub const MAX_SUBNETS: usize = 64;
/// Auxiliary addresses of one subnet.
pub const MAX_AUX_ADDRESSES: usize = 1024;
/// Routes of one network: they must fit, with all else, into the plan of one container.
pub const MAX_ROUTES: usize = 256;
/// Name servers, and as many search domains. The resolvers of the C libraries use the first three servers
/// (`MAXNS` of resolv.h); the rest is for other readers.
pub const MAX_DNS: usize = 32;
/// Kubernetes namespaces that may use one network.
pub const MAX_KUBERNETES_NAMESPACES: usize = 1024;
/// Labels of one network.
pub const MAX_LABELS: usize = 1024;

/// RFC 791 asks every link for 68 bytes; the kernel's own limit for these drivers is 65535.
const MTUS: RangeInclusive<u64> = 68..=65535;
/// RFC 8200, section 5: below 1280 the kernel takes IPv6 off the interface.
const IPV6_MTUS: RangeInclusive<u64> = 1280..=65535;

/// A network that can be used, and what about its definition may surprise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The network.
    pub network: Network,
    /// In the order of the fields.
    pub warnings: Vec<Warning>,
}

/// Reads the definition of the network `name`, JSON of at most [`MAX_BYTES`] bytes. The key `name` may be
/// absent; if it is there, it must agree.
pub fn parse(text: &[u8], name: &NetworkName) -> Result<Checked, Mistakes> {
    let mut findings = Findings::default();
    let network = tree(text, &mut findings)
        .and_then(|root| {
            Placed { place: String::new(), value: root }.fields(field::DEFINITION, &mut findings)
        })
        .and_then(|fields| network(fields, name, &mut findings));
    match network {
        Some(network) if findings.mistakes.is_empty() => Ok(Checked { network, warnings: findings.warnings }),
        _ => Err(Mistakes(findings.mistakes)),
    }
}

/// The text of a network's file: indented JSON, keys in a fixed order, a newline at the end.
#[must_use]
pub fn print(network: &Network) -> String {
    // Strings, numbers, lists and maps with string keys always have a text.
    let mut text = serde_json::to_string_pretty(&Document::from(network)).unwrap_or_default();
    text.push('\n');
    text
}

fn tree(text: &[u8], findings: &mut Findings) -> Option<Node> {
    if text.len() > MAX_BYTES {
        findings.mistake("", Fault::TooLong(text.len()));
        return None;
    }
    serde_json::from_slice(text)
        .map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            let suffix = format!(" at line {} column {}", error.line(), error.column());
            let what = error.to_string();
            findings.mistake(place, Fault::Syntax(what.strip_suffix(&suffix).unwrap_or(&what).to_owned()));
        })
        .ok()
}

fn network(mut fields: Fields, name: &NetworkName, findings: &mut Findings) -> Option<Network> {
    check_name(fields.take("name"), name, findings);
    let driver = link::driver(&mut fields, findings);
    let parent = link::parent(&mut fields, findings);
    let parent_wait = link::parent_wait(fields.take("parent_wait"), parent.as_ref(), findings);
    let internal = fields.take("internal").and_then(|item| item.flag(findings));
    let wants_ipv6 = fields.take("ipv6");
    let mtu = fields.take("mtu");
    let subnets = subnet::subnets(fields.take("subnets"), findings);
    let ipv6 = ipv6(wants_ipv6, &subnets, findings);
    let mtu = mtu.and_then(|item| item.number(if ipv6 { IPV6_MTUS } else { MTUS }, findings));
    let routes = route::routes(fields.take("routes"), &subnets, findings);
    let default_route = fields.take("default_route").and_then(|item| item.flag(findings));
    let metric = fields.take("metric").and_then(|item| item.number(route::METRICS, findings));
    let dns = resolver::dns(fields.take("dns"), findings);
    let access = access::access(fields.take("access"), driver, findings);
    let labels = labels(fields.take("labels"), findings);
    let network = Network {
        name: name.clone(),
        driver: driver?,
        parent: parent?,
        parent_wait,
        internal: internal.unwrap_or(false),
        ipv6,
        mtu,
        subnets: subnets.iter().map(|subnet| subnet.value.clone()).collect(),
        routes: routes.into_iter().map(|route| route.value).collect(),
        default_route: default_route.unwrap_or(true),
        metric,
        dns,
        access,
        labels,
    };
    if network.is_layer3() {
        warn_of_gateways(&subnets, findings);
    }
    Some(network)
}

fn check_name(item: Option<Item>, file: &NetworkName, findings: &mut Findings) {
    let Some(name) = item.and_then(|item| item.parse(str::parse::<NetworkName>, findings)) else { return };
    if name.value != *file {
        let fault = Fault::OtherName { found: name.value.to_string(), file: file.to_string() };
        findings.mistake(name.place, fault);
    }
}

/// On if there is an IPv6 subnet, or if asked for: then for link-local addresses and what routers announce.
fn ipv6(item: Option<Item>, subnets: &[Placed<SubnetSpec>], findings: &mut Findings) -> bool {
    let has_subnet = subnets.iter().any(|subnet| subnet.value.subnet.is_ipv6());
    let Some(item) = item else { return has_subnet };
    let place = item.place.clone();
    let wanted = item.flag(findings);
    if wanted == Some(false) && has_subnet {
        findings.mistake(place, Fault::Unfit("false, but there is an IPv6 subnet; take one of the two out"));
    }
    wanted.unwrap_or(has_subnet)
}

fn labels(item: Option<Item>, findings: &mut Findings) -> BTreeMap<String, String> {
    let Some(item) = item else { return BTreeMap::new() };
    let place = item.place.clone();
    let entries = item.entries(findings).unwrap_or_default();
    if entries.len() > MAX_LABELS {
        findings.mistake(place, Fault::TooMany { found: entries.len(), max: MAX_LABELS });
        return BTreeMap::new();
    }
    let read = |(name, item): (String, Item)| {
        if name.is_empty() {
            findings.mistake(&item.place, Fault::EmptyName);
        }
        item.text(findings).map(|value| (name, value))
    };
    entries.into_iter().filter_map(read).collect()
}

fn warn_of_gateways(subnets: &[Placed<SubnetSpec>], findings: &mut Findings) {
    for subnet in subnets {
        if let Some(gateway) = subnet.value.gateway {
            let place = format!("{}.gateway", subnet.place);
            findings.warnings.push(Warning { place, gateway });
        }
    }
}
