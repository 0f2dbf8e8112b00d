//! Stands in for a runtime: runs a command, waits for it, and says how long it took.
//!
//!     runtime VERB REPORT PROGRAM [ARGUMENT …]
//!
//! What is measured begins before the start of the program and ends after its end, and none of it is this
//! program's own. The verb is for those who look at it: Underlay's hook does, at poststop. REPORT becomes a file
//! with wall time and processor time, in nanoseconds. Ends with the program's exit code.

#![no_main]
#![expect(unsafe_code, reason = "system calls, and the C library's entry, as a C program would have them")]

use std::{
    ffi::{CStr, c_char, c_int},
    fs,
    mem::zeroed,
    ptr::null,
};

/// This program, the verb, the report.
const BEFORE: usize = 3;
/// What a shell says of a program that it cannot start.
const NOT_STARTED: c_int = 127;

/// What the C library calls.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, words: *const *mut c_char, environment: *const *mut c_char) -> c_int {
    if usize::try_from(count).unwrap_or_default() <= BEFORE {
        return NOT_STARTED;
    }
    // SAFETY: there are more words than these, and a null pointer behind the last one.
    let (report, command) = unsafe { (CStr::from_ptr(*words.add(2)), words.add(BEFORE)) };
    let start = now();
    let status = run(command, environment);
    let wall = now() - start;
    let text = format!("{wall} {}\n", processor_time());
    match status {
        Some(status) if report.to_str().is_ok_and(|path| fs::write(path, text).is_ok()) => status,
        _ => NOT_STARTED,
    }
}

/// The exit code; none if it could not be started, or was killed.
fn run(command: *const *mut c_char, environment: *const *mut c_char) -> Option<c_int> {
    let (mut child, mut status) = (0, 0);
    // SAFETY: both lists end with a null pointer; the first word is the program's name.
    let error = unsafe { libc::posix_spawnp(&raw mut child, *command, null(), null(), command, environment) };
    // SAFETY: the kernel writes to `status` alone.
    let ended = error == 0 && unsafe { libc::waitpid(child, &raw mut status, 0) } == child;
    (ended && libc::WIFEXITED(status)).then(|| libc::WEXITSTATUS(status))
}

fn now() -> i64 {
    // SAFETY: a structure of numbers, for which zero is a value, and which the kernel fills in.
    let time = unsafe {
        let mut time: libc::timespec = zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time);
        time
    };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Of the command, and of those of its children that it waited for.
fn processor_time() -> i64 {
    // SAFETY: a structure of numbers, for which zero is a value, and which the kernel fills in.
    let usage = unsafe {
        let mut usage: libc::rusage = zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let nanoseconds = |time: libc::timeval| time.tv_sec * 1_000_000_000 + time.tv_usec * 1_000;
    nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime)
}
