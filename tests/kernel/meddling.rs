//! Containers with rights on their network (`CAP_NET_ADMIN`) that do to their links what they can. What such a
//! container could do is done here from outside, in its namespace.

use lab::{Lab, Need, Network, Place, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    const NEEDS: [Need; 2] = [Need::MACVLAN, Runtime::Runc.need()];
    vec![
        trial("meddling: a foreign mark protects no link and frees no address", &NEEDS, remarked),
        trial("meddling: somebody else's link of the same name and index stays", &NEEDS, replaced),
        trial("meddling: an address that another link took over stays leased", &NEEDS, inherited),
        trial("meddling: the address of a link that was moved away stays leased", &NEEDS, moved),
    ]
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";

/// A namespace that outlives its container, as a pod's does.
fn pod(lab: &Lab) -> Result<(Place, Network)> {
    lab.network(LAN)?;
    lab.host().ok("ip netns add pod")?;
    let path = "/run/netns/pod";
    Ok((lab.host().namespace(path), Network::Path(path.to_owned())))
}

fn gone(lab: &Lab, pod: &Place) -> Result {
    assert_eq!(pod.interfaces()?, []);
    assert_eq!(lab.leases()?, [""; 0]);
    lab.host().ok("ip netns delete pod").map(drop)
}

fn remarked(lab: &Lab) -> Result {
    let (place, network) = pod(lab)?;
    let other = lab.start("other", "lan")?;
    let others_mark = lab.host().namespace(&format!("/proc/{}/ns/net", other.pid)).interface("eth0")?.alias;
    let others_mark = others_mark.expect("a mark");
    for alias in ["underlay elsewhere/7/lan/eth0", others_mark.as_str(), "mine", ""] {
        for taker in ["the container's end", "gc"] {
            let container = lab.container("c1").networks("lan").network(network.clone()).start()?;
            place.run(&["ip", "link", "set", "eth0", "name", "x0", "alias", alias])?.success()?;
            if taker == "gc" {
                lab.host().sh(&format!(
                    "kill -9 {0}; while test -d /proc/{0}; do sleep 0.01; done",
                    container.pid
                ))?;
                lab.underlay("gc")?.success()?;
                assert_eq!(place.interfaces()?, [], "`{alias}`, by {taker}");
                container.delete()?;
            } else {
                container.delete()?;
                assert_eq!(place.interfaces()?, [], "`{alias}`, by {taker}");
            }
            assert_eq!(lab.leases()?.len(), 1, "the other's alone");
        }
    }
    assert!(other.interface("eth0")?.up, "nobody touched the other's link");
    other.delete()?;
    gone(lab, &place)
}

fn replaced(lab: &Lab) -> Result {
    let (place, network) = pod(lab)?;
    let container = lab.container("c1").networks("lan").network(network).start()?;
    let link = place.interface("eth0")?;
    let (index, mark) = (link.index, link.alias.expect("a mark"));
    place.sh(&format!(
        "ip link delete eth0 && ip link add eth0 index {index} type veth peer name y0 && \
         ip link set eth0 up alias '{mark}'"
    ))?;
    container.delete()?;
    assert_eq!(place.interface("eth0")?.kind, "veth");
    assert_eq!(lab.leases()?, [""; 0]);
    place.ok("ip link delete eth0")?;
    gone(lab, &place)
}

fn inherited(lab: &Lab) -> Result {
    let (place, network) = pod(lab)?;
    let container = lab.container("c1").networks("lan:ip=10.0.0.9").network(network).start()?;
    // The kernel puts it on the host's eth0: a macvlan on a macvlan stands on the other's parent.
    place.sh("ip link add link eth0 name mine type macvlan mode bridge && ip link delete eth0 && \
         ip link set mine name eth0 up && ip address add 10.0.0.9/24 dev eth0")?;
    lab.lan().address("10.0.0.1/24")?;
    lab.lan().ping("10.0.0.9")?;
    container.delete()?;
    assert_eq!(lab.leases()?, ["10.0.0.9"], "it still answers");
    let told = lab.underlay("gc")?.failure()?;
    assert!(told.contains("10.0.0.9 of eth0 is in use on another link"), "{told}");
    let complaint = lab.container("c2").networks("lan:ip=10.0.0.9").refused()?;
    assert!(complaint.contains("10.0.0.9"), "{complaint}");
    place.ok("ip link delete eth0")?;
    lab.underlay("gc")?.success()?;
    gone(lab, &place)
}

fn moved(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let container = lab.container("c1").networks("lan:ip=10.0.0.9").start()?;
    lab.host().ok("ip netns add hidden")?;
    container.ok("ip link set eth0 netns hidden")?;
    lab.underlay("gc")?.success()?;
    assert_eq!(lab.leases()?, ["10.0.0.9"], "it may still answer");
    let complaint = lab.container("c2").networks("lan:ip=10.0.0.9").refused()?;
    assert!(complaint.contains("10.0.0.9"), "{complaint}");
    lab.host().ok("ip netns delete hidden")?;
    container.delete()?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}
