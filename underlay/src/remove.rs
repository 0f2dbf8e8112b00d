//! From a definition to nothing of it being left.

use std::time::Instant;

use plan::IfName;
use thiserror::Error;

use crate::{
    attachment::ledger::{self, Ledger},
    container::ContainerId,
    ipam::{LeaseDirectory, LeaseStore},
    layout::Layout,
    network::{
        Network, NetworkName,
        catalog::{self, Catalog},
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
        "network {network} is in use by {}; stop {} first",
        .containers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        if .containers.len() == 1 { "it" } else { "them" }
    )]
    InUse {
        /// Which network.
        network: NetworkName,
        /// The containers, as many as there are.
        containers: Vec<ContainerId>,
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

/// Removes a network that nobody uses, and then the link that was made for it, unless another network wants it.
///
/// The definition goes first: a container that asks for the network after that is refused, and one that asked before has claimed the
/// parent, which then stays until gc.
pub fn remove(layout: &Layout, name: &NetworkName, deadline: Instant) -> Result<Removed, Error> {
    let catalog = Catalog::of(&layout.config);
    let _exclusive = catalog.exclusive()?;
    let ledger = Ledger::open(layout)?;
    let containers = users(&ledger, name)?;
    if !containers.is_empty() {
        return Err(Error::InUse { network: name.clone(), containers });
    }
    // A file that defines nothing can be removed, too; but there is no telling which link it wanted, so that is left to gc.
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
    // A network that cannot be read may want the same link. It is made again for whoever comes next, so nothing is lost by leaving it.
    let Ok(listing) = catalog.all() else { return Ok(None) };
    if !listing.broken.is_empty() {
        return Ok(None);
    }
    let others: Vec<Network> = listing.networks.into_iter().map(|checked| checked.network).collect();
    parents.remove(network, &others, deadline)
}

/// The containers that use a network, without a lock: one that comes in this moment has read the definition already, and keeps what it gets.
pub fn users(ledger: &Ledger, name: &NetworkName) -> Result<Vec<ContainerId>, ledger::Error> {
    let mut containers = Vec::new();
    for cookie in ledger.cookies()? {
        let Some(record) = ledger.look(cookie)? else { continue };
        let attachments = record.attachments.iter().filter(|attachment| attachment.network == *name);
        containers.extend(attachments.flat_map(|a| a.users.iter().map(|user| user.container.clone())));
    }
    containers.sort_unstable();
    containers.dedup();
    Ok(containers)
}
