//! Making a link in the namespace, on a parent of the host's.

use std::os::fd::{AsFd, OwnedFd};

use netlink::{Link, NewKind, NewLink, Socket};
use plan::{CreateLink, IfName, IpvlanFlag, IpvlanMode, LinkKind, MacvlanMode};

use crate::{
    apply::journal::Journal,
    error::{Cause, Error, Obstacle, Result},
    patience::Patience,
};

/// One parent has one receive handler.
const PARENT_HOLDER: &str =
    "the parent carries links of another driver, or is a port of a bridge or bond; choose another parent";

type Created = std::result::Result<Link, Cause>;

/// What is needed from outside the namespace.
pub(super) struct Creator {
    pub(super) host: Socket,
    pub(super) namespace: OwnedFd,
    /// The number by which the host's namespace knows it.
    pub(super) nsid: i32,
    pub(super) patience: Patience,
}

impl Creator {
    /// Makes a link under its final name, down, and notes it in the journal.
    pub(super) fn create(&self, link: &CreateLink, inside: &Socket, journal: &mut Journal) -> Result<()> {
        self.create_named(link, inside, journal)
            .and_then(|made| give_mac(link, &made, inside, journal))
            .map_err(|cause| Error::new(format!("create link {}", link.name), cause))
    }

    fn create_named(&self, link: &CreateLink, inside: &Socket, journal: &mut Journal) -> Created {
        let name = link.name.as_str();
        match self.request(link, name) {
            Err(error) if error.is_busy() => Err(Cause::busy(PARENT_HOLDER)(error)),
            Err(error) if error.is_exists() => {
                if inside.link_by_name(name)?.is_some() {
                    return Err(Obstacle::NameTaken(link.name.clone()).into());
                }
                self.create_renamed(link, inside, journal)
            }
            result => {
                result?;
                journal.created(name);
                note(journal, &link.name, inside.link_by_name(name)?)
            }
        }
    }

    /// Older kernels want the name to be free in the host's namespace too: makes the link under another name
    /// and gives it its own inside, while it is down.
    fn create_renamed(&self, link: &CreateLink, inside: &Socket, journal: &mut Journal) -> Created {
        let temporary = temporary_name(self.nsid);
        self.request(link, &temporary)?;
        journal.created(&temporary);
        let made = note(journal, &link.name, inside.link_by_name(&temporary)?)?;
        inside.rename(made.index, link.name.as_str())?;
        Ok(made)
    }

    fn request(&self, link: &CreateLink, name: &str) -> netlink::Result<()> {
        let new = NewLink {
            name,
            kind: kind(link),
            mac: link.mac.map(plan::MacAddress::octets),
            mtu: link.mtu,
            namespace: Some(self.namespace.as_fd()),
        };
        self.patience.retry(|| self.host.create(&new))
    }
}

/// The name of a link before it has its own. No other namespace has the number, and in this one a link is
/// renamed before the next is made; whoever knows the number finds what a killed helper left.
pub(crate) fn temporary_name(nsid: i32) -> String {
    format!("ul-{nsid:x}")
}

fn note(journal: &mut Journal, name: &IfName, made: Option<Link>) -> Created {
    let made = made.ok_or(Obstacle::Vanished)?;
    journal.found(name, &made);
    Ok(made)
}

/// A passthru link is born with its parent's address, whichever it was to have (`macvlan_common_newlink` in
/// drivers/net/macvlan.c). Given another one later, it lends that to its parent for as long as it lives.
fn give_mac(
    link: &CreateLink,
    made: &Link,
    inside: &Socket,
    journal: &mut Journal,
) -> std::result::Result<(), Cause> {
    match link.mac {
        Some(mac) if made.mac != Some(mac.octets()) => {
            inside.set_mac(made.index, mac.octets())?;
            journal.has_mac(made.index, mac);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn kind(link: &CreateLink) -> NewKind {
    let parent = link.parent;
    match link.kind {
        LinkKind::Macvlan { mode } => {
            let mode = match mode {
                MacvlanMode::Bridge => netlink::MacvlanMode::Bridge,
                MacvlanMode::Vepa => netlink::MacvlanMode::Vepa,
                MacvlanMode::Private => netlink::MacvlanMode::Private,
                MacvlanMode::Passthru => netlink::MacvlanMode::Passthru,
            };
            NewKind::Macvlan { parent, mode }
        }
        LinkKind::Ipvlan { mode, flag } => {
            let mode = match mode {
                IpvlanMode::L2 => netlink::IpvlanMode::L2,
                IpvlanMode::L3 => netlink::IpvlanMode::L3,
                IpvlanMode::L3s => netlink::IpvlanMode::L3s,
            };
            let flag = match flag {
                IpvlanFlag::Bridge => netlink::IpvlanFlag::Bridge,
                IpvlanFlag::Private => netlink::IpvlanFlag::Private,
                IpvlanFlag::Vepa => netlink::IpvlanFlag::Vepa,
            };
            NewKind::Ipvlan { parent, mode, flag }
        }
    }
}
