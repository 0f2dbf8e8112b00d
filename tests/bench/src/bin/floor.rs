//! The floor: an attach and a detach with nothing around them that could be left out.
//!
//!     floor attach NAMESPACE LEASE PARENT-INDEX MAC ADDRESS PREFIX GATEWAY
//!     floor detach NAMESPACE LEASE
//!
//! One process, no look-up, no check, no record: the netlink requests, and one symbolic link as the lease.

#![no_main]
#![expect(unsafe_code, reason = "system calls, and the C library's entry, as a C program would have them")]

#[path = "../wire.rs"]
mod wire;
#[path = "../words.rs"]
mod words;

use std::ffi::{CStr, c_char, c_int};

use wire::{NAME, REQUEST, Wanted, attribute, check, enter, exchange, header, lease, message, open, socket};

/// What the C library calls.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, words: *const *const c_char) -> c_int {
    let done = match words::words(count, words).as_slice() {
        [_, verb, namespace, lease, wanted @ ..] if verb.to_bytes() == b"attach" => {
            attach(namespace, lease, wanted)
        }
        [_, verb, namespace, lease] if verb.to_bytes() == b"detach" => detach(namespace, lease),
        _ => None,
    };
    c_int::from(done.is_none())
}

fn attach(namespace: &CStr, path: &CStr, words: &[&CStr]) -> Option<()> {
    let words: Vec<_> = words.iter().filter_map(|word| word.to_str().ok()).collect();
    let wanted = Wanted::parse(words.try_into().ok()?)?;
    lease(path)?;
    let namespace = open(namespace)?;
    wanted.make_link(socket()?, namespace)?;
    enter(namespace)?;
    wanted.configure(socket()?)
}

fn detach(namespace: &CStr, lease: &CStr) -> Option<()> {
    enter(open(namespace)?)?;
    let body = [&header(0, 0)[..], &attribute(libc::IFLA_IFNAME, NAME)].concat();
    exchange(socket()?, &[message(libc::RTM_DELLINK, REQUEST, &body)])?;
    // SAFETY: a text that ends with a zero byte.
    check(unsafe { libc::unlink(lease.as_ptr()) }).map(drop)
}
