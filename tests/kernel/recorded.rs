//! What runtimes under engines wrote to a hook, word for word, replayed on real namespaces.
//!
//! Each file of `tests/states` has two lines: createRuntime, then poststop. They were recorded with CRI-O 1.36.3,
//! containerd 1.6.20, podman 4.3.1 and 5.4.2 over runc 1.1 and crun 1.8 and 1.21, and with gVisor 20240729; but for
//! kata's, which are made after its sources (`runHook`). Paths and annotations were changed to those of the lab.

use std::slice;

use lab::{Interface, Lab, Need, Place, Result, Trial, trial};
use serde_json::Value;

use crate::states::process;

/// What keeps a container's network namespace alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// The container's process: the runtime made it.
    Process,
    /// A mount: the engine made it, and it is there before the container and after it.
    Mount,
    /// The same, and the pid is not the container's but that of a hypervisor on the host.
    MountAlone,
}

struct Recorded {
    by: &'static str,
    lines: &'static str,
    holder: Holder,
}

const CRIO: Recorded = Recorded {
    by: "CRI-O over runc",
    lines: include_str!("../states/crio-runc.jsonl"),
    holder: Holder::Mount,
};

const RECORDED: [Recorded; 10] = [
    CRIO,
    Recorded {
        by: "CRI-O over crun",
        lines: include_str!("../states/crio-crun.jsonl"),
        holder: Holder::Mount,
    },
    Recorded {
        by: "containerd over runc",
        lines: include_str!("../states/containerd-runc.jsonl"),
        holder: Holder::Mount,
    },
    Recorded {
        by: "containerd over crun",
        lines: include_str!("../states/containerd-crun.jsonl"),
        holder: Holder::Mount,
    },
    Recorded {
        by: "podman 4 over runc",
        lines: include_str!("../states/podman-4-runc.jsonl"),
        holder: Holder::Process,
    },
    Recorded {
        by: "podman 4 over crun",
        lines: include_str!("../states/podman-4-crun.jsonl"),
        holder: Holder::Process,
    },
    Recorded {
        by: "podman 5 over runc",
        lines: include_str!("../states/podman-5-runc.jsonl"),
        holder: Holder::Process,
    },
    Recorded {
        by: "podman 5 over crun",
        lines: include_str!("../states/podman-5-crun.jsonl"),
        holder: Holder::Process,
    },
    Recorded { by: "gVisor", lines: include_str!("../states/gvisor.jsonl"), holder: Holder::Process },
    Recorded { by: "kata", lines: include_str!("../states/kata.jsonl"), holder: Holder::MountAlone },
];

pub(crate) fn trials() -> Vec<Trial> {
    const MACVLAN: [Need; 1] = [Need::MACVLAN];
    RECORDED
        .map(|recorded| {
            trial(format!("as recorded: {}", recorded.by), &MACVLAN, move |lab| {
                lab.network(LAN)?;
                replay(lab, &recorded)
            })
        })
        .into_iter()
        .chain([
            trial("as recorded: a CRI-O pod without an infra process", &MACVLAN, crio_pod),
            trial("as recorded: CRI-O starts attempt 2 before attempt 1 is removed", &MACVLAN, crio_restart),
            trial("as recorded: CRI-O removes containers after their pod", &MACVLAN, crio_late),
        ])
        .collect()
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";

fn replay(lab: &Lab, recorded: &Recorded) -> Result {
    let before = lab.host().interfaces()?;
    let container = Replayed::new(lab, recorded, recorded.holder, "1")?;
    container.create()?;
    attached(&container.network)?;
    assert_eq!(lab.host().interfaces()?, before);
    assert_eq!(lab.leases()?, ["10.0.0.2"]);
    match recorded.holder {
        // The runtime calls poststop when the process is dead, and with it its namespace.
        Holder::Process => {
            container.process_ends()?;
            container.poststop()?;
        }
        Holder::Mount | Holder::MountAlone => {
            container.poststop()?;
            assert_eq!(container.network.interfaces()?, []);
            container.process_ends()?;
        }
    }
    assert_eq!(lab.records()?, [""; 0]);
    remove_namespace(lab)
}

/// The namespace is held by its mount alone: each container joins it and leaves it empty.
fn crio_pod(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let init = Replayed::new(lab, &CRIO, Holder::Mount, "1")?;
    init.create()?;
    let made = attached(&init.network)?;
    init.process_ends()?;
    // Its end alone is no reason: kubelet removes it much later.
    let first = Replayed::new(lab, &CRIO, Holder::Mount, "2")?;
    first.create()?;
    let second = Replayed::new(lab, &CRIO, Holder::Mount, "3")?;
    second.create()?;
    assert_eq!(first.network.interfaces()?, slice::from_ref(&made));
    // Out of order, and one of them twice.
    second.process_ends()?;
    second.poststop()?;
    init.poststop()?;
    second.poststop()?;
    assert_eq!(first.network.interfaces()?, [made]);
    assert_eq!(lab.leases()?, ["10.0.0.2"]);
    first.process_ends()?;
    first.poststop()?;
    assert_eq!(first.network.interfaces()?, []);
    assert_eq!(lab.records()?, [""; 0]);
    remove_namespace(lab)
}

fn crio_restart(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let mut attempt = Replayed::new(lab, &CRIO, Holder::Mount, "0")?;
    attempt.create()?;
    let made = attached(&attempt.network)?;
    for number in ["1", "2", "3"] {
        attempt.process_ends()?;
        let next = Replayed::new(lab, &CRIO, Holder::Mount, number)?;
        next.create()?;
        attempt.poststop()?;
        assert_eq!(next.network.interfaces()?, slice::from_ref(&made));
        // What is dead of it has been taken off by poststop, and gc finds nothing to take.
        lab.underlay("gc")?.success()?;
        assert_eq!(next.network.interfaces()?, slice::from_ref(&made));
        assert_eq!(lab.leases()?, ["10.0.0.2"]);
        attempt = next;
    }
    attempt.process_ends()?;
    attempt.poststop()?;
    assert_eq!(lab.records()?, [""; 0]);
    remove_namespace(lab)
}

/// The usual end of a pod: its namespace is removed first, and then the runtime deletes its containers.
fn crio_late(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let first = Replayed::new(lab, &CRIO, Holder::Mount, "1")?;
    let second = Replayed::new(lab, &CRIO, Holder::Mount, "2")?;
    first.create()?;
    second.create()?;
    attached(&second.network)?;
    first.process_ends()?;
    second.process_ends()?;
    remove_namespace(lab)?;
    second.poststop()?;
    first.poststop()?;
    assert_eq!(lab.records()?, [""; 0]);
    Ok(())
}

fn attached(network: &Place) -> Result<Interface> {
    let eth0 = network.interface("eth0")?;
    assert_eq!(eth0.addresses, ["10.0.0.2/24"]);
    assert_eq!(network.routes()?, ["10.0.0.0/24 dev eth0 src 10.0.0.2", "default via 10.0.0.1 dev eth0"]);
    Ok(eth0)
}

/// Where `ip netns` and engines keep the namespace of the pod.
const PATH: &str = "/var/run/netns/pod";

fn remove_namespace(lab: &Lab) -> Result {
    lab.host().sh("! test -e /var/run/netns/pod || ip netns delete pod").map(drop)
}

/// A container that is nothing but a process and what was written of it.
struct Replayed<'lab> {
    lab: &'lab Lab,
    pid: u32,
    network: Place,
    create: String,
    poststop: String,
}

impl<'lab> Replayed<'lab> {
    /// The attempt makes its id another than those of others.
    fn new(lab: &'lab Lab, recorded: &Recorded, holder: Holder, attempt: &str) -> Result<Self> {
        let (pid, network) = match holder {
            Holder::Process => process(lab)?,
            Holder::Mount => in_the_pod(lab, "nsenter --net=/var/run/netns/pod")?,
            Holder::MountAlone => in_the_pod(lab, "env")?,
        };
        let mut lines = recorded.lines.lines().map(|line| {
            let state: Value = serde_json::from_str(line).expect("a recorded state");
            let line = line.replace(text(&state["id"]), &format!("{}{attempt}", text(&state["id"])));
            // As it was: alive, dead (0, -1 or somebody's), or not there at all.
            match state["pid"].as_u64().filter(|pid| *pid > 0) {
                Some(was) => line.replace(&format!("\"pid\":{was},"), &format!("\"pid\":{pid},")),
                None => line,
            }
        });
        let create = lines.next().expect("a line for createRuntime");
        let poststop = lines.next().expect("a line for poststop");
        let replayed = Self { lab, pid, network, create, poststop };
        replayed.write_bundle(holder)?;
        Ok(replayed)
    }

    fn create(&self) -> Result {
        assert_eq!(self.lab.hook("createRuntime", &self.create)?.success()?, "");
        Ok(())
    }

    fn poststop(&self) -> Result {
        let output = self.lab.hook("poststop", &self.poststop)?;
        assert_eq!(output.stderr, "");
        output.success().map(drop)
    }

    fn process_ends(&self) -> Result {
        self.lab
            .host()
            .sh(&format!("kill {0}; while test -e /proc/{0}; do sleep 0.01; done", self.pid))
            .map(drop)
    }

    fn write_bundle(&self, holder: Holder) -> Result {
        let state: Value = serde_json::from_str(&self.create).expect("a recorded state");
        let path = match holder {
            Holder::Process => String::new(),
            Holder::Mount | Holder::MountAlone => format!(r#","path":"{PATH}""#),
        };
        self.lab.write(
            &format!("{}/config.json", text(&state["bundle"])),
            &format!(
                r#"{{"ociVersion":"1.2.0","process":{{"user":{{"uid":0,"gid":0}},"args":["true"],"cwd":"/"}},
                    "root":{{"path":"rootfs"}},
                    "linux":{{"namespaces":[{{"type":"pid"}},{{"type":"network"{path}}}]}}}}"#
            ),
        )
    }
}

/// A process that is started by `how`, and the pod's namespace, made if it is missing.
fn in_the_pod(lab: &Lab, how: &str) -> Result<(u32, Place)> {
    let host = lab.host();
    host.sh(&format!("test -e {PATH} || ip netns add pod"))?;
    let pid = host.sh(&format!("{how} sleep 3600 >/dev/null 2>&1 </dev/null & echo $!"))?;
    Ok((pid.trim().parse().expect("a process id"), host.namespace(PATH)))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
