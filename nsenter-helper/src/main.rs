//! `underlay-nsenter`: enters one network namespace, carries out one plan, reports, ends.
//!
//!     underlay-nsenter attach FD [--own-proc] [--user UID:GID]
//!     underlay-nsenter detach [FD] [--user UID:GID]
//!     underlay-nsenter look FD [--user UID:GID]
//!
//! FD is an inherited descriptor of the network namespace. The conversation on stdin and stdout is that of
//! the crate `plan`; stderr and the environment are not used. `--own-proc` is for hosts with many namespaces
//! (`own_proc.rs`).

#![cfg_attr(not(test), no_main)]

mod admission;
mod apply;
mod arguments;
mod error;
mod isolation;
mod look;
mod own_proc;
mod patience;
mod rehearsal;
mod removal;
mod session;
mod system;

use std::ffi::OsString;

use arguments::Arguments;
use memory::Heap;

/// No report could be written.
const EXIT_NO_REPORT: u8 = 1;
/// The arguments make no sense.
const EXIT_USAGE: u8 = 2;

/// Keeps what was freed: this process ends after a millisecond.
#[global_allocator]
static HEAP: Heap = Heap::new();

start::main!(begin);

fn begin(words: Vec<OsString>) -> u8 {
    // Before anything else, so that a parent which is gone already is noticed later.
    let parent = nix::unistd::getppid();
    // What is opened in a closed one's place would be taken for it.
    if !system::has_standard_streams() {
        return EXIT_USAGE;
    }
    let Some(arguments) = Arguments::parse(words.into_iter()) else {
        return EXIT_USAGE;
    };
    match session::run(&arguments, parent) {
        Ok(()) => 0,
        Err(_) => EXIT_NO_REPORT,
    }
}
