//! Giving up what Underlay's helper gives up, in its order and with as few calls as that takes.

use std::{mem::zeroed, ptr::null};

use libc::{c_int, c_long, c_uint, c_ulong};

use crate::{filter, wire::check};

/// `nobody` and `nogroup`.
const NOBODY: c_uint = 65534;
/// Capabilities by their bits (`linux/capability.h`).
const NET_ADMIN: u32 = 1 << 12;
const SYS_ADMIN: u32 = 1 << 21;
/// `_LINUX_CAPABILITY_VERSION_3`.
const VERSION: u32 = 0x2008_0522;
/// `LANDLOCK_CREATE_RULESET_VERSION` of `linux/landlock.h`.
const ASK_FOR_VERSION: c_uint = 1;
/// The highest bit of the rights to files and how many bytes a ruleset has, by the interface's version.
const RULESETS: [(u64, usize); 6] =
    [(1 << 12, 8), (1 << 13, 8), (1 << 14, 8), (1 << 14, 16), (1 << 15, 16), (1 << 15, 24)];
/// To bind to a TCP port and to connect to one; abstract sockets and signals of others.
const BOTH: u64 = 3;
/// prctl(2) has five arguments whatever it is asked.
const UNUSED: c_ulong = 0;

/// What the parent left behind by accident.
pub(crate) fn sanitise(keep: c_int) -> Option<()> {
    let keep = c_uint::try_from(keep).ok()?;
    close_range(3, keep - 1)?;
    close_range(keep + 1, c_uint::MAX)?;
    prctl(libc::PR_SET_DUMPABLE, 0)?;
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel reads the limit.
    check(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) })?;
    // SAFETY: a structure of numbers, of which the empty set is all zeroes, and which the kernel reads.
    check(unsafe {
        let empty: libc::sigset_t = zeroed();
        libc::sigprocmask(libc::SIG_SETMASK, &raw const empty, std::ptr::null_mut())
    })
    .map(drop)
}

/// Root, and what could be regained.
pub(crate) fn renounce() -> Option<()> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)?;
    // There are 41, but the kernel is asked until it knows no more of them.
    let mut capability = 0;
    while prctl(libc::PR_CAPBSET_DROP, capability).is_some() {
        capability += 1;
    }
    prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL.cast_unsigned().into())?;
    prctl(libc::PR_SET_KEEPCAPS, 1)?;
    // SAFETY: no group is read of an empty list; numbers.
    unsafe {
        check(libc::setgroups(0, null()))?;
        check(libc::setresgid(NOBODY, NOBODY, NOBODY))?;
        check(libc::setresuid(NOBODY, NOBODY, NOBODY))?;
    }
    prctl(libc::PR_SET_KEEPCAPS, 0)?;
    hold(NET_ADMIN | SYS_ADMIN)
}

/// All capabilities but the one to administer networks.
pub(crate) fn stay() -> Option<()> {
    hold(NET_ADMIN)
}

/// Files, other processes, and nearly all calls; and life without its parent.
pub(crate) fn settle() -> Option<()> {
    prctl(libc::PR_SET_DUMPABLE, 0)?;
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL.cast_unsigned().into())?;
    forbid_files()?;
    let filter = filter::program();
    let program = libc::sock_fprog { len: filter.len().try_into().ok()?, filter: filter.as_ptr().cast_mut() };
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: the kernel reads as many instructions as there are.
    call(unsafe { libc::syscall(libc::SYS_seccomp, mode, 0, &raw const program) }).map(drop)
}

/// A ruleset without a rule: the helper's has two, for the sysctls that it writes. Nothing, without landlock in
/// the kernel.
fn forbid_files() -> Option<()> {
    let create = libc::SYS_landlock_create_ruleset;
    // SAFETY: the kernel answers with a number, and reads nothing.
    let version = unsafe { libc::syscall(create, null::<u64>(), 0, ASK_FOR_VERSION) };
    let Some(known) = usize::try_from(version).ok().and_then(|version| version.checked_sub(1)) else {
        return Some(());
    };
    let (highest, size) = RULESETS.get(known.min(RULESETS.len() - 1))?;
    let ruleset = [2 * highest - 1, BOTH, BOTH];
    // SAFETY: the kernel reads at most as many bytes as there are.
    let ruleset = call(unsafe { libc::syscall(create, ruleset.as_ptr(), *size, 0) })?;
    // SAFETY: two numbers, of which one is a descriptor that nobody else knows.
    unsafe {
        call(libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0))?;
        call(libc::syscall(libc::SYS_close, ruleset)).map(drop)
    }
}

/// Makes these the permitted and effective capabilities.
fn hold(capabilities: u32) -> Option<()> {
    let (header, low, high) = ([VERSION, 0], [capabilities, capabilities, 0], [0_u32; 3]);
    let sets = [low, high];
    // SAFETY: the kernel reads two numbers, and of that version two structures of three.
    call(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) }).map(drop)
}

fn close_range(first: c_uint, last: c_uint) -> Option<()> {
    // SAFETY: nothing here holds one of these descriptors.
    call(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }).map(drop)
}

fn prctl(what: c_int, value: c_ulong) -> Option<()> {
    // SAFETY: what is asked for here takes numbers alone.
    check(unsafe { libc::prctl(what, value, UNUSED, UNUSED, UNUSED) }).map(drop)
}

fn call(result: c_long) -> Option<c_long> {
    (result >= 0).then_some(result)
}
