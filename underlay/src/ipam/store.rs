//! Who holds which address: what every store of leases must do.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;
use thiserror::Error;

use super::Owner;
use crate::network::{AddressRange, NetworkName};

/// All addresses there are, for [`LeaseStore::held`].
pub const EVERYWHERE: [AddressRange; 2] = [
    AddressRange { first: IpAddr::V4(Ipv4Addr::UNSPECIFIED), last: IpAddr::V4(Ipv4Addr::BROADCAST) },
    AddressRange {
        first: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        last: IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
    },
];

/// Keeps leases. An address is held by one owner or by none, whichever network it was leased through, so
/// networks that share a subnet share its leases.
///
/// All methods may be called at any moment by any number of processes, with one exception: calls for one
/// *owner* must follow each other (whoever attaches or detaches holds the namespace's lock), since `release`
/// may look first and then remove.
pub trait LeaseStore {
    /// Takes an address if nobody has it, in one atomic act.
    fn claim(&self, address: IpAddr, owner: &Owner) -> Result<Claim, StoreError>;

    /// Gives an address back if the owner has it.
    fn release(&self, address: IpAddr, owner: &Owner) -> Result<Release, StoreError>;

    /// The text of an address's owner, if it has one.
    fn holder(&self, address: IpAddr) -> Result<Option<String>, StoreError>;

    /// The leases of a range with their owners' texts, ascending by address.
    fn held(&self, range: AddressRange) -> Result<Vec<(IpAddr, String)>, StoreError>;

    /// The addresses of [`held`](Self::held) alone, ascending; stores override it where owners cost extra.
    fn held_addresses(&self, range: AddressRange) -> Result<Vec<IpAddr>, StoreError> {
        Ok(self.held(range)?.into_iter().map(|(address, _)| address).collect())
    }

    /// How far a network's round through a subnet has come: the last address. A store may forget it: the next
    /// choice is then slower, and may be an address that was set free a short time ago.
    fn cursor(
        &self,
        round: Round,
        network: &NetworkName,
        subnet: IpNetwork,
    ) -> Result<Option<IpAddr>, StoreError>;

    /// Keeps how far it has come. Of several writers any may win.
    fn set_cursor(
        &self,
        round: Round,
        network: &NetworkName,
        subnet: IpNetwork,
        last: IpAddr,
    ) -> Result<(), StoreError>;

    /// Forgets all rounds, for a network that is no more.
    fn forget_cursor(&self, network: &NetworkName, subnet: IpNetwork) -> Result<(), StoreError>;
}

/// What goes through the addresses of a subnet, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// The choice of addresses.
    Choice,
    /// The look at who has them.
    Sweep,
}

/// What came of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody had it; the owner has it now.
    Claimed,
    /// The owner had it already.
    Kept,
    /// Another has it: the text of that owner.
    Taken(String),
}

/// What came of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Release {
    /// The owner had it; nobody has it now.
    Released,
    /// Nobody had it.
    NotHeld,
    /// Another has it, and keeps it: the text of that owner.
    HeldBy(String),
}

/// What a store could not do. The source is the store's own.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Neither claimed nor known to be taken.
    #[error("cannot claim {address}")]
    Claim {
        /// The address.
        address: IpAddr,
        /// Why.
        #[source]
        source: Cause,
    },
    /// Still held, as far as is known.
    #[error("cannot release {address}")]
    Release {
        /// The address.
        address: IpAddr,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The leases could not be read.
    #[error("cannot list the leases from {} to {}", .range.first, .range.last)]
    List {
        /// Of which addresses.
        range: AddressRange,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The cursor could not be read or written.
    #[error("cannot keep the place of network `{network}` in {subnet}")]
    Cursor {
        /// Whose.
        network: NetworkName,
        /// In which subnet.
        subnet: IpNetwork,
        /// Why.
        #[source]
        source: Cause,
    },
}

/// An error of whichever store it is.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;
