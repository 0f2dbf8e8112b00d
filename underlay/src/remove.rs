//! From a definition to nothing of it being left.

use std::time::Instant;

use plan::IfName;
use thiserror::Error;

use crate::{
    attachment::ledger::{self, Ledger},
    container::UserKey,
    detach::{self, detach_network},
    ipam::{LeaseDirectory, LeaseStore},
    layout::Layout,
    message,
    network::{
        Network, NetworkName,
        catalog::{self, Catalog, Listing},
    },
    parent::{self, Parents},
};

/// What was removed.
#[derive(Debug)]
pub struct Removed {
    /// The sub-interface or dummy that was made for it, if nothing else needs it.
    pub parent: Option<IfName>,
    /// Why it could not be removed, if it should have been; `underlay gc` tries again.
    pub error: Option<parent::Error>,
}

/// Why nothing was removed.
#[derive(Debug, Error)]
pub enum Error {
    /// Containers are attached to it.
    #[error(
        "network {network} is in use by {}; stop {} first, or detach with `underlay network rm --force`",
        .containers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        if .containers.len() == 1 { "it" } else { "them" }
    )]
    InUse {
        /// Which network.
        network: NetworkName,
        /// The containers, as many as there are.
        containers: Vec<UserKey>,
    },
    /// Containers could not be detached from it.
    #[error("network {network} is kept: {}", .errors.iter().map(message::chain).collect::<Vec<_>>().join("; "))]
    Detach {
        /// Which network.
        network: NetworkName,
        /// What went wrong.
        errors: Vec<detach::Error>,
    },
    /// Definitions.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// Records.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// Parents.
    #[error(transparent)]
    Parent(#[from] parent::Error),
}

/// Removes a network that nobody uses, and then the link that was made for it, unless another network wants
/// it.
///
/// The definition goes first: a container that asks for the network after that is refused, and one that asked
/// before has claimed the parent, which then stays until gc.
pub fn remove(layout: &Layout, name: &NetworkName, deadline: Instant) -> Result<Removed, Error> {
    let catalog = Catalog::of(&layout.config);
    let _exclusive = catalog.exclusive()?;
    let ledger = Ledger::open(layout)?;
    let containers = users(&ledger, name)?;
    if !containers.is_empty() {
        return Err(Error::InUse { network: name.clone(), containers });
    }
    // A file that defines nothing can be removed, too; but there is no telling which link it wanted, so that
    // is left to gc.
    let network = match catalog.read(name) {
        Ok(checked) => Some(checked.network),
        Err(error @ catalog::Error::Unknown { .. }) => return Err(error.into()),
        Err(_) => None,
    };
    let parents = Parents::open(layout, &ledger)?;
    catalog.remove(name)?;
    let Some(network) = network else { return Ok(Removed { parent: None, error: None }) };
    forget_cursors(layout, &network);
    Ok(match remove_parent(&parents, &catalog, &network, deadline) {
        Ok(parent) => Removed { parent, error: None },
        Err(error) => Removed { parent: None, error: Some(error) },
    })
}

/// Detaches the containers that use a network, which go on without it, and removes it then.
pub fn remove_by_force(layout: &Layout, name: &NetworkName, deadline: Instant) -> Result<Removed, Error> {
    let mut errors = Vec::new();
    for user in users(&Ledger::open(layout)?, name)? {
        errors.extend(detach_network(layout, &user, name, deadline).errors);
    }
    // One that left by itself meanwhile is what was wanted.
    errors.retain(|error| !matches!(error, detach::Error::NotAttached { .. }));
    if errors.is_empty() {
        remove(layout, name, deadline)
    } else {
        Err(Error::Detach { network: name.clone(), errors })
    }
}

/// Networks that no container uses.
#[derive(Debug, Default)]
pub struct Unused {
    /// Their names, sorted.
    pub networks: Vec<NetworkName>,
    /// Definitions that cannot be read; what they may be is not known, so they are kept.
    pub broken: Vec<catalog::Error>,
}

/// The networks that no container uses at this moment.
pub fn unused(layout: &Layout) -> Result<Unused, Error> {
    let Listing { networks, broken } = Catalog::of(&layout.config).all()?;
    let ledger = Ledger::open(layout)?;
    let mut unused = Unused { networks: Vec::new(), broken };
    for checked in networks {
        if users(&ledger, &checked.network.name)?.is_empty() {
            unused.networks.push(checked.network.name);
        }
    }
    Ok(unused)
}

/// Where it had got to in its ranges; what stays behind costs one link in a tmpfs and misleads nobody.
fn forget_cursors(layout: &Layout, network: &Network) {
    if let Ok(leases) = LeaseDirectory::open(layout.run()) {
        for spec in &network.subnets {
            let _ = leases.forget_cursor(&network.name, spec.subnet);
        }
    }
}

fn remove_parent(
    parents: &Parents<'_>,
    catalog: &Catalog,
    network: &Network,
    deadline: Instant,
) -> Result<Option<IfName>, parent::Error> {
    // A network that cannot be read may want the same link. It is made again for whoever comes next, so
    // nothing is lost by leaving it.
    let Ok(listing) = catalog.all() else { return Ok(None) };
    if !listing.broken.is_empty() {
        return Ok(None);
    }
    let others: Vec<Network> = listing.networks.into_iter().map(|checked| checked.network).collect();
    parents.remove(network, &others, deadline)
}

/// The containers that use a network, without a lock: one that comes in this moment has read the definition
/// already, and keeps what it gets.
pub fn users(ledger: &Ledger, name: &NetworkName) -> Result<Vec<UserKey>, ledger::Error> {
    let mut containers = Vec::new();
    for cookie in ledger.cookies()? {
        let Some(record) = ledger.look(cookie)? else { continue };
        let attachments = record.attachments.iter().filter(|attachment| attachment.network == *name);
        containers.extend(attachments.flat_map(|a| a.users.iter().cloned()));
    }
    containers.sort_unstable();
    containers.dedup();
    Ok(containers)
}
