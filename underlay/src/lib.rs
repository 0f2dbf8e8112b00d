//! What Underlay decides and records: networks, address leases, parents, attachments.
//!
//! Rooms in the order in which data flows through them. Those marked *pure* touch neither disk nor kernel:
//! the same values in, the same values out.
//!
//! - [`request`]: which networks a container asked for (pure)
//! - [`network`]: what the administrator defined (pure, but for its catalogue)
//! - [`ipam`]: which address is chosen (pure) and who holds which (a directory)
//! - [`parent`]: the host's link is there, and claimed (netlink, a directory)
//! - [`planner`]: what to do in the namespace (pure)
//! - [`rights`]: what this process may do
//! - [`namespace`], [`helper`], [`account`]: the namespace pinned, the process that works in it, and as whom
//! - [`attachment`]: what was done, and what the kernel says of it
//!
//! and the flows through them, each readable from top to bottom: [`attach()`], [`connect()`], [`detach()`],
//! [`undo`], [`gc`] and [`remove()`]; and [`diagnose()`], which looks at all of it and changes nothing.

#![forbid(unsafe_code)]

pub mod account;
pub mod attach;
pub mod attachment;
mod boot;
mod clock;
pub mod connect;
pub mod container;
pub mod detach;
pub mod diagnose;
pub mod foreign_file;
pub mod gc;
pub mod helper;
pub mod ipam;
pub mod layout;
pub mod message;
pub mod namespace;
pub mod network;
pub mod parent;
pub mod planner;
pub mod proc_file;
pub mod process;
pub mod remove;
pub mod request;
pub mod rights;
pub mod run_file;
#[cfg(test)]
mod strategies;
pub mod undo;

pub use attach::attach;
pub use connect::connect;
pub use detach::{detach, detach_ended, detach_network};
pub use diagnose::diagnose;
pub use remove::{remove, remove_by_force};
