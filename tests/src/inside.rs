//! Being on a lab's host instead of sending commands there: for trials that start thousands of processes.

use std::{
    collections::BTreeSet,
    fs::File,
    os::fd::AsFd,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

use nix::sched::{CloneFlags, setns, unshare};

use crate::{
    Error, Lab, Place, Result, TALLY, Tally,
    host::{hook_command, underlay, underlay_command},
    remains,
    replica::Replica,
    tracer::{self, Fault, Traced},
};

/// A thread on the host of a lab. Paths, process numbers and commands are the host's.
///
/// It cannot start other threads: they would be in another process namespace than their own children
/// (`copy_process` in kernel/fork.c refuses that).
#[derive(Debug)]
pub struct Inside {
    place: Place,
}

impl Lab {
    /// Does `work` in a thread that is on this host.
    pub fn inside<T: Send>(&self, work: impl FnOnce(&Inside) -> Result<T> + Send) -> Result<T> {
        let pid = self.pid();
        thread::scope(|scope| {
            let visit = scope.spawn(move || enter(pid).and_then(|()| work(&Inside { place: Place::here() })));
            match visit.join() {
                Ok(result) => result,
                // An assertion that failed there failed here.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

impl Inside {
    /// The host, to run commands on.
    #[must_use]
    pub const fn host(&self) -> &Place {
        &self.place
    }

    /// A container with a network namespace of its own.
    pub fn replica(&self, name: &str, networks: &str) -> Result<Replica> {
        Replica::start(name, networks, None)
    }

    /// A container in the network namespace of another.
    pub fn replica_beside(&self, name: &str, networks: &str, other: &Replica) -> Result<Replica> {
        Replica::start(name, networks, Some(other.pid))
    }

    /// Runs `underlay gc`, which must succeed. Gives what it took.
    pub fn gc(&self) -> Result<String> {
        self.underlay("gc")
    }

    /// Runs `underlay gc` with a fault, of which it is the first program.
    pub fn trace_gc(&self, fault: Fault) -> Result<Traced> {
        let words = underlay_command("gc");
        let mut words = words.iter();
        let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
        command.args(words);
        tracer::trace(tracer::gated(&command).stdin(Stdio::null()), Some(fault))
    }

    /// Runs `underlay gc`, which must fail. Gives what it complained of.
    pub fn try_gc(&self) -> Result<String> {
        underlay(&self.place, "gc")?.failure()
    }

    /// Runs `underlay ...`, which must succeed.
    pub fn underlay(&self, line: &str) -> Result<String> {
        underlay(&self.place, line)?.success()
    }

    /// Everything that is recorded of leases, namespaces, containers, and claims on parents and intents to
    /// make one: paths below the run directory, sorted, with the targets of symbolic links.
    pub fn records(&self) -> Result<Vec<String>> {
        remains::records()
    }

    /// The leased addresses.
    pub fn leases(&self) -> Result<BTreeSet<String>> {
        let records = self.records()?;
        let leases = records.iter().filter_map(|line| line.strip_prefix("leases/")?.split(' ').next());
        Ok(leases.map(str::to_owned).collect())
    }

    /// Counts an operation that was checked, and a leak if anything is recorded.
    ///
    /// # Panics
    ///
    /// If anything is.
    pub fn expect_nothing(&self) -> Result {
        let records = self.records()?;
        if !records.is_empty() {
            Tally::count(&TALLY.leaks);
        }
        assert!(records.is_empty(), "{records:#?}");
        Tally::count(&TALLY.operations);
        Ok(())
    }

    /// Starts a program of this host.
    pub(crate) fn spawn(command: &mut Command) -> Result<Child> {
        command.spawn().map_err(|source| Error::Start { command: format!("{command:?}"), source })
    }
}

/// Puts the calling thread into the host's namespaces, and its future children into its process namespace.
fn enter(pid: u32) -> Result {
    let files: Vec<_> = ["net", "pid", "mnt"]
        .into_iter()
        .map(|kind| {
            let path = PathBuf::from(format!("/proc/{pid}/ns/{kind}"));
            File::open(&path).map_err(|source| Error::File { path, source })
        })
        .collect::<Result<_>>()?;
    let failed = |errno: nix::Error| Error::Enter { source: errno.into() };
    // Root and working directory of this thread alone change with the mount namespace.
    unshare(CloneFlags::CLONE_FS).map_err(failed)?;
    files.iter().try_for_each(|file| setns(file.as_fd(), CloneFlags::empty())).map_err(failed)
}

/// A command of the hook for one stage.
pub(crate) fn hook(stage: &str) -> Command {
    let words = hook_command(stage);
    let mut words = words.iter();
    let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
    command.args(words).env_clear().stdout(Stdio::null()).stderr(Stdio::piped());
    command
}
