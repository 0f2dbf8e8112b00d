//! Files of other programs: engines' and runtimes'.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// Far more than any engine writes, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// Why a file is not read.
#[derive(Debug, Error)]
pub enum Error {
    /// Not there, or not to be read; a symbolic link, too.
    #[error("cannot read {}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// A directory, pipe or device.
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// Nobody writes so much.
    #[error("{} is larger than {} MiB", .0.display(), MAX_BYTES >> 20)]
    TooLarge(PathBuf),
}

/// Reads a whole file, at most 64 MiB. In its place a symbolic link is refused, and a pipe is not waited for:
/// neither is an engine's doing.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    open(path)?.read()
}

/// A regular file that is open, and of which nothing was read yet.
#[derive(Debug)]
pub struct ForeignFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

/// Opens a file as [`read`] does.
pub fn open(path: &Path) -> Result<ForeignFile, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    // O_NONBLOCK: opening a pipe would wait for its writer.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(Error::NotRegular(path.to_owned()));
    }
    Ok(ForeignFile { path: path.to_owned(), file, bytes: metadata.len() })
}

impl ForeignFile {
    /// Where it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its content.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        self.read_capped(MAX_BYTES)
    }

    fn read_capped(&self, max: u64) -> Result<Vec<u8>, Error> {
        // With room for all of it, and one byte for its end to be seen, it is read at once.
        let room = self.bytes.min(max).saturating_add(1);
        let mut content = Vec::with_capacity(usize::try_from(room).unwrap_or_default());
        let read = (&self.file).take(max + 1).read_to_end(&mut content);
        read.map_err(|source| Error::Read { path: self.path.clone(), source })?;
        if content.len() as u64 > max { Err(Error::TooLarge(self.path.clone())) } else { Ok(content) }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use nix::{sys::stat::Mode, unistd::mkfifo};

    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        fs::write(&path, "1234").unwrap();
        assert_eq!(open(&path).unwrap().read_capped(4).unwrap(), b"1234");
        assert!(matches!(open(&path).unwrap().read_capped(3), Err(Error::TooLarge(_))));
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let [link, pipe] = ["link", "pipe"].map(|name| directory.path().join(name));
        symlink("/dev/null", &link).unwrap();
        mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        assert!(matches!(read(&link), Err(Error::Read { .. })));
        assert!(matches!(read(&pipe), Err(Error::NotRegular(_))));
        assert!(matches!(read(directory.path()), Err(Error::NotRegular(_))));
        assert!(matches!(read(&directory.path().join("none")), Err(Error::Read { .. })));
    }
}
