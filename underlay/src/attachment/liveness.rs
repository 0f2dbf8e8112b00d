//! What the kernel says of an attachment's link, asked from the host's namespace.
//!
//! Neither a path nor a process is needed for it: the helper gave the namespace a number (`RTM_NEWNSID`),
//! under which the host can look into it for as long as it lives. However it is kept alive (a mount, a
//! process, an open descriptor), it is seen; and when it is dead, the kernel says so.

use netlink::{Link, LinkKey, Lookup, Socket};

use super::record::{Attachment, MARK, NamespaceId};

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

/// Looks for an attachment's link.
pub fn look(
    socket: &Socket,
    namespace: &NamespaceId,
    attachment: &Attachment,
) -> Result<Liveness, netlink::Error> {
    let by_index = attachment.index.map(LinkKey::Index);
    let key = by_index.unwrap_or(LinkKey::Name(attachment.interface.as_str()));
    Ok(match socket.link_in(namespace.nsid, key)? {
        Lookup::NoNamespace => Liveness::NamespaceGone,
        Lookup::NoLink => Liveness::LinkGone,
        Lookup::Found(link) if is_another(&link, attachment) => Liveness::LinkGone,
        Lookup::Found(_) => Liveness::LinkThere,
    })
}

/// Whether a living namespace has no link of this name now.
#[must_use]
pub fn has_gone(socket: &Socket, nsid: i32, name: &str) -> bool {
    socket.link_in(nsid, LinkKey::Name(name)).is_ok_and(|found| found == Lookup::NoLink)
}

/// Ours hangs on its parent, and if it bears a mark of this program, then its own. A container may have
/// changed the mark to anything else.
fn is_another(link: &Link, attachment: &Attachment) -> bool {
    let hangs_elsewhere = !link.parent_elsewhere || link.parent != Some(attachment.parent_index);
    let marked_otherwise = |alias: &str| alias.starts_with(MARK) && *alias != attachment.alias;
    hangs_elsewhere || link.alias.as_deref().is_some_and(marked_otherwise)
}
