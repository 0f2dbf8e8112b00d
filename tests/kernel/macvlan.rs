//! Macvlan on the NIC itself: every container has an Ethernet address of its own.

use lab::{Lab, Need, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    const NEEDS: [Need; 2] = [Need::MACVLAN, Runtime::Runc.need()];
    let mut trials: Vec<_> = Runtime::ALL
        .map(|runtime| {
            let name = format!("S1 macvlan: first address, gateway, both ways to the LAN, {runtime}");
            trial(name, &[Need::MACVLAN, runtime.need()], move |lab| s1(lab, runtime))
        })
        .into();
    trials.extend([
        trial("S2 macvlan: a range of 125 addresses, then exhausted", &NEEDS, s2),
        trial("S19 macvlan: two containers with the addresses that they asked for", &NEEDS, s19),
        trial("macvlan: a container keeps its MAC, however fast it restarts", &NEEDS, restarts),
        trial("macvlan: a MAC and an interface name that were asked for", &NEEDS, asked_mac_and_name),
        trial("macvlan: several networks, default route by choice", &NEEDS, several_networks),
        trial("macvlan: routes, metric and MTU of the definition", &NEEDS, routes),
        trial("macvlan: the parent that the host's default route leaves by", &NEEDS, automatic_parent),
        trial("macvlan: a network without addresses", &NEEDS, layer2_only),
        trial("macvlan: IPv4 and IPv6, no autoconfiguration", &NEEDS, dual_stack),
    ]);
    trials
}

fn s1(lab: &Lab, runtime: Runtime) -> Result {
    lab.lan().address("172.16.86.1/24")?;
    lab.network("-d macvlan --subnet=172.16.86.0/24 --gateway=172.16.86.1 -o parent=eth0 pub_net")?;

    let order = lab.container("c1").by(runtime).networks("pub_net");
    let c1 = order.command("ip address show eth0; exec sleep 3600").start()?;
    // The first thing that its process did was to look.
    c1.wrote("inet 172.16.86.2/24")?;
    let eth0 = c1.interface("eth0")?;
    assert_eq!((eth0.kind.as_str(), eth0.up), ("macvlan", true));
    assert_eq!(eth0.addresses, ["172.16.86.2/24"]);
    assert_eq!(eth0.data["mode"], "bridge");
    assert_ne!(eth0.mac, lab.host().interface("eth0")?.mac);
    assert_eq!(c1.routes()?, ["172.16.86.0/24 dev eth0 src 172.16.86.2", "default via 172.16.86.1 dev eth0"]);
    assert_eq!(c1.routes6()?, [""; 0]);
    c1.ping("172.16.86.1")?;
    lab.lan().ping("172.16.86.2")?;
    assert_eq!(lab.leases()?, ["172.16.86.2"]);

    c1.delete()?;
    assert_eq!(lab.leases()?, [""; 0]);
    lab.lan().falls_silent("172.16.86.2")
}

fn s2(lab: &Lab) -> Result {
    lab.network(
        "-d macvlan --subnet=192.168.32.0/24 --ip-range=192.168.32.128/25 --gateway=192.168.32.254 \
         --aux-address=my-router=192.168.32.129 -o parent=eth0 macnet32",
    )?;
    let first = lab.start("c1", "macnet32")?;
    assert_eq!(first.interface("eth0")?.addresses, ["192.168.32.128/24"]);
    assert!(first.routes()?.contains(&"default via 192.168.32.254 dev eth0".to_owned()));
    let second = lab.start("c2", "macnet32")?;
    assert_eq!(second.interface("eth0")?.addresses, ["192.168.32.130/24"]);
    for n in 3..=125 {
        lab.start(&format!("c{n}"), "macnet32")?;
    }
    let mut expected: Vec<_> = (128..=253).filter(|n| *n != 129).map(|n| format!("192.168.32.{n}")).collect();
    expected.sort();
    assert_eq!(lab.leases()?, expected);

    let complaint = lab.container("c126").networks("macnet32").refused()?;
    for word in ["macnet32", "125", "192.168.32.128"] {
        assert!(complaint.contains(word), "{word} is not in: {complaint}");
    }
    assert_eq!(lab.leases()?, expected);
    Ok(())
}

fn s19(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=192.168.0.0/24 --gateway=192.168.0.1 -o parent=eth0 mvnet")?;
    let c1 = lab.start("c1", "mvnet:ip=192.168.0.3")?;
    let c2 = lab.start("c2", "mvnet:ip=192.168.0.4")?;
    assert_eq!(c1.interface("eth0")?.addresses, ["192.168.0.3/24"]);
    assert_eq!(c2.interface("eth0")?.addresses, ["192.168.0.4/24"]);
    c1.ping("192.168.0.4")?;
    c2.ping("192.168.0.3")
}

/// A namespace that the kernel is taking down holds its MAC for tens of milliseconds.
fn restarts(lab: &Lab) -> Result {
    lab.lan().address("10.3.0.1/24")?;
    lab.network("-d macvlan --subnet=10.3.0.0/24 --gateway=10.3.0.1 -o parent=eth0 lan")?;
    let mut macs = Vec::new();
    for _ in 0..5 {
        let container = lab.start("again", "lan:ip=10.3.0.9")?;
        macs.push(container.interface("eth0")?.mac);
        container.ping("10.3.0.1")?;
        container.delete()?;
    }
    macs.dedup();
    assert_eq!(macs.len(), 1, "{macs:?}");
    // Locally administered, unicast.
    let first = macs[0].get(..2).and_then(|byte| u8::from_str_radix(byte, 16).ok());
    assert_eq!(first.map(|byte| byte & 0b11), Some(0b10), "{macs:?}");
    Ok(())
}

fn asked_mac_and_name(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.3.0.0/24 -o parent=eth0 lan")?;
    let container = lab.start("c1", "lan@uplink:mac=02:00:5e:10:00:01")?;
    assert_eq!(container.interface("uplink")?.mac, "02:00:5e:10:00:01");
    assert_eq!(container.interfaces()?.len(), 1);
    // The kernel refuses a second one on the same parent, and what had been done by then is undone.
    let complaint = lab.container("c2").networks("lan@uplink:mac=02:00:5e:10:00:01").refused()?;
    assert!(complaint.contains("uplink"), "{complaint}");
    assert_eq!(lab.leases()?, ["10.3.0.1"]);
    Ok(())
}

fn several_networks(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.4.0.0/24 --gateway=10.4.0.1 -o parent=eth0 a")?;
    lab.network("-d macvlan --subnet=10.5.0.0/24 --gateway=10.5.0.1 -o parent=eth0 b")?;
    let first_wins = lab.start("c1", "a,b")?;
    assert_eq!(
        first_wins.routes()?,
        [
            "10.4.0.0/24 dev eth0 src 10.4.0.2",
            "10.5.0.0/24 dev eth1 src 10.5.0.2",
            "default via 10.4.0.1 dev eth0"
        ]
    );
    let asked_wins =
        lab.start("c2", r#"[{"name":"a","interface":"x0"},{"name":"b","default-route":["10.5.0.1"]}]"#)?;
    assert_eq!(
        asked_wins.routes()?,
        [
            "10.4.0.0/24 dev x0 src 10.4.0.3",
            "10.5.0.0/24 dev eth0 src 10.5.0.3",
            "default via 10.5.0.1 dev eth0"
        ]
    );
    Ok(())
}

fn routes(lab: &Lab) -> Result {
    lab.write(
        "/run/config/networks/routed.json",
        r#"{
            "driver": "macvlan", "parent": "eth0", "mtu": 1400, "metric": 50,
            "subnets": [{"subnet": "10.6.0.0/24", "gateway": "10.6.0.1"}],
            "routes": [
                {"destination": "10.7.0.0/16", "gateway": "10.6.0.7", "metric": 9},
                {"destination": "10.8.0.0/16", "type": "blackhole"},
                {"destination": "10.9.0.0/16", "type": "unreachable"},
                {"destination": "10.10.0.0/16", "type": "prohibit"}
            ]
        }"#,
    )?;
    let container = lab.start("c1", "routed")?;
    assert_eq!(container.interface("eth0")?.mtu, 1400);
    assert_eq!(
        container.routes()?,
        [
            "10.6.0.0/24 dev eth0 src 10.6.0.2",
            "10.7.0.0/16 via 10.6.0.7 dev eth0 metric 9",
            "blackhole 10.8.0.0/16",
            "default via 10.6.0.1 dev eth0 metric 50",
            "prohibit 10.10.0.0/16",
            "unreachable 10.9.0.0/16",
        ]
    );
    Ok(())
}

fn automatic_parent(lab: &Lab) -> Result {
    lab.lan().address("10.6.0.1/24")?;
    lab.network("-d macvlan --subnet=10.6.0.0/24 --gateway=10.6.0.1 -o parent=auto lan")?;
    let complaint = lab.container("c1").networks("lan").refused()?;
    assert!(complaint.contains("default route"), "{complaint}");
    lab.host().ok("ip address add 10.99.0.2/24 dev eth0")?;
    lab.host().ok("ip route add default via 10.99.0.1")?;
    let container = lab.start("c1", "lan")?;
    container.ping("10.6.0.1")?;
    assert_eq!(container.interface("eth0")?.parent, Some(lab.host().interface("eth0")?.index));
    lab.host().ok("ip address delete 10.99.0.2/24 dev eth0").map(drop)
}

fn layer2_only(lab: &Lab) -> Result {
    lab.network("-d macvlan --no-ipam -o parent=eth0 bare")?;
    let container = lab.start("c1", "bare")?;
    let eth0 = container.interface("eth0")?;
    assert_eq!((eth0.up, eth0.addresses.as_slice(), eth0.link_local), (true, &[] as &[String], false));
    assert_eq!(container.routes()?, [""; 0]);
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}

fn dual_stack(lab: &Lab) -> Result {
    lab.lan().address("10.6.0.1/24")?;
    lab.lan().address("2001:db8:6::1/64")?;
    lab.network(
        "-d macvlan --ipv6 --subnet=10.6.0.0/24 --gateway=10.6.0.1 --subnet=2001:db8:6::/64 \
         --gateway=2001:db8:6::1 -o parent=eth0 both",
    )?;
    let container = lab.start("c1", "both:ip=2001:db8:6::5")?;
    assert_eq!(container.interface("eth0")?.addresses, ["10.6.0.2/24", "2001:db8:6::5/64"]);
    assert_eq!(container.routes6()?, ["2001:db8:6::/64 dev eth0", "default via 2001:db8:6::1 dev eth0"]);
    for (key, value) in [("disable_ipv6", "0"), ("accept_ra", "0"), ("autoconf", "0")] {
        assert_eq!(container.ok(&format!("sysctl -n net.ipv6.conf.eth0.{key}"))?.trim(), value, "{key}");
    }
    container.ping("10.6.0.1")?;
    container.ping("2001:db8:6::1")?;
    lab.lan().ping("2001:db8:6::5")
}
