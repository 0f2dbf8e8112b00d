//! ipvlan (Documentation/networking/ipvlan.rst): links that share their parent's MAC address.

use rtnetlink::{
    LinkIpVlan,
    packet_route::link::{IpVlanFlags, IpVlanMode, LinkMessage},
};

use crate::{
    attribute::{attributes, number_u16},
    link::Kind,
};

pub(super) const DRIVER: &str = "ipvlan";
/// `IFLA_IPVLAN_MODE`.
const MODE: u16 = 1;
/// `IFLA_IPVLAN_FLAGS`.
const FLAGS: u16 = 2;

/// Where the parent hands over: `IPVLAN_MODE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpvlanMode {
    /// Frames; broadcast and ARP work.
    L2,
    /// Packets; no broadcast, no ARP.
    L3,
    /// Packets, and the host's netfilter sees them.
    L3s,
}

/// Who reaches whom on one parent: `IPVLAN_F_*`, of which none is bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpvlanFlag {
    /// Links of one parent reach each other directly.
    Bridge,
    /// Links of one parent do not reach each other.
    Private,
    /// Everything goes out.
    Vepa,
}

pub(super) fn message(name: &str, parent: u32, mode: IpvlanMode, flag: IpvlanFlag) -> LinkMessage {
    let mode = match mode {
        IpvlanMode::L2 => IpVlanMode::L2,
        IpvlanMode::L3 => IpVlanMode::L3,
        IpvlanMode::L3s => IpVlanMode::L3S,
    };
    let flags = match flag {
        IpvlanFlag::Bridge => IpVlanFlags::empty(),
        IpvlanFlag::Private => IpVlanFlags::Private,
        IpvlanFlag::Vepa => IpVlanFlags::Vepa,
    };
    LinkIpVlan::new(name, parent, mode).flag(flags).build()
}

/// Reads `IFLA_INFO_DATA`; none if mode or flag is not one of ours.
pub(super) fn kind(data: &[u8]) -> Option<Kind> {
    let (mut mode, mut flags) = (None, 0);
    for (kind, value) in attributes(data) {
        match kind {
            MODE => mode = number_u16(value),
            FLAGS => flags = number_u16(value)?,
            _ => {}
        }
    }
    let mode = match mode? {
        0 => IpvlanMode::L2,
        1 => IpvlanMode::L3,
        2 => IpvlanMode::L3s,
        _ => return None,
    };
    let flag = match flags {
        0 => IpvlanFlag::Bridge,
        1 => IpvlanFlag::Private,
        2 => IpvlanFlag::Vepa,
        _ => return None,
    };
    Some(Kind::Ipvlan(mode, flag))
}
