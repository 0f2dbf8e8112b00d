//! The directory of records.
//!
//! ```text
//! namespaces/COOKIE.json    the record
//! namespaces/COOKIE.lock    held by whoever works on the namespace
//! containers/ID@BUNDLE      symbolic link: the container's namespace
//! ```
//!
//! Everything here describes kernel state that is gone after a reboot, and so is the directory: nothing is
//! ever synced to a disk. Each write is a new file renamed over the old one.

mod size;

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Instant,
};

pub(crate) use size::is_large;
use thiserror::Error;

use super::{
    lock::{self, Lock},
    record::{
        Record,
        version::{self, Unreadable},
    },
};
use crate::{container::UserKey, layout::Layout, run_file};

/// Where the records are.
#[derive(Clone, Debug)]
pub struct Ledger {
    namespaces: PathBuf,
    containers: PathBuf,
}

/// The record of one namespace, locked.
#[derive(Debug)]
pub struct Page {
    cookie: u64,
    json: PathBuf,
    lock: Lock,
}

/// Why the ledger cannot be read or written.
#[derive(Debug, Error)]
pub enum Error {
    /// A directory or file.
    #[error(transparent)]
    File(#[from] run_file::Error),
    /// A record that is no record.
    #[error("{} is damaged; move it away and run `underlay gc`", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A record of another version of this program.
    #[error("{} was written by another underlay and is left alone; install a newer one", .path.display())]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        #[source]
        source: Unreadable,
    },
    /// A lock.
    #[error(transparent)]
    Lock(#[from] lock::Error),
}

impl Ledger {
    /// Opens the ledger of a run directory, making the directories that are missing (mode 0700).
    pub fn open(layout: &Layout) -> Result<Self, Error> {
        let ledger = Self { namespaces: layout.namespaces(), containers: layout.containers() };
        for path in [&ledger.namespaces, &ledger.containers] {
            run_file::make_directory(path)?;
        }
        Ok(ledger)
    }

    /// Locks a namespace's record, waiting for whoever holds it until `deadline`.
    pub fn page(&self, cookie: u64, deadline: Instant) -> Result<Page, Error> {
        let lock = Lock::acquire(&self.file(cookie, "lock"), deadline)?;
        Ok(Page { cookie, json: self.file(cookie, "json"), lock })
    }

    /// Locks a namespace's record if nobody works on it.
    pub fn try_page(&self, cookie: u64) -> Result<Option<Page>, Error> {
        let lock = Lock::try_acquire(&self.file(cookie, "lock"))?;
        Ok(lock.map(|lock| Page { cookie, json: self.file(cookie, "json"), lock }))
    }

    /// The record as it is at this moment, without a lock: to look at, not to act on.
    pub fn look(&self, cookie: u64) -> Result<Option<Record>, Error> {
        read(&self.file(cookie, "json"))
    }

    /// All namespaces of which there is anything, in ascending order.
    pub fn cookies(&self) -> Result<Vec<u64>, Error> {
        let mut cookies: Vec<u64> = run_file::names(&self.namespaces)?
            .iter()
            .filter_map(|name| name.split_once('.').and_then(|(cookie, _)| cookie.parse().ok()))
            .collect();
        cookies.sort_unstable();
        cookies.dedup();
        Ok(cookies)
    }

    /// The namespace of a container, if it has attachments.
    pub fn namespace_of(&self, user: &UserKey) -> Result<Option<u64>, Error> {
        target(&self.pointer(user))
    }

    /// Notes where a container's attachments are.
    pub fn point(&self, user: &UserKey, cookie: u64) -> Result<(), Error> {
        let path = self.pointer(user);
        match symlink(cookie.to_string(), &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if target(&path)? == Some(cookie) {
                    Ok(())
                } else {
                    self.point_elsewhere(user, cookie)
                }
            }
            made => Ok(made.map_err(run_file::Error::on("make", &path))?),
        }
    }

    /// The same container again (restore), in another namespace.
    fn point_elsewhere(&self, user: &UserKey, cookie: u64) -> Result<(), Error> {
        let path = self.pointer(user);
        let new = self.containers.join(format!("{}.new", user.file_name()));
        run_file::remove(&new)?;
        let replaced = symlink(cookie.to_string(), &new).and_then(|()| fs::rename(&new, &path));
        if replaced.is_err() {
            // The failure before this one is the one to tell.
            let _ = run_file::remove(&new);
        }
        Ok(replaced.map_err(run_file::Error::on("replace", &path))?)
    }

    /// Forgets where a container's attachments were, if it was there.
    pub fn unpoint(&self, user: &UserKey, cookie: u64) -> Result<(), Error> {
        if self.namespace_of(user)? == Some(cookie) {
            run_file::remove(&self.pointer(user))?;
        }
        Ok(())
    }

    /// Removes the pointers whose namespace has no record: their makers were killed, or were closed without
    /// them.
    pub fn drop_stale_pointers(&self) -> Result<usize, Error> {
        let mut dropped = 0;
        for name in run_file::names(&self.containers)? {
            let path = self.containers.join(&name);
            let stale = match target(&path)? {
                Some(cookie) => self.drop_if_stale(&path, cookie)?,
                None => run_file::remove(&path).map(|()| true)?,
            };
            dropped += usize::from(stale);
        }
        Ok(dropped)
    }

    /// Whoever points a container elsewhere has let go of its former namespace before, and that is locked
    /// here.
    fn drop_if_stale(&self, path: &Path, cookie: u64) -> Result<bool, Error> {
        if !matches!(self.look(cookie), Ok(None)) {
            return Ok(false);
        }
        let Some(page) = self.try_page(cookie)? else { return Ok(false) };
        let is_stale = page.read()?.is_none() && target(path)? == Some(cookie);
        if is_stale {
            run_file::remove(path)?;
            page.remove()?;
        }
        Ok(is_stale)
    }

    fn file(&self, cookie: u64, extension: &str) -> PathBuf {
        self.namespaces.join(format!("{cookie}.{extension}"))
    }

    fn pointer(&self, user: &UserKey) -> PathBuf {
        self.containers.join(user.file_name())
    }
}

impl Page {
    /// The namespace.
    #[must_use]
    pub const fn cookie(&self) -> u64 {
        self.cookie
    }

    /// The record, if there is one.
    pub fn read(&self) -> Result<Option<Record>, Error> {
        read(&self.json)
    }

    /// Writes the record in one step: readers see the old or the new one.
    pub fn write(&self, record: &Record) -> Result<(), Error> {
        let new = self.new_file();
        let text = serde_json::to_vec(record)
            .map_err(|source| Error::Damaged { path: self.json.clone(), source })?;
        let written = fs::write(&new, text).and_then(|()| fs::rename(&new, &self.json));
        Ok(written.map_err(run_file::Error::on("write", &self.json))?)
    }

    /// Removes the record, and the lock's file with it; the lock is held until this page is dropped.
    pub fn remove(&self) -> Result<(), Error> {
        run_file::remove(&self.json)?;
        run_file::remove(&self.new_file())?;
        Ok(self.lock.remove_file().map_err(run_file::Error::on("remove the lock of", &self.json))?)
    }

    fn new_file(&self) -> PathBuf {
        self.json.with_extension("json.new")
    }
}

/// The namespace that a pointer names, if it is there and names one.
fn target(path: &Path) -> Result<Option<u64>, Error> {
    match fs::read_link(path) {
        Ok(target) => Ok(target.to_str().and_then(|cookie| cookie.parse().ok())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(run_file::Error::on("read", path)(source).into()),
    }
}

fn read(path: &Path) -> Result<Option<Record>, Error> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(run_file::Error::on("read", path)(source).into()),
    };
    let path = || path.to_owned();
    version::read(&text).map(Some).map_err(|error| match error {
        Unreadable::Form(source) => Error::Damaged { path: path(), source },
        Unreadable::Version(_) => Error::Version { path: path(), source: error },
    })
}
