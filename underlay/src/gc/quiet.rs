//! What an attach collects on its way: what refuses it an address or its parent, if that is dead; and a few of its
//! network's addresses, whose turn it is. So everything is looked at in time, and no attach pays for it.

use std::{
    net::IpAddr,
    thread,
    time::{Duration, Instant},
};

use super::{
    Collected, Error,
    collector::{Access, Collector},
};
use crate::{
    attachment::{ledger::Ledger, liveness},
    ipam::{self, LeaseStore, Owner, Refusal},
    network::{AddressRange, Network},
    parent,
    undo::Tools,
};

/// How long another that works on the namespace in the way is waited for: its poststop may run at this moment.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often that is tried again.
const RETRY: Duration = Duration::from_millis(5);

/// How many addresses of a subnet an attach looks at, with one readlink(2) each,
const ADDRESSES: usize = 16;

/// and at how many of those who have one: a question to the kernel each, and a lock and a record where it knows no link.
const HOLDERS: usize = 2;

/// Of so many who seem to live, one is looked at closely, too: its container may have ended, and its namespace not.
const CLOSELY: u64 = 8;

/// The collecting of one attach, in the namespace `own`, whose record it has locked.
pub(crate) struct Quiet<'a> {
    tools: &'a Tools<'a>,
    ledger: &'a Ledger,
    own: u64,
    deadline: Instant,
    collected: Collected,
}

impl<'a> Quiet<'a> {
    pub(crate) fn new(tools: &'a Tools<'a>, ledger: &'a Ledger, own: u64, deadline: Instant) -> Self {
        Self { tools, ledger, own, deadline, collected: Collected::default() }
    }

    /// What was taken. What went wrong on the way is for the next gc to find again.
    pub(crate) fn into_collected(self) -> Collected {
        self.collected
    }

    /// Does `work`, and again if it was refused for the sake of the dead.
    pub(crate) fn clear<T, E>(
        &mut self,
        mut work: impl FnMut() -> Result<T, E>,
        in_the_way: impl Fn(&E) -> Option<InTheWay>,
    ) -> Result<T, E> {
        let end = self.deadline.min(Instant::now() + PATIENCE);
        loop {
            let result = work();
            let Err(error) = &result else { return result };
            let Some(found) = in_the_way(error) else { return result };
            match self.remove(found) {
                Removal::Some => {}
                Removal::NotYet if Instant::now() < end => thread::sleep(RETRY),
                Removal::NotYet | Removal::None => return result,
            }
        }
    }

    /// Looks at who has the next few addresses of a network, and takes what is dead there.
    pub(crate) fn sweep(&mut self, network: &Network) {
        for spec in &network.subnets {
            match ipam::next_holders(&network.name, spec, ADDRESSES, HOLDERS, &self.tools.leases) {
                Ok(holders) => holders.iter().for_each(|(address, holder)| self.look_at(*address, holder)),
                Err(error) => self.collected.errors.push(error.into()),
            }
        }
    }

    /// Whose turn it is for a closer look is told by both ends: not always the same holder's for any attach, nor all
    /// of an attach's.
    fn look_at(&mut self, address: IpAddr, holder: &str) {
        let Ok(owner) = holder.parse::<Owner>() else { return };
        let is_its_turn = owner.cookie.wrapping_add(self.own).is_multiple_of(CLOSELY);
        if is_its_turn || !liveness::seems_there(self.tools.socket(), &owner) {
            self.free(address, holder);
        }
    }

    fn remove(&mut self, found: InTheWay) -> Removal {
        match found {
            InTheWay::Holders(holders) => {
                let removals = holders.iter().map(|(address, holder)| self.free(*address, holder));
                removals.max().unwrap_or(Removal::None)
            }
            InTheWay::Everybody(ranges) => self.all_of(&ranges),
            InTheWay::Claim(cookie) => self.attempt(cookie, |_| Ok(())),
        }
    }

    fn free(&mut self, address: IpAddr, holder: &str) -> Removal {
        match holder.parse::<Owner>() {
            Ok(owner) => self.attempt(owner.cookie, |collector| collector.lease(address, holder)),
            Err(_) => Removal::None,
        }
    }

    /// Everybody who has an address: dear, but there is none left.
    fn all_of(&mut self, ranges: &[AddressRange]) -> Removal {
        let end = Instant::now() + PATIENCE;
        let mut removal = Removal::None;
        for range in ranges {
            for (address, holder) in self.tools.leases.held(*range).unwrap_or_default() {
                if Instant::now() > end {
                    return removal;
                }
                // What is busy is at work, and many may wait here: nobody waits for it.
                if self.free(address, &holder) == Removal::Some {
                    removal = Removal::Some;
                }
            }
        }
        removal
    }

    fn attempt(
        &mut self,
        cookie: u64,
        then: impl FnOnce(&mut Collector<'_>) -> Result<(), Error>,
    ) -> Removal {
        if cookie == self.own {
            return Removal::None;
        }
        let before = self.collected.attachments.len() + self.collected.leases.len();
        let access = Collector::new(self.tools, self.ledger, false, self.deadline, &mut self.collected)
            .map_err(Error::from)
            .and_then(|mut collector| {
                let access = collector.namespace(cookie)?;
                then(&mut collector).map(|()| access)
            });
        let has_taken = self.collected.attachments.len() + self.collected.leases.len() > before;
        match access {
            _ if has_taken => Removal::Some,
            Ok(Access::Busy) => Removal::NotYet,
            Ok(Access::Free) => Removal::None,
            Err(error) => {
                self.collected.errors.push(error);
                Removal::None
            }
        }
    }
}

/// What refuses an attach, and may be dead.
pub(crate) enum InTheWay {
    /// Those who have the addresses that were asked for, by their texts.
    Holders(Vec<(IpAddr, String)>),
    /// All who have addresses to choose from.
    Everybody(Vec<AddressRange>),
    /// A namespace that has claimed a parent.
    Claim(u64),
}

impl InTheWay {
    pub(crate) fn of_lease(error: &ipam::Error) -> Option<Self> {
        match error {
            // With any other refusal beside it, the address would be of no use.
            ipam::Error::Refused { refusals, .. } => {
                refusals.iter().map(holder).collect::<Option<_>>().map(Self::Holders)
            }
            ipam::Error::Exhausted { usage, .. } => {
                Some(Self::Everybody(usage.iter().map(|usage| usage.range).collect()))
            }
            ipam::Error::Store(_) => None,
        }
    }

    pub(crate) const fn of_parent(error: &parent::Error) -> Option<Self> {
        match error {
            parent::Error::Conflict { holder, .. } => Some(Self::Claim(*holder)),
            _ => None,
        }
    }
}

fn holder(refusal: &Refusal) -> Option<(IpAddr, String)> {
    match refusal {
        Refusal::Taken { address, holder } => Some((*address, holder.clone())),
        _ => None,
    }
}

/// What came of it, the better the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Removal {
    /// All live.
    None,
    /// Somebody works there.
    NotYet,
    /// Something was taken.
    Some,
}
