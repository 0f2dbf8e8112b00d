//! Networks: what the administrator defined.

pub mod catalog;
mod definition;
pub mod file;
mod name;

pub use definition::{
    AddressRange, AuxAddress, Dns, DriverMode, Gateway, Network, NetworkRoute, ParentSpec, SubnetSpec, VlanId,
};
pub use name::{InvalidNetworkName, NetworkName};
