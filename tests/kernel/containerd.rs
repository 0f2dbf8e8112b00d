//! containerd: pods by its CRI, as a kubelet makes them, and containers by ctr(8).
//!
//! The hooks are in the specification of which containerd makes every container's, and the pod's annotation is passed
//! on, as docs/engines.md has it. The pod's own network is on eth0, made by CNI.

use lab::{Containerd, Interface, Lab, Machine, Need, Place, Result, Trial, trial};
use serde_json::json;

type Case = (&'static str, fn(&Lab, &Containerd, &str) -> Result);

const CASES: [Case; 4] = [
    ("a pod of two containers", two_containers),
    ("a container is made again before the old one is removed", restart),
    ("a pod is stopped before its containers are removed", late),
    ("a pod that asks for what there is not, and one that asks for nothing", refused_and_not_asked),
];

pub(crate) fn trials() -> Vec<Trial> {
    let over = |runtime: &'static str| {
        CASES.map(|(name, case)| {
            let body = move |lab: &Lab| on_the_lan(lab, |containerd| case(lab, containerd, runtime));
            trial(format!("Debian 13, containerd's CRI over {runtime}: {name}"), &[Need::MACVLAN], body)
        })
    };
    let ctr = trial("Debian 13, containerd: ctr run --config", &[Need::MACVLAN], |lab| {
        on_the_lan(lab, |containerd| ctr_run(lab, containerd))
    });
    let all = ["runc", "crun"].into_iter().flat_map(over).chain([ctr]);
    all.map(|trial| trial.on(Machine::Trixie)).collect()
}

fn on_the_lan(lab: &Lab, case: impl FnOnce(&Containerd) -> Result) -> Result {
    lab.lan().address("10.0.0.1/24")?;
    lab.network("-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan")?;
    case(&lab.containerd()?)
}

/// The LAN's interface, beside the one of the pod's own network.
fn attached(network: &Place) -> Result<Interface> {
    assert_eq!(network.interface("eth0")?.kind, "veth");
    let eth1 = network.interface("eth1")?;
    assert_eq!(eth1.kind, "macvlan");
    assert_eq!(eth1.addresses, ["10.0.0.2/24"]);
    let routes = network.routes()?;
    assert!(routes.contains(&"10.0.0.0/24 dev eth1 src 10.0.0.2".to_owned()), "{routes:?}");
    assert!(routes.iter().any(|route| route.starts_with("default via 10.88.0.1 dev eth0")), "{routes:?}");
    network.ping("10.0.0.1")?;
    Ok(eth1)
}

fn two_containers(lab: &Lab, containerd: &Containerd, runtime: &str) -> Result {
    let pod = containerd.run_pod(runtime, "web", Some("lan"))?;
    // The hooks are for the containers of a pod, not for its sandbox.
    assert_eq!(lab.records()?, [""; 0]);
    let first = containerd.run_container(&pod, "c1", 0)?;
    let made = attached(&containerd.network_of(&first)?)?;
    let second = containerd.run_container(&pod, "c2", 0)?;
    let network = containerd.network_of(&second)?;
    assert_eq!(network.interface("eth1")?, made);
    assert_eq!(lab.leases()?, ["10.0.0.2"]);
    containerd.stop_container(&first)?;
    containerd.remove_container(&first)?;
    assert_eq!(network.interface("eth1")?, made);
    containerd.stop_container(&second)?;
    containerd.remove_container(&second)?;
    lab.forgets_all()?;
    containerd.remove_pod(&pod)
}

fn restart(lab: &Lab, containerd: &Containerd, runtime: &str) -> Result {
    let pod = containerd.run_pod(runtime, "web", Some("lan"))?;
    let beside = containerd.run_container(&pod, "beside", 0)?;
    let network = containerd.network_of(&beside)?;
    let made = attached(&network)?;
    let first = containerd.run_container(&pod, "c1", 0)?;
    containerd.stop_container(&first)?;
    let second = containerd.run_container(&pod, "c1", 1)?;
    containerd.remove_container(&first)?;
    containerd.stop_container(&beside)?;
    containerd.remove_container(&beside)?;
    assert_eq!(containerd.network_of(&second)?.interface("eth1")?, made);
    assert_eq!(lab.leases()?, ["10.0.0.2"]);
    containerd.remove_pod(&pod)?;
    lab.forgets_all()
}

fn late(lab: &Lab, containerd: &Containerd, runtime: &str) -> Result {
    let pod = containerd.run_pod(runtime, "web", Some("lan"))?;
    let container = containerd.run_container(&pod, "c1", 0)?;
    attached(&containerd.network_of(&container)?)?;
    containerd.stop_pod(&pod)?;
    containerd.remove_container(&container)?;
    containerd.remove_pod(&pod)?;
    lab.forgets_all()
}

fn refused_and_not_asked(lab: &Lab, containerd: &Containerd, runtime: &str) -> Result {
    let pod = containerd.run_pod(runtime, "astray", Some("nosuch"))?;
    let complaint =
        containerd.run_container(&pod, "c1", 0).expect_err("a network that there is not").to_string();
    // crun keeps the hook's words to itself.
    let word = if runtime == "runc" { "nosuch" } else { "underlay-hook" };
    assert!(complaint.contains(word), "{complaint}");
    assert_eq!(lab.records()?, [""; 0]);
    containerd.remove_pod(&pod)?;
    let pod = containerd.run_pod(runtime, "plain", None)?;
    let container = containerd.run_container(&pod, "c1", 0)?;
    let interfaces = containerd.network_of(&container)?.interfaces()?;
    assert_eq!(interfaces.iter().map(|link| link.name.as_str()).collect::<Vec<_>>(), ["eth0"]);
    containerd.remove_pod(&pod)?;
    assert_eq!(lab.records()?, [""; 0]);
    Ok(())
}

fn ctr_run(lab: &Lab, containerd: &Containerd) -> Result {
    let mut specification = containerd.specification(&json!({"io.underlay.networks": "lan"}))?;
    specification["root"] = json!({"path": "/run/rootfs"});
    specification["process"]["args"] = json!(["/bin/ip", "-4", "-o", "address", "show", "dev", "eth0"]);
    lab.write("/run/ctr.json", &specification.to_string())?;
    let seen = containerd.ctr("run --rm --config /run/ctr.json c1")?;
    assert!(seen.contains("inet 10.0.0.2/24"), "{seen}");
    lab.forgets_all()
}
