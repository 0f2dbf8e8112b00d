//! `underlay network inspect`.

use std::{collections::BTreeMap, net::IpAddr};

use ipnetwork::IpNetwork;
use serde::Serialize;
use underlay::{
    layout::Layout,
    network::{
        Catalog, Network, NetworkName,
        file::{self, Document},
        usage::{self, Holder, SubnetUsage},
    },
};

use crate::outcome::{Failure, answer};

/// A definition, and what is leased of it.
#[derive(Serialize)]
struct Inspected<'a> {
    #[serde(flatten)]
    definition: Document<'a>,
    leases: Vec<Leases>,
}

/// What is leased of one subnet.
#[derive(Serialize)]
struct Leases {
    subnet: IpNetwork,
    range: String,
    /// How many addresses the range has, less those that are set apart.
    capacity: u64,
    /// How many of them are leased, by any network that shares the subnet.
    leased: usize,
    /// Those that this network's containers have.
    addresses: BTreeMap<IpAddr, Lease>,
}

/// Who has an address.
#[derive(Serialize)]
struct Lease {
    containers: Vec<String>,
    interface: String,
    /// In whose name it is leased.
    owner: String,
}

/// Prints the networks that there are; those that there are not are failures.
pub(crate) fn inspect(layout: &Layout, names: &[NetworkName]) -> Result<(), Failure> {
    let catalog = Catalog::of(&layout.config);
    let (mut networks, mut unread) = (Vec::new(), Vec::new());
    for name in names {
        match catalog.read(name) {
            Ok(checked) => networks.push(checked.network),
            Err(error) => unread.push(error),
        }
    }
    let inspected =
        networks.iter().map(|network| inspected(layout, network)).collect::<Result<Vec<_>, _>>()?;
    answer(&serde_json::to_string_pretty(&inspected)?);
    Failure::unless_empty(unread)
}

fn inspected<'a>(layout: &Layout, network: &'a Network) -> Result<Inspected<'a>, usage::Error> {
    let leases = usage::usage(layout, network)?.into_iter().map(Leases::from).collect();
    Ok(Inspected { definition: Document::from(network), leases })
}

impl From<SubnetUsage> for Leases {
    fn from(usage: SubnetUsage) -> Self {
        Self {
            subnet: usage.subnet,
            range: file::range_text(usage.range),
            // A JSON number that few readers could hold tells nothing more.
            capacity: u64::try_from(usage.capacity).unwrap_or(u64::MAX),
            leased: usage.leased,
            addresses: usage.holders.into_iter().map(|(address, holder)| (address, holder.into())).collect(),
        }
    }
}

impl From<Holder> for Lease {
    fn from(holder: Holder) -> Self {
        Self {
            containers: holder.containers.iter().map(ToString::to_string).collect(),
            interface: holder.interface.to_string(),
            owner: holder.owner.to_string(),
        }
    }
}
