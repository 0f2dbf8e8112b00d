//! From `RTM_NEWLINK` to a [`Link`]: the header and a dozen of its sixty attributes.

use rtnetlink::packet_route::link::{LinkFlags, LinkHeader};

use crate::{
    attribute::{attributes, number_u32, text},
    link::{Kind, Link, dummy, ipvlan, macvlan, vlan},
};

/// `struct ifinfomsg`.
const HEADER_BYTES: usize = 16;

/// `IFLA_*` of `include/uapi/linux/if_link.h`.
const ADDRESS: u16 = 1;
const NAME: u16 = 3;
const MTU: u16 = 4;
const LINK: u16 = 5;
const MASTER: u16 = 10;
const LINKINFO: u16 = 18;
const ALIAS: u16 = 20;
const LINK_NETNSID: u16 = 37;

/// `IFLA_INFO_*`.
const INFO_KIND: u16 = 1;
const INFO_DATA: u16 = 2;

/// Reads a message without its netlink header; none if it has no index or no name.
pub(super) fn link(message: &[u8]) -> Option<Link> {
    let header = LinkHeader::parse(message).ok()?;
    let mut link = Link {
        index: header.index,
        name: String::new(),
        up: header.flags.contains(LinkFlags::Up),
        loopback: header.flags.contains(LinkFlags::Loopback),
        carrier: header.flags.contains(LinkFlags::LowerUp),
        mtu: 0,
        mac: None,
        parent: None,
        parent_elsewhere: false,
        master: None,
        alias: None,
        kind: Kind::None,
    };
    for (kind, value) in attributes(message.get(HEADER_BYTES..)?) {
        match kind {
            ADDRESS => link.mac = value.try_into().ok(),
            NAME => link.name = text(value),
            MTU => link.mtu = number_u32(value)?,
            LINK => link.parent = number_u32(value),
            MASTER => link.master = number_u32(value),
            ALIAS => link.alias = Some(text(value)),
            LINK_NETNSID => link.parent_elsewhere = true,
            LINKINFO => link.kind = kind_of(value),
            _ => {}
        }
    }
    (link.index != 0 && !link.name.is_empty()).then_some(link)
}

fn kind_of(info: &[u8]) -> Kind {
    let (mut driver, mut data) = (String::new(), [].as_slice());
    for (kind, value) in attributes(info) {
        match kind {
            INFO_KIND => driver = text(value),
            INFO_DATA => data = value,
            _ => {}
        }
    }
    let known = match driver.as_str() {
        // A port of a bridge has port data here and no driver of its own.
        "" => Some(Kind::None),
        macvlan::DRIVER => macvlan::kind(data),
        ipvlan::DRIVER => ipvlan::kind(data),
        vlan::DRIVER => vlan::kind(data),
        dummy::DRIVER => Some(Kind::Dummy),
        _ => None,
    };
    known.unwrap_or(Kind::Other(driver))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use rtnetlink::{
        LinkMessageBuilder, LinkUnspec,
        packet_core::Emitable,
        packet_route::link::{
            InfoData, InfoKind, InfoMacVlan, InfoVlan, LinkAttribute, LinkInfo, LinkMessage, MacVlanMode,
            VlanProtocol,
        },
    };

    use super::*;
    use crate::link::{IpvlanFlag, IpvlanMode, MacvlanMode, NewKind};

    fn read(mut message: LinkMessage) -> Link {
        message.header.index = 7;
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        link(&bytes).expect("a link with index and name")
    }

    fn named() -> LinkMessageBuilder<LinkUnspec> {
        LinkUnspec::new_with_name("eth0")
    }

    /// What we ask the kernel for is what we would read if it sent that back.
    #[test]
    fn every_kind_mode_and_flag_is_read_as_it_is_written() {
        let mut kinds = vec![(NewKind::Vlan { parent: 3, id: 4094 }, Kind::Vlan(4094))];
        for mode in [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Bridge, MacvlanMode::Passthru] {
            kinds.push((NewKind::Macvlan { parent: 3, mode }, Kind::Macvlan(mode)));
        }
        for mode in [IpvlanMode::L2, IpvlanMode::L3, IpvlanMode::L3s] {
            for flag in [IpvlanFlag::Bridge, IpvlanFlag::Private, IpvlanFlag::Vepa] {
                kinds.push((NewKind::Ipvlan { parent: 3, mode, flag }, Kind::Ipvlan(mode, flag)));
            }
        }
        for (new, expected) in kinds {
            let link = read(new.message("eth0"));
            assert_eq!((link.kind, link.parent), (expected, Some(3)), "{new:?}");
        }
        let dummy = read(NewKind::Dummy.message("dm-1"));
        assert_eq!((dummy.kind, dummy.parent, dummy.name.as_str()), (Kind::Dummy, None, "dm-1"));
    }

    #[test]
    fn flags_address_alias_and_the_parents_namespace_are_read() {
        let message = named()
            .up()
            .mtu(1400)
            .address(vec![2, 0, 0, 0, 0, 1])
            .alias("underlay:x")
            .link(3)
            .controller(9)
            .append_extra_attribute(LinkAttribute::LinkNetNsId(0))
            .build();
        let expected = Link {
            index: 7,
            name: "eth0".into(),
            up: true,
            loopback: false,
            carrier: false,
            mtu: 1400,
            mac: Some([2, 0, 0, 0, 0, 1]),
            parent: Some(3),
            parent_elsewhere: true,
            master: Some(9),
            alias: Some("underlay:x".into()),
            kind: Kind::None,
        };
        assert_eq!(read(message), expected);
    }

    #[test]
    fn a_mode_or_protocol_that_is_not_ours_is_another_kind() {
        let with = |kind, data| {
            named()
                .append_extra_attribute(LinkAttribute::LinkInfo(vec![
                    LinkInfo::Kind(kind),
                    LinkInfo::Data(data),
                ]))
                .build()
        };
        let source = with(InfoKind::MacVlan, InfoData::MacVlan(vec![InfoMacVlan::Mode(MacVlanMode::Source)]));
        assert_eq!(read(source).kind, Kind::Other("macvlan".into()));
        let outer = vec![InfoVlan::Id(50), InfoVlan::Protocol(VlanProtocol::Ieee8021Ad)];
        assert_eq!(read(with(InfoKind::Vlan, InfoData::Vlan(outer))).kind, Kind::Other("vlan".into()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in vec(any::<u8>(), 0..400), attribute in 0..64_u16) {
            drop(link(&bytes));
            // A header and one attribute of a known type, so that the walk gets further in.
            if let Some(place) = bytes.get_mut(16..20) {
                place.copy_from_slice(&[200, 0, attribute.to_ne_bytes()[0], 0]);
            }
            drop(link(&bytes));
        }
    }

    #[test]
    fn a_message_without_a_name_or_cut_short_is_no_link() {
        let mut bytes = vec![0; 16];
        bytes[4] = 7;
        assert_eq!(link(&bytes), None);
        assert_eq!(link(&bytes[..15]), None);
    }
}
