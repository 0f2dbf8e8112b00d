//! Namespaces that several containers share, and that outlive them.

use std::slice;

use lab::{Lab, Need, Network, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let podman = [Need::MACVLAN, Runtime::Podman.need()];
    let mut trials: Vec<_> = [Runtime::Runc, Runtime::Crun, Runtime::Youki]
        .map(|runtime| {
            let name = format!("two containers share a namespace and its interface, {runtime}");
            trial(name, &[Need::MACVLAN, runtime.need()], move |lab| named_namespace(lab, runtime))
        })
        .into();
    trials.extend([
        trial("a pod of two containers has one interface, podman", &podman, pod),
        trial("a container in another's network shares its interface, podman", &podman, container_network),
    ]);
    trials
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";

fn named_namespace(lab: &Lab, runtime: Runtime) -> Result {
    lab.lan().address("10.0.0.1/24")?;
    lab.network(LAN)?;
    lab.host().ok("ip netns add pod")?;
    let namespace = lab.host().namespace("/run/netns/pod");
    let order = |name: &str, networks: &str| {
        lab.container(name).by(runtime).networks(networks).network(Network::Path("/run/netns/pod".to_owned()))
    };
    let first = order("c1", "lan").start()?;
    let made = namespace.interface("eth0")?;
    let second = order("c2", "lan").start()?;
    assert_eq!(namespace.interfaces()?, slice::from_ref(&made));
    assert_eq!(lab.leases()?, ["10.0.0.2"]);
    // What is there cannot be had otherwise.
    let complaint = order("c3", "lan:ip=10.0.0.77").refused()?;
    assert!(complaint.contains("10.0.0.2") && complaint.contains("10.0.0.77"), "{complaint}");

    first.delete()?;
    assert_eq!(namespace.interfaces()?, [made]);
    namespace.ping("10.0.0.1")?;
    second.delete()?;
    // The namespace lives on, and the link does not.
    assert_eq!(namespace.interfaces()?, []);
    assert_eq!(lab.leases()?, [""; 0]);
    lab.host().ok("ip netns delete pod").map(drop)
}

fn pod(lab: &Lab) -> Result {
    lab.lan().address("10.0.0.1/24")?;
    lab.network(LAN)?;
    let pod = lab.pod("p1")?;
    let order = |name: &str| lab.container(name).by(Runtime::Podman).networks("lan").pod(&pod);
    let first = order("c1").start()?;
    let made = first.interface("eth0")?;
    assert_eq!(made.addresses, ["10.0.0.2/24"]);
    let second = order("c2").start()?;
    assert_eq!(second.interfaces()?, slice::from_ref(&made));
    assert_eq!(lab.leases()?, ["10.0.0.2"]);
    first.delete()?;
    assert_eq!(second.interfaces()?, [made]);
    second.ping("10.0.0.1")?;
    second.delete()?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}

fn container_network(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let order = |name: &str| lab.container(name).by(Runtime::Podman).networks("lan");
    let first = order("c1").start()?;
    let second = order("c2").network(Network::Path(format!("container:{}", first.id))).start()?;
    assert_eq!(second.interface("eth0")?, first.interface("eth0")?);
    assert_eq!(lab.leases()?, ["10.0.0.2"]);
    second.delete()?;
    first.interface("eth0")?;
    first.delete()?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}
