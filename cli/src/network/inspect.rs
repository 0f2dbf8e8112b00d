//! `underlay network inspect`.

use std::{collections::BTreeMap, net::IpAddr};

use ipnetwork::IpNetwork;
use serde::Serialize;
use underlay::{
    layout::Layout,
    network::{
        Catalog, Network, NetworkName,
        file::{self, Document},
        usage::{self, SubnetUsage},
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
    /// How many addresses of the range are leased, by any network that shares the subnet.
    in_use: usize,
    /// How many addresses the range has, less those that are set apart.
    capacity: u64,
    /// Those that this network's containers have, with their owners.
    addresses: BTreeMap<IpAddr, String>,
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
            in_use: usage.in_use,
            capacity: u64::try_from(usage.capacity).unwrap_or(u64::MAX),
            addresses: usage.leases,
        }
    }
}
