//! Driver, mode, parent, and who may use them.

use std::collections::BTreeSet;

use super::*;

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
