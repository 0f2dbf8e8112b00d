//! Carrying out a plan inside the namespace.

use std::os::fd::OwnedFd;

use netlink::{NewRoute, Socket};
use plan::{IfName, MadeLink, Plan, Route, RouteKind, Step};

use crate::{
    error::{Cause, Error, Obstacle, Result},
    patience::Patience,
    removal,
};

mod create;
mod journal;
mod sysctl;

use create::Creator;
pub(crate) use create::temporary_name;
use journal::Journal;
use sysctl::Ipv6Sysctl;
pub(crate) use sysctl::Sysctls;

/// ipvlan: one address for one link of a parent (`ipvlan_addr_busy`).
const ADDRESS_HOLDER: &str =
    "another ipvlan link of the same parent has this address; look for it in other containers";
/// macvlan: one MAC for one link of a parent (`macvlan_addr_busy`).
const MAC_HOLDER: &str = "the parent or another macvlan link of it has this mac; ask for another one";

/// Where a plan is carried out.
pub(crate) struct Site {
    /// A socket of the host's namespace, where the parents are.
    pub(crate) host: Socket,
    /// A socket of the namespace that was entered.
    pub(crate) inside: Socket,
    /// That namespace, to name it to the kernel.
    pub(crate) namespace: OwnedFd,
    /// The number by which the host's namespace knows it.
    pub(crate) nsid: i32,
    /// Where the sysctls of that namespace's links are.
    pub(crate) sysctls: Sysctls,
}

/// The first failure, and in words all that could not be taken back or removed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: Error,
    pub(crate) left: Vec<String>,
}

/// Carries out the steps in order. If a making step fails, all that was made before is taken back. If a
/// deleting step fails, the others are carried out nevertheless.
pub(crate) fn apply(plan: &Plan, site: Site) -> std::result::Result<Vec<MadeLink>, Failed> {
    let Site { host, inside, namespace, nsid, sysctls } = site;
    let patience = Patience::new(plan.patience_ms);
    let mut outside = Some(Creator { host, namespace, nsid, patience });
    let last_outside = plan.steps.iter().rposition(acts_outside);
    let mut journal = Journal::default();
    let mut failures = Vec::new();
    for (position, step) in plan.steps.iter().enumerate() {
        let result = match (step, &outside) {
            (Step::CreateLink(link), Some(creator)) => creator.create(link, &inside, &mut journal),
            (Step::DeleteLink(link), Some(creator)) => {
                failures.extend(removal::remove_waiting(&creator.host, link).err());
                Ok(())
            }
            (Step::DeleteRoute(route), _) => {
                failures.extend(delete_route(&inside, route).err());
                Ok(())
            }
            (Step::SetSysctl { link, key, value }, _) => match Ipv6Sysctl::of(*key) {
                Some(key) => sysctls.write(link, key, *value),
                None => set_arp_notify(&inside, &journal, link, *value),
            },
            (step, _) => make(step, &inside, patience, &mut journal),
        };
        if let Err(error) = result {
            return Err(Failed { error, left: journal.undo(&inside) });
        }
        // What the last step outside the namespace needed is of use only to whoever took this process over.
        if last_outside.is_none_or(|last| last <= position) {
            outside = None;
        }
    }
    Failed::collect(failures).map(|()| journal.into_links())
}

impl Failed {
    /// Nothing failed, or the first failure and all of them in words.
    pub(crate) fn collect(failures: Vec<Error>) -> std::result::Result<(), Self> {
        let left = failures.iter().map(|error| format!("{error}: {}", error.why())).collect();
        match failures.into_iter().next() {
            None => Ok(()),
            Some(error) => Err(Self { error, left }),
        }
    }
}

impl From<Error> for Failed {
    /// Before anything was made.
    fn from(error: Error) -> Self {
        Self { error, left: Vec::new() }
    }
}

fn acts_outside(step: &Step) -> bool {
    matches!(step, Step::CreateLink(_) | Step::DeleteLink(_))
}

/// The steps that make something inside and need nothing from outside.
fn make(step: &Step, inside: &Socket, patience: Patience, journal: &mut Journal) -> Result<()> {
    match step {
        Step::AddAddress { link, address } => {
            let index = index_of(journal, link)?;
            patience
                .retry(|| inside.add_address(index, *address))
                .map_err(Cause::busy(ADDRESS_HOLDER))
                .map_err(|cause| Error::new(format!("add address {address} to {link}"), cause))
        }
        Step::SetUp { link, alias } => {
            let index = index_of(journal, link)?;
            patience
                .retry(|| inside.set_up(index, Some(alias)))
                .map_err(Cause::busy(MAC_HOLDER))
                .map_err(|cause| Error::new(format!("bring up link {link}"), cause))
        }
        Step::AddRoute(route) => add_route(inside, route, journal),
        // `apply` keeps them to itself, as long as it has what they need.
        Step::CreateLink(_) | Step::DeleteLink(_) | Step::DeleteRoute(_) | Step::SetSysctl { .. } => {
            Err(Error::new("carry out the plan", Obstacle::HostLeft))
        }
    }
}

fn set_arp_notify(inside: &Socket, journal: &Journal, link: &IfName, value: bool) -> Result<()> {
    let index = index_of(journal, link)?;
    inside
        .set_arp_notify(index, value)
        .map_err(|error| Error::new(format!("set arp_notify of link {link} to {}", i32::from(value)), error))
}

fn add_route(inside: &Socket, route: &Route, journal: &mut Journal) -> Result<()> {
    let link = route.link.as_ref().map(|link| index_of(journal, link)).transpose()?;
    let new = request(route, link);
    inside.add_route(&new).map_err(|error| Error::new(format!("add route {route}"), error))?;
    // Others end with their link.
    if link.is_none() {
        journal.route(new);
    }
    Ok(())
}

fn delete_route(inside: &Socket, route: &Route) -> Result<()> {
    match inside.delete_route(&request(route, None)) {
        Err(error) if !error.is_missing() => Err(Error::new(format!("delete route {route}"), error)),
        _ => Ok(()),
    }
}

fn request(route: &Route, link: Option<u32>) -> NewRoute {
    NewRoute {
        kind: match route.kind {
            RouteKind::Unicast => netlink::RouteKind::Unicast,
            RouteKind::Blackhole => netlink::RouteKind::Blackhole,
            RouteKind::Unreachable => netlink::RouteKind::Unreachable,
            RouteKind::Prohibit => netlink::RouteKind::Prohibit,
        },
        destination: route.destination,
        gateway: route.gateway,
        link,
        metric: route.metric,
    }
}

fn index_of(journal: &Journal, link: &IfName) -> Result<u32> {
    journal
        .index_of(link)
        .ok_or_else(|| Error::new(format!("find link {link}"), Cause::from(Obstacle::Vanished)))
}
