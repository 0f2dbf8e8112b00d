//! What the kernel says of an attachment's link, asked from the host's namespace.
//!
//! Neither a path nor a process is needed for it: the helper gave the namespace a number (`RTM_NEWNSID`),
//! under which the host can look into it for as long as it lives. However it is kept alive (a mount, a
//! process, an open descriptor), it is seen; and when it is dead, the kernel says so.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netlink::{Link, LinkKey, Lookup, Socket};
use plan::{FIRST_NSID, nsid_of};

use super::{
    ledger::Ledger,
    record::{Attachment, MARK, NamespaceId},
};
use crate::ipam::Owner;

/// Whether there is anything to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// The namespace is dead, and its links with it.
    NamespaceGone,
    /// The namespace lives, the link is gone; or the namespace is dead and the kernel gave its number to
    /// another.
    LinkGone,
    /// There is a link of that name or index that may be the one: the helper looks closer.
    LinkThere,
}

/// Looks for an attachment's link. What the container itself can change, its name and its mark, does not count
/// where the kernel or the records know better.
pub fn look(
    socket: &Socket,
    ledger: &Ledger,
    namespace: &NamespaceId,
    attachment: &Attachment,
) -> Result<Liveness, netlink::Error> {
    let by_index = attachment.index.map(LinkKey::Index);
    let key = by_index.unwrap_or(LinkKey::Name(attachment.interface.as_str()));
    Ok(match socket.link_in(namespace.nsid, key)? {
        Lookup::NoNamespace => Liveness::NamespaceGone,
        Lookup::NoLink => Liveness::LinkGone,
        Lookup::Found(link) if hangs_elsewhere(&link, attachment) => Liveness::LinkGone,
        Lookup::Found(link) => match link.alias.as_deref().filter(|alias| is_foreign(alias, attachment)) {
            // Found by its name alone: an attach was killed, and another may have used the name since.
            Some(_) if attachment.index.is_none() => Liveness::LinkGone,
            Some(alias) if is_anothers(alias, ledger, namespace) => Liveness::NamespaceGone,
            _ => Liveness::LinkThere,
        },
    })
}

/// Whether a living namespace has no link of this name now.
#[must_use]
pub fn has_gone(socket: &Socket, nsid: i32, name: &str) -> bool {
    socket.link_in(nsid, LinkKey::Name(name)).is_ok_and(|found| found == Lookup::NoLink)
}

/// Whether an owner's namespace has a link of its name on a parent elsewhere: so much the kernel tells at once, and
/// without a record. That it is the owner's own, and that anybody uses it, takes a closer look.
#[must_use]
pub fn seems_there(socket: &Socket, owner: &Owner) -> bool {
    let name = LinkKey::Name(owner.interface.as_str());
    nsid_of(owner.cookie).is_some_and(
        |nsid| matches!(socket.link_in(nsid, name), Ok(Lookup::Found(link)) if link.parent_elsewhere),
    )
}

/// Another link of the namespace that has one of the attachment's addresses, and the address: with rights on
/// its network a container can make a link beside ours, on the same parent, and take our link's place.
pub fn heir(
    socket: &Socket,
    namespace: &NamespaceId,
    attachment: &Attachment,
) -> Result<Option<(u32, IpAddr)>, netlink::Error> {
    if attachment.addresses.is_empty() {
        return Ok(None);
    }
    let leased = |address: &IpNetwork| attachment.addresses.iter().any(|leased| leased.ip() == address.ip());
    let all = socket.all_addresses_in(namespace.nsid)?;
    let heir = all.into_iter().find(|(index, address)| Some(*index) != attachment.index && leased(address));
    Ok(heir.map(|(index, address)| (index, address.ip())))
}

/// The name of a link of the namespace, else its index: for messages.
#[must_use]
pub fn link_name(socket: &Socket, namespace: &NamespaceId, index: u32) -> String {
    match socket.link_in(namespace.nsid, LinkKey::Index(index)) {
        Ok(Lookup::Found(link)) => link.name.clone(),
        _ => format!("number {index}"),
    }
}

/// Whether a link on the attachment's parent could still be somewhere: without the parent there is none.
#[must_use]
pub fn has_parent(socket: &Socket, attachment: &Attachment) -> bool {
    socket.link_by_index(attachment.parent_index).map_or(true, |parent| parent.is_some())
}

/// Ours hangs on its parent, which cannot be changed from inside.
fn hangs_elsewhere(link: &Link, attachment: &Attachment) -> bool {
    !link.parent_elsewhere || link.parent != Some(attachment.parent_index)
}

/// A mark of this program, and not the attachment's.
fn is_foreign(alias: &str, attachment: &Attachment) -> bool {
    alias.starts_with(MARK) && *alias != attachment.alias
}

/// Whether the namespace is dead and the kernel gave its number to another one of ours: one with a record that
/// says so, for anybody can write a mark. A number made of the cookie is never given again.
fn is_anothers(alias: &str, ledger: &Ledger, namespace: &NamespaceId) -> bool {
    let owner = alias.strip_prefix(MARK).and_then(|owner| owner.parse::<Owner>().ok());
    let Some(owner) = owner.filter(|owner| namespace.nsid < FIRST_NSID && owner.cookie != namespace.cookie)
    else {
        return false;
    };
    ledger.look(owner.cookie).ok().flatten().is_some_and(|record| {
        record.namespace.nsid == namespace.nsid && record.attachments.iter().any(|a| a.alias == alias)
    })
}
