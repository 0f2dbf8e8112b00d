//! A tracer (ptrace(2)) that makes one system call of the hook or of its helper fail, or kills there.
//!
//! strace can inject errors, too, but not kill one of several programs at a call, and it takes longer to
//! start than the hook takes to run.

use std::{
    collections::{HashMap, HashSet},
    process::{Child, Command, Stdio},
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

use crate::{Error, Result, calls};

/// The first stop of a new process, and that of one that was stopped already (include/uapi/linux/ptrace.h).
const EVENT_STOP: i32 = 128;
/// `PTRACE_SYSCALL_INFO_ENTRY`.
const ENTRY: u8 = 1;

/// Which of the two programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Program {
    /// `underlay-hook`, and its child before that has become the helper.
    Hook,
    /// `underlay-nsenter`, with its threads.
    Helper,
}

/// What happens instead of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It fails, with an error that the kernel might give.
    Error,
    /// It does not return, until the program is killed for it.
    Hang,
    /// A signal comes in between (`EINTR`), which is no failure.
    Interrupt,
    /// The program is killed.
    Kill,
}

/// Where a run goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In which program.
    pub victim: Program,
    /// At which of its calls, from 0, of those that [`Harm`] can befall.
    pub call: usize,
    /// What happens.
    pub harm: Harm,
}

/// A run to its end, that of all its processes.
#[derive(Debug)]
pub struct Traced {
    /// The call that did not happen; none if there were not so many.
    pub struck: Option<&'static str>,
    /// What the first process ended with; none if it was killed.
    pub code: Option<i32>,
    /// How many calls the victim made that could have been struck, up to the one that was.
    pub calls: usize,
}

/// The command, to be stopped before its program starts.
pub(crate) fn gated(command: &Command) -> Command {
    let mut gated = Command::new("sh");
    gated.args(["-c", r#"kill -STOP $$; exec "$@""#, "sh"]).arg(command.get_program());
    gated.args(command.get_args()).stdout(Stdio::null()).stderr(Stdio::null());
    gated
}

/// Runs a [`gated`] command of the hook with a fault.
pub(crate) fn trace(command: &mut Command, fault: Option<Fault>) -> Result<Traced> {
    let failed = |errno: Errno| Error::Trace { source: errno.into() };
    let child = command.spawn().map_err(|source| Error::Trace { source })?;
    let root = pid_of(&child);
    waitpid(root, Some(WaitPidFlag::WUNTRACED)).map_err(failed)?;
    let follow = Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK | Options::PTRACE_O_TRACECLONE;
    let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_EXITKILL;
    ptrace::seize(root, options | follow).map_err(failed)?;
    kill(root, Signal::SIGCONT).map_err(failed)?;
    let mut tracer = Tracer::new(root, fault);
    if let Err(errno) = tracer.run() {
        let _ = kill(root, Signal::SIGKILL);
        let _ = waitpid(root, Some(WaitPidFlag::__WALL));
        return Err(failed(errno));
    }
    Ok(Traced { struck: tracer.struck, code: tracer.code, calls: tracer.calls })
}

struct Tracer {
    root: Pid,
    fault: Option<Fault>,
    tasks: HashMap<Pid, Task>,
    /// Stopped before their parent's stop told of them.
    early: HashSet<Pid>,
    calls: usize,
    struck: Option<&'static str>,
    /// Stopped for good.
    hung: Option<Pid>,
    code: Option<i32>,
}

#[derive(Clone, Copy, Default)]
struct Task {
    program: Option<Program>,
    /// What it shall find after the call that it is in.
    answer: Option<libc::user_regs_struct>,
}

impl Tracer {
    fn new(root: Pid, fault: Option<Fault>) -> Self {
        let tasks = HashMap::from([(root, Task::default())]);
        Self { root, fault, tasks, early: HashSet::new(), calls: 0, struck: None, hung: None, code: None }
    }

    fn run(&mut self) -> nix::Result<()> {
        while !self.tasks.is_empty() {
            // Children of other threads are other trials'.
            match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD))? {
                WaitStatus::Exited(pid, code) => self.ended(pid, Some(code)),
                WaitStatus::Signaled(pid, ..) => self.ended(pid, None),
                WaitStatus::PtraceSyscall(pid) => self.at_call(pid)?,
                WaitStatus::PtraceEvent(pid, _, event) => self.at_event(pid, event)?,
                WaitStatus::Stopped(pid, signal) => go_on(ptrace::syscall(pid, signal))?,
                _ => {}
            }
        }
        Ok(())
    }

    fn ended(&mut self, pid: Pid, code: Option<i32>) {
        self.tasks.remove(&pid);
        if pid == self.root {
            self.code = code;
        }
    }

    fn at_event(&mut self, pid: Pid, event: i32) -> nix::Result<()> {
        match event {
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
                // It may have been killed in between.
                if let Ok(child) = ptrace::getevent(pid) {
                    let child = Pid::from_raw(i32::try_from(child).unwrap_or_default());
                    let task = Task { answer: None, ..self.tasks.get(&pid).copied().unwrap_or_default() };
                    self.tasks.insert(child, task);
                    if self.early.remove(&child) {
                        self.resume(child)?;
                    }
                }
            }
            libc::PTRACE_EVENT_EXEC => {
                if let Some(task) = self.tasks.get_mut(&pid) {
                    // The gate becomes the hook, and its children become helpers.
                    task.program = Some(if task.program.is_none() { Program::Hook } else { Program::Helper });
                }
            }
            EVENT_STOP if !self.tasks.contains_key(&pid) => {
                self.early.insert(pid);
                return Ok(());
            }
            _ => {}
        }
        self.resume(pid)
    }

    fn at_call(&mut self, pid: Pid) -> nix::Result<()> {
        let Some(mut task) = self.tasks.get(&pid).copied() else { return self.resume(pid) };
        match ptrace::syscall_info(pid) {
            Ok(info) if info.op == ENTRY => self.enter(pid, &mut task)?,
            Ok(_) => leave(pid, &mut task)?,
            Err(Errno::ESRCH) => {}
            Err(errno) => return Err(errno),
        }
        self.tasks.insert(pid, task);
        self.resume(pid)
    }

    /// Before a call: the fault strikes if this is its place.
    fn enter(&mut self, pid: Pid, task: &mut Task) -> nix::Result<()> {
        let Some(fault) = self.fault.filter(|fault| task.program == Some(fault.victim)) else {
            return Ok(());
        };
        let registers = match ptrace::getregs(pid) {
            Ok(registers) => registers,
            Err(errno) => return go_on(Err(errno)),
        };
        let Some(call) = calls::find(registers.orig_rax) else { return Ok(()) };
        let errno = match fault.harm {
            Harm::Error if call.error.is_none() => return Ok(()),
            Harm::Error => call.error,
            Harm::Interrupt if !call.is_interruptible() => return Ok(()),
            Harm::Interrupt => Some(Errno::EINTR),
            Harm::Kill | Harm::Hang => None,
        };
        self.calls += 1;
        if self.calls != fault.call + 1 {
            return Ok(());
        }
        self.struck = Some(call.name);
        if fault.harm == Harm::Hang {
            self.hung = Some(pid);
            return Ok(());
        }
        let Some(errno) = errno else {
            return go_on(kill(pid, Signal::SIGKILL));
        };
        let rax = (-i64::from(errno as i32)).cast_unsigned();
        task.answer = Some(libc::user_regs_struct { rax, ..registers });
        go_on(ptrace::setregs(pid, do_nothing(registers)))
    }

    /// Once the fault has struck, nothing more is to be seen.
    fn resume(&self, pid: Pid) -> nix::Result<()> {
        if self.hung == Some(pid) {
            return Ok(());
        }
        let is_over = self.struck.is_some() && self.tasks.get(&pid).is_none_or(|task| task.answer.is_none());
        go_on(if is_over { ptrace::cont(pid, None) } else { ptrace::syscall(pid, None) })
    }
}

/// After a call: the error that it shall have returned.
fn leave(pid: Pid, task: &mut Task) -> nix::Result<()> {
    task.answer.take().map_or(Ok(()), |registers| go_on(ptrace::setregs(pid, registers)))
}

/// Makes the call one of close(2) of a descriptor that there never is. The helper's filter, which sees the call as it is
/// made, has it on all of its lists, and kills for a number that is no call's.
fn do_nothing(registers: libc::user_regs_struct) -> libc::user_regs_struct {
    libc::user_regs_struct { orig_rax: libc::SYS_close.cast_unsigned(), rdi: u64::MAX, ..registers }
}

/// A task that was killed while it was stopped is gone: its end is reported next.
fn go_on(result: nix::Result<()>) -> nix::Result<()> {
    match result {
        Err(Errno::ESRCH) => Ok(()),
        other => other,
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap_or_default())
}
