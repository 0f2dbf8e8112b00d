//! The floor, shut in: the same requests, made by a process that can do nothing else any more.
//!
//!     apart attach NAMESPACE LEASE PARENT-INDEX MAC ADDRESS PREFIX GATEWAY
//!     apart shut-in
//!
//! Two processes, as hook and helper are. The first starts the second with the namespace's descriptor and two
//! pipes, leases the address, says what is wanted, and waits for a line. The second gives up what Underlay's
//! helper gives up, and then is the floor. Again no look-up, no check, no record: what is more than the floor
//! is what it costs to keep what acts apart from what reads.

#![no_main]
#![expect(unsafe_code, reason = "system calls, and the C library's entry, as a C program would have them")]

#[path = "../filter.rs"]
mod filter;
#[path = "../shedding.rs"]
mod shedding;
#[path = "../spawn.rs"]
mod spawn;
#[path = "../wire.rs"]
mod wire;
#[path = "../words.rs"]
mod words;

use std::ffi::{CStr, c_char, c_int};

use spawn::{Child, NAMESPACE};
use wire::{Wanted, enter, lease, open, socket};

const STDIN: c_int = 0;
const STDOUT: c_int = 1;
const DONE: &[u8] = b"done\n";

/// What the C library calls.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, words: *const *const c_char) -> c_int {
    let done = match words::words(count, words).as_slice() {
        [program, verb, namespace, lease, wanted @ ..] if verb.to_bytes() == b"attach" => {
            attach(program, namespace, lease, wanted)
        }
        [_, verb] if verb.to_bytes() == b"shut-in" => act(),
        _ => None,
    };
    c_int::from(done.is_none())
}

/// The first process.
fn attach(program: &CStr, namespace: &CStr, path: &CStr, wanted: &[&CStr]) -> Option<()> {
    let child = Child::start(&[program, c"shut-in"], open(namespace)?)?;
    lease(path)?;
    let line: Vec<_> = wanted.iter().map(|word| word.to_bytes()).collect();
    let answer = child.ask(&line.join(&b' '))?;
    (child.end()? == 0 && answer == DONE).then_some(())
}

/// The second.
fn act() -> Option<()> {
    shedding::sanitise(NAMESPACE)?;
    let host = socket()?;
    shedding::renounce()?;
    enter(NAMESPACE)?;
    shedding::stay()?;
    let inside = socket()?;
    shedding::settle()?;
    let line = spawn::read_all(STDIN)?;
    let words: Vec<_> = std::str::from_utf8(&line).ok()?.split(' ').collect();
    let wanted = Wanted::parse(words.try_into().ok()?)?;
    wanted.make_link(host, NAMESPACE)?;
    wanted.configure(inside)?;
    spawn::write(STDOUT, DONE)
}
