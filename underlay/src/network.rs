//! Networks: what the administrator defined.

mod definition;
pub mod file;
mod name;

pub use definition::{
    AddressRange, AuxAddress, Dns, DriverMode, Gateway, Network, NetworkRoute, ParentSpec, SubnetSpec, VlanId,
};
pub use name::{InvalidNetworkName, NetworkName};
