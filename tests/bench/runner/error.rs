//! Why there are no numbers.

use std::{io, path::PathBuf, process::ExitStatus};

use thiserror::Error;

/// Result of a part of the benchmark.
pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

/// What went wrong: one that fails is not measured, so everything stops.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The lab.
    #[error("{}", .0.chain())]
    Lab(#[from] lab::Error),
    /// A program that could not be started or waited for.
    #[error("cannot run {program}: {source}")]
    Run {
        /// Which.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A contender that failed at its job.
    #[error("{command} ended with {status}: {complaint}")]
    Failed {
        /// Its command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote.
        complaint: String,
    },
    /// A contender that says it did its job, and did not.
    #[error("{who}: {what}")]
    Undone {
        /// Which contender, at what.
        who: String,
        /// What is missing.
        what: String,
    },
    /// A file of the benchmark's own.
    #[error("cannot use {}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program could not be watched.
    #[error("cannot trace: {0}")]
    Trace(#[from] nix::Error),
}

/// For the files that the benchmark writes and reads.
pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
    let path = path.into();
    |source| Error::File { path, source }
}
