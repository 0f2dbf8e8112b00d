//! Collecting what died without a word: no runtime promises to run poststop.
//!
//! What is alive is never taken: a namespace on which somebody works is left alone (its lock is only tried),
//! and whether one lives is the kernel's word, not a guess from paths or processes.
//!
//! By hand and by timer all is looked at ([`collect`]); an attach looks only at what is in its way, and at a few
//! more ([`quiet`]).

mod collector;
pub(crate) mod quiet;

use std::{fmt, net::IpAddr, time::Instant};

use plan::IfName;
use thiserror::Error;

use crate::{
    attachment::{
        ledger::{self, Ledger},
        record::Attachment,
    },
    boot,
    ipam::StoreError,
    layout::Layout,
    network::catalog::{self, Catalog},
    parent,
    undo::{self, OpenError, Tools},
};
use collector::Collector;

/// What gc took, or would take.
#[derive(Debug, Default)]
pub struct Collected {
    /// Attachments of dead namespaces and dead containers, and those that were never finished.
    pub attachments: Vec<Taken>,
    /// Addresses leased by nobody, with the texts of their owners.
    pub leases: Vec<(IpAddr, String)>,
    /// Claims on parents by nobody.
    pub claims: usize,
    /// Sub-interfaces and dummies of ours that no network wants.
    pub parents: Vec<IfName>,
    /// What went wrong; the rest was done.
    pub errors: Vec<Error>,
}

/// An attachment that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// As it was on record, with the containers that used it.
    pub attachment: Attachment,
    /// What it was taken for.
    pub why: Why,
}

/// Why an attachment is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is of an earlier boot.
    EarlierBoot,
    /// Its namespace is dead.
    NamespaceGone,
    /// Its namespace lives, and somebody has deleted the link.
    LinkGone,
    /// Whoever made it was killed over it.
    Unfinished,
    /// All containers that used it have ended.
    ContainersEnded,
}

/// What may go wrong.
#[derive(Debug, Error)]
pub enum Error {
    /// The boot's identity.
    #[error(transparent)]
    Boot(#[from] boot::Error),
    /// Definitions: while one cannot be read, no parent is removed that it may want.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// Records.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// Leases.
    #[error(transparent)]
    Lease(#[from] StoreError),
    /// Leases and parents.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Parents.
    #[error(transparent)]
    Parent(#[from] parent::Error),
    /// One attachment.
    #[error(transparent)]
    Undo(#[from] undo::Error),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EarlierBoot => "it is of an earlier boot",
            Self::NamespaceGone => "its namespace is gone",
            Self::LinkGone => "its link is gone",
            Self::Unfinished => "it was never finished",
            Self::ContainersEnded => "its containers have ended",
        })
    }
}

impl Collected {
    /// Nothing was taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.attachments.is_empty() && self.leases.is_empty() && self.claims == 0 && self.parents.is_empty()
    }
}

/// Collects all that is dead; with `is_dry`, only says what it would take.
#[must_use]
pub fn collect(layout: &Layout, is_dry: bool, deadline: Instant) -> Collected {
    let mut collected = Collected::default();
    if let Err(error) = collect_into(layout, is_dry, deadline, &mut collected) {
        collected.errors.push(error);
    }
    collected
}

fn collect_into(
    layout: &Layout,
    is_dry: bool,
    deadline: Instant,
    collected: &mut Collected,
) -> Result<(), Error> {
    let ledger = Ledger::open(layout)?;
    let tools = Tools::open(layout, &ledger)?;
    let mut collector = Collector::new(&tools, &ledger, is_dry, deadline, collected)?;
    collector.namespaces()?;
    for result in [collector.leases(), collector.claims(), collector.parents(&Catalog::of(&layout.config))] {
        collector.collected.errors.extend(result.err());
    }
    Ok(())
}
