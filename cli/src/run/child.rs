//! The child as its parent sees it.

use std::{
    ffi::OsString,
    io,
    process::{Command, id},
};

use nix::{
    errno::Errno,
    sys::{
        signal::{SigSet, Signal, kill},
        signalfd::SignalFd,
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use thiserror::Error;

/// What the two tell each other: "I am there", and "go on".
pub(super) const WORD: Signal = Signal::SIGUSR1;

/// What is passed on to the command.
const FORWARDED: [Signal; 5] =
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR2];

/// A child, killed when it is dropped before its end.
pub(super) struct Child {
    pid: Pid,
    signals: SignalFd,
    has_ended: bool,
}

/// How a start went.
pub(super) enum Start {
    /// The child waits in its own network namespace.
    Ready(Child),
    /// It ended instead.
    Ended,
}

/// Why there is no child, or no word of it.
#[derive(Debug, Error)]
pub(super) enum Error {
    #[error("cannot start this program again")]
    Start(#[source] io::Error),
    #[error("cannot wait for signals")]
    Signals(#[source] Errno),
    #[error("cannot tell the command to go on")]
    Tell(#[source] Errno),
    #[error("cannot wait for the command")]
    Wait(#[source] Errno),
}

impl Child {
    /// Starts the child that will become `command`, and waits until it is in its own network namespace.
    pub(super) fn start(command: &[OsString]) -> Result<Start, Error> {
        // Blocked before there is a child, so that no word of it is lost; the child inherits the mask.
        let taken: SigSet = FORWARDED.into_iter().chain([WORD, Signal::SIGCHLD]).collect();
        taken.thread_block().map_err(Error::Signals)?;
        let signals = SignalFd::new(&taken).map_err(Error::Signals)?;
        let child = Command::new("/proc/self/exe")
            .args(["run-inside", &id().to_string(), "--"])
            .args(command)
            .spawn()
            .map_err(Error::Start)?;
        let mut child = Self { pid: Pid::from_raw(child.id().cast_signed()), signals, has_ended: false };
        loop {
            match child.next()? {
                Event::Word => return Ok(Start::Ready(child)),
                // At a signal it cannot have begun anything yet: dropped, it is killed.
                Event::Ended(_) | Event::Signal { .. } => return Ok(Start::Ended),
                Event::Nothing => {}
            }
        }
    }

    /// Its process id.
    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Lets it go on.
    pub(super) fn become_command(&mut self) -> Result<(), Error> {
        kill(self.pid, WORD).map_err(Error::Tell)
    }

    /// Waits for the end of the command, and passes signals on to it till then. Gives its exit code, as a
    /// shell has it.
    pub(super) fn wait(&mut self) -> Result<u8, Error> {
        loop {
            match self.next()? {
                Event::Ended(code) => return Ok(code),
                Event::Signal { signal, by_terminal: false } => {
                    // It can only have ended meanwhile.
                    let _ = kill(self.pid, signal);
                }
                // The terminal sends its signals to the command as well.
                Event::Signal { by_terminal: true, .. } | Event::Word | Event::Nothing => {}
            }
        }
    }

    fn next(&mut self) -> Result<Event, Error> {
        let Some(info) = self.signals.read_signal().map_err(Error::Signals)? else {
            return Ok(Event::Nothing);
        };
        let signal = i32::try_from(info.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok());
        match signal {
            Some(Signal::SIGCHLD) => self.reap(),
            Some(WORD) if i32::try_from(info.ssi_pid) == Ok(self.pid()) => Ok(Event::Word),
            Some(signal) => Ok(Event::Signal { signal, by_terminal: info.ssi_code == libc::SI_KERNEL }),
            None => Ok(Event::Nothing),
        }
    }

    /// One signal may stand for the ends of several children: helpers are children of this process, too.
    fn reap(&mut self) -> Result<Event, Error> {
        loop {
            let code = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) if pid == self.pid => code,
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == self.pid => 128 + signal as i32,
                Ok(WaitStatus::StillAlive) => return Ok(Event::Nothing),
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(errno) => return Err(Error::Wait(errno)),
            };
            self.has_ended = true;
            return Ok(Event::Ended(u8::try_from(code).unwrap_or(u8::MAX)));
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.has_ended {
            let _ = kill(self.pid, Signal::SIGKILL);
            let _ = waitpid(self.pid, None);
        }
    }
}

/// What a signal meant.
enum Event {
    /// The child said its word.
    Word,
    /// The child ended with this code.
    Ended(u8),
    /// Somebody else sent it.
    Signal { signal: Signal, by_terminal: bool },
    /// Nothing that concerns this child.
    Nothing,
}
