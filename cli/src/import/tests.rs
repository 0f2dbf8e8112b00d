use std::path::{Path, PathBuf};

use super::*;

/// What the tools themselves wrote: podman 4.3.1 and 5.4.2 (`podman network create`), podman 4.3.1 with its
/// CNI backend, Docker 20.10.24 (`docker network inspect`).
fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/import/samples").join(name)).unwrap()
}

/// A host whose links are eth0 and wire.
fn is_link(name: &str) -> bool {
    ["eth0", "wire"].contains(&name)
}

/// The definitions of a text, and the notes on them.
fn imported(text: &[u8]) -> (Vec<String>, Vec<String>) {
    let imported =
        read(text, None, &is_link).unwrap_or_else(|faults| panic!("{}", lines(&faults).join("\n")));
    let definitions = imported.iter().map(|one| definition(&one.checked));
    (definitions.collect(), imported.iter().flat_map(|one| one.notes.clone()).collect())
}

/// Without white space; what was read is also what is read again.
fn definition(checked: &Checked) -> String {
    let text = file::print(&checked.network);
    assert_eq!(file::parse(text.as_bytes(), &checked.network.name).unwrap().network, checked.network);
    let compact: Value = serde_json::from_str(&text).unwrap();
    compact.to_string()
}

fn lines(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(underlay::message::chain).collect()
}

fn complaints(text: &str) -> Vec<String> {
    lines(&read(text.as_bytes(), None, &is_link).unwrap_err())
}

/// One network of a sample: its definition as expected, field by field, and the notes on it.
fn expect(text: &[u8], expected: &str, notes: &[&str]) {
    let (definitions, found) = imported(text);
    let expected: Value = serde_json::from_str(expected).unwrap();
    assert_eq!(definitions, [expected.to_string()]);
    assert_eq!(found, notes);
}

#[test]
fn podmans_networks_become_ours() {
    let lan = r#"{"name": "lan", "driver": "macvlan", "parent": "eth0", "mode": "private", "mtu": 1400,
        "subnets": [{"subnet": "192.168.5.0/24", "gateway": "192.168.5.1", "ip_range": "192.168.5.129-192.168.5.255"}],
        "labels": {"team": "net"}}"#;
    expect(&sample("podman/lan.json"), lan, &[]);
    let no_names = "dns_enabled is not carried over: containers are not found by their names";
    expect(&sample("podman/lan-4.3.json"), lan, &[no_names]);
    expect(
        &sample("podman/routed.json"),
        r#"{"name": "routed", "driver": "ipvlan", "parent": "eth0", "mode": "l3", "flag": "bridge", "ipv6": true,
            "subnets": [{"subnet": "10.1.0.0/24", "gateway": "10.1.0.1"},
                        {"subnet": "2001:db8:1::/64", "gateway": "2001:db8:1::1"}]}"#,
        &[
            "subnets[0].gateway: gateway 10.1.0.1 is ignored: on layer 3 (ipvlan l3, l3s) the default route names the interface \
             alone",
            "subnets[1].gateway: gateway 2001:db8:1::1 is ignored: on layer 3 (ipvlan l3, l3s) the default route names the \
             interface alone",
        ],
    );
    expect(
        &sample("podman/hidden.json"),
        r#"{"name": "hidden", "driver": "macvlan", "parent": "eth0", "mode": "bridge", "internal": true,
            "subnets": [{"subnet": "10.7.0.0/24"}]}"#,
        &[],
    );
    expect(
        &sample("podman/rt.json"),
        r#"{"name": "rt", "driver": "macvlan", "parent": "eth0", "mode": "bridge",
            "subnets": [{"subnet": "10.11.0.0/24", "gateway": "10.11.0.1"}],
            "routes": [{"destination": "10.99.0.0/16", "gateway": "10.11.0.1", "metric": 7},
                       {"destination": "10.98.0.0/16", "gateway": "10.11.0.1"}]}"#,
        &[],
    );
}

#[test]
fn podmans_options_are_ours_but_for_one() {
    expect(
        &sample("podman/tuned.json"),
        r#"{"name": "tuned", "driver": "macvlan", "parent": "eth0", "mode": "bridge",
            "subnets": [{"subnet": "10.10.0.0/24", "gateway": "10.10.0.1"}], "default_route": false, "metric": 50}"#,
        &["options.bclim is not carried over: the kernel's own limit for broadcasts applies"],
    );
    expect(
        &sample("podman/auto.json"),
        r#"{"name": "auto", "driver": "macvlan", "parent": "auto", "mode": "bridge",
            "subnets": [{"subnet": "10.8.0.0/24", "gateway": "10.8.0.1"}]}"#,
        &[],
    );
    let wire = r#"{"name": "wire", "driver": "ipvlan", "parent": "eth0", "mode": "l2", "flag": "bridge"}"#;
    expect(&sample("podman/wire.json"), wire, &[]);
    let dhcp = r#"{"name": "dhcpnet", "driver": "macvlan", "parent": "eth0", "mode": "bridge"}"#;
    expect(&sample("podman/dhcpnet.json"), dhcp, &[cni::NO_DHCP]);
}

#[test]
fn other_drivers_are_refused() {
    let refusal =
        "network br: driver `bridge` has no counterpart; only macvlan and ipvlan networks can be imported";
    for name in ["podman/br.json", "cni/podman-br.conflist"] {
        assert_eq!(lines(&read(&sample(name), None, &is_link).unwrap_err()), [refusal], "{name}");
    }
    let predefined = read(&sample("docker/predefined.json"), None, &is_link).unwrap_err();
    assert_eq!(
        lines(&predefined),
        [
            "network none: driver `null` has no counterpart; only macvlan and ipvlan networks can be imported",
            "network host: driver `host` has no counterpart; only macvlan and ipvlan networks can be imported",
        ]
    );
}

#[test]
fn cnis_lists_become_ours() {
    expect(
        &sample("cni/podman-lan.conflist"),
        r#"{"name": "lan", "driver": "macvlan", "parent": "eth0", "mode": "private", "mtu": 1400,
            "subnets": [{"subnet": "192.168.5.0/24", "gateway": "192.168.5.1", "ip_range": "192.168.5.129-192.168.5.255"}],
            "labels": {"team": "net"}}"#,
        &[],
    );
    expect(
        &sample("cni/podman-auto.conflist"),
        r#"{"name": "auto", "driver": "macvlan", "parent": "auto", "mode": "bridge",
            "subnets": [{"subnet": "10.8.0.0/24", "gateway": "10.8.0.1"}]}"#,
        &[],
    );
    // Without a default route the gateway is nobody's next hop, but host-local keeps its address all the
    // same.
    expect(
        &sample("cni/podman-hidden.conflist"),
        r#"{"name": "hidden", "driver": "macvlan", "parent": "eth0", "mode": "bridge",
            "subnets": [{"subnet": "10.7.0.0/24", "aux_addresses": {"gateway": "10.7.0.1"}}]}"#,
        &[],
    );
    let dhcp = r#"{"name": "dhcpnet", "driver": "macvlan", "parent": "eth0", "mode": "bridge"}"#;
    expect(&sample("cni/podman-dhcpnet.conflist"), dhcp, &[cni::NO_DHCP]);
}

#[test]
fn cnis_routes_and_second_ranges_are_weighed() {
    expect(
        br#"{"cniVersion": "1.0.0", "name": "ten", "type": "ipvlan", "master": "eth0", "mode": "l2", "ipam": {
            "type": "host-local", "subnet": "10.1.0.0/16", "rangeStart": "10.1.20.0", "rangeEnd": "10.1.20.9",
            "ranges": [[{"subnet": "10.1.0.0/16", "rangeStart": "10.1.30.0"}, {"subnet": "10.2.0.0/16"}],
                       [{"subnet": "2001:db8::/64", "gateway": "2001:db8::fe"}]],
            "routes": [{"dst": "0.0.0.0/0", "gw": "10.1.255.254", "priority": 20}, {"dst": "10.9.0.0/16"}],
            "dataDir": "/var/lib/ten"},
            "dns": {"nameservers": ["10.1.0.53"], "domain": "lan", "search": ["example.org"]}}"#,
        r#"{"name": "ten", "driver": "ipvlan", "parent": "eth0", "mode": "l2", "flag": "bridge", "ipv6": true, "subnets": [
            {"subnet": "10.1.0.0/16", "gateway": "10.1.255.254", "ip_range": "10.1.20.0-10.1.20.9",
             "aux_addresses": {"gateway": "10.1.0.1"}},
            {"subnet": "10.2.0.0/16", "aux_addresses": {"gateway": "10.2.0.1"}},
            {"subnet": "2001:db8::/64", "aux_addresses": {"gateway": "2001:db8::fe"}}],
            "routes": [{"destination": "10.9.0.0/16", "gateway": "10.1.0.1"}], "metric": 20,
            "dns": {"servers": ["10.1.0.53"], "search": ["lan", "example.org"]}}"#,
        &[
            "a second range of 10.1.0.0/16 is not carried over: 10.1.30.0-10.1.255.255",
            "a container gets one address a family, from the first of these subnets that has one left",
            "ipam.dataDir is not carried over",
        ],
    );
}

#[test]
fn cnis_fixed_addresses_are_ranges_of_one() {
    expect(
        br#"{"cniVersion": "0.4.0", "name": "one", "plugins": [
            {"type": "macvlan", "ipam": {"type": "static", "addresses": [{"address": "10.1.0.5/24", "gateway": "10.1.0.1"}],
             "routes": [{"dst": "0.0.0.0/0"}]}, "capabilities": {"ips": true}},
            {"type": "portmap", "capabilities": {"portMappings": true}}, {"type": "tuning"}]}"#,
        r#"{"name": "one", "driver": "macvlan", "parent": "auto", "mode": "bridge",
            "subnets": [{"subnet": "10.1.0.0/24", "gateway": "10.1.0.1", "ip_range": "10.1.0.5/32"}]}"#,
        &[
            "10.1.0.5 is for one container at a time, as every fixed address is here",
            "plugin portmap is not carried over: containers have addresses of their own on the LAN, so ports need no mapping",
            "plugin tuning is not carried over",
        ],
    );
}

#[test]
fn on_layer_3_cnis_word_for_no_way_out_is_kept() {
    let l3 = |routes: &str| {
        format!(
            r#"{{"cniVersion": "1.0.0", "name": "far", "type": "ipvlan", "master": "eth0", "mode": "l3",
                "ipam": {{"type": "host-local", "subnet": "10.1.0.0/24", "routes": [{routes}]}}}}"#
        )
    };
    let without = imported(l3("").as_bytes()).0;
    assert!(without[0].contains(r#""default_route":false"#), "{without:?}");
    let with = imported(l3(r#"{"dst": "0.0.0.0/0"}"#).as_bytes()).0;
    assert!(!with[0].contains("default_route"), "{with:?}");
}

#[test]
fn dockers_networks_become_ours() {
    let (definitions, notes) = imported(&sample("docker/inspect.json"));
    let expected = [
        r#"{"name": "macnet32", "driver": "macvlan", "parent": "eth0", "mode": "bridge", "subnets": [
            {"subnet": "192.168.32.0/24", "gateway": "192.168.32.254", "ip_range": "192.168.32.128/25",
             "aux_addresses": {"my-router": "192.168.32.129"}}], "labels": {"team": "net"}}"#,
        r#"{"name": "macvlan216", "driver": "macvlan", "parent": "wire", "mode": "vepa", "ipv6": true, "subnets": [
            {"subnet": "192.168.216.0/24", "gateway": "192.168.216.1"},
            {"subnet": "192.168.218.0/24", "gateway": "192.168.218.1"},
            {"subnet": "2001:db8:abc8::/64", "gateway": "2001:db8:abc8::10"}]}"#,
        r#"{"name": "ipl3", "driver": "ipvlan", "parent": "wire", "vlan": 50, "mode": "l3", "flag": "private",
            "subnets": [{"subnet": "10.6.0.0/24"}]}"#,
        r#"{"name": "hidden", "driver": "macvlan", "mode": "bridge", "internal": true, "subnets": [{"subnet": "10.7.0.0/24"}]}"#,
        r#"{"name": "nosubnet", "driver": "macvlan", "mode": "bridge", "mtu": 1400,
            "subnets": [{"subnet": "172.17.0.0/16", "gateway": "172.17.0.1"}]}"#,
    ];
    let expected: Vec<_> =
        expected.iter().map(|text| serde_json::from_str::<Value>(text).unwrap().to_string()).collect();
    assert_eq!(definitions, expected);
    assert_eq!(notes, [""; 0]);
}

#[test]
fn what_docker_made_for_its_network_is_not_taken_for_a_link_that_stays() {
    let network = br#"{"Name": "a", "Driver": "ipvlan", "Options": {"parent": "eth0.50"}}"#;
    let parent = |links: &[&str]| {
        let imported = read(network, None, &|name| links.contains(&name)).unwrap();
        definition(&imported[0].checked)
    };
    assert!(parent(&["eth0", "eth0.50"]).contains(r#""parent":"eth0","vlan":50"#));
    assert!(parent(&[]).contains(r#""parent":"eth0","vlan":50"#));
    assert!(parent(&["eth0.50"]).contains(r#""parent":"eth0.50""#), "a link that only looks like Docker's");
}

#[test]
fn what_is_otherwise_than_with_docker_is_noted() {
    let (_, notes) = imported(
        br#"[{"Name": "a", "Driver": "macvlan", "EnableIPv6": false, "Options": {"parent": "eth0", "foo": "bar"},
            "IPAM": {"Driver": "default", "Config": [{"Subnet": "10.1.0.0/24"}, {"Subnet": "fd00::/64", "Gateway": "fd00::1"}]},
            "Containers": {"0123": {"Name": "c", "IPv4Address": "10.1.0.2/24"}}}]"#,
    );
    assert_eq!(
        notes,
        [
            "options.foo is not carried over".replace("options", "Options"),
            "it has an IPv6 subnet, so IPv6 is on, though Docker ignores the subnet without EnableIPv6".to_owned(),
            "subnet 10.1.0.0/24 names no gateway, so it gives no default route; Docker before 29 takes its first address for one"
                .to_owned(),
            "containers of Docker's (1) are on it; stop them first, or give their addresses as auxiliary ones: they would be \
             handed out again"
                .to_owned(),
        ]
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    assert_eq!(
        complaints(
            r#"[{"name": "a/b", "driver": "macvlan", "options": {"mtu": "big"}},
                {"name": "lan", "driver": "macvlan", "options": {"mode": "source"}, "subnets": [{"subnet": "10.0.0.1/24"}]},
                {"name": "c", "driver": "macvlan", "subnets": {}, "ipam_options": {"driver": "mine"}}]"#
        ),
        [
            "network a/b: options.mtu: a whole number is expected",
            "network a/b: `a/b` cannot name a network: it starts with a letter or digit and goes on with letters, digits, `_`, \
             `.` and `-`",
            "network lan: mode: `source` is none of the macvlan modes; there are bridge, vepa, private, passthru",
            "network lan: subnets[0].subnet: 10.0.0.1/24: host bits are set; did you mean 10.0.0.0/24?",
            "network c: subnets: a list of objects is expected",
            "network c: ipam_options.driver: `mine` has no counterpart; it is host-local, none or dhcp",
        ]
    );
}

#[test]
fn what_is_no_network_is_refused() {
    assert!(complaints("{")[0].starts_with("it is not JSON: EOF"));
    assert_eq!(complaints("[]"), ["there is no network in it"]);
    for text in ["{}", "[1]", "null", r#"{"name": "lan"}"#] {
        assert!(complaints(text)[0].contains("--from podman, cni or docker"), "{text}");
    }
    let said = read(br#"{"name": "lan"}"#, Some(Origin::Cni), &is_link).unwrap_err();
    assert!(lines(&said)[0].starts_with("network lan: driver `` has no counterpart"));
}

#[test]
fn every_sample_is_told_apart() {
    for (origin, file, network) in samples() {
        assert_eq!(Origin::of(network.get(0).unwrap_or(&network)), Some(origin), "{}", file.display());
    }
}

#[test]
fn whatever_is_in_the_place_of_a_value_is_read_or_refused_with_a_reason() {
    let others = ["null", "true", "-1", r#""x""#, "[]", "{}", "[[{}]]", r#"[{"": []}]"#];
    for (_, file, network) in samples() {
        for place in places(&network) {
            for other in others {
                let mut changed = network.clone();
                *changed.pointer_mut(&place).unwrap() = serde_json::from_str(other).unwrap();
                if let Err(faults) = read(changed.to_string().as_bytes(), None, &is_link) {
                    assert!(!faults.is_empty(), "{}{place} = {other}", file.display());
                }
            }
        }
    }
}

fn samples() -> Vec<(Origin, PathBuf, Value)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/import/samples");
    let mut samples = Vec::new();
    for (name, origin) in [("podman", Origin::Podman), ("cni", Origin::Cni), ("docker", Origin::Docker)] {
        for entry in std::fs::read_dir(directory.join(name)).unwrap() {
            let file = entry.unwrap().path();
            let network = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            samples.push((origin, file, network));
        }
    }
    assert!(samples.len() > 10);
    samples
}

/// The JSON pointers of all values.
fn places(value: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Array(values) => values.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.replace('/', "~1"), value)).collect(),
        _ => Vec::new(),
    };
    let below = inner
        .into_iter()
        .flat_map(|(key, value)| places(value).into_iter().map(move |place| format!("/{key}{place}")));
    [String::new()].into_iter().chain(below).collect()
}
