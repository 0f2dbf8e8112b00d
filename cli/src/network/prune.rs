//! `underlay network prune`.

use std::io::{self, IsTerminal as _, Write as _};

use thiserror::Error;
use underlay::{
    layout::Layout,
    message,
    network::NetworkName,
    remove::{self, Unused},
};

use crate::outcome::{Failure, note};

/// Why nothing was removed.
#[derive(Debug, Error)]
enum Error {
    #[error("nobody can be asked whether to remove {0}: standard input is no terminal; --force does not ask")]
    NoTerminal(String),
    #[error("cannot read the answer")]
    Answer(#[from] io::Error),
    #[error("nothing was removed")]
    Declined,
}

/// Removes the networks that nobody uses, once it is clear that this is wanted. Definitions that cannot be
/// read are kept, and are failures.
pub(crate) fn prune(layout: &Layout, force: bool) -> Result<(), Failure> {
    let Unused { networks, broken } = remove::unused(layout)?;
    if !networks.is_empty() {
        if !force {
            confirm(&networks)?;
        }
        for error in &broken {
            note(&message::chain(error));
        }
        return super::remove(layout, &networks, false);
    }
    Failure::unless_empty(broken)
}

fn confirm(networks: &[NetworkName]) -> Result<(), Error> {
    let names = networks.iter().map(NetworkName::as_str).collect::<Vec<_>>().join(", ");
    if !io::stdin().is_terminal() {
        return Err(Error::NoTerminal(names));
    }
    // The answer's stream stays free for the names that were removed.
    write!(io::stderr(), "remove {names}? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Error::Declined) }
}
