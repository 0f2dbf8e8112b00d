//! Links, addresses, routes, neighbours and the numbers of network namespaces, over a blocking rtnetlink
//! socket.
//!
//! A [`Socket`] belongs to the network namespace in which it was opened and acts there for as long as it
//! lives, wherever its owner goes; only [`Socket::link_in`], [`Socket::addresses_in`] and
//! [`Socket::delete_in`] reach into another namespace, by the number that [`Socket::assign_nsid`] gave it.
//! Every call is one request and its answer: nothing is cached, nothing is retried except a dump that changed
//! while it was read. A [`Watch`] only listens.
//!
//! Links of four kinds can be made, one file each below `link/`. Of links of any other kind only what
//! [`Link`] holds is read, so that an unusual device on the host cannot make a dump fail.

mod address;
mod attribute;
mod error;
mod link;
mod namespace;
mod neighbour;
mod route;
mod socket;
mod watch;

pub use error::{Error, Result};
pub use link::{
    Driver, IpvlanFlag, IpvlanMode, Kind, Link, LinkKey, Lookup, MacvlanMode, NewKind, NewLink, Removal,
};
pub use namespace::namespace_type;
pub use neighbour::Neighbour;
pub use route::{DefaultLinks, DefaultRoutes, NewRoute, Route, RouteKind};
pub use socket::Socket;
pub use watch::Watch;
