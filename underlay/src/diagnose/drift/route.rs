//! Whether a container still has the routes that it was given. They are looked at inside of its namespace, by
//! the helper.

use std::{path::Path, time::Instant};

use plan::{Question, Route, SeenRoute};

use crate::{
    attachment::record::{Attachment, Record},
    helper::Helper,
    message,
    namespace::Namespace,
};

/// How to look into namespaces.
#[derive(Clone, Copy, Debug)]
pub(in crate::diagnose) struct Inside<'a> {
    /// The helper, if it works.
    pub(in crate::diagnose) helper: Option<&'a Path>,
    pub(in crate::diagnose) deadline: Instant,
}

/// The routes of one namespace, as far as anybody there was asked for them.
pub(super) enum Routes {
    Seen(Vec<SeenRoute>),
    /// With the reason.
    Unseen(String),
}

/// What differs from what was set.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// Nothing leads there now.
    Gone(String),
    /// Something else does, or does as well and is preferred.
    Other(String),
}

/// `IP6_RT_PRIO_USER`, which a metric of 0 means in IPv6.
const IPV6_METRIC: u32 = 1024;

/// Asks for all that a namespace's attachments were given, with one helper; with none if that is nothing.
pub(super) fn read(inside: Inside<'_>, record: &Record) -> Routes {
    let destinations: Vec<_> =
        record.attachments.iter().flat_map(given).map(|route| route.destination).collect();
    if destinations.is_empty() {
        return Routes::Seen(Vec::new());
    }
    let Some(helper) = inside.helper else {
        return Routes::Unseen("without a working helper its routes cannot be looked at".to_owned());
    };
    let namespace = &record.namespace;
    let found = Namespace::find(namespace.file, namespace.path.as_deref(), &record.processes());
    // Neither a process nor a path leads there, or what they lead to is another namespace by now.
    let no_way = || Routes::Unseen("no way leads into its namespace to look at its routes".to_owned());
    let Some(found) = found else { return no_way() };
    match Helper::look(helper, found.entrance(), &Question { destinations }, inside.deadline) {
        Ok(sight) if sight.cookie != namespace.cookie => no_way(),
        Ok(sight) => Routes::Seen(sight.routes),
        Err(error) => Routes::Unseen(message::chain(&error)),
    }
}

/// All routes that came with an attachment.
pub(super) fn given(attachment: &Attachment) -> impl Iterator<Item = &Route> {
    attachment.routes.iter().chain(&attachment.linkless_routes)
}

pub(super) fn differences(attachment: &Attachment, seen: &[SeenRoute]) -> Vec<Difference> {
    given(attachment).filter_map(|route| difference(attachment, route, seen)).collect()
}

fn difference(attachment: &Attachment, route: &Route, seen: &[SeenRoute]) -> Option<Difference> {
    let there: Vec<_> = seen.iter().filter(|other| other.destination == route.destination).collect();
    let words = |others: &[&SeenRoute]| {
        others.iter().map(|other| describe(attachment, other)).collect::<Vec<_>>().join(", ")
    };
    if there.is_empty() {
        return Some(Difference::Gone(format!("its route {route} is gone")));
    }
    if !there.iter().any(|other| is(attachment, route, other)) {
        return Some(Difference::Other(format!("instead of its route {route} there is {}", words(&there))));
    }
    let preferred: Vec<_> = there.into_iter().filter(|other| other.metric < metric(route)).collect();
    (!preferred.is_empty())
        .then(|| Difference::Other(format!("its route {route} gives way to {}", words(&preferred))))
}

fn is(attachment: &Attachment, route: &Route, seen: &SeenRoute) -> bool {
    let link = route.link.as_ref().and(attachment.index);
    (seen.kind, seen.gateway, seen.link, seen.metric) == (route.kind, route.gateway, link, metric(route))
}

/// The metric that the kernel gave it.
fn metric(route: &Route) -> u32 {
    match route.metric {
        None | Some(0) if route.destination.is_ipv6() => IPV6_METRIC,
        given => given.unwrap_or_default(),
    }
}

fn describe(attachment: &Attachment, seen: &SeenRoute) -> String {
    let &SeenRoute { kind, destination, gateway, .. } = seen;
    let is_ours = seen.link.is_some() && seen.link == attachment.index;
    let mut route = Route {
        kind,
        destination,
        gateway,
        link: is_ours.then(|| attachment.interface.clone()),
        metric: None,
    };
    if seen.metric != metric(&route) {
        route.metric = Some(seen.metric);
    }
    match seen.link {
        Some(_) if !is_ours => format!("{route} (by another link)"),
        _ => route.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use plan::RouteKind;

    use super::{super::tests::attachment, *};

    fn route(destination: &str, gateway: Option<&str>, metric: Option<u32>) -> Route {
        Route {
            kind: RouteKind::Unicast,
            destination: destination.parse().unwrap(),
            gateway: gateway.map(|text| text.parse().unwrap()),
            link: Some("eth0".parse().unwrap()),
            metric,
        }
    }

    fn seen(route: &Route, link: u32, metric: u32) -> SeenRoute {
        let &Route { kind, destination, gateway, .. } = route;
        SeenRoute { kind, destination, gateway, link: Some(link), metric }
    }

    /// What is said of one route of a link with the index 2.
    fn said(route: &Route, seen: &[SeenRoute]) -> Option<Difference> {
        differences(&Attachment { routes: vec![route.clone()], ..attachment() }, seen).pop()
    }

    #[test]
    fn a_route_with_the_kernels_own_metric_is_as_it_was_set() {
        let v4 = route("0.0.0.0/0", Some("10.0.0.1"), None);
        assert_eq!(said(&v4, &[seen(&v4, 2, 0)]), None);
        for asked in [None, Some(0), Some(1024)] {
            let v6 = route("::/0", Some("2001:db8::1"), asked);
            assert_eq!(said(&v6, &[seen(&v6, 2, 1024)]), None);
        }
        let v4 = route("10.1.0.0/16", None, Some(7));
        assert_eq!(said(&v4, &[seen(&v4, 2, 7)]), None);
    }

    #[test]
    fn a_route_that_is_gone_is_told_apart_from_one_that_is_another_now() {
        let default = route("0.0.0.0/0", Some("10.0.0.1"), None);
        let gone = |text: &str| Some(Difference::Gone(text.to_owned()));
        let other = |text: &str| Some(Difference::Other(text.to_owned()));
        assert_eq!(said(&default, &[]), gone("its route default via 10.0.0.1 dev eth0 is gone"));
        let instead = "instead of its route default via 10.0.0.1 dev eth0 there is";
        let elsewhere = route("0.0.0.0/0", Some("10.0.0.9"), None);
        assert_eq!(
            said(&default, &[seen(&elsewhere, 2, 5)]),
            other(&format!("{instead} default via 10.0.0.9 dev eth0 metric 5"))
        );
        assert_eq!(
            said(&default, &[seen(&default, 3, 0)]),
            other(&format!("{instead} default via 10.0.0.1 (by another link)"))
        );
        assert_eq!(
            said(
                &default,
                &[SeenRoute { kind: RouteKind::Prohibit, gateway: None, link: None, ..seen(&default, 2, 0) }]
            ),
            other(&format!("{instead} prohibit default"))
        );
    }

    #[test]
    fn a_route_with_a_lower_metric_beside_it_is_told_and_one_with_a_higher_is_not() {
        let default = route("0.0.0.0/0", Some("10.0.0.1"), Some(50));
        let ours = seen(&default, 2, 50);
        assert_eq!(said(&default, &[ours, seen(&default, 3, 60)]), None);
        let Some(Difference::Other(text)) = said(&default, &[ours, seen(&default, 3, 40)]) else {
            panic!("a difference")
        };
        assert!(text.contains("gives way to default via 10.0.0.1 metric 40 (by another link)"), "{text}");
    }

    #[test]
    fn without_routes_nobody_is_asked() {
        let namespace = serde_json::from_value(serde_json::json!({
            "cookie": 7, "boot": "", "host": 1, "nsid": 9, "file": {"device": 4, "inode": 8}, "path": null,
        }));
        let mut record = Record::new(namespace.unwrap());
        record.attachments.push(attachment());
        let inside = Inside { helper: None, deadline: Instant::now() };
        assert!(matches!(read(inside, &record), Routes::Seen(routes) if routes.is_empty()));
        record.attachments[0].routes.push(route("10.1.0.0/16", None, None));
        assert!(matches!(read(inside, &record), Routes::Unseen(why) if why.contains("helper")));
    }
}
