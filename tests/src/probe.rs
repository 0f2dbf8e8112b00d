//! A probe (ptrace(2)) into one process of the binaries under test: it stops the process at a system call of
//! choice, reads what rights it has there, and lets it try other calls in that one's place.
//!
//! So what is shipped is what is tested: no build of its own, no door in the program.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::fs::FileExt,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use nix::{
    errno::Errno,
    sys::{
        ptrace::{self, Options},
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use crate::{Error, Result};

/// `PTRACE_SYSCALL_INFO_ENTRY`.
const ENTRY: u8 = 1;
/// Of the instruction `syscall`.
const INSTRUCTION: u64 = 2;
/// Below the stack's end nothing is kept but 128 bytes (System V ABI for AMD64).
const BELOW_STACK: u64 = 4096;

/// A process that stands at the entry of a system call.
#[derive(Debug)]
pub struct Probe {
    pid: Pid,
    /// Its number in the lab, where /proc is the lab's.
    inner: u32,
    child: Child,
    stdin: Option<ChildStdin>,
    /// Kept open: what it says there fits into the pipe.
    _stdout: Option<BufReader<ChildStdout>>,
}

/// An argument of a call to try.
#[derive(Clone, Copy, Debug)]
pub enum Word<'a> {
    /// A number.
    Number(i64),
    /// The address of these bytes.
    Bytes(&'a [u8]),
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It returned this.
    Done(i64),
    /// It failed.
    Refused(Errno),
    /// The process ended, by this signal if one killed it.
    Ended(Option<Signal>),
}

impl Probe {
    /// Starts a command, a shell's perhaps, and stops it where it has become one of our programs.
    pub fn start(command: &Command, stdin: Option<File>) -> Result<Self> {
        let failed = |source| Error::Trace { source };
        let mut gated = Command::new("sh");
        gated.args(["-c", r#"echo $$; kill -STOP $$; exec "$@""#, "sh"]).arg(command.get_program());
        gated.args(command.get_args()).env_clear().stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = gated.stdin(stdin.map_or_else(Stdio::piped, Stdio::from)).spawn().map_err(failed)?;
        let mut line = String::new();
        let mut stdout = child.stdout.take().map(BufReader::new);
        if let Some(stdout) = &mut stdout {
            stdout.read_line(&mut line).map_err(failed)?;
        }
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
        let stdin = child.stdin.take();
        let mut probe =
            Self { pid, inner: line.trim().parse().unwrap_or_default(), child, stdin, _stdout: stdout };
        probe.seize().map_err(|errno| failed(errno.into()))?;
        Ok(probe)
    }

    fn seize(&mut self) -> nix::Result<()> {
        waitpid(self.pid, Some(WaitPidFlag::WUNTRACED))?;
        let options =
            Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_EXITKILL;
        ptrace::seize(self.pid, options)?;
        kill(self.pid, Signal::SIGCONT)?;
        loop {
            match waitpid(self.pid, None)? {
                WaitStatus::PtraceEvent(_, _, libc::PTRACE_EVENT_EXEC) if self.is_ours() => return Ok(()),
                WaitStatus::Exited(..) | WaitStatus::Signaled(..) => return Err(Errno::ESRCH),
                _ => ptrace::cont(self.pid, None)?,
            }
        }
    }

    fn is_ours(&self) -> bool {
        let program = fs::read_link(format!("/proc/{}/exe", self.inner)).unwrap_or_default();
        program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("underlay-"))
    }

    /// Goes on until `wanted` says yes to a call's number and arguments; false if the process ends before that.
    pub fn run_to(&mut self, mut wanted: impl FnMut(u64, [u64; 6]) -> bool) -> Result<bool> {
        loop {
            match self.next_stop().map_err(failed)? {
                Stop::Entry(number, arguments) if wanted(number, arguments) => return Ok(true),
                Stop::Entry(..) | Stop::Exit => {}
                Stop::End(_) => return Ok(false),
            }
        }
    }

    /// Goes on until a call of that number.
    pub fn run_to_call(&mut self, number: i64) -> Result<bool> {
        self.run_to(|call, _| call == number.cast_unsigned())
    }

    /// Goes on until it reads a file whose path ends so.
    pub fn run_to_read(&mut self, ending: &str) -> Result<bool> {
        let directory = format!("/proc/{}/fd", self.inner);
        self.run_to(|call, [descriptor, ..]| {
            call.cast_signed() == libc::SYS_read
                && fs::read_link(format!("{directory}/{descriptor}"))
                    .is_ok_and(|file| file.to_string_lossy().ends_with(ending))
        })
    }

    /// Lets the process make another call than the one at which it stands; it then stands there again, if it
    /// lives.
    pub fn attempt(&mut self, number: i64, words: &[Word<'_>]) -> Result<Fate> {
        self.try_call(number, words).map_err(failed)
    }

    fn try_call(&mut self, number: i64, words: &[Word<'_>]) -> nix::Result<Fate> {
        let before = ptrace::getregs(self.pid)?;
        let mut registers = before;
        let memory = format!("/proc/{}/mem", self.inner);
        let memory = File::options().write(true).open(memory).map_err(|_| Errno::EIO)?;
        let mut place = (before.rsp - BELOW_STACK) & !15;
        let mut values = [0; 6];
        for (value, word) in values.iter_mut().zip(words) {
            *value = match word {
                Word::Number(number) => number.cast_unsigned(),
                Word::Bytes(bytes) => {
                    place -= u64::try_from(bytes.len().next_multiple_of(16)).unwrap_or_default();
                    memory.write_all_at(bytes, place).map_err(|_| Errno::EIO)?;
                    place
                }
            };
        }
        registers.orig_rax = number.cast_unsigned();
        [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9] = values;
        ptrace::setregs(self.pid, registers)?;
        let answer = match (self.next_stop()?, ptrace::getregs(self.pid)) {
            (Stop::End(signal), _) => return Ok(Fate::Ended(signal)),
            // Killed for it, where it should have returned.
            (_, Err(Errno::ESRCH)) => return self.end().map(Fate::Ended),
            (_, registers) => registers?.rax.cast_signed(),
        };
        // Back before the instruction, so that the call at which the process stood is made as if new.
        let again = libc::user_regs_struct { rip: before.rip - INSTRUCTION, rax: before.orig_rax, ..before };
        ptrace::setregs(self.pid, again)?;
        loop {
            match self.next_stop()? {
                Stop::Entry(number, _) if number == before.orig_rax => break,
                Stop::Entry(..) | Stop::Exit => {}
                // Killed for it only after it returned.
                Stop::End(signal) => return Ok(Fate::Ended(signal)),
            }
        }
        Ok(match i32::try_from(answer) {
            Ok(errno @ -4095..=-1) => Fate::Refused(Errno::from_raw(-errno)),
            _ => Fate::Done(answer),
        })
    }

    fn end(&mut self) -> nix::Result<Option<Signal>> {
        loop {
            if let Stop::End(signal) = self.next_stop()? {
                return Ok(signal);
            }
        }
    }

    fn next_stop(&mut self) -> nix::Result<Stop> {
        let mut signal = None;
        loop {
            match ptrace::syscall(self.pid, signal.take()) {
                // It is being killed: its end is reported next.
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(errno) => return Err(errno),
            }
            match waitpid(self.pid, None)? {
                WaitStatus::PtraceSyscall(_) => match self.look() {
                    Err(Errno::ESRCH) => {}
                    stop => return stop,
                },
                WaitStatus::Exited(..) => return Ok(Stop::End(None)),
                WaitStatus::Signaled(_, signal, _) => return Ok(Stop::End(Some(signal))),
                WaitStatus::Stopped(_, stopped) => signal = Some(stopped),
                _ => {}
            }
        }
    }

    fn look(&self) -> nix::Result<Stop> {
        if ptrace::syscall_info(self.pid)?.op != ENTRY {
            return Ok(Stop::Exit);
        }
        let libc::user_regs_struct { orig_rax, rdi, rsi, rdx, r10, r8, r9, .. } = ptrace::getregs(self.pid)?;
        Ok(Stop::Entry(orig_rax, [rdi, rsi, rdx, r10, r8, r9]))
    }

    /// A line of `/proc/PID/status`, without its name.
    pub fn status(&self, name: &str) -> Result<String> {
        let text = self.proc("status")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Ok(line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// A set of capabilities: `CapEff` and its like.
    pub fn capabilities(&self, set: &str) -> Result<u64> {
        Ok(u64::from_str_radix(&self.status(set)?, 16).unwrap_or(u64::MAX))
    }

    /// A file of its directory in /proc.
    pub fn proc(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.inner).into();
        fs::read_to_string(&path).map_err(|source| Error::File { path, source })
    }

    /// Its open descriptors, with the flags of each as in `/proc/PID/fdinfo` (octal).
    pub fn descriptors(&self) -> Result<Vec<(i32, u32)>> {
        let path = format!("/proc/{}/fdinfo", self.inner).into();
        let entries = fs::read_dir(&path).map_err(|source| Error::File { path, source })?;
        let mut descriptors = Vec::new();
        for name in entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
            let info = self.proc(&format!("fdinfo/{name}"))?;
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
            let flags = u32::from_str_radix(flags.unwrap_or_default().trim(), 8).unwrap_or_default();
            descriptors.push((name.parse().unwrap_or_default(), flags));
        }
        descriptors.sort_unstable();
        Ok(descriptors)
    }

    /// The descriptor of a file whose path begins so.
    pub fn descriptor_of(&self, beginning: &str) -> Result<Option<i32>> {
        let is_it = |(descriptor, _): &(i32, u32)| {
            fs::read_link(format!("/proc/{}/fd/{descriptor}", self.inner))
                .is_ok_and(|file| file.to_string_lossy().starts_with(beginning))
        };
        Ok(self.descriptors()?.into_iter().find(is_it).map(|(descriptor, _)| descriptor))
    }

    /// Writes to its standard input and closes that.
    pub fn tell(&mut self, text: &str) -> Result {
        let failed = |source| Error::File { path: "standard input".into(), source };
        match self.stdin.take() {
            Some(mut stdin) => stdin.write_all(text.as_bytes()).map_err(failed),
            None => Ok(()),
        }
    }

    /// Its memory, to read.
    pub fn memory(&self) -> Result<Memory> {
        let path = format!("/proc/{}/mem", self.inner).into();
        File::open(&path).map(Memory).map_err(|source| Error::File { path, source })
    }
}

/// The memory of a process.
#[derive(Debug)]
pub struct Memory(File);

impl Memory {
    /// The text at an address, up to its zero byte.
    #[must_use]
    pub fn text_at(&self, address: u64) -> String {
        let mut bytes = vec![0; 4096];
        let read = self.0.read_at(&mut bytes, address).unwrap_or_default();
        let text = bytes.get(..read).unwrap_or_default().split(|byte| *byte == 0).next();
        String::from_utf8_lossy(text.unwrap_or_default()).into_owned()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // It can only be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

enum Stop {
    Entry(u64, [u64; 6]),
    Exit,
    /// With the signal that killed it, if one did.
    End(Option<Signal>),
}

fn failed(errno: Errno) -> Error {
    Error::Trace { source: errno.into() }
}
