//! Networks for a namespace in which somebody else was before: an engine with a network of its own, or an
//! administrator. The hook expects none of it until its helper has looked.

use lab::{Inside, Lab, Need, Place, Replica, Result, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial(
        "occupied: another's links, default route and number of the namespace",
        &[Need::MACVLAN],
        occupied,
    )]
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";
const WAN: &str = "-d macvlan --subnet=10.1.0.0/24 --gateway=10.1.0.1 -o parent=eth0 wan";

/// Another's link, which has the name that ours would get.
const LINK: &str = "ip link add eth0 type veth peer name eth9";
const ROUTE: &str = "ip link set eth0 up && ip link set eth9 up && ip address add 192.0.2.1/24 dev eth0 && \
                     ip route add default via 192.0.2.2";

fn occupied(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.network(WAN)?;
    lab.inside(|inside| {
        other_names(inside)?;
        same_names(inside)?;
        numbered(inside)?;
        refused(inside)
    })
}

/// Two links get the names one further, and the addresses that come first.
fn other_names(inside: &Inside) -> Result {
    let (replica, there) = container(inside, "renamed", "lan,wan", LINK)?;
    replica.attach()?;
    assert_eq!(inside.leases()?, ["10.0.0.2", "10.1.0.2"].map(str::to_owned).into());
    for (name, address) in [("eth1", "10.0.0.2/24"), ("eth2", "10.1.0.2/24")] {
        let interface = there.interface(name)?;
        assert!(interface.addresses.contains(&address.to_owned()), "{interface:?}");
        assert!(interface.alias.is_some_and(|alias| alias.ends_with(name)));
    }
    assert!(there.routes()?.contains(&"default via 10.0.0.1 dev eth1".to_owned()), "{:?}", there.routes()?);
    leaves_nothing(inside, &replica)
}

/// A name that was asked for stays, and a default route that is there, too.
fn same_names(inside: &Inside) -> Result {
    let (replica, there) = container(inside, "kept", "lan@net0", &format!("{LINK} && {ROUTE}"))?;
    replica.attach()?;
    let routes = there.routes()?;
    assert!(routes.contains(&"default via 192.0.2.2 dev eth0".to_owned()), "{routes:?}");
    assert!(!routes.iter().any(|route| route.contains("10.0.0.1")), "{routes:?}");
    let records = inside.underlay("inspect kept")?;
    assert!(records.contains("net0") && !records.contains("0.0.0.0/0"), "{records}");
    leaves_nothing(inside, &replica)
}

/// Somebody gave the namespace a number before, by which it is found again.
fn numbered(inside: &Inside) -> Result {
    let (replica, there) = container(inside, "numbered", "lan", "true")?;
    let pid = replica.pid;
    inside.host().sh(&format!("ip netns attach n {pid} && ip netns set n 77 && ip netns delete n"))?;
    replica.attach()?;
    assert_eq!(there.interfaces()?.len(), 1);
    let inspected = inside.underlay("inspect numbered")?;
    assert!(inspected.contains("77"), "{inspected}");
    leaves_nothing(inside, &replica)
}

/// The name that was asked for is taken: nothing is made, and nothing kept.
fn refused(inside: &Inside) -> Result {
    let (replica, there) = container(inside, "refused", "wan,lan@eth0", LINK)?;
    let before = there.interfaces()?;
    let complaint = replica.complaint_through("createRuntime", "env")?;
    assert!(complaint.contains("interface eth0 is already there"), "{complaint}");
    assert_eq!(there.interfaces()?, before);
    inside.expect_nothing()
}

fn container(inside: &Inside, name: &str, networks: &str, line: &str) -> Result<(Replica, Place)> {
    let replica = inside.replica(name, networks)?;
    let there = inside.host().namespace(&replica.namespace());
    there.sh(line)?;
    Ok((replica, there))
}

fn leaves_nothing(inside: &Inside, replica: &Replica) -> Result {
    replica.detach()?;
    inside.expect_nothing()
}
