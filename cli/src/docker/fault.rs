//! What can be wrong with what was typed.

use thiserror::Error;
use underlay::network::{InvalidNetworkName, file};

/// One thing that was typed and cannot be meant.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An address or range that belongs to a subnet, but to none that was named.
    #[error("{flag} {text}: {}", outside(.subnets))]
    NoSubnet { flag: &'static str, text: String, subnets: Vec<String> },
    /// A second gateway or range for one subnet.
    #[error("{flag} {text}: subnet {subnet} has one already")]
    Second { flag: &'static str, text: String, subnet: String },
    /// Not an address, so it cannot be brought to its subnet.
    #[error("{flag} {text}: not an IP address")]
    Address { flag: &'static str, text: String },
    /// No `=` in it, or nothing in front of it.
    #[error("{flag} {text}: write it as {form}")]
    Form { flag: &'static str, text: String, form: &'static str },
    /// One key twice.
    #[error("{flag} {key}: given twice")]
    Twice { flag: &'static str, key: String },
    /// An option that no driver has. Docker accepts these silently.
    #[error("-o {key}: unknown option; there are {}", .known.join(", "))]
    UnknownOption { key: String, known: Vec<&'static str> },
    /// An option of the other driver.
    #[error("-o {key}: not an option of driver {driver}; leave it out, or take the other driver")]
    OtherDriver { key: &'static str, driver: String },
    /// Not a number.
    #[error("-o {key}={text}: not a number of bytes")]
    Number { key: &'static str, text: String },
    /// Not a number either.
    #[error("{flag} {text}: not a whole number")]
    NoNumber { flag: &'static str, text: String },
    /// No name.
    #[error(transparent)]
    Name(#[from] InvalidNetworkName),
    /// Not a route.
    #[error(
        "--route \"{0}\": write it as \"DEST via GATEWAY [metric N]\", \"DEST [metric N]\" or \"blackhole DEST\""
    )]
    Route(String),
    /// A word of Docker's that has no meaning here.
    #[error("{word}: {why}")]
    Foreign { word: String, why: &'static str },
    /// The words make a definition that is wrong.
    #[error("{flag}: {fault}")]
    Definition {
        /// The word that the place in the definition comes from.
        flag: String,
        fault: file::Fault,
    },
}

impl From<file::Mistake> for Fault {
    fn from(mistake: file::Mistake) -> Self {
        let flag = match &mistake.fault {
            // One key of the definition, two words of Docker's.
            file::Fault::Word { what: "macvlan modes", .. } => "-o macvlan_mode".to_owned(),
            file::Fault::Word { what: "ipvlan modes", .. } => "-o ipvlan_mode".to_owned(),
            _ => flag(&mistake.place),
        };
        Self::Definition { flag, fault: mistake.fault }
    }
}

fn outside(subnets: &[String]) -> String {
    if subnets.is_empty() {
        return "there is no subnet that could hold it; name its subnet with --subnet".to_owned();
    }
    format!("in none of the subnets ({}); name its subnet with --subnet", subnets.join(", "))
}

/// The word that a key of the definition comes from.
fn flag(place: &str) -> String {
    let keys: Vec<_> = place.split('.').map(|key| key.split('[').next().unwrap_or(key)).collect();
    let flag = match keys.as_slice() {
        ["driver"] => "--driver",
        ["parent"] => "-o parent",
        ["vlan"] => "--vlan",
        ["parent_wait"] => "--parent-wait",
        ["mode"] => "-o mode",
        ["flag"] => "-o ipvlan_flag",
        ["mtu"] => "--mtu",
        ["metric"] => "--metric",
        ["subnets", "subnet"] => "--subnet",
        ["subnets", "gateway"] => "--gateway",
        ["subnets", "ip_range"] => "--ip-range",
        ["subnets", "aux_addresses", ..] => "--aux-address",
        ["routes", ..] => "--route",
        ["dns", "search"] => "--dns-search",
        ["dns", ..] => "--dns",
        ["access", "kubernetes_namespaces"] => "--kubernetes-namespace",
        ["access", "passthru"] => "--no-passthru",
        ["labels", ..] => "--label",
        _ => place,
    };
    flag.to_owned()
}
