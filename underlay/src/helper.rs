//! The helper process: a namespace in, a plan in, a report out, within a deadline.
//!
//! The only place that starts a process. The helper is started before anything is known about what it shall
//! do, so that its own start runs while we read and decide: not even its execution is waited for.

mod conversation;
mod error;
mod process;

use std::{
    ffi::OsStr,
    io::{self, PipeReader, PipeWriter, pipe},
    os::fd::{AsFd, AsRawFd},
    path::{Path, PathBuf},
    time::Instant,
};

pub use error::Error;
use plan::{Question, Sight};
use process::{End, Process};
use start::process::{Child, Descriptors};

use crate::{account, attachment::ledger, layout::Layout, namespace::Entrance, rights};

/// A started helper. Dropped before its report, it is killed.
#[derive(Debug)]
pub struct Helper {
    program: PathBuf,
    process: Process,
    /// Until all has been said that it will ever hear.
    stdin: Option<PipeWriter>,
    stdout: PipeReader,
    /// Read, but not yet a whole line.
    pending: Vec<u8>,
    deadline: Instant,
    has_reported: bool,
    parting: Parting,
}

/// What becomes of a helper that has reported: the kernel may keep it for some 20 ms more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parting {
    /// It is waited for.
    #[default]
    Wait,
    /// It is left to whoever reaps what this process leaves behind. It has none of this process's files.
    Leave,
}

/// What it is started for.
struct Errand<'a> {
    verb: &'static str,
    /// The one descriptor besides the standard ones that it gets.
    namespace: Option<Entrance<'a>>,
    option: Option<&'static str>,
}

impl Helper {
    /// Starts the helper to work in `namespace`. Where there are many, it shall not look for sysctls where it
    /// has looked in all of them.
    ///
    /// That it could not be executed is not known yet, and told in place of its first line.
    pub fn attach(layout: &Layout, namespace: Entrance<'_>, deadline: Instant) -> Result<Self, Error> {
        let is_crowded = namespace.identity().is_among_many() || ledger::is_large(layout);
        let option = is_crowded.then_some("--own-proc");
        Self::start(&layout.helper, &Errand { verb: "attach", namespace: Some(namespace), option }, deadline)
    }

    /// Starts the helper to take links away; `namespace` is needed for routes only.
    pub fn detach(program: &Path, namespace: Option<Entrance<'_>>, deadline: Instant) -> Result<Self, Error> {
        Self::start(program, &Errand { verb: "detach", namespace, option: None }, deadline)
    }

    /// Starts the helper to look at the routes of `namespace`, and says what it saw.
    pub fn look(
        program: &Path,
        namespace: Entrance<'_>,
        question: &Question,
        deadline: Instant,
    ) -> Result<Sight, Error> {
        let mut helper = Self::start(
            program,
            &Errand { verb: "look", namespace: Some(namespace), option: None },
            deadline,
        )?;
        let line = helper.ask(question)?;
        helper.has_reported = true;
        helper.word(&line)
    }

    fn start(program: &Path, errand: &Errand<'_>, deadline: Instant) -> Result<Self, Error> {
        let failed = |source| Error::Start { program: program.to_owned(), source };
        let (their_stdin, stdin) = pipe().map_err(failed)?;
        let (stdout, their_stdout) = pipe().map_err(failed)?;
        let descriptors = Descriptors {
            stdin: their_stdin.as_fd(),
            stdout: their_stdout.as_fd(),
            inherited: errand.namespace.as_ref().map(Entrance::as_fd),
        };
        let words = errand.words();
        let words: Vec<_> = words.iter().map(OsStr::new).collect();
        let child = Child::start(program.as_os_str(), &words, &descriptors).map_err(failed)?;
        Ok(Self {
            program: program.to_owned(),
            process: Process::new(child),
            stdin: Some(stdin),
            stdout,
            pending: Vec::new(),
            deadline,
            has_reported: false,
            parting: Parting::Wait,
        })
    }

    /// Says what shall become of it once it has reported.
    pub const fn part(&mut self, parting: Parting) {
        self.parting = parting;
    }

    /// It has closed its output, most likely by ending: then it has its status already (`do_group_exit` comes before
    /// `exit_files`), which a signal does not change. One that goes on is killed and not waited for.
    fn ended(&mut self) -> Error {
        let end = self.end();
        let program = self.program.clone();
        if let Some(source) = self.process.failure() {
            return Error::Start { program, source };
        }
        let status = end.map_or_else(|error| error.to_string(), |end| end.to_string());
        Error::Ended { program, status }
    }

    /// Without `CAP_KILL` nobody but its own user may end it, and to wait for it would be to wait for ever.
    fn end(&mut self) -> io::Result<End> {
        rights::act().map_err(io::Error::other)?;
        self.process.kill()?;
        Ok(self.process.wait()?)
    }
}

impl Errand<'_> {
    fn words(&self) -> Vec<String> {
        let mut words = vec![self.verb.to_owned()];
        words.extend(self.namespace.map(|namespace| namespace.as_fd().as_raw_fd().to_string()));
        words.extend(self.option.map(str::to_owned));
        // A user that is none to be hinders no container: the helper is nobody then, and doctor says why.
        if let Ok(Some(account)) = account::look_up() {
            words.extend(["--user".to_owned(), account.to_string()]);
        }
        words
    }
}

impl Drop for Helper {
    /// A helper that has not reported must not act any more; one that has is about to go. Either is waited for,
    /// unless it may be left: it would become a child of the next subreaper, perhaps the runtime, which may
    /// then lose the SIGCHLD of its hook, as crun does.
    fn drop(&mut self) {
        if !self.has_reported {
            let _ = self.end();
        } else if self.parting == Parting::Wait {
            let _ = self.process.wait();
        }
    }
}

#[cfg(test)]
mod tests;
