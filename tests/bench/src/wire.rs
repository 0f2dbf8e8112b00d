//! What the floors say to the kernel: the netlink requests of an attach, and nothing that an attach could do
//! without.
//!
//! Without Rust's start-up and without a crate of ours, so that nothing here is faster or slower for what is
//! done there. The link is called eth0.

use std::{ffi::CStr, net::Ipv4Addr};

use libc::c_int;

/// `NLM_F_REQUEST` and `NLM_F_ACK` of `include/uapi/linux/netlink.h`.
pub(crate) const REQUEST: u16 = 0x5;
/// `NLM_F_CREATE` and `NLM_F_EXCL` with these.
const NEW: u16 = REQUEST | 0x600;
pub(crate) const NAME: &[u8] = b"eth0\0";
/// `IFLA_MACVLAN_MODE` and `MACVLAN_MODE_BRIDGE` of `include/uapi/linux/if_link.h`.
const MACVLAN_MODE: u16 = 1;
const BRIDGE: u32 = 4;
/// As the structures of addresses and routes have it: one byte.
const AF_INET: u8 = 2;

/// The interface that a container is to have.
pub(crate) struct Wanted {
    parent: u32,
    mac: Vec<u8>,
    address: [u8; 4],
    prefix: u8,
    gateway: [u8; 4],
}

impl Wanted {
    /// The parent's index, a MAC address, an address and its prefix's length, a gateway.
    pub(crate) fn parse([parent, mac, address, prefix, gateway]: [&str; 5]) -> Option<Self> {
        let ip = |text: &str| text.parse().ok().map(|address: Ipv4Addr| address.octets());
        let mac: Option<Vec<u8>> = mac.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
        Some(Self {
            parent: parent.parse().ok()?,
            mac: mac?,
            address: ip(address)?,
            prefix: prefix.parse().ok()?,
            gateway: ip(gateway)?,
        })
    }

    /// Makes the link from the host's side, up and in its namespace.
    pub(crate) fn make_link(&self, host: c_int, namespace: c_int) -> Option<()> {
        let data = attribute(MACVLAN_MODE, &BRIDGE.to_ne_bytes());
        let info = [attribute(libc::IFLA_INFO_KIND, b"macvlan\0"), attribute(libc::IFLA_INFO_DATA, &data)];
        let body = [
            header(0, libc::IFF_UP.cast_unsigned()),
            attribute(libc::IFLA_IFNAME, NAME),
            attribute(libc::IFLA_LINK, &self.parent.to_ne_bytes()),
            attribute(libc::IFLA_ADDRESS, &self.mac),
            attribute(libc::IFLA_NET_NS_FD, &namespace.to_ne_bytes()),
            attribute(libc::IFLA_LINKINFO, &info.concat()),
        ];
        exchange(host, &[message(libc::RTM_NEWLINK, NEW, &body.concat())])
    }

    /// Gives it address and default route from inside.
    pub(crate) fn configure(&self, inside: c_int) -> Option<()> {
        let index = index(inside)?;
        exchange(inside, &[self.new_address(index), self.new_route(index)])
    }

    /// After `struct ifaddrmsg`, the address as the link's own and as its network's.
    fn new_address(&self, index: u32) -> Vec<u8> {
        let body = [
            vec![AF_INET, self.prefix, 0, 0],
            index.to_ne_bytes().to_vec(),
            attribute(libc::IFA_LOCAL, &self.address),
            attribute(libc::IFA_ADDRESS, &self.address),
        ];
        message(libc::RTM_NEWADDR, NEW, &body.concat())
    }

    /// After `struct rtmsg`, the gateway and the link.
    fn new_route(&self, index: u32) -> Vec<u8> {
        let body = [
            vec![AF_INET, 0, 0, 0, libc::RT_TABLE_MAIN, libc::RTPROT_STATIC, libc::RT_SCOPE_UNIVERSE],
            vec![libc::RTN_UNICAST, 0, 0, 0, 0],
            attribute(libc::RTA_GATEWAY, &self.gateway),
            attribute(libc::RTA_OIF, &index.to_ne_bytes()),
        ];
        message(libc::RTM_NEWROUTE, NEW, &body.concat())
    }
}

/// `struct ifinfomsg`.
pub(crate) fn header(index: u32, flags: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), flags.to_ne_bytes()].concat()
}

/// `struct nlmsghdr` and what follows it.
pub(crate) fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap_or_default();
    [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 8], body].concat()
}

pub(crate) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or_default();
    let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Sends the requests at once, and reads an acknowledgement of each.
pub(crate) fn exchange(socket: c_int, requests: &[Vec<u8>]) -> Option<()> {
    let bytes = requests.concat();
    // SAFETY: the kernel reads as many bytes as there are.
    let sent = unsafe { libc::send(socket, bytes.as_ptr().cast(), bytes.len(), 0) };
    usize::try_from(sent).ok()?;
    for _ in requests {
        let mut answer = [0_u8; 1024];
        // SAFETY: the kernel writes at most as many bytes as there are.
        let read = unsafe { libc::recv(socket, answer.as_mut_ptr().cast(), answer.len(), 0) };
        usize::try_from(read).ok().filter(|read| *read >= 20)?;
        // After the header, `struct nlmsgerr` begins with the error's number.
        if answer.get(16..20)? != [0; 4] {
            return None;
        }
    }
    Some(())
}

pub(crate) fn socket() -> Option<c_int> {
    // SAFETY: three numbers.
    check(unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) })
}

pub(crate) fn open(path: &CStr) -> Option<c_int> {
    // SAFETY: a text that ends with a zero byte.
    check(unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) })
}

pub(crate) fn enter(namespace: c_int) -> Option<()> {
    // SAFETY: two numbers.
    check(unsafe { libc::setns(namespace, libc::CLONE_NEWNET) }).map(drop)
}

/// An address is leased by a symbolic link.
pub(crate) fn lease(path: &CStr) -> Option<()> {
    // SAFETY: both are texts that end with a zero byte.
    check(unsafe { libc::symlink(c"floor".as_ptr(), path.as_ptr()) }).map(drop)
}

pub(crate) fn check(result: c_int) -> Option<c_int> {
    (result >= 0).then_some(result)
}

fn index(socket: c_int) -> Option<u32> {
    let mut request = [0_u8; size_of::<libc::ifreq>()];
    request.get_mut(..NAME.len())?.copy_from_slice(NAME);
    // SAFETY: SIOCGIFINDEX reads and writes a `struct ifreq`, which is as long as this.
    check(unsafe { libc::ioctl(socket, libc::SIOCGIFINDEX as _, request.as_mut_ptr()) })?;
    request.get(16..20)?.try_into().ok().map(u32::from_ne_bytes)
}
