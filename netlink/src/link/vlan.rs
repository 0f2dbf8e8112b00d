//! 802.1Q sub-interfaces (`net/8021q/vlan_netlink.c`).

use rtnetlink::{
    LinkVlan,
    packet_route::link::{LinkMessage, VlanProtocol},
};

use crate::{
    attribute::{attributes, number_u16},
    link::Kind,
};

pub(super) const DRIVER: &str = "vlan";
/// The one driver whose module has another name.
pub(super) const MODULE: &str = "8021q";
/// `IFLA_VLAN_ID`.
const ID: u16 = 1;
/// `IFLA_VLAN_PROTOCOL`: an Ethernet type in network byte order.
const PROTOCOL: u16 = 5;
/// `ETH_P_8021Q`.
const DOT1Q: u16 = 0x8100;

pub(super) fn message(name: &str, parent: u32, id: u16) -> LinkMessage {
    LinkVlan::new(name, parent, id).protocol(VlanProtocol::Ieee8021Q).build()
}

/// Reads `IFLA_INFO_DATA`; none without an identifier or for another protocol than 802.1Q.
pub(super) fn kind(data: &[u8]) -> Option<Kind> {
    let (mut id, mut protocol) = (None, DOT1Q);
    for (kind, value) in attributes(data) {
        match kind {
            ID => id = number_u16(value),
            PROTOCOL => protocol = u16::from_be(number_u16(value)?),
            _ => {}
        }
    }
    id.filter(|_| protocol == DOT1Q).map(Kind::Vlan)
}
