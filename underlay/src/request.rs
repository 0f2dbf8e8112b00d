//! What a container asked for.

mod annotation;
mod conflict;
mod draft;
mod json;
mod mistake;
mod text;
mod words;

use std::{fmt, net::IpAddr};

use plan::{IfName, MacAddress};

pub use annotation::{MAX_ADDRESSES, MAX_BYTES, MAX_NETWORKS, parse};
pub use mistake::{Excerpt, Fault, Mistake, Mistakes, Place};
pub use words::Words;

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

/// Prints requests in the short form of the annotation; [`parse`] reads them back.
#[derive(Clone, Copy, Debug)]
pub struct ShortForm<'a>(pub &'a [Request]);

impl fmt::Display for ShortForm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            // The short form has no word for nothing.
            return f.write_str("[]");
        }
        for (position, request) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { ";" };
            write!(f, "{separator}{request}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.network.fmt(f)?;
        if let Some(interface) = &self.interface {
            write!(f, "@{interface}")?;
        }
        let addresses = self.addresses.iter().map(|address| format!("ip={address}"));
        let mac = self.mac.iter().map(|mac| format!("mac={mac}"));
        for (position, option) in addresses.chain(mac).chain(self.default_route.options()).enumerate() {
            let separator = if position == 0 { ":" } else { "," };
            write!(f, "{separator}{option}")?;
        }
        Ok(())
    }
}

impl DefaultRoute {
    /// The options of the short form that say it.
    fn options(&self) -> Vec<String> {
        match self {
            Self::Unstated => vec![],
            Self::Own => vec!["default-route".to_owned()],
            Self::Via(gateways) => {
                gateways.iter().map(|gateway| format!("default-route={gateway}")).collect()
            }
            Self::No => vec!["default-route=no".to_owned()],
        }
    }
}
