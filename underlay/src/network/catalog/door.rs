//! How the catalogue's directory and files are opened, and whom they must belong to.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read as _},
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    },
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, OFlag, openat},
    sys::stat::Mode,
    unistd::Uid,
};

use super::Error;
use crate::network::file::MAX_BYTES;

const GROUP_AND_OTHERS_WRITE: u32 = 0o022;

/// Why what is on the disk is not taken for the administrator's word.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Distrust {
    /// Neither root nor the user as whom we run owns it.
    #[error("it belongs to user {0}; `chown root` it if its content is yours")]
    Owner(u32),
    /// Group or others may write it.
    #[error("its mode is {0:04o}; `chmod go-w` it if its content is yours")]
    Writable(u32),
    /// A symbolic link, which could lead to a stranger's file.
    #[error("it is a symbolic link; put the file itself there")]
    SymbolicLink,
    /// A directory, pipe, socket or device.
    #[error("it is not a regular file")]
    NotRegular,
}

/// Opens the directory; none if it is not there. The one that it is in is opened first: whoever can write
/// there can put another in its place. Links to either are followed, since root alone can have made them.
pub(super) fn directory(path: &Path) -> Result<Option<File>, Error> {
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    let Some(above) = trusted_directory(AT_FDCWD, above.as_os_str(), above)? else { return Ok(None) };
    trusted_directory(above.as_fd(), name, path)
}

/// Opens `name` in `at`, called `path` in errors. To go on from, not to list: a hook may not list what is above.
fn trusted_directory(at: BorrowedFd<'_>, name: &OsStr, path: &Path) -> Result<Option<File>, Error> {
    let failed = |source| Error::Directory { path: path.to_owned(), source };
    let directory =
        match openat(at, name, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()) {
            Ok(directory) => File::from(directory),
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(failed(errno.into())),
        };
    let metadata = directory.metadata().map_err(failed)?;
    trusted(&metadata).map_err(|reason| Error::Untrusted { path: path.to_owned(), reason })?;
    Ok(Some(directory))
}

/// Reads a file of the directory; none if it is not there. What is checked is what was opened, so nobody can
/// exchange it in between; of what is longer than a definition may be, one byte too many is read.
pub(super) fn file(directory: &File, path: &Path, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let untrusted = |reason| Error::Untrusted { path: path.to_owned(), reason };
    // O_NONBLOCK: opening a pipe would wait for its writer.
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = match openat(directory, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::ENOENT) => return Ok(None),
        Err(Errno::ELOOP) => return Err(untrusted(Distrust::SymbolicLink)),
        // A socket.
        Err(Errno::ENXIO) => return Err(untrusted(Distrust::NotRegular)),
        Err(errno) => return Err(failed(errno.into())),
    };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(untrusted(Distrust::NotRegular));
    }
    trusted(&metadata).map_err(untrusted)?;
    // With room for all of it, and one byte for its end to be seen, it is read at once.
    let mut text = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default().min(MAX_BYTES) + 1);
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut text).map_err(failed)?;
    Ok(Some(text))
}

/// Makes the directory, and the one above it, for all to read whatever the umask.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    for directory in path.parent().into_iter().chain([path]) {
        match DirBuilder::new().mode(0o755).create(directory) {
            Ok(()) => fs::set_permissions(directory, Permissions::from_mode(0o755))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes a file that is not there, for all to read whatever the umask.
pub(super) fn create_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    Ok(file)
}

/// For root alone: whoever can open a file can lock it, and let the administrator wait.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits();
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(path)
}

/// Root's, or our own when somebody runs this for himself, and writable by no one else.
fn trusted(metadata: &fs::Metadata) -> Result<(), Distrust> {
    let owner = metadata.uid();
    let mode = metadata.permissions().mode() & 0o7777;
    if owner != 0 && owner != Uid::effective().as_raw() {
        Err(Distrust::Owner(owner))
    } else if mode & GROUP_AND_OTHERS_WRITE != 0 {
        Err(Distrust::Writable(mode))
    } else {
        Ok(())
    }
}
