//! Networks that podman, CNI and Docker know become definitions as a file of ours would have them.
//!
//! Only the translation is done here. What has no counterpart is noted, one line a thing; whether the
//! definition is right is for its reader to say, which sees files and command lines alike.

mod cni;
mod definition;
mod docker;
mod fault;
mod object;
mod podman;
#[cfg(test)]
mod tests;

use clap::ValueEnum;
use serde_json::Value;
use underlay::network::{Checked, file};

use definition::Definition;
pub(crate) use fault::Fault;
use fault::Trouble;
use object::{Findings, Object};

/// Whose words a network is described in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Origin {
    /// A file of /etc/containers/networks, or `podman network inspect`
    Podman,
    /// A .conflist or .conf of /etc/cni/net.d
    Cni,
    /// `docker network inspect`
    Docker,
}

/// A network that can be used here.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) checked: Checked,
    /// What is not as it was, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// Reads all networks of a text; whose words they are is found out unless it is said. `is_link` tells which
/// links the host has.
pub(crate) fn read(
    text: &[u8],
    origin: Option<Origin>,
    is_link: &dyn Fn(&str) -> bool,
) -> Result<Vec<Imported>, Vec<Fault>> {
    let networks = match serde_json::from_slice(text) {
        Ok(Value::Array(networks)) => networks,
        Ok(network) => vec![network],
        Err(source) => return Err(vec![Fault::Syntax(source)]),
    };
    if networks.is_empty() {
        return Err(vec![Fault::Empty]);
    }
    let (mut imported, mut faults) = (Vec::new(), Vec::new());
    for network in networks {
        match one(network, origin, is_link) {
            Ok(network) => imported.push(network),
            Err(own) => faults.extend(own),
        }
    }
    if faults.is_empty() { Ok(imported) } else { Err(faults) }
}

fn one(
    network: Value,
    origin: Option<Origin>,
    is_link: &dyn Fn(&str) -> bool,
) -> Result<Imported, Vec<Fault>> {
    let Some(origin) = origin.or_else(|| Origin::of(&network)) else { return Err(vec![Fault::Origin]) };
    let Value::Object(fields) = network else { return Err(vec![Fault::Origin]) };
    let mut findings = Findings::default();
    let network = Object::new(fields);
    let definition = match origin {
        Origin::Podman => podman::definition(network, &mut findings),
        Origin::Cni => cni::definition(network, &mut findings),
        Origin::Docker => docker::definition(network, is_link, &mut findings),
    };
    check(definition, findings)
}

fn check(definition: Definition, findings: Findings) -> Result<Imported, Vec<Fault>> {
    let Findings { mut notes, troubles } = findings;
    let word = definition.name().to_owned();
    let wrong = |trouble| Fault::Network { network: word.clone(), trouble };
    let name = match word.parse() {
        Ok(name) if troubles.is_empty() => name,
        Ok(_) => return Err(troubles.into_iter().map(wrong).collect()),
        Err(source) => return Err(troubles.into_iter().chain([Trouble::Name(source)]).map(wrong).collect()),
    };
    match file::parse(definition.text().as_bytes(), &name) {
        Ok(checked) => {
            notes.extend(checked.warnings.iter().map(ToString::to_string));
            Ok(Imported { checked, notes })
        }
        Err(mistakes) => Err(mistakes.into_iter().map(Trouble::Definition).map(wrong).collect()),
    }
}

impl Origin {
    /// Docker writes its keys with capitals; of the other two, CNI alone speaks of plugins.
    fn of(network: &Value) -> Option<Self> {
        let has = |key: &str| network.get(key).is_some();
        if has("Driver") {
            Some(Self::Docker)
        } else if has("plugins") || has("cniVersion") || has("type") {
            Some(Self::Cni)
        } else if has("driver") {
            Some(Self::Podman)
        } else {
            None
        }
    }
}
