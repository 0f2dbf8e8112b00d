use std::collections::BTreeMap;

use plan::{IpvlanFlag, IpvlanMode, LinkKind, MacvlanMode, RouteKind};

use super::*;
use crate::{
    network::{Access, Dns, NetworkRoute, ParentSpec, SubnetSpec},
    request::DefaultRoute,
};

const MACVLAN: LinkKind = LinkKind::Macvlan { mode: MacvlanMode::Bridge };
const L3: LinkKind = LinkKind::Ipvlan { mode: IpvlanMode::L3, flag: IpvlanFlag::Bridge };

fn network(driver: LinkKind, subnets: &[(&str, Option<&str>)]) -> Network {
    Network {
        name: "lan".parse().unwrap(),
        driver,
        parent: ParentSpec::Link("eth0".parse().unwrap()),
        parent_wait: None,
        internal: false,
        ipv6: subnets.iter().any(|(subnet, _)| subnet.contains(':')),
        mtu: None,
        subnets: subnets
            .iter()
            .map(|(subnet, gateway)| SubnetSpec {
                subnet: subnet.parse().unwrap(),
                gateway: gateway.map(|gateway| gateway.parse().unwrap()),
                ip_range: None,
                aux_addresses: Vec::new(),
            })
            .collect(),
        routes: Vec::new(),
        default_route: true,
        metric: None,
        dns: Dns::default(),
        access: Access::default(),
        labels: BTreeMap::new(),
    }
}

fn request(default_route: DefaultRoute) -> Request {
    Request {
        network: "lan".parse().unwrap(),
        interface: None,
        addresses: Vec::new(),
        mac: None,
        default_route,
    }
}

fn wish<'a>(network: &'a Network, request: &'a Request, interface: &str, addresses: &[&str]) -> Wish<'a> {
    Wish {
        network,
        request,
        interface: interface.parse().unwrap(),
        mac: None,
        parent: 2,
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        alias: "mark".to_owned(),
    }
}

fn hello(ipv4_default: bool) -> Hello {
    Hello { nsid: 7, links: vec!["lo".to_owned()], ipv4_default, ipv6_default: false }
}

/// The routes of a plan in the words of `ip route`.
fn routes(planned: &Planned) -> Vec<String> {
    let route = |step: &Step| match step {
        Step::AddRoute(route) => {
            let kind =
                if route.kind == RouteKind::Unicast { String::new() } else { format!("{:?} ", route.kind) };
            let via = route.gateway.map(|gateway| format!(" via {gateway}")).unwrap_or_default();
            let dev = route.link.as_ref().map(|link| format!(" dev {link}")).unwrap_or_default();
            let metric = route.metric.map(|metric| format!(" metric {metric}")).unwrap_or_default();
            Some(format!("{kind}{}{via}{dev}{metric}", route.destination))
        }
        _ => None,
    };
    planned.plan.steps.iter().filter_map(route).collect()
}

#[test]
fn layer_2_goes_through_the_gateway_of_the_addresss_own_subnet() {
    let network = network(MACVLAN, &[("10.1.0.0/24", Some("10.1.0.1")), ("10.2.0.0/24", Some("10.2.0.1"))]);
    let request = request(DefaultRoute::Unstated);
    let planned = plan(&[wish(&network, &request, "eth0", &["10.2.0.9/24"])], &hello(false), 0).unwrap();
    assert_eq!(routes(&planned), ["0.0.0.0/0 via 10.2.0.1 dev eth0"]);
}

#[test]
fn without_a_gateway_there_is_no_default_route() {
    let network = network(MACVLAN, &[("10.1.0.0/24", None)]);
    let request = request(DefaultRoute::Unstated);
    let planned = plan(&[wish(&network, &request, "eth0", &["10.1.0.9/24"])], &hello(false), 0).unwrap();
    assert!(routes(&planned).is_empty());
}

#[test]
fn layer_3_goes_by_the_link_in_both_families_and_reaches_its_other_subnets() {
    let network =
        network(L3, &[("10.1.0.0/24", Some("10.1.0.1")), ("10.2.0.0/24", None), ("2001:db8::/64", None)]);
    let request = request(DefaultRoute::Unstated);
    let wishes = [wish(&network, &request, "eth0", &["10.1.0.9/24", "2001:db8::1/64"])];
    assert_eq!(
        routes(&plan(&wishes, &hello(false), 0).unwrap()),
        ["10.2.0.0/24 dev eth0", "0.0.0.0/0 dev eth0", "::/0 dev eth0"]
    );
}

#[test]
fn a_layer_3_network_that_leads_nowhere_still_reaches_its_other_subnets() {
    let mut network = network(L3, &[("10.1.0.0/24", None), ("10.2.0.0/24", None)]);
    network.parent = ParentSpec::Dummy;
    let request = request(DefaultRoute::Unstated);
    let planned = plan(&[wish(&network, &request, "eth0", &["10.1.0.9/24"])], &hello(false), 0).unwrap();
    assert_eq!(routes(&planned), ["10.2.0.0/24 dev eth0"]);
}

#[test]
fn the_first_network_wins_unless_another_asks() {
    let first = network(MACVLAN, &[("10.1.0.0/24", Some("10.1.0.1"))]);
    let second = network(MACVLAN, &[("10.2.0.0/24", Some("10.2.0.1"))]);
    let unstated = request(DefaultRoute::Unstated);
    for (asks, expected) in [
        (DefaultRoute::Unstated, "0.0.0.0/0 via 10.1.0.1 dev eth0"),
        (DefaultRoute::Own, "0.0.0.0/0 via 10.2.0.1 dev eth1"),
        (DefaultRoute::Via(vec!["10.2.0.77".parse().unwrap()]), "0.0.0.0/0 via 10.2.0.77 dev eth1"),
    ] {
        let asks = request(asks);
        let wishes = [
            wish(&first, &unstated, "eth0", &["10.1.0.9/24"]),
            wish(&second, &asks, "eth1", &["10.2.0.9/24"]),
        ];
        assert_eq!(routes(&plan(&wishes, &hello(false), 0).unwrap()), [expected]);
    }
}

#[test]
fn a_network_that_is_told_no_leaves_the_route_to_the_next() {
    let first = network(MACVLAN, &[("10.1.0.0/24", Some("10.1.0.1"))]);
    let second = network(MACVLAN, &[("10.2.0.0/24", Some("10.2.0.1"))]);
    let (no, unstated) = (request(DefaultRoute::No), request(DefaultRoute::Unstated));
    let wishes =
        [wish(&first, &no, "eth0", &["10.1.0.9/24"]), wish(&second, &unstated, "eth1", &["10.2.0.9/24"])];
    assert_eq!(routes(&plan(&wishes, &hello(false), 0).unwrap()), ["0.0.0.0/0 via 10.2.0.1 dev eth1"]);
}

#[test]
fn a_default_route_that_is_there_stays_unless_asked_otherwise() {
    let network = network(MACVLAN, &[("10.1.0.0/24", Some("10.1.0.1"))]);
    let unstated = request(DefaultRoute::Unstated);
    let planned = plan(&[wish(&network, &unstated, "eth1", &["10.1.0.9/24"])], &hello(true), 0).unwrap();
    assert!(routes(&planned).is_empty());
    assert_eq!(planned.notes.len(), 1);

    let own = request(DefaultRoute::Own);
    let planned = plan(&[wish(&network, &own, "eth1", &["10.1.0.9/24"])], &hello(true), 0).unwrap();
    assert_eq!(routes(&planned), ["0.0.0.0/0 via 10.1.0.1 dev eth1"]);
}

#[test]
fn asking_for_a_default_route_that_cannot_be_is_an_error() {
    let good = network(MACVLAN, &[("10.1.0.0/24", Some("10.1.0.1"))]);
    let own = request(DefaultRoute::Own);
    let refused = |network: &Network, request: &Request| {
        plan(&[wish(network, request, "eth0", &["10.1.0.9/24"])], &hello(false), 0).unwrap_err().to_string()
    };
    assert!(refused(&Network { internal: true, ..good.clone() }, &own).contains("internal"));
    assert!(refused(&Network { parent: ParentSpec::Dummy, ..good.clone() }, &own).contains("no parent"));
    assert!(refused(&Network { default_route: false, ..good.clone() }, &own).contains("default_route"));
    assert!(refused(&network(MACVLAN, &[("10.1.0.0/24", None)]), &own).contains("no gateway"));
    let off_link = request(DefaultRoute::Via(vec!["10.9.0.1".parse().unwrap()]));
    assert!(refused(&good, &off_link).contains("10.1.0.0/24"));
}

#[test]
fn defined_routes_come_with_their_family_and_linkless_ones_are_told_apart() {
    let mut network = network(MACVLAN, &[("10.1.0.0/24", Some("10.1.0.1"))]);
    let route = |kind, destination: &str, gateway: Option<&str>, metric| NetworkRoute {
        kind,
        destination: destination.parse().unwrap(),
        gateway: gateway.map(|gateway| gateway.parse().unwrap()),
        metric,
    };
    network.routes = vec![
        route(RouteKind::Unicast, "172.16.0.0/12", Some("10.1.0.2"), Some(50)),
        route(RouteKind::Blackhole, "192.0.2.0/24", None, None),
        route(RouteKind::Unicast, "2001:db8:1::/48", Some("2001:db8::2"), None),
    ];
    let request = request(DefaultRoute::Unstated);
    let wish = wish(&network, &request, "eth0", &["10.1.0.9/24"]);
    assert_eq!(
        routes(&plan(std::slice::from_ref(&wish), &hello(false), 0).unwrap()),
        [
            "172.16.0.0/12 via 10.1.0.2 dev eth0 metric 50",
            "Blackhole 192.0.2.0/24",
            "0.0.0.0/0 via 10.1.0.1 dev eth0"
        ]
    );
    assert_eq!(linkless_routes(&wish).len(), 1);
}

#[test]
fn the_link_comes_up_after_its_addresses_and_before_its_routes() {
    let network = network(MACVLAN, &[("10.1.0.0/24", Some("10.1.0.1"))]);
    let request = request(DefaultRoute::Unstated);
    let planned = plan(&[wish(&network, &request, "eth0", &["10.1.0.9/24"])], &hello(false), 0).unwrap();
    let kinds: Vec<&str> = planned
        .plan
        .steps
        .iter()
        .map(|step| match step {
            Step::CreateLink(_) => "link",
            Step::SetSysctl { .. } => "sysctl",
            Step::AddAddress { .. } => "address",
            Step::SetUp { .. } => "up",
            Step::AddRoute(_) => "route",
            Step::DeleteLink(_) | Step::DeleteRoute(_) => "delete",
        })
        .collect();
    assert_eq!(kinds, ["link", "sysctl", "sysctl", "address", "up", "route"]);
}

#[test]
fn ipv6_is_off_unless_the_network_has_it() {
    let request = request(DefaultRoute::Unstated);
    let value = |network: &Network, addresses: &[&str], wanted| {
        let planned = plan(&[wish(network, &request, "eth0", addresses)], &hello(false), 0).unwrap();
        planned.plan.steps.iter().find_map(|step| match step {
            Step::SetSysctl { key, value, .. } if *key == wanted => Some(*value),
            _ => None,
        })
    };
    let v4 = network(MACVLAN, &[("10.1.0.0/24", None)]);
    assert_eq!(value(&v4, &["10.1.0.9/24"], Sysctl::DisableIpv6), Some(true));
    let v6 = network(MACVLAN, &[("2001:db8::/64", None)]);
    assert_eq!(value(&v6, &["2001:db8::1/64"], Sysctl::DisableIpv6), Some(false));
    assert_eq!(value(&v6, &["2001:db8::1/64"], Sysctl::AcceptRa), Some(false));
    assert_eq!(value(&v6, &["2001:db8::1/64"], Sysctl::ArpNotify), None);
}

#[test]
fn a_network_with_every_route_fits_and_four_do_not() {
    let mut network = network(MACVLAN, &[("10.1.0.0/24", None)]);
    network.routes = (0..=255)
        .map(|n| NetworkRoute {
            kind: RouteKind::Unicast,
            destination: format!("172.16.{n}.0/24").parse().unwrap(),
            gateway: None,
            metric: None,
        })
        .collect();
    let request = request(DefaultRoute::Unstated);
    let wish = || wish(&network, &request, "eth0", &["10.1.0.9/24"]);
    assert!(plan(&[wish()], &hello(false), 0).is_ok());
    let error = plan(&[wish(), wish(), wish(), wish()], &hello(false), 0).unwrap_err();
    assert!(matches!(error, Error::TooManySteps(n) if n > 1024), "{error}");
}

#[test]
fn interfaces_get_the_lowest_free_number_and_keep_their_wishes() {
    let plain = request(DefaultRoute::Unstated);
    let named = Request { interface: Some("eth1".parse().unwrap()), ..plain.clone() };
    let taken = ["lo".to_owned(), "eth0".to_owned()];
    let given = name_interfaces(&[&plain, &named, &plain], &taken).unwrap();
    assert_eq!(given.iter().map(IfName::as_str).collect::<Vec<_>>(), ["eth2", "eth1", "eth3"]);
    let error = name_interfaces(&[&named], &["eth1".to_owned()]).unwrap_err();
    assert!(matches!(error, Error::InterfaceTaken { .. }));
}

#[test]
fn a_derived_mac_stays_and_differs() {
    let mac = |network: &str, container, interface: &str| {
        derive_mac(&network.parse().unwrap(), container, &interface.parse().unwrap()).to_string()
    };
    // What neighbours have in their caches: a change of the algorithm would be a change of every address.
    assert_eq!(mac("lan", "web", "eth0"), "2a:f7:17:77:1c:4a");
    assert_ne!(mac("lan", "web", "eth0"), mac("lan", "web", "eth1"));
    assert_ne!(mac("lan", "web", "eth0"), mac("lan", "db", "eth0"));
}
