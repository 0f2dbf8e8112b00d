//! The directory of the administrator's networks, `/etc/underlay/networks`: one file `NAME.json` a network.
//!
//! What is read here decides what root does, so a directory or file that others could have written is
//! refused.

mod door;
mod error;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
};

pub use door::Distrust;
pub use error::Error;
use nix::fcntl::{Flock, FlockArg};

use super::{
    Network, NetworkName,
    file::{self, Checked},
};

const SUFFIX: &str = ".json";

/// Held by those who compare a network with the others and then write it. Not a network's file: it starts
/// with a dot.
const LOCK: &str = ".lock";

/// The directory. Nothing is opened until something is asked of it.
#[derive(Clone, Debug)]
pub struct Catalog {
    directory: PathBuf,
}

/// All that the directory defines.
#[derive(Debug, Default)]
pub struct Listing {
    /// Networks that can be used, sorted by name.
    pub networks: Vec<Checked>,
    /// Files that define none, and why, sorted by path.
    pub broken: Vec<Error>,
}

/// The right to write, until it is dropped or the process ends.
#[derive(Debug)]
#[must_use = "dropping it lets others write"]
pub struct Exclusive {
    _lock: Flock<fs::File>,
}

impl Catalog {
    /// The networks of a configuration directory: `/etc/underlay` has them in `/etc/underlay/networks`.
    #[must_use]
    pub fn of(configuration: &Path) -> Self {
        Self { directory: configuration.join("networks") }
    }

    /// Where a network's definition is, or would be.
    #[must_use]
    pub fn path(&self, name: &NetworkName) -> PathBuf {
        self.directory.join(format!("{name}{SUFFIX}"))
    }

    /// Reads one network. If there is none of that name, the error lists those that there are.
    pub fn read(&self, name: &NetworkName) -> Result<Checked, Error> {
        let unknown = || Ok(Error::Unknown { name: name.clone(), known: self.names()? });
        let path = self.path(name);
        let Some(directory) = door::directory(&self.directory)? else { return Err(unknown()?) };
        let Some(text) = door::file(&directory, &path, &format!("{name}{SUFFIX}"))? else {
            return Err(unknown()?);
        };
        file::parse(&text, name).map_err(|source| Error::Definition { path, source })
    }

    /// The names of all files that have the name of a network, sorted, whether their text is right or not. A
    /// directory that is not there defines none.
    pub fn names(&self) -> Result<Vec<NetworkName>, Error> {
        Ok(self.entries()?.into_iter().flatten().collect())
    }

    /// Reads all networks; what is wrong with one does not hide the others.
    pub fn all(&self) -> Result<Listing, Error> {
        let mut listing = Listing::default();
        for name in self.entries()? {
            match name.and_then(|name| self.read(&name)) {
                Ok(network) => listing.networks.push(network),
                // Removed since the directory was listed.
                Err(Error::Unknown { .. }) => {}
                Err(error) => listing.broken.push(error),
            }
        }
        Ok(listing)
    }

    /// Waits until nobody else has the right to write. It guards a decision that depends on other networks;
    /// each write is atomic without it.
    pub fn exclusive(&self) -> Result<Exclusive, Error> {
        self.make_directory()?;
        let path = self.directory.join(LOCK);
        let lock = door::open_lock(&path)
            .and_then(|file| Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into()))
            .map_err(|source| Error::Lock { path, source })?;
        Ok(Exclusive { _lock: lock })
    }

    /// Writes a network that is not there yet; the directory is made if it is missing.
    pub fn create(&self, network: &Network) -> Result<(), Error> {
        let path = self.path(&network.name);
        // link(2) fails where rename(2) would replace.
        self.write(network, |new| fs::hard_link(new, &path)).map_err(|error| match error {
            Error::Write { source, path } if source.kind() == io::ErrorKind::AlreadyExists => {
                Error::Exists { name: network.name.clone(), path }
            }
            other => other,
        })
    }

    /// Writes a network, whether it is there already or not.
    pub fn replace(&self, network: &Network) -> Result<(), Error> {
        let path = self.path(&network.name);
        self.write(network, |new| fs::rename(new, &path))
    }

    /// Removes a network's file, whatever is in it.
    pub fn remove(&self, name: &NetworkName) -> Result<(), Error> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Ok(()) => self.sync().map_err(|source| Error::Remove { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::Unknown { name: name.clone(), known: self.names()? })
            }
            Err(source) => Err(Error::Remove { path, source }),
        }
    }

    /// What is called `*.json`, sorted; hidden files (ours while they are written, and editors') are passed
    /// over.
    fn entries(&self) -> Result<Vec<Result<NetworkName, Error>>, Error> {
        if door::directory(&self.directory)?.is_none() {
            return Ok(Vec::new());
        }
        let failed = |source| Error::Directory { path: self.directory.clone(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            files.push(entry.map_err(failed)?.file_name());
        }
        files.sort();
        Ok(files.iter().filter_map(|file| self.name_of(file)).collect())
    }

    fn name_of(&self, file: &OsStr) -> Option<Result<NetworkName, Error>> {
        let text = file.to_string_lossy();
        let stem = text.strip_suffix(SUFFIX).filter(|stem| !stem.starts_with('.'))?;
        Some(stem.parse().map_err(|source| Error::FileName { path: self.directory.join(file), source }))
    }

    /// Writes under a hidden name, lets `publish` give the file its own, and takes the hidden one away.
    fn write(&self, network: &Network, publish: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), Error> {
        let text = file::print(network);
        if text.len() > file::MAX_BYTES {
            return Err(Error::TooLong { name: network.name.clone(), bytes: text.len() });
        }
        self.make_directory()?;
        let new = self.directory.join(format!(".{}.{}", network.name, process::id()));
        let written = write_new(&new, &text).and_then(|()| publish(&new));
        // After a rename it is gone already; after a failure nobody else would remove it.
        let removed = fs::remove_file(&new)
            .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) });
        written
            .and(removed)
            .and_then(|()| self.sync())
            .map_err(|source| Error::Write { path: self.path(&network.name), source })
    }

    fn make_directory(&self) -> Result<(), Error> {
        door::make_directory(&self.directory)
            .map_err(|source| Error::Write { path: self.directory.clone(), source })?;
        door::directory(&self.directory).map(drop)
    }

    /// Configuration must outlive a power failure, unlike all else that we write.
    fn sync(&self) -> io::Result<()> {
        fs::File::open(&self.directory)?.sync_all()
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    // Left by an earlier process of the same number that was killed; a living one has another.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = door::create_file(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
