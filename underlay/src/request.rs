//! What a container asked for.

use std::net::IpAddr;

use plan::{IfName, MacAddress};

use crate::network::NetworkName;

/// One network of a container's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which network. A Kubernetes namespace in front of it was read and dropped: definitions have none.
    pub network: NetworkName,
    /// The interface's name; the lowest free `ethN` if not given.
    pub interface: Option<IfName>,
    /// Addresses that must be these, of any subnets of the network, several of one family if so wished.
    pub addresses: Vec<IpAddr>,
    /// The Ethernet address that it must be.
    pub mac: Option<MacAddress>,
    /// Where this container's default routes go.
    pub default_route: DefaultRoute,
}

/// What a container said about default routes for one of its networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DefaultRoute {
    /// Nothing: the first network with a default route wins each family.
    #[default]
    Unstated,
    /// This network's own gateways, before all other networks.
    Own,
    /// These routers, at most one a family, before all other networks.
    Via(Vec<IpAddr>),
    /// Not this network.
    No,
}
