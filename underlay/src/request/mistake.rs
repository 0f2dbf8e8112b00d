//! What is wrong with an annotation, and where.

use std::{fmt, net::IpAddr};

use plan::{IfName, InvalidIfName, InvalidMacAddress};
use thiserror::Error;

use super::annotation::{MAX_ADDRESSES, MAX_BYTES, MAX_NETWORKS};
use crate::{
    ipam::Family,
    network::{InvalidKubernetesNamespace, InvalidNetworkName, NetworkName},
};

/// How many mistakes are told; of the others only the number. 64 KiB of commas are 65,536 mistakes.
const MAX_TOLD: usize = 16;

/// Characters of a foreign text that a message repeats.
pub(super) const MAX_SHOWN: usize = 64;

/// All that is wrong with an annotation, in the order in which it was read. Printed as one line.
#[derive(Debug, Default)]
pub struct Mistakes {
    told: Vec<Mistake>,
    untold: usize,
}

/// One thing that is wrong, with its place.
#[derive(Debug, Error)]
#[error("{place}{fault}")]
pub struct Mistake {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub fault: Fault,
}

/// Where in an annotation. Everything counts from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Which network of the list; none is the annotation as a whole.
    pub network: Option<usize>,
    /// Which character of the text; the JSON form has keys instead.
    pub column: Option<usize>,
    /// Which key or option.
    pub key: Option<&'static str>,
}

/// What is wrong. Texts of the annotation are in it cut and escaped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The whole text is too long.
    #[error("it has {0} bytes; at most {MAX_BYTES} are read")]
    Bytes(usize),
    /// Nothing but space.
    #[error("it is empty; leave the annotation out, or write `[]` to ask for no network")]
    Empty,
    /// Too many networks.
    #[error("it names {0} networks; at most {MAX_NETWORKS} are allowed")]
    Networks(usize),
    /// Begins like JSON and is none.
    #[error("this is not valid JSON: {0}")]
    Json(serde_json::Error),
    /// JSON, but no array.
    #[error("the JSON form is an array: put `[` and `]` around it")]
    NotArray,
    /// An element of the array is no object.
    #[error("a network is a JSON object such as {{\"name\": \"lan\"}}, not {0}")]
    NotObject(&'static str),
    /// Nothing between two separators.
    #[error("a network is missing here: a separator too many, or a name too few")]
    NoNetwork,
    /// A comma where a semicolon belongs.
    #[error(
        "`{0}` names several networks; where one of a list has options, all are separated by `;`, none by `,`"
    )]
    MixedSeparators(Excerpt),
    /// The network's name.
    #[error(transparent)]
    Network(InvalidNetworkName),
    /// The Kubernetes namespace.
    #[error("`{0}` is {InvalidKubernetesNamespace}")]
    Namespace(Excerpt),
    /// The interface's name, by the kernel's rules.
    #[error(transparent)]
    Interface(InvalidIfName),
    /// The interface's name, by ours.
    #[error("`{0}` cannot name an interface here: `,`, `;` and `@` separate things in an annotation")]
    InterfaceSeparator(Excerpt),
    /// Far longer than anything that could be meant.
    #[error("`{0}` is too long")]
    Text(Excerpt),
    /// Not an address.
    #[error("`{0}` is not an IP address; write one such as 192.0.2.5 or 2001:db8::5")]
    Address(Excerpt),
    /// An address with something behind the slash that is no prefix length.
    #[error("`{0}` does not end in a prefix length: a number up to 32 (IPv4) or 128 (IPv6)")]
    PrefixLength(Excerpt),
    /// The same address again.
    #[error("{0} is asked for twice")]
    AddressTwice(IpAddr),
    /// Too many addresses.
    #[error("{0} addresses are asked for; at most {MAX_ADDRESSES} are allowed")]
    Addresses(usize),
    /// Not an Ethernet address.
    #[error(transparent)]
    Mac(InvalidMacAddress),
    /// Not an option of the short form.
    #[error(
        "`{0}` is not an option; there are ip=ADDRESS, mac=ADDRESS and default-route[=GATEWAY|no], \
         separated by `,` (networks are separated by `;`)"
    )]
    Option(Excerpt),
    /// An option without its value.
    #[error("a value is missing: write {0}=ADDRESS")]
    NoValue(&'static str),
    /// Two different things about the default route.
    #[error(
        "more than one thing is said; write `default-route` alone, `default-route=no`, or one gateway of each family"
    )]
    DefaultRoute,
    /// Two gateways for one family.
    #[error("{first} and {second} are both {family}; a default route has one gateway")]
    Gateways {
        /// The family.
        family: Family,
        /// One.
        first: IpAddr,
        /// The other.
        second: IpAddr,
    },
    /// A JSON value of another type.
    #[error("{expected} is needed, not {found}")]
    Type {
        /// What would do.
        expected: &'static str,
        /// What was written.
        found: &'static str,
    },
    /// A key that nobody knows.
    #[error("`{0}` is not a key; there are name, namespace, interface, ips, mac and default-route")]
    Key(Excerpt),
    /// A key, or an option that can be given once, again.
    #[error("it is given twice")]
    Twice,
    /// A key of Multus that macvlan and ipvlan cannot honour.
    #[error("it cannot be honoured: {0}; leave it out")]
    Unsupported(&'static str),
    /// An object without `name`.
    #[error("its `name` is missing")]
    NoName,
    /// Both the key and its old spelling.
    #[error("`interface` is given as well; leave out this old spelling of it")]
    OldSpelling,
    /// Two interfaces of one name.
    #[error("interface `{name}` is asked for by network {first} of the list already")]
    InterfaceTwice {
        /// The name.
        name: IfName,
        /// Number of the network that has it.
        first: usize,
    },
    /// One network twice, and nothing to tell its interfaces by.
    #[error(
        "`{name}` is network {first} of the list already; to have it twice, give each its own interface name: \
         {name}@IFNAME"
    )]
    NetworkTwice {
        /// The name.
        name: NetworkName,
        /// Its first number.
        first: usize,
    },
    /// Two default routes of one family.
    #[error("the {family} default route is asked for by network {first} of the list already")]
    DefaultRouteTwice {
        /// The family.
        family: Family,
        /// Number of the network that asked for it.
        first: usize,
    },
}

/// A text of the annotation as messages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(String);

impl Mistakes {
    /// One message each.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.told.iter()
    }

    pub(super) fn note(&mut self, place: Place, fault: Fault) {
        if self.told.len() < MAX_TOLD {
            self.told.push(Mistake { place, fault });
        } else {
            self.untold += 1;
        }
    }

    /// The value, if there is one; else the fault is noted.
    pub(super) fn sift<T>(&mut self, place: Place, value: Result<T, Fault>) -> Option<T> {
        value.map_err(|fault| self.note(place, fault)).ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }
}

impl From<Fault> for Mistakes {
    /// A fault of the annotation as a whole.
    fn from(fault: Fault) -> Self {
        Self { told: vec![Mistake { place: Place::default(), fault }], untold: 0 }
    }
}

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, mistake) in self.told.iter().enumerate() {
            let separator = if position == 0 { "" } else { "; " };
            write!(f, "{separator}{mistake}")?;
        }
        if self.untold > 0 {
            write!(f, "; and {} more", self.untold)?;
        }
        Ok(())
    }
}

impl Place {
    pub(super) fn network(number: usize) -> Self {
        Self { network: Some(number), ..Self::default() }
    }

    pub(super) fn key(&self, key: &'static str) -> Self {
        Self { key: Some(key), ..self.clone() }
    }

    pub(super) fn column(&self, column: usize) -> Self {
        Self { column: Some(column), ..self.clone() }
    }
}

impl fmt::Display for Place {
    /// Ends in `: ` unless it is the whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(network) = self.network else { return Ok(()) };
        write!(f, "network {network}")?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        if let Some(key) = self.key {
            write!(f, ", {key}")?;
        }
        f.write_str(": ")
    }
}

impl From<&str> for Excerpt {
    fn from(text: &str) -> Self {
        let mut characters = text.chars();
        let mut shown: String = characters.by_ref().take(MAX_SHOWN).collect();
        if characters.next().is_some() {
            shown.push('…');
        }
        Self(shown)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_text_is_cut_and_cannot_forge_a_line() {
        let text = Excerpt::from("a\nb\u{1b}[0m".repeat(1000).as_str()).to_string();
        assert!(text.starts_with(r"a\nb\u{1b}[0ma\n"), "{text}");
        assert!(text.ends_with('…'));
        assert!(text.chars().count() < 10 * MAX_SHOWN);
    }

    #[test]
    fn of_very_many_mistakes_the_number_is_told() {
        let mut mistakes = Mistakes::default();
        for number in 1..=1000 {
            mistakes.note(Place::network(number), Fault::NoNetwork);
        }
        assert_eq!(mistakes.iter().count(), MAX_TOLD);
        assert!(mistakes.to_string().ends_with("; and 984 more"), "{mistakes}");
    }
}
