//! IP addresses of links.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;
use rtnetlink::{
    AddressMessageBuilder,
    packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL},
    packet_route::address::{AddressAttribute, AddressHeader, AddressHeaderFlags, AddressMessage},
};

use crate::{attribute::attributes, error::Result, socket::Socket};

/// `struct ifaddrmsg`.
const HEADER_BYTES: usize = 8;
/// `IFA_ADDRESS`: of a point-to-point link the other end's address.
const ADDRESS: u16 = 1;
/// `IFA_LOCAL`: the link's own address, if it differs from `IFA_ADDRESS`; in IPv4 always there.
const LOCAL: u16 = 2;
/// `IFA_TARGET_NETNSID` (Linux 4.20): whose addresses are meant.
const TARGET_NETNSID: u16 = 10;

impl Socket {
    /// The addresses of a link, IPv4 first, with the prefix lengths that the kernel has for them. Empty if
    /// there is no such link.
    pub fn addresses(&self, index: u32) -> Result<Vec<IpNetwork>> {
        self.dump_addresses(index, None)
    }

    /// The addresses of a link of another namespace, by the number of the namespace as in
    /// [`Socket::link_in`]. Empty if there is no such link or namespace.
    pub fn addresses_in(&self, nsid: i32, index: u32) -> Result<Vec<IpNetwork>> {
        self.dump_addresses(index, Some(nsid))
    }

    /// All addresses of another namespace, each with the index of its link. Empty if there is no such
    /// namespace.
    pub fn all_addresses_in(&self, nsid: i32) -> Result<Vec<(u32, IpNetwork)>> {
        Ok(self.address_messages(0, Some(nsid))?.iter().filter_map(|entry| any_address(entry)).collect())
    }

    fn dump_addresses(&self, index: u32, nsid: Option<i32>) -> Result<Vec<IpNetwork>> {
        // A protocol without strict checking lists all links' addresses.
        let entries = self.address_messages(index, nsid)?;
        Ok(entries.iter().filter_map(|entry| address(entry, index)).collect())
    }

    /// Index 0 means all links.
    fn address_messages(&self, index: u32, nsid: Option<i32>) -> Result<Vec<Vec<u8>>> {
        let mut message = AddressMessage::default();
        message.header.index = index;
        if let Some(nsid) = nsid {
            let target = DefaultNla::new(TARGET_NETNSID, nsid.to_ne_bytes().to_vec());
            message.attributes.push(AddressAttribute::Other(target));
        }
        let operation = format_args!("list the addresses of link {index}");
        match self.dump(operation, libc::RTM_GETADDR, &message) {
            Err(error) if error.is_missing() => Ok(Vec::new()),
            Err(error) if nsid.is_some() && error.is_unknown_namespace() => Ok(Vec::new()),
            entries => entries,
        }
    }

    /// Adds an address. IPv4 comes with its broadcast address, except in a /31 or /32, which have none (RFC
    /// 3021). IPv6 is usable at once: who handed the address out vouches that it is the only one.
    pub fn add_address(&self, index: u32, address: IpNetwork) -> Result<()> {
        self.request(
            format_args!("add address {address} to link {index}"),
            libc::RTM_NEWADDR,
            &new_address(index, address),
            NLM_F_CREATE | NLM_F_EXCL,
        )
        .map(drop)
    }
}

fn new_address(index: u32, address: IpNetwork) -> AddressMessage {
    match address {
        IpNetwork::V4(v4) => {
            AddressMessageBuilder::<Ipv4Addr>::new().index(index).address(v4.ip(), v4.prefix()).build()
        }
        IpNetwork::V6(v6) => {
            let mut message =
                AddressMessageBuilder::<Ipv6Addr>::new().index(index).address(v6.ip(), v6.prefix()).build();
            message.header.flags = AddressHeaderFlags::Nodad;
            message
        }
    }
}

/// Reads an `RTM_NEWADDR` of the link `index`.
fn address(message: &[u8], index: u32) -> Option<IpNetwork> {
    any_address(message).filter(|(found, _)| *found == index).map(|(_, address)| address)
}

/// Reads an `RTM_NEWADDR`: whose it is, and the address.
fn any_address(message: &[u8]) -> Option<(u32, IpNetwork)> {
    let header = AddressHeader::parse(message).ok()?;
    let (mut address, mut local) = (None, None);
    for (kind, value) in attributes(message.get(HEADER_BYTES..)?) {
        match kind {
            ADDRESS => address = ip(value),
            LOCAL => local = ip(value),
            _ => {}
        }
    }
    Some((header.index, IpNetwork::new(local.or(address)?, header.prefix_len).ok()?))
}

fn ip(value: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(value) {
        return Some(v4.into());
    }
    <[u8; 16]>::try_from(value).ok().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use rtnetlink::packet_core::Emitable;

    use super::*;

    fn bytes(message: &AddressMessage) -> Vec<u8> {
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        bytes
    }

    fn broadcast(address: &str) -> Option<Ipv4Addr> {
        new_address(2, address.parse().unwrap()).attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Broadcast(broadcast) => Some(*broadcast),
            _ => None,
        })
    }

    #[test]
    fn what_is_written_is_read_back_for_its_own_link_alone() {
        for text in ["192.168.50.2/24", "10.0.0.1/31", "2001:db8::1/64"] {
            let network: IpNetwork = text.parse().unwrap();
            let message = bytes(&new_address(2, network));
            assert_eq!(address(&message, 2), Some(network));
            assert_eq!(address(&message, 3), None);
        }
    }

    #[test]
    fn ipv4_has_a_broadcast_address_unless_its_subnet_has_none() {
        assert_eq!(broadcast("192.168.50.2/24"), Some(Ipv4Addr::new(192, 168, 50, 255)));
        assert_eq!(broadcast("10.0.0.1/31"), None);
        assert_eq!(broadcast("10.0.0.1/32"), None);
    }

    #[test]
    fn ipv6_skips_duplicate_address_detection() {
        let message = new_address(2, "2001:db8::1/64".parse().unwrap());
        assert_eq!(message.header.flags, AddressHeaderFlags::Nodad);
    }

    #[test]
    fn of_a_point_to_point_link_the_local_end_counts() {
        let mut message = AddressMessage::default();
        message.header.index = 2;
        message.header.prefix_len = 32;
        message.attributes = vec![
            AddressAttribute::Address([10, 0, 0, 9].into()),
            AddressAttribute::Local([10, 0, 0, 1].into()),
        ];
        assert_eq!(address(&bytes(&message), 2), Some("10.0.0.1/32".parse().unwrap()));
    }
}
