use plan::{IfName, IpvlanFlag, IpvlanMode, LinkKind, MacvlanMode, RouteKind};

use super::*;
use crate::network::{ParentSpec, VlanId};

mod link;
pub(super) mod round_trip;
mod subnet;

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
fn the_name_is_the_files_name() {
    assert_eq!(
        complaints(r#""name": "wan""#),
        ["name: `wan` is not the name of the file, which is `lan.json`; they must agree"]
    );
}

#[test]
fn limits_hold() {
    type Item = fn(usize) -> String;
    let entry: Item = |n| format!(r#""k{n}": "10.0.{}.{}""#, n / 250, n % 250 + 1);
    let aux = r#""subnets": [{"subnet": "10.0.0.0/16", "aux_addresses": {"#;
    let cases: [(&str, usize, &str, Item, &str); 7] = [
        ("subnets", 64, r#""subnets": ["#, |n| format!(r#"{{"subnet": "10.{n}.0.0/16"}}"#), "]"),
        ("subnets[0].aux_addresses", 1024, aux, entry, "}}]"),
        (
            "routes",
            256,
            r#""routes": ["#,
            |n| format!(r#"{{"destination": "10.{}.{}.0/24", "type": "blackhole"}}"#, n / 256, n % 256),
            "]",
        ),
        ("dns.servers", 32, r#""dns": {"servers": ["#, |n| format!(r#""10.0.0.{n}""#), "]}"),
        ("dns.search", 32, r#""dns": {"search": ["#, |n| format!(r#""d{n}""#), "]}"),
        (
            "access.kubernetes_namespaces",
            1024,
            r#""access": {"kubernetes_namespaces": ["#,
            |n| format!(r#""n{n}""#),
            "]}",
        ),
        ("labels", 1024, r#""labels": {"#, entry, "}"),
    ];
    for (place, most, before, item, after) in cases {
        let fields = |count| format!("{before}{}{after}", (0..count).map(item).collect::<Vec<_>>().join(","));
        let told = read(&format!(r#"{{"driver": "macvlan", {}}}"#, fields(most)));
        assert!(told.is_ok(), "{place}: {told:?}");
        let complaint = format!("{place}: {} entries are more than the {most} that are allowed", most + 1);
        assert_eq!(complaints(&fields(most + 1)), [complaint]);
    }
    let long = format!("{{\"driver\": \"macvlan\"{}}}", " ".repeat(MAX_BYTES));
    let told = read(&long).unwrap_err().to_string();
    assert!(told.contains("1048597 bytes are more than a definition may have (1048576)"), "{told}");
    assert!(read(&"[".repeat(100_000)).is_err(), "deep nesting is an error, not a stack overflow");
}

#[test]
fn strangers_texts_are_escaped_and_cut() {
    let complaint = &complaints(&format!(r#""a\u001b[2J{}": 1"#, "b".repeat(200)))[0];
    assert!(complaint.contains(r"a\u{1b}[2J") && complaint.contains("b…"), "{complaint}");
    assert!(!complaint.contains('\u{1b}'));
}
