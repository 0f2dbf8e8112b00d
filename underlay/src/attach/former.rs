//! What a container or a namespace had before this attach, and cannot keep.

use std::time::Instant;

use super::Error;
use crate::{
    attachment::{
        ledger::{Ledger, Page},
        record::Record,
    },
    container::Container,
    detach::detach,
    layout::Layout,
    undo::{self, Tools},
};

/// A container can be in one namespace only. If it is noted in another one (createRuntime ran again without a
/// poststop in between), what it had there is taken down. That this fails is no reason not to start: gc will
/// find it.
pub(super) fn leave_former_namespace(
    layout: &Layout,
    ledger: &Ledger,
    container: &Container,
    cookie: u64,
    deadline: Instant,
) {
    let key = &container.key;
    if ledger.namespace_of(key).is_ok_and(|former| former.is_some_and(|former| former != cookie)) {
        let _ = detach(layout, key, deadline);
    }
}

/// The namespace's record, if it has one. Cookies are counted from the same number in each boot: a record of an
/// earlier one, where the run directory outlived it, is about a namespace that is dead.
pub(super) fn read_record(
    tools: &Tools<'_>,
    ledger: &Ledger,
    page: &Page,
    boot: &str,
    deadline: Instant,
) -> Result<Option<Record>, Error> {
    match page.read()? {
        Some(record) if record.namespace.boot == boot => Ok(Some(record)),
        Some(record) => bury(tools, ledger, record, deadline).map(|()| None),
        None => Ok(None),
    }
}

fn bury(tools: &Tools<'_>, ledger: &Ledger, record: Record, deadline: Instant) -> Result<(), Error> {
    let Record { namespace, users, attachments, .. } = record;
    let left = undo::undo(tools, &namespace, &[], attachments, &[], deadline);
    for user in users {
        ledger.unpoint(&user.key, namespace.cookie)?;
    }
    left.errors.into_iter().next().map_or(Ok(()), |error| Err(error.into()))
}
