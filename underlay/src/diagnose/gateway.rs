//! Whether the routers answer ARP or neighbour discovery on the parents.
//!
//! The kernel is asked to find them, as it does for any packet. All are asked at once and awaited together;
//! what was not known before is forgotten again.

use std::{
    net::IpAddr,
    thread,
    time::{Duration, Instant},
};

use ipnetwork::IpNetwork;
use netlink::{Link, Neighbour, Socket};

use super::Finding;
use crate::{
    message,
    network::{Network, ParentSpec},
    parent,
};

const CHECK: &str = "gateway";
/// The kernel asks again each second (`retrans_time_ms`): long enough for a second question to be answered.
const PATIENCE: Duration = Duration::from_millis(1500);
const PAUSE: Duration = Duration::from_millis(20);

/// A router to be asked for.
struct Question<'a> {
    network: &'a Network,
    gateway: IpAddr,
    link: &'a Link,
    /// The host's own addresses on the link.
    addresses: Vec<IpNetwork>,
    /// The kernel knew it before it was asked.
    was_known: bool,
    outcome: Outcome,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Answers,
    Silent,
    /// An administrator wrote its MAC address down, so it is not asked.
    Fixed,
    /// Cannot be asked from here.
    Untold(String),
}

pub(super) fn check(socket: &Socket, links: &[Link], networks: &[Network]) -> Vec<Finding> {
    let mut questions: Vec<_> =
        networks.iter().flat_map(|network| questions(socket, links, network)).collect();
    for question in &mut questions {
        question.ask(socket);
    }
    let end = Instant::now() + PATIENCE;
    while questions.iter().any(|question| question.outcome == Outcome::Silent) && Instant::now() < end {
        thread::sleep(PAUSE);
        for question in &mut questions {
            question.look(socket);
        }
    }
    questions.iter().map(|question| question.finish(socket)).collect()
}

/// Gateways that containers will use. On layer 3 there are none, and a link that is not there is the parent's
/// fault.
fn questions<'a>(socket: &Socket, links: &'a [Link], network: &'a Network) -> Vec<Question<'a>> {
    let name = parent::link_name(network).ok().flatten();
    let link = name.and_then(|name| links.iter().find(|link| link.name == name.as_str()));
    let Some(link) = link.filter(|_| network.leads_out() && !network.is_layer3()) else { return Vec::new() };
    let addresses = socket.addresses(link.index).unwrap_or_default();
    let question = |gateway| Question {
        network,
        gateway,
        link,
        addresses: addresses.clone(),
        was_known: false,
        outcome: Outcome::Silent,
    };
    network.subnets.iter().filter_map(|spec| spec.gateway).map(question).collect()
}

impl Question<'_> {
    fn ask(&mut self, socket: &Socket) {
        if let Some(why) = obstacle(self.gateway, self.link, &self.addresses) {
            self.outcome = Outcome::Untold(why);
            return;
        }
        // A failed look shows in the request that follows.
        self.was_known = socket.neighbour(self.link.index, self.gateway).is_ok_and(|known| known.is_some());
        if let Err(error) = socket.ask_neighbour(self.link.index, self.gateway) {
            self.outcome = Outcome::Untold(message::chain(&error));
        }
    }

    fn look(&mut self, socket: &Socket) {
        if self.outcome != Outcome::Silent {
            return;
        }
        match socket.neighbour(self.link.index, self.gateway) {
            Ok(Some(Neighbour::Answers)) => self.outcome = Outcome::Answers,
            Ok(Some(Neighbour::Fixed)) => self.outcome = Outcome::Fixed,
            Ok(Some(Neighbour::Asked | Neighbour::Known | Neighbour::Silent) | None) => {}
            Err(error) => self.outcome = Outcome::Untold(message::chain(&error)),
        }
    }

    fn finish(&self, socket: &Socket) -> Finding {
        if !self.was_known && !matches!(self.outcome, Outcome::Untold(_)) {
            // The kernel forgets it by itself, only later.
            let _ = socket.forget_neighbour(self.link.index, self.gateway);
        }
        judge(self.network, self.gateway, &self.link.name, &self.addresses, &self.outcome)
    }
}

/// Why asking makes no sense.
fn obstacle(gateway: IpAddr, link: &Link, addresses: &[IpNetwork]) -> Option<String> {
    if addresses.iter().any(|own| own.ip() == gateway) {
        // The judgement says more.
        return Some(String::new());
    }
    if !link.up || !link.carrier {
        return Some(format!("cannot be asked: {} has no carrier", link.name));
    }
    let is_link_local = |own: &IpNetwork| matches!(own.ip(), IpAddr::V6(v6) if v6.is_unicast_link_local());
    if gateway.is_ipv6() && !addresses.iter().any(is_link_local) {
        // Neighbour discovery asks from the link-local address alone (`ndisc_send_ns`).
        return Some(format!("cannot be asked: the host has no link-local IPv6 address on {}", link.name));
    }
    None
}

fn judge(
    network: &Network,
    gateway: IpAddr,
    link: &str,
    addresses: &[IpNetwork],
    outcome: &Outcome,
) -> Finding {
    let subject = format!("{gateway} of {}", network.name);
    if addresses.iter().any(|own| own.ip() == gateway) {
        let found = format!(
            "it is this host's own address on {link}, which no macvlan or ipvlan link of the same parent reaches"
        );
        return Finding::failure(CHECK, subject, found).advise(
            "name the LAN's router as the gateway, or use a bridge for containers that the host routes for",
        );
    }
    match outcome {
        Outcome::Answers => Finding::ok(CHECK, subject, format!("it answers on {link}")),
        Outcome::Fixed => Finding::note(
            CHECK,
            subject,
            format!("not asked: its MAC address on {link} is written down by hand"),
        ),
        Outcome::Untold(why) => Finding::note(CHECK, subject, why),
        Outcome::Silent => {
            let mut finding = Finding::warning(CHECK, subject, format!("it does not answer on {link}"));
            // Some routers answer to nobody outside of their subnets; an address of its own would settle it.
            let asks_from_outside = gateway.is_ipv4() && !addresses.iter().any(|own| own.contains(gateway));
            if asks_from_outside {
                finding.found.push_str(
                    ", where the host has no address in its subnet (some routers ignore such questions)",
                );
            }
            finding.advise(remedy(network, gateway))
        }
    }
}

fn remedy(network: &Network, gateway: IpAddr) -> String {
    match &network.parent {
        ParentSpec::Vlan { parent, vlan } => format!(
            "is VLAN {} allowed, tagged, on the switch port of {parent}, and is {gateway} the router's address there?",
            vlan.get()
        ),
        ParentSpec::Link(name) => {
            format!("is {gateway} the router's address, and is it on the wire of {name}?")
        }
        // Neither has a link to ask on.
        ParentSpec::DefaultRoute | ParentSpec::Dummy => format!("is {gateway} the router's address?"),
    }
}

#[cfg(test)]
mod tests {
    use netlink::Kind;

    use super::{
        super::{
            Verdict,
            fixture::{link, network},
        },
        *,
    };

    fn finding(fields: &str, own: &[&str], outcome: &Outcome) -> Finding {
        let own: Vec<IpNetwork> = own.iter().map(|text| text.parse().unwrap()).collect();
        judge(&network("lan", fields), "192.168.1.1".parse().unwrap(), "eth0", &own, outcome)
    }

    const LAN: &str = r#""driver": "macvlan", "parent": "eth0",
        "subnets": [{"subnet": "192.168.1.0/24", "gateway": "192.168.1.1"}]"#;

    #[test]
    fn silence_weighs_less_when_the_host_asks_from_outside() {
        assert_eq!(finding(LAN, &[], &Outcome::Answers).verdict, Verdict::Ok);
        let inside = finding(LAN, &["192.168.1.250/24"], &Outcome::Silent);
        assert_eq!((inside.verdict, inside.found.as_str()), (Verdict::Warning, "it does not answer on eth0"));
        let outside = finding(LAN, &["10.0.0.1/8"], &Outcome::Silent);
        assert!(outside.found.contains("some routers ignore"), "{}", outside.found);
    }

    #[test]
    fn a_silent_router_of_a_vlan_leads_to_the_switch() {
        let vlan = LAN.replace(r#""eth0","#, r#""eth0", "vlan": 50,"#);
        let advice = finding(&vlan, &[], &Outcome::Silent).advise_text();
        assert!(advice.contains("VLAN 50 allowed, tagged, on the switch port of eth0"), "{advice}");
    }

    #[test]
    fn the_hosts_own_address_is_no_gateway_for_its_containers() {
        let own = finding(LAN, &["192.168.1.1/24"], &Outcome::Untold(String::new()));
        assert_eq!(own.verdict, Verdict::Failure);
        assert!(own.found.contains("this host's own address"), "{}", own.found);
    }

    #[test]
    fn who_cannot_be_asked_is_not_asked() {
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        let eth0 = link(2, "eth0", Kind::None);
        let local: IpNetwork = "fe80::1/64".parse().unwrap();
        assert!(obstacle(v6, &eth0, &[]).unwrap().contains("link-local"));
        assert_eq!(obstacle(v6, &eth0, &[local]), None);
        assert_eq!(obstacle("192.168.1.1".parse().unwrap(), &eth0, &[]), None);
        let down = Link { carrier: false, ..eth0 };
        assert!(obstacle("192.168.1.1".parse().unwrap(), &down, &[]).unwrap().contains("carrier"));
    }

    impl Finding {
        fn advise_text(self) -> String {
            self.advice.unwrap_or_default()
        }
    }
}
