//! Podman on a lab's host: its configuration, its image, the hooks.d that is shipped, and its commands.

use serde_json::{Value, json};

use crate::{
    ENGINES, Error, Lab, Place, Result, Runtime, host::hook_command, patience::until, place::Output,
};

/// Podman with a configuration of the lab's own: ulimits that need no `CAP_SYS_RESOURCE`, no systemd, and the
/// lab's hooks.d.
pub(crate) const PODMAN_CONF: &str = "CONTAINERS_CONF=/run/containers/containers.conf CONTAINERS_STORAGE_CONF=/run/containers/storage.conf TMPDIR=/run/containers";

const CONTAINERS_CONF: &str = r#"[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
hooks_dir = ["/run/containers/hooks.d"]
runtime = "crun"
"#;

const STORAGE_CONF: &str = r#"[storage]
driver = "overlay"
graphroot = "/run/containers/storage"
runroot = "/run/containers/run"
"#;

/// What is shipped for podman.
const HOOKS_D: [(&str, &str); 2] = [
    ("50-underlay-attach.json", include_str!("../../hooks.d/50-underlay-attach.json")),
    ("50-underlay-detach.json", include_str!("../../hooks.d/50-underlay-detach.json")),
];

/// Podman over one OCI runtime. Its image is `bb`: busybox.
#[derive(Debug)]
pub struct Podman<'lab> {
    lab: &'lab Lab,
    runtime: Runtime,
}

impl Lab {
    /// Podman over this runtime.
    pub fn podman(&self, runtime: Runtime) -> Result<Podman<'_>> {
        podman_set_up(self)?;
        ENGINES.saw(self, runtime.program())?;
        Ok(Podman { lab: self, runtime })
    }
}

impl Podman<'_> {
    /// Runs `podman ...`, a shell's line, whatever it ends with.
    pub fn run(&self, line: &str) -> Result<Output> {
        let runtime = self.runtime.program();
        self.lab.host().run(&["sh", "-c", &format!("{PODMAN_CONF} podman --runtime {runtime} {line}")])
    }

    /// Runs `podman ...`, which must succeed. Gives what it wrote, without white space around it.
    pub fn ok(&self, line: &str) -> Result<String> {
        Ok(self.run(line)?.success()?.trim().to_owned())
    }

    /// Removes a container, running or not.
    pub fn remove(&self, container: &str) -> Result {
        remove(self.lab.host(), &format!("--runtime {} rm --ignore {container}", self.runtime.program()))
    }

    /// Removes a pod and its containers.
    pub fn remove_pod(&self, pod: &str) -> Result {
        remove(self.lab.host(), &format!("--runtime {} pod rm --ignore {pod}", self.runtime.program()))
    }

    /// What `podman inspect` says of a container in Go's words.
    pub fn inspect(&self, container: &str, format: &str) -> Result<String> {
        self.ok(&inspection(container, format))
    }

    /// The network of a container that runs.
    pub fn network_of(&self, container: &str) -> Result<Place> {
        let pid = self.inspect(container, ".State.Pid")?;
        Ok(self.lab.host().namespace(&format!("/proc/{pid}/ns/net")))
    }

    /// Waits until `podman inspect` says this of a container. It fails where the container's process ends while it
    /// looks for its cgroup ("read /proc/333/cgroup: no such process"): asked again, it knows better.
    pub fn until(&self, container: &str, format: &str, wanted: &str) -> Result {
        until(|| {
            let asked = self.run(&inspection(container, format))?;
            if !asked.status.success() {
                return Ok(Some(asked.stderr));
            }
            let is = asked.stdout.trim();
            Ok((is != wanted).then(|| format!("{format} of {container} is {is}, not {wanted}")))
        })
    }
}

/// Go's template is the answer to be.
fn inspection(container: &str, format: &str) -> String {
    format!("inspect --format '{{{{{format}}}}}' {container}")
}

/// Gives podman its configuration, its image and its hooks, once a lab.
pub(crate) fn podman_set_up(lab: &Lab) -> Result {
    let host = lab.host();
    ENGINES.saw(lab, "podman")?;
    if host.run(&["test", "-e", "/run/containers/storage"])?.status.success() {
        return Ok(());
    }
    lab.write("/run/containers/containers.conf", CONTAINERS_CONF)?;
    lab.write("/run/containers/storage.conf", STORAGE_CONF)?;
    for (name, shipped) in HOOKS_D {
        lab.write(&format!("/run/containers/hooks.d/{name}"), &as_installed_here(name, shipped)?)?;
    }
    host.sh(&format!(
        "tar -C /run/rootfs -cf /run/containers/bb.tar . && {PODMAN_CONF} podman import -q /run/containers/bb.tar bb"
    ))?;
    Ok(())
}

/// Runs `podman ... rm`, again where podman fails at it: 4.3 while the kernel still holds the mounts of a container that
/// it killed, 5 the first time that it misses a conmon.
pub(crate) fn remove(host: &Place, line: &str) -> Result {
    until(|| {
        let removed = host.run(&["sh", "-c", &format!("{PODMAN_CONF} podman {line} --force --time 0")])?;
        Ok((!removed.status.success()).then_some(removed.stderr))
    })
}

/// A file of hooks.d, with the hook where it is in a lab.
fn as_installed_here(name: &str, shipped: &str) -> Result<String> {
    let unreadable =
        |source| Error::Output { command: name.to_owned(), output: shipped.to_owned(), source: Some(source) };
    let mut file: Value = serde_json::from_str(shipped).map_err(unreadable)?;
    let stage = file.pointer("/stages/0").and_then(Value::as_str).unwrap_or_default();
    let command = hook_command(stage);
    if let Some(hook) = file.get_mut("hook").and_then(Value::as_object_mut) {
        hook.insert("path".to_owned(), json!(command.first()));
        hook.insert("args".to_owned(), json!(command));
    }
    Ok(file.to_string())
}
