//! The helper process: a namespace in, a plan in, a report out, within a deadline.
//!
//! The only place that starts a process. The helper is started before anything is known about what it shall
//! do, so that its own start runs while we read and decide.

use std::{
    io::{self, Read, Write},
    os::fd::{AsFd, AsRawFd},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use plan::{Entered, Failure, Hello, MadeLink, Plan, Question, Report, Sight};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{account, attachment::ledger, layout::Layout, namespace::Entrance, rights};

/// More than the longest report: 32 links of a few hundred bytes each, and as many names of links that were
/// there already.
const MAX_ANSWER: usize = 1 << 20;

/// A started helper. Dropped before its report, it is killed.
#[derive(Debug)]
pub struct Helper {
    program: PathBuf,
    child: Child,
    stdout: ChildStdout,
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

impl Helper {
    /// Starts the helper to work in `namespace`. Where there are many, it shall not look for sysctls where it
    /// has looked in all of them.
    pub fn attach(layout: &Layout, namespace: Entrance<'_>, deadline: Instant) -> Result<Self, Error> {
        let is_crowded = namespace.identity().is_among_many() || ledger::is_large(layout);
        Self::start(&layout.helper, "attach", Some(namespace), is_crowded.then_some("--own-proc"), deadline)
    }

    /// Starts the helper to take links away; `namespace` is needed for routes only.
    pub fn detach(program: &Path, namespace: Option<Entrance<'_>>, deadline: Instant) -> Result<Self, Error> {
        Self::start(program, "detach", namespace, None, deadline)
    }

    fn start(
        program: &Path,
        verb: &str,
        namespace: Option<Entrance<'_>>,
        option: Option<&str>,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let failed = |source| Error::Start { program: program.to_owned(), source };
        let mut command = Command::new(program);
        command.arg(verb).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // The one descriptor besides the standard ones that a child of ours ever gets; nothing else is
        // started meanwhile, this process has one thread.
        if let Some(namespace) = namespace {
            command.arg(namespace.as_fd().as_raw_fd().to_string());
            inherit(namespace, true).map_err(failed)?;
        }
        command.args(option);
        // A user that is none to be hinders no container: the helper is nobody then, and doctor says why.
        if let Ok(Some(account)) = account::look_up() {
            command.args(["--user", &account.to_string()]);
        }
        let child = command.spawn();
        if let Some(namespace) = namespace {
            inherit(namespace, false).map_err(failed)?;
        }
        let mut child = child.map_err(failed)?;
        let stdout = child.stdout.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self {
            program: program.to_owned(),
            child,
            stdout,
            pending: Vec::new(),
            deadline,
            has_reported: false,
            parting: Parting::Wait,
        })
    }

    /// Starts the helper to look at the routes of `namespace`, and says what it saw.
    pub fn look(
        program: &Path,
        namespace: Entrance<'_>,
        question: &Question,
        deadline: Instant,
    ) -> Result<Sight, Error> {
        let mut helper = Self::start(program, "look", Some(namespace), None, deadline)?;
        let line = helper.ask(question)?;
        helper.has_reported = true;
        helper.word(&line)
    }

    /// Waits until the helper is in the namespace, and tells its cookie.
    pub fn entered(&mut self) -> Result<u64, Error> {
        let line = self.line()?;
        self.word(&line).map(|Entered { cookie }| cookie)
    }

    /// Waits until the helper is ready. It has [entered](Self::entered) the namespace before.
    pub fn hello(&mut self) -> Result<Hello, Error> {
        let line = self.line()?;
        self.word(&line)
    }

    /// Says what shall become of it once it has reported.
    pub const fn part(&mut self, parting: Parting) {
        self.parting = parting;
    }

    /// Has the plan carried out. When it fails, nothing is left of it. The helper ends by itself then, and is
    /// waited for when it is dropped.
    pub fn apply(&mut self, plan: &Plan) -> Result<Vec<MadeLink>, Error> {
        self.apply_meanwhile(plan, || ())
    }

    /// The same; between the plan and the report, `work` is done here.
    pub fn apply_meanwhile(&mut self, plan: &Plan, work: impl FnOnce()) -> Result<Vec<MadeLink>, Error> {
        let sent = self.tell(plan)?;
        work();
        let line = self.hear(sent)?;
        let report = self.parse(&line)?;
        self.has_reported = true;
        match report {
            Report::Done { links } => Ok(links),
            Report::Failed(failure) => Err(Error::Failed(failure)),
        }
    }

    /// Writes all that it will ever hear, and waits for its next line.
    fn ask(&mut self, words: &impl Serialize) -> Result<Vec<u8>, Error> {
        let sent = self.tell(words)?;
        self.hear(sent)
    }

    fn tell(&mut self, words: &impl Serialize) -> Result<io::Result<()>, Error> {
        let text = serde_json::to_vec(words)
            .map_err(|source| Error::Answer { program: self.program.clone(), source })?;
        Ok(self.child.stdin.take().map_or_else(
            || Err(io::ErrorKind::BrokenPipe.into()),
            // Dropped at the end of this closure: the helper reads to the end of file.
            |mut stdin| stdin.write_all(&text),
        ))
    }

    /// A helper that ended early breaks the pipe, but its last words say more.
    fn hear(&mut self, sent: io::Result<()>) -> Result<Vec<u8>, Error> {
        match (self.line(), sent) {
            (Err(Error::Ended { .. }), Err(source)) => {
                Err(Error::Pipe { program: self.program.clone(), source })
            }
            (line, _) => line,
        }
    }

    /// What a line says; a helper that failed before it could say it writes its report instead.
    fn word<T: DeserializeOwned>(&self, line: &[u8]) -> Result<T, Error> {
        self.parse(line).map_err(|error| match serde_json::from_slice(line) {
            Ok(Report::Failed(failure)) => Error::Failed(failure),
            _ => error,
        })
    }

    fn parse<T: DeserializeOwned>(&self, line: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(line).map_err(|source| Error::Answer { program: self.program.clone(), source })
    }

    /// The next line of its standard output, before the deadline.
    fn line(&mut self) -> Result<Vec<u8>, Error> {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let rest = self.pending.split_off(end + 1);
                return Ok(std::mem::replace(&mut self.pending, rest));
            }
            self.wait_readable()?;
            let mut chunk = [0; 4096];
            let read = match self.stdout.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(|source| Error::Pipe { program: self.program.clone(), source })?,
            };
            if read == 0 {
                return Err(self.ended());
            }
            if self.pending.len() > MAX_ANSWER {
                // Killed when it is dropped: what it still has to say is not waited for.
                return Err(Error::TooLong { program: self.program.clone() });
            }
            self.pending.extend(chunk.iter().take(read));
        }
    }

    fn wait_readable(&mut self) -> Result<(), Error> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            // Rounded up: a last fraction of a millisecond must not become a busy loop.
            let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(self.stdout.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(0) if left.is_zero() => return Err(Error::Deadline { program: self.program.clone() }),
                Ok(0) | Err(nix::Error::EINTR) => {}
                Ok(_) => return Ok(()),
                Err(errno) => {
                    return Err(Error::Pipe { program: self.program.clone(), source: errno.into() });
                }
            }
        }
    }

    /// It has closed its output, most likely by ending: then it has its status already (`do_group_exit` comes before
    /// `exit_files`), which a signal does not change. One that goes on is killed and not waited for.
    fn ended(&mut self) -> Error {
        let status = match self.end() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        Error::Ended { program: self.program.clone(), status }
    }

    /// Without `CAP_KILL` nobody but its own user may end it, and to wait for it would be to wait for ever.
    fn end(&mut self) -> io::Result<ExitStatus> {
        rights::act().map_err(io::Error::other)?;
        self.child.kill()?;
        self.child.wait()
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
            let _ = self.child.wait();
        }
    }
}

fn inherit(namespace: Entrance<'_>, inherit: bool) -> io::Result<()> {
    let flags = if inherit { FdFlag::empty() } else { FdFlag::FD_CLOEXEC };
    fcntl(namespace, FcntlArg::F_SETFD(flags)).map(drop).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    /// What a helper that is this shell script makes of its first line, and of its end.
    fn of(script: &str) -> Error {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("helper");
        // Written by another process: one that tests beside this one start could hold it open for writing (ETXTBSY).
        let line = format!("cat >{0} && chmod 700 {0}", program.display());
        let mut shell = Command::new("sh").args(["-c", &line]).stdin(Stdio::piped()).spawn().unwrap();
        shell.stdin.take().unwrap().write_all(format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
        assert!(shell.wait().unwrap().success());
        let start = Instant::now();
        let error = Helper::detach(&program, None, start + LONG).unwrap().hello().unwrap_err();
        assert!(start.elapsed() < LONG / 10, "it was waited for");
        error
    }

    #[test]
    fn a_helper_that_does_not_stop_talking_is_ended() {
        let error = of("head -c 2097152 /dev/zero; exec sleep 1200");
        assert!(matches!(error, Error::TooLong { .. }), "{error}");
    }

    #[test]
    fn a_helper_that_falls_silent_and_stays_is_ended() {
        let error = of("exec sleep 1200 >&-");
        assert!(matches!(&error, Error::Ended { status, .. } if status.contains("SIGKILL")), "{error}");
    }

    #[test]
    fn how_a_helper_ended_by_itself_is_told() {
        for _ in 0..100 {
            let error = of("exit 3");
            assert!(matches!(&error, Error::Ended { status, .. } if status.contains('3')), "{error}");
        }
    }
}
