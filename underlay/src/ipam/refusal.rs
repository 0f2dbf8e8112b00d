//! Why a lease was not given.

use std::{fmt, net::IpAddr};

use ipnetwork::IpNetwork;
use thiserror::Error;

use super::{Refused, StoreError};
use crate::network::{AddressRange, NetworkName};

/// Why [`lease`](super::lease) leased nothing.
#[derive(Debug, Error)]
pub enum Error {
    /// Addresses were asked for that the network cannot give: the user's to change.
    #[error("network `{network}` cannot give what was asked for: {}", separated(.refusals, "; "))]
    Refused {
        /// The network.
        network: NetworkName,
        /// One for each address that was refused.
        refusals: Vec<Refusal>,
    },
    /// All addresses are in use: the administrator's to change.
    #[error(
        "network `{network}` has no free {family} address: {}; \
         `underlay network inspect {network}` shows who has them",
        separated(.usage, ", ")
    )]
    Exhausted {
        /// The network.
        network: NetworkName,
        /// Of which family.
        family: Family,
        /// One for each subnet of the family, in declared order.
        usage: Vec<Usage>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an address that was asked for is not given.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It is not the network's.
    #[error("{address} is in none of its subnets ({})", choice(.subnets))]
    NoSubnet {
        /// The address.
        address: IpAddr,
        /// What there is to choose from.
        subnets: Vec<IpNetwork>,
    },
    /// It is given to nobody.
    #[error("{address} is not to be had: {reason}")]
    Unusable {
        /// The address.
        address: IpAddr,
        /// Whose it is.
        reason: Refused,
    },
    /// Another has it.
    #[error("{address} is taken by {}", .holder.escape_debug())]
    Taken {
        /// The address.
        address: IpAddr,
        /// The text of its owner.
        holder: String,
    },
}

/// How much of a subnet's range is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What addresses are chosen from.
    pub range: AddressRange,
    /// Leases in it.
    pub in_use: usize,
    /// How many it can give.
    pub capacity: u128,
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// Whether the address is of this family.
    #[must_use]
    pub const fn has(self, address: IpAddr) -> bool {
        matches!((self, address), (Self::V4, IpAddr::V4(_)) | (Self::V6, IpAddr::V6(_)))
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.range.first, self.range.last);
        match self.capacity {
            0 => write!(
                f,
                "nothing in {first} to {last} is left to give beside gateway and reserved addresses"
            ),
            capacity => write!(f, "{} of {capacity} in use in {first} to {last}", self.in_use),
        }
    }
}

fn choice(subnets: &[IpNetwork]) -> String {
    if subnets.is_empty() { "it has none: layer 2 only".to_owned() } else { separated(subnets, ", ") }
}

fn separated<T: fmt::Display>(items: &[T], separator: &str) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}
