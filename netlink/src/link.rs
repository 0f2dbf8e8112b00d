//! Links: read, made, changed, deleted.

use std::{fmt, os::fd::BorrowedFd};

use rtnetlink::packet_route::link::LinkMessage;

mod change;
mod decode;
mod driver;
mod dummy;
mod ipvlan;
mod lookup;
mod macvlan;
mod vlan;

pub use driver::Driver;
pub use ipvlan::{IpvlanFlag, IpvlanMode};
pub use macvlan::MacvlanMode;

/// A link as the kernel describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent flags of the kernel's")]
pub struct Link {
    /// Its index in its namespace, from 1.
    pub index: u32,
    /// Its name. A link that was looked for by an alternative name has its own here.
    pub name: String,
    /// It was brought up (`IFF_UP`).
    pub up: bool,
    /// It is a loopback link.
    pub loopback: bool,
    /// It has a carrier (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// Bytes.
    pub mtu: u32,
    /// Its Ethernet address, if it has one.
    pub mac: Option<[u8; 6]>,
    /// Index of the link that it stands on (`IFLA_LINK`), in that link's own namespace.
    pub parent: Option<u32>,
    /// The link that it stands on is in another namespace (`IFLA_LINK_NETNSID`).
    pub parent_elsewhere: bool,
    /// Index of the bridge, bond or the like that it is a port of.
    pub master: Option<u32>,
    /// What an administrator, or we, wrote on it (`IFLA_IFALIAS`).
    pub alias: Option<String>,
    /// Driver and mode.
    pub kind: Kind,
}

/// Driver of a link, and what distinguishes links of one driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// macvlan, in a mode that can be asked for here.
    Macvlan(MacvlanMode),
    /// ipvlan.
    Ipvlan(IpvlanMode, IpvlanFlag),
    /// An 802.1Q sub-interface, with its VLAN identifier. One of 802.1ad is [`Kind::Other`].
    Vlan(u16),
    /// dummy.
    Dummy,
    /// Another driver, or one of the above in an unknown mode, by its name (`IFLA_INFO_KIND`).
    Other(String),
    /// A link without a driver's name, such as a network card.
    None,
}

/// By what to look for a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKey<'a> {
    /// Its name, or one of its alternative names.
    Name(&'a str),
    /// Its index.
    Index(u32),
}

/// What was found in another namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The link.
    Found(Box<Link>),
    /// The namespace has no such link.
    NoLink,
    /// No namespace has this number: it died, or never had it.
    NoNamespace,
}

/// What came of deleting a link in another namespace. In all three cases it is not there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The link was deleted.
    Removed,
    /// The namespace had no such link.
    NoLink,
    /// No namespace has this number.
    NoNamespace,
}

/// A link to make.
#[derive(Clone, Copy, Debug)]
pub struct NewLink<'a> {
    /// Its name, at most 15 bytes.
    pub name: &'a str,
    /// Driver, parent and mode.
    pub kind: NewKind,
    /// Its Ethernet address; the driver's choice if not given.
    pub mac: Option<[u8; 6]>,
    /// Bytes; the parent's if not given.
    pub mtu: Option<u32>,
    /// The network namespace in which to make it; the socket's own if not given. The parent is always one of
    /// the socket's namespace.
    pub namespace: Option<BorrowedFd<'a>>,
}

/// Driver of a link to make; `parent` is an index in the socket's namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKind {
    /// macvlan.
    Macvlan {
        /// The link to stand on.
        parent: u32,
        /// Who reaches whom.
        mode: MacvlanMode,
    },
    /// ipvlan. All ipvlan links of one parent have one mode and flag: the kernel switches the others
    /// (`ipvlan_link_new`).
    Ipvlan {
        /// The link to stand on.
        parent: u32,
        /// Where the parent hands over.
        mode: IpvlanMode,
        /// Who reaches whom.
        flag: IpvlanFlag,
    },
    /// An 802.1Q sub-interface.
    Vlan {
        /// The link to stand on.
        parent: u32,
        /// VLAN identifier, 0 to 4094.
        id: u16,
    },
    /// A link that leads nowhere.
    Dummy,
}

impl NewKind {
    const fn driver(self) -> Driver {
        match self {
            Self::Macvlan { .. } => Driver::Macvlan,
            Self::Ipvlan { .. } => Driver::Ipvlan,
            Self::Vlan { .. } => Driver::Vlan,
            Self::Dummy => Driver::Dummy,
        }
    }

    fn message(self, name: &str) -> LinkMessage {
        match self {
            Self::Macvlan { parent, mode } => macvlan::message(name, parent, mode),
            Self::Ipvlan { parent, mode, flag } => ipvlan::message(name, parent, mode, flag),
            Self::Vlan { parent, id } => vlan::message(name, parent, id),
            Self::Dummy => dummy::message(name),
        }
    }
}

impl fmt::Display for LinkKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Index(index) => index.fmt(f),
        }
    }
}
