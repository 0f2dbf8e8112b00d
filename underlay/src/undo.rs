//! Taking back, in the one way there is: used by detach, by an attach that failed, and by gc.

use std::time::{Duration, Instant};

use ipnetwork::IpNetwork;
use netlink::Socket;
use plan::{Plan, Step};
use thiserror::Error;

use crate::{
    attachment::{
        ledger::Ledger,
        liveness::{self, Liveness},
        record::{Attachment, NamespaceId, State},
    },
    boot, clock,
    helper::{self, Helper, Parting},
    ipam::{self, LeaseDirectory},
    layout::Layout,
    namespace::Namespace,
    parent::{self, Claim, Parents},
    process::Process,
};

/// Time that undoing gets even when attaching used up all there was: some helpers' starts and a wait for the
/// kernel.
const LEAST: Duration = Duration::from_secs(3);

/// What attaching and undoing work with.
#[derive(Debug)]
pub struct Tools<'a> {
    /// Where things are.
    pub layout: &'a Layout,
    /// The host's links and the claims on them.
    pub parents: Parents<'a>,
    /// Who holds which address.
    pub leases: LeaseDirectory,
    /// Says what becomes of a helper that has removed a link; asked only if there is one.
    pub parting: fn() -> Parting,
    /// The records.
    pub ledger: &'a Ledger,
}

/// Why something could not be taken back. The rest was, all the same.
#[derive(Debug, Error)]
pub enum Error {
    /// The number by which the record knows the namespace is another namespace's here.
    #[error(
        "cannot detach {interface}: it was attached from another network namespace than this program runs in; \
         run `underlay gc` in the host's"
    )]
    Elsewhere {
        /// Which interface.
        interface: plan::IfName,
    },
    /// A container with rights on its network took the address over to a link of its own.
    #[error(
        "{address} of {interface} is in use on another link of the container's namespace, {link}: the address stays leased \
         until that is gone, and `underlay gc` then frees it"
    )]
    StillInUse {
        /// Of which interface it was.
        interface: plan::IfName,
        /// Which address.
        address: std::net::IpAddr,
        /// The other link's name, as far as it is known.
        link: String,
    },
    /// The kernel did not say whether the link is there.
    #[error("cannot look for {interface} in the container's namespace")]
    Look {
        /// Which interface.
        interface: plan::IfName,
        /// What the kernel answered.
        #[source]
        source: netlink::Error,
    },
    /// The boot's identity.
    #[error(transparent)]
    Boot(#[from] boot::Error),
    /// The helper.
    #[error(transparent)]
    Helper(#[from] helper::Error),
    /// A lease.
    #[error(transparent)]
    Lease(#[from] ipam::StoreError),
    /// A claim on a parent.
    #[error(transparent)]
    Parent(#[from] parent::Error),
}

/// Why the tools cannot be had.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The leases.
    #[error(transparent)]
    Leases(#[from] ipam::DirectoryError),
    /// The parents.
    #[error(transparent)]
    Parent(#[from] parent::Error),
}

/// What is left after undoing.
#[derive(Debug, Default)]
pub struct Left {
    /// Attachments whose links are still there: their leases are kept, and the next gc tries again.
    pub attachments: Vec<Attachment>,
    /// What went wrong.
    pub errors: Vec<Error>,
}

impl<'a> Tools<'a> {
    /// Opens what attaching and undoing work with.
    pub fn open(layout: &'a Layout, ledger: &'a Ledger) -> Result<Self, OpenError> {
        let parents = Parents::open(layout, ledger)?;
        let leases = LeaseDirectory::open(layout.run())?;
        Ok(Self { layout, parents, leases, parting: Parting::default, ledger })
    }

    /// The host's netlink socket.
    #[must_use]
    pub const fn socket(&self) -> &Socket {
        self.parents.socket()
    }
}

/// Undoes attachments of one namespace: first the link, then the leases (an address that still answers is not
/// free), then the claim on the parent, unless one of the namespace's other attachments, `staying`, needs it.
/// Goes on to the end whatever fails.
pub fn undo(
    tools: &Tools<'_>,
    namespace: &NamespaceId,
    processes: &[Process],
    attachments: Vec<Attachment>,
    staying: &[Attachment],
    deadline: Instant,
) -> Left {
    let deadline = clock::at_least(deadline, LEAST);
    let mut left = Left::default();
    let mut gone = Vec::new();
    for attachment in attachments {
        if let Err(error) = remove_link(tools, namespace, processes, &attachment, deadline) {
            left.errors.push(error);
            left.attachments.push(attachment);
            continue;
        }
        let addresses: Vec<_> = attachment.addresses.iter().map(IpNetwork::ip).collect();
        let released = ipam::release(&addresses, &attachment.owner, &tools.leases);
        left.errors.extend(released.into_iter().map(Error::from));
        gone.push(attachment);
    }
    for attachment in gone {
        let needs_it =
            |other: &Attachment| other.network == attachment.network && other.parent == attachment.parent;
        if staying.iter().chain(&left.attachments).any(needs_it) {
            continue;
        }
        let claim = Claim { network: attachment.network.clone(), cookie: namespace.cookie };
        if let Err(error) = tools.parents.release(&attachment.parent, attachment.kind, &claim) {
            left.errors.push(error.into());
        }
    }
    left
}

/// The helper is only started if there is something for it to do.
fn remove_link(
    tools: &Tools<'_>,
    namespace: &NamespaceId,
    processes: &[Process],
    attachment: &Attachment,
    deadline: Instant,
) -> Result<(), Error> {
    let liveness = look(tools, namespace, attachment)?;
    if liveness == Liveness::NamespaceGone {
        return Ok(());
    }
    let mut steps = Vec::new();
    // An unfinished link may not have its own name yet; the helper knows under which one to look for it.
    if liveness == Liveness::LinkThere || attachment.state == State::Intended {
        steps.push(Step::DeleteLink(attachment.deletion(namespace.nsid)));
    }
    // Routes without a link need the namespace itself, and so a way in; where none is left, nobody can use
    // them either.
    let inside = if attachment.linkless_routes.is_empty() {
        None
    } else {
        Namespace::find(namespace.file, namespace.path.as_deref(), processes)
    };
    if inside.is_some() {
        steps.extend(attachment.linkless_routes.iter().cloned().map(Step::DeleteRoute));
    }
    if !steps.is_empty() {
        let mut helper =
            Helper::detach(&tools.layout.helper, inside.as_ref().map(Namespace::entrance), deadline)?;
        if inside.is_some() {
            if helper.entered()? != namespace.cookie {
                // The inode was used again for another namespace: ours is dead.
                return Ok(());
            }
            helper.hello()?;
        }
        helper.part((tools.parting)());
        // An administrator's own patience may be longer than what a helper takes.
        let patience_ms = clock::millis_until(deadline).min(Plan::MAX_PATIENCE_MS);
        helper.apply(&Plan { patience_ms, steps })?;
    }
    refuse_heir(tools, namespace, attachment)
}

/// An address that still answers is not free.
fn refuse_heir(tools: &Tools<'_>, namespace: &NamespaceId, attachment: &Attachment) -> Result<(), Error> {
    let interface = attachment.interface.clone();
    let failed = |source| Error::Look { interface: interface.clone(), source };
    let heir = liveness::heir(tools.socket(), namespace, attachment).map_err(failed)?;
    let Some((index, address)) = heir else { return Ok(()) };
    let link = liveness::link_name(tools.socket(), namespace, index);
    Err(Error::StillInUse { interface, address, link })
}

fn look(tools: &Tools<'_>, namespace: &NamespaceId, attachment: &Attachment) -> Result<Liveness, Error> {
    if namespace.boot != boot::id()? {
        return Ok(Liveness::NamespaceGone);
    }
    let failed = |source| Error::Look { interface: attachment.interface.clone(), source };
    if tools.socket().cookie().map_err(failed)? != namespace.host {
        return Err(Error::Elsewhere { interface: attachment.interface.clone() });
    }
    liveness::look(tools.socket(), tools.ledger, namespace, attachment).map_err(failed)
}
