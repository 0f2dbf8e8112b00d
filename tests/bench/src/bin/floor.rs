//! The floor: an attach and a detach with nothing around them that could be left out.
//!
//!     floor attach NAMESPACE PARENT-INDEX MAC ADDRESS PREFIX GATEWAY LEASE
//!     floor detach NAMESPACE LEASE
//!
//! One process, no look-up, no check, no record: the netlink requests, and one symbolic link as the lease.
//! The link is called eth0. Without Rust's start-up and without a crate of ours, so that nothing here is
//! faster or slower for what is done there.

#![no_main]
#![expect(unsafe_code, reason = "system calls, and the C library's entry, as a C program would have them")]

use std::ffi::{CStr, c_char, c_int};

/// `NLM_F_REQUEST` and `NLM_F_ACK` of `include/uapi/linux/netlink.h`.
const REQUEST: u16 = 0x5;
/// `NLM_F_CREATE` and `NLM_F_EXCL` with these.
const NEW: u16 = REQUEST | 0x600;
const NAME: &[u8] = b"eth0\0";
/// `IFLA_MACVLAN_MODE` and `MACVLAN_MODE_BRIDGE` of `include/uapi/linux/if_link.h`.
const MACVLAN_MODE: u16 = 1;
const BRIDGE: u32 = 4;

/// What the C library calls.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, words: *const *const c_char) -> c_int {
    let count = usize::try_from(count).unwrap_or_default();
    // SAFETY: the C library passes as many pointers as it says, each to a text that ends with a zero byte.
    let words: Vec<&CStr> = unsafe {
        std::slice::from_raw_parts(words, count).iter().map(|word| CStr::from_ptr(*word)).collect()
    };
    let done = match words.as_slice() {
        [_, verb, namespace, parent, mac, address, prefix, gateway, lease]
            if verb.to_bytes() == b"attach" =>
        {
            attach(namespace, parent, mac, [address, gateway], prefix, lease)
        }
        [_, verb, namespace, lease] if verb.to_bytes() == b"detach" => detach(namespace, lease),
        _ => None,
    };
    c_int::from(done.is_none())
}

fn attach(
    namespace: &CStr,
    parent: &CStr,
    mac: &CStr,
    [address, gateway]: [&CStr; 2],
    prefix: &CStr,
    lease: &CStr,
) -> Option<()> {
    let (address, gateway) = (ip(address)?, ip(gateway)?);
    // SAFETY: both are texts that end with a zero byte.
    check(unsafe { libc::symlink(c"floor".as_ptr(), lease.as_ptr()) })?;
    let namespace = open(namespace)?;
    let host = socket()?;
    let link = new_link(number(parent)?, &hardware(mac)?, namespace);
    exchange(host, &[link])?;
    enter(namespace)?;
    let inside = socket()?;
    let index = index(inside)?;
    exchange(inside, &[new_address(index, address, number(prefix)?), new_route(index, gateway)])
}

fn detach(namespace: &CStr, lease: &CStr) -> Option<()> {
    enter(open(namespace)?)?;
    let body = [&header(0, 0)[..], &attribute(libc::IFLA_IFNAME, NAME)].concat();
    exchange(socket()?, &[message(libc::RTM_DELLINK, REQUEST, &body)])?;
    // SAFETY: a text that ends with a zero byte.
    check(unsafe { libc::unlink(lease.as_ptr()) }).map(drop)
}

fn new_link(parent: u32, mac: &[u8], namespace: c_int) -> Vec<u8> {
    let data = attribute(MACVLAN_MODE, &BRIDGE.to_ne_bytes());
    let info = [attribute(libc::IFLA_INFO_KIND, b"macvlan\0"), attribute(libc::IFLA_INFO_DATA, &data)];
    let up = libc::IFF_UP.cast_unsigned();
    let body = [
        header(0, up),
        attribute(libc::IFLA_IFNAME, NAME),
        attribute(libc::IFLA_LINK, &parent.to_ne_bytes()),
        attribute(libc::IFLA_ADDRESS, mac),
        attribute(libc::IFLA_NET_NS_FD, &namespace.to_ne_bytes()),
        attribute(libc::IFLA_LINKINFO, &info.concat()),
    ];
    message(libc::RTM_NEWLINK, NEW, &body.concat())
}

/// `struct ifinfomsg`.
fn header(index: u32, flags: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), flags.to_ne_bytes()].concat()
}

/// After `struct ifaddrmsg`, the address as the link's own and as its network's.
fn new_address(index: u32, address: [u8; 4], prefix: u32) -> Vec<u8> {
    let [length, ..] = prefix.to_le_bytes();
    let body = [
        vec![AF_INET, length, 0, 0],
        index.to_ne_bytes().to_vec(),
        attribute(libc::IFA_LOCAL, &address),
        attribute(libc::IFA_ADDRESS, &address),
    ];
    message(libc::RTM_NEWADDR, NEW, &body.concat())
}

/// After `struct rtmsg`, the gateway and the link.
fn new_route(index: u32, gateway: [u8; 4]) -> Vec<u8> {
    let body = [
        vec![AF_INET, 0, 0, 0, libc::RT_TABLE_MAIN, libc::RTPROT_STATIC, libc::RT_SCOPE_UNIVERSE],
        vec![libc::RTN_UNICAST, 0, 0, 0, 0],
        attribute(libc::RTA_GATEWAY, &gateway),
        attribute(libc::RTA_OIF, &index.to_ne_bytes()),
    ];
    message(libc::RTM_NEWROUTE, NEW, &body.concat())
}

/// As these structures have it: one byte.
const AF_INET: u8 = 2;

/// `struct nlmsghdr` and what follows it.
fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap_or_default();
    [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 8], body].concat()
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or_default();
    let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Sends the requests at once, and reads an acknowledgement of each.
fn exchange(socket: c_int, requests: &[Vec<u8>]) -> Option<()> {
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

fn socket() -> Option<c_int> {
    // SAFETY: three numbers.
    check(unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) })
}

fn open(path: &CStr) -> Option<c_int> {
    // SAFETY: a text that ends with a zero byte.
    check(unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) })
}

fn enter(namespace: c_int) -> Option<()> {
    // SAFETY: two numbers.
    check(unsafe { libc::setns(namespace, libc::CLONE_NEWNET) }).map(drop)
}

fn index(socket: c_int) -> Option<u32> {
    let mut request = [0_u8; size_of::<libc::ifreq>()];
    request.get_mut(..NAME.len())?.copy_from_slice(NAME);
    // SAFETY: SIOCGIFINDEX reads and writes a `struct ifreq`, which is as long as this.
    check(unsafe { libc::ioctl(socket, libc::SIOCGIFINDEX as _, request.as_mut_ptr()) })?;
    request.get(16..20)?.try_into().ok().map(u32::from_ne_bytes)
}

fn check(result: c_int) -> Option<c_int> {
    (result >= 0).then_some(result)
}

fn number(text: &CStr) -> Option<u32> {
    text.to_str().ok()?.parse().ok()
}

fn ip(text: &CStr) -> Option<[u8; 4]> {
    text.to_str().ok()?.parse().ok().map(|address: std::net::Ipv4Addr| address.octets())
}

fn hardware(text: &CStr) -> Option<Vec<u8>> {
    text.to_str().ok()?.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}
