//! What was made, so that it can be taken back.

use netlink::{Link, LinkKey, NewRoute, Socket};
use plan::{IfName, MacAddress, MadeLink};

/// Grows as soon as the kernel has said yes, before anything else can fail.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: Vec<Entry>,
    links: Vec<MadeLink>,
}

#[derive(Debug)]
enum Entry {
    /// A link by the name under which it was made; nothing more is known of it yet.
    Named(String),
    /// A link by its index.
    Indexed(u32, IfName),
    /// A route that belongs to no link.
    Route(NewRoute),
}

impl Journal {
    /// A link was made under this name.
    pub(super) fn created(&mut self, name: &str) {
        self.entries.push(Entry::Named(name.to_owned()));
    }

    /// The link that was made last was found again.
    pub(super) fn found(&mut self, name: &IfName, link: &Link) {
        if let Some(entry) = self.entries.last_mut() {
            *entry = Entry::Indexed(link.index, name.clone());
        }
        self.links.push(MadeLink {
            name: name.clone(),
            index: link.index,
            mac: link.mac.and_then(|mac| MacAddress::new(mac).ok()),
            mtu: link.mtu,
        });
    }

    /// A link that was made was given another address.
    pub(super) fn has_mac(&mut self, index: u32, mac: MacAddress) {
        if let Some(link) = self.links.iter_mut().find(|link| link.index == index) {
            link.mac = Some(mac);
        }
    }

    /// A route was made that outlives the links.
    pub(super) fn route(&mut self, route: NewRoute) {
        self.entries.push(Entry::Route(route));
    }

    /// The index of a link that was made.
    pub(super) fn index_of(&self, name: &IfName) -> Option<u32> {
        self.links.iter().find(|link| link.name == *name).map(|link| link.index)
    }

    /// The links that were made, in order.
    pub(super) fn into_links(self) -> Vec<MadeLink> {
        self.links
    }

    /// Takes everything back, the last first, and says in words what could not be.
    pub(super) fn undo(self, inside: &Socket) -> Vec<String> {
        self.entries.into_iter().rev().filter_map(|entry| undo(entry, inside)).collect()
    }
}

fn undo(entry: Entry, inside: &Socket) -> Option<String> {
    let (what, result) = match entry {
        Entry::Named(name) => (format!("link {name}"), delete(inside, LinkKey::Name(&name))),
        Entry::Indexed(index, name) => (format!("link {name}"), delete(inside, LinkKey::Index(index))),
        Entry::Route(route) => (format!("route {route}"), inside.delete_route(&route)),
    };
    match result {
        Err(error) if !error.is_missing() => Some(format!("{what}: {}", error.reason())),
        _ => None,
    }
}

fn delete(inside: &Socket, key: LinkKey<'_>) -> netlink::Result<()> {
    let index = match key {
        LinkKey::Index(index) => Some(index),
        LinkKey::Name(name) => inside.link_by_name(name)?.map(|link| link.index),
    };
    index.map_or(Ok(()), |index| inside.delete(index))
}
