use clap::Parser as _;
use underlay::network::Network;

use super::*;
use crate::arguments::{Arguments, Command, NetworkCommand};

/// The words of a command line as a shell without quotes would split it.
fn words(line: &str) -> CreateWords {
    let words = ["underlay", "network", "create"].into_iter().chain(line.split_whitespace());
    match Arguments::try_parse_from(words).unwrap().command {
        Command::Network(NetworkCommand::Create(words)) => *words,
        other => panic!("{other:?}"),
    }
}

/// Reads a command line on a host whose only NIC is eth0.
fn typed(line: &str) -> Typed {
    read(&words(line), |name| name == "eth0").unwrap_or_else(|faults| panic!("{line}: {faults:?}"))
}

fn complaints_of(words: &CreateWords) -> Vec<String> {
    read(words, |name| name == "eth0").unwrap_err().iter().map(ToString::to_string).collect()
}

fn complaints(line: &str) -> Vec<String> {
    complaints_of(&words(line))
}

fn network(name: &str, definition: &str) -> Network {
    file::parse(definition.as_bytes(), &name.parse().unwrap()).unwrap().network
}

/// The rows of the acceptance list that name a parent which is there: words and definition.
const ROWS: &[(&str, &str, &str)] = &[
    (
        "S1 pub_net",
        "-d macvlan --subnet=172.16.86.0/24 --gateway=172.16.86.1 -o parent=eth0 pub_net",
        r#"{"driver": "macvlan", "parent": "eth0", "subnets": [{"subnet": "172.16.86.0/24", "gateway": "172.16.86.1"}]}"#,
    ),
    (
        "S2 macnet32",
        "-d macvlan --subnet=192.168.32.0/24 --ip-range=192.168.32.128/25 --gateway=192.168.32.254 \
         --aux-address=my-router=192.168.32.129 -o parent=eth0 macnet32",
        r#"{"driver": "macvlan", "parent": "eth0", "subnets": [{"subnet": "192.168.32.0/24", "gateway": "192.168.32.254",
            "ip_range": "192.168.32.128/25", "aux_addresses": {"my-router": "192.168.32.129"}}]}"#,
    ),
    (
        "S3 macvlan50",
        "-d macvlan --subnet=192.168.50.0/24 --gateway=192.168.50.1 -o parent=eth0.50 macvlan50",
        r#"{"driver": "macvlan", "parent": "eth0", "vlan": 50,
            "subnets": [{"subnet": "192.168.50.0/24", "gateway": "192.168.50.1"}]}"#,
    ),
    (
        "S4 ipvlan210",
        "-d ipvlan --subnet=192.168.210.0/24 --subnet=192.168.212.0/24 --gateway=192.168.210.254 \
         --gateway=192.168.212.254 -o ipvlan_mode=l2 -o parent=eth0 ipvlan210",
        r#"{"driver": "ipvlan", "mode": "l2", "parent": "eth0", "subnets": [
            {"subnet": "192.168.210.0/24", "gateway": "192.168.210.254"},
            {"subnet": "192.168.212.0/24", "gateway": "192.168.212.254"}]}"#,
    ),
    (
        "S4b without a parent",
        "-d ipvlan --subnet=192.168.210.0/24 --subnet=192.168.212.0/24 --gateway=192.168.210.254 \
         --gateway=192.168.212.254 -o ipvlan_mode=l2 ipvlan210",
        r#"{"driver": "ipvlan", "subnets": [
            {"subnet": "192.168.210.0/24", "gateway": "192.168.210.254"},
            {"subnet": "192.168.212.0/24", "gateway": "192.168.212.254"}]}"#,
    ),
    (
        "S5 macvlan216",
        "-d macvlan --subnet=192.168.216.0/24 --subnet=192.168.218.0/24 --gateway=192.168.216.1 \
         --gateway=192.168.218.1 --subnet=2001:db8:abc8::/64 --gateway=2001:db8:abc8::10 -o parent=eth0.218 \
         -o macvlan_mode=bridge macvlan216",
        r#"{"driver": "macvlan", "mode": "bridge", "parent": "eth0", "vlan": 218, "ipv6": true, "subnets": [
            {"subnet": "192.168.216.0/24", "gateway": "192.168.216.1"},
            {"subnet": "192.168.218.0/24", "gateway": "192.168.218.1"},
            {"subnet": "2001:db8:abc8::/64", "gateway": "2001:db8:abc8::10"}]}"#,
    ),
    (
        "S6 db_net",
        "-d ipvlan --subnet=192.168.1.0/24 --gateway=192.168.1.1 -o ipvlan_mode=l2 -o parent=eth0 db_net",
        r#"{"driver": "ipvlan", "parent": "eth0", "subnets": [{"subnet": "192.168.1.0/24", "gateway": "192.168.1.1"}]}"#,
    ),
    (
        "S7 db_net_ipv",
        "-d ipvlan --subnet=192.168.1.0/24 -o parent=eth0 db_net_ipv",
        r#"{"driver": "ipvlan", "parent": "eth0", "subnets": [{"subnet": "192.168.1.0/24"}]}"#,
    ),
    (
        "S8 isolated1",
        "-d ipvlan --subnet=192.168.10.0/24 isolated1",
        r#"{"driver": "ipvlan", "subnets": [{"subnet": "192.168.10.0/24"}]}"#,
    ),
    (
        "S8 isolated2",
        "-d ipvlan --subnet 192.168.11.0/24 --internal isolated2",
        r#"{"driver": "ipvlan", "internal": true, "subnets": [{"subnet": "192.168.11.0/24"}]}"#,
    ),
    (
        "S9 ipvlan20",
        "-d ipvlan --subnet=192.168.20.0/24 --gateway=192.168.20.1 -o parent=eth0.20 ipvlan20",
        r#"{"driver": "ipvlan", "parent": "eth0", "vlan": 20,
            "subnets": [{"subnet": "192.168.20.0/24", "gateway": "192.168.20.1"}]}"#,
    ),
    (
        "S9 ipvlan30",
        "-d ipvlan --subnet=192.168.30.0/24 --gateway=192.168.30.1 -o parent=eth0.30 -o ipvlan_mode=l2 ipvlan30",
        r#"{"driver": "ipvlan", "parent": "eth0", "vlan": 30,
            "subnets": [{"subnet": "192.168.30.0/24", "gateway": "192.168.30.1"}]}"#,
    ),
    (
        "S10 ipvlan114",
        "-d ipvlan --subnet=192.168.114.0/24 --subnet=192.168.116.0/24 --gateway=192.168.114.254 \
         --gateway=192.168.116.254 -o parent=eth0.114 -o ipvlan_mode=l2 ipvlan114",
        r#"{"driver": "ipvlan", "parent": "eth0", "vlan": 114, "subnets": [
            {"subnet": "192.168.114.0/24", "gateway": "192.168.114.254"},
            {"subnet": "192.168.116.0/24", "gateway": "192.168.116.254"}]}"#,
    ),
    (
        "S11 ipnet210",
        "-d ipvlan --subnet=192.168.214.0/24 --subnet=10.1.214.0/24 -o ipvlan_mode=l3 ipnet210",
        r#"{"driver": "ipvlan", "mode": "l3", "subnets": [{"subnet": "192.168.214.0/24"}, {"subnet": "10.1.214.0/24"}]}"#,
    ),
    (
        "S12 v6ipvlan139",
        "-d ipvlan --ipv6 --subnet=2001:db8:abc2::/64 --gateway=2001:db8:abc2::22 -o parent=eth0.139 v6ipvlan139",
        r#"{"driver": "ipvlan", "parent": "eth0", "vlan": 139,
            "subnets": [{"subnet": "2001:db8:abc2::/64", "gateway": "2001:db8:abc2::22"}]}"#,
    ),
    (
        "S13 ipvlan140",
        "-d ipvlan --subnet=192.168.140.0/24 --subnet=192.168.142.0/24 --gateway=192.168.140.1 \
         --gateway=192.168.142.1 --subnet=2001:db8:abc9::/64 --gateway=2001:db8:abc9::22 -o parent=eth0.140 \
         -o ipvlan_mode=l2 ipvlan140",
        r#"{"driver": "ipvlan", "parent": "eth0", "vlan": 140, "subnets": [
            {"subnet": "192.168.140.0/24", "gateway": "192.168.140.1"},
            {"subnet": "192.168.142.0/24", "gateway": "192.168.142.1"},
            {"subnet": "2001:db8:abc9::/64", "gateway": "2001:db8:abc9::22"}]}"#,
    ),
    (
        "S14 ipnet110",
        "-d ipvlan --subnet=192.168.110.0/24 --subnet=192.168.112.0/24 --subnet=2001:db8:abc6::/64 -o parent=eth0 \
         -o ipvlan_mode=l3 ipnet110",
        r#"{"driver": "ipvlan", "mode": "l3", "parent": "eth0", "subnets": [
            {"subnet": "192.168.110.0/24"}, {"subnet": "192.168.112.0/24"}, {"subnet": "2001:db8:abc6::/64"}]}"#,
    ),
    (
        "S16 foo",
        "-d ipvlan --subnet=192.168.40.0/24 --gateway=192.168.40.1 -o parent=foo ipvlan40",
        r#"{"driver": "ipvlan", "parent": "foo", "subnets": [{"subnet": "192.168.40.0/24", "gateway": "192.168.40.1"}]}"#,
    ),
    (
        "S17 macvlan100",
        "-d macvlan --subnet=10.0.0.0/24 --ip-range=10.0.0.0/25 --gateway=10.0.0.1 -o parent=eth0.100 macvlan100",
        r#"{"driver": "macvlan", "parent": "eth0", "vlan": 100,
            "subnets": [{"subnet": "10.0.0.0/24", "ip_range": "10.0.0.0/25", "gateway": "10.0.0.1"}]}"#,
    ),
    (
        "S18 a parent that is not there",
        "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=en0.10 macvlan10",
        r#"{"driver": "macvlan", "parent": "en0", "vlan": 10, "subnets": [{"subnet": "10.0.0.0/24", "gateway": "10.0.0.1"}]}"#,
    ),
    (
        "S19 mvnet",
        "-d macvlan --subnet=192.168.0.0/24 --gateway=192.168.0.1 -o parent=eth0 mvnet",
        r#"{"driver": "macvlan", "parent": "eth0", "subnets": [{"subnet": "192.168.0.0/24", "gateway": "192.168.0.1"}]}"#,
    ),
    (
        "S20 macvlan10",
        "-d macvlan --subnet=192.168.10.0/24 --gateway=192.168.10.1 -o parent=eth0.10 macvlan10",
        r#"{"driver": "macvlan", "parent": "eth0", "vlan": 10,
            "subnets": [{"subnet": "192.168.10.0/24", "gateway": "192.168.10.1"}]}"#,
    ),
];

#[test]
fn dockers_examples_become_definitions() {
    for (row, line, definition) in ROWS {
        let typed = typed(line);
        let name = line.split(' ').next_back().unwrap();
        assert_eq!(typed.checked.network, network(name, definition), "{row}");
        assert_eq!(typed.choose, Choose::default(), "{row}: subnets are named");
    }
}

#[test]
fn ipv6_subnets_turn_ipv6_on_with_a_note() {
    for (row, line, _) in ROWS {
        let is_noted = typed(line).warnings().any(|warning| warning.contains("IPv6 is on"));
        assert_eq!(is_noted, line.contains("2001:") && !line.contains("--ipv6"), "{row}");
    }
}

#[test]
fn s8_a_network_without_a_subnet_gets_one() {
    assert_eq!(typed("-d ipvlan isolated3").choose, Choose { ipv4: true, ipv6: false });
    assert_eq!(typed("-d ipvlan --ipv6 isolated3").choose, Choose { ipv4: true, ipv6: true });
    assert_eq!(typed("-d ipvlan --ipv6 --subnet 10.0.0.0/8 a").choose, Choose { ipv4: false, ipv6: true });
    let wire = typed("-d macvlan --no-ipam -o parent=eth0 wire");
    assert_eq!((wire.choose, wire.checked.network.subnets.len()), (Choose::default(), 0));
}

#[test]
fn s15_a_link_of_the_very_name_is_the_parent_as_it_stands() {
    let line = words("-d ipvlan --subnet=192.168.40.0/24 --gateway=192.168.40.1 -o parent=eth0.40 ipvlan40");
    let typed = read(&line, |name| ["eth0", "eth0.40"].contains(&name)).unwrap();
    let definition = r#"{"driver": "ipvlan", "parent": "eth0.40",
        "subnets": [{"subnet": "192.168.40.0/24", "gateway": "192.168.40.1"}]}"#;
    assert_eq!(typed.checked.network, network("ipvlan40", definition));
}

#[test]
fn only_a_number_behind_the_last_dot_is_a_vlan() {
    let parent = |text: &str, vlan| {
        let (parent, vlan) = parent(Some(text), vlan, |_| false);
        (parent.unwrap().to_owned(), vlan)
    };
    assert_eq!(parent("eth0.40.50", None), ("eth0.40".to_owned(), Some(50)));
    assert_eq!(parent("br.lan", None), ("br.lan".to_owned(), None));
    assert_eq!(parent("eth0.+5", None), ("eth0.+5".to_owned(), None));
    assert_eq!(parent("eth0.", None), ("eth0.".to_owned(), None));
    assert_eq!(parent("eth0.50", Some(7)), ("eth0.50".to_owned(), Some(7)), "both are named");
}

#[test]
fn the_default_routes_link_is_named_auto_and_has_no_vlan() {
    let auto = typed("-d macvlan --subnet 10.0.0.0/24 -o parent=auto lan");
    let definition = r#"{"driver": "macvlan", "parent": "auto", "subnets": [{"subnet": "10.0.0.0/24"}]}"#;
    assert_eq!(auto.checked.network, network("lan", definition));
    for line in ["-d macvlan -o parent=auto.50 lan", "-d macvlan -o parent=auto --vlan 50 lan"] {
        assert_eq!(complaints(line), ["--vlan: a VLAN needs a parent by its name, not `auto`"]);
    }
}

#[test]
fn our_own_words_are_understood() {
    let mut line = words(
        "-d macvlan --subnet 10.0.0.0/24 --vlan 7 --mtu 1400 --dns 10.0.0.53 --dns-search lan,example.org \
         --no-default-route --metric 50 --label team=net --label bare -o parent=eth0 lan",
    );
    line.route = vec!["10.1.0.0/16 via 10.0.0.1 metric 5".to_owned(), "blackhole 10.2.3.4".to_owned()];
    let definition = r#"{"driver": "macvlan", "parent": "eth0", "vlan": 7, "mtu": 1400,
        "subnets": [{"subnet": "10.0.0.0/24"}], "default_route": false, "metric": 50,
        "routes": [{"destination": "10.1.0.0/16", "gateway": "10.0.0.1", "metric": 5},
                   {"destination": "10.2.3.4/32", "type": "blackhole"}],
        "dns": {"servers": ["10.0.0.53"], "search": ["lan", "example.org"]},
        "labels": {"team": "net", "bare": ""}}"#;
    let typed = read(&line, |_| true).unwrap();
    assert_eq!(typed.checked.network, network("lan", definition));
}

#[test]
fn what_annotations_may_ask_for_is_said_in_words_of_our_own() {
    let typed = typed(
        "-d macvlan -o macvlan_mode=passthru -o parent=eth0 --kubernetes-namespace web,db --kubernetes-namespace a \
         --no-fixed-addresses --no-fixed-macs --no-passthru lan",
    );
    let definition = r#"{"driver": "macvlan", "mode": "passthru", "parent": "eth0", "access":
        {"kubernetes_namespaces": ["a", "db", "web"], "fixed_addresses": false, "fixed_macs": false, "passthru": false}}"#;
    assert_eq!(typed.checked.network, network("lan", definition));
    assert_eq!(
        complaints("-d macvlan --kubernetes-namespace Web --no-passthru lan"),
        [
            "--kubernetes-namespace: `Web` is not a Kubernetes namespace: at most 63 of a-z, 0-9 and `-`, with no `-` \
             at either end",
            "--no-passthru: it is about mode passthru, and this network is in another",
        ]
    );
}

#[test]
fn dockers_mtu_is_honoured() {
    let typed = typed("-d macvlan --subnet 10.0.0.0/24 -o com.docker.network.driver.mtu=1400 lan");
    assert_eq!(typed.checked.network.mtu, Some(1400));
}

#[test]
fn what_cannot_be_brought_to_a_subnet_is_an_error() {
    assert_eq!(
        complaints(
            "-d macvlan --subnet 10.0.0.0/24 --gateway 10.0.0.1 --gateway 10.0.0.2 --gateway 10.1.0.1 --ip-range x \
             --aux-address 10.0.0.3 --aux-address a=10.9.0.1 lan"
        ),
        [
            "--gateway 10.0.0.2: subnet 10.0.0.0/24 has one already",
            "--gateway 10.1.0.1: in none of the subnets (10.0.0.0/24); name its subnet with --subnet",
            "--ip-range x: not an IP address",
            "--aux-address 10.0.0.3: write it as NAME=ADDRESS",
            "--aux-address a=10.9.0.1: in none of the subnets (10.0.0.0/24); name its subnet with --subnet",
        ]
    );
    assert_eq!(
        complaints("-d macvlan --gateway 10.0.0.1 lan"),
        ["--gateway 10.0.0.1: there is no subnet that could hold it; name its subnet with --subnet"]
    );
}

#[test]
fn mistakes_of_words_and_of_the_definition_are_reported_together_in_the_words() {
    assert_eq!(
        complaints(
            "-d macvlan --subnet 192.168.1.5/24 --gateway 10.0.0.1 -o parent=lo -o macvlan_mode=brdige -o mut=1 \
             --vlan 4095 lan"
        ),
        [
            "-o mut: unknown option; there are parent, macvlan_mode, ipvlan_mode, ipvlan_flag, mtu, \
             com.docker.network.driver.mtu",
            "--gateway 10.0.0.1: in none of the subnets (192.168.1.5/24); name its subnet with --subnet",
            "-o macvlan_mode: `brdige` is none of the macvlan modes; did you mean `bridge`?",
            "-o parent: loopback carries no macvlan or ipvlan link; name a NIC, or leave `parent` out for an isolated network",
            "--vlan: 4095 is not between 1 and 4094",
            "--subnet: 192.168.1.5/24: host bits are set; did you mean 192.168.1.0/24?",
        ]
    );
}

#[test]
fn options_are_given_once_with_a_value_to_their_own_driver() {
    assert_eq!(
        complaints(
            "-d ipvlan -o parent=eth0 -o parent=eth1 -o macvlan_mode=bridge -o ipvlan_flag -o mtu=big lan"
        ),
        [
            "-o parent: given twice",
            "-o ipvlan_flag: write it as KEY=VALUE",
            "-o macvlan_mode: not an option of driver ipvlan; leave it out, or take the other driver",
            "-o mtu=big: not a number of bytes",
        ]
    );
    assert_eq!(
        complaints("-d vxlan -o ipvlan_mode=l2 lan"),
        ["--driver: `vxlan` is none of the drivers; there are macvlan, ipvlan"]
    );
    assert_eq!(complaints("-d macvlan --label a=1 --label a=2 lan"), ["--label a: given twice"]);
    assert_eq!(complaints("-d macvlan --mtu 1400 -o mtu=1400 lan"), ["--mtu (and -o mtu): given twice"]);
}

#[test]
fn words_of_dockers_without_a_meaning_here_are_refused_with_a_reason_each() {
    let complaints = complaints(
        "-d overlay --attachable --ingress --config-only --config-from x --scope swarm --ipam-driver default \
         --ipam-opt a=b --subnet 10.0.0.1/24 lan",
    );
    let words: Vec<_> = complaints.iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(
        words,
        [
            "--attachable",
            "--ingress",
            "--config-only",
            "--config-from",
            "--scope",
            "--ipam-driver",
            "--ipam-opt",
            "--driver overlay",
            "--subnet"
        ]
    );
    for driver in ["bridge", "host", "none", "null"] {
        let complaints = complaints_of(&words_of(driver));
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with(&format!("--driver {driver}: a ")), "{complaints:?}");
    }
}

fn words_of(driver: &str) -> CreateWords {
    words(&format!("-d {driver} lan"))
}

#[test]
fn routes_are_such_as_ip_route_takes() {
    let mut line = words("-d macvlan --subnet 10.0.0.0/24 lan");
    for bad in
        ["", "via 10.0.0.1", "10.1.0.0/16 via", "10.1.0.0/16 dev eth0", "10.1.0.0/16 metric x", "blackhole"]
    {
        line.route = vec![bad.to_owned()];
        let complaints = complaints_of(&line);
        assert!(complaints[0].starts_with("--route"), "{bad}: {complaints:?}");
    }
    line.route = vec!["default via 10.0.0.1".to_owned()];
    assert!(complaints_of(&line)[0].contains("a default route comes from the `gateway` of a subnet"));
}

#[test]
fn a_gateway_on_layer_3_is_ignored_with_a_warning() {
    let typed =
        typed("-d ipvlan -o ipvlan_mode=l3 -o parent=eth0 --subnet 10.0.0.0/24 --gateway 10.0.0.1 lan");
    let warnings: Vec<_> = typed.warnings().collect();
    assert!(
        matches!(warnings.as_slice(), [one] if one.starts_with("--gateway 10.0.0.1 is ignored")),
        "{warnings:?}"
    );
}
