//! Puts the process into a known order: a hook inherits whatever its runtime left lying about.

use std::{
    io::{self, Read},
    os::fd::BorrowedFd,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl, open},
    sys::{
        prctl,
        signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask},
        stat::{Mode, stat, umask},
    },
    unistd::{self, chdir, geteuid},
};
use underlay::rights;

use crate::error::Error;

/// Standard input without a buffer and without a lock: the library's own makes both for one read.
pub(crate) struct StandardInput;

impl Read for StandardInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: nothing here closes it, and where it was closed before, nothing has been opened in its place yet.
        #[expect(unsafe_code, reason = "it belongs to nobody")]
        let input = unsafe { BorrowedFd::borrow_raw(libc::STDIN_FILENO) };
        Ok(unistd::read(input, buffer)?)
    }
}

/// Called before anything is opened or started.
pub(crate) fn sanitise() -> Result<(), Error> {
    open_standard_streams()?;
    close_others();
    reset_signals();
    umask(Mode::from_bits_truncate(0o077));
    // The bundle is no place to be: nothing here is relative, and a directory that somebody is in cannot be
    // unmounted.
    chdir("/").map_err(|errno| failed("change to the root directory", errno))?;
    start::relocations::protect()
        .map_err(|source| Error::Sanitise { operation: "make relocated pages read-only", source })?;
    // Another process of the same user must not read our memory or trace us.
    prctl::set_dumpable(false).map_err(|errno| failed("become undumpable", errno))
}

/// If one of the three were closed, the next file to be opened would take its place, and error messages would
/// be written to it.
fn open_standard_streams() -> Result<(), Error> {
    for stream in [libc::STDIN_FILENO, libc::STDOUT_FILENO, libc::STDERR_FILENO] {
        // SAFETY: the descriptor is only asked for its flags, and may be closed.
        #[expect(unsafe_code, reason = "it belongs to nobody")]
        let is_open = fcntl(unsafe { BorrowedFd::borrow_raw(stream) }, FcntlArg::F_GETFD).is_ok();
        if !is_open {
            let fd = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())
                .map_err(|errno| failed("open /dev/null", errno))?;
            // The lowest number that is free is this stream's, and it stands in for it from now on.
            std::mem::forget(fd);
        }
    }
    Ok(())
}

/// Nothing but the standard streams is ours (CVE-2024-21626 began with a descriptor that a runtime had left
/// open).
fn close_others() {
    // SAFETY: at this point nothing in this process owns a descriptor above 2: main has just begun, there is
    // one thread.
    #[expect(unsafe_code, reason = "close_range has no wrapper, in nix or in libc for musl")]
    unsafe {
        // Before Linux 5.9 it is not there; then the descriptors stay open, marked or not as the runtime left
        // them.
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0);
    }
}

/// crun blocks all signals around its hooks, and a helper would inherit that. A helper that ended early must not end the
/// hook, which writes to it; the library sees to it that the helper does not inherit this.
fn reset_signals() {
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
    // A shell lets what it starts in the background ignore SIGINT and SIGQUIT, a daemon others.
    let settable = |number: &Signal| !matches!(number, Signal::SIGKILL | Signal::SIGSTOP | Signal::SIGPIPE);
    for number in Signal::iterator().filter(settable) {
        // SAFETY: the default action has no handler that could do anything unsafe.
        #[expect(unsafe_code, reason = "signal is unsafe because of its handlers")]
        let _ = unsafe { signal(number, SigHandler::SigDfl) };
    }
    // SAFETY: nor is there one where the signal is ignored.
    #[expect(unsafe_code, reason = "signal is unsafe because of its handlers")]
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
}

/// `USER_NS_INIT_INO` of include/uapi/linux/nsfs.h. What `/proc/self/uid_map` says is no proof: any namespace may
/// map all users to themselves.
const INITIAL_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

/// Links on the host's network card belong to the initial user namespace; a rootless engine runs us in
/// another one, where root has no power over them.
pub(crate) fn require_host_root() -> Result<(), Error> {
    if !geteuid().is_root() {
        return Err(Error::NotHostRoot("as another user"));
    }
    // Where there is no such file there are no user namespaces.
    let is_initial = stat("/proc/self/ns/user").map_or(true, |file| file.st_ino == INITIAL_USER_NAMESPACE);
    if !is_initial {
        return Err(Error::NotHostRoot("in a user namespace"));
    }
    let lacking = rights::lacking(&rights::NEEDED)?;
    if lacking.is_empty() { Ok(()) } else { Err(Error::Lacking(lacking.join(", "))) }
}

fn failed(operation: &'static str, errno: Errno) -> Error {
    Error::Sanitise { operation, source: io::Error::from(errno) }
}
