//! The helper as a process of ours: it is ended, and waited for once.

use std::{fmt, io};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, kill},
        wait::{WaitStatus, waitpid},
    },
    unistd::Pid,
};
use start::process::Child;

#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// From then on its number may be another's.
    end: Option<Result<WaitStatus, Errno>>,
}

impl Process {
    pub(super) const fn new(child: Child) -> Self {
        Self { child, end: None }
    }

    /// Why it did not become the helper, once it has ended or closed its output.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.child.failure()
    }

    pub(super) fn kill(&self) -> Result<(), Errno> {
        if self.end.is_some() {
            return Ok(());
        }
        kill(self.pid(), Signal::SIGKILL)
    }

    pub(super) fn wait(&mut self) -> Result<End, Errno> {
        let end = self.end.unwrap_or_else(|| wait_for(self.pid()));
        self.end = Some(end);
        end.map(End)
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id())
    }
}

fn wait_for(pid: Pid) -> Result<WaitStatus, Errno> {
    loop {
        match waitpid(pid, None) {
            Err(Errno::EINTR) => {}
            end => return end,
        }
    }
}

/// How it ended. Prints as the standard library prints it.
#[derive(Clone, Copy, Debug)]
pub(super) struct End(WaitStatus);

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            WaitStatus::Exited(_, code) => write!(f, "exit status: {code}"),
            WaitStatus::Signaled(_, signal, _) => write!(f, "signal: {} ({signal})", signal as i32),
            // waitpid(2) was not asked for what goes on.
            other => write!(f, "{other:?}"),
        }
    }
}
