//! Looking at routes, which can be seen only inside.

use std::os::fd::RawFd;

use netlink::{Route, RouteKind};
use nix::unistd::Pid;
use plan::{Question, SeenRoute, Sight};

use crate::{
    arguments::User,
    error::{Cause, Error, Result},
    isolation::{self, Work},
    session,
};

/// Enters the namespace open as `fd` and answers one question. Nothing is made for it: neither a socket of the
/// host nor a capability is kept.
pub(crate) fn look(fd: RawFd, user: User, parent: Pid) -> Result<Sight> {
    let namespace = session::open_namespace(fd)?;
    isolation::renounce(user)?;
    isolation::enter(&namespace, || ())?;
    drop(namespace);
    isolation::look_only()?;
    let inside = session::open_socket("of the namespace")?;
    let failed = |error| Error::new("look at the routes of the network namespace", Cause::Netlink(error));
    let cookie = inside.cookie().map_err(failed)?;
    isolation::settle(parent, &Work::Look)?;
    let Question { destinations } = session::read("read the question")?;
    let routes = inside.routes_to(&destinations).map_err(failed)?;
    Ok(Sight { cookie, routes: routes.into_iter().map(seen).collect() })
}

fn seen(route: Route) -> SeenRoute {
    let Route { kind, destination, gateway, link, metric } = route;
    let kind = match kind {
        RouteKind::Unicast => plan::RouteKind::Unicast,
        RouteKind::Blackhole => plan::RouteKind::Blackhole,
        RouteKind::Unreachable => plan::RouteKind::Unreachable,
        RouteKind::Prohibit => plan::RouteKind::Prohibit,
    };
    SeenRoute { kind, destination, gateway, link, metric }
}
