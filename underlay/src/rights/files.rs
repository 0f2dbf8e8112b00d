//! The files that a hook can reach while it attaches: landlock(7).
//!
//! The ruleset holds for helpers that are started after it, too, to look again or to take back; each puts a narrower
//! one on top. `no_new_privs` is not set: the kernel
//! takes `CAP_SYS_ADMIN` instead, so this comes before capabilities are given up.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, make_bitflags,
};
use nix::{
    fcntl::{AT_FDCWD, OFlag, openat},
    sys::stat::Mode,
};

use super::Error;
use crate::{account, layout::Layout, run_file};

/// The youngest version whose rights are all named here. An older kernel denies what it knows of them.
const KNOWN: ABI = ABI::V6;

/// Where ip-netns(8), podman and CNI mount network namespaces, and nothing else.
const MOUNTED: &str = "/run/netns";

/// A program is read to be executed.
const PROGRAM: BitFlags<AccessFs> = make_bitflags!(AccessFs::{Execute | ReadFile});
const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});
/// Of a link's settings, by the helper.
const SET: BitFlags<AccessFs> = make_bitflags!(AccessFs::{WriteFile});
const LOOK_UP: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile});
/// Leases and claims are symbolic links; nothing moves from one directory to another.
const RECORD: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    ReadFile | WriteFile | Truncate | ReadDir | MakeReg | MakeSym | MakeDir | RemoveFile | RemoveDir
});

/// Leaves of the file system what attaching needs, one program to execute, no TCP and no abstract sockets of others.
/// Signals are left: a helper that hangs is ended. Without landlock in the kernel, nothing changes.
///
/// Namespaces of other processes can be opened no more, whatever the capabilities: that takes the right to trace them,
/// which a ruleset takes away. Those that are mounted where engines do it can.
pub fn confine(layout: &Layout) -> Result<(), Error> {
    // Below it all else is made, and a rule is about what is there.
    run_file::make_directory(layout.run()).map_err(Error::RunDirectory)?;
    let networks = layout.networks();
    confine_to(&[
        (&layout.helper, PROGRAM),
        (&networks, READ),
        (layout.run(), RECORD),
        (Path::new(MOUNTED), LOOK_UP),
        (Path::new("/proc"), READ),
        (Path::new("/proc/sys/net"), SET),
        (Path::new(account::PASSWD), LOOK_UP),
    ])
    .map_err(Error::Files)
}

fn confine_to(files: &[(&Path, BitFlags<AccessFs>)]) -> Result<(), RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::AbstractUnixSocket)?
        .create()?
        .no_new_privs(false);
    for (path, access) in files {
        // What cannot be opened now needs no rule: whoever opens it later is told by the kernel what is wrong with it.
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
        if let Ok(file) = openat(AT_FDCWD, *path, flags, Mode::empty()) {
            ruleset = ruleset.add_rule(PathBeneath::new(file, *access))?;
        }
    }
    ruleset.restrict_self().map(drop)
}
