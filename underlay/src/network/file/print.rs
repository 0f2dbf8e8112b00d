//! A network as the text of its file.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnetwork::IpNetwork;
use plan::RouteKind;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{address::range_text, link, route::KINDS};
use crate::network::{
    Access, AuxAddress, Dns, KubernetesNamespace, Network, NetworkName, NetworkRoute, ParentSpec, SubnetSpec,
};

/// A network's definition, to be serialized: the fields in the order of the file. What has its default is
/// left out, but for mode and flag, which everybody looks for.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    name: &'a NetworkName,
    driver: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_wait: Option<u32>,
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'static str>,
    #[serde(skip_serializing_if = "is_false")]
    internal: bool,
    #[serde(skip_serializing_if = "is_false")]
    ipv6: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subnets: Vec<SubnetDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<RouteDocument<'a>>,
    #[serde(skip_serializing_if = "is_true")]
    default_route: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<DnsDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<AccessDocument<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct SubnetDocument<'a> {
    subnet: &'a IpNetwork,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_range: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "by_name")]
    aux_addresses: &'a [AuxAddress],
}

#[derive(Debug, Serialize)]
struct RouteDocument<'a> {
    destination: &'a IpNetwork,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<u32>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct DnsDocument<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    servers: &'a [IpAddr],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    search: &'a [String],
}

#[derive(Debug, Serialize)]
struct AccessDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kubernetes_namespaces: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "is_true")]
    fixed_addresses: bool,
    #[serde(skip_serializing_if = "is_true")]
    fixed_macs: bool,
    #[serde(skip_serializing_if = "is_true")]
    passthru: bool,
}

impl<'a> From<&'a Network> for Document<'a> {
    fn from(network: &'a Network) -> Self {
        let (driver, mode, flag) = link::driver_words(network.driver);
        let (parent, vlan) = match &network.parent {
            ParentSpec::Dummy => (None, None),
            ParentSpec::Link(parent) => (Some(parent.as_str()), None),
            ParentSpec::DefaultRoute => (Some(link::AUTO), None),
            ParentSpec::Vlan { parent, vlan } => (Some(parent.as_str()), Some(vlan.get())),
        };
        Self {
            name: &network.name,
            driver,
            parent,
            vlan,
            parent_wait: network.parent_wait,
            mode,
            flag,
            internal: network.internal,
            ipv6: network.ipv6,
            mtu: network.mtu,
            subnets: network.subnets.iter().map(SubnetDocument::from).collect(),
            routes: network.routes.iter().map(RouteDocument::from).collect(),
            default_route: network.default_route,
            metric: network.metric,
            dns: Some(&network.dns).filter(|dns| **dns != Dns::default()).map(DnsDocument::from),
            access: Some(&network.access)
                .filter(|access| **access != Access::default())
                .map(AccessDocument::from),
            labels: &network.labels,
        }
    }
}

impl<'a> From<&'a SubnetSpec> for SubnetDocument<'a> {
    fn from(spec: &'a SubnetSpec) -> Self {
        Self {
            subnet: &spec.subnet,
            gateway: spec.gateway,
            ip_range: spec.ip_range.map(range_text),
            aux_addresses: &spec.aux_addresses,
        }
    }
}

impl<'a> From<&'a NetworkRoute> for RouteDocument<'a> {
    fn from(route: &'a NetworkRoute) -> Self {
        let kind = (route.kind != RouteKind::Unicast).then(|| link::word_of(KINDS, route.kind));
        Self { destination: &route.destination, gateway: route.gateway, metric: route.metric, kind }
    }
}

impl<'a> From<&'a Dns> for DnsDocument<'a> {
    fn from(dns: &'a Dns) -> Self {
        Self { servers: &dns.servers, search: &dns.search }
    }
}

impl<'a> From<&'a Access> for AccessDocument<'a> {
    fn from(access: &'a Access) -> Self {
        let Access { kubernetes_namespaces, fixed_addresses, fixed_macs, passthru } = access;
        let names = |names: &'a BTreeSet<KubernetesNamespace>| {
            names.iter().map(KubernetesNamespace::as_str).collect()
        };
        Self {
            kubernetes_namespaces: kubernetes_namespaces.as_ref().map(names),
            fixed_addresses: *fixed_addresses,
            fixed_macs: *fixed_macs,
            passthru: *passthru,
        }
    }
}

fn by_name<S: Serializer>(addresses: &[AuxAddress], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(addresses.len()))?;
    for aux in addresses {
        map.serialize_entry(&aux.name, &aux.address)?;
    }
    map.end()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_true(value: &bool) -> bool {
    *value
}
