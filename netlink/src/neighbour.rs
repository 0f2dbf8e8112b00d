//! Neighbours of a link, found by ARP or neighbour discovery (`net/core/neighbour.c`).

use std::net::IpAddr;

use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_REPLACE},
    packet_route::{
        AddressFamily,
        neighbour::{
            NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourHeader, NeighbourMessage,
            NeighbourState,
        },
    },
};

use crate::{
    error::{Error, Result},
    socket::Socket,
};

/// What the kernel knows of a neighbour's Ethernet address: its `NUD_*` states, as far as they differ here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbour {
    /// It is being asked and has not answered so far.
    Asked,
    /// It has answered in the last half minute or so.
    Answers,
    /// It answered some time ago.
    Known,
    /// It did not answer.
    Silent,
    /// Nobody is asked: an administrator wrote the address down, or the link needs none.
    Fixed,
}

impl Socket {
    /// What is known of a neighbour; none if it was never asked for, or is forgotten.
    pub fn neighbour(&self, link: u32, address: IpAddr) -> Result<Option<Neighbour>> {
        let operation = format_args!("look for neighbour {address} of link {link}");
        let answer = match self.ask(operation, libc::RTM_GETNEIGH, &message(link, address)) {
            Err(error) if error.is_missing() => return Ok(None),
            answer => answer?,
        };
        let header = NeighbourHeader::parse(&answer).ok();
        header.map(|header| Some(read(header.state))).ok_or_else(|| Error::Malformed {
            operation: operation.to_string(),
            what: "it is too short for a neighbour",
        })
    }

    /// Has the kernel ask a neighbour for its Ethernet address and returns at once; [`Socket::neighbour`]
    /// tells what comes of it. Neither a route nor an address of our own is needed: ARP asks with any address
    /// there is, even none.
    pub fn ask_neighbour(&self, link: u32, address: IpAddr) -> Result<()> {
        let mut ask = message(link, address);
        let known = self.neighbour(link, address)?;
        let flags = if matches!(known, Some(Neighbour::Answers | Neighbour::Known)) {
            // Asked again whether the address still is right.
            ask.header.state = NeighbourState::Probe;
            NLM_F_REPLACE
        } else {
            // The kernel behaves as if a packet were to be sent there.
            ask.header.flags = NeighbourFlags::Use;
            NLM_F_CREATE
        };
        self.request(format_args!("ask neighbour {address} of link {link}"), libc::RTM_NEWNEIGH, &ask, flags)
            .map(drop)
    }

    /// Forgets a neighbour. That it is not known is no error.
    pub fn forget_neighbour(&self, link: u32, address: IpAddr) -> Result<()> {
        let operation = format_args!("forget neighbour {address} of link {link}");
        match self.request(operation, libc::RTM_DELNEIGH, &message(link, address), 0) {
            Err(error) if !error.is_missing() => Err(error),
            _ => Ok(()),
        }
    }
}

fn message(link: u32, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.ifindex = link;
    let (family, destination) = match address {
        IpAddr::V4(v4) => (AddressFamily::Inet, NeighbourAddress::Inet(v4)),
        IpAddr::V6(v6) => (AddressFamily::Inet6, NeighbourAddress::Inet6(v6)),
    };
    message.header.family = family;
    message.attributes.push(NeighbourAttribute::Destination(destination));
    message
}

fn read(state: NeighbourState) -> Neighbour {
    match state {
        NeighbourState::Reachable => Neighbour::Answers,
        NeighbourState::Stale | NeighbourState::Delay => Neighbour::Known,
        NeighbourState::Failed => Neighbour::Silent,
        NeighbourState::Noarp | NeighbourState::Permanent => Neighbour::Fixed,
        // Incomplete or probed; or just made, with the first question still to come.
        _ => Neighbour::Asked,
    }
}

#[cfg(test)]
mod tests {
    use rtnetlink::packet_core::Emitable;

    use super::*;

    #[test]
    fn a_neighbour_is_named_by_link_family_and_address() {
        for (address, family, length) in [("10.0.0.1", 2, 12 + 8), ("2001:db8::1", 10, 12 + 20)] {
            let message = message(7, address.parse().unwrap());
            let mut bytes = vec![0; message.buffer_len()];
            message.emit(&mut bytes);
            assert_eq!((bytes[0], bytes[4], bytes.len()), (family, 7, length));
        }
    }

    #[test]
    fn who_was_never_asked_for_is_not_known() {
        let socket = Socket::open().unwrap();
        assert_eq!(socket.neighbour(1, "192.0.2.77".parse().unwrap()).unwrap(), None);
    }
}
