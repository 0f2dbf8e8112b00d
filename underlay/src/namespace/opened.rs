//! What takes privilege to open, opened before anybody says which of it counts.
//!
//! A hook has to give up its rights before it reads the words that say where the namespace is. So that of the
//! container's process is opened first, which only a tracer may do, and compared later with what is at the path:
//! to look takes no rights.

use std::{
    fs::{self, File},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{OFlag, openat},
    sys::stat::Mode,
};

use super::{Entrance, Error, Inode, Namespace, identity, kind, namespace_file, open_path};
use crate::process;

/// The container's namespace, as far as it is open.
#[derive(Debug)]
pub struct Opened {
    process: Option<Result<OfProcess, Error>>,
    at_path: Option<AtPath>,
}

#[derive(Debug)]
struct OfProcess {
    fd: OwnedFd,
    identity: Inode,
    pid: i32,
    /// Its directory in `/proc`.
    directory: File,
}

#[derive(Debug)]
struct AtPath {
    fd: OwnedFd,
    identity: Inode,
    path: PathBuf,
}

impl Opened {
    /// Opens the namespace of process `pid`, if that is known. Whether that failed is told when it is asked for.
    #[must_use]
    pub fn by(pid: Option<i32>) -> Self {
        Self { process: pid.map(open_process), at_path: None }
    }

    /// Opens the one at `path`, and forgets about the process: there is none, or it is somebody else's.
    pub fn at(self, path: &Path) -> Result<Self, Error> {
        let fd = open_path(path)?;
        let identity = identity(&fd, path)?;
        Ok(Self { process: None, at_path: Some(AtPath { fd, identity, path: path.to_owned() }) })
    }

    /// What a helper needs to enter it, before [more is known of it](Self::namespace); none if there is none.
    #[must_use]
    pub fn entrance(&self) -> Option<Entrance<'_>> {
        match (&self.process, &self.at_path) {
            (Some(Ok(OfProcess { fd, identity, .. })), _) | (None, Some(AtPath { fd, identity, .. })) => {
                Some(Entrance { fd: fd.as_fd(), identity: *identity })
            }
            _ => None,
        }
    }

    /// The namespace: not the host's.
    ///
    /// The state of the process is read last: one that is alive now was so when its namespace was opened.
    pub fn namespace(self) -> Result<Namespace, Error> {
        self.unless_among(&hosts())
    }

    fn unless_among(self, hosts: &[Option<Inode>]) -> Result<Namespace, Error> {
        let namespace = match (self.process.transpose()?, self.at_path) {
            (Some(OfProcess { fd, identity, pid, directory }), _) => {
                let (process, parent) =
                    process::read(&directory, pid).map_err(|source| Error::Process { pid, source })?;
                Namespace { fd, identity, path: None, process: Some(process), parent: Some(parent) }
            }
            (None, Some(AtPath { fd, identity, path })) => {
                Namespace { fd, identity, path: Some(path), process: None, parent: None }
            }
            (None, None) => return Err(Error::Unknown),
        };
        if hosts.contains(&Some(namespace.identity)) { Err(Error::Host) } else { Ok(namespace) }
    }
}

impl Namespace {
    /// The same, with the path at which the runtime says it is, if it says so: it must be there.
    pub fn at(self, path: Option<&Path>) -> Result<Self, Error> {
        let (Some(process), Some(path)) = (self.process, path) else { return Ok(self) };
        agree(process.pid, self.identity, path)?;
        Ok(Self { path: Some(path.to_owned()), ..self })
    }
}

/// Whether the namespace `own` of process `pid` is the one at `path`.
///
/// Engines write the file of another process's namespace if the container joins that one's. Only a tracer may even
/// look at it; a hook is none any more, and has the word of the container's own process to go by.
fn agree(pid: i32, own: Inode, path: &Path) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(file) if inode(&file) == own => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path.starts_with("/proc") => Ok(()),
        _ => Err(match open_path(path) {
            // It may be of another kind, or not there.
            Err(error) if !is_denied(&error) => error,
            _ => Error::Contradiction { pid, path: path.to_owned() },
        }),
    }
}

fn is_denied(error: &Error) -> bool {
    matches!(error, Error::Open { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
}

/// Our own, which is the runtime's, and that of process 1, which may be unreadable (hidepid, or a container that runs
/// containers) and then says nothing.
fn hosts() -> [Option<Inode>; 2] {
    ["/proc/self/ns/net", "/proc/1/ns/net"].map(|path| fs::metadata(path).ok().as_ref().map(inode))
}

fn inode(file: &fs::Metadata) -> Inode {
    Inode { device: file.dev(), inode: file.ino() }
}

/// Through one descriptor of `/proc/PID`. It is as good as one of `pidfd_open(2)`, and `pidfd_send_signal(2)`
/// takes it for one: either holds the process's `struct pid`, which the kernel gives to no later process of the
/// same number (`proc_pid_make_inode`, `tgid_pidfd_to_pid`), and everything below the directory is that
/// process's, or not there (`get_proc_task`). So its namespace and its start time are not those of two processes.
fn open_process(pid: i32) -> Result<OfProcess, Error> {
    let failed = |source| Error::Process { pid, source };
    let directory = File::open(format!("/proc/{pid}")).map_err(failed)?;
    let fd = openat(&directory, "ns/net", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|errno| failed(errno.into()))?;
    let file = namespace_file(pid);
    kind::expect_network(&fd, &file)?;
    Ok(OfProcess { identity: identity(&fd, &file)?, fd, pid, directory })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn me() -> i32 {
        i32::try_from(std::process::id()).unwrap()
    }

    /// As if the host's namespace were another one.
    fn foreign(opened: Opened) -> Namespace {
        opened.unless_among(&[]).unwrap()
    }

    #[test]
    fn pid_and_path_must_agree() {
        let path = |name: &str| PathBuf::from(format!("/proc/self/ns/{name}"));
        let namespace = foreign(Opened::by(Some(me()))).at(Some(&path("net"))).unwrap();
        assert_eq!(namespace.parent(), Some(nix::unistd::getppid().as_raw()));
        assert_eq!(namespace.path(), Some(path("net").as_path()));
        let of = |path: &Path| foreign(Opened::by(Some(me()))).at(Some(path)).unwrap_err();
        assert!(matches!(of(&path("mnt")), Error::OtherKind { kind: "mnt", .. }));
        assert!(matches!(of(Path::new("/proc/self/status")), Error::NotANamespace(_)));
        assert!(matches!(of(Path::new("/proc/self/ns/none")), Error::Open { .. }));
    }

    #[test]
    fn a_path_may_count_alone() {
        let path = Path::new("/proc/self/ns/net");
        let namespace = foreign(Opened::by(Some(me())).at(path).unwrap()).at(Some(path)).unwrap();
        assert_eq!((namespace.process(), namespace.parent()), (None, None));
        assert_eq!(namespace.path(), Some(path));
    }
}
