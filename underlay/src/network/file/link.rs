//! Driver, mode, flag, and the parent that the links hang on.

use std::ops::RangeInclusive;

use plan::{IfName, IpvlanFlag, IpvlanMode, LinkKind, MacvlanMode};

use super::{
    fault::Fault,
    item::{Fields, Findings, Item},
    spelling,
};
use crate::network::{ParentSpec, VlanId};

pub(super) const MACVLAN: &str = "macvlan";
pub(super) const IPVLAN: &str = "ipvlan";

/// Words and values in one table each: read from left to right, printed from right to left.
pub(super) type Words<T> = [(&'static str, T)];

const DRIVERS: &[&str] = &[MACVLAN, IPVLAN];

pub(super) const MACVLAN_MODES: &Words<MacvlanMode> = &[
    ("bridge", MacvlanMode::Bridge),
    ("vepa", MacvlanMode::Vepa),
    ("private", MacvlanMode::Private),
    ("passthru", MacvlanMode::Passthru),
];

pub(super) const IPVLAN_MODES: &Words<IpvlanMode> =
    &[("l2", IpvlanMode::L2), ("l3", IpvlanMode::L3), ("l3s", IpvlanMode::L3s)];

const IPVLAN_FLAGS: &Words<IpvlanFlag> =
    &[("bridge", IpvlanFlag::Bridge), ("private", IpvlanFlag::Private), ("vepa", IpvlanFlag::Vepa)];

/// The parent that is the link of the default route. No link of this name can be named.
pub const AUTO: &str = "auto";

/// IEEE 802.1Q, 9.6.
pub(super) const VLANS: RangeInclusive<u64> = 1..=4094;

/// In seconds. The hook has 20 seconds for all it does, and needs some for what comes after the wait.
pub(super) const WAITS: RangeInclusive<u64> = 1..=15;

/// Reads `driver`, `mode` and `flag`. The defaults are Docker's: macvlan bridge, ipvlan l2 bridge.
pub(super) fn driver(fields: &mut Fields, findings: &mut Findings) -> Option<LinkKind> {
    let (mode, flag) = (fields.take("mode"), fields.take("flag"));
    let Some(driver) = fields.take("driver") else {
        findings.mistake(fields.place("driver"), Fault::Missing("it is macvlan or ipvlan"));
        return None;
    };
    let driver = driver.parse(|text| one_of("drivers", DRIVERS, text), findings)?.value;
    if driver == MACVLAN {
        if let Some(flag) = flag {
            findings.mistake(flag.place, Fault::Unfit("macvlan has no flags; they are ipvlan's"));
        }
        let mode = mode.map_or(Some(MacvlanMode::Bridge), |item| {
            item.parse(|text| word("macvlan modes", MACVLAN_MODES, text), findings).map(|mode| mode.value)
        })?;
        return Some(LinkKind::Macvlan { mode });
    }
    let mode = mode.map_or(Some(IpvlanMode::L2), |item| {
        item.parse(|text| word("ipvlan modes", IPVLAN_MODES, text), findings).map(|mode| mode.value)
    });
    let flag = flag.map_or(Some(IpvlanFlag::Bridge), |item| {
        item.parse(|text| word("ipvlan flags", IPVLAN_FLAGS, text), findings).map(|flag| flag.value)
    });
    Some(LinkKind::Ipvlan { mode: mode?, flag: flag? })
}

/// Reads `parent` and `vlan`.
pub(super) fn parent(fields: &mut Fields, findings: &mut Findings) -> Option<ParentSpec> {
    let vlan = fields.take("vlan");
    let vlan_place = fields.place("vlan");
    let Some(parent) = fields.take("parent") else {
        if vlan.is_some() {
            findings.mistake(vlan_place, Fault::Needs("parent"));
        }
        return Some(ParentSpec::Dummy);
    };
    let parent = parent.parse(named_parent, findings).map(|parent| parent.value);
    let Some(vlan) = vlan else { return parent };
    let vlan = vlan.number(VLANS, findings).and_then(VlanId::new);
    let ParentSpec::Link(parent) = parent? else {
        // Whose sub-interface it is would change with the default route, and nobody would know which one to
        // remove.
        findings.mistake(vlan_place, Fault::Unfit("a VLAN needs a parent by its name, not `auto`"));
        return None;
    };
    Some(ParentSpec::Vlan { parent, vlan: vlan? })
}

/// Reads `parent_wait`, which makes no sense without a parent.
pub(super) fn parent_wait(
    item: Option<Item>,
    parent: Option<&ParentSpec>,
    findings: &mut Findings,
) -> Option<u32> {
    let item = item?;
    if parent == Some(&ParentSpec::Dummy) {
        findings.mistake(&item.place, Fault::Needs("parent"));
    }
    item.number(WAITS, findings)
}

/// All drivers.
pub(super) fn drivers() -> Vec<&'static str> {
    DRIVERS.to_vec()
}

/// The modes of both drivers.
pub(super) fn modes() -> Vec<&'static str> {
    [words_of(MACVLAN_MODES), words_of(IPVLAN_MODES)].concat()
}

/// The flags of ipvlan.
pub(super) fn flags() -> Vec<&'static str> {
    words_of(IPVLAN_FLAGS)
}

/// Driver, mode and flag in the words of a definition; macvlan has no flag.
#[must_use]
pub fn driver_words(driver: LinkKind) -> (&'static str, &'static str, Option<&'static str>) {
    match driver {
        LinkKind::Macvlan { mode } => (MACVLAN, word_of(MACVLAN_MODES, mode), None),
        LinkKind::Ipvlan { mode, flag } => {
            (IPVLAN, word_of(IPVLAN_MODES, mode), Some(word_of(IPVLAN_FLAGS, flag)))
        }
    }
}

/// The word of a value; the tables hold them all.
pub(super) fn word_of<T: Copy + PartialEq>(words: &Words<T>, value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

/// The value of a word, or which words there are.
pub(super) fn word<T: Copy>(what: &'static str, words: &'static Words<T>, text: &str) -> Result<T, Fault> {
    words
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, value)| *value)
        .ok_or_else(|| unknown(what, words_of(words), text))
}

/// All words of a table.
pub(super) fn words_of<T>(words: &Words<T>) -> Vec<&'static str> {
    words.iter().map(|(word, _)| *word).collect()
}

fn one_of(what: &'static str, known: &'static [&'static str], text: &str) -> Result<&'static str, Fault> {
    known.iter().copied().find(|word| *word == text).ok_or_else(|| unknown(what, known.to_vec(), text))
}

fn unknown(what: &'static str, known: Vec<&'static str>, text: &str) -> Fault {
    Fault::Word { word: text.to_owned(), what, near: spelling::nearest(text, &known), known }
}

fn named_parent(text: &str) -> Result<ParentSpec, Fault> {
    match IfName::new(text)? {
        name if name.as_str() == "lo" => Err(Fault::Loopback),
        name if name.as_str() == AUTO => Ok(ParentSpec::DefaultRoute),
        name => Ok(ParentSpec::Link(name)),
    }
}
