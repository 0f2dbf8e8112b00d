use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnetwork::IpNetwork;
use plan::{IfName, IpvlanFlag, IpvlanMode, LinkKind, MacvlanMode, RouteKind};
use proptest::prelude::*;

use super::*;
use crate::network::{Access, AddressRange, AuxAddress, Dns, NetworkRoute, ParentSpec, VlanId};

fn read(text: &str) -> Result<Checked, Mistakes> {
    parse(text.as_bytes(), &"lan".parse().unwrap())
}

/// The messages for a definition that has these fields besides its driver.
fn complaints(fields: &str) -> Vec<String> {
    let mistakes = read(&format!(r#"{{"driver": "macvlan", {fields}}}"#)).unwrap_err();
    mistakes.iter().map(ToString::to_string).collect()
}

/// The messages for a definition with one subnet.
fn complaints_of_subnet(fields: &str) -> Vec<String> {
    complaints(&format!(r#""subnets": [{{{fields}}}]"#))
}

#[test]
fn the_least_definition_is_a_driver() {
    let network = read(r#"{"driver": "macvlan"}"#).unwrap().network;
    assert_eq!(network.name.as_str(), "lan");
    assert_eq!(network.driver, LinkKind::Macvlan { mode: MacvlanMode::Bridge });
    assert_eq!(network.parent, ParentSpec::Dummy);
    assert!(network.default_route && !network.ipv6 && !network.internal);
    assert_eq!(network.subnets, []);
}

pub(super) const EVERY_FIELD: &str = r#"{
    "name": "lan", "driver": "ipvlan", "parent": "eth0", "vlan": 50, "parent_wait": 5, "mode": "l3s", "flag": "private",
    "internal": true, "ipv6": true, "mtu": 1400,
    "subnets": [
        {"subnet": "192.168.32.0/24", "gateway": "192.168.32.254", "ip_range": "192.168.32.128/25",
         "aux_addresses": {"z": "192.168.32.130", "a": "192.168.32.129"}},
        {"subnet": "2001:db8::/64"}
    ],
    "routes": [
        {"destination": "10.0.0.0/8", "gateway": "192.168.32.254", "metric": 7},
        {"destination": "0.0.0.0/0", "type": "blackhole"}
    ],
    "default_route": false, "metric": 100,
    "dns": {"servers": ["192.168.32.53"], "search": ["example.org"]},
    "access": {"kubernetes_namespaces": ["web", "db"], "fixed_addresses": false, "fixed_macs": false},
    "labels": {"team": "net"}
}"#;

#[test]
fn every_field_is_read() {
    let Checked { network, warnings } = read(EVERY_FIELD).unwrap();
    assert_eq!(network.driver, LinkKind::Ipvlan { mode: IpvlanMode::L3s, flag: IpvlanFlag::Private });
    let vlan = VlanId::new(50).unwrap();
    assert_eq!(network.parent, ParentSpec::Vlan { parent: IfName::new("eth0").unwrap(), vlan });
    assert!(network.internal && network.ipv6 && !network.default_route);
    assert_eq!((network.mtu, network.metric), (Some(1400), Some(100)));
    assert_eq!(network.parent_wait, Some(5));
    let names: Vec<_> = network.subnets[0].aux_addresses.iter().map(|aux| aux.name.as_str()).collect();
    assert_eq!(names, ["z", "a"], "in declared order");
    assert_eq!(network.routes[1].kind, RouteKind::Blackhole);
    assert_eq!(network.dns.search, ["example.org"]);
    let granted: Vec<_> =
        network.access.kubernetes_namespaces.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(granted, ["db", "web"]);
    assert!(!network.access.fixed_addresses && !network.access.fixed_macs && network.access.passthru);
    assert_eq!(network.labels["team"], "net");
    let warnings: Vec<_> = warnings.iter().map(|warning| warning.place.as_str()).collect();
    assert_eq!(warnings, ["subnets[0].gateway"]);
}

#[test]
fn a_syntax_error_has_a_line_and_a_column() {
    let mistakes = read("{\n  \"driver\": \"macvlan\"\n  \"mtu\": 1\n}").unwrap_err();
    assert_eq!(mistakes.to_string(), "line 3, column 3: expected `,` or `}`");
    assert!(read("").is_err());
    assert_eq!(read("[]").unwrap_err().to_string(), "definition: an object is expected, not a list");
}

#[test]
fn all_mistakes_are_reported_at_once_with_their_places() {
    let text = r#"{
        "driver": "macvlan", "mode": "brigde", "vlan": 4095, "mtu": 67, "created": "today", "gatewy": 1,
        "subnets": [
            {"subnet": "192.168.1.5/24", "gateway": "10.0.0.1"},
            {"subnet": "10.0.0.0/24", "gateway": "10.0.1.1", "gateway": "10.0.0.1"}
        ]
    }"#;
    let mistakes = read(text).unwrap_err();
    let places: Vec<_> = mistakes.iter().map(|mistake| mistake.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "created",
            "gatewy",
            "mode",
            "vlan",
            "subnets[0].subnet",
            "subnets[1].gateway",
            "subnets[1].gateway",
            "mtu"
        ]
    );
}

#[test]
fn unknown_keys_name_the_nearest_one() {
    assert_eq!(
        complaints_of_subnet(r#""subnet": "10.0.0.0/8", "gatway": "10.0.0.1""#),
        ["subnets[0].gatway: unknown key; did you mean `gateway`?"]
    );
    assert_eq!(
        complaints(r#""dns": {"nameservers": []}"#),
        ["dns.nameservers: unknown key; there are servers, search"]
    );
}

#[test]
fn keys_may_be_there_once() {
    assert_eq!(complaints(r#""mtu": 1400, "mtu": 1400"#), ["mtu: the key is there twice"]);
    assert_eq!(complaints(r#""labels": {"a": "", "a": ""}"#), ["labels.a: the key is there twice"]);
}

#[test]
fn types_are_not_guessed() {
    assert_eq!(complaints(r#""mtu": "1400""#), ["mtu: a whole number is expected, not a text"]);
    assert_eq!(
        complaints(r#""mtu": -1"#),
        ["mtu: a whole number is expected, not a negative or fractional number"]
    );
    assert_eq!(complaints(r#""internal": 1"#), ["internal: true or false is expected, not a number"]);
    assert_eq!(complaints(r#""parent": null"#), ["parent: a text is expected, not null"]);
    assert_eq!(complaints(r#""subnets": {}"#), ["subnets: a list is expected, not an object"]);
    assert_eq!(complaints(r#""labels": {"a": 1}"#), ["labels.a: a text is expected, not a number"]);
}

#[test]
fn modes_belong_to_their_driver() {
    assert_eq!(
        complaints(r#""mode": "l2""#),
        ["mode: `l2` is none of the macvlan modes; there are bridge, vepa, private, passthru"]
    );
    assert_eq!(complaints(r#""flag": "private""#), ["flag: macvlan has no flags; they are ipvlan's"]);
    let mistakes = read(r#"{"driver": "ipvlan", "mode": "bridge", "flag": "passthru"}"#).unwrap_err();
    assert_eq!(
        mistakes.to_string(),
        "mode: `bridge` is none of the ipvlan modes; there are l2, l3, l3s; \
         flag: `passthru` is none of the ipvlan flags; there are bridge, private, vepa"
    );
    assert_eq!(read("{}").unwrap_err().to_string(), "driver: missing; it is macvlan or ipvlan");
    assert_eq!(
        read(r#"{"driver": "macvlam"}"#).unwrap_err().to_string(),
        "driver: `macvlam` is none of the drivers; did you mean `macvlan`?"
    );
}

#[test]
fn a_vlan_needs_a_parent_and_is_in_its_range() {
    assert_eq!(complaints(r#""vlan": 50"#), ["vlan: needs `parent` as well"]);
    for vlan in ["0", "4095", "65537"] {
        let complaint = complaints(&format!(r#""parent": "eth0", "vlan": {vlan}"#));
        assert_eq!(complaint, [format!("vlan: {vlan} is not between 1 and 4094")]);
    }
    assert_eq!(
        complaints(r#""parent": "auto", "vlan": 50"#),
        ["vlan: a VLAN needs a parent by its name, not `auto`"]
    );
    assert!(complaints(r#""parent": "lo""#)[0].starts_with("parent: loopback"));
    assert!(complaints(r#""parent": "../eth0""#)[0].starts_with("parent: `../eth0`"));
}

#[test]
fn what_is_set_apart_lies_in_its_subnet() {
    let in_subnet = |fields: &str| complaints_of_subnet(&format!(r#""subnet": "10.0.0.0/24", {fields}"#));
    assert_eq!(
        in_subnet(r#""gateway": "10.0.0.0""#),
        ["subnets[0].gateway: 10.0.0.0 is the network address of 10.0.0.0/24; no interface can have it"]
    );
    assert_eq!(
        in_subnet(r#""gateway": "10.0.0.255""#),
        ["subnets[0].gateway: 10.0.0.255 is the broadcast address of 10.0.0.0/24; no interface can have it"]
    );
    assert_eq!(
        in_subnet(r#""gateway": "2001:db8::1""#),
        ["subnets[0].gateway: 2001:db8::1 is IPv6 and 10.0.0.0/24 is IPv4"]
    );
    assert_eq!(
        in_subnet(r#""ip_range": "10.0.0.128/23""#),
        ["subnets[0].ip_range: 10.0.0.128/23: host bits are set; did you mean 10.0.0.0/23?"]
    );
    assert_eq!(
        in_subnet(r#""ip_range": "10.0.0.0/23""#),
        ["subnets[0].ip_range: 10.0.1.255 is outside the subnet 10.0.0.0/24"]
    );
    assert_eq!(
        in_subnet(r#""aux_addresses": {"a": "10.0.1.1"}"#),
        ["subnets[0].aux_addresses.a: 10.0.1.1 is outside the subnet 10.0.0.0/24"]
    );
    assert_eq!(
        in_subnet(
            r#""gateway": "10.0.0.1", "aux_addresses": {"a": "10.0.0.1", "b": "10.0.0.2", "c": "10.0.0.2"}"#
        ),
        [
            "subnets[0].aux_addresses.a: 10.0.0.1 is the gateway already",
            "subnets[0].aux_addresses.c: 10.0.0.2 is `b` already"
        ]
    );
}

#[test]
fn subnets_of_one_network_are_apart_and_assignable() {
    assert_eq!(
        complaints(
            r#""subnets": [{"subnet": "10.0.0.0/24"}, {"subnet": "::/64"}, {"subnet": "10.0.0.0/8"}]"#
        ),
        [
            "subnets[1].subnet: ::/64 holds addresses that no interface can have (::1/128)",
            "subnets[2].subnet: 10.0.0.0/8 overlaps 10.0.0.0/24 (subnets[0].subnet)"
        ]
    );
    assert_eq!(
        complaints_of_subnet(r#""subnet": "0.0.0.0/0""#),
        ["subnets[0].subnet: 0.0.0.0/0 holds addresses that no interface can have (127.0.0.0/8)"]
    );
    assert_eq!(
        complaints_of_subnet(""),
        ["subnets[0].subnet: missing; write a prefix such as 192.168.1.0/24"]
    );
}

#[test]
fn ipv6_agrees_with_the_subnets_and_the_mtu() {
    assert_eq!(
        complaints(r#""ipv6": false, "subnets": [{"subnet": "2001:db8::/64"}]"#),
        ["ipv6: false, but there is an IPv6 subnet; take one of the two out"]
    );
    assert_eq!(
        complaints(r#""mtu": 1279, "subnets": [{"subnet": "2001:db8::/64"}]"#),
        ["mtu: 1279 is not between 1280 and 65535"]
    );
    assert!(read(r#"{"driver": "macvlan", "mtu": 68}"#).is_ok());
}

#[test]
fn routes_are_such_as_the_kernel_takes() {
    let with = |route: &str| {
        complaints(&format!(r#""subnets": [{{"subnet": "10.0.0.0/24"}}], "routes": [{{{route}}}]"#))
    };
    assert_eq!(
        with(r#""destination": "10.1.0.0/16", "gateway": "10.0.0.1", "type": "blackhole""#),
        ["routes[0].gateway: only a unicast route has a gateway"]
    );
    assert_eq!(
        with(r#""destination": "10.1.0.0/16", "gateway": "10.2.0.1""#),
        [
            "routes[0].gateway: 10.2.0.1 is in none of the network's subnets, so it cannot be reached from there"
        ]
    );
    assert_eq!(
        with(r#""destination": "2001:db8::/32", "gateway": "10.0.0.1""#),
        ["routes[0].gateway: 10.0.0.1 is IPv4 and 2001:db8::/32 is IPv6"]
    );
    assert_eq!(
        with(r#""destination": "0.0.0.0/0", "gateway": "10.0.0.1""#),
        ["routes[0].destination: a default route comes from the `gateway` of a subnet, not from `routes`"]
    );
    assert_eq!(
        with(r#""destination": "10.1.0.0/16"}, {"destination": "10.1.0.0/16", "type": "prohibit""#),
        ["routes[1]: a route to 10.1.0.0/16 with this metric is in routes[0] already"]
    );
    assert_eq!(
        with(r#""destination": "10.1.0.0/16", "metric": 4294967296"#),
        ["routes[0].metric: 4294967296 is not between 0 and 4294967295"]
    );
}

#[test]
fn access_is_granted_to_namespaces_and_for_what_the_mode_has() {
    assert_eq!(
        complaints(r#""access": {"kubernetes_namespaces": ["db", "DB"], "fixed_adresses": false}"#),
        [
            "access.fixed_adresses: unknown key; did you mean `fixed_addresses`?",
            "access.kubernetes_namespaces[1]: `DB` is not a Kubernetes namespace: at most 63 of a-z, 0-9 and `-`, \
             with no `-` at either end",
        ]
    );
    assert_eq!(
        complaints(r#""access": {"passthru": false}"#),
        ["access.passthru: it is about mode passthru, and this network is in another"]
    );
    let passthru = r#"{"driver": "macvlan", "mode": "passthru", "access": {"passthru": false}}"#;
    assert!(!read(passthru).unwrap().network.access.passthru);
    let nobody = r#"{"driver": "macvlan", "access": {"kubernetes_namespaces": []}}"#;
    assert_eq!(read(nobody).unwrap().network.access.kubernetes_namespaces, Some(BTreeSet::new()));
}

#[test]
fn the_name_is_the_files_name() {
    assert_eq!(
        complaints(r#""name": "wan""#),
        ["name: `wan` is not the name of the file, which is `lan.json`; they must agree"]
    );
}

#[test]
fn limits_hold() {
    let subnets: Vec<_> = (0..=MAX_SUBNETS).map(|n| format!(r#"{{"subnet": "10.{n}.0.0/16"}}"#)).collect();
    assert_eq!(
        complaints(&format!(r#""subnets": [{}]"#, subnets.join(","))),
        ["subnets: 65 entries are more than the 64 that are allowed"]
    );
    let long = format!("{{\"driver\": \"macvlan\"{}}}", " ".repeat(MAX_BYTES));
    assert!(matches!(read(&long).unwrap_err().0[0].fault, Fault::TooLong(_)));
    assert!(read(&"[".repeat(100_000)).is_err(), "deep nesting is an error, not a stack overflow");
}

#[test]
fn strangers_texts_are_escaped_and_cut() {
    let complaint = &complaints(&format!(r#""a\u001b[2J{}": 1"#, "b".repeat(200)))[0];
    assert!(complaint.contains(r"a\u{1b}[2J") && complaint.contains("b…"), "{complaint}");
    assert!(!complaint.contains('\u{1b}'));
}

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

fn any_driver() -> impl Strategy<Value = LinkKind> {
    let macvlan = prop::sample::select(vec![
        MacvlanMode::Bridge,
        MacvlanMode::Vepa,
        MacvlanMode::Private,
        MacvlanMode::Passthru,
    ]);
    let mode = prop::sample::select(vec![IpvlanMode::L2, IpvlanMode::L3, IpvlanMode::L3s]);
    let flag = prop::sample::select(vec![IpvlanFlag::Bridge, IpvlanFlag::Private, IpvlanFlag::Vepa]);
    prop_oneof![
        macvlan.prop_map(|mode| LinkKind::Macvlan { mode }),
        (mode, flag).prop_map(|(mode, flag)| LinkKind::Ipvlan { mode, flag }),
    ]
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
    pub(super) fn any_network()(
        driver in any_driver(),
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
