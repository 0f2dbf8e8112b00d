//! `underlay-nsenter`: enters one network namespace, carries out one plan, reports, ends.
//!
//!     underlay-nsenter attach FD [--user UID:GID]
//!     underlay-nsenter detach [FD] [--user UID:GID]
//!     underlay-nsenter look FD [--user UID:GID]
//!
//! FD is an inherited descriptor of the network namespace. The conversation on stdin and stdout is that of
//! the crate `plan`; stderr and the environment are not used.

mod admission;
mod apply;
mod arguments;
mod error;
mod isolation;
mod look;
mod patience;
mod removal;
mod session;
mod system;

use std::process::ExitCode;

use arguments::Arguments;

/// No report could be written.
const EXIT_NO_REPORT: u8 = 1;
/// The arguments make no sense.
const EXIT_USAGE: u8 = 2;

/// Keeps what was freed, unlike musl's, which maps and unmaps pages for each larger piece. This process ends
/// after a millisecond.
#[global_allocator]
static MEMORY: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    // Before anything else, so that a parent which is gone already is noticed later.
    let parent = nix::unistd::getppid();
    let Some(arguments) = Arguments::parse(std::env::args_os().skip(1)) else {
        return ExitCode::from(EXIT_USAGE);
    };
    match session::run(&arguments, parent) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(EXIT_NO_REPORT),
    }
}
