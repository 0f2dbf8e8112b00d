//! Networks: what the administrator defined.

mod access;
pub mod catalog;
pub mod check;
pub mod conflict;
pub mod create;
pub mod default_pool;
mod definition;
pub mod file;
mod name;
pub mod return_route;
pub mod usage;

pub use access::{Access, Asker, InvalidKubernetesNamespace, KubernetesNamespace, Refusal, refusals};
pub use catalog::{Catalog, Error as CatalogError};
pub use definition::{
    AddressRange, AuxAddress, Dns, DriverMode, Gateway, Network, NetworkRoute, ParentSpec, SubnetSpec, VlanId,
};
pub use file::Checked;
pub use name::{InvalidNetworkName, NetworkName};
