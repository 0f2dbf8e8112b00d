//! The most memory that each process of a command had at a time.
//!
//! wait4(2) tells the largest of all of them alone, and counts what a child shared with its parent before it
//! executed its program. So each is stopped at its end (ptrace(2)) and looked at.

use std::{fs::File, io::Read};

use nix::{
    fcntl::{OFlag, openat},
    sys::{
        ptrace::{self, Options},
        signal::{Signal, kill},
        stat::Mode,
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use crate::{
    error::{Error, Result},
    measure::Line,
};

/// A process at its end.
pub(crate) struct Peak {
    pub(crate) program: String,
    /// `VmHWM`: resident pages, those of files among them.
    pub(crate) kib: u64,
}

/// Runs a command to its end, and the peaks of it and its children. They are looked for in `proc`, the /proc in
/// which they have the numbers that this process knows.
pub(crate) fn peaks(line: &Line, proc: &File) -> Result<Vec<Peak>> {
    let gate = ["sh", "-c", r#"kill -STOP $$; exec "$@""#, "sh"];
    let mut command = line.clone().below(&gate).command()?;
    let child = command.spawn().map_err(|source| Error::Run { program: "sh".to_owned(), source })?;
    let root = Pid::from_raw(child.id().cast_signed());
    waitpid(root, Some(WaitPidFlag::WUNTRACED))?;
    let children = Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK | Options::PTRACE_O_TRACECLONE;
    ptrace::seize(root, children | Options::PTRACE_O_TRACEEXIT | Options::PTRACE_O_EXITKILL)?;
    kill(root, Signal::SIGCONT)?;
    watch(root, proc)
}

fn watch(root: Pid, proc: &File) -> Result<Vec<Peak>> {
    let mut peaks = Vec::new();
    loop {
        match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD))? {
            WaitStatus::PtraceEvent(pid, _, event) => {
                if event == libc::PTRACE_EVENT_EXIT {
                    peaks.extend(peak(pid, proc));
                }
                ptrace::cont(pid, None)?;
            }
            WaitStatus::Stopped(pid, signal) => ptrace::cont(pid, signal)?,
            WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..) if pid == root => return Ok(peaks),
            _ => {}
        }
    }
}

/// A thread that is not its process's first has been counted with that.
fn peak(pid: Pid, proc: &File) -> Option<Peak> {
    let file = openat(proc, format!("{pid}/status").as_str(), OFlag::O_RDONLY, Mode::empty()).ok()?;
    let mut status = String::new();
    File::from(file).read_to_string(&mut status).ok()?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.split(':').next() == Some(name))?;
        line.split_whitespace().nth(1).map(str::to_owned)
    };
    if field("Tgid") != field("Pid") {
        return None;
    }
    Some(Peak { program: field("Name")?, kib: field("VmHWM")?.parse().ok()? })
}
