//! Locks as files: held by an open file, so that the kernel gives them back when their holder dies.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use nix::fcntl::{Flock, FlockArg};
use thiserror::Error;

/// How often a held lock is tried again. flock(2) has no deadline of its own, and a signal to cut it short
/// would be one more thing to get right; locks here are held for a few milliseconds at most.
const RETRY: Duration = Duration::from_millis(1);

/// A held lock; dropped, it is free.
#[derive(Debug)]
pub struct Lock {
    file: Flock<File>,
    path: PathBuf,
}

/// Why a lock was not got.
#[derive(Debug, Error)]
pub enum Error {
    /// The file cannot be made or locked.
    #[error("cannot lock {}", .path.display())]
    File {
        /// The lock file.
        path: PathBuf,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// Somebody else kept it.
    #[error(
        "another process holds {} and did not let go in {} s: `fuser -v {}` shows which",
        .path.display(), .waited.as_secs(), .path.display()
    )]
    Held {
        /// The lock file.
        path: PathBuf,
        /// How long it was tried.
        waited: Duration,
    },
}

impl Lock {
    /// Takes the lock, waiting for it until `deadline`.
    pub fn acquire(path: &Path, deadline: Instant) -> Result<Self, Error> {
        let start = Instant::now();
        loop {
            if let Some(lock) = Self::try_acquire(path)? {
                return Ok(lock);
            }
            if Instant::now() >= deadline {
                return Err(Error::Held { path: path.to_owned(), waited: start.elapsed() });
            }
            thread::sleep(RETRY);
        }
    }

    /// Takes the lock if nobody holds it.
    pub fn try_acquire(path: &Path) -> Result<Option<Self>, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)
            .map_err(failed)?;
        let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((_, nix::Error::EWOULDBLOCK)) => return Ok(None),
            Err((_, errno)) => return Err(failed(errno.into())),
        };
        let lock = Self { file, path: path.to_owned() };
        // Between our open and our lock the last holder may have removed the file: then we hold what nobody
        // will look for.
        Ok(lock.is_current().map_err(failed)?.then_some(lock))
    }

    fn is_current(&self) -> io::Result<bool> {
        let held = self.file.metadata()?;
        match fs::symlink_metadata(&self.path) {
            Ok(named) => Ok(named.dev() == held.dev() && named.ino() == held.ino()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes the file, for a lock whose object is gone. Whoever waits for it finds out that it is not the
    /// current one.
    pub fn remove_file(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_held_lock_is_not_given_twice_and_names_itself_when_time_is_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.lock");
        let held = Lock::try_acquire(&path).unwrap();
        assert!(held.is_some());
        assert!(Lock::try_acquire(&path).unwrap().is_none());
        let error = Lock::acquire(&path, Instant::now() + Duration::from_millis(5)).unwrap_err();
        assert!(error.to_string().contains("x.lock"), "{error}");
        drop(held);
        assert!(Lock::try_acquire(&path).unwrap().is_some());
    }

    #[test]
    fn removing_the_file_never_lets_two_in() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.lock");
        let inside = AtomicUsize::new(0);
        let deadline = Instant::now() + Duration::from_secs(20);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..200 {
                        let lock = Lock::acquire(&path, deadline).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        if round % 2 == 0 {
                            lock.remove_file().unwrap();
                        }
                    }
                });
            }
        });
    }
}
