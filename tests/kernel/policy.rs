//! What a definition does not grant to annotations is refused, and nobody can forge whose container it is.

use lab::{Lab, Need, Order, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    const NEEDS: [Need; 2] = [Need::MACVLAN, Runtime::Runc.need()];
    vec![
        trial(
            "policy: a network is for the Kubernetes namespaces that its definition names",
            &NEEDS,
            namespaces,
        ),
        trial("policy: a forged Kubernetes namespace opens no network", &NEEDS, forged),
        trial("policy: addresses, MACs and passthru may be denied to annotations", &NEEDS, options),
    ]
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0";

/// What CRI-O makes of a pod's annotations: its own and the kubelet's come last.
const CRIO: [(&str, &str); 2] = [("io.container.manager", "cri-o"), ("io.kubernetes.pod.name", "web-0")];
const CRIO_NAMESPACE: &str = "io.kubernetes.pod.namespace";

/// What containerd adds to those that it was told to pass.
const CONTAINERD: [(&str, &str); 2] =
    [("io.kubernetes.cri.sandbox-id", "4f1c"), ("io.kubernetes.cri.sandbox-name", "web-0")];
const CONTAINERD_NAMESPACE: &str = "io.kubernetes.cri.sandbox-namespace";

fn annotated<'lab>(lab: &'lab Lab, annotations: &[(&str, &str)]) -> Order<'lab> {
    let order = lab.container("c1").networks("lan");
    annotations.iter().fold(order, |order, (key, value)| order.annotation(key, value))
}

fn namespaces(lab: &Lab) -> Result {
    lab.network(&format!("{LAN} --kubernetes-namespace=db,web lan"))?;
    for (engine, key) in [(CRIO, CRIO_NAMESPACE), (CONTAINERD, CONTAINERD_NAMESPACE)] {
        let web = annotated(lab, &[&engine[..], &[(key, "web")]].concat()).start()?;
        assert!(web.interface("eth0")?.addresses[0].starts_with("10.0.0."));
        web.delete()?;
        let complaint = annotated(lab, &[&engine[..], &[(key, "evil")]].concat()).refused()?;
        assert!(
            complaint.contains("network `lan` is not open to the Kubernetes namespace `evil`"),
            "{complaint}"
        );
        assert!(!complaint.contains("web,"), "strangers are not told to whom it is open: {complaint}");
        nothing_was_made(lab)?;
    }
    let nobodys = lab.container("c2").networks("web/lan").refused()?;
    assert!(nobodys.contains("without a Kubernetes namespace"), "{nobodys}");
    // The administrator's own command is not bound.
    lab.underlay("run --network lan -- true")?.success().map(drop)
}

fn forged(lab: &Lab) -> Result {
    lab.network(&format!("{LAN} --kubernetes-namespace=db lan"))?;
    let crio = [&CRIO[..], &[(CRIO_NAMESPACE, "evil")]].concat();
    let containerd = [&CONTAINERD[..], &[(CONTAINERD_NAMESPACE, "evil")]].concat();
    let podman = [("io.container.manager", "libpod")];
    // What an author can write that this engine does not overwrite.
    let of_crio = [&CRIO[..], &[(CRIO_NAMESPACE, "db")]].concat();
    let of_containerd = [&CONTAINERD[..], &[(CONTAINERD_NAMESPACE, "db")]].concat();
    for (author, engine) in [
        (&of_containerd[..], &crio[..]),
        (&of_crio, &containerd),
        (&of_containerd, &podman),
        (&of_crio[1..], &podman),
        (&of_crio[1..], &[]),
        // containerd did not always tell the namespace.
        (&of_crio, &CONTAINERD[..1]),
    ] {
        let complaint = annotated(lab, &[author, engine].concat()).refused()?;
        let is_seen = complaint.contains("contradict each other") || complaint.contains("is not open to");
        assert!(is_seen, "{author:?} {engine:?}: {complaint}");
        nothing_was_made(lab)?;
    }
    Ok(())
}

fn options(lab: &Lab) -> Result {
    lab.network(&format!("{LAN} --no-fixed-addresses --no-fixed-macs lan"))?;
    let complaint = lab.container("c1").networks("lan:ip=10.0.0.9,mac=02:00:00:00:00:09").refused()?;
    for word in ["no address that is asked for", "no MAC address that is asked for"] {
        assert!(complaint.contains(word), "{word} is not in: {complaint}");
    }
    nothing_was_made(lab)?;
    let container = lab.container("c1").networks("lan@net1").start()?;
    lab.underlay(&format!("network connect lan {} --interface net2 --ip 10.0.0.9", container.id))?
        .success()?;
    assert_eq!(container.interface("net2")?.addresses, ["10.0.0.9/24"]);
    container.delete()?;

    lab.underlay("network rm lan")?.success()?;
    lab.network("-d macvlan -o macvlan_mode=passthru -o parent=eth0 --no-ipam --no-passthru nic")?;
    let complaint = lab.container("c1").networks("nic").refused()?;
    assert!(complaint.contains("mode passthru and cannot be asked for by an annotation"), "{complaint}");
    lab.underlay("run --network nic -- true")?.success().map(drop)
}

fn nothing_was_made(lab: &Lab) -> Result {
    assert_eq!(lab.leases()?, [""; 0]);
    assert!(lab.host().interfaces()?.iter().all(|interface| interface.name != "net1"));
    Ok(())
}
