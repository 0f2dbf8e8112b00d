//! Looking for links.

use rtnetlink::{
    LinkUnspec,
    packet_route::link::{LinkAttribute, LinkExtentMask},
};

use crate::{
    error::{Error, Result},
    link::{Link, LinkKey, Lookup, decode},
    socket::Socket,
};

impl Socket {
    /// All links of the namespace.
    pub fn links(&self) -> Result<Vec<Link>> {
        let message = LinkUnspec::new_with_index(0).append_extra_attribute(without_statistics()).build();
        let operation = format_args!("list the links");
        let entries = self.dump(operation, libc::RTM_GETLINK, &message)?;
        entries
            .iter()
            .map(|entry| {
                decode::link(entry).ok_or_else(|| Error::Malformed {
                    operation: operation.to_string(),
                    what: "a link without index or name",
                })
            })
            .collect()
    }

    /// The link of this name or alternative name, if there is one.
    pub fn link_by_name(&self, name: &str) -> Result<Option<Link>> {
        self.own_link(LinkKey::Name(name))
    }

    /// The link of this index, if there is one.
    pub fn link_by_index(&self, index: u32) -> Result<Option<Link>> {
        self.own_link(LinkKey::Index(index))
    }

    /// A link of another namespace, by the number that the namespace has in the socket's own (see
    /// [`Socket::assign_nsid`]).
    pub fn link_in(&self, nsid: i32, key: LinkKey<'_>) -> Result<Lookup> {
        match self.find(key, Some(nsid)) {
            Ok(link) => Ok(Lookup::Found(Box::new(link))),
            Err(error) if error.is_missing() => Ok(Lookup::NoLink),
            Err(error) if error.is_unknown_namespace() => Ok(Lookup::NoNamespace),
            Err(error) => Err(error),
        }
    }

    fn own_link(&self, key: LinkKey<'_>) -> Result<Option<Link>> {
        match self.find(key, None) {
            Ok(link) => Ok(Some(link)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn find(&self, key: LinkKey<'_>, nsid: Option<i32>) -> Result<Link> {
        let mut request = match key {
            LinkKey::Name(name) => LinkUnspec::new_with_name(name),
            LinkKey::Index(index) => LinkUnspec::new_with_index(index),
        }
        .append_extra_attribute(without_statistics());
        if let Some(nsid) = nsid {
            request = request.append_extra_attribute(LinkAttribute::IfNetnsId(nsid));
        }
        let operation = format_args!("look for link {key}");
        let answer = self.ask(operation, libc::RTM_GETLINK, &request.build())?;
        decode::link(&answer).ok_or_else(|| Error::Malformed {
            operation: operation.to_string(),
            what: "a link without index or name",
        })
    }
}

/// Counters are most of a link's description and nobody here reads them.
fn without_statistics() -> LinkAttribute {
    LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats])
}
