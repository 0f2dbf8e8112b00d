//! From `RTM_NEWROUTE` to what is wanted of a route.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;
use rtnetlink::packet_route::{
    AddressFamily,
    route::{RouteHeader, RouteProtocol, RouteType},
};

use super::{Route, RouteKind};
use crate::attribute::{attributes, number_u32};

/// `struct rtmsg`.
const HEADER_BYTES: usize = 12;
/// `RTA_DST`: left out for a default route.
const DESTINATION: u16 = 1;
/// `RTA_OIF`.
const LINK: u16 = 4;
/// `RTA_GATEWAY`.
const GATEWAY: u16 = 5;
/// `RTA_PRIORITY`: IPv4 leaves out a metric of 0.
const METRIC: u16 = 6;
/// `RTA_MULTIPATH`.
const HOPS: u16 = 9;

/// A route of the main table, of whatever kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: RouteType,
    pub(super) destination: IpNetwork,
    /// The first hop's, if there are several.
    pub(super) link: Option<u32>,
    pub(super) metric: u32,
    gateway: Option<IpAddr>,
    has_hops: bool,
}

/// Reads a message; none if it is no route of the main table, or the kernel's own of no effect.
pub(super) fn entry(message: &[u8], family: AddressFamily) -> Option<Entry> {
    let header = RouteHeader::parse(message).ok().filter(|header| is_of(header, family))?;
    let everywhere = match family {
        AddressFamily::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        _ => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let (mut destination, mut gateway, mut metric) = (everywhere, None, 0);
    let (mut link, mut first_hop) = (None, None);
    for (kind, value) in attributes(message.get(HEADER_BYTES..)?) {
        match kind {
            DESTINATION => destination = address(value, family)?,
            GATEWAY => gateway = address(value, family),
            METRIC => metric = number_u32(value)?,
            LINK => link = number_u32(value),
            // `struct rtnexthop`: length, flags and weight in four bytes, then the link's index.
            HOPS => first_hop = value.get(4..8).and_then(number_u32),
            _ => {}
        }
    }
    Some(Entry {
        kind: header.kind,
        destination: IpNetwork::new(destination, header.destination_prefix_length).ok()?,
        link: link.or(first_hop),
        metric,
        gateway,
        has_hops: first_hop.is_some(),
    })
}

/// Reads the header alone.
pub(super) fn is_default(message: &[u8], family: AddressFamily) -> bool {
    RouteHeader::parse(message)
        .is_ok_and(|header| is_of(&header, family) && header.destination_prefix_length == 0)
}

/// Older kernels keep an unreachable IPv6 default route of their own on the loopback link; it routes nothing.
fn is_of(header: &RouteHeader, family: AddressFamily) -> bool {
    header.address_family == family
        && header.table == RouteHeader::RT_TABLE_MAIN
        && !(header.kind == RouteType::Unreachable && header.protocol == RouteProtocol::Kernel)
}

fn address(value: &[u8], family: AddressFamily) -> Option<IpAddr> {
    match family {
        AddressFamily::Inet => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
    }
}

impl Entry {
    /// None for a kind that nobody here sets.
    pub(super) fn route(self) -> Option<Route> {
        let kind = match self.kind {
            RouteType::Unicast => RouteKind::Unicast,
            RouteType::BlackHole => RouteKind::Blackhole,
            RouteType::Unreachable => RouteKind::Unreachable,
            RouteType::Prohibit => RouteKind::Prohibit,
            _ => return None,
        };
        let (gateway, link) = if self.has_hops { (None, None) } else { (self.gateway, self.link) };
        // IPv6 routes that drop packets hang on the loopback link (`fib6_null_entry`).
        let link = link.filter(|_| kind == RouteKind::Unicast);
        Some(Route { kind, destination: self.destination, gateway, link, metric: self.metric })
    }
}

#[cfg(test)]
mod tests {
    use rtnetlink::{
        packet_core::Emitable,
        packet_route::route::{RouteAttribute, RouteMessage, RouteNextHop},
    };

    use super::{
        super::{NewRoute, message, tests::via},
        *,
    };

    fn bytes(message: &RouteMessage) -> Vec<u8> {
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        bytes
    }

    const V4: AddressFamily = AddressFamily::Inet;
    const V6: AddressFamily = AddressFamily::Inet6;

    /// What we ask the kernel for is what we would read if it sent that back.
    #[test]
    fn every_kind_of_route_is_read_as_it_is_written() {
        let drops =
            |kind, destination| NewRoute { kind, gateway: None, link: None, ..via(destination, "::1") };
        for (new, family) in [
            (via("10.0.0.0/8", "10.0.0.1"), V4),
            (NewRoute { metric: Some(50), ..via("0.0.0.0/0", "10.0.0.1") }, V4),
            (NewRoute { gateway: None, ..via("2001:db8::/32", "fe80::1") }, V6),
            (via("::/0", "fe80::1"), V6),
            (drops(RouteKind::Blackhole, "10.9.0.0/16"), V4),
            (drops(RouteKind::Unreachable, "10.9.0.0/16"), V4),
            (drops(RouteKind::Prohibit, "2001:db8::/48"), V6),
        ] {
            let read = entry(&bytes(&message(&new).unwrap()), family).and_then(Entry::route).unwrap();
            let NewRoute { kind, destination, gateway, link, metric } = new;
            let expected = Route { kind, destination, gateway, link, metric: metric.unwrap_or(0) };
            assert_eq!(read, expected);
        }
        assert_eq!(entry(&bytes(&message(&via("10.0.0.0/8", "10.0.0.1")).unwrap()), V6), None);
    }

    #[test]
    fn a_default_route_is_known_by_its_header() {
        let default = bytes(&message(&via("0.0.0.0/0", "172.16.86.1")).unwrap());
        assert!(is_default(&default, V4));
        assert!(!is_default(&default, V6));
        assert!(!is_default(&bytes(&message(&via("10.0.0.0/8", "10.0.0.1")).unwrap()), V4));
    }

    #[test]
    fn of_several_hops_the_first_ones_link_is_the_way_out() {
        let default = NewRoute { metric: Some(100), gateway: None, link: None, ..via("0.0.0.0/0", "::1") };
        let mut multipath = message(&default).unwrap();
        let hop = |link| {
            let mut hop = RouteNextHop::default();
            hop.interface_index = link;
            hop
        };
        multipath.attributes.push(RouteAttribute::MultiPath(vec![hop(7), hop(8)]));
        let entry = entry(&bytes(&multipath), V4).unwrap();
        assert_eq!((entry.metric, entry.link), (100, Some(7)));
        let route = entry.route().unwrap();
        assert_eq!((route.gateway, route.link), (None, None));
    }

    #[test]
    fn the_kernels_own_unreachable_default_does_not_count() {
        let mut own = RouteMessage::default();
        own.header.address_family = V6;
        own.header.table = RouteHeader::RT_TABLE_MAIN;
        own.header.kind = RouteType::Unreachable;
        own.header.protocol = RouteProtocol::Kernel;
        assert!(!is_default(&bytes(&own), V6));
        assert_eq!(entry(&bytes(&own), V6), None);
        own.header.protocol = RouteProtocol::Static;
        assert!(is_default(&bytes(&own), V6));
    }

    #[test]
    fn what_is_cut_short_is_no_route() {
        let whole = bytes(&message(&via("10.0.0.0/8", "10.0.0.1")).unwrap());
        assert_eq!(entry(&whole[..11], V4), None);
        assert!(!is_default(&whole[..11], V4));
    }
}
