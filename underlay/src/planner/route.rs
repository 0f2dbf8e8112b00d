//! Which routes a container gets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use plan::{Hello, Route, RouteKind};

use super::{Error, Wish};
use crate::request::DefaultRoute;

const EVERYTHING_V4: Ipv4Network = match Ipv4Network::new_checked(Ipv4Addr::UNSPECIFIED, 0) {
    Some(network) => network,
    None => unreachable!(),
};
const EVERYTHING_V6: Ipv6Network = match Ipv6Network::new_checked(Ipv6Addr::UNSPECIFIED, 0) {
    Some(network) => network,
    None => unreachable!(),
};

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    const ALL: [Self; 2] = [Self::V4, Self::V6];

    const fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// `0.0.0.0/0` or `::/0`.
    const fn everything(self) -> IpNetwork {
        match self {
            Self::V4 => IpNetwork::V4(EVERYTHING_V4),
            Self::V6 => IpNetwork::V6(EVERYTHING_V6),
        }
    }

    const fn has_default(self, hello: &Hello) -> bool {
        match self {
            Self::V4 => hello.ipv4_default,
            Self::V6 => hello.ipv6_default,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

/// The default routes of each wish, and notes on those that are not set.
///
/// For each family, whoever asked for the default route has it; else the first network in the container's
/// order that can give one, unless the namespace has a default route already (an engine's own network): that
/// is never displaced unasked.
pub(super) fn defaults(wishes: &[Wish<'_>], hello: &Hello) -> Result<(Vec<Vec<Route>>, Vec<String>), Error> {
    for wish in wishes {
        check_asked(wish)?;
    }
    let mut routes = vec![Vec::new(); wishes.len()];
    let mut notes = Vec::new();
    for family in Family::ALL {
        let asked = first_default(wishes, family, is_asked);
        let chosen = asked.or_else(|| first_default(wishes, family, |wish| !is_asked(wish)));
        let Some((index, wish, route)) = chosen else { continue };
        if asked_is_none_and_taken(wish, family, hello) {
            notes.push(format!(
                "network {}: the namespace has an {} default route already, which stays; default-route asks for this one",
                wish.network.name,
                family.name()
            ));
        } else if let Some(own) = routes.get_mut(index) {
            own.push(route);
        }
    }
    Ok((routes, notes))
}

fn asked_is_none_and_taken(wish: &Wish<'_>, family: Family, hello: &Hello) -> bool {
    !is_asked(wish) && family.has_default(hello)
}

const fn is_asked(wish: &Wish<'_>) -> bool {
    matches!(wish.request.default_route, DefaultRoute::Own | DefaultRoute::Via(_))
}

fn first_default<'a, 'n>(
    wishes: &'a [Wish<'n>],
    family: Family,
    accept: impl Fn(&Wish<'_>) -> bool,
) -> Option<(usize, &'a Wish<'n>, Route)> {
    wishes
        .iter()
        .enumerate()
        .filter(|(_, wish)| accept(wish))
        .find_map(|(index, wish)| default_route(wish, family).map(|route| (index, wish, route)))
}

/// The default route that a network can give a container in one family.
fn default_route(wish: &Wish<'_>, family: Family) -> Option<Route> {
    let network = wish.network;
    let may = network.default_route && network.leads_out() && wish.request.default_route != DefaultRoute::No;
    let first = *wish.addresses.iter().find(|address| Family::of(address.ip()) == family)?;
    let gateway = if network.is_layer3() { None } else { Some(router(wish, family, first)?) };
    may.then(|| Route {
        kind: RouteKind::Unicast,
        destination: family.everything(),
        gateway,
        link: Some(wish.interface.clone()),
        metric: network.metric,
    })
}

/// The router asked for, else the gateway of the subnet that the first address is of.
fn router(wish: &Wish<'_>, family: Family, first: IpNetwork) -> Option<IpAddr> {
    match &wish.request.default_route {
        DefaultRoute::Via(routers) => routers.iter().copied().find(|router| Family::of(*router) == family),
        _ => wish.network.subnets.iter().find(|subnet| subnet.subnet.contains(first.ip()))?.gateway,
    }
}

/// Who asks for the default route by a network that has none must hear of it: without, the container would
/// start cut off.
fn check_asked(wish: &Wish<'_>) -> Result<(), Error> {
    let network = wish.network;
    let refuse = |reason| Err(Error::NoDefaultRoute { network: network.name.clone(), reason });
    if !is_asked(wish) {
        return Ok(());
    }
    if network.internal {
        return refuse("it is internal");
    }
    if !network.leads_out() {
        return refuse("it has no parent");
    }
    if !network.default_route {
        return refuse("its definition says `default_route: false`");
    }
    match &wish.request.default_route {
        DefaultRoute::Via(_) if network.is_layer3() => refuse("layer 3 networks have no routers"),
        DefaultRoute::Via(routers) => routers.iter().try_for_each(|router| check_on_link(wish, *router)),
        _ if Family::ALL.iter().all(|family| default_route(wish, *family).is_none()) => {
            refuse("no gateway is defined for the subnets of the container's addresses")
        }
        _ => Ok(()),
    }
}

fn check_on_link(wish: &Wish<'_>, router: IpAddr) -> Result<(), Error> {
    if wish.addresses.iter().any(|address| address.contains(router)) {
        return Ok(());
    }
    let subnets: Vec<String> =
        wish.addresses.iter().map(|a| format!("{}/{}", a.network(), a.prefix())).collect();
    Err(Error::RouterOffLink { network: wish.network.name.clone(), router, subnets: subnets.join(", ") })
}

/// On layer 3 the subnets of a network reach each other without a router: nothing but a route on the link is
/// needed, and it is needed even where no default route leads out (no parent, internal).
pub(super) fn between_subnets(wish: &Wish<'_>) -> Vec<Route> {
    if !wish.network.is_layer3() {
        return Vec::new();
    }
    let is_connected = |subnet: IpNetwork| wish.addresses.iter().any(|address| subnet.contains(address.ip()));
    let others = wish.network.subnets.iter().map(|spec| spec.subnet).filter(|subnet| !is_connected(*subnet));
    others
        .filter(|subnet| has_family(wish, Family::of(subnet.ip())))
        .map(|destination| Route {
            kind: RouteKind::Unicast,
            destination,
            gateway: None,
            link: Some(wish.interface.clone()),
            metric: None,
        })
        .collect()
}

/// The routes of the definition whose family the container has an address of.
pub(super) fn defined(wish: &Wish<'_>) -> Vec<Route> {
    let routes = wish.network.routes.iter();
    routes
        .filter(|route| has_family(wish, Family::of(route.destination.ip())))
        .map(|route| Route {
            kind: route.kind,
            destination: route.destination,
            gateway: route.gateway,
            link: (route.kind == RouteKind::Unicast).then(|| wish.interface.clone()),
            metric: route.metric,
        })
        .collect()
}

fn has_family(wish: &Wish<'_>, family: Family) -> bool {
    wish.addresses.iter().any(|address| Family::of(address.ip()) == family)
}
