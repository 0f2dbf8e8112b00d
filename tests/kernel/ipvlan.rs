//! Ipvlan: containers share the Ethernet address of their parent.

use lab::{Lab, Need, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    const NEEDS: [Need; 2] = [Need::IPVLAN, Runtime::Runc.need()];
    const ISOLATED: [Need; 3] = [Need::IPVLAN, Need::DUMMY, Runtime::Runc.need()];
    let mut trials = vec![
        trial("S4 ipvlan l2: two subnets, each with its gateway", &NEEDS, s4),
        trial("S4b ipvlan l2: no parent, no default route", &ISOLATED, s4b),
        trial("S7 ipvlan l2: no gateway, no default route", &NEEDS, s7),
        trial("S8 ipvlan: isolated networks", &ISOLATED, s8),
        trial("S11 ipvlan l3: across subnets without a parent", &ISOLATED, s11),
        trial("ipvlan: asking for a MAC is an error", &NEEDS, no_mac),
    ];
    for runtime in Runtime::ALL {
        let needs = [Need::IPVLAN, runtime.need()];
        trials.extend([
            trial(format!("S6 ipvlan l2: beside the host's own address, {runtime}"), &needs, move |lab| {
                s6(lab, runtime)
            }),
            trial(format!("S14 ipvlan l3: four containers, three subnets, {runtime}"), &needs, move |lab| {
                s14(lab, runtime)
            }),
        ]);
    }
    trials
}

const IPVLAN210: &str = "-d ipvlan --subnet=192.168.210.0/24 --subnet=192.168.212.0/24 \
     --gateway=192.168.210.254 --gateway=192.168.212.254 -o ipvlan_mode=l2";

fn s4(lab: &Lab) -> Result {
    lab.lan().address("192.168.210.254/24")?;
    lab.lan().address("192.168.212.254/24")?;
    lab.network(&format!("{IPVLAN210} -o parent=eth0 ipvlan210"))?;

    let first = lab.start("c1", "ipvlan210")?;
    let eth0 = first.interface("eth0")?;
    assert_eq!(
        (eth0.kind.as_str(), eth0.addresses.as_slice()),
        ("ipvlan", &["192.168.210.1/24".to_owned()][..])
    );
    assert_eq!(eth0.data["mode"], "l2");
    assert_eq!(
        first.routes()?,
        ["192.168.210.0/24 dev eth0 src 192.168.210.1", "default via 192.168.210.254 dev eth0"]
    );
    let other = lab.start("c2", "ipvlan210:ip=192.168.212.9")?;
    assert_eq!(
        other.routes()?,
        ["192.168.212.0/24 dev eth0 src 192.168.212.9", "default via 192.168.212.254 dev eth0"]
    );
    first.ping("192.168.210.254")?;
    other.ping("192.168.212.254")?;
    lab.lan().ping("192.168.212.9")?;
    // The two subnets have nothing but their routers in common.
    first.no_ping("192.168.212.9")?;
    lab.lan().route()?;
    first.ping("192.168.212.9")
}

fn s4b(lab: &Lab) -> Result {
    lab.network(&format!("{IPVLAN210} ipvlan210"))?;
    let first = lab.start("c1", "ipvlan210")?;
    let second = lab.start("c2", "ipvlan210")?;
    assert_eq!(first.routes()?, ["192.168.210.0/24 dev eth0 src 192.168.210.1"]);
    second.ping("192.168.210.1")?;
    let parents: Vec<_> =
        lab.host().interfaces()?.into_iter().filter(|interface| interface.kind == "dummy").collect();
    assert_eq!(parents.len(), 1);
    assert!(parents[0].up && parents[0].alias.is_some(), "{parents:?}");
    Ok(())
}

fn s6(lab: &Lab, runtime: Runtime) -> Result {
    lab.host().ok("ip address add 192.168.1.250/24 dev eth0")?;
    lab.lan().address("192.168.1.1/24")?;
    lab.network(
        "-d ipvlan --subnet=192.168.1.0/24 --gateway=192.168.1.1 -o ipvlan_mode=l2 -o parent=eth0 db_net",
    )?;
    let db = lab.container("db").by(runtime).networks("db_net").start()?;
    let eth0 = db.interface("eth0")?;
    assert_eq!(eth0.addresses, ["192.168.1.2/24"]);
    assert_eq!(eth0.mac, lab.host().interface("eth0")?.mac);
    assert_eq!(db.routes()?, ["192.168.1.0/24 dev eth0 src 192.168.1.2", "default via 192.168.1.1 dev eth0"]);
    db.ping("192.168.1.1")?;
    lab.lan().ping("192.168.1.2")?;
    lab.lan().ping("192.168.1.250")?;
    // The kernel's rule: a parent and its links do not hear each other.
    db.no_ping("192.168.1.250")?;
    // The host's address is nobody else's, be it asked for.
    let complaint = lab.container("c2").by(runtime).networks("db_net:ip=192.168.1.250").refused()?;
    let words = if runtime == Runtime::Podman { "underlay-hook" } else { "192.168.1.250" };
    assert!(complaint.contains(words), "{complaint}");
    db.delete()?;
    lab.host().ok("ip address delete 192.168.1.250/24 dev eth0").map(drop)
}

fn s7(lab: &Lab) -> Result {
    lab.network("-d ipvlan --subnet=192.168.1.0/24 -o parent=eth0 db_net_ipv")?;
    let ipv1 = lab.start("ipv1", "db_net_ipv")?;
    let ipv2 = lab.start("ipv2", "db_net_ipv")?;
    let [address] = &ipv1.interface("eth0")?.addresses[..] else { panic!("one address") };
    assert_eq!(ipv2.routes()?.len(), 1, "{:?}", ipv2.routes()?);
    ipv2.ping(address.trim_end_matches("/24"))
}

fn s8(lab: &Lab) -> Result {
    lab.host().ok("ip address add 192.168.1.250/24 dev eth0")?;
    lab.network("-d ipvlan --subnet=192.168.10.0/24 isolated1")?;
    lab.network("-d ipvlan --subnet=192.168.11.0/24 --internal isolated2")?;
    lab.network("-d ipvlan isolated3")?;
    let mut addresses = Vec::new();
    let mut containers = Vec::new();
    for network in ["isolated1", "isolated2", "isolated3"] {
        let one = lab.start(&format!("{network}-a"), network)?;
        let two = lab.start(&format!("{network}-b"), network)?;
        let address = one.interface("eth0")?.addresses[0].split('/').next().unwrap_or_default().to_owned();
        two.ping(&address)?;
        let routes = two.routes()?;
        assert!(routes.len() == 1 && !routes[0].starts_with("default"), "{routes:?}");
        addresses.push(address);
        containers.push(two);
    }
    // And nothing else, even with a route that would lead there.
    for (number, container) in containers.iter().enumerate() {
        container.ok("ip route add default dev eth0")?;
        container.no_ping("192.168.1.250")?;
        container.no_ping(&addresses[(number + 1) % addresses.len()])?;
    }
    lab.host().ok("ip address delete 192.168.1.250/24 dev eth0").map(drop)
}

fn s11(lab: &Lab) -> Result {
    lab.network("-d ipvlan --subnet=192.168.214.0/24 --subnet=10.1.214.0/24 -o ipvlan_mode=l3 ipnet210")?;
    let _first = lab.start("test1", "ipnet210:ip=192.168.214.10")?;
    let _second = lab.start("test2", "ipnet210:ip=10.1.214.10")?;
    let third = lab.start("test3", "ipnet210:ip=192.168.214.9")?;
    let fourth = lab.start("test4", "ipnet210:ip=10.1.214.9")?;
    for (container, address) in [(third, "10.1.214.10"), (fourth, "192.168.214.10")] {
        let output = container.ok(&format!("ping -n -c 2 -i 0.2 {address}"))?;
        assert!(output.contains("2 packets transmitted, 2 received"), "{output}");
    }
    Ok(())
}

fn s14(lab: &Lab, runtime: Runtime) -> Result {
    lab.network(
        "-d ipvlan --subnet=192.168.110.0/24 --subnet=192.168.112.0/24 --subnet=2001:db8:abc6::/64 \
         -o ipvlan_mode=l3 -o parent=eth0 ipnet110",
    )?;
    let start = |name: &str, networks: &str| lab.container(name).by(runtime).networks(networks).start();
    let containers = [
        start("c1", "ipnet110")?,
        start("c2", "ipnet110:ip=2001:db8:abc6::10")?,
        start("c3", "ipnet110:ip=192.168.112.30")?,
        start("c4", "ipnet110:ip=2001:db8:abc6::50,ip=192.168.112.50")?,
    ];
    let expected = [
        ["192.168.110.1/24", "2001:db8:abc6::1/64"],
        ["192.168.110.2/24", "2001:db8:abc6::10/64"],
        ["192.168.112.30/24", "2001:db8:abc6::2/64"],
        ["192.168.112.50/24", "2001:db8:abc6::50/64"],
    ];
    for (container, expected) in containers.iter().zip(expected) {
        assert_eq!(container.interface("eth0")?.addresses, expected);
        assert!(container.routes()?.contains(&"default dev eth0".to_owned()), "{:?}", container.routes()?);
        assert!(container.routes6()?.contains(&"default dev eth0".to_owned()), "{:?}", container.routes6()?);
    }
    for (container, own) in containers.iter().zip(expected) {
        // youki leaves the loopback down, by which a container reaches itself.
        let reachable = |address: &&&str| runtime != Runtime::Youki || !own.contains(address);
        for address in expected.iter().flatten().filter(reachable) {
            container.ping(address.split('/').next().unwrap_or_default())?;
        }
    }
    Ok(())
}

fn no_mac(lab: &Lab) -> Result {
    lab.network("-d ipvlan --subnet=10.3.0.0/24 -o parent=eth0 lan")?;
    let complaint = lab.container("c1").networks("lan:mac=02:00:5e:10:00:01").refused()?;
    assert!(complaint.contains("ipvlan") && complaint.contains("MAC"), "{complaint}");
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}
