//! Bundles: what runtimes without an engine read.

use serde_json::{Value, json};

use crate::{Lab, Network, Order, Result, Runtime, host::hook_command};

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
            "{} run --detach --bundle {d} {id} >{d}/out 2>{d}/err \
             || {{ status=$?; cat {d}/err {d}/hook >&2 2>/dev/null; exit $status; }}",
            runtime.program()
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
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                // Its own: youki cannot make links that another container made in the same root.
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
            ],
            "hooks": hooks(),
            "annotations": annotations,
            "linux": {"namespaces": namespaces},
        })
    }
}

/// Our hooks as a config.json has them, with the lab's directories.
pub(crate) fn hooks() -> Value {
    json!({"createRuntime": [hook("createRuntime")], "poststop": [hook("poststop")]})
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
