//! From a container's end to nothing of it being left.
//!
//! Driven by the record alone: what was defined, asked for or true when the container started may be otherwise by now. Idempotent, since
//! runtimes run poststop twice, late, or never.

use std::time::Instant;

use thiserror::Error;

use crate::{
    attachment::{
        ledger::{self, Ledger, Page},
        record::{Attachment, Record},
    },
    container::UserKey,
    layout::Layout,
    undo::{self, OpenError, Tools},
};

/// What detach did.
#[derive(Debug, Default)]
pub struct Detached {
    /// The attachments that are gone now.
    pub gone: Vec<Attachment>,
    /// The attachments that other containers of the namespace still use.
    pub shared: usize,
    /// What went wrong; the rest was done, and gc tries this again.
    pub errors: Vec<Error>,
}

/// What may go wrong.
#[derive(Debug, Error)]
pub enum Error {
    /// Records.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// Leases and parents.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// One attachment.
    #[error(transparent)]
    Undo(#[from] undo::Error),
}

/// Takes down what a container alone used. A container without attachments is no error.
#[must_use]
pub fn detach(layout: &Layout, user: &UserKey, deadline: Instant) -> Detached {
    let mut detached = Detached::default();
    if let Err(error) = detach_into(layout, user, deadline, &mut detached) {
        detached.errors.push(error);
    }
    detached
}

fn detach_into(
    layout: &Layout,
    user: &UserKey,
    deadline: Instant,
    detached: &mut Detached,
) -> Result<(), Error> {
    let ledger = Ledger::open(layout)?;
    let Some(cookie) = ledger.namespace_of(user)? else { return Ok(()) };
    let page = ledger.page(cookie, deadline)?;
    if let Some(record) = page.read()? {
        let tools = Tools::open(layout, &ledger)?;
        leave(&tools, &page, record, user, deadline, detached)?;
    }
    ledger.unpoint(user, cookie)?;
    Ok(())
}

/// Takes a container out of a record that is locked, with what it alone used, and writes what remains.
///
/// The record is written last: killed before that, it still says all that there is to undo, and undoing twice does no harm.
pub(crate) fn leave(
    tools: &Tools<'_>,
    page: &Page,
    mut record: Record,
    user: &UserKey,
    deadline: Instant,
    detached: &mut Detached,
) -> Result<(), ledger::Error> {
    let processes = record.processes();
    let unused = record.remove_user(user);
    detached.gone.clone_from(&unused);
    detached.shared = record.attachments.len();
    let left = undo::undo(tools, &record.namespace, &processes, unused, deadline);
    detached.gone.retain(|gone| !left.attachments.contains(gone));
    detached.errors.extend(left.errors.into_iter().map(Error::from));
    record.attachments.extend(left.attachments);
    settle(page, &record)
}

/// Writes a record, or removes it when nothing is in it.
pub(crate) fn settle(page: &Page, record: &Record) -> Result<(), ledger::Error> {
    if record.attachments.is_empty() { page.remove() } else { page.write(record) }
}
