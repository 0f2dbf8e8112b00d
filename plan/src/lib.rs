//! The words that the hook and its helper share: pure data, no sockets, no files.
//!
//! The hook starts the helper (`underlay-nsenter`) early. The helper enters the container's network
//! namespace, writes one [`Hello`] as a line of JSON, and waits. The hook decides what to do with what
//! it now knows, and writes one [`Plan`] followed by end of file. The helper carries it out step by step
//! and answers with one [`Report`], again a line of JSON. If a step fails, the helper first takes back what it
//! had made.
//!
//! The vocabulary of [`Step`] is closed: what is not in it, the helper cannot be asked to do.

mod ifname;
mod mac;
mod report;
mod step;

pub use ifname::{IfName, InvalidIfName};
pub use mac::{InvalidMacAddress, MacAddress};
pub use report::{Failure, Hello, MadeLink, Report};
pub use step::{
    CreateLink, DeleteLink, IpvlanFlag, IpvlanMode, LinkKind, MacvlanMode, Plan, Route, RouteKind, Step,
    Sysctl,
};
