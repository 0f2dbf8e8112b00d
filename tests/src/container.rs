//! Containers, and the runtimes that start them.

use std::{fmt, ops::Deref};

use serde_json::Value;

use crate::{
    ENGINES, Error, Lab, Need, Place, Result,
    bundle::Bundle,
    podman::{self, PODMAN_CONF, podman_set_up},
};

/// What starts a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// From a bundle.
    Runc,
    /// From a bundle.
    Crun,
    /// From a bundle.
    Youki,
    /// From an image, with crun, and the hook by hooks.d.
    Podman,
}

/// Whose network a container has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Its own, empty.
    #[default]
    Private,
    /// The namespace at this path, or what podman takes for `--network`.
    Path(String),
    /// The host's.
    Host,
}

/// A container to be started.
#[derive(Debug)]
pub struct Order<'lab> {
    lab: &'lab Lab,
    pub(crate) name: String,
    runtime: Runtime,
    pub(crate) annotations: Vec<(String, String)>,
    pub(crate) network: Network,
    pod: Option<String>,
    pub(crate) command: Vec<String>,
}

/// A container that runs. It is a [`Place`]: its network namespace.
#[derive(Clone, Debug)]
pub struct Container {
    /// What its runtime knows it by.
    pub id: String,
    /// Its first process, in the host's numbers.
    pub pid: u32,
    runtime: Runtime,
    host: Place,
    place: Place,
}

impl Order<'_> {
    pub(crate) fn new<'lab>(lab: &'lab Lab, name: &str) -> Order<'lab> {
        Order {
            lab,
            name: format!("{}-{name}", lab.tag()),
            runtime: Runtime::Runc,
            annotations: Vec::new(),
            network: Network::default(),
            pod: None,
            command: shell("exec sleep 3600"),
        }
    }

    /// Under which runtime; runc if nothing is said.
    #[must_use]
    pub fn by(mut self, runtime: Runtime) -> Self {
        self.runtime = runtime;
        self
    }

    /// The networks that it asks for.
    #[must_use]
    pub fn networks(self, networks: &str) -> Self {
        self.annotation("io.underlay.networks", networks)
    }

    /// An annotation.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Whose network it has.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Makes it a member of a podman pod.
    #[must_use]
    pub fn pod(mut self, pod: &str) -> Self {
        self.pod = Some(pod.to_owned());
        self
    }

    /// The shell's line that it runs.
    #[must_use]
    pub fn command(mut self, line: &str) -> Self {
        self.command = shell(line);
        self
    }

    /// The program that it runs.
    #[must_use]
    pub fn program(mut self, path: &str) -> Self {
        self.command = vec![path.to_owned()];
        self
    }

    /// Starts it, detached.
    pub fn start(self) -> Result<Container> {
        let argv = self.prepare()?;
        let host = self.lab.host().clone();
        host.sh(&argv)?;
        let pid = self.runtime.pid(&host, &self.name)?;
        let place = host.namespace(&format!("/proc/{pid}/ns/net"));
        Ok(Container { id: self.name, pid, runtime: self.runtime, host, place })
    }

    /// Tries to start it, which must fail. Gives the complaint of runtime and hook: podman's says no more
    /// than that the hook failed.
    pub fn refused(self) -> Result<String> {
        let line = self.prepare()?;
        let complaint = self.lab.host().run(&["sh", "-c", &line])?.failure()?;
        // podman keeps what it could not start, and has no poststop for it.
        self.runtime.delete(self.lab.host(), &self.name)?;
        Ok(complaint)
    }

    /// Writes what the runtime wants to read. Gives the shell's line that starts the container.
    fn prepare(&self) -> Result<String> {
        ENGINES.saw(self.lab, self.runtime.program())?;
        match self.runtime {
            Runtime::Runc | Runtime::Crun | Runtime::Youki => {
                let bundle = Bundle::of(self);
                bundle.write(self.lab)?;
                Ok(bundle.start_line(self.runtime))
            }
            Runtime::Podman => {
                podman_set_up(self.lab)?;
                Ok(self.podman_line())
            }
        }
    }

    fn podman_line(&self) -> String {
        let network = match (&self.network, &self.pod) {
            (_, Some(pod)) => format!("--pod {pod}"),
            (Network::Private, None) => "--network none".to_owned(),
            (Network::Path(path), None) => format!("--network {path}"),
            (Network::Host, None) => "--network host".to_owned(),
        };
        // podman reads the option as a line of comma-separated values.
        let annotations = self.annotations.iter().map(|(key, value)| {
            let value = value.replace('"', "\"\"");
            format!(" --annotation '\"{key}={value}\"'")
        });
        let annotations = annotations.collect::<Vec<_>>().concat();
        let command: Vec<_> = self.command.iter().map(|word| format!("'{word}'")).collect();
        let Self { name, .. } = self;
        format!(
            "{PODMAN_CONF} podman run --detach --name {name} {network}{annotations} bb {}",
            command.join(" ")
        )
    }
}

fn shell(line: &str) -> Vec<String> {
    ["sh", "-c", line].map(str::to_owned).to_vec()
}

impl Container {
    /// What its runtime's `state` (or `inspect`) says.
    pub fn state(&self) -> Result<Value> {
        self.runtime.state(&self.host, &self.id)
    }

    /// Its process writes these words, within five seconds.
    pub fn wrote(&self, words: &str) -> Result {
        let look = match self.runtime {
            Runtime::Runc | Runtime::Crun | Runtime::Youki => format!("cat {}", Bundle::output(&self.id)),
            Runtime::Podman => format!("{PODMAN_CONF} podman logs {}", self.id),
        };
        let line = format!(
            "for n in $(seq 50); do {look} | grep -qF '{words}' && exit; sleep 0.1; done; {look}; exit 1"
        );
        self.host.sh(&line).map(drop)
    }

    /// Deletes it, whether it runs or not, which makes the runtime call poststop.
    pub fn delete(self) -> Result {
        self.runtime.delete(&self.host, &self.id)
    }
}

impl Deref for Container {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Runtime {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Runc, Self::Crun, Self::Youki, Self::Podman];

    /// The program that it is.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Runc => "runc",
            Self::Crun => "crun",
            Self::Youki => "/run/bin/youki",
            Self::Podman => "podman",
        }
    }

    /// What a trial needs that uses it.
    #[must_use]
    pub const fn need(self) -> Need {
        match self {
            Self::Youki => Need::Built("youki"),
            Self::Runc | Self::Crun | Self::Podman => Need::Program(self.program()),
        }
    }

    pub(crate) fn delete_all(self, host: &Place) -> Result {
        // One that was never used has left no directory.
        let ids = match self {
            Self::Runc | Self::Crun | Self::Youki => {
                host.sh(&format!("ls -1 /run/{self} 2>/dev/null || true"))?
            }
            Self::Podman => host.sh(&format!(
                "! test -e /run/containers/storage || \
                 {PODMAN_CONF} podman ps --all --format '{{{{if not .IsInfra}}}}{{{{.Names}}}}{{{{end}}}}'"
            ))?,
        };
        ids.split_whitespace().try_for_each(|id| self.delete(host, id))?;
        match self {
            Self::Podman if host.run(&["test", "-e", "/run/containers/storage"])?.status.success() => {
                podman::remove(host, "pod rm --all")
            }
            _ => Ok(()),
        }
    }

    fn delete(self, host: &Place, id: &str) -> Result {
        match self {
            Self::Runc | Self::Crun | Self::Youki => {
                host.ok(&format!("{} delete --force {id}", self.program())).map(drop)
            }
            Self::Podman => podman::remove(host, &format!("rm --ignore {id}")),
        }
    }

    fn state(self, host: &Place, id: &str) -> Result<Value> {
        match self {
            Self::Runc | Self::Crun | Self::Youki => host.json(&format!("{} state {id}", self.program())),
            Self::Podman => {
                let list = host.json(&format!("env {PODMAN_CONF} podman inspect {id}"))?;
                Ok(list.pointer("/0/State").cloned().unwrap_or_default())
            }
        }
    }

    fn pid(self, host: &Place, id: &str) -> Result<u32> {
        let state = self.state(host, id)?;
        let pid = state.get("pid").or_else(|| state.get("Pid")).and_then(Value::as_u64);
        pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0).ok_or_else(|| Error::Output {
            command: format!("{self} state {id}"),
            output: state.to_string(),
            source: None,
        })
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program().rsplit('/').next().unwrap_or_default())
    }
}
