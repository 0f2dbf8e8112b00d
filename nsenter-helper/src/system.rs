//! The system calls that nix does not wrap, and the inherited descriptor.

#![expect(unsafe_code, reason = "system calls without a safe wrapper, each with its SAFETY")]

use std::{
    ffi::CStr,
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::signal::{SigHandler, Signal, signal},
};

/// Of `include/uapi/linux/mount.h`.
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
/// prctl(2) has five arguments whatever it is asked.
const UNUSED: libc::c_ulong = 0;
/// The first descriptor that nobody expects to be open.
const FIRST: libc::c_uint = 3;

/// Whether stdin, stdout and stderr are open.
pub(crate) fn has_standard_streams() -> bool {
    // SAFETY: the descriptors are only asked for their flags; a closed one answers EBADF.
    [0, 1, 2].iter().all(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0)
}

/// Lets writing to a pipe that nobody reads fail, where it would end this process.
pub(crate) fn ignore_broken_pipes() -> io::Result<()> {
    // SAFETY: nothing is run that could do anything unsafe: the signal is ignored.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) }.map(drop).map_err(io::Error::from)
}

/// Closes every descriptor but stdin, stdout, stderr and `keep`.
pub(crate) fn close_all_but(keep: Option<RawFd>) -> io::Result<()> {
    match keep.and_then(|fd| libc::c_uint::try_from(fd).ok()) {
        Some(fd) => {
            if fd > FIRST {
                close_range(FIRST, fd - 1)?;
            }
            close_range(fd.saturating_add(1), libc::c_uint::MAX)
        }
        None => close_range(FIRST, libc::c_uint::MAX),
    }
}

/// Takes over a descriptor that the parent left open, and closes it on exec. EBADF if it did not.
pub(crate) fn inherit(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the descriptor is only asked for its flags; a closed one answers EBADF.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    // SAFETY: the descriptor is open, as fcntl has just shown, it came from the parent by its number, and
    // nothing in this process has taken it over: `inherit` is called once, after `close_all_but` and before
    // any file or socket is opened.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Empties the bounding set up to the last capability that this kernel knows, which may be younger than any
/// list of ours.
pub(crate) fn empty_bounding_set() -> io::Result<()> {
    for capability in 0_u32.. {
        // SAFETY: PR_CAPBSET_DROP takes one number and touches no memory of this process.
        match check(unsafe {
            libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(capability), UNUSED, UNUSED, UNUSED)
        }) {
            Ok(_) => {}
            // No such capability.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Leaves all supplementary groups.
///
/// This and the next two are the kernel's calls, which change the calling thread. The C library's have every thread
/// make them, and block all signals meanwhile, three calls more each; at this point there is one thread.
pub(crate) fn leave_groups() -> io::Result<()> {
    let none = std::ptr::null::<libc::gid_t>();
    // SAFETY: of a list without entries nothing is read.
    done(unsafe { libc::syscall(libc::SYS_setgroups, 0, none) })
}

/// Makes this the real, the effective and the saved group.
pub(crate) fn change_group(gid: libc::gid_t) -> io::Result<()> {
    // SAFETY: three numbers.
    done(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) })
}

/// Makes this the real, the effective and the saved user.
pub(crate) fn change_user(uid: libc::uid_t) -> io::Result<()> {
    // SAFETY: three numbers.
    done(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) })
}

/// Begins to make a filesystem of a kind.
pub(crate) fn open_filesystem(kind: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: the kernel reads a text that ends with a zero byte.
    new_descriptor(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC) })
}

/// Makes it, as nothing more was said about it.
pub(crate) fn create_filesystem(context: &OwnedFd) -> io::Result<()> {
    let nothing = std::ptr::null::<libc::c_char>();
    let context = context.as_raw_fd();
    // SAFETY: this command has neither key nor value.
    done(unsafe { libc::syscall(libc::SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nothing, nothing, 0) })
}

/// Mounts it where nobody else finds it. Nothing in it can be executed.
pub(crate) fn mount_nowhere(context: &OwnedFd) -> io::Result<OwnedFd> {
    let attributes = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
    // SAFETY: three numbers.
    new_descriptor(unsafe {
        libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), FSMOUNT_CLOEXEC, attributes)
    })
}

fn new_descriptor(result: libc::c_long) -> io::Result<OwnedFd> {
    match RawFd::try_from(result) {
        // SAFETY: the kernel has just made this descriptor for the caller, and nobody else knows of it.
        Ok(descriptor @ 0..) => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        _ => Err(io::Error::last_os_error()),
    }
}

fn close_range(first: libc::c_uint, last: libc::c_uint) -> io::Result<()> {
    // SAFETY: nothing in this process owns a descriptor above 2 yet: it is called first in `main`'s thread,
    // which is the only one.
    done(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) })
}

fn done(result: libc::c_long) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn check(result: libc::c_int) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
