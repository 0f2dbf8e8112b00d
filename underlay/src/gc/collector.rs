//! Taking what is dead, kind by kind.

use std::{collections::HashSet, net::IpAddr, time::Instant};

use super::{Collected, Error, Taken, Why};
use crate::{
    attachment::{
        ledger::{Ledger, Page},
        liveness::{self, Liveness},
        record::{Attachment, NamespaceId, Record, State, User},
    },
    boot,
    container::UserKey,
    detach,
    ipam::{EVERYWHERE, LeaseStore, Owner},
    network::{Network, catalog::Catalog},
    process::Process,
    undo::{self, Tools},
};

/// One collection.
pub(super) struct Collector<'a> {
    tools: &'a Tools<'a>,
    ledger: &'a Ledger,
    boot: String,
    is_dry: bool,
    deadline: Instant,
    pub(super) collected: &'a mut Collected,
    /// Namespaces of which the record cannot be read: what they have is theirs until it can.
    unknown: HashSet<u64>,
}

/// Whether a namespace could be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It was, and what is dead of it was taken.
    Free,
    /// Somebody works on it.
    Busy,
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        tools: &'a Tools<'a>,
        ledger: &'a Ledger,
        is_dry: bool,
        deadline: Instant,
        collected: &'a mut Collected,
    ) -> Result<Self, boot::Error> {
        Ok(Self { tools, ledger, boot: boot::id()?, is_dry, deadline, collected, unknown: HashSet::new() })
    }

    /// All of which there is a record.
    pub(super) fn namespaces(&mut self) -> Result<(), Error> {
        for cookie in self.ledger.cookies()? {
            if let Err(error) = self.namespace(cookie) {
                self.collected.errors.push(error);
                self.unknown.insert(cookie);
            }
        }
        Ok(())
    }

    pub(super) fn namespace(&mut self, cookie: u64) -> Result<Access, Error> {
        let Some(page) = self.ledger.try_page(cookie)? else { return Ok(Access::Busy) };
        let Some(mut record) = page.read()? else {
            if !self.is_dry {
                page.remove()?;
            }
            return Ok(Access::Free);
        };
        let before = record.clone();
        let dead = self.dead(&mut record);
        self.collected.attachments.extend(dead.iter().cloned());
        if !self.is_dry && (record != before || record.attachments.is_empty()) {
            self.bury(&page, record, dead)?;
        }
        Ok(Access::Free)
    }

    fn bury(&mut self, page: &Page, mut record: Record, dead: Vec<Taken>) -> Result<(), Error> {
        let processes = record.processes();
        let dead = dead.into_iter().map(|taken| taken.attachment).collect();
        let staying = &record.attachments;
        let left = undo::undo(self.tools, &record.namespace, &processes, dead, staying, self.deadline);
        self.collected.attachments.retain(|taken| !left.attachments.contains(&taken.attachment));
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

    /// Takes the dead attachments out of a record.
    fn dead(&self, record: &mut Record) -> Vec<Taken> {
        let namespace = record.namespace.clone();
        let ended: HashSet<_> =
            record.users.iter().filter(|user| has_ended(user)).map(|user| user.key.clone()).collect();
        let running: HashSet<_> =
            record.users.iter().filter(|user| runs(user)).map(|user| user.key.clone()).collect();
        let (mut dead, mut living) = (Vec::new(), Vec::new());
        for attachment in std::mem::take(&mut record.attachments) {
            match self.why(&namespace, &attachment, &ended, &running) {
                Some(why) => dead.push(Taken { attachment, why }),
                None => living.push(attachment),
            }
        }
        // A dead user that no poststop will come for must not keep what the living ones leave.
        for attachment in &mut living {
            attachment.users.retain(|user| !ended.contains(user));
        }
        record.attachments = living;
        dead
    }

    /// In a namespace that lives, those are dead that were not finished, those whose links are gone and those
    /// whose users are all dead. What the kernel does not tell about lives.
    fn why(
        &self,
        namespace: &NamespaceId,
        attachment: &Attachment,
        ended: &HashSet<UserKey>,
        running: &HashSet<UserKey>,
    ) -> Option<Why> {
        if namespace.boot != self.boot {
            return Some(Why::EarlierBoot);
        }
        match liveness::look(self.tools.socket(), self.ledger, namespace, attachment) {
            Ok(Liveness::NamespaceGone) => Some(Why::NamespaceGone),
            Ok(Liveness::LinkGone) if !self.may_be_elsewhere(running, attachment) => Some(Why::LinkGone),
            _ if attachment.state == State::Intended => Some(Why::Unfinished),
            _ if attachment.users.iter().all(|user| ended.contains(user)) => Some(Why::ContainersEnded),
            _ => None,
        }
    }

    /// A container that lives may have moved its link into a namespace of its own, which nobody else sees; its
    /// address then still answers. It ends with the container.
    fn may_be_elsewhere(&self, running: &HashSet<UserKey>, attachment: &Attachment) -> bool {
        attachment.users.iter().any(|user| running.contains(user))
            && liveness::has_parent(self.tools.socket(), attachment)
    }

    /// Leases whose owner's namespace has no such attachment: claimed by an attach that was killed before it
    /// wrote its intent.
    pub(super) fn leases(&mut self) -> Result<(), Error> {
        for range in EVERYWHERE {
            for (address, owner) in self.tools.leases.held(range)? {
                self.lease(address, &owner)?;
            }
        }
        Ok(())
    }

    pub(super) fn lease(&mut self, address: IpAddr, holder: &str) -> Result<(), Error> {
        let Ok(owner) = holder.parse::<Owner>() else { return Ok(()) };
        if !self.unknown.contains(&owner.cookie) && self.free_if_ownerless(address, &owner)? {
            self.collected.leases.push((address, holder.to_owned()));
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

    pub(super) fn claims(&mut self) -> Result<(), Error> {
        if !self.is_dry {
            self.collected.claims = self.tools.parents.drop_stale_claims()?;
            self.ledger.drop_stale_pointers()?;
        }
        Ok(())
    }

    pub(super) fn parents(&mut self, catalog: &Catalog) -> Result<(), Error> {
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
fn has_ended(user: &User) -> bool {
    user.pod.is_none() && user.process.is_some_and(|process| !process.is_alive())
}

fn runs(user: &User) -> bool {
    user.process.is_some_and(Process::is_alive)
}
