//! Printing and reading again, and what no text does to the reader.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;
use plan::strategies::link_kind;
use proptest::prelude::*;

use super::*;
use crate::network::{Access, AddressRange, AuxAddress, Dns, NetworkRoute};

#[test]
fn the_printed_form_is_stable() {
    let text = r#"{"labels": {"b": "2", "a": "1"}, "subnets": [{"subnet": "10.0.0.0/24", "ip_range": "10.0.0.8-10.0.0.15",
        "aux_addresses": {"z": "10.0.0.3", "a": "10.0.0.2"}}], "vlan": 7, "parent": "eth0", "driver": "ipvlan"}"#;
    let expected = r#"{
  "name": "lan",
  "driver": "ipvlan",
  "parent": "eth0",
  "vlan": 7,
  "mode": "l2",
  "flag": "bridge",
  "subnets": [
    {
      "subnet": "10.0.0.0/24",
      "ip_range": "10.0.0.8/29",
      "aux_addresses": {
        "z": "10.0.0.3",
        "a": "10.0.0.2"
      }
    }
  ],
  "labels": {
    "a": "1",
    "b": "2"
  }
}
"#;
    assert_eq!(print(&read(text).unwrap().network), expected);
}

fn any_parent() -> impl Strategy<Value = ParentSpec> {
    let name = "[a-z]{1,8}[0-9]{1,2}".prop_map(|name| IfName::new(name).unwrap());
    let vlan = (1..=4094_u16).prop_map(|vlan| VlanId::new(vlan).unwrap());
    prop_oneof![
        Just(ParentSpec::Dummy),
        Just(ParentSpec::DefaultRoute),
        name.clone().prop_map(ParentSpec::Link),
        (name, vlan).prop_map(|(parent, vlan)| ParentSpec::Vlan { parent, vlan }),
    ]
}

/// Subnet number `n` of one family, so that the subnets of a network never overlap.
fn any_subnet(n: u8) -> impl Strategy<Value = SubnetSpec> {
    (
        any::<bool>(),
        1..=254_u8,
        prop::option::of((1..=254_u8, 1..=254_u8)),
        prop::collection::btree_set(1..=254_u8, 0..4),
    )
        .prop_flat_map(move |(is_ipv6, gateway, range, aux)| {
            let at = move |host: u8| -> IpAddr {
                if is_ipv6 {
                    Ipv6Addr::new(0x2001, 0xdb8, 0, n.into(), 0, 0, 0, host.into()).into()
                } else {
                    Ipv4Addr::new(10, n, 0, host).into()
                }
            };
            let spec = SubnetSpec {
                subnet: IpNetwork::new(at(0), if is_ipv6 { 64 } else { 24 }).unwrap(),
                gateway: Some(at(gateway)),
                ip_range: range.map(|(a, b)| AddressRange { first: at(a.min(b)), last: at(a.max(b)) }),
                aux_addresses: aux
                    .into_iter()
                    .filter(|host| *host != gateway)
                    .map(|host| AuxAddress { name: format!("é\"{}", 255 - host), address: at(host) })
                    .collect(),
            };
            (Just(spec), any::<bool>())
        })
        .prop_map(|(spec, has_gateway)| SubnetSpec { gateway: spec.gateway.filter(|_| has_gateway), ..spec })
}

fn any_routes() -> impl Strategy<Value = Vec<NetworkRoute>> {
    let destination = (any::<u8>(), 1..=16_u8).prop_map(|(net, length)| {
        let prefix = IpNetwork::new(Ipv4Addr::new(net, 0, 0, 0).into(), length).unwrap();
        IpNetwork::new(prefix.network(), length).unwrap()
    });
    let rest = (0..route::KINDS.len(), any::<Option<u32>>());
    prop::collection::btree_map(destination, rest, 0..4).prop_map(|routes| {
        let route = |(destination, (kind, metric)): (IpNetwork, (usize, Option<u32>))| NetworkRoute {
            kind: route::KINDS[kind].1,
            destination,
            gateway: None,
            metric,
        };
        routes.into_iter().map(route).collect()
    })
}

fn any_access() -> impl Strategy<Value = Access> {
    let namespaces = prop::collection::btree_set("[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?", 0..4);
    let namespaces = namespaces.prop_map(|names| names.iter().map(|name| name.parse().unwrap()).collect());
    (prop::option::of(namespaces), any::<(bool, bool, bool)>()).prop_map(
        |(kubernetes_namespaces, (fixed_addresses, fixed_macs, passthru))| Access {
            kubernetes_namespaces,
            fixed_addresses,
            fixed_macs,
            passthru,
        },
    )
}

prop_compose! {
    pub(in crate::network::file) fn any_network()(
        driver in link_kind(),
        parent in any_parent(),
        wait in prop::option::of(1..=15_u32),
        flags in any::<(bool, bool, bool)>(),
        mtu in prop::option::of(1280..=65535_u32),
        subnets in (0..6_u8).prop_flat_map(|count| (0..count).map(any_subnet).collect::<Vec<_>>()),
        routes in any_routes(),
        metric in any::<Option<u32>>(),
        servers in prop::collection::vec((1..=223_u8).prop_map(|n| Ipv4Addr::new(n, 0, 0, 1).into()), 0..3),
        search in prop::collection::vec("[a-z]{1,9}(\\.[a-z]{1,9}){0,2}", 0..3),
        access in any_access(),
        labels in prop::collection::btree_map(".{1,8}", ".{0,8}", 0..3),
    ) -> Network {
        let (internal, ipv6, default_route) = flags;
        let parent_wait = wait.filter(|_| parent != ParentSpec::Dummy);
        let ipv6 = ipv6 || subnets.iter().any(|spec| spec.subnet.is_ipv6());
        let is_passthru = driver == LinkKind::Macvlan { mode: MacvlanMode::Passthru };
        let access = Access { passthru: access.passthru || !is_passthru, ..access };
        Network {
            name: "lan".parse().unwrap(),
            driver, parent, parent_wait, internal, ipv6, mtu, subnets, routes, default_route, metric,
            dns: Dns { servers, search },
            access,
            labels,
        }
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_as_it_was(network in any_network()) {
        let text = print(&network);
        prop_assert_eq!(read(&text).map(|checked| checked.network), Ok(network));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<Vec<u8>>()) {
        let _ = parse(&text, &"lan".parse().unwrap());
    }

    #[test]
    fn no_words_in_the_right_places_make_the_reader_panic(
        field in prop::sample::select(field::DEFINITION.iter().collect::<Vec<_>>()),
        value in "[0-9a-f:./-]{0,20}",
    ) {
        let key = field.key;
        let _ = complaints_or_none(&format!(r#""{key}": "{value}""#));
        let _ = complaints_or_none(&format!(r#""subnets": [{{"subnet": "{value}", "ip_range": "{value}"}}]"#));
    }
}

fn complaints_or_none(fields: &str) -> Option<Mistakes> {
    read(&format!(r#"{{"driver": "macvlan", {fields}}}"#)).err()
}
