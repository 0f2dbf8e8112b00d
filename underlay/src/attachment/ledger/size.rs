//! How large the ledger is, without reading it.

use nix::sys::{
    stat::stat,
    statfs::{TMPFS_MAGIC, statfs},
};

use crate::layout::Layout;

/// So many records are many: the helper looks past one entry of the kernel's for each (`own_proc.rs` there), and
/// a procfs of its own costs as much as some hundred of them.
const MANY: i64 = 256;
/// A record and its lock.
const FILES: i64 = 2;
/// What a name adds to a directory of a tmpfs, and the two names of an empty one (`BOGO_DIRENT_SIZE`).
const NAME: i64 = 20;
const EMPTY: i64 = 2 * NAME;

/// Whether there are many records. Asked before each attach, so it is one system call where they are few; what
/// it cannot tell is that there are not.
pub(crate) fn is_large(layout: &Layout) -> bool {
    let directory = layout.namespaces();
    stat(&directory).is_ok_and(|directory| directory.st_size >= EMPTY + MANY * FILES * NAME)
        // Elsewhere the size of a directory says nothing.
        && statfs(&directory).is_ok_and(|filesystem| filesystem.filesystem_type() == TMPFS_MAGIC)
}
