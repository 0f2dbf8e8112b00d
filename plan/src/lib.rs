//! The words that the hook and its helper share: pure data, no sockets, no files.
//!
//! The hook starts the helper (`underlay-nsenter`) early. A helper that was given a namespace enters it, says which
//! one it is ([`Entered`], a line of JSON), gives up its last rights, says what is there ([`Hello`], another line), and
//! waits; one that was given none has nothing to say yet. The hook decides what to do with what it now knows, and writes one [`Plan`] followed by end of file. The
//! helper carries it out step by step and answers with one [`Report`], again a line of JSON. If a making step
//! fails, the helper first takes back what it had made; if a deleting step fails, it carries out the others.
//! A helper that cannot even enter writes its report in the place of the hello.
//!
//! The report is complete at the end of its line. A helper that deleted links without entering a namespace
//! then lives on for some 20 ms, while the kernel finishes: who has read the report need not wait for it.
//!
//! A helper that only looks reads a [`Question`] instead, and answers with a [`Sight`], or with a report of what
//! failed.
//!
//! The vocabulary of [`Step`] is closed: what is not in it, the helper cannot be asked to do.

mod ifname;
mod look;
mod mac;
mod report;
mod step;
#[cfg(any(test, feature = "strategies"))]
pub mod strategies;
#[cfg(test)]
mod tests;

pub use ifname::{IfName, InvalidIfName};
pub use look::{Question, SeenRoute, Sight};
pub use mac::{InvalidMacAddress, MacAddress};
pub use report::{Entered, FIRST_NSID, Failure, Hello, MadeLink, Report, nsid_of};
pub use step::{
    CreateLink, DeleteLink, IpvlanFlag, IpvlanMode, LinkKind, MacvlanMode, Plan, Route, RouteKind, Step,
    Sysctl,
};
