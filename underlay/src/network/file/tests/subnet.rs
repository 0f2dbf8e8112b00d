//! Subnets, what is set apart in them, and routes.

use super::*;

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
