//! Which system calls the helper makes once its list of them is on, and what is on that list.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    process::{Command, Stdio},
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
use serde_json::Value;

use crate::{Error, Result, tracer};

/// The lists, as the helper is built from them.
const LISTS: &str = include_str!("../../nsenter-helper/seccomp.json");
/// `PTRACE_SYSCALL_INFO_ENTRY`.
const ENTRY: u8 = 1;

/// All calls of the lists.
const NUMBERS: [(&str, i64); 21] = [
    ("brk", libc::SYS_brk),
    ("clock_gettime", libc::SYS_clock_gettime),
    ("clock_nanosleep", libc::SYS_clock_nanosleep),
    ("clone", libc::SYS_clone),
    ("close", libc::SYS_close),
    ("connect", libc::SYS_connect),
    ("exit", libc::SYS_exit),
    ("exit_group", libc::SYS_exit_group),
    ("futex", libc::SYS_futex),
    ("mmap", libc::SYS_mmap),
    ("mprotect", libc::SYS_mprotect),
    ("mremap", libc::SYS_mremap),
    ("munmap", libc::SYS_munmap),
    ("openat", libc::SYS_openat),
    ("read", libc::SYS_read),
    ("recvfrom", libc::SYS_recvfrom),
    ("rt_sigprocmask", libc::SYS_rt_sigprocmask),
    ("sendto", libc::SYS_sendto),
    ("setsockopt", libc::SYS_setsockopt),
    ("socket", libc::SYS_socket),
    ("write", libc::SYS_write),
];

/// One of the helper's lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallList {
    /// What it allows.
    pub allowed: BTreeSet<String>,
    /// Of that, what is argued for and not expected to be seen.
    pub spare: BTreeSet<String>,
}

/// The helper's lists by their names.
#[must_use]
pub fn call_lists() -> BTreeMap<String, CallList> {
    let lists: BTreeMap<String, Value> = serde_json::from_str(LISTS).unwrap_or_default();
    lists.into_iter().map(|(name, list)| (name, read_list(&list))).collect()
}

fn read_list(list: &Value) -> CallList {
    let mut read = CallList::default();
    for rule in list.get("filter").and_then(Value::as_array).into_iter().flatten() {
        let text = |key| rule.get(key).and_then(Value::as_str).unwrap_or_default();
        read.allowed.insert(text("syscall").to_owned());
        if text("comment").starts_with("spare: ") {
            read.spare.insert(text("syscall").to_owned());
        }
    }
    read
}

/// What a command did after it had its list put on.
#[derive(Debug)]
pub struct Confined {
    /// The calls that it made, by name, or by number if they are on no list.
    pub calls: BTreeSet<String>,
    /// The signal that it was killed by.
    pub signal: Option<Signal>,
    /// What it said.
    pub output: String,
}

/// Runs a command to its end and notes the calls of all its threads.
pub fn confined(command: &Command, input: &str) -> Result<Confined> {
    let failed = |source| Error::Trace { source };
    let mut gated = tracer::gated(command);
    gated.stdin(Stdio::piped());
    // What is said fits into the pipe, and so does what is told.
    gated.stdout(Stdio::piped());
    let mut child = gated.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(failed)?;
    }
    let root = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
    let mut watch = Watch::default();
    let watched = watch.run(root);
    let _ = child.kill();
    watched.map_err(|errno| failed(errno.into()))?;
    let mut output = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut output).map_err(failed)?;
    }
    Ok(Confined { calls: watch.calls, signal: watch.signal, output })
}

#[derive(Default)]
struct Watch {
    tasks: BTreeSet<Pid>,
    is_on: bool,
    calls: BTreeSet<String>,
    signal: Option<Signal>,
}

impl Watch {
    fn run(&mut self, root: Pid) -> nix::Result<()> {
        waitpid(root, Some(WaitPidFlag::WUNTRACED))?;
        let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE;
        ptrace::seize(root, options | Options::PTRACE_O_EXITKILL)?;
        kill(root, Signal::SIGCONT)?;
        self.tasks.insert(root);
        while !self.tasks.is_empty() {
            // Children of other threads are other trials'.
            match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD))? {
                WaitStatus::Exited(pid, _) => drop(self.tasks.remove(&pid)),
                WaitStatus::Signaled(pid, signal, _) => {
                    self.tasks.remove(&pid);
                    self.signal = Some(signal);
                }
                WaitStatus::PtraceSyscall(pid) => self.at_call(pid)?,
                WaitStatus::PtraceEvent(pid, ..) => {
                    self.tasks.insert(pid);
                    go_on(ptrace::syscall(pid, None))?;
                }
                WaitStatus::Stopped(pid, signal) => go_on(ptrace::syscall(pid, signal))?,
                _ => {}
            }
        }
        Ok(())
    }

    fn at_call(&mut self, pid: Pid) -> nix::Result<()> {
        let is_entry = ptrace::syscall_info(pid).is_ok_and(|info| info.op == ENTRY);
        if let (true, Ok(registers)) = (is_entry, ptrace::getregs(pid)) {
            let number = registers.orig_rax.cast_signed();
            if self.is_on {
                self.calls.insert(name(number));
            }
            self.is_on |= number == libc::SYS_seccomp;
        }
        go_on(ptrace::syscall(pid, None))
    }
}

fn name(number: i64) -> String {
    let known = NUMBERS.iter().find(|(_, known)| *known == number);
    known.map_or_else(|| format!("number {number}"), |(name, _)| (*name).to_owned())
}

/// A task that was killed while it was stopped is gone: its end is reported next.
fn go_on(result: nix::Result<()>) -> nix::Result<()> {
    match result {
        Err(Errno::ESRCH) => Ok(()),
        other => other,
    }
}
