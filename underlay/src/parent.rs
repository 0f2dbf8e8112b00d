//! The host's side: the link that a network's links hang on.
//!
//! ```text
//! parents/locks/NAME         held by whoever works on the parent
//! parents/making/NAME        there while a link may exist that does not bear its mark yet
//! parents/ports/NAME/…       who uses it, and how
//! ```
//!
//! A parent is used as it stands, or it is a VLAN sub-interface or a dummy that is made when it is missing
//! and bears our mark (its alias). Only a marked link is ever removed: the mark cannot outlive the link, and
//! cannot get lost while it lives.

mod host;
mod make;
mod port;
mod wait;

use std::{
    net::IpAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use ipnetwork::IpNetwork;
use netlink::{DefaultLinks, Link, Socket};
use plan::{IfName, InvalidIfName};
use thiserror::Error;

pub(crate) use host::takes_ports;
pub use host::{Host, HostLink};
pub use make::{dummy_name, vlan_name};
pub use port::Claim;

use crate::{
    attachment::{
        ledger::{self, Ledger},
        lock::{self, Lock},
    },
    layout::Layout,
    network::{Network, NetworkName, ParentSpec},
    run_file,
};

/// A parent that is up and may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its name.
    pub name: IfName,
    /// Its index in the host's namespace.
    pub index: u32,
    /// Bytes.
    pub mtu: u32,
    /// The addresses that the host itself has on it.
    pub addresses: Vec<IpAddr>,
}

/// Why there is no parent.
#[derive(Debug, Error)]
pub enum Error {
    /// It is not there.
    #[error("network {network}: parent interface {parent} does not exist on this host; there are {links}")]
    Missing {
        /// Which network.
        network: NetworkName,
        /// What it names.
        parent: IfName,
        /// The links of the host.
        links: String,
    },
    /// The parent is the default route's, and there is none.
    #[error(
        "network {network}: its parent is `auto`, the interface of the {family} default route, and this host has none; \
         add a default route, or name a parent"
    )]
    NoDefaultRoute {
        /// Which network.
        network: NetworkName,
        /// IPv4 or IPv6.
        family: &'static str,
    },
    /// It leads nowhere.
    #[error(
        "network {network}: {parent} is a loopback interface and cannot be a parent; name a network card, or leave the parent out for an isolated network"
    )]
    Loopback {
        /// Which network.
        network: NetworkName,
        /// What it names.
        parent: IfName,
    },
    /// A link of the sub-interface's name is something else.
    #[error(
        "network {network}: {link} exists, but is {found} and not {wanted}; rename it, or name it as the parent itself"
    )]
    Different {
        /// Which network.
        network: NetworkName,
        /// The link.
        link: IfName,
        /// What it is.
        found: String,
        /// What it should be.
        wanted: String,
    },
    /// Another network uses the parent in a way that excludes ours.
    #[error("network {network}: {why}")]
    Conflict {
        /// Which network.
        network: NetworkName,
        /// Why, naming the other one.
        why: String,
        /// A namespace in which the other one is attached.
        holder: u64,
    },
    /// It is still not there.
    #[error("{absence}; waited {} s for it", .waited.as_secs_f64().round())]
    Late {
        /// What is not there.
        absence: Box<Self>,
        /// For how long.
        waited: Duration,
    },
    /// A name that the kernel would not take.
    #[error("network {network}: its parent has no name that the kernel takes")]
    Name {
        /// Which network.
        network: NetworkName,
        /// Why.
        #[source]
        source: InvalidIfName,
    },
    /// More than the parent's.
    #[error(
        "network {network}: mtu {mtu} is more than that of its parent {parent} ({limit}); the kernel refuses that"
    )]
    Mtu {
        /// Which network.
        network: NetworkName,
        /// What it says.
        mtu: u32,
        /// Its parent.
        parent: IfName,
        /// The parent's own.
        limit: u32,
    },
    /// The kernel refused.
    #[error("network {network}: cannot {operation} {link}")]
    Kernel {
        /// Which network.
        network: NetworkName,
        /// What was tried.
        operation: &'static str,
        /// On which link.
        link: IfName,
        /// What the kernel answered.
        #[source]
        source: netlink::Error,
    },
    /// A netlink request that is about no link in particular.
    #[error("cannot ask the kernel for its links")]
    Netlink(#[from] netlink::Error),
    /// The run directory.
    #[error(transparent)]
    File(#[from] run_file::Error),
    /// The parent's lock.
    #[error(transparent)]
    Lock(#[from] lock::Error),
    /// The records that tell a live claim from a dead one.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

/// Everything that is needed to work on parents.
#[derive(Debug)]
pub struct Parents<'a> {
    directory: PathBuf,
    ledger: &'a Ledger,
    socket: Socket,
}

impl<'a> Parents<'a> {
    /// Opens the host's netlink socket and the directory of claims.
    pub fn open(layout: &Layout, ledger: &'a Ledger) -> Result<Self, Error> {
        let directory = layout.parents();
        for path in ["locks", "making", "ports"].map(|name| directory.join(name)) {
            run_file::make_directory(&path)?;
        }
        Ok(Self { directory, ledger, socket: Socket::open()? })
    }

    /// The host's netlink socket.
    pub const fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The network's parent as it is at this moment, made if need be, brought up, and claimed for the
    /// namespace `cookie`.
    ///
    /// Idempotent. Of two hooks that need the same sub-interface at once, one makes it and the other finds
    /// it: the parent's lock is held for all of this.
    fn ensure_now(&self, network: &Network, cookie: u64, deadline: Instant) -> Result<Parent, Error> {
        let name = match link_name(network)? {
            Some(name) => name,
            None => self.default_route_link(network)?,
        };
        let _lock = self.lock(&name, deadline)?;
        let link = self.ensure_link(network, &name)?;
        if let Some(mtu) = network.mtu.filter(|mtu| *mtu > link.mtu) {
            return Err(Error::Mtu { network: network.name.clone(), mtu, parent: name, limit: link.mtu });
        }
        let addresses =
            if network.subnets.is_empty() { Vec::new() } else { self.socket.addresses(link.index)? };
        // Last, so that there is no claim without a parent for the caller to release it with.
        self.claim(network, &name, cookie)?;
        Ok(Parent {
            name,
            index: link.index,
            mtu: link.mtu,
            addresses: addresses.iter().map(IpNetwork::ip).collect(),
        })
    }

    fn ensure_link(&self, network: &Network, name: &IfName) -> Result<Link, Error> {
        let link = match &network.parent {
            ParentSpec::Link(_) | ParentSpec::DefaultRoute => self.existing(network, name)?,
            ParentSpec::Vlan { parent, vlan } => self.ensure_vlan(network, name, parent, *vlan)?,
            ParentSpec::Dummy => self.ensure_dummy(network, name)?,
        };
        if link.loopback {
            return Err(Error::Loopback { network: network.name.clone(), parent: name.clone() });
        }
        self.bring_up(network, name, &link)?;
        Ok(link)
    }

    /// A link that must be there because somebody else makes it.
    fn existing(&self, network: &Network, name: &IfName) -> Result<Link, Error> {
        if let Some(link) = self.socket.link_by_name(name.as_str())? {
            return Ok(link);
        }
        let mut links: Vec<String> = self.socket.links()?.into_iter().map(|link| link.name).collect();
        links.sort_unstable();
        Err(Error::Missing { network: network.name.clone(), parent: name.clone(), links: links.join(", ") })
    }

    fn default_route_link(&self, network: &Network) -> Result<IfName, Error> {
        let DefaultLinks { ipv4, ipv6 } = self.socket.default_route_links()?;
        let (index, family) = if network.is_ipv6_only() { (ipv6, "IPv6") } else { (ipv4, "IPv4") };
        // A link may vanish between the two questions, and the default route with it.
        let link = index.map_or(Ok(None), |index| self.socket.link_by_index(index))?;
        let Some(link) = link else {
            return Err(Error::NoDefaultRoute { network: network.name.clone(), family });
        };
        IfName::new(link.name).map_err(|source| Error::Name { network: network.name.clone(), source })
    }

    fn bring_up(&self, network: &Network, name: &IfName, link: &Link) -> Result<(), Error> {
        if link.up {
            return Ok(());
        }
        self.socket.set_up(link.index, None).map_err(|source| Error::Kernel {
            network: network.name.clone(),
            operation: "bring up",
            link: name.clone(),
            source,
        })
    }

    fn lock(&self, name: &IfName, deadline: Instant) -> Result<Lock, Error> {
        Ok(Lock::acquire(&self.lock_file(name), deadline)?)
    }

    fn lock_file(&self, name: &IfName) -> PathBuf {
        self.directory.join("locks").join(name.as_str())
    }
}

/// The name of the link that the network's links hang on; none if that is for the host's default route to
/// say.
pub fn link_name(network: &Network) -> Result<Option<IfName>, Error> {
    let failed = |source| Error::Name { network: network.name.clone(), source };
    match &network.parent {
        ParentSpec::Link(name) => Ok(Some(name.clone())),
        ParentSpec::DefaultRoute => Ok(None),
        ParentSpec::Vlan { parent, vlan } => vlan_name(parent, *vlan).map(Some).map_err(failed),
        ParentSpec::Dummy => dummy_name(&network.name).map(Some).map_err(failed),
    }
}
