//! The host of a lab.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    Container, Error, Lan, Machine, Order, Place, Result, Runtime,
    patience::until,
    place::Output,
    podman::{PODMAN_CONF, podman_set_up},
    remains::{self, Remains},
};

/// Where networks are defined in every lab.
const CONFIG: &str = "/run/config";
/// Where leases and records are in every lab.
pub(crate) const STATE: &str = "/run/underlay";
/// Where the binaries under test are in every lab.
const BIN: &str = "/run/bin";

/// A host with a NIC, `eth0`, and a LAN behind it.
///
/// `/run` is its own. The binaries under test are in `/run/bin`, networks are defined in `/run/config`, and
/// what they record is in `/run/underlay`.
#[derive(Debug)]
pub struct Lab {
    machine: Machine,
    place: Place,
    pid: u32,
    /// Sets the containers of this lab apart from those of others, which share the machine's cgroups.
    tag: String,
    before: Remains,
    process: Child,
    /// The host lives until this is closed.
    life: Option<ChildStdin>,
}

impl Lab {
    /// Starts a host.
    pub fn new(machine: Machine) -> Result<Self> {
        static LABS: AtomicU32 = AtomicU32::new(0);
        let mut process = start(machine)?;
        let Some(pid) = announced_pid(&mut process) else { return Err(Error::NoHost) };
        let place = Place::host(pid);
        let tag = format!("ul{}-{}", std::process::id(), LABS.fetch_add(1, Ordering::Relaxed));
        let before = Remains::look(&place)?;
        let life = process.stdin.take();
        Ok(Self { machine, place, pid, tag, before, process, life })
    }

    /// The host, to run commands on.
    #[must_use]
    pub const fn host(&self) -> &Place {
        &self.place
    }

    /// What is behind the NIC.
    #[must_use]
    pub fn lan(&self) -> Lan {
        Lan::new(&self.place)
    }

    /// Runs `underlay ...`, whatever it ends with. The line is split at white space.
    pub fn underlay(&self, line: &str) -> Result<Output> {
        underlay(&self.place, line)
    }

    /// Runs the hook as a runtime does, with that state on its standard input, whatever it ends with.
    pub fn hook(&self, stage: &str, input: &str) -> Result<Output> {
        self.write("/run/state.json", input)?;
        self.write("/run/subreaper.pl", include_str!("subreaper.pl"))?;
        let line = format!("perl /run/subreaper.pl {} </run/state.json", hook_command(stage).join(" "));
        self.place.run(&["sh", "-c", &line])
    }

    /// Makes a podman pod without a network. Its name is known in this lab only.
    pub fn pod(&self, name: &str) -> Result<String> {
        podman_set_up(self)?;
        let pod = format!("{}-{name}", self.tag);
        // Without a cgroup of its own: podman 4.3 forbids it all devices where cgroups are of version 2 and systemd does not
        // manage them.
        let create =
            format!("{PODMAN_CONF} podman pod create --name {pod} --network none --share-parent=false");
        self.place.sh(&create)?;
        Ok(pod)
    }

    /// `underlay network create ...`, which must succeed.
    pub fn network(&self, line: &str) -> Result {
        self.underlay(&format!("network create {line}"))?.success().map(drop)
    }

    /// Orders a container. Its name is known in this lab only.
    #[must_use]
    pub fn container(&self, name: &str) -> Order<'_> {
        Order::new(self, name)
    }

    /// Starts a container under runc on the networks that its annotation names.
    pub fn start(&self, name: &str, networks: &str) -> Result<Container> {
        self.container(name).networks(networks).start()
    }

    /// The leased addresses, sorted as text.
    pub fn leases(&self) -> Result<Vec<String>> {
        let listing = self.place.sh(&format!("ls -1 {STATE}/leases 2>/dev/null | LC_ALL=C sort"))?;
        Ok(listing.lines().map(str::to_owned).collect())
    }

    /// Everything that is recorded, as [`Inside::records`] has it.
    ///
    /// [`Inside::records`]: crate::Inside::records
    pub fn records(&self) -> Result<Vec<String>> {
        self.inside(|_| remains::records())
    }

    /// Waits until nothing is recorded any more: engines clean up after a container's end on their own time.
    pub fn forgets_all(&self) -> Result {
        until(|| {
            let records = self.records()?;
            Ok((!records.is_empty()).then(|| records.join("\n")))
        })
    }

    /// Has gc look until nothing is recorded any more: the kernel takes a namespace down on its own time.
    pub fn gc_takes_all(&self) -> Result {
        until(|| {
            self.underlay("gc")?.success()?;
            let records = self.records()?;
            Ok((!records.is_empty()).then(|| records.join("\n")))
        })
    }

    /// Takes everything down the way an administrator would, and compares what is left with the beginning.
    pub fn close(mut self) -> Result {
        for runtime in Runtime::ALL {
            runtime.delete_all(&self.place)?;
        }
        let networks = self.underlay("network ls -q")?.success()?;
        for network in networks.split_whitespace() {
            self.underlay(&format!("network rm {network}"))?.success()?;
        }
        let result = self.before.compare(&self.place);
        self.end();
        result
    }

    /// Whose programs the host has.
    #[must_use]
    pub const fn machine(&self) -> Machine {
        self.machine
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// Writes a file of the host. Its directory is made if it is missing.
    pub fn write(&self, path: &str, text: &str) -> Result {
        // The lab's files can be reached through its first process.
        let path = PathBuf::from(format!("/proc/{}/root{path}", self.pid));
        let directory = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(directory)
            .and_then(|()| fs::write(&path, text))
            .map_err(|source| Error::File { path, source })
    }

    fn end(&mut self) {
        drop(self.life.take());
        // It can only be gone already.
        let _ = self.process.wait();
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs `underlay ...` in a place that is a lab's host.
pub(crate) fn underlay(host: &Place, line: &str) -> Result<Output> {
    let argv = underlay_command(line);
    host.run(&argv.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The program and arguments of `underlay ...`. The line is split at white space.
pub(crate) fn underlay_command(line: &str) -> Vec<String> {
    let program = format!("{BIN}/underlay");
    let helper = format!("{BIN}/underlay-nsenter");
    let argv = [&program, "--config", CONFIG, "--run", STATE, "--helper", &helper];
    argv.into_iter().chain(line.split_whitespace()).map(str::to_owned).collect()
}

/// The hook's program and arguments for one stage.
pub(crate) fn hook_command(stage: &str) -> Vec<String> {
    let hook = format!("{BIN}/underlay-hook");
    let helper = format!("{BIN}/underlay-nsenter");
    [&hook, stage, "--config", CONFIG, "--run", STATE, "--helper", &helper].map(str::to_owned).to_vec()
}

fn start(machine: Machine) -> Result<Child> {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private"])
        .args(["bash", "-c", include_str!("host.sh")])
        .env("BINARIES", binaries()?)
        .env("ENGINES", built("")?)
        .env("BUSYBOX", "/bin/busybox")
        .env("TREE", machine.tree().unwrap_or_default())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command.spawn().map_err(|source| Error::Start { command: "unshare".to_owned(), source })
}

/// The process id of the host's first process as it is known out here: the one line that it writes.
fn announced_pid(process: &mut Child) -> Option<u32> {
    let mut line = String::new();
    BufReader::new(process.stdout.take()?).read_line(&mut line).ok()?;
    line.trim().parse().ok()
}

/// Where `make build` leaves the binaries.
fn binaries() -> Result<PathBuf> {
    let path = target()?.join("x86_64-unknown-linux-musl/release");
    path.canonicalize().map_err(|source| Error::File { path, source })
}

/// Where tests/youki.sh leaves what it built.
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    Ok(target()?.join("engines/bin").join(name))
}

/// The target directory that this test is in: TARGET/debug/deps/kernel-0123456789abcdef.
fn target() -> Result<PathBuf> {
    let test = env::current_exe().map_err(|source| Error::File { path: "/proc/self/exe".into(), source })?;
    Ok(test.ancestors().nth(3).unwrap_or(Path::new("target")).to_owned())
}
