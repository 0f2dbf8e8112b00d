//! The system calls that are left: seccomp(2).
//!
//! `seccomp.json` has three lists: `act`, for a helper that carries out a plan inside a namespace; `delete`, for
//! one that deletes links without entering any, and so needs no file, but a thread and its socket; and `look`. A
//! comment that begins with `spare` says why a call is allowed that the trials do not see.
//!
//! Whoever makes another call is killed, and not told `EPERM`: this program has been tried with its list, so
//! the caller is not this program any more, and what it would do after an error is its own choice. The hook
//! then finds a helper that ended without a report, and takes back what the record says.

use seccompiler::{BpfProgramRef, Error};

use super::Work;
use crate::error::Cause;

#[expect(clippy::unreadable_literal, reason = "nobody reads what the build script wrote")]
mod table {
    include!(concat!(env!("OUT_DIR"), "/calls.rs"));
}

/// Leaves the calls of the list alone. A kernel without filters (EINVAL: `CONFIG_SECCOMP_FILTER` is off) is
/// gone on with: nothing that was dropped before comes back.
pub(super) fn restrict(work: &Work<'_>) -> Result<(), Cause> {
    let program: BpfProgramRef = match work {
        Work::Act(_) => &table::ACT,
        Work::Delete => &table::DELETE,
        Work::Look => &table::LOOK,
    };
    match seccompiler::apply_filter(program) {
        Err(Error::Prctl(source) | Error::Seccomp(source)) if source.raw_os_error() != Some(libc::EINVAL) => {
            Err(Cause::Call { call: "seccomp", source })
        }
        _ => Ok(()),
    }
}
