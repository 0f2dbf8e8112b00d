//! What can go wrong in a lab.

use std::{io, path::PathBuf, process::ExitStatus};

use thiserror::Error;

/// Result of what is done in a lab.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// One operation of the lab that did not do what a test wanted of it.
#[derive(Debug, Error)]
pub enum Error {
    /// A program could not be started.
    #[error("cannot start `{command}`")]
    Start {
        /// As it would be typed.
        command: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A command that must succeed did not, or the other way round.
    #[error("`{command}` ended with {status}, wanted {wanted}\n{stdout}{stderr}")]
    Status {
        /// As it would be typed.
        command: String,
        /// What it ended with.
        status: ExitStatus,
        /// What was wanted, in words.
        wanted: &'static str,
        /// What it wrote.
        stdout: String,
        /// What it complained of.
        stderr: String,
    },
    /// What a command wrote is not what it writes.
    #[error("cannot read what `{command}` wrote:\n{output}")]
    Output {
        /// As it would be typed.
        command: String,
        /// All of it.
        output: String,
        /// Why, where a parser says so.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// A file of the lab.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The host of the lab did not come up.
    #[error("the lab's host did not come up")]
    NoHost,
    /// A lab's host cannot be entered.
    #[error("cannot enter the namespaces of the lab's host")]
    Enter {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A hook cannot be traced.
    #[error("cannot trace the hook")]
    Trace {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A container has no such interface.
    #[error("no interface {name} there; there are: {}", there.join(", "))]
    NoInterface {
        /// The one that was looked for.
        name: String,
        /// Those that there are.
        there: Vec<String>,
    },
    /// Something that engine or kernel do on their own time did not happen.
    #[error("it does not happen; still:\n{still}")]
    Never {
        /// What there is instead.
        still: String,
    },
    /// Something was left behind, or went that should have stayed.
    #[error("not all is as it was before; gone:\n{}\nnew:\n{}", gone.join("\n"), new.join("\n"))]
    LeftBehind {
        /// What there was in the beginning only.
        gone: Vec<String>,
        /// What there is in the end only.
        new: Vec<String>,
    },
}

impl Error {
    /// The error and all that led to it, outermost first.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }
}
