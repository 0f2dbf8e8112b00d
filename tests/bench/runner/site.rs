//! The host on which everything happens: its networks, containers and files.

use std::{
    cell::Cell,
    fs::{self, File},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use lab::{Inside, Replica};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::{
    error::{Error, Result, file},
    installed::{install, program, uninstall},
    measure::{Line, said},
    options::Options,
};

/// The network of every attach but those that need one of their own.
pub(crate) const NETWORK: &str = "lan";
/// What is leased by others than us.
pub(crate) const LEASES: &str = "/run/bench/leases";
/// What the containers' files are below.
const REPLICAS: &str = "/run/replicas";
/// Where namespaces live on when their containers have ended.
const NAMESPACES: &str = "/run/netns";
/// The parent of all links.
pub(crate) const PARENT: &str = "eth0";
/// How long the kernel may take to be done with namespaces that died.
const SETTLING: Duration = Duration::from_secs(60);

/// The host.
pub(crate) struct Site<'a> {
    inside: &'a Inside,
    /// Where the benchmark's own programs are.
    built: &'a Path,
    /// /proc as it is outside.
    proc: &'a File,
    containers: Cell<u32>,
}

/// A container, and what differs from one to the next.
pub(crate) struct Container {
    pub(crate) replica: Replica,
    /// From 0, of all that there were.
    pub(crate) number: u32,
}

impl<'a> Site<'a> {
    pub(crate) const fn new(inside: &'a Inside, built: &'a Path, proc: &'a File) -> Self {
        Self { inside, built, proc, containers: Cell::new(0) }
    }

    /// Networks, directories, and the programs of all contenders.
    pub(crate) fn prepare(&self, options: &Options) -> Result {
        for path in ["/run/bench", LEASES, NAMESPACES, "/run/bench/cni", "/run/bench/bundles"] {
            fs::create_dir_all(path).map_err(file(path))?;
        }
        install(self.built, options)?;
        self.inside.underlay(&format!(
            "network create -d macvlan --subnet=10.0.0.0/16 --gateway=10.0.0.1 -o parent={PARENT} {NETWORK}"
        ))?;
        Ok(())
    }

    /// Takes the networks and the programs away again.
    pub(crate) fn clear(&self) -> Result {
        self.inside.gc()?;
        uninstall(self.built)
    }

    /// /proc as it is outside, where this process's own children have other numbers than on the host.
    pub(crate) const fn proc(&self) -> &File {
        self.proc
    }

    /// A new container that asks for the network.
    pub(crate) fn container(&self) -> Result<Container> {
        self.container_on(NETWORK)
    }

    /// A new container that asks for these networks.
    pub(crate) fn container_on(&self, networks: &str) -> Result<Container> {
        let number = self.containers.replace(self.containers.get() + 1);
        let replica = self.inside.replica(&format!("c{number}"), networks)?;
        wait_until_it_sleeps(replica.pid)?;
        let container = Container { replica, number };
        let path = container.namespace();
        File::create(&path).map_err(file(&path))?;
        let nothing: Option<&str> = None;
        mount(
            Some(container.replica.namespace().as_str()),
            path.as_str(),
            nothing,
            MsFlags::MS_BIND,
            nothing,
        )?;
        Ok(container)
    }

    /// Ends containers, and waits until the kernel has taken their namespaces down, which would slow down what
    /// is measured next.
    ///
    /// It takes them down in the order in which they died (`cleanup_net` in `net/core/net_namespace.c`), so one
    /// more is the last; a link of the host's is seen to end with it.
    pub(crate) fn end(&self, containers: Vec<Container>) -> Result {
        drop(containers);
        let last = self.container()?;
        let pid = last.replica.pid;
        self.inside.host().ok(&format!("ip link add last type veth peer name last netns {pid}"))?;
        drop(last);
        let deadline = Instant::now() + SETTLING;
        while Path::new("/sys/class/net/last").exists() {
            if Instant::now() > deadline {
                let what = format!("a namespace lives on {} s after its end", SETTLING.as_secs());
                return Err(Error::Undone { who: "the kernel".to_owned(), what });
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Container {
    /// Where its namespace is, also after its end.
    pub(crate) fn namespace(&self) -> String {
        format!("{NAMESPACES}/{}", self.replica.name)
    }

    /// Ends its process, as that of a container ends before its poststop.
    pub(crate) fn stop(&mut self) {
        self.replica.kill();
    }

    /// The hook of one stage, as it is installed.
    pub(crate) fn hook(&self, stage: &str) -> Line {
        self.hook_with_run(stage, "/run/underlay")
    }

    /// The hook with another directory of leases and records.
    pub(crate) fn hook_with_run(&self, stage: &str, run: &str) -> Line {
        hook(stage, run).input(self.state(stage))
    }

    /// What the runtime writes to the hook of a stage.
    pub(crate) fn state(&self, stage: &str) -> String {
        format!("{REPLICAS}/{}/{stage}", self.replica.name)
    }

    /// Its namespace has these links.
    pub(crate) fn expect(&self, site: &Site<'_>, who: &str, links: &[&str]) -> Result {
        let interfaces = site.inside.host().namespace(&self.namespace()).interfaces()?;
        let there: Vec<_> = interfaces.into_iter().map(|interface| interface.name).collect();
        if there == links {
            return Ok(());
        }
        Err(Error::Undone {
            who: who.to_owned(),
            what: format!("{links:?} expected, {there:?} found; {}", said()),
        })
    }

    /// An address that no other container gets from whoever has no leases of his own.
    pub(crate) fn address(&self) -> String {
        let [_, _, high, low] = (self.number + 2).to_be_bytes();
        format!("10.0.{high}.{low}")
    }

    /// An Ethernet address of its own.
    pub(crate) fn mac(&self) -> String {
        let [_, b, c, d] = self.number.to_be_bytes();
        format!("02:42:00:{b:02x}:{c:02x}:{d:02x}")
    }
}

impl Drop for Container {
    /// Its namespace ends with its process, where that runs, or now.
    fn drop(&mut self) {
        // A mount that stays keeps the namespace alive, and `Site::end` waits in vain then.
        let _ = umount2(self.namespace().as_str(), MntFlags::MNT_DETACH);
    }
}

/// The parent's index.
pub(crate) fn parent_index() -> Result<String> {
    let path = format!("/sys/class/net/{PARENT}/ifindex");
    Ok(fs::read_to_string(&path).map_err(file(&path))?.trim().to_owned())
}

/// The hook, without a state.
pub(crate) fn hook(stage: &str, run: &str) -> Line {
    let (hook, helper) = (program("underlay-hook"), program("underlay-nsenter"));
    Line::new([&hook, stage, "--config", "/run/config", "--run", run, "--helper", &helper])
}

/// Where `make bench` leaves static programs: in the target directory that this benchmark is in, too.
pub(crate) fn built() -> Result<PathBuf> {
    let this = std::env::current_exe().map_err(file("/proc/self/exe"))?;
    // TARGET/release/deps/bench-0123456789abcdef
    let target = this.ancestors().nth(3).unwrap_or(Path::new("target"));
    Ok(target.join("x86_64-unknown-linux-musl/release"))
}

/// The first process of a container does nothing while its runtime runs hooks. Until this one has come to that, it would
/// take a processor from whoever is measured.
fn wait_until_it_sleeps(pid: u32) -> Result {
    let path = format!("/proc/{pid}/stat");
    let deadline = Instant::now() + SETTLING;
    while !fs::read_to_string(&path).map_err(file(&path))?.contains("(sleep) S ") {
        if Instant::now() > deadline {
            let what = format!("process {pid} does not sleep after {} s", SETTLING.as_secs());
            return Err(Error::Undone { who: "sleep".to_owned(), what });
        }
        thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}
