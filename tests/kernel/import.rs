//! Networks that are somebody else's to say: the default route's link as parent, podman's own definitions,
//! and the routes that others must know.

use lab::{Lab, Need, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    const NEEDS: [Need; 2] = [Need::MACVLAN, Runtime::Runc.need()];
    vec![
        trial("parent auto: the link of the default route at each start", &NEEDS, automatic_parent),
        trial("parent auto: IPv6 networks go by the IPv6 default route", &NEEDS, automatic_parent_ipv6),
        trial(
            "import: a network of podman's gives the addresses that it gave there",
            &[Need::MACVLAN, Runtime::Runc.need(), Runtime::Podman.need()],
            import_from_podman,
        ),
        trial("import: all networks are written, or none", &NEEDS, all_or_none),
        trial(
            "routes: the LAN reaches an ipvlan L3 network by the routes that are printed",
            &[Need::IPVLAN, Runtime::Runc.need()],
            return_routes,
        ),
    ]
}

const AUTO: &str = "-d macvlan --subnet=172.16.86.0/24 --gateway=172.16.86.1 -o parent=auto lan";

fn automatic_parent(lab: &Lab) -> Result {
    let host = lab.host();
    host.ok("ip address add 192.168.1.250/24 dev eth0")?;
    host.ok("ip route add default via 192.168.1.1 dev eth0 metric 100")?;
    second_nic(lab)?;
    lab.network(AUTO)?;
    assert_eq!(parent_of(lab, "c1")?, "eth0");

    // Of two default routes the one of the lower metric counts, wherever it stands in the table.
    host.ok("ip route add default dev eth1 metric 50")?;
    assert_eq!(parent_of(lab, "c2")?, "eth1");
    host.ok("ip route add default metric 7 nexthop via 192.168.1.1 dev eth0 nexthop dev eth1")?;
    assert_eq!(parent_of(lab, "c3")?, "eth0");

    lab.underlay("network rm lan")?.success()?;
    assert!(host.interface("eth0")?.up, "a link that was found is not removed");
    host.ok("ip link delete eth1")?;
    host.ok("ip address delete 192.168.1.250/24 dev eth0").map(drop)
}

fn automatic_parent_ipv6(lab: &Lab) -> Result {
    let host = lab.host();
    second_nic(lab)?;
    host.ok("ip route add default dev eth0")?;
    host.ok("ip -6 route add default dev eth1 metric 9")?;
    host.ok("ip -6 route add unreachable default metric 1")?;
    lab.network("-d macvlan --ipv6 --subnet=2001:db8::/64 -o parent=auto lan")?;
    assert_eq!(parent_of(lab, "c1")?, "eth1");
    lab.network("-d macvlan --ipv6 --subnet=10.0.0.0/24 --subnet=2001:db8:1::/64 -o parent=auto both")?;
    let container = lab.start("c2", "both")?;
    assert_eq!(container.interface("eth0")?.parent, Some(host.interface("eth0")?.index));
    container.delete()?;
    host.ok("ip link delete eth1").map(drop)
}

/// A NIC without a cable to the LAN.
fn second_nic(lab: &Lab) -> Result {
    lab.host().ok("ip link add eth1 up type veth peer name nowhere")?;
    lab.host().ok("ip link set nowhere up").map(drop)
}

/// The link on which a container on the network `lan` is put.
fn parent_of(lab: &Lab, name: &str) -> Result<String> {
    let container = lab.start(name, "lan")?;
    let parent = container.interface("eth0")?.parent;
    container.delete()?;
    let links = lab.host().interfaces()?.into_iter();
    Ok(links.filter(|link| Some(link.index) == parent).map(|link| link.name).collect())
}

const PODMAN: &str = "CONTAINERS_CONF=/run/theirs/containers.conf CONTAINERS_STORAGE_CONF=/run/theirs/storage.conf podman network";

fn podman_set_up(lab: &Lab) -> Result {
    lab.write(
        "/run/theirs/containers.conf",
        "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"none\"\n\
         [network]\nnetwork_config_dir = \"/run/theirs/networks\"\n",
    )?;
    lab.write(
        "/run/theirs/storage.conf",
        "[storage]\ndriver = \"vfs\"\ngraphroot = \"/run/theirs/storage\"\nrunroot = \"/run/theirs/run\"\n",
    )?;
    lab.host().ok("mkdir -p /run/theirs/networks").map(drop)
}

fn import_from_podman(lab: &Lab) -> Result {
    podman_set_up(lab)?;
    let host = lab.host();
    host.sh(&format!(
        "{PODMAN} create -d macvlan --subnet 172.16.86.0/24 --gateway 172.16.86.1 --ip-range 172.16.86.128/25 \
         -o parent=eth0 -o mtu=1400 -o mode=bridge --label team=net lan"
    ))?;
    // Its name ends as its backend has it: netavark's with .json, CNI's with .conflist.
    let file = host.sh("ls /run/theirs/networks/lan.*")?;
    let rehearsed = lab.underlay(&format!("network import --dry-run {file}"))?.success()?;
    assert!(rehearsed.contains(r#""name": "lan""#), "{rehearsed}");
    assert_eq!(lab.underlay("network ls -q")?.success()?, "");

    assert_eq!(lab.underlay(&format!("network import {file}"))?.success()?, "lan\n");
    assert_eq!(lab.underlay("network check")?.success()?, "lan: ok\n");
    lab.lan().address("172.16.86.1/24")?;
    let container = lab.start("c1", "lan")?;
    let eth0 = container.interface("eth0")?;
    assert_eq!((eth0.addresses, eth0.mtu), (vec!["172.16.86.129/24".to_owned()], 1400));
    container.ping("172.16.86.1")?;

    let inspected = lab.underlay("network inspect lan")?.success()?;
    for words in [r#""leased": 1"#, r#""capacity": 126"#, &container.id, r#""team": "net""#] {
        assert!(inspected.contains(words), "{words} is not in: {inspected}");
    }
    Ok(())
}

fn all_or_none(lab: &Lab) -> Result {
    let network = |name: &str, driver: &str| {
        format!(
            r#"{{"name": "{name}", "driver": "{driver}", "subnets": [{{"subnet": "10.0.0.0/24"}}], "network_interface": "eth0"}}"#
        )
    };
    lab.write("/run/theirs/a.json", &network("a", "macvlan"))?;
    lab.write("/run/theirs/b.json", &network("b", "bridge"))?;
    lab.write("/run/theirs/c.json", &network("c", "macvlan"))?;
    for (files, words) in [
        ("/run/theirs/a.json /run/theirs/b.json", "/run/theirs/b.json: network b: driver `bridge`"),
        ("/run/theirs/a.json /run/theirs/c.json", "network `c`: subnet 10.0.0.0/24 is network `a`'s as well"),
        ("/run/theirs/a.json /run/theirs/none.json", "cannot read /run/theirs/none.json"),
    ] {
        let complaint = lab.underlay(&format!("network import {files}"))?.failure()?;
        assert!(complaint.contains(words), "{complaint}");
        assert_eq!(lab.underlay("network ls -q")?.success()?, "", "{files}");
    }
    Ok(())
}

fn return_routes(lab: &Lab) -> Result {
    let host = lab.host();
    for address in ["192.168.1.250/24", "2001:db8::250/64"] {
        host.ok(&format!("ip address add {address} dev eth0"))?;
    }
    lab.lan().address("192.168.1.1/24")?;
    lab.lan().address("2001:db8::1/64")?;
    lab.network(
        "-d ipvlan -o ipvlan_mode=l3 -o parent=eth0 --ipv6 --subnet=10.1.0.0/24 --subnet=2001:db8:1::/64 far",
    )?;
    let container = lab.start("c1", "far")?;
    assert_eq!(container.interface("eth0")?.addresses, ["10.1.0.1/24", "2001:db8:1::1/64"]);
    lab.lan().no_ping("10.1.0.1")?;
    lab.lan().no_ping("2001:db8:1::1")?;

    let routes = lab.underlay("network routes far")?.success()?;
    lab.lan().sh(&routes)?;
    lab.lan().ping("10.1.0.1")?;
    lab.lan().ping("2001:db8:1::1")?;
    container.ping("192.168.1.1")?;

    for address in ["192.168.1.250/24", "2001:db8::250/64"] {
        host.ok(&format!("ip address delete {address} dev eth0"))?;
    }
    let complaint = lab.underlay("network routes far")?.failure()?;
    assert!(complaint.contains("no IPv4 address on eth0"), "{complaint}");
    Ok(())
}
