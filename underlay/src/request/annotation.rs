//! The text of the annotation `io.underlay.networks`.
//!
//! One of three forms, told apart by the first character and then by whether a `;` or `:` occurs, neither of
//! which can be in a list:
//!
//! ```text
//! annotation = json | short | list            ; space around it is dropped
//! json       = text that begins with "[", "{" or a quotation mark
//! short      = other text with a ";" or ":" in it
//! list       = any other text
//!
//! list       = head *( "," head )             ; what Multus reads: lan,dmz@eth1,ns/db
//! short      = item *( ";" item )             ; lan@eth1:ip=192.0.2.5,ip=2001:db8::5;dmz
//! item       = head [ ":" option *( "," option ) ]
//! head       = [ namespace "/" ] network [ "@" interface ]
//! option     = "ip=" address [ "/" length ]
//!            / "mac=" mac
//!            / "default-route" [ "=" ( address / "no" ) ]
//! address    = IPv4 / IPv6 / "[" IPv6 "]"
//!
//! json       = "[" *object "]"                ; what Multus reads
//! object     = name, and if wished namespace, interface (or interfaceRequest), mac: strings;
//!              ips, default-route: arrays of strings
//! ```
//!
//! Space around each part of a list or short form is dropped. The first `:` of an item ends its head, so the
//! colons of IPv6 and MAC addresses need no quoting. Names cannot hold separators: `,`, `;` and `@` are
//! refused in an interface's name, in JSON too, so that each list of requests can be printed in the short
//! form.
//!
//! Checked and dropped are the namespace (definitions have none) and the length behind an address (it is
//! always the subnet's). What Multus knows and macvlan and ipvlan links cannot do is refused. `[]` asks for
//! nothing; an empty text, an empty item and `[null]` are mistakes. An empty `default-route` array means what
//! `default-route` alone means: this network, by its own gateways. A network may be asked for twice if each
//! time names its interface, and one network at most may be asked to have the default route of a family.

use super::{
    Request, conflict, json,
    mistake::{Fault, Mistakes},
    text,
};

/// The longest annotation that is read, in bytes: a quarter of what Kubernetes allows all annotations of a
/// pod.
pub const MAX_BYTES: usize = 64 * 1024;

/// The most networks of one container.
pub const MAX_NETWORKS: usize = 32;

/// The most addresses that may be asked for of one network.
pub const MAX_ADDRESSES: usize = 32;

/// Reads an annotation: what is asked for in the order of the text, or all that is wrong with it.
pub fn parse(annotation: &str) -> Result<Vec<Request>, Mistakes> {
    if annotation.len() > MAX_BYTES {
        return Err(Fault::Bytes(annotation.len()).into());
    }
    let trimmed = annotation.trim();
    if trimmed.is_empty() {
        return Err(Fault::Empty.into());
    }
    let mut mistakes = Mistakes::default();
    // Columns count from the start of the whole.
    let numbered = if trimmed.starts_with(['[', '{', '"']) {
        json::array(annotation, &mut mistakes)
    } else if trimmed.contains([';', ':']) {
        text::short_form(annotation, &mut mistakes)
    } else {
        text::list(annotation, &mut mistakes)
    };
    conflict::check(&numbered, &mut mistakes);
    if mistakes.is_empty() {
        Ok(numbered.into_iter().map(|(_, request)| request).collect())
    } else {
        Err(mistakes)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::request::{DefaultRoute, ShortForm};
    use plan::{IfName, MacAddress, strategies::address};

    /// The short form of what was read: one text that shows every field.
    fn read(annotation: &str) -> String {
        match parse(annotation) {
            Ok(requests) => ShortForm(&requests).to_string(),
            Err(mistakes) => panic!("{annotation}: {mistakes}"),
        }
    }

    fn refused(annotation: &str) -> String {
        match parse(annotation) {
            Ok(requests) => panic!("{annotation} was read as {}", ShortForm(&requests)),
            Err(mistakes) => mistakes.to_string(),
        }
    }

    #[test]
    fn the_list_of_multus() {
        assert_eq!(read("lan"), "lan");
        assert_eq!(read(" a , b@eth1,ns-1/c "), "a;b@eth1;c");
        assert_eq!(read("ns/a@net1,a@net2"), "a@net1;a@net2");
    }

    #[test]
    fn the_json_of_multus() {
        assert_eq!(read("[]"), "[]");
        assert_eq!(
            read(
                r#" [ {"name": "lan", "namespace": "default", "interface": "eth1",
                       "ips": ["192.0.2.5", "2001:db8::5/64"], "mac": "02-42-AC-11-00-02",
                       "default-route": ["192.0.2.1", "2001:db8::1"]},
                      {"name": "dmz", "interfaceRequest": "net7", "ips": []} ] "#
            ),
            "lan@eth1:ip=192.0.2.5,ip=2001:db8::5,mac=02:42:ac:11:00:02,\
             default-route=192.0.2.1,default-route=2001:db8::1;dmz@net7"
        );
        assert_eq!(read(r#"[{"name": "lan", "default-route": []}]"#), "lan:default-route");
    }

    #[test]
    fn the_short_form() {
        assert_eq!(
            read("lan:ip=2001:db8::5,mac=02:42:ac:11:00:02"),
            "lan:ip=2001:db8::5,mac=02:42:ac:11:00:02"
        );
        assert_eq!(
            read(" lan @ eth1 : ip = [2001:db8::5] , default-route ; ns/dmz:default-route=no ; c "),
            "lan@eth1:ip=2001:db8::5,default-route;dmz:default-route=no;c"
        );
        assert_eq!(
            read("a:default-route=192.0.2.1;b:default-route=2001:db8::1"),
            "a:default-route=192.0.2.1;b:default-route=2001:db8::1"
        );
        assert_eq!(read("a:ip=192.0.2.5/24"), "a:ip=192.0.2.5");
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        assert_eq!(
            refused("lan@e th:ip=10.0.0.300,colour=red;-x;lan@eth1:mac=01:00:5e:00:00:01,ip"),
            "network 1, column 5: `e th` cannot name an interface: letters, digits and most punctuation may, but not ` `; \
             network 1, column 10, ip: `10.0.0.300` is not an IP address; write one such as 192.0.2.5 or 2001:db8::5; \
             network 1, column 24: `colour=red` is not an option; there are ip=ADDRESS, mac=ADDRESS and \
             default-route[=GATEWAY|no], separated by `,` (networks are separated by `;`); \
             network 2, column 35: `-x` cannot name a network: it starts with a letter or digit and goes on with \
             letters, digits, `_`, `.` and `-`; \
             network 3, column 47, mac: `01:00:5e:00:00:01` is a multicast MAC address; an interface needs a \
             unicast one (an even first byte); \
             network 3, column 69: a value is missing: write ip=ADDRESS; \
             network 3: `lan` is network 1 of the list already; to have it twice, give each its own interface name: lan@IFNAME"
        );
        assert_eq!(
            refused(r#"[{"name": 5, "ips": ["x", 7], "vlan": 3}, null, {"interface": "eth0", "mac": null}]"#),
            "network 1, name: a string is needed, not a number; \
             network 1, ips: `x` is not an IP address; write one such as 192.0.2.5 or 2001:db8::5; \
             network 1, ips: a string is needed, not a number; \
             network 1: `vlan` is not a key; there are name, namespace, interface, ips, mac and default-route; \
             network 2: a network is a JSON object such as {\"name\": \"lan\"}, not null; \
             network 3: its `name` is missing; \
             network 3, mac: a string is needed, not null"
        );
    }

    /// Each annotation has one mistake, and its message holds the words beside it.
    fn check(cases: &[(&str, &str)]) {
        for (annotation, message) in cases {
            let told = refused(annotation);
            assert!(told.contains(message), "{annotation}: {told}");
            assert_eq!(parse(annotation).unwrap_err().iter().count(), 1, "{annotation}: {told}");
        }
    }

    #[test]
    fn single_mistakes_of_the_text_forms() {
        check(&[
            ("", "it is empty"),
            (" \n", "it is empty"),
            ("a,,b", "network 2, column 3: a network is missing here"),
            ("a,", "network 2, column 3: a network is missing here"),
            ("a;", "network 2, column 3: a network is missing here"),
            (":ip=10.0.0.1", "network 1, column 1: a network is missing here"),
            ("a:", "network 1, column 3: `` is not an option"),
            ("a:ip=10.0.0.1,", "network 1, column 15: `` is not an option"),
            ("/a", "column 1: `` is not a Kubernetes namespace"),
            ("Ns/a", "`Ns` is not a Kubernetes namespace"),
            ("ns/", "column 4: a network name cannot be empty"),
            ("@eth1", "column 1: a network name cannot be empty"),
            ("a@", "column 3: an interface name cannot be empty"),
            ("a@b@c", "`b@c` cannot name an interface here"),
            ("a@b/c", "`b/c` cannot name an interface"),
            ("a/b/c", "`b/c` cannot name a network"),
            ("a;b,c", "column 3: `b,c` names several networks"),
            ("a,b:ip=10.0.0.1", "column 1: `a,b` names several networks"),
            ("a:ip=10.0.0.5,b", "`b` is not an option"),
            ("a:ip=10.0.0.5/33", "`10.0.0.5/33` does not end in a prefix length"),
            ("a:ip=10.0.0.5/+3", "`10.0.0.5/+3` does not end in a prefix length"),
            ("a:ip=10.0.0.5/", "`10.0.0.5/` does not end in a prefix length"),
            ("a:ip=[10.0.0.5]", "`[10.0.0.5]` is not an IP address"),
            ("a:ip=10.0.0.5,ip=10.0.0.5", "10.0.0.5 is asked for twice"),
            ("a:mac=02:00:00:00:00:01,mac=02:00:00:00:00:02", "column 25, mac: it is given twice"),
            ("a:mac=0200.0000.0001", "`0200.0000.0001` is not a MAC address"),
            ("a:default-route=yes", "default-route: `yes` is not an IP address"),
            ("a:default-route=10.0.0.0/8", "`10.0.0.0/8` is not an IP address"),
            ("a:default-route,default-route=no", "default-route: more than one thing is said"),
            ("a:default-route,default-route=10.0.0.1", "default-route: more than one thing is said"),
            ("a:default-route=10.0.0.1,default-route=10.0.0.2", "10.0.0.1 and 10.0.0.2 are both IPv4"),
            ("a@eth1,b@eth1", "network 2: interface `eth1` is asked for by network 1"),
            ("a,b,a", "network 3: `a` is network 1 of the list already"),
            ("a@eth1,a", "network 2: `a` is network 1 of the list already"),
            (
                "a:default-route;b:default-route",
                "network 2: the IPv4 default route is asked for by network 1",
            ),
            (
                "a:default-route=::1;b:default-route",
                "network 2: the IPv6 default route is asked for by network 1",
            ),
        ]);
    }

    #[test]
    fn single_mistakes_of_the_json_form() {
        check(&[
            (r#"{"name": "a"}"#, "the JSON form is an array"),
            (r#""a""#, "the JSON form is an array"),
            (r#"[{"name": "a"},]"#, "this is not valid JSON: "),
            (r#"[{"name": "a"}"#, "this is not valid JSON: "),
            ("\n [}", "at line 2 column 3"),
            (r#"["a"]"#, "not a string"),
            (r#"[{"name": ""}]"#, "network 1, name: a network name cannot be empty"),
            (r#"[{"name": "a", "name": "a"}]"#, "network 1, name: it is given twice"),
            (r#"[{"name": "a", "Name": "a"}]"#, "network 1: `Name` is not a key"),
            (r#"[{"name": "a", "interface": "x;y"}]"#, "interface: `x;y` cannot name an interface here"),
            (r#"[{"name": "a", "interface": "x", "interfaceRequest": "x"}]"#, "leave out this old spelling"),
            (r#"[{"name": "a", "ips": "10.0.0.1"}]"#, "ips: an array of strings is needed, not a string"),
            (r#"[{"name": "a", "default-route": ["10.0.0.1", "10.0.0.2"]}]"#, "are both IPv4"),
            (
                r#"[{"name": "a", "portMappings": []}]"#,
                "portMappings: it cannot be honoured: the container has",
            ),
            (r#"[{"name": "a", "bandwidth": {}}]"#, "bandwidth: it cannot be honoured"),
            (r#"[{"name": "a", "deviceID": ""}]"#, "deviceID: it cannot be honoured"),
            (r#"[{"name": "a", "infiniband-guid": ""}]"#, "infiniband-guid: it cannot be honoured"),
            (r#"[{"name": "a", "cni-args": {}}]"#, "cni-args: it cannot be honoured"),
        ]);
    }

    #[test]
    fn the_limits_are_limits() {
        let networks = |count| (0..count).map(|n| format!("n{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(parse(&networks(MAX_NETWORKS)).unwrap().len(), MAX_NETWORKS);
        assert!(refused(&networks(MAX_NETWORKS + 1)).starts_with("it names 33 networks"));
        let objects = vec![r#"{"name": "a"}"#; MAX_NETWORKS + 1].join(",");
        assert!(refused(&format!("[{objects}]")).starts_with("it names 33 networks"));

        let addresses = |count| (0..count).map(|n| format!("ip=10.0.0.{n}")).collect::<Vec<_>>().join(",");
        let asked = parse(&format!("a:{}", addresses(MAX_ADDRESSES))).unwrap();
        assert_eq!(asked[0].addresses.len(), MAX_ADDRESSES);
        assert!(
            refused(&format!("a:{}", addresses(MAX_ADDRESSES + 1))).contains("33 addresses are asked for")
        );
        let strings = vec![r#""10.0.0.1""#; MAX_ADDRESSES + 1].join(",");
        assert!(
            refused(&format!(r#"[{{"name": "a", "ips": [{strings}]}}]"#))
                .contains("33 addresses are asked for")
        );

        assert!(refused(&" ".repeat(MAX_BYTES)).starts_with("it is empty"));
        assert!(refused(&" ".repeat(MAX_BYTES + 1)).starts_with("it has 65537 bytes"));
    }

    #[test]
    fn a_message_stays_short_whatever_is_written() {
        let long = "\u{1b}".repeat(60_000);
        for annotation in [
            long.clone(),
            format!("a@{long}"),
            format!("a:mac={long}"),
            format!("a:ip={long}"),
            format!("a:{long}"),
            format!("{long}/a"),
            format!("a:{}", ",".repeat(60_000)),
            format!("[{{\"name\": \"a\", \"{}\": 1}}]", "x".repeat(60_000)),
            format!("[{{\"name\": \"a\", \"mac\": \"{}\"}}]", "\u{e9}".repeat(30_000)),
        ] {
            let told = refused(&annotation);
            assert!(told.len() < 4096 && !told.contains('\u{1b}'), "{} bytes: {told:.200}", told.len());
        }
    }

    /// Networks that differ, interfaces that differ, and default routes asked for by the first alone.
    fn requests() -> impl Strategy<Value = Vec<Request>> {
        let one = (
            "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,40}",
            proptest::option::of("[a-z!#=.+~][a-zA-Z0-9=\\[\\]{}.-]{0,11}"),
            proptest::collection::hash_set(address(), 0..5),
            proptest::option::of(any::<[u8; 6]>()),
            prop_oneof![
                Just(DefaultRoute::Unstated),
                Just(DefaultRoute::Own),
                Just(DefaultRoute::No),
                address().prop_map(|gateway| DefaultRoute::Via(vec![gateway])),
                (any::<u32>(), any::<u128>())
                    .prop_map(|(a, b)| DefaultRoute::Via(vec![IpAddr::V6(b.into()), IpAddr::V4(a.into())])),
            ],
        );
        proptest::collection::vec(one, 0..8).prop_map(|all| {
            let numbered = all.into_iter().enumerate();
            numbered
                .map(|(n, (network, interface, addresses, mac, default_route))| Request {
                    network: format!("{network}{n}").parse().unwrap(),
                    interface: interface.map(|name| IfName::new(format!("{name}{n}")).unwrap()),
                    addresses: addresses.into_iter().collect(),
                    mac: mac.map(MacAddress::local),
                    default_route: if n == 0 { default_route } else { DefaultRoute::Unstated },
                })
                .collect()
        })
    }

    /// As Multus would have it; it has no word for "not this one".
    fn in_multus_json(requests: &[Request]) -> String {
        let object = |request: &Request| {
            let Request { network, interface, addresses, mac, default_route } = request;
            let mut object = json!({"name": network, "ips": addresses});
            if let Some(interface) = interface {
                object["interface"] = json!(interface);
            }
            if let Some(mac) = mac {
                object["mac"] = json!(mac);
            }
            match default_route {
                DefaultRoute::Own => object["default-route"] = json!([]),
                DefaultRoute::Via(gateways) => object["default-route"] = json!(gateways),
                DefaultRoute::Unstated | DefaultRoute::No => {}
            }
            object
        };
        requests.iter().map(object).collect::<Value>().to_string()
    }

    proptest! {
        #[test]
        fn what_multus_would_be_told_is_the_same(mut requests in requests()) {
            for request in &mut requests {
                if request.default_route == DefaultRoute::No {
                    request.default_route = DefaultRoute::Unstated;
                }
            }
            let printed = in_multus_json(&requests);
            prop_assert_eq!(parse(&printed).map_err(|m| m.to_string()), Ok(requests), "{}", printed);
        }

        #[test]
        fn what_is_printed_is_read_back(requests in requests()) {
            let printed = ShortForm(&requests).to_string();
            prop_assert_eq!(parse(&printed).map_err(|m| m.to_string()), Ok(requests), "{}", printed);
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,200}|[\\[\\]{}\",;:@=/ a-c0-2.\n-]{0,60}") {
            let _ = parse(&text);
        }

        /// Parts of annotations in any order: what is taken means the same once printed.
        #[test]
        fn what_is_taken_is_understood(parts in proptest::collection::vec(
            prop_oneof![
                Just(";"), Just(","), Just(":"), Just("@"), Just("/"), Just(" "), Just("a"), Just("b"), Just("eth1"),
                Just("ip="), Just("10.0.0.5"), Just("[::1]"), Just("::2"), Just("mac=02:00:00:00:00:01"),
                Just("default-route"), Just("=no"), Just("=10.0.0.1"), Just("[{\"name\":\"a\"}]"), Just("[]"),
            ], 0..10,
        )) {
            if let Ok(requests) = parse(&parts.concat()) {
                let printed = ShortForm(&requests).to_string();
                prop_assert_eq!(parse(&printed).map_err(|m| m.to_string()), Ok(requests), "{}", printed);
            }
        }
    }
}
