//! From a container's requests to its interfaces.
//!
//! ```text
//! helper starts -> networks are looked up -> the helper says which namespace this is -> its record is locked
//!   -> parents are ensured, addresses leased, steps planned -> the intent is written
//!   -> the helper says what is in the namespace -> if that is not what was expected, once more
//!   -> the helper acts -> the record is final
//! ```
//!
//! Whatever fails, what had been done by then is undone on the way that detach takes, and the first error is
//! returned.

mod error;
mod former;
mod lookup;
mod outlook;
mod share;
mod work;

use std::time::Instant;

pub use error::Error;
use former::{leave_former_namespace, read_record};
use lookup::{admit, identify, look_up};
use outlook::Outlook;
use work::Work;

use crate::{
    attachment::{
        ledger::Ledger,
        record::{Attachment, Record},
    },
    boot, clock,
    container::Container,
    gc::{Collected, quiet::Quiet},
    helper::Helper,
    layout::Layout,
    namespace::Namespace,
    request::Request,
    rights,
    undo::Tools,
};

/// What attach did.
#[derive(Debug)]
pub struct Attached {
    /// The container's attachments.
    pub attachments: Vec<Attachment>,
    /// What the administrator may want to know, a sentence each.
    pub notes: Vec<String>,
    /// What was dead and in the way, or nearly so, and has been taken.
    pub collected: Collected,
}

/// Attaches the networks that a container asked for to its namespace, before `deadline`, with a helper that was
/// started to work there.
///
/// Idempotent for each namespace and network: what another container of the namespace attached is used as it
/// is, and its users are counted.
pub fn attach(
    layout: &Layout,
    container: &Container,
    requests: &[Request],
    namespace: &Namespace,
    helper: Helper,
    deadline: Instant,
) -> Result<Attached, Error> {
    attach_or(Fallback::Nothing, layout, container, requests, namespace, helper, deadline)
}

/// What is left to a container when attaching fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// It will not start.
    Nothing,
    /// It goes on.
    AsBefore,
}

/// Attaches, and leaves `fallback` if that fails.
pub(crate) fn attach_or(
    fallback: Fallback,
    layout: &Layout,
    container: &Container,
    requests: &[Request],
    namespace: &Namespace,
    mut helper: Helper,
    deadline: Instant,
) -> Result<Attached, Error> {
    let (networks, mut notes) = look_up(layout, requests)?;
    admit(requests, &networks, &container.asker)?;
    // Up to here words were read that strangers wrote or chose, and a hook rests over them.
    rights::act()?;
    let ledger = Ledger::open(layout)?;
    let tools = Tools::open(layout, &ledger)?;
    // What does not depend on the helper comes before it is waited for.
    let boot = boot::id()?;
    let cookie = helper.entered()?;
    leave_former_namespace(layout, &ledger, container, cookie, deadline);

    let page = ledger.page(cookie, deadline)?;
    let known = read_record(&tools, &ledger, &page, &boot, deadline)?;
    let outlook = Outlook::of(&mut helper, &tools, cookie, known.as_ref())?;
    let record = match known {
        Some(record) => record,
        None => Record::new(identify(&tools, namespace, boot, cookie, outlook.hello.nsid)?),
    };
    let mut work = Work {
        tools: &tools,
        ledger: &ledger,
        page: &page,
        container,
        deadline,
        outlook,
        record,
        kept: Vec::new(),
        quiet: Quiet::new(&tools, &ledger, cookie, deadline),
    };
    work.undo_leftovers()?;
    if fallback == Fallback::AsBefore {
        work.kept = work.record.used_by(&container.key);
    }
    work.record.add_user(container, namespace.process(), clock::seconds());
    match work.attach(helper, namespace, requests, &networks) {
        Ok(planned_notes) => {
            notes.extend(planned_notes);
            let attachments = work.record.used_by(&container.key);
            Ok(Attached { attachments, notes, collected: work.quiet.into_collected() })
        }
        Err(error) => {
            work.give_up();
            Err(error)
        }
    }
}
