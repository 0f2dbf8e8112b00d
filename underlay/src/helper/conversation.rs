//! What is said between a helper and whoever started it: lines of the crate `plan`, before the deadline.

use std::{
    io::{self, Read, Write},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use plan::{Entered, Hello, MadeLink, Plan, Report};
use serde::{Serialize, de::DeserializeOwned};

use super::{Error, Helper};

/// More than the longest report: 32 links of a few hundred bytes each, and as many names of links that were
/// there already.
pub(super) const MAX_ANSWER: usize = 1 << 20;

impl Helper {
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
    pub(super) fn ask(&mut self, words: &impl Serialize) -> Result<Vec<u8>, Error> {
        let sent = self.tell(words)?;
        self.hear(sent)
    }

    fn tell(&mut self, words: &impl Serialize) -> Result<io::Result<()>, Error> {
        let text = serde_json::to_vec(words)
            .map_err(|source| Error::Answer { program: self.program.clone(), source })?;
        Ok(self.stdin.take().map_or_else(
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
    pub(super) fn word<T: DeserializeOwned>(&self, line: &[u8]) -> Result<T, Error> {
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
}
