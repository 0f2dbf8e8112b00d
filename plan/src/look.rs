//! What the helper is asked when nothing is to be done, and what it answers: the routes of a namespace, which
//! can be asked for only inside of it (`RTM_GETROUTE` knows no `IFLA_TARGET_NETNSID`).

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};

use crate::RouteKind;

/// Which routes are asked for: a container may have a whole table of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Where they lead, exactly.
    pub destinations: Vec<IpNetwork>,
}

/// What there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// `SO_NETNS_COOKIE` of the namespace.
    pub cookie: u64,
    /// The routes of the main table to these destinations.
    pub routes: Vec<SeenRoute>,
}

/// A route as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRoute {
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
