//! containerd on a lab's host: its configuration, its image, its CRI as a kubelet uses it, and ctr(8).

use serde_json::{Value, json};

use crate::{ENGINES, Lab, Place, Result, bundle::hooks, patience::until};

/// The runtime's configuration, with a handler for each runtime.
const CONFIG: &str = include_str!("containerd/config.toml");

/// The pods' own network: a cable each, so that nothing of it stays on the host.
const CNI: &str = r#"{
    "cniVersion": "1.0.0", "name": "cluster",
    "plugins": [{"type": "ptp", "ipam": {
        "type": "host-local", "subnet": "10.88.0.0/24", "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "/run/cni/leases"
    }}]
}"#;

/// One layer, with the lab's busybox, and as an archive as `docker save` writes it.
const MAKE_IMAGE: &str = r#"mkdir /run/image && cd /run/image && tar -C /run/rootfs -cf layer.tar . &&
layer=$(sha256sum layer.tar) && cat >config.json <<END &&
{"architecture":"amd64","os":"linux","config":{"Cmd":["/bin/sleep","3600"]},"rootfs":{"type":"layers","diff_ids":["sha256:${layer%% *}"]}}
END
echo '[{"Config":"config.json","RepoTags":["docker.io/library/bb:latest"],"Layers":["layer.tar"]}]' >manifest.json &&
tar -cf image.tar config.json manifest.json layer.tar"#;

const CTR: &str = "ctr --address /run/containerd/containerd.sock --namespace k8s.io";

/// A containerd that runs. It ends with its lab.
#[derive(Debug)]
pub struct Containerd<'lab> {
    lab: &'lab Lab,
}

/// A pod, or what is left of one.
#[derive(Debug)]
pub struct Sandbox {
    id: String,
    /// As the kubelet gives it with each of its containers, too.
    config: String,
}

impl Lab {
    /// Starts containerd with hooks in the specification of which it makes every container's.
    pub fn containerd(&self) -> Result<Containerd<'_>> {
        let containerd = Containerd { lab: self };
        containerd.start()?;
        ["containerd", "runc", "crun"].into_iter().try_for_each(|program| ENGINES.saw(self, program))?;
        Ok(containerd)
    }
}

impl Containerd<'_> {
    /// Makes a pod. `runtime` is the handler's name, `annotations` are lines of protobuf's text format.
    pub fn run_pod(&self, runtime: &str, name: &str, networks: Option<&str>) -> Result<Sandbox> {
        let annotation = networks.map(|networks| {
            format!("annotations {{ key: \"io.underlay.networks\" value: {} }}", json!(networks))
        });
        let config = format!(
            "metadata {{ name: \"{name}\" uid: \"{name}\" namespace: \"default\" }} {}",
            annotation.unwrap_or_default()
        );
        let request = format!("config {{ {config} }} runtime_handler: \"{runtime}\"");
        let id = quoted(&self.call("RunPodSandbox", &request)?);
        Ok(Sandbox { id, config })
    }

    /// Stops a pod, with which its namespace goes.
    pub fn stop_pod(&self, sandbox: &Sandbox) -> Result {
        self.call("StopPodSandbox", &format!("pod_sandbox_id: \"{}\"", sandbox.id)).map(drop)
    }

    /// Stops a pod that may have been stopped, and removes it and its containers.
    pub fn remove_pod(&self, sandbox: &Sandbox) -> Result {
        self.stop_pod(sandbox)?;
        self.call("RemovePodSandbox", &format!("pod_sandbox_id: \"{}\"", sandbox.id)).map(drop)
    }

    /// Makes a container of a pod and starts it. Gives its id.
    pub fn run_container(&self, sandbox: &Sandbox, name: &str, attempt: u32) -> Result<String> {
        let Sandbox { id, config } = sandbox;
        let request = format!(
            "pod_sandbox_id: \"{id}\" sandbox_config {{ {config} }} config {{ \
             metadata {{ name: \"{name}\" attempt: {attempt} }} image {{ image: \"docker.io/library/bb:latest\" }} \
             command: \"/bin/sleep\" command: \"3600\" }}"
        );
        let id = quoted(&self.call("CreateContainer", &request)?);
        self.call("StartContainer", &format!("container_id: \"{id}\""))?;
        Ok(id)
    }

    /// Stops a container at once.
    pub fn stop_container(&self, id: &str) -> Result {
        self.call("StopContainer", &format!("container_id: \"{id}\" timeout: 0")).map(drop)
    }

    /// Removes a container that may run.
    pub fn remove_container(&self, id: &str) -> Result {
        self.call("RemoveContainer", &format!("container_id: \"{id}\"")).map(drop)
    }

    /// The network of a container that runs.
    pub fn network_of(&self, container: &str) -> Result<Place> {
        let pid = self.ctr(&format!("tasks list | sed -n 's/^{container} *\\([0-9]*\\) .*/\\1/p'"))?;
        Ok(self.lab.host().namespace(&format!("/proc/{}/ns/net", pid.trim())))
    }

    /// Runs `ctr ...`, a shell's line.
    pub fn ctr(&self, line: &str) -> Result<String> {
        self.lab.host().sh(&format!("{CTR} {line}"))
    }

    /// What `ctr oci spec` says, with our hooks and an annotation.
    pub fn specification(&self, annotations: &Value) -> Result<Value> {
        let mut specification = self.lab.host().json("ctr oci spec")?;
        if let Some(specification) = specification.as_object_mut() {
            specification.insert("hooks".to_owned(), hooks());
            specification.insert("annotations".to_owned(), annotations.clone());
        }
        Ok(specification)
    }

    fn start(&self) -> Result {
        let host = self.lab.host();
        for (path, text) in [
            ("/run/containerd/config.toml", CONFIG),
            ("/run/cni/conf/10-cluster.conflist", CNI),
            ("/run/cri/cri.proto", include_str!("containerd/cri.proto")),
            ("/run/cri/call.sh", include_str!("containerd/call.sh")),
            ("/run/containerd/underlay.json", &self.specification(&json!({}))?.to_string()),
        ] {
            self.lab.write(path, text)?;
        }
        host.sh("containerd --config /run/containerd/config.toml >/run/containerd/log 2>&1 </dev/null &")?;
        until(|| {
            let is_up = host.run(&["sh", "-c", &format!("{CTR} version")])?.status.success();
            Ok((!is_up).then(|| host.sh("tail /run/containerd/log").unwrap_or_default()))
        })?;
        host.sh(&format!("{MAKE_IMAGE} && {CTR} images import image.tar")).map(drop)
    }

    fn call(&self, method: &str, request: &str) -> Result<String> {
        self.lab.write("/run/cri/request", request)?;
        self.lab.host().sh(&format!("sh /run/cri/call.sh {method} </run/cri/request"))
    }
}

/// What is between the quotes of `key: "value"`.
fn quoted(answer: &str) -> String {
    answer.split('"').nth(1).unwrap_or_default().to_owned()
}
