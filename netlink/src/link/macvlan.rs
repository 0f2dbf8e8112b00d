//! macvlan (drivers/net/macvlan.c): links with a MAC address of their own on one parent.

use rtnetlink::{
    LinkMacVlan,
    packet_route::link::{LinkMessage, MacVlanMode},
};

use crate::{
    attribute::{attributes, number_u32},
    link::Kind,
};

pub(super) const DRIVER: &str = "macvlan";
/// `IFLA_MACVLAN_MODE`.
const MODE: u16 = 1;

/// Who reaches whom on one parent: `MACVLAN_MODE_*` without `source`, which nobody can ask for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacvlanMode {
    /// Links of one parent do not reach each other.
    Private,
    /// Everything goes out; a switch with hairpin forwarding may send it back.
    Vepa,
    /// Links of one parent reach each other directly.
    Bridge,
    /// One link takes the parent over.
    Passthru,
}

pub(super) fn message(name: &str, parent: u32, mode: MacvlanMode) -> LinkMessage {
    let mode = match mode {
        MacvlanMode::Private => MacVlanMode::Private,
        MacvlanMode::Vepa => MacVlanMode::Vepa,
        MacvlanMode::Bridge => MacVlanMode::Bridge,
        MacvlanMode::Passthru => MacVlanMode::Passthrough,
    };
    LinkMacVlan::new(name, parent, mode).build()
}

/// Reads `IFLA_INFO_DATA`; none if the mode is not one of ours.
pub(super) fn kind(data: &[u8]) -> Option<Kind> {
    let mode = attributes(data).find(|(kind, _)| *kind == MODE).and_then(|(_, value)| number_u32(value))?;
    let mode = match mode {
        1 => MacvlanMode::Private,
        2 => MacvlanMode::Vepa,
        4 => MacvlanMode::Bridge,
        8 => MacvlanMode::Passthru,
        _ => return None,
    };
    Some(Kind::Macvlan(mode))
}
