//! From a container's end to nothing of it being left.
//!
//! Driven by the record alone: what was defined, asked for or true when the container started may be
//! otherwise by now. Idempotent, since runtimes run poststop twice, late, or never.

use std::{
    thread,
    time::{Duration, Instant},
};

use thiserror::Error;

use crate::{
    attachment::{
        ledger::{self, Ledger, Page},
        record::{Attachment, Record},
    },
    container::{ContainerId, UserKey},
    helper::Parting,
    layout::Layout,
    network::NetworkName,
    undo::{self, OpenError, Tools},
};

/// How long a process may take to die of a SIGKILL that its runtime did not wait for.
const DYING: Duration = Duration::from_millis(500);

/// How often it is looked at meanwhile.
const RETRY: Duration = Duration::from_millis(5);

/// What detach did.
#[derive(Debug, Default)]
pub struct Detached {
    /// The attachments that are gone now.
    pub gone: Vec<Attachment>,
    /// How many of those that it leaves other containers of the namespace still use.
    pub shared: usize,
    /// The container runs: the word of its end was about an earlier run of it, and nothing was done.
    pub runs: bool,
    /// What went wrong; the rest was done, and gc tries this again.
    pub errors: Vec<Error>,
}

/// What may go wrong.
#[derive(Debug, Error)]
pub enum Error {
    /// It never was on the network, or is not any more.
    #[error("container {container} is not on network {network}; it is on {}", list(.attached))]
    NotAttached {
        /// Which container.
        container: ContainerId,
        /// The network that it should leave.
        network: NetworkName,
        /// Those that it is on.
        attached: Vec<NetworkName>,
    },
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

/// Which of a container's attachments it leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Extent<'a> {
    /// All of them.
    All,
    /// All of them, unless it runs.
    Ended,
    /// Those to one network.
    Network(&'a NetworkName),
    /// All but these.
    AllBut(&'a [Attachment]),
}

fn list(networks: &[NetworkName]) -> String {
    if networks.is_empty() {
        return "none".to_owned();
    }
    networks.iter().map(NetworkName::as_str).collect::<Vec<_>>().join(", ")
}

/// Takes down what a container alone used. A container without attachments is no error.
#[must_use]
pub fn detach(layout: &Layout, user: &UserKey, deadline: Instant) -> Detached {
    collect(|detached| detach_into(layout, user, Extent::All, Parting::default, deadline, detached))
}

/// Takes down what a container alone used, on its runtime's word that it has ended.
///
/// That word may come late: the container may have been started again since, under the same id and from the
/// same bundle. It is about the newer run only if the process on record, that of the newest run, is dead. Of a
/// container whose process is not known, and in a pod that an engine vouches for (the process may be the
/// pod's sandbox, and each attempt has an id of its own), the word is taken as it comes.
///
/// Where `parting` says [`Parting::Leave`] it returns as soon as the links are gone, and helpers may still wait
/// for the kernel.
#[must_use]
pub fn detach_ended(
    layout: &Layout,
    user: &UserKey,
    parting: fn() -> Parting,
    deadline: Instant,
) -> Detached {
    let end = Instant::now() + DYING;
    loop {
        // Without the namespace's lock in between, which the newer run may need.
        let detached =
            collect(|detached| detach_into(layout, user, Extent::Ended, parting, deadline, detached));
        if !detached.runs || Instant::now() >= end {
            return detached;
        }
        thread::sleep(RETRY);
    }
}

/// Takes down what a container alone used of one network. Not to be on it is an error: somebody asked for it
/// by name.
#[must_use]
pub fn detach_network(layout: &Layout, user: &UserKey, network: &NetworkName, deadline: Instant) -> Detached {
    let extent = Extent::Network(network);
    collect(|detached| detach_into(layout, user, extent, Parting::default, deadline, detached))
}

fn collect(work: impl FnOnce(&mut Detached) -> Result<(), Error>) -> Detached {
    let mut detached = Detached::default();
    if let Err(error) = work(&mut detached) {
        detached.errors.push(error);
    }
    detached
}

fn detach_into(
    layout: &Layout,
    user: &UserKey,
    extent: Extent<'_>,
    parting: fn() -> Parting,
    deadline: Instant,
    detached: &mut Detached,
) -> Result<(), Error> {
    let ledger = Ledger::open(layout)?;
    let Some(cookie) = ledger.namespace_of(user)? else { return extent.check(user, &[]) };
    let page = ledger.page(cookie, deadline)?;
    let Some(record) = page.read()? else {
        ledger.unpoint(user, cookie)?;
        return extent.check(user, &[]);
    };
    extent.check(user, &record.used_by(user))?;
    detached.runs = matches!(extent, Extent::Ended) && record.runs(user);
    if detached.runs {
        return Ok(());
    }
    let tools = Tools { parting, ..Tools::open(layout, &ledger)? };
    Leave { tools: &tools, ledger: &ledger, page: &page, user, extent, deadline }
        .carry_out(record, detached)?;
    Ok(())
}

/// A container's leave from a namespace whose record is locked.
pub(crate) struct Leave<'a> {
    pub(crate) tools: &'a Tools<'a>,
    pub(crate) ledger: &'a Ledger,
    pub(crate) page: &'a Page,
    pub(crate) user: &'a UserKey,
    pub(crate) extent: Extent<'a>,
    pub(crate) deadline: Instant,
}

impl Leave<'_> {
    /// Takes the container out of the record, with what it alone used, and writes what remains.
    ///
    /// The record is written late: killed before that, it still says all that there is to undo, and undoing
    /// twice does no harm.
    pub(crate) fn carry_out(self, mut record: Record, detached: &mut Detached) -> Result<(), ledger::Error> {
        let processes = record.processes();
        let used = record.used_by(self.user).into_iter().filter(|attachment| self.extent.has(attachment));
        let used: Vec<_> = used.collect();
        let unused = record.leave(self.user, |attachment| self.extent.has(attachment));
        detached.shared =
            used.iter().filter(|used| unused.iter().all(|u| u.interface != used.interface)).count();
        detached.gone.clone_from(&unused);
        let staying = &record.attachments;
        let left = undo::undo(self.tools, &record.namespace, &processes, unused, staying, self.deadline);
        detached.gone.retain(|gone| !left.attachments.contains(gone));
        detached.errors.extend(left.errors.into_iter().map(Error::from));
        record.attachments.extend(left.attachments);
        settle(self.page, &record)?;
        if record.users.iter().any(|user| user.key == *self.user) {
            return Ok(());
        }
        self.ledger.unpoint(self.user, self.page.cookie())
    }
}

impl Extent<'_> {
    /// A network that is named must be among those used.
    fn check(self, user: &UserKey, used: &[Attachment]) -> Result<(), Error> {
        match self {
            Self::Network(network) if !used.iter().any(|attachment| self.has(attachment)) => {
                Err(Error::NotAttached {
                    container: user.container.clone(),
                    network: network.clone(),
                    attached: used.iter().map(|attachment| attachment.network.clone()).collect(),
                })
            }
            _ => Ok(()),
        }
    }

    fn has(self, attachment: &Attachment) -> bool {
        match self {
            Self::All | Self::Ended => true,
            Self::Network(network) => attachment.network == *network,
            // Names tell the interfaces of one namespace apart.
            Self::AllBut(kept) => kept.iter().all(|kept| kept.interface != attachment.interface),
        }
    }
}

/// Writes a record, or removes it when nothing is in it.
pub(crate) fn settle(page: &Page, record: &Record) -> Result<(), ledger::Error> {
    if record.attachments.is_empty() { page.remove() } else { page.write(record) }
}
