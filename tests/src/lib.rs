//! The lab: throw-away hosts in namespaces, each with a NIC, a LAN behind it, and real containers.
//!
//! A [`Lab`] is one host: a process with mount, network and process namespaces of its own, in which `eth0` is
//! one end of a veth pair. The other end, `wire`, is in the namespace of its [`Lan`]. Labs share nothing, so
//! trials run side by side. All of a lab ends with the process that made it, whatever way that goes.
//!
//! The lab drives built binaries only, and looks at what they did with `ip -j`, ping(8) and tcpdump(8).

#![forbid(unsafe_code)]

mod bundle;
mod calls;
mod confined;
mod container;
mod containerd;
mod engine;
mod error;
mod hold;
mod host;
mod inside;
mod interface;
mod lan;
mod machine;
mod need;
mod patience;
mod place;
mod podman;
mod probe;
mod remains;
mod replica;
mod shown;
mod tally;
mod tracer;
mod trial;

pub use confined::{CallList, Confined, call_lists, confined};
pub use container::{Container, Network, Order, Runtime};
pub use containerd::{Containerd, Sandbox};
pub use engine::{ENGINES, Engines};
pub use error::{Error, Result};
pub use host::Lab;
pub use inside::Inside;
pub use interface::Interface;
pub use lan::Lan;
pub use machine::Machine;
pub use need::Need;
pub use place::{Output, Place};
pub use podman::Podman;
pub use probe::{Fate, Memory, Probe, Word};
pub use replica::{Replica, RunningHook};
pub use shown::{SHOWN, Shown};
pub use tally::{TALLY, Tally};
pub use tracer::{Fault, Harm, Program, Traced};
pub use trial::{Trial, trial};
