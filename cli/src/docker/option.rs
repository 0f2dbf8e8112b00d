//! `-o KEY=VALUE`.

use std::collections::BTreeMap;

use super::Fault;

const PARENT: &str = "parent";
const MACVLAN_MODE: &str = "macvlan_mode";
const IPVLAN_MODE: &str = "ipvlan_mode";
const IPVLAN_FLAG: &str = "ipvlan_flag";
const MTU: &str = "mtu";
/// Docker's own name for it, which its macvlan and ipvlan drivers ignore.
const DOCKER_MTU: &str = "com.docker.network.driver.mtu";

const KNOWN: [&str; 6] = [PARENT, MACVLAN_MODE, IPVLAN_MODE, IPVLAN_FLAG, MTU, DOCKER_MTU];

/// The options under the names that a definition has for them.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) parent: Option<String>,
    pub(super) mode: Option<String>,
    pub(super) flag: Option<String>,
    pub(super) mtu: Option<u64>,
}

impl Options {
    /// Reads the options that were typed with a driver.
    pub(super) fn read(words: &[String], driver: &str, faults: &mut Vec<Fault>) -> Self {
        let mut given = pairs(words, faults);
        let (own_mode, other) = match driver {
            "ipvlan" => (IPVLAN_MODE, vec![MACVLAN_MODE]),
            "macvlan" => (MACVLAN_MODE, vec![IPVLAN_MODE, IPVLAN_FLAG]),
            // The driver itself is wrong, so none of its options is.
            _ => (MACVLAN_MODE, Vec::new()),
        };
        for key in other {
            if given.remove(key).is_some() {
                faults.push(Fault::OtherDriver { key, driver: driver.to_owned() });
            }
        }
        let mtus = [MTU, DOCKER_MTU].map(|key| given.remove(key).and_then(|text| bytes(key, text, faults)));
        if let [Some(_), Some(_)] = mtus {
            faults.push(Fault::Twice { flag: "-o", key: MTU.to_owned() });
        }
        Self {
            parent: given.remove(PARENT).map(str::to_owned),
            mode: given.remove(own_mode).map(str::to_owned),
            flag: given.remove(IPVLAN_FLAG).map(str::to_owned),
            mtu: mtus.into_iter().flatten().next(),
        }
    }
}

fn pairs<'a>(words: &'a [String], faults: &mut Vec<Fault>) -> BTreeMap<&'static str, &'a str> {
    let mut pairs = BTreeMap::new();
    for word in words {
        let Some((key, value)) = word.split_once('=') else {
            faults.push(Fault::Form { flag: "-o", text: word.clone(), form: "KEY=VALUE" });
            continue;
        };
        let Some(known) = KNOWN.into_iter().find(|known| *known == key) else {
            faults.push(Fault::UnknownOption { key: key.to_owned(), known: KNOWN.to_vec() });
            continue;
        };
        if pairs.insert(known, value).is_some() {
            faults.push(Fault::Twice { flag: "-o", key: key.to_owned() });
        }
    }
    pairs
}

fn bytes(key: &'static str, text: &str, faults: &mut Vec<Fault>) -> Option<u64> {
    text.parse().map_err(|_| faults.push(Fault::Number { key, text: text.to_owned() })).ok()
}
