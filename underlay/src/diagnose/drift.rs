//! Whether containers still have what they were given: each attachment's record beside the link that the
//! kernel shows under the namespace's number, and the routes that the helper sees inside (`RTM_GETROUTE` knows
//! no target namespace).

mod route;

use ipnetwork::IpNetwork;
use netlink::{IpvlanFlag, IpvlanMode, Kind, Link, LinkKey, Lookup, MacvlanMode, Socket};
use plan::LinkKind;
use route::{Difference, Routes};

pub(super) use route::Inside;

use super::{Finding, driver_name};
use crate::{
    attachment::{
        ledger::{self, Ledger},
        record::{Attachment, Record, State},
    },
    boot,
    layout::Layout,
    message,
    network::NetworkName,
};

const CHECK: &str = "attachment";

/// What there is now of one attachment.
enum Reading {
    Link(Box<Link>, Vec<IpNetwork>),
    LinkGone,
    /// Then it is left over, which is another check's to tell.
    NamespaceGone,
    Unknown(netlink::Error),
}

/// Before the first container after a boot there is no ledger, and a look must not make it.
pub(super) fn check(
    socket: &Socket,
    layout: &Layout,
    only: Option<&NetworkName>,
    inside: Inside<'_>,
) -> Vec<Finding> {
    if !layout.namespaces().is_dir() {
        return Vec::new();
    }
    let failed = |error: &ledger::Error| Finding::failure(CHECK, "records", message::chain(error));
    let ledger = match Ledger::open(layout) {
        Ok(ledger) => ledger,
        Err(error) => return vec![failed(&error)],
    };
    match ledger.cookies() {
        Ok(cookies) => cookies
            .into_iter()
            .flat_map(|cookie| match ledger.look(cookie) {
                Ok(Some(record)) => compare(socket, &record, only, inside),
                Ok(None) => Vec::new(),
                Err(error) => vec![failed(&error)],
            })
            .collect(),
        Err(error) => vec![failed(&error)],
    }
}

/// All attachments of one namespace that are complete. Numbers of another boot or another host's namespace
/// mean nothing.
fn compare(socket: &Socket, record: &Record, only: Option<&NetworkName>, inside: Inside<'_>) -> Vec<Finding> {
    let is_here = socket.cookie().is_ok_and(|cookie| cookie == record.namespace.host)
        && boot::id().is_ok_and(|boot| boot == record.namespace.boot);
    if !is_here {
        return Vec::new();
    }
    let is_meant = |a: &&Attachment| a.state == State::Attached && only.is_none_or(|name| a.network == *name);
    let meant: Vec<_> = record.attachments.iter().filter(is_meant).collect();
    if meant.is_empty() {
        return Vec::new();
    }
    let routes = route::read(inside, record);
    meant
        .into_iter()
        .flat_map(|attachment| judge(attachment, &read(socket, record.namespace.nsid, attachment), &routes))
        .collect()
}

fn read(socket: &Socket, nsid: i32, attachment: &Attachment) -> Reading {
    let by_index = attachment.index.map(LinkKey::Index);
    let key = by_index.unwrap_or(LinkKey::Name(attachment.interface.as_str()));
    match socket.link_in(nsid, key) {
        Ok(Lookup::Found(link)) => match socket.addresses_in(nsid, link.index) {
            Ok(addresses) => Reading::Link(link, addresses),
            Err(error) => Reading::Unknown(error),
        },
        Ok(Lookup::NoLink) => Reading::LinkGone,
        Ok(Lookup::NoNamespace) => Reading::NamespaceGone,
        Err(error) => Reading::Unknown(error),
    }
}

/// Everything that differs; or that nothing does.
fn judge(attachment: &Attachment, reading: &Reading, routes: &Routes) -> Vec<Finding> {
    let containers: Vec<_> = attachment.users.iter().map(|user| short(&user.container.to_string())).collect();
    let subject = format!("{} of {} in {}", attachment.interface, attachment.network, containers.join(", "));
    let (link, addresses) = match reading {
        Reading::Link(link, addresses) => (link, addresses),
        Reading::LinkGone => {
            let finding =
                Finding::failure(CHECK, subject, "the link was deleted in the container's namespace");
            return vec![finding.advise("start the container again")];
        }
        Reading::NamespaceGone => return Vec::new(),
        Reading::Unknown(error) => return vec![Finding::note(CHECK, subject, message::chain(error))],
    };
    let mut serious = foreign(attachment, link);
    serious.extend(missing(attachment, addresses));
    let mut slight = changed(attachment, link);
    // The kernel takes the routes of a link that goes down.
    match routes {
        _ if !link.up => serious.push("it is down".to_owned()),
        Routes::Seen(seen) => {
            for difference in route::differences(attachment, seen) {
                match difference {
                    Difference::Gone(found) => serious.push(found),
                    Difference::Other(found) => slight.push(found),
                }
            }
        }
        Routes::Unseen(_) => {}
    }
    let failures = serious.into_iter().map(|found| {
        Finding::failure(CHECK, &subject, found).advise("start the container again, or put it right inside")
    });
    let warnings = slight.into_iter().map(|found| Finding::warning(CHECK, &subject, found));
    let findings: Vec<_> = failures.chain(warnings).collect();
    if findings.is_empty() { vec![unchanged(attachment, subject, routes)] } else { findings }
}

fn unchanged(attachment: &Attachment, subject: String, routes: &Routes) -> Finding {
    let addresses = attachment.addresses.iter().map(ToString::to_string);
    let count = route::given(attachment).count();
    let set = match count {
        0 => None,
        1 => Some("1 route".to_owned()),
        _ => Some(format!("{count} routes")),
    };
    let as_made = |set| {
        let words: Vec<_> = ["up".to_owned()].into_iter().chain(addresses).chain(set).collect();
        format!("as it was made: {}", words.join(", "))
    };
    match routes {
        Routes::Unseen(why) if count > 0 => {
            Finding::note(CHECK, subject, format!("{}; {why}", as_made(None)))
        }
        _ => Finding::ok(CHECK, subject, as_made(set)),
    }
}

/// Another link than the one that was made.
fn foreign(attachment: &Attachment, link: &Link) -> Vec<String> {
    let mut found = Vec::new();
    if link.kind != kernels(attachment.kind) {
        found.push(format!(
            "it is {} now, in another driver or mode than it was made",
            driver_name(&link.kind)
        ));
    }
    if link.parent != Some(attachment.parent_index) {
        found.push(format!("it does not stand on {} any more", attachment.parent));
    }
    if link.alias.as_deref() != Some(&attachment.alias) {
        found.push("its alias is not our mark any more, so it will not be taken down".to_owned());
    }
    found
}

fn missing(attachment: &Attachment, addresses: &[IpNetwork]) -> Vec<String> {
    let is_gone = |address: &&IpNetwork| !addresses.contains(address);
    attachment
        .addresses
        .iter()
        .filter(is_gone)
        .map(|address| format!("its address {address} is gone"))
        .collect()
}

/// What a container may have changed by itself.
fn changed(attachment: &Attachment, link: &Link) -> Vec<String> {
    let mut found = Vec::new();
    if link.name != attachment.interface.as_str() {
        found.push(format!("it was renamed to {}", link.name));
    }
    let mac = attachment.mac.map(plan::MacAddress::octets);
    if mac.is_some() && link.mac != mac {
        found.push("it has another MAC address than it was given".to_owned());
    }
    if let Some(mtu) = attachment.mtu.filter(|mtu| *mtu != link.mtu) {
        found.push(format!("its mtu is {}, and was {mtu}", link.mtu));
    }
    found
}

/// As engines print container ids.
fn short(id: &str) -> String {
    let is_hash = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    id.chars().take(if is_hash { 12 } else { id.len() }).collect()
}

/// A driver and mode in the kernel's words.
fn kernels(kind: LinkKind) -> Kind {
    match kind {
        LinkKind::Macvlan { mode } => Kind::Macvlan(match mode {
            plan::MacvlanMode::Bridge => MacvlanMode::Bridge,
            plan::MacvlanMode::Vepa => MacvlanMode::Vepa,
            plan::MacvlanMode::Private => MacvlanMode::Private,
            plan::MacvlanMode::Passthru => MacvlanMode::Passthru,
        }),
        LinkKind::Ipvlan { mode, flag } => {
            let mode = match mode {
                plan::IpvlanMode::L2 => IpvlanMode::L2,
                plan::IpvlanMode::L3 => IpvlanMode::L3,
                plan::IpvlanMode::L3s => IpvlanMode::L3s,
            };
            let flag = match flag {
                plan::IpvlanFlag::Bridge => IpvlanFlag::Bridge,
                plan::IpvlanFlag::Private => IpvlanFlag::Private,
                plan::IpvlanFlag::Vepa => IpvlanFlag::Vepa,
            };
            Kind::Ipvlan(mode, flag)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Verdict, fixture},
        *,
    };

    pub(super) fn attachment() -> Attachment {
        serde_json::from_value(serde_json::json!({
            "network": "lan", "interface": "eth0", "index": 2,
            "kind": {"driver": "macvlan", "mode": "bridge"},
            "parent": "eth0", "parent_index": 7, "mac": "02:00:00:00:00:01", "mtu": 1500,
            "addresses": ["10.0.0.2/24"],
            "owner": "h/9/lan/eth0",
            "alias": "underlay lan 9", "linkless_routes": [], "state": "attached", "since": 0,
            "users": [{"container": "web", "bundle": 7}],
        }))
        .unwrap()
    }

    fn none() -> Routes {
        Routes::Seen(Vec::new())
    }

    fn link() -> Link {
        Link {
            mac: Some([2, 0, 0, 0, 0, 1]),
            parent: Some(7),
            parent_elsewhere: true,
            alias: Some("underlay lan 9".to_owned()),
            ..fixture::link(2, "eth0", Kind::Macvlan(MacvlanMode::Bridge))
        }
    }

    fn judged(link: Link, addresses: &[&str]) -> Vec<(Verdict, String)> {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let findings = judge(&attachment(), &Reading::Link(Box::new(link), addresses), &none());
        findings.into_iter().map(|finding| (finding.verdict, finding.found)).collect()
    }

    #[test]
    fn what_is_as_it_was_made_is_right() {
        assert_eq!(
            judged(link(), &["10.0.0.2/24", "fe80::1/64"]),
            [(Verdict::Ok, "as it was made: up, 10.0.0.2/24".to_owned())]
        );
    }

    #[test]
    fn what_stops_traffic_is_a_failure() {
        for (link, addresses, words) in [
            (link(), &[][..], "10.0.0.2/24 is gone"),
            (link(), &["10.0.0.2/16"], "10.0.0.2/24 is gone"),
            (Link { up: false, ..link() }, &["10.0.0.2/24"], "down"),
            (Link { parent: Some(8), ..link() }, &["10.0.0.2/24"], "not stand on eth0"),
            (Link { alias: None, ..link() }, &["10.0.0.2/24"], "alias"),
            (Link { kind: Kind::Macvlan(MacvlanMode::Vepa), ..link() }, &["10.0.0.2/24"], "mode"),
        ] {
            let findings = judged(link, addresses);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert_eq!(findings[0].0, Verdict::Failure);
            assert!(findings[0].1.contains(words), "{findings:?}");
        }
    }

    #[test]
    fn what_a_container_may_do_is_a_warning() {
        for link in [
            Link { name: "lan0".to_owned(), ..link() },
            Link { mac: Some([2, 0, 0, 0, 0, 2]), ..link() },
            Link { mtu: 1400, ..link() },
        ] {
            let findings = judged(link, &["10.0.0.2/24"]);
            assert_eq!(findings.iter().map(|f| f.0).collect::<Vec<_>>(), [Verdict::Warning], "{findings:?}");
        }
    }

    #[test]
    fn a_route_that_is_gone_is_a_failure_and_one_that_nobody_saw_is_a_note() {
        let route = serde_json::json!({
            "kind": "unicast", "destination": "0.0.0.0/0", "gateway": "10.0.0.1", "link": "eth0", "metric": null,
        });
        let attachment = Attachment { routes: vec![serde_json::from_value(route).unwrap()], ..attachment() };
        let judged = |link, routes| {
            let addresses = attachment.addresses.clone();
            let [finding]: [Finding; 1] =
                judge(&attachment, &Reading::Link(Box::new(link), addresses), &routes).try_into().unwrap();
            (finding.verdict, finding.found)
        };
        let gone = "its route default via 10.0.0.1 dev eth0 is gone".to_owned();
        assert_eq!(judged(link(), none()), (Verdict::Failure, gone));
        let why = "no way in".to_owned();
        let unseen = "as it was made: up, 10.0.0.2/24; no way in".to_owned();
        assert_eq!(judged(link(), Routes::Unseen(why)), (Verdict::Note, unseen));
        let down = Link { up: false, ..link() };
        assert_eq!(judged(down, none()), (Verdict::Failure, "it is down".to_owned()));
    }

    #[test]
    fn a_dead_namespace_is_not_told_here_and_a_deleted_link_is() {
        assert_eq!(judge(&attachment(), &Reading::NamespaceGone, &none()), []);
        let gone = judge(&attachment(), &Reading::LinkGone, &none());
        assert_eq!(gone[0].verdict, Verdict::Failure);
        assert_eq!(gone[0].subject, "eth0 of lan in web");
    }
}
