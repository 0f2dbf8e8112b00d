//! What Underlay decides and records: networks, address leases, parents, attachments.
//!
//! Rooms in the order in which data flows through them. Those marked *pure* touch neither disk nor kernel: the
//! same values in, the same values out.
//!
//! - [`request`]: which networks a container asked for (pure)
//! - [`network`]: what the administrator defined (pure, but for its catalogue)
//! - [`ipam`]: which address is chosen (pure) and who holds which (a directory)

#![forbid(unsafe_code)]

pub mod ipam;
pub mod network;
pub mod request;
