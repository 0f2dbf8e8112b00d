//! How much of a network is leased.

use std::{collections::BTreeMap, net::IpAddr};

use ipnetwork::IpNetwork;
use thiserror::Error;

use super::{AddressRange, Network, SubnetSpec};
use crate::{
    ipam::{DirectoryError, LeaseDirectory, LeaseStore, Owner, Pool, StoreError},
    layout::Layout,
};

/// What is leased of one subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetUsage {
    /// The subnet.
    pub subnet: IpNetwork,
    /// What addresses are chosen from.
    pub range: AddressRange,
    /// How many addresses the range has, less those that are set apart in the definition.
    pub capacity: u128,
    /// How many of them are leased, by whichever network.
    pub in_use: usize,
    /// The addresses of the subnet that this network's containers have, and whose they are; some may lie outside the
    /// range.
    pub leases: BTreeMap<IpAddr, String>,
}

/// Why the leases cannot be told.
#[derive(Debug, Error)]
pub enum Error {
    /// Their directory.
    #[error("cannot open the leases")]
    Open(#[from] DirectoryError),
    /// Reading it.
    #[error(transparent)]
    Read(#[from] StoreError),
}

/// What is leased of each subnet of the network. Before the first attach after a boot there is no run directory, and
/// nothing is leased.
pub fn usage(layout: &Layout, network: &Network) -> Result<Vec<SubnetUsage>, Error> {
    let store = if layout.run.is_dir() { Some(LeaseDirectory::open(&layout.run)?) } else { None };
    network.subnets.iter().map(|spec| Ok(of_subnet(network, spec, store.as_ref())?)).collect()
}

fn of_subnet(
    network: &Network,
    spec: &SubnetSpec,
    store: Option<&LeaseDirectory>,
) -> Result<SubnetUsage, StoreError> {
    let subnet = spec.subnet;
    let whole = AddressRange { first: subnet.network(), last: subnet.broadcast() };
    let held = store.map_or(Ok(Vec::new()), |store| store.held(whole))?;
    let pool = Pool::new(spec, &[]);
    let in_use = held.iter().filter(|(address, _)| pool.offers(*address)).count();
    let is_ours = |owner: &str| owner.parse::<Owner>().is_ok_and(|owner| owner.network == network.name);
    let leases = held.into_iter().filter(|(_, owner)| is_ours(owner)).collect();
    Ok(SubnetUsage { subnet, range: pool.range(), capacity: pool.capacity(), in_use, leases })
}
