//! What can be wrong with a definition, each with its place.

use std::{fmt, net::IpAddr, ops::RangeInclusive};

use ipnetwork::IpNetwork;
use plan::InvalidIfName;
use thiserror::Error;

use crate::network::{InvalidKubernetesNamespace, InvalidNetworkName};

/// All that is wrong with one definition; never empty.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistakes(pub(super) Vec<Mistake>);

impl Mistakes {
    /// One after the other, in the order of the fields.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }
}

impl IntoIterator for Mistakes {
    type Item = Mistake;
    type IntoIter = std::vec::IntoIter<Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, mistake) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "; " };
            write!(f, "{separator}{mistake}")?;
        }
        Ok(())
    }
}

/// One fault and where it is.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{place}: {fault}")]
pub struct Mistake {
    /// A path of keys such as `subnets[1].gateway`, or line and column where the text is not JSON. Printable.
    pub place: String,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong. The administrator must mend the definition.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// The text is not JSON.
    #[error("{0}")]
    Syntax(String),
    /// Longer than [`super::MAX_BYTES`].
    #[error("{0} bytes are more than a definition may have ({max})", max = super::MAX_BYTES)]
    TooLong(usize),
    /// A list or object with too many entries.
    #[error("{found} entries are more than the {max} that are allowed")]
    TooMany {
        /// How many there are.
        found: usize,
        /// How many there may be.
        max: usize,
    },
    /// A value of the wrong JSON type.
    #[error("{expected} is expected, not {found}")]
    Type {
        /// What the field takes.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A key that no field has.
    #[error("unknown key; {}", suggestion(*.near, .known))]
    UnknownKey {
        /// A known key with almost the same letters.
        near: Option<&'static str>,
        /// All keys of this object.
        known: Vec<&'static str>,
    },
    /// One key twice in one object.
    #[error("the key is there twice")]
    DuplicateKey,
    /// A key of an object whose keys are the administrator's is empty.
    #[error("an empty name")]
    EmptyName,
    /// A field that must be there.
    #[error("missing; {0}")]
    Missing(&'static str),
    /// A word that is none of a fixed set.
    #[error("`{}` is none of the {what}; {}", Excerpt(.word), suggestion(*.near, .known))]
    Word {
        /// What is there.
        word: String,
        /// What the words are: "macvlan modes".
        what: &'static str,
        /// A word with almost the same letters.
        near: Option<&'static str>,
        /// All words that there are.
        known: Vec<&'static str>,
    },
    /// A number out of its range.
    #[error("{found} is not between {} and {}", .range.start(), .range.end())]
    Range {
        /// The number.
        found: u64,
        /// What is allowed.
        range: RangeInclusive<u64>,
    },
    /// Not the name of a network.
    #[error(transparent)]
    NetworkName(#[from] InvalidNetworkName),
    /// The file is called otherwise.
    #[error("`{}` is not the name of the file, which is `{file}.json`; they must agree", Excerpt(.found))]
    OtherName {
        /// The name in the definition.
        found: String,
        /// The name of the file, without `.json`.
        file: String,
    },
    /// Not the name of an interface.
    #[error(transparent)]
    IfName(#[from] InvalidIfName),
    /// A key that another one needs.
    #[error("needs `{0}` as well")]
    Needs(&'static str),
    /// A key that does not go with the rest.
    #[error("{0}")]
    Unfit(&'static str),
    /// Loopback.
    #[error(
        "loopback carries no macvlan or ipvlan link; name a NIC, or leave `parent` out for an isolated network"
    )]
    Loopback,
    /// Not an address.
    #[error("`{}` is not an IP address", Excerpt(.0))]
    Address(String),
    /// Not an address with a prefix length.
    #[error(
        "`{}` is not a subnet; write address and prefix length, such as 192.168.1.0/24 or 2001:db8::/64",
        Excerpt(.0)
    )]
    Prefix(String),
    /// An address after the slash of which nothing follows.
    #[error("{0} has no prefix length; write one behind it, such as {0}/{1}")]
    NoPrefixLength(IpAddr, u8),
    /// Host bits.
    #[error("{written}: host bits are set; did you mean {meant}?")]
    HostBits {
        /// As it is written.
        written: IpNetwork,
        /// With host bits zero.
        meant: IpNetwork,
    },
    /// Neither a prefix nor `FIRST-LAST`.
    #[error(
        "`{}` is not a range; write a part of the subnet such as 192.168.1.128/25, or 192.168.1.10-192.168.1.99",
        Excerpt(.0)
    )]
    RangeForm(String),
    /// First and last exchanged.
    #[error("{first}-{last} runs backwards; did you mean {last}-{first}?")]
    Backwards {
        /// What is written first.
        first: IpAddr,
        /// What is written last.
        last: IpAddr,
    },
    /// Addresses that no interface can have.
    #[error("{subnet} holds addresses that no interface can have ({reserved})")]
    Reserved {
        /// The prefix.
        subnet: IpNetwork,
        /// What it overlaps.
        reserved: IpNetwork,
    },
    /// An address outside its subnet.
    #[error("{address} is outside the subnet {subnet}")]
    Outside {
        /// The address.
        address: IpAddr,
        /// The subnet that it belongs to.
        subnet: IpNetwork,
    },
    /// IPv4 where IPv6 is expected, or the other way round.
    #[error("{address} is {} and {with} is {}", family(.address), family(&.with.ip()))]
    Family {
        /// The address.
        address: IpAddr,
        /// What it should agree with.
        with: IpNetwork,
    },
    /// The network address.
    #[error("{address} is the network address of {subnet}; no interface can have it")]
    NetworkAddress {
        /// The address.
        address: IpAddr,
        /// Its subnet.
        subnet: IpNetwork,
    },
    /// The broadcast address.
    #[error("{address} is the broadcast address of {subnet}; no interface can have it")]
    BroadcastAddress {
        /// The address.
        address: IpAddr,
        /// Its subnet.
        subnet: IpNetwork,
    },
    /// One address for two.
    #[error("{address} is {other} already")]
    AddressTwice {
        /// The address.
        address: IpAddr,
        /// Who has it: "the gateway", or an auxiliary address.
        other: String,
    },
    /// Subnets of one network overlap.
    #[error("{subnet} overlaps {other} ({place})")]
    Overlap {
        /// The later one.
        subnet: IpNetwork,
        /// The earlier one.
        other: IpNetwork,
        /// Where that is.
        place: String,
    },
    /// One route twice.
    #[error("a route to {destination} with this metric is in {place} already")]
    RouteTwice {
        /// Where it leads.
        destination: IpNetwork,
        /// Where the other one is.
        place: String,
    },
    /// A next hop that the kernel would not find.
    #[error("{0} is in none of the network's subnets, so it cannot be reached from there")]
    Unreachable(IpAddr),
    /// Not a name server.
    #[error("{0} cannot be a name server; name a unicast address")]
    NameServer(IpAddr),
    /// Not a Kubernetes namespace.
    #[error("`{}` is {InvalidKubernetesNamespace}", Excerpt(.0))]
    KubernetesNamespace(String),
    /// Not a domain name.
    #[error("`{}` is not a domain name", Excerpt(.0))]
    Domain(String),
}

/// What is not wrong but will surprise.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "{place}: gateway {gateway} is ignored: on layer 3 (ipvlan l3, l3s) the default route names the interface alone"
)]
pub struct Warning {
    /// A path of keys such as `subnets[1].gateway`.
    pub place: String,
    /// The gateway without use. It is still never handed out.
    pub gateway: IpAddr,
}

fn suggestion(near: Option<&str>, known: &[&str]) -> String {
    near.map_or_else(|| format!("there are {}", known.join(", ")), |near| format!("did you mean `{near}`?"))
}

const fn family(address: &IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}

/// A stranger's text in a message: control characters escaped, cut where it gets long.
pub(super) struct Excerpt<'a>(pub(super) &'a str);

impl Excerpt<'_> {
    /// Longer than any right value, short enough for a line.
    const MAX_CHARS: usize = 64;
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.chars();
        for c in rest.by_ref().take(Self::MAX_CHARS) {
            write!(f, "{}", c.escape_debug())?;
        }
        if rest.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}
