//! A config.json is replaced as a whole: a runtime that reads it meanwhile sees the old one or the new one.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{MetadataExt as _, fchown},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use thiserror::Error as ThisError;
use underlay::foreign_file;

/// Why a bundle could not be changed.
#[derive(Debug, ThisError)]
pub(crate) enum Error {
    /// Not there, or not to be read.
    #[error(transparent)]
    Read(#[from] foreign_file::Error),
    /// It is no bundle's configuration.
    #[error("{} is not what the OCI runtime specification says", .path.display())]
    Form {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// It stays as it was.
    #[error("cannot replace {}, which stays as it was", .path.display())]
    Replace {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Where the file really is: a link is to go on pointing at it.
pub(super) fn real(path: &Path) -> Result<PathBuf, Error> {
    Ok(path.canonicalize().map_err(|source| unreadable(path, source))?)
}

pub(super) fn read(path: &Path) -> Result<String, Error> {
    let text = String::from_utf8(foreign_file::read(path)?);
    Ok(text.map_err(|error| unreadable(path, io::Error::new(io::ErrorKind::InvalidData, error)))?)
}

fn unreadable(path: &Path, source: io::Error) -> foreign_file::Error {
    foreign_file::Error::Read { path: path.to_owned(), source }
}

/// Replaces the file; its mode and owner stay.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Error> {
    write_beside(path, text).map_err(|source| Error::Replace { path: path.to_owned(), source })
}

fn write_beside(path: &Path, text: &str) -> io::Result<()> {
    let old = fs::metadata(path)?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    let mut new = NamedTempFile::new_in(directory)?;
    new.write_all(text.as_bytes())?;
    // The owner first: chown(2) takes set-id bits away.
    fchown(new.as_file(), Some(old.uid()), Some(old.gid()))?;
    new.as_file().set_permissions(old.permissions())?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}
