//! Files and directories below the run directory. They are for root alone, and others may remove them at any
//! time: what is to go and is gone is no error.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// What could not be done to a file or directory.
#[derive(Debug, Error)]
#[error("cannot {operation} {}", .path.display())]
pub struct Error {
    /// What was tried.
    pub operation: &'static str,
    /// On which file.
    pub path: PathBuf,
    /// What the kernel answered.
    #[source]
    pub source: io::Error,
}

impl Error {
    /// For `map_err`.
    pub(crate) fn on(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { operation, path: path.to_owned(), source }
    }
}

/// Makes a directory for its owner alone, and those above it, unless it is there. To ask first is cheaper:
/// mkdir(2) locks the directory above even if it has nothing to do.
pub(crate) fn make_directory(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(Error::on("make directory", path))
}

/// All names in a directory, in no order; none if it is not there. Part of them is an error: who looks for
/// what is in use must not take the rest for free.
pub(crate) fn names(directory: &Path) -> Result<Vec<String>, Error> {
    match fs::read_dir(directory) {
        Ok(entries) => entries
            .filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose())
            .collect::<io::Result<_>>()
            .map_err(Error::on("list", directory)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(source) => Err(Error::on("list", directory)(source)),
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::on("remove", path)(source)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_empty_and_removed_already() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        assert_eq!(names(&path).unwrap(), [""; 0]);
        remove(&path).unwrap();
        make_directory(&path).unwrap();
        make_directory(&path).unwrap();
        assert_eq!(names(&directory.path().join("a")).unwrap(), ["b"]);
        let error = remove(&path).unwrap_err();
        assert!(
            error.to_string().starts_with("cannot remove /") && error.to_string().ends_with("/a/b"),
            "{error}"
        );
    }
}
