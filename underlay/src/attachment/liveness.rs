//! What the kernel says of an attachment's link, asked from the host's namespace.
//!
//! Neither a path nor a process is needed for it: the helper gave the namespace a number (`RTM_NEWNSID`),
//! under which the host can look into it for as long as it lives. However it is kept alive (a mount, a
//! process, an open descriptor), it is seen; and when it is dead, the kernel says so.

use netlink::{LinkKey, Lookup, Socket};

use super::record::{Attachment, NamespaceId};

/// Whether there is anything to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// The namespace is dead, and its links with it.
    NamespaceGone,
    /// The namespace lives, the link is gone.
    LinkGone,
    /// There is a link of that name or index: the helper looks whether it is the one.
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
        Lookup::Found(_) => Liveness::LinkThere,
    })
}
