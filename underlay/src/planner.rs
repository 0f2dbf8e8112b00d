//! From what was asked for and leased to the steps that make it so. Pure.

mod interface;
mod mac;
mod route;

use ipnetwork::IpNetwork;
use plan::{CreateLink, Hello, IfName, MacAddress, Plan, Route, Step, Sysctl};
use thiserror::Error;

pub use interface::name_interfaces;
pub use mac::derive_mac;

use crate::{
    network::{Network, NetworkName},
    request::Request,
};

/// One network for one namespace, with everything decided but the steps.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// What was defined.
    pub network: &'a Network,
    /// What was asked for.
    pub request: &'a Request,
    /// The interface's name.
    pub interface: IfName,
    /// The Ethernet address; none for ipvlan.
    pub mac: Option<MacAddress>,
    /// Index of the parent in the host's namespace.
    pub parent: u32,
    /// Leased addresses with their subnets' prefix lengths, in the order in which they were asked for.
    pub addresses: Vec<IpNetwork>,
    /// The mark.
    pub alias: String,
}

/// The steps, and what the administrator may want to know about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// For the helper.
    pub plan: Plan,
    /// Sentences for the log.
    pub notes: Vec<String>,
}

/// Why what was asked for cannot be planned.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// The interface's name is taken.
    #[error(
        "network {network}: interface {interface} is already there in the container's namespace; ask for another name (NETWORK@NAME)"
    )]
    InterfaceTaken {
        /// For which network.
        network: NetworkName,
        /// Its name.
        interface: IfName,
    },
    /// An Ethernet address for a driver that shares its parent's.
    #[error(
        "network {0}: ipvlan interfaces share their parent's MAC address; ask for none, or use a macvlan network"
    )]
    MacOnIpvlan(NetworkName),
    /// The network leads nowhere.
    #[error("network {network} cannot have the default route: {reason}")]
    NoDefaultRoute {
        /// Which network.
        network: NetworkName,
        /// Why.
        reason: &'static str,
    },
    /// A router that the container could not reach.
    #[error(
        "network {network}: router {router} is in none of the subnets of the container's own addresses there ({subnets})"
    )]
    RouterOffLink {
        /// Which network.
        network: NetworkName,
        /// The router that was asked for.
        router: std::net::IpAddr,
        /// The subnets.
        subnets: String,
    },
    /// Together they are too much.
    #[error(
        "the container's networks need {0} steps (links, settings, addresses, routes); at most {max} are allowed: \
         ask for fewer networks or addresses, or define fewer routes", max = Plan::MAX_STEPS
    )]
    TooManySteps(usize),
}

/// Plans all links of a namespace at once, since one default route of a family is for all of them.
pub fn plan(wishes: &[Wish<'_>], hello: &Hello, patience_ms: u32) -> Result<Planned, Error> {
    let (defaults, notes) = route::defaults(wishes, hello)?;
    let steps: Vec<_> =
        wishes.iter().zip(defaults).flat_map(|(wish, defaults)| steps(wish, defaults)).collect();
    if steps.len() > Plan::MAX_STEPS {
        return Err(Error::TooManySteps(steps.len()));
    }
    Ok(Planned { plan: Plan { patience_ms, steps }, notes })
}

/// The routes of a plan that leave by no link and so would outlive theirs.
#[must_use]
pub fn linkless_routes(wish: &Wish<'_>) -> Vec<Route> {
    route::defined(wish).into_iter().filter(|route| route.link.is_none()).collect()
}

/// The link comes up after its sysctls and addresses, so that the kernel announces them (`arp_notify`,
/// `ndisc_notify`), and before its routes, which need it up.
fn steps(wish: &Wish<'_>, defaults: Vec<Route>) -> Vec<Step> {
    let link = &wish.interface;
    let mut steps = vec![Step::CreateLink(CreateLink {
        name: link.clone(),
        kind: wish.network.driver,
        parent: wish.parent,
        mac: wish.mac,
        mtu: wish.network.mtu,
    })];
    steps.extend(sysctls(wish).into_iter().map(|(key, value)| Step::SetSysctl {
        link: link.clone(),
        key,
        value,
    }));
    steps.extend(wish.addresses.iter().map(|&address| Step::AddAddress { link: link.clone(), address }));
    steps.push(Step::SetUp { link: link.clone(), alias: wish.alias.clone() });
    // The default route last: its gateway may be behind one of the others.
    let routes = route::between_subnets(wish).into_iter().chain(route::defined(wish)).chain(defaults);
    steps.extend(routes.map(Step::AddRoute));
    steps
}

/// IPv6 is off unless the network has it: otherwise the link would configure itself from any router's
/// advertisement.
fn sysctls(wish: &Wish<'_>) -> Vec<(Sysctl, bool)> {
    let ipv6 = wish.network.ipv6;
    let mut sysctls = Vec::new();
    // Layer 3 links neither answer nor send ARP and neighbour discovery.
    if wish.addresses.iter().any(IpNetwork::is_ipv4) && !wish.network.is_layer3() {
        sysctls.push((Sysctl::ArpNotify, true));
    }
    sysctls.push((Sysctl::DisableIpv6, !ipv6));
    if ipv6 {
        sysctls.extend([(Sysctl::AcceptRa, false), (Sysctl::Autoconf, false)]);
        if !wish.network.is_layer3() {
            sysctls.push((Sysctl::NdiscNotify, true));
        }
    }
    sysctls
}

#[cfg(test)]
mod tests;
