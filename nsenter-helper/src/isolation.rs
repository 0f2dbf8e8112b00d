//! Giving up privilege, in stages. Between the stages stands what needs the privilege that the next one
//! takes.
//!
//! 1. [`sanitise`]: what the parent left behind by accident is gone; everything is still possible.
//! 2. The namespace's descriptor is taken over, and the host's netlink socket opened (`session.rs`).
//! 3. [`renounce`]: not root any more, and nothing can be regained by executing a file; `CAP_SYS_ADMIN` and
//!    `CAP_NET_ADMIN` can still be taken up.
//! 4. [`enter`] or [`stay`]: networks can be administered, and nothing else: no namespace can be entered any
//!    more, no file of another user opened, no other process signalled.
//!    With [`look_only`] not even that: networks can be looked at.
//! 5. [`settle`]: the same, without files, without most of the kernel, and not without the parent. Only now
//!    is anything looked at that others wrote: names of links in the namespace, and the plan.
//!
//! The order is the kernel's: the bounding set needs `CAP_SETPCAP` and so goes before the capabilities;
//! groups before the group id before the user id, since each loses the right to the one before; the death
//! signal after all of these, since a change of credentials clears it (`commit_creds`); landlock before
//! seccomp, which would have to allow its calls otherwise; seccomp last.

use std::{
    io,
    os::fd::{OwnedFd, RawFd},
};

use caps::{CapSet, Capability};
use capset::Sets;
use nix::{
    sched::{CloneFlags, setns},
    sys::{
        prctl,
        resource::{Resource, setrlimit},
        signal::{SigSet, Signal},
    },
    unistd::{Pid, getppid},
};

mod calls;
mod files;

use crate::{
    apply::Sysctls,
    arguments::User,
    error::{Cause, Error, Obstacle, Result},
    system,
};

/// What a settled helper has to do.
pub(crate) enum Work<'a> {
    /// To carry out a plan inside the namespace that it entered.
    Act(&'a Sysctls),
    /// To delete links in namespaces that it does not enter.
    Delete,
    /// To look at the namespace that it entered.
    Look,
}

/// Stage 1. Leaves behind what the parent, or the runtime that started it, left in this process by accident.
///
/// Should: still have stdin, stdout, stderr and the namespace's descriptor.
/// Must not: hold any other descriptor (CVE-2024-21626), leave memory in a core file, be deaf to signals, write to
/// what only its start had to.
pub(crate) fn sanitise(keep: Option<RawFd>) -> Result<()> {
    leave(|| {
        system::close_all_but(keep).map_err(Cause::call("close_range"))?;
        prctl::set_dumpable(false).map_err(Cause::call("PR_SET_DUMPABLE"))?;
        setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(Cause::call("RLIMIT_CORE"))?;
        system::ignore_broken_pipes().map_err(Cause::call("sigaction"))?;
        start::relocations::protect().map_err(Cause::call("mprotect of relocated pages"))?;
        SigSet::empty().thread_set_mask().map_err(Cause::call("sigprocmask"))
    })
}

/// Stage 3. Nothing can be regained from here on that is not in the permitted set, and nobody is root.
///
/// Should: keep its permitted capabilities over the change of user, for the next stage to choose from.
/// Must not: gain anything by executing a file, own root's files.
pub(crate) fn renounce(user: User) -> Result<()> {
    leave(|| {
        prctl::set_no_new_privs().map_err(Cause::call("PR_SET_NO_NEW_PRIVS"))?;
        system::empty_bounding_set().map_err(Cause::call("PR_CAPBSET_DROP"))?;
        caps::clear(None, CapSet::Ambient)
            .map_err(io::Error::other)
            .map_err(Cause::call("PR_CAP_AMBIENT"))?;
        prctl::set_keepcaps(true).map_err(Cause::call("PR_SET_KEEPCAPS"))?;
        system::leave_groups().map_err(Cause::call("setgroups"))?;
        system::change_group(user.gid).map_err(Cause::call("setresgid"))?;
        system::change_user(user.uid).map_err(Cause::call("setresuid"))?;
        prctl::set_keepcaps(false).map_err(Cause::call("PR_SET_KEEPCAPS"))
    })
}

/// Stage 4, with a namespace. `CAP_SYS_ADMIN` is effective for this one call, and for `inside`, which has
/// nothing from outside to go by: it mounts a procfs or does nothing.
///
/// Should: administer the network of the namespace, and that of the host through a socket opened before.
/// Must not: enter any other namespace, although the descriptor stays open to name it to the kernel.
pub(crate) fn enter<T>(namespace: &OwnedFd, inside: impl FnOnce() -> T) -> Result<T> {
    leave(|| keep(&[Capability::CAP_SYS_ADMIN, Capability::CAP_NET_ADMIN]))?;
    setns(namespace, CloneFlags::CLONE_NEWNET)
        .map_err(|errno| Error::new("enter the network namespace", Cause::call("setns")(errno)))?;
    let done = inside();
    leave(keep_network_alone)?;
    Ok(done)
}

/// Stage 4, without a namespace.
///
/// Should and must not: as at the end of [`enter`].
pub(crate) fn stay() -> Result<()> {
    leave(keep_network_alone)
}

/// The end of stage 4 for whoever only looks. `CAP_NET_ADMIN` goes, too.
///
/// Should: read what everybody in the namespace can read.
/// Must not: change anything there or on the host.
pub(crate) fn look_only() -> Result<()> {
    leave(|| keep(&[]))
}

/// Stage 5, the last.
///
/// Should: speak over the sockets and pipes that are open, write the sysctls of links, wait, end.
/// Must not: open another file, socket or program, start a process, make memory executable, reach any other
/// process; live without its parent, which alone knows what the plan is for.
///
/// The kernel sends the death signal when the parent's *thread* ends that started us. A parent that ended
/// before the request for the signal is noticed by its number.
pub(crate) fn settle(parent: Pid, work: &Work<'_>) -> Result<()> {
    leave(|| {
        // The change of user may have made the process dumpable (/proc/sys/fs/suid_dumpable).
        prctl::set_dumpable(false).map_err(Cause::call("PR_SET_DUMPABLE"))?;
        prctl::set_pdeathsig(Signal::SIGKILL).map_err(Cause::call("PR_SET_PDEATHSIG"))?;
        if getppid() != parent {
            return Err(Obstacle::Orphaned.into());
        }
        files::restrict(work)?;
        calls::restrict(work)
    })
}

/// What a change of sets may end with.
type Verdict = std::result::Result<(), Cause>;

/// `CAP_NET_ADMIN` alone is left, and it is looked at again.
fn keep_network_alone() -> Verdict {
    let only = [Capability::CAP_NET_ADMIN];
    keep(&only)?;
    if Sets::of_this_thread()? == Sets::only(&only) { Ok(()) } else { Err(Obstacle::CapabilitiesLeft.into()) }
}

/// Makes some of the permitted capabilities all that there are, effective, too: the change of user emptied that set
/// (capabilities(7)).
fn keep(capabilities: &[Capability]) -> Verdict {
    Sets::only(capabilities).set().map_err(Cause::from)
}

fn leave<T>(stage: impl FnOnce() -> std::result::Result<T, Cause>) -> Result<T> {
    stage().map_err(|cause| Error::new("give up privilege", cause))
}
