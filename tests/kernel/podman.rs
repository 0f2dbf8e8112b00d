//! What podman does with containers in their lives, over each runtime. The hook comes by hooks.d alone.

use std::path::Path;

use lab::{Lab, Machine, Need, Place, Podman, Result, Runtime, Trial, trial};

type Case = (&'static str, fn(&Lab, &Podman) -> Result);

const CASES: [Case; 13] = [
    ("run, and rm -f while it runs", removed),
    ("run --rm of a process that ends", ends),
    ("kill, start, stop", killed_and_started),
    ("a restart policy", restarts),
    ("out of memory", out_of_memory),
    ("a program that is not there, then gc", no_program),
    ("a user namespace", user_namespace),
    ("a user namespace of podman's choice", automatic_user_namespace),
    ("a namespace by path, which outlives the container", named_namespace),
    ("a pod whose first member ends first", pod),
    ("in the network of a container that asked for nothing", container_network),
    ("the host's network is refused", host_network),
    ("conmon is killed, then rm -f, then gc", conmon_killed),
];

const KUBE_PLAY: Case = ("kube play, with an init container", kube_play);
const BESIDE: Case = ("beside a network of podman's own", beside);

pub(crate) fn trials() -> Vec<Trial> {
    // podman 4.3 forbids a pod all devices where cgroups are of version 2 and systemd does not manage them, and kube play
    // has no switch to make a pod without a cgroup.
    let is_unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    let here = [Runtime::Runc, Runtime::Crun, Runtime::Youki].into_iter().flat_map(|runtime| {
        let needs = [Need::MACVLAN, Runtime::Podman.need(), runtime.need()];
        let cases = CASES.into_iter().chain((!is_unified).then_some(KUBE_PLAY));
        cases.map(|case| trial_of(case, runtime, "", &needs)).collect::<Vec<_>>()
    });
    let there = [Runtime::Runc, Runtime::Crun].into_iter().flat_map(|runtime| {
        // Netavark, which podman only recommends, is there alone.
        let cases = CASES.into_iter().chain([KUBE_PLAY, BESIDE]);
        cases.map(move |case| trial_of(case, runtime, "Debian 13, ", &[Need::MACVLAN]).on(Machine::Trixie))
    });
    here.chain(there).collect()
}

fn trial_of((name, case): Case, runtime: Runtime, machine: &str, needs: &[Need]) -> Trial {
    trial(format!("{machine}podman over {runtime}: {name}"), needs, move |lab| {
        lab.lan().address("10.0.0.1/24")?;
        lab.network("-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan")?;
        case(lab, &lab.podman(runtime)?)
    })
}

/// A container of its own network, annotated.
const PRIVATE: &str = "--network none --annotation io.underlay.networks=lan";
const SLEEP: &str = "bb sleep 3600";

/// The container has the network's interface with this address, and reaches the LAN through it.
fn attached(place: &Place, address: &str) -> Result {
    assert_eq!(place.interface("eth0")?.addresses, [format!("{address}/24")]);
    let subnet = format!("10.0.0.0/24 dev eth0 src {address}");
    assert_eq!(place.routes()?, [subnet.as_str(), "default via 10.0.0.1 dev eth0"]);
    place.ping("10.0.0.1")
}

fn removed(lab: &Lab, podman: &Podman) -> Result {
    podman.ok(&format!("run --detach --name c1 {PRIVATE} {SLEEP}"))?;
    attached(&podman.network_of("c1")?, "10.0.0.2")?;
    podman.remove("c1")?;
    assert_eq!(lab.records()?, [""; 0]);
    Ok(())
}

fn ends(lab: &Lab, podman: &Podman) -> Result {
    let seen = podman.ok(&format!("run --rm {PRIVATE} bb ip -4 -o address show dev eth0"))?;
    assert!(seen.contains("inet 10.0.0.2/24"), "{seen}");
    lab.forgets_all()
}

fn killed_and_started(lab: &Lab, podman: &Podman) -> Result {
    podman.ok(&format!("run --detach --name c1 {PRIVATE} {SLEEP}"))?;
    podman.ok("kill c1")?;
    podman.until("c1", ".State.Status", "exited")?;
    lab.forgets_all()?;
    podman.ok("start c1")?;
    attached(&podman.network_of("c1")?, "10.0.0.3")?;
    podman.ok("stop --time 0 c1")?;
    assert_eq!(lab.records()?, [""; 0]);
    Ok(())
}

/// Each time with the MAC that the kernel may still be taking from the namespace before.
fn restarts(lab: &Lab, podman: &Podman) -> Result {
    let look = "bb sh -c 'ip -o link show dev eth0; ip -4 -o address show dev eth0; exit 1'";
    podman.ok(&format!("run --detach --restart on-failure:3 --name c1 {PRIVATE} {look}"))?;
    podman.until("c1", ".RestartCount", "3")?;
    podman.until("c1", ".State.Status", "exited")?;
    let seen = podman.ok("logs c1")?;
    for address in ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"] {
        assert!(seen.contains(&format!("inet {address}/24")), "{address} is not in: {seen}");
    }
    let mut macs: Vec<_> = seen.lines().filter_map(|line| line.split("link/ether ").nth(1)).collect();
    assert_eq!(macs.len(), 4, "{seen}");
    macs.dedup();
    assert_eq!(macs.len(), 1, "{seen}");
    lab.forgets_all()
}

fn out_of_memory(lab: &Lab, podman: &Podman) -> Result {
    // busybox's tail keeps a line that does not end.
    podman.ok(&format!("run --detach --memory 16m --name c1 {PRIVATE} bb busybox tail /dev/zero"))?;
    podman.until("c1", ".State.Status", "exited")?;
    assert_eq!(podman.inspect("c1", ".State.ExitCode")?, "137");
    lab.forgets_all()
}

/// podman calls no poststop for a container that never ran, not even when it is removed.
fn no_program(lab: &Lab, podman: &Podman) -> Result {
    let run = podman.run(&format!("run --detach --name c1 {PRIVATE} bb /no/such/program"))?;
    assert_eq!(run.status.code(), Some(127), "{run:?}");
    podman.ok("rm c1")?;
    assert_ne!(lab.records()?, [""; 0]);
    lab.gc_takes_all()
}

fn user_namespace(lab: &Lab, podman: &Podman) -> Result {
    let maps = "--uidmap 0:100000:65536 --gidmap 0:100000:65536";
    podman.ok(&format!("run --detach --name c1 {maps} {PRIVATE} {SLEEP}"))?;
    owned_by_another_and_attached(lab, podman)
}

fn automatic_user_namespace(lab: &Lab, podman: &Podman) -> Result {
    lab.write("/run/ids", "containers:200000:1000000\n")?;
    lab.host().sh("for file in /etc/subuid /etc/subgid; do mount --bind /run/ids $file; done")?;
    podman.ok(&format!("run --detach --name c1 --userns auto {PRIVATE} {SLEEP}"))?;
    owned_by_another_and_attached(lab, podman)
}

fn owned_by_another_and_attached(lab: &Lab, podman: &Podman) -> Result {
    let pid = podman.inspect("c1", ".State.Pid")?;
    let owner = lab.host().ok(&format!("stat -c %u /proc/{pid}"))?;
    assert_ne!(owner.trim(), "0");
    attached(&podman.network_of("c1")?, "10.0.0.2")?;
    podman.remove("c1")?;
    assert_eq!(lab.records()?, [""; 0]);
    Ok(())
}

fn named_namespace(lab: &Lab, podman: &Podman) -> Result {
    lab.host().ok("ip netns add kept")?;
    let kept = lab.host().namespace("/run/netns/kept");
    let ask = "--network ns:/run/netns/kept --annotation io.underlay.networks=lan";
    podman.ok(&format!("run --detach --name c1 {ask} {SLEEP}"))?;
    attached(&kept, "10.0.0.2")?;
    podman.remove("c1")?;
    assert_eq!(kept.interfaces()?, []);
    assert_eq!(lab.records()?, [""; 0]);
    lab.host().ok("ip netns delete kept").map(drop)
}

fn pod(lab: &Lab, podman: &Podman) -> Result {
    podman.ok("pod create --name p1 --network none --share-parent=false")?;
    let member = "--pod p1 --annotation io.underlay.networks=lan";
    podman.ok(&format!("run --detach --name c1 {member} {SLEEP}"))?;
    let network = podman.network_of("c1")?;
    attached(&network, "10.0.0.2")?;
    let made = network.interfaces()?;
    podman.ok(&format!("run --detach --name c2 {member} {SLEEP}"))?;
    podman.ok("kill c1")?;
    podman.until("c1", ".State.Status", "exited")?;
    assert_eq!(podman.network_of("c2")?.interfaces()?, made);
    podman.ok("start c1")?;
    podman.remove("c2")?;
    assert_eq!(podman.network_of("c1")?.interfaces()?, made);
    attached(&podman.network_of("c1")?, "10.0.0.2")?;
    podman.remove_pod("p1")?;
    assert_eq!(lab.records()?, [""; 0]);
    Ok(())
}

/// Every container of the pod has the pod's annotation. The init container ends before the others begin, so
/// that its interface goes and theirs is another. (With another restart policy, podman 4.3 runs the init
/// container time and again.)
fn kube_play(lab: &Lab, podman: &Podman) -> Result {
    lab.write("/run/pod.yaml", POD)?;
    podman.ok("kube play --network none /run/pod.yaml")?;
    let network = podman.network_of("web-c1")?;
    attached(&network, "10.0.0.3")?;
    assert_eq!(podman.network_of("web-c2")?.interfaces()?, network.interfaces()?);
    assert_eq!(lab.leases()?, ["10.0.0.3"]);
    podman.ok("kube down /run/pod.yaml")?;
    lab.forgets_all()
}

const POD: &str = "
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    io.underlay.networks: lan
spec:
  terminationGracePeriodSeconds: 0
  restartPolicy: Never
  initContainers:
  - name: first
    image: bb
    imagePullPolicy: Never
    env: [{name: PATH, value: /bin}]
    command: [/bin/sh, -c, 'ip -4 -o address show dev eth0 | busybox grep -q 10.0.0.2/24']
  containers:
  - {name: c1, image: bb, imagePullPolicy: Never, env: [{name: PATH, value: /bin}], command: [/bin/sleep, '3600']}
  - {name: c2, image: bb, imagePullPolicy: Never, env: [{name: PATH, value: /bin}], command: [/bin/sleep, '3600']}
";

/// The namespace is the other container's, and goes on without the interface.
fn container_network(lab: &Lab, podman: &Podman) -> Result {
    podman.ok(&format!("run --detach --name c1 --network none {SLEEP}"))?;
    let network = podman.network_of("c1")?;
    assert_eq!(network.interfaces()?, []);
    podman.ok(&format!(
        "run --detach --name c2 --network container:c1 --annotation io.underlay.networks=lan {SLEEP}"
    ))?;
    attached(&network, "10.0.0.2")?;
    podman.remove("c2")?;
    assert_eq!(network.interfaces()?, []);
    assert_eq!(lab.records()?, [""; 0]);
    Ok(())
}

fn host_network(lab: &Lab, podman: &Podman) -> Result {
    let before = lab.host().interfaces()?;
    let ask = "--network host --annotation io.underlay.networks=lan";
    let run = podman.run(&format!("run --detach --name c1 {ask} {SLEEP}"))?;
    assert_eq!(run.status.code(), Some(126), "{run:?}");
    podman.ok("rm c1")?;
    assert_eq!(lab.host().interfaces()?, before);
    assert_eq!(lab.records()?, [""; 0]);
    Ok(())
}

/// That one is eth0 and has the default route.
fn beside(lab: &Lab, podman: &Podman) -> Result {
    podman.ok("network create --subnet 10.89.0.0/24 --disable-dns own")?;
    let ask = "--network own --annotation io.underlay.networks=lan";
    podman.ok(&format!("run --detach --name c1 {ask} {SLEEP}"))?;
    let network = podman.network_of("c1")?;
    assert_eq!(network.interface("eth0")?.kind, "veth");
    assert_eq!(network.interface("eth1")?.addresses, ["10.0.0.2/24"]);
    let routes = network.routes()?;
    assert!(routes.iter().any(|route| route.starts_with("default via 10.89.0.1 dev eth0")), "{routes:?}");
    assert!(routes.contains(&"10.0.0.0/24 dev eth1 src 10.0.0.2".to_owned()), "{routes:?}");
    network.ping("10.0.0.1")?;
    podman.remove("c1")?;
    assert_eq!(lab.records()?, [""; 0]);
    podman.ok("network rm own").map(drop)
}

/// Nobody is left to tell podman of the container's end, and podman calls no poststop.
fn conmon_killed(lab: &Lab, podman: &Podman) -> Result {
    podman.ok(&format!("run --detach --name c1 {PRIVATE} {SLEEP}"))?;
    let conmon = podman.inspect("c1", ".State.ConmonPid")?;
    lab.host().ok(&format!("kill -KILL {conmon}"))?;
    attached(&podman.network_of("c1")?, "10.0.0.2")?;
    lab.underlay("gc")?.success()?;
    assert_eq!(lab.leases()?, ["10.0.0.2"]);
    podman.remove("c1")?;
    lab.gc_takes_all()
}
