//! Collecting what died without a word: no runtime promises to run poststop.
//!
//! What is alive is never taken: a namespace on which somebody works is left alone (its lock is only tried),
//! and whether one lives is the kernel's word, not a guess from paths or processes.

use std::{collections::HashSet, net::IpAddr, time::Instant};

use plan::IfName;
use thiserror::Error;

use crate::{
    attachment::{
        ledger::{self, Ledger, Page},
        liveness::{self, Liveness},
        record::{Attachment, Record, State, User},
    },
    boot,
    container::UserKey,
    detach,
    ipam::{EVERYWHERE, LeaseStore, Owner, StoreError},
    layout::Layout,
    network::{
        Network,
        catalog::{self, Catalog},
    },
    parent,
    process::Process,
    undo::{self, OpenError, Tools},
};

/// What gc took, or would take.
#[derive(Debug, Default)]
pub struct Collected {
    /// Attachments of dead namespaces and dead containers, and those that were never finished.
    pub attachments: Vec<Attachment>,
    /// Addresses leased by nobody.
    pub leases: Vec<IpAddr>,
    /// Claims on parents by nobody.
    pub claims: usize,
    /// Sub-interfaces and dummies of ours that no network wants.
    pub parents: Vec<IfName>,
    /// What went wrong; the rest was done.
    pub errors: Vec<Error>,
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
    let mut gc = Gc {
        ledger: &ledger,
        tools: &tools,
        boot: boot::id()?,
        is_dry,
        deadline,
        collected,
        unknown: HashSet::new(),
    };
    for cookie in ledger.cookies()? {
        if let Err(error) = gc.namespace(cookie) {
            gc.collected.errors.push(error);
            gc.unknown.insert(cookie);
        }
    }
    for result in [gc.leases(), gc.claims(), gc.parents(&Catalog::of(&layout.config))] {
        gc.collected.errors.extend(result.err());
    }
    Ok(())
}

struct Gc<'a> {
    ledger: &'a Ledger,
    tools: &'a Tools<'a>,
    boot: String,
    is_dry: bool,
    deadline: Instant,
    collected: &'a mut Collected,
    /// Namespaces of which the record cannot be read: what they have is theirs until it can.
    unknown: HashSet<u64>,
}

impl Gc<'_> {
    fn namespace(&mut self, cookie: u64) -> Result<(), Error> {
        let Some(page) = self.ledger.try_page(cookie)? else { return Ok(()) };
        let Some(mut record) = page.read()? else {
            return if self.is_dry { Ok(()) } else { Ok(page.remove()?) };
        };
        let before = record.clone();
        let dead = self.dead(&mut record);
        self.collected.attachments.extend(dead.iter().cloned());
        if self.is_dry || record == before && !record.attachments.is_empty() {
            return Ok(());
        }
        self.bury(&page, record, dead)
    }

    fn bury(&mut self, page: &Page, mut record: Record, dead: Vec<Attachment>) -> Result<(), Error> {
        let processes = record.processes();
        let staying = &record.attachments;
        let left = undo::undo(self.tools, &record.namespace, &processes, dead, staying, self.deadline);
        self.collected.attachments.retain(|attachment| !left.attachments.contains(attachment));
        self.collected.errors.extend(left.errors.into_iter().map(Error::from));
        record.attachments.extend(left.attachments);
        let (gone, staying) = std::mem::take(&mut record.users)
            .into_iter()
            .partition(|user: &User| !record.attachments.iter().any(|a| a.users.contains(&user.key)));
        record.users = staying;
        for user in gone {
            self.ledger.unpoint(&user.key, record.namespace.cookie)?;
        }
        Ok(detach::settle(page, &record)?)
    }

    /// Takes the dead attachments out of a record: all of a dead namespace; in one that lives, those that
    /// were not finished, those whose links are gone and those whose users are all dead.
    fn dead(&self, record: &mut Record) -> Vec<Attachment> {
        let namespace = record.namespace.clone();
        let living: HashSet<_> = record
            .users
            .iter()
            .filter(|user| user.process.is_some_and(Process::is_alive))
            .map(|user| user.key.clone())
            .collect();
        let is_gone = |attachment: &Attachment| {
            namespace.boot != self.boot
                || match liveness::look(self.tools.socket(), self.ledger, &namespace, attachment) {
                    Ok(Liveness::NamespaceGone) => true,
                    Ok(Liveness::LinkGone) => !self.may_be_elsewhere(&living, attachment),
                    Ok(Liveness::LinkThere) | Err(_) => false,
                }
        };
        let dead: HashSet<_> =
            record.users.iter().filter(|user| is_dead(user)).map(|user| user.key.clone()).collect();
        let is_dead = |attachment: &mut Attachment| {
            is_gone(attachment)
                || attachment.state == State::Intended
                || attachment.users.iter().all(|user| dead.contains(user))
        };
        let taken = record.attachments.extract_if(.., is_dead).collect();
        // A dead user that no poststop will come for must not keep what the living ones leave.
        for attachment in &mut record.attachments {
            attachment.users.retain(|user| !dead.contains(user));
        }
        taken
    }

    /// A container that lives may have moved its link into a namespace of its own, which nobody else sees; its
    /// address then still answers. It ends with the container.
    fn may_be_elsewhere(&self, living: &HashSet<UserKey>, attachment: &Attachment) -> bool {
        attachment.users.iter().any(|user| living.contains(user))
            && liveness::has_parent(self.tools.socket(), attachment)
    }

    /// Leases whose owner's namespace has no such attachment: claimed by an attach that was killed before it
    /// wrote its intent.
    fn leases(&mut self) -> Result<(), Error> {
        for range in EVERYWHERE {
            for (address, owner) in self.tools.leases.held(range)? {
                let Ok(owner) = owner.parse::<Owner>() else { continue };
                if self.unknown.contains(&owner.cookie) {
                    continue;
                }
                if self.free_if_ownerless(address, &owner)? {
                    self.collected.leases.push(address);
                }
            }
        }
        Ok(())
    }

    /// The namespace stays locked until the lease is gone: in between, the same owner could attach and keep
    /// the address.
    fn free_if_ownerless(&self, address: IpAddr, owner: &Owner) -> Result<bool, Error> {
        let Some(page) = self.ledger.try_page(owner.cookie)? else { return Ok(false) };
        let record = page.read()?;
        let holds = |a: &Attachment| a.owner == *owner && a.addresses.iter().any(|held| held.ip() == address);
        if record.as_ref().is_some_and(|record| record.attachments.iter().any(holds)) {
            return Ok(false);
        }
        if !self.is_dry {
            self.tools.leases.release(address, owner)?;
        }
        if record.is_none() {
            page.remove()?;
        }
        Ok(true)
    }

    fn claims(&mut self) -> Result<(), Error> {
        if !self.is_dry {
            self.collected.claims = self.tools.parents.drop_stale_claims()?;
            self.ledger.drop_stale_pointers()?;
        }
        Ok(())
    }

    fn parents(&mut self, catalog: &Catalog) -> Result<(), Error> {
        let listing = catalog.all()?;
        if !listing.broken.is_empty() {
            self.collected.errors.extend(listing.broken.into_iter().map(Error::from));
            return Ok(());
        }
        let networks: Vec<Network> = listing.networks.into_iter().map(|checked| checked.network).collect();
        self.collected.parents = self.tools.parents.remove_unwanted(&networks, self.is_dry, self.deadline)?;
        Ok(())
    }
}

/// A container is dead when its first process is: it cannot come back without a new createRuntime. In a pod
/// that an engine vouches for, the namespace decides alone, so that a pod keeps its addresses between two
/// attempts of its container; likewise where no process is known.
fn is_dead(user: &User) -> bool {
    user.pod.is_none() && user.process.is_some_and(|process| !process.is_alive())
}
