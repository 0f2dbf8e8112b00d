//! A network namespace, pinned by an open file descriptor and checked once; from then on only the descriptor
//! counts.
//!
//! A process id may be reused, absent, zero, or (kata) that of a hypervisor which lives in the host's
//! namespace. So the namespace is opened once, compared with every other word that the runtime gave about it,
//! and refused if it is the one we run in. What happens to the process afterwards does not matter.

pub mod fresh;
mod kind;
mod opened;

use std::{
    fs::OpenOptions,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    path::{Path, PathBuf},
};

use nix::sys::{stat::fstat, statfs::statfs};
pub use opened::Opened;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::process::Process;

/// An open network namespace that is not the host's.
#[derive(Debug)]
pub struct Namespace {
    fd: OwnedFd,
    identity: Inode,
    /// Where the runtime said it is, if it said so: it may outlive the container there.
    path: Option<PathBuf>,
    /// The container's first process as it was when the namespace was opened.
    process: Option<Process>,
    /// The parent of that process.
    parent: Option<i32>,
}

/// Device and inode of a namespace: unique among those that live, but used again after one died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inode {
    /// `st_dev` of nsfs.
    pub device: u64,
    /// `st_ino`.
    pub inode: u64,
}

impl Inode {
    /// The first number that the kernel gives out (`PROC_DYNAMIC_FIRST` in `fs/proc/generic.c`).
    const FIRST: u64 = 0xf000_0000;
    /// Of 200 namespaces, each of which takes some 70 numbers, one for every file of its `/proc/net`.
    const MANY: u64 = 200 * 70;

    /// Whether it was made beside many others, whoever made them. The lowest number is given that is free
    /// (`proc_alloc_inum`), so a high one says it for sure, and a low one nothing.
    #[must_use]
    pub const fn is_among_many(self) -> bool {
        self.inode >= Self::FIRST + Self::MANY
    }
}

/// A way into a namespace.
#[derive(Clone, Copy, Debug)]
pub struct Entrance<'a> {
    fd: BorrowedFd<'a>,
    identity: Inode,
}

impl Entrance<'_> {
    /// Device and inode of the namespace.
    #[must_use]
    pub const fn identity(&self) -> Inode {
        self.identity
    }
}

impl AsFd for Entrance<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd
    }
}

/// Why there is no namespace to work in.
#[derive(Debug, Error)]
pub enum Error {
    /// Neither word was given.
    #[error(
        "the container's network namespace is unknown: its state gives no pid and its config.json no path; \
         the hook must run at createRuntime, when the namespace exists"
    )]
    Unknown,
    /// The process is gone, or never was.
    #[error("cannot look at process {pid} (the container may have ended already)")]
    Process {
        /// The pid of the state.
        pid: i32,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// The file is not there or cannot be opened.
    #[error("cannot open network namespace {}", .path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is not a namespace file (its file system is not nsfs): a mount below it may be missing", .0.display())]
    NotANamespace(PathBuf),
    /// It is a namespace of another kind.
    #[error("{} is not a network namespace but one of kind `{kind}`: correct the path of the network namespace in config.json", .path.display())]
    OtherKind {
        /// Which file.
        path: PathBuf,
        /// As /proc names it.
        kind: &'static str,
    },
    /// Pid and path disagree.
    #[error(
        "process {pid} and {} are in different network namespaces: the runtime's state and its config.json \
         contradict each other", .path.display()
    )]
    Contradiction {
        /// The pid of the state.
        pid: i32,
        /// The path of config.json.
        path: PathBuf,
    },
    /// It is the host's.
    #[error(
        "the container shares the host's network namespace: attaching would change the host itself; \
         run it with a namespace of its own (podman: --network none)"
    )]
    Host,
}

impl Namespace {
    /// Opens the namespace of process `pid`, or the one at `path`, or, with both, checks that they are the
    /// same.
    pub fn pin(pid: Option<i32>, path: Option<&Path>) -> Result<Self, Error> {
        let mut opened = Opened::by(pid);
        if let (None, Some(path)) = (pid, path) {
            opened = opened.at(path)?;
        }
        opened.namespace()?.at(path)
    }

    /// Opens the namespace again that a record describes: at its path, or through one of the processes that
    /// were in it. None if it cannot be found there any more.
    #[must_use]
    pub fn find(identity: Inode, path: Option<&Path>, processes: &[Process]) -> Option<Self> {
        let candidates = path.into_iter().map(Path::to_owned).chain(
            processes.iter().filter(|process| process.is_alive()).map(|process| namespace_file(process.pid)),
        );
        candidates.into_iter().find_map(|path| {
            let fd = open_path(&path).ok()?;
            let found = self::identity(&fd, &path).ok()?;
            (found == identity).then_some(Self {
                fd,
                identity,
                path: Some(path),
                process: None,
                parent: None,
            })
        })
    }

    /// Device and inode.
    #[must_use]
    pub const fn identity(&self) -> Inode {
        self.identity
    }

    /// The way into it.
    #[must_use]
    pub fn entrance(&self) -> Entrance<'_> {
        Entrance { fd: self.fd.as_fd(), identity: self.identity }
    }

    /// Where the runtime said it is.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The container's first process.
    #[must_use]
    pub const fn process(&self) -> Option<Process> {
        self.process
    }

    /// The number of that process's parent: of the runtime, while it runs its hooks.
    #[must_use]
    pub const fn parent(&self) -> Option<i32> {
        self.parent
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn namespace_file(pid: i32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/ns/net"))
}

/// Nothing else in its place is waited for (a pipe's writer) or taken.
fn open_path(path: &Path) -> Result<OwnedFd, Error> {
    let failed = |source| Error::Open { path: path.to_owned(), source };
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|source| {
        // A hook can open nothing else any more: the reason is what the file is.
        let is_other = statfs(path).is_ok_and(|stat| stat.filesystem_type() != kind::NSFS_MAGIC);
        if is_other { Error::NotANamespace(path.to_owned()) } else { failed(source) }
    })?;
    kind::expect_network(&file, path)?;
    Ok(file.into())
}

fn identity(fd: &OwnedFd, path: &Path) -> Result<Inode, Error> {
    let stat = fstat(fd).map_err(|errno| Error::Open { path: path.to_owned(), source: errno.into() })?;
    Ok(Inode { device: stat.st_dev, inode: stat.st_ino })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_high_number_tells_of_many_others() {
        let number = |inode| Inode { device: 4, inode };
        assert!(!number(0xf000_0000 + 13_999).is_among_many());
        assert!(number(0xf000_0000 + 14_000).is_among_many());
    }

    #[test]
    fn the_namespace_we_are_in_is_refused_by_pid_and_by_path() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(matches!(Namespace::pin(Some(me), None), Err(Error::Host)));
        let path = Path::new("/proc/self/ns/net");
        assert!(matches!(Namespace::pin(None, Some(path)), Err(Error::Host)));
        assert!(matches!(Namespace::pin(Some(me), Some(path)), Err(Error::Host)));
    }

    #[test]
    fn an_ordinary_file_is_no_namespace() {
        assert!(matches!(
            Namespace::pin(None, Some(Path::new("/proc/self/status"))),
            Err(Error::NotANamespace(_))
        ));
    }

    #[test]
    fn a_namespace_of_another_kind_is_refused_by_path() {
        let path = Path::new("/proc/self/ns/mnt");
        let complaint = Namespace::pin(None, Some(path)).unwrap_err().to_string();
        assert!(complaint.contains("/proc/self/ns/mnt") && complaint.contains("`mnt`"), "{complaint}");
    }

    #[test]
    fn a_process_that_is_gone_is_named() {
        // Beyond the largest pid that any kernel gives out (PID_MAX_LIMIT).
        let error = Namespace::pin(Some(i32::MAX), None).unwrap_err();
        assert!(error.to_string().contains("2147483647"), "{error}");
    }

    #[test]
    fn without_pid_and_path_there_is_nothing_to_pin() {
        assert!(matches!(Namespace::pin(None, None), Err(Error::Unknown)));
    }
}
