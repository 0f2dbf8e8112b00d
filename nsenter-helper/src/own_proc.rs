//! A procfs of the helper's own.
//!
//! In one procfs the kernel keeps an entry for each network namespace in which anybody looked below
//! `/proc/sys/net`, all of them under the same name in the same place (`proc_sys_compare` in
//! `fs/proc/proc_sysctl.c` tells them apart). Who looks walks past all of them: a microsecond each. So where there
//! are many namespaces, the host's procfs costs more than all else that the helper does, and a new one, which
//! has no entries, costs less.

use std::os::fd::OwnedFd;

use crate::{apply::Sysctls, system};

/// The sysctls of the namespace that was entered, in a procfs that is attached nowhere. None, if there is
/// anything in the way of it: the host's serves as well, only later.
///
/// Needs `CAP_SYS_ADMIN`, and `CAP_NET_ADMIN` to try whether the sysctls can be written. What is left open is
/// the links' directory: it keeps alive what it is in.
pub(crate) fn open() -> Option<Sysctls> {
    let sysctls = Sysctls::below(&mount().ok()?).ok()?;
    sysctls.are_writable().then_some(sysctls)
}

fn mount() -> std::io::Result<OwnedFd> {
    let context = system::open_filesystem(c"proc")?;
    system::create_filesystem(&context)?;
    system::mount_nowhere(&context)
}
