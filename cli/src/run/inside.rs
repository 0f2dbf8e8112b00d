//! The child: it makes its network namespace, waits for its links, and becomes the command.

use std::{io, os::unix::process::CommandExt as _, process::Command};

use nix::{
    errno::Errno,
    sys::{
        prctl,
        signal::{SigSet, Signal, kill},
    },
    unistd::{Pid, getppid},
};
use thiserror::Error;
use underlay::namespace::fresh;

use super::child::WORD;
use crate::{arguments::InsideWords, outcome::Failure};

/// There is such a command, and it cannot be run (POSIX, 2.8.2).
const NOT_EXECUTABLE: u8 = 126;
/// There is no such command.
const NOT_FOUND: u8 = 127;

/// Why the command was not run.
#[derive(Debug, Error)]
enum Error {
    #[error("cannot wait for the networks")]
    Prepare(#[source] Errno),
    #[error("this is run by `underlay run`, which has ended")]
    NoParent,
    #[error("cannot run {command}")]
    Execute {
        command: String,
        #[source]
        source: io::Error,
    },
}

/// Never returns but with a failure: otherwise the process is the command by then.
pub(crate) fn inside(words: &InsideWords) -> Result<(), Failure> {
    let parent = Pid::from_raw(words.parent);
    let go = SigSet::from(WORD);
    die_with(parent)?;
    // A word that comes early must wait, too.
    go.thread_block().map_err(Error::Prepare)?;
    fresh::enter()?;
    kill(parent, WORD).map_err(Error::Prepare)?;
    go.wait().map_err(Error::Prepare)?;
    // A command expects to get its signals.
    SigSet::empty().thread_set_mask().map_err(Error::Prepare)?;
    let (command, arguments) = words.command.split_first().ok_or(Error::NoParent)?;
    let source = Command::new(command).args(arguments).exec();
    let code = if source.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
    let command = command.to_string_lossy().into_owned();
    Err(Failure::from(Error::Execute { command, source }).with_code(code))
}

/// A command whose parent is gone would have nobody to take its networks down.
fn die_with(parent: Pid) -> Result<(), Error> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(Error::Prepare)?;
    // It may have died before that.
    if getppid() == parent { Ok(()) } else { Err(Error::NoParent) }
}
