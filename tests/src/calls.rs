//! The system calls by which hook and helper touch anything outside their own memory, and how they may fail.

use nix::errno::Errno;

/// A system call.
pub(crate) struct Call {
    number: i64,
    pub(crate) name: &'static str,
    /// An error that the kernel may answer with; none for a call that cannot fail.
    pub(crate) error: Option<Errno>,
}

/// The call of that number, unless it is about the process's own memory, signals or clocks.
pub(crate) fn find(number: u64) -> Option<&'static Call> {
    let number = i64::try_from(number).ok()?;
    CALLS.iter().find(|call| call.number == number)
}

impl Call {
    /// Whether it may be interrupted by a signal that the program handles before anything was done.
    pub(crate) fn is_interruptible(&self) -> bool {
        ["poll", "read", "recvfrom", "sendto", "wait4", "write", "writev"].contains(&self.name)
    }
}

const fn call(number: i64, name: &'static str, error: Errno) -> Call {
    Call { number, name, error: Some(error) }
}

/// prctl(2) is not among them: dropping the bounding set alone is forty calls of it.
static CALLS: [Call; 54] = [
    call(libc::SYS_bind, "bind", Errno::EADDRINUSE),
    call(libc::SYS_capget, "capget", Errno::EPERM),
    call(libc::SYS_capset, "capset", Errno::EPERM),
    call(libc::SYS_chdir, "chdir", Errno::EIO),
    call(libc::SYS_clone, "clone", Errno::EAGAIN),
    call(libc::SYS_clone3, "clone3", Errno::EAGAIN),
    call(libc::SYS_close_range, "close_range", Errno::EMFILE),
    call(libc::SYS_connect, "connect", Errno::ECONNREFUSED),
    call(libc::SYS_execve, "execve", Errno::EIO),
    Call { number: libc::SYS_exit_group, name: "exit_group", error: None },
    call(libc::SYS_fcntl, "fcntl", Errno::EBADF),
    call(libc::SYS_flock, "flock", Errno::ENOLCK),
    call(libc::SYS_fork, "fork", Errno::EAGAIN),
    call(libc::SYS_fsconfig, "fsconfig", Errno::EPERM),
    call(libc::SYS_fsmount, "fsmount", Errno::EPERM),
    call(libc::SYS_fsopen, "fsopen", Errno::EPERM),
    call(libc::SYS_fstat, "fstat", Errno::EIO),
    call(libc::SYS_fstatfs, "fstatfs", Errno::EIO),
    call(libc::SYS_getdents64, "getdents64", Errno::EIO),
    call(libc::SYS_getsockopt, "getsockopt", Errno::ENOPROTOOPT),
    call(libc::SYS_ioctl, "ioctl", Errno::EIO),
    call(libc::SYS_lstat, "lstat", Errno::EIO),
    call(libc::SYS_mkdir, "mkdir", Errno::ENOSPC),
    call(libc::SYS_mkdirat, "mkdirat", Errno::ENOSPC),
    call(libc::SYS_newfstatat, "newfstatat", Errno::EIO),
    call(libc::SYS_open, "open", Errno::ENOSPC),
    call(libc::SYS_openat, "openat", Errno::EMFILE),
    call(libc::SYS_pipe2, "pipe2", Errno::EMFILE),
    call(libc::SYS_poll, "poll", Errno::ENOMEM),
    call(libc::SYS_read, "read", Errno::EIO),
    call(libc::SYS_readlink, "readlink", Errno::EIO),
    call(libc::SYS_readlinkat, "readlinkat", Errno::EIO),
    call(libc::SYS_recvfrom, "recvfrom", Errno::ENOBUFS),
    call(libc::SYS_rename, "rename", Errno::EROFS),
    call(libc::SYS_renameat, "renameat", Errno::EROFS),
    call(libc::SYS_rmdir, "rmdir", Errno::EROFS),
    call(libc::SYS_sendto, "sendto", Errno::ENOBUFS),
    call(libc::SYS_setgroups, "setgroups", Errno::EPERM),
    call(libc::SYS_setns, "setns", Errno::EPERM),
    call(libc::SYS_setresgid, "setresgid", Errno::EPERM),
    call(libc::SYS_setresuid, "setresuid", Errno::EAGAIN),
    call(libc::SYS_setsockopt, "setsockopt", Errno::ENOPROTOOPT),
    call(libc::SYS_socket, "socket", Errno::EMFILE),
    call(libc::SYS_stat, "stat", Errno::EIO),
    call(libc::SYS_statx, "statx", Errno::EIO),
    call(libc::SYS_symlink, "symlink", Errno::ENOSPC),
    call(libc::SYS_symlinkat, "symlinkat", Errno::ENOSPC),
    call(libc::SYS_uname, "uname", Errno::EFAULT),
    call(libc::SYS_unlink, "unlink", Errno::EROFS),
    call(libc::SYS_unlinkat, "unlinkat", Errno::EROFS),
    call(libc::SYS_vfork, "vfork", Errno::EAGAIN),
    call(libc::SYS_wait4, "wait4", Errno::EINVAL),
    call(libc::SYS_write, "write", Errno::ENOSPC),
    call(libc::SYS_writev, "writev", Errno::ENOSPC),
];
