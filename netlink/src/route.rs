//! Routes of the main table.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use rtnetlink::{
    RouteMessageBuilder,
    packet_core::{NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        AddressFamily,
        route::{RouteHeader, RouteMessage, RouteScope, RouteType},
    },
};

use crate::{
    error::{Error, Result},
    socket::Socket,
};

mod decode;

use decode::Entry;

/// A route to add or to delete: main table, `RTPROT_STATIC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewRoute {
    /// What it does with a packet.
    pub kind: RouteKind,
    /// Destination; length 0 is the default route. The kernel refuses host bits.
    pub destination: IpNetwork,
    /// Next hop, of the destination's family.
    pub gateway: Option<IpAddr>,
    /// Index of the link to leave by.
    pub link: Option<u32>,
    /// Priority; the kernel's own default (IPv4 0, IPv6 1024) if not given.
    pub metric: Option<u32>,
}

/// `RTN_*` of include/uapi/linux/rtnetlink.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// Send on.
    Unicast,
    /// Drop silently.
    Blackhole,
    /// Drop and say "host unreachable".
    Unreachable,
    /// Drop and say "administratively prohibited".
    Prohibit,
}

/// A route as the kernel has it, in the main table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// What it does with a packet.
    pub kind: RouteKind,
    /// Destination; length 0 is the default route.
    pub destination: IpNetwork,
    /// Next hop; none if there are several.
    pub gateway: Option<IpAddr>,
    /// Index of the link to leave by; none if there are several hops.
    pub link: Option<u32>,
    /// Priority: the lowest counts.
    pub metric: u32,
}

/// In which families the main table has a default route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefaultRoutes {
    /// 0.0.0.0/0.
    pub ipv4: bool,
    /// `::/0`.
    pub ipv6: bool,
}

/// The links of the default routes in the main table, by index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefaultLinks {
    /// 0.0.0.0/0.
    pub ipv4: Option<u32>,
    /// `::/0`.
    pub ipv6: Option<u32>,
}

impl Socket {
    /// Adds a route; fails with `is_exists` if there is one of this destination and metric.
    pub fn add_route(&self, route: &NewRoute) -> Result<()> {
        let operation = format_args!("add route {route}");
        let message = message(route).map_err(|why| impossible(operation, why))?;
        let flags = NLM_F_CREATE | NLM_F_EXCL;
        self.request(operation, libc::RTM_NEWROUTE, &message, flags).map(drop)
    }

    /// Deletes a route; fails with `is_missing` if there is none like it.
    pub fn delete_route(&self, route: &NewRoute) -> Result<()> {
        let operation = format_args!("delete route {route}");
        let message = message(route).map_err(|why| impossible(operation, why))?;
        self.request(operation, libc::RTM_DELROUTE, &message, 0).map(drop)
    }

    /// Tells whether the namespace has default routes, of any origin.
    pub fn default_routes(&self) -> Result<DefaultRoutes> {
        let routes = self.routes()?;
        let has = |family| routes.iter().any(|route| decode::is_default(route, family));
        Ok(DefaultRoutes { ipv4: has(AddressFamily::Inet), ipv6: has(AddressFamily::Inet6) })
    }

    /// The links of the default routes, in each family the one of the lowest metric; of a route with several
    /// hops the first hop's. A route by nexthop object has a link here unless `net.ipv4.nexthop_compat_mode`
    /// is off.
    pub fn default_route_links(&self) -> Result<DefaultLinks> {
        let routes = self.routes()?;
        let link = |family| default_link(&routes, family);
        Ok(DefaultLinks { ipv4: link(AddressFamily::Inet), ipv6: link(AddressFamily::Inet6) })
    }

    /// Where the routes of the main table lead, IPv4 first, the default ones left out.
    pub fn destinations(&self) -> Result<Vec<IpNetwork>> {
        let destinations = self.entries()?.into_iter().map(|entry| entry.destination);
        Ok(destinations.filter(|destination| destination.prefix() > 0).collect())
    }

    /// The routes of the main table that lead to exactly one of these destinations, IPv4 first.
    pub fn routes_to(&self, destinations: &[IpNetwork]) -> Result<Vec<Route>> {
        let wanted = |entry: &Entry| destinations.contains(&entry.destination);
        Ok(self.entries()?.into_iter().filter(wanted).filter_map(Entry::route).collect())
    }

    fn entries(&self) -> Result<Vec<Entry>> {
        let routes = self.routes()?;
        let of = |family| routes.iter().filter_map(move |route| decode::entry(route, family));
        Ok(of(AddressFamily::Inet).chain(of(AddressFamily::Inet6)).collect())
    }

    /// Of all families at once, also of such as nobody here knows. One that has no main table, which the kernel makes
    /// with its first route, is passed over then, where it would be an error if it were asked for alone.
    fn routes(&self) -> Result<Vec<Vec<u8>>> {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Unspec;
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        self.dump(format_args!("list the routes"), libc::RTM_GETROUTE, &message)
    }
}

fn default_link(routes: &[Vec<u8>], family: AddressFamily) -> Option<u32> {
    let ways = routes.iter().filter(|route| decode::is_default(route, family)).filter_map(|route| {
        let entry = decode::entry(route, family)?;
        (entry.kind == RouteType::Unicast).then_some((entry.metric, entry.link?))
    });
    ways.min_by_key(|(metric, _)| *metric).map(|(_, link)| link)
}

impl std::fmt::Display for NewRoute {
    /// As ip-route(8) writes it, with the link's index in the place of its name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            RouteKind::Unicast => "",
            RouteKind::Blackhole => "blackhole ",
            RouteKind::Unreachable => "unreachable ",
            RouteKind::Prohibit => "prohibit ",
        };
        write!(f, "{kind}{}", self.destination)?;
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        if let Some(link) = self.link {
            write!(f, " by link {link}")?;
        }
        if let Some(metric) = self.metric {
            write!(f, " metric {metric}")?;
        }
        Ok(())
    }
}

fn message(route: &NewRoute) -> std::result::Result<RouteMessage, &'static str> {
    let (kind, leaves) = match route.kind {
        RouteKind::Unicast => (RouteType::Unicast, true),
        RouteKind::Blackhole => (RouteType::BlackHole, false),
        RouteKind::Unreachable => (RouteType::Unreachable, false),
        RouteKind::Prohibit => (RouteType::Prohibit, false),
    };
    if !leaves && (route.gateway.is_some() || route.link.is_some()) {
        return Err("a route that drops packets has neither gateway nor link");
    }
    if route.gateway.is_some_and(|gateway| gateway.is_ipv4() != route.destination.is_ipv4()) {
        return Err("gateway and destination are of different families");
    }
    let mut builder = RouteMessageBuilder::<IpAddr>::new()
        .kind(kind)
        .scope(scope(route, leaves))
        .destination_prefix(route.destination.ip(), route.destination.prefix())
        .map_err(|_| "the destination's prefix is too long")?;
    if let Some(gateway) = route.gateway {
        builder = builder.gateway(gateway).map_err(|_| "the gateway is of no known family")?;
    }
    if let Some(link) = route.link {
        builder = builder.output_interface(link);
    }
    if let Some(metric) = route.metric {
        builder = builder.priority(metric);
    }
    Ok(builder.build())
}

/// IPv4 has on-link destinations in the scope of the link, else the kernel asks for a gateway; IPv6 knows no
/// scopes.
fn scope(route: &NewRoute, leaves: bool) -> RouteScope {
    if leaves && route.gateway.is_none() && route.destination.is_ipv4() {
        RouteScope::Link
    } else {
        RouteScope::Universe
    }
}

fn impossible(operation: std::fmt::Arguments<'_>, why: &'static str) -> Error {
    Error::Impossible { operation: operation.to_string(), why }
}

#[cfg(test)]
mod tests {
    use rtnetlink::packet_route::route::{RouteAttribute, RouteProtocol};

    use super::*;

    pub(super) fn via(destination: &str, gateway: &str) -> NewRoute {
        NewRoute {
            kind: RouteKind::Unicast,
            destination: destination.parse().unwrap(),
            gateway: Some(gateway.parse().unwrap()),
            link: Some(2),
            metric: None,
        }
    }

    #[test]
    fn a_default_route_has_gateway_link_and_metric() {
        let route = NewRoute { metric: Some(50), ..via("0.0.0.0/0", "172.16.86.1") };
        let message = message(&route).unwrap();
        assert_eq!(message.header.scope, RouteScope::Universe);
        assert_eq!(message.header.protocol, RouteProtocol::Static);
        for expected in [
            RouteAttribute::Gateway(IpAddr::from([172, 16, 86, 1]).into()),
            RouteAttribute::Oif(2),
            RouteAttribute::Priority(50),
        ] {
            assert!(message.attributes.contains(&expected), "{expected:?}");
        }
    }

    #[test]
    fn only_ipv4_without_a_gateway_is_in_the_scope_of_its_link() {
        let scope_of = |route: &NewRoute| message(route).unwrap().header.scope;
        assert_eq!(scope_of(&NewRoute { gateway: None, ..via("0.0.0.0/0", "10.0.0.1") }), RouteScope::Link);
        assert_eq!(scope_of(&NewRoute { gateway: None, ..via("::/0", "2001:db8::1") }), RouteScope::Universe);
    }

    #[test]
    fn contradictions_are_not_sent() {
        let error = message(&via("::/0", "10.0.0.1")).unwrap_err();
        assert!(error.contains("families"), "{error}");
        let error =
            message(&NewRoute { kind: RouteKind::Blackhole, ..via("10.0.0.0/8", "10.0.0.1") }).unwrap_err();
        assert!(error.contains("drops"), "{error}");
    }

    #[test]
    fn a_route_is_written_as_ip_route_writes_it() {
        let route = NewRoute { metric: Some(5), ..via("10.1.0.0/16", "10.0.0.1") };
        assert_eq!(route.to_string(), "10.1.0.0/16 via 10.0.0.1 by link 2 metric 5");
    }
}
