//! What runtimes read: bundles for runc and crun, configuration, image and hooks.d for podman.

use serde_json::{Value, json};

use crate::{Error, Lab, Network, Order, Result, Runtime, host::hook_command};

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

/// A bundle as runc and crun read it.
pub(crate) struct Bundle<'a> {
    order: &'a Order<'a>,
    directory: String,
}

impl<'a> Bundle<'a> {
    pub(crate) fn of(order: &'a Order<'a>) -> Self {
        Self { order, directory: format!("/run/bundles/{}", order.name) }
    }

    /// Where the container's process writes to.
    pub(crate) fn output(id: &str) -> String {
        format!("/run/bundles/{id}/out")
    }

    pub(crate) fn write(&self, lab: &Lab) -> Result {
        lab.write(&format!("{}/config.json", self.directory), &self.config().to_string())
    }

    /// The container inherits the runtime's output, so that must be files: a pipe would stay open as long as
    /// the container runs.
    pub(crate) fn start_line(&self, runtime: Runtime) -> String {
        let Self { directory: d, order } = self;
        let id = &order.name;
        format!(
            "{runtime} run --detach --bundle {d} {id} >{d}/out 2>{d}/err \
             || {{ status=$?; cat {d}/err {d}/hook >&2 2>/dev/null; exit $status; }}"
        )
    }

    fn config(&self) -> Value {
        let order = self.order;
        let mut annotations: serde_json::Map<_, _> =
            order.annotations.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        // crun throws a hook's complaint away unless it is told where to put it.
        annotations.insert("run.oci.hooks.stderr".to_owned(), json!(format!("{}/hook", self.directory)));
        let mut namespaces = vec![json!({"type": "pid"}), json!({"type": "mount"}), json!({"type": "ipc"})];
        match &order.network {
            Network::Private => namespaces.push(json!({"type": "network"})),
            Network::Path(path) => namespaces.push(json!({"type": "network", "path": path})),
            Network::Host => {}
        }
        json!({
            "ociVersion": "1.0.2",
            "process": {
                "terminal": false,
                "user": {"uid": 0, "gid": 0},
                "args": order.command,
                "env": ["PATH=/bin"],
                "cwd": "/",
            },
            "root": {"path": "/run/rootfs", "readonly": true},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
            "hooks": {"createRuntime": [hook("createRuntime")], "poststop": [hook("poststop")]},
            "annotations": annotations,
            "linux": {"namespaces": namespaces},
        })
    }
}

/// Gives podman its configuration, its image and its hooks, once a lab.
pub(crate) fn podman_set_up(lab: &Lab) -> Result {
    let host = lab.host();
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

fn hook(stage: &str) -> Value {
    let command = hook_command(stage);
    json!({
        "path": command.first(),
        "args": command,
        "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
        "timeout": 30,
    })
}
