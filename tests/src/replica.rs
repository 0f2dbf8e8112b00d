//! Replicas: all that a hook sees of a container.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};
use serde_json::json;

use crate::{
    Error, Result,
    inside::{self, Inside},
    probe::Probe,
    tracer::{self, Fault, Traced},
};

/// A process that sleeps in a network namespace, a bundle, and the states that a runtime would write: a
/// container in a hook's eyes, for a hundredth of the price. Dropped, its process is killed.
#[derive(Debug)]
pub struct Replica {
    /// Its id.
    pub name: String,
    /// Its first process, in the host's numbers.
    pub pid: u32,
    process: Child,
    /// Set once its process is dead.
    ended: AtomicBool,
    /// The namespace that outlived its process.
    held: OnceLock<File>,
}

/// A hook that runs. Dropped, it is killed: the first process of a lab's host cannot end while one of its
/// processes is dead and has a parent outside that does not care (`zap_pid_ns_processes`).
#[derive(Debug)]
pub struct RunningHook {
    name: String,
    stage: &'static str,
    process: Child,
}

impl Replica {
    pub(crate) fn start(name: &str, networks: &str, beside: Option<u32>) -> Result<Self> {
        let (program, argument) = match beside {
            Some(pid) => ("nsenter", format!("--net=/proc/{pid}/ns/net")),
            None => ("unshare", "--net".to_owned()),
        };
        let mut command = Command::new(program);
        command.arg(argument);
        command.args(["sh", "-c", "echo $$; exec sleep 3600"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = Inside::spawn(&mut command)?;
        let pid = announced_pid(&mut process);
        let replica = Self {
            name: name.to_owned(),
            pid: pid.unwrap_or_default(),
            process,
            ended: AtomicBool::new(pid.is_none()),
            held: OnceLock::new(),
        };
        if pid.is_none() {
            return Err(Error::NoHost);
        }
        replica.write_bundle(networks)?;
        Ok(replica)
    }

    /// Starts the hook for a stage. Before poststop its process ends, if it still runs, and its namespace lives
    /// on.
    pub fn spawn_hook(&self, stage: &'static str) -> Result<RunningHook> {
        if stage == "poststop" {
            self.stop()?;
        }
        self.start_hook(stage)
    }

    /// Runs the poststop of an earlier run of this container, while this one runs. It must succeed without a
    /// complaint.
    pub fn late_poststop(&self) -> Result {
        self.start_hook("poststop")?.success()
    }

    fn start_hook(&self, stage: &'static str) -> Result<RunningHook> {
        let process = Inside::spawn(inside::hook(stage).stdin(self.state(stage)?))?;
        Ok(RunningHook { name: self.name.clone(), stage, process })
    }

    /// Runs createRuntime, which must succeed.
    pub fn attach(&self) -> Result {
        self.spawn_hook("createRuntime")?.success()
    }

    /// The same as an engine would run it that vouches for the container's pod.
    pub fn attach_as_pod(&self) -> Result {
        let path = self.bundle().join("createRuntime");
        let failed = |source| Error::File { path: path.clone(), source };
        let state = fs::read_to_string(&path).map_err(failed)?;
        let of_pod =
            state.replace("\"annotations\":{", "\"annotations\":{\"io.kubernetes.cri-o.SandboxID\":\"pod\",");
        fs::write(&path, of_pod).map_err(failed)?;
        self.attach()
    }

    /// Ends its process while something else holds its namespace, as an engine may do.
    pub fn stop(&self) -> Result {
        if self.ended.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let path = PathBuf::from(self.namespace());
        let namespace = File::open(&path).map_err(|source| Error::File { path, source })?;
        // It was not there before: `ended` lets one through.
        let _ = self.held.set(namespace);
        // Its number out here, where the caller's own process is.
        let process = Pid::from_raw(self.process.id().cast_signed());
        let failed = |errno: nix::Error| Error::Trace { source: errno.into() };
        kill(process, Signal::SIGKILL).map_err(failed)?;
        // Left to be reaped by whoever drops it, so that its number is not used again meanwhile.
        waitid(Id::Pid(process), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).map_err(failed).map(drop)
    }

    /// Runs poststop, which must succeed and have nothing to complain of.
    pub fn detach(&self) -> Result {
        self.spawn_hook("poststop")?.success()
    }

    /// Runs the hook for a stage with a fault, or only counts its system calls.
    pub fn trace_hook(&self, stage: &'static str, fault: Option<Fault>) -> Result<Traced> {
        if stage == "poststop" {
            self.stop()?;
        }
        tracer::trace(tracer::gated(&inside::hook(stage)).stdin(self.state(stage)?), fault)
    }

    /// What the hook complains of for a stage, started through another command, and failing.
    pub fn complaint_through(&self, stage: &'static str, line: &str) -> Result<String> {
        let words: Vec<_> = line.split_whitespace().collect();
        self.ends_through(stage, &words, 1)
    }

    /// Runs the hook for a stage through a shell that closes standard streams before (`>&- 2>&-`), to an exit code.
    /// What it complains of meanwhile.
    pub fn ends_without(&self, stage: &'static str, streams: &str, code: i32) -> Result<String> {
        self.ends_through(stage, &["sh", "-c", &format!(r#"exec "$@" {streams}"#), "sh"], code)
    }

    fn ends_through(&self, stage: &'static str, words: &[&str], code: i32) -> Result<String> {
        let hook = inside::hook(stage);
        let (program, arguments) = words.split_first().unwrap_or((&"env", &[]));
        let mut command = Command::new(program);
        command.args(arguments).arg(hook.get_program()).args(hook.get_args());
        command.stdin(self.state(stage)?).stdout(Stdio::null()).stderr(Stdio::piped());
        let running = RunningHook { name: self.name.clone(), stage, process: Inside::spawn(&mut command)? };
        let (status, complaint) = running.end()?;
        if status.code() != Some(code) {
            let (command, wanted) =
                (format!("{command:?}"), if code == 0 { "success" } else { "exit code 1" });
            return Err(Error::Status { command, status, wanted, stdout: String::new(), stderr: complaint });
        }
        Ok(complaint)
    }

    /// Starts the hook for a stage under a probe, through a command such as env(1) with its options.
    pub fn probe_hook(&self, stage: &'static str, through: &[&str]) -> Result<Probe> {
        let hook = inside::hook(stage);
        let mut command = Command::new("env");
        command.args(through).arg(hook.get_program()).args(hook.get_args());
        Probe::start(&command, Some(self.state(stage)?))
    }

    /// The names of the links in its namespace, but for the loopback; none once it was killed.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        let table = match self.held.get().and_then(|namespace| namespace.try_clone().ok()) {
            Some(namespace) => table_of(namespace),
            None => fs::read_to_string(format!("/proc/{}/net/dev", self.pid)).unwrap_or_default(),
        };
        // Two lines of headings.
        let names = table.lines().skip(2).filter_map(|line| line.split(':').next());
        names.map(str::trim).filter(|name| *name != "lo").map(str::to_owned).collect()
    }

    /// Where its network namespace is.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("/proc/{}/ns/net", self.pid)
    }

    /// Kills its process. Its namespace dies with it unless something else holds it.
    pub fn kill(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // It can only be dead already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn state(&self, stage: &str) -> Result<File> {
        let path = self.bundle().join(stage);
        File::open(&path).map_err(|source| Error::File { path, source })
    }

    fn bundle(&self) -> PathBuf {
        Path::new("/run/replicas").join(&self.name)
    }

    fn write_bundle(&self, networks: &str) -> Result {
        let Self { name, pid, .. } = self;
        let bundle = self.bundle();
        let annotations = json!({"io.underlay.networks": networks});
        let config = json!({"ociVersion": "1.0.2", "linux": {"namespaces": [{"type": "network"}]}});
        let creating = json!({
            "ociVersion": "1.0.2", "id": name, "status": "creating", "pid": pid, "bundle": &bundle,
            "annotations": &annotations,
        });
        let stopped = json!({
            "ociVersion": "1.0.2", "id": name, "status": "stopped", "bundle": &bundle,
            "annotations": &annotations,
        });
        let failed = |source| Error::File { path: bundle.clone(), source };
        fs::create_dir_all(&bundle).map_err(failed)?;
        for (file, text) in [("config.json", config), ("createRuntime", creating), ("poststop", stopped)] {
            fs::write(bundle.join(file), text.to_string()).map_err(failed)?;
        }
        Ok(())
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}

impl RunningHook {
    /// Waits for it. It must succeed without a complaint.
    pub fn success(self) -> Result {
        let command = format!("underlay-hook {} of {}", self.stage, self.name);
        let (status, complaint) = self.end()?;
        if status.success() && complaint.is_empty() {
            return Ok(());
        }
        let wanted = "success without a word";
        Err(Error::Status { command, status, wanted, stdout: String::new(), stderr: complaint })
    }

    /// Waits for it, however it ends.
    pub fn end(mut self) -> Result<(ExitStatus, String)> {
        let failed = |source| Error::Start { command: "underlay-hook".to_owned(), source };
        let mut complaint = String::new();
        if let Some(stderr) = &mut self.process.stderr {
            stderr.read_to_string(&mut complaint).map_err(failed)?;
        }
        Ok((self.process.wait().map_err(failed)?, complaint))
    }
}

impl Drop for RunningHook {
    fn drop(&mut self) {
        // It can only be dead already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What /proc/net/dev says in a namespace that no process need be in.
fn table_of(namespace: File) -> String {
    let output = Command::new("nsenter")
        .args(["--net=/proc/self/fd/0", "cat", "/proc/net/dev"])
        .stdin(Stdio::from(namespace))
        .output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// The one line that the process writes once it is in its namespace.
fn announced_pid(process: &mut Child) -> Option<u32> {
    let mut line = String::new();
    BufReader::new(process.stdout.take()?).read_line(&mut line).ok()?;
    line.trim().parse().ok()
}
