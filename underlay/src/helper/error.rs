//! Why a helper failed.

use std::{io, path::PathBuf};

use plan::Failure;
use thiserror::Error;

use super::conversation::MAX_ANSWER;

/// Why the helper could not do its work.
#[derive(Debug, Error)]
pub enum Error {
    /// It did not start.
    #[error("cannot start {} (install it again if it is missing or not executable)", .program.display())]
    Start {
        /// Which program.
        program: PathBuf,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// The pipes to it broke.
    #[error("cannot talk with {}", .program.display())]
    Pipe {
        /// Which program.
        program: PathBuf,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// It ended before it said what it had to say.
    #[error("{} ended before its report ({status})", .program.display())]
    Ended {
        /// Which program.
        program: PathBuf,
        /// Its exit status, in words.
        status: String,
    },
    /// It did not come to an end.
    #[error("{} said more than {} bytes at once and was killed: it is not the helper, or broken; install it again", .program.display(), MAX_ANSWER)]
    TooLong {
        /// Which program.
        program: PathBuf,
    },
    /// It took too long and was killed.
    #[error("{} did not finish in time and was killed", .program.display())]
    Deadline {
        /// Which program.
        program: PathBuf,
    },
    /// Its words are not those of this version.
    #[error("{} is of another version than this program, or broken: its answer cannot be understood", .program.display())]
    Answer {
        /// Which program.
        program: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A step failed; what had been made was taken back, but for `left`.
    #[error("cannot {}: {}{}", .0.what, .0.why, left(.0))]
    Failed(Failure),
}

fn left(failure: &Failure) -> String {
    if failure.left.is_empty() {
        String::new()
    } else {
        format!(" (and could not take back: {})", failure.left.join(", "))
    }
}
