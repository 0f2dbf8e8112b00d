//! 802.1Q: networks on sub-interfaces of the NIC, made when they are needed.

use std::{thread, time::Duration};

use lab::{Lab, Need, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    const MACVLAN: [Need; 3] = [Need::MACVLAN, Need::VLAN, Runtime::Runc.need()];
    const IPVLAN: [Need; 3] = [Need::IPVLAN, Need::VLAN, Runtime::Runc.need()];
    vec![
        trial(
            "S3 macvlan on a VLAN: made, tagged, removed with the network",
            &[MACVLAN.as_slice(), &[Need::Program("tcpdump")]].concat(),
            s3,
        ),
        trial("S5 macvlan on a VLAN: two IPv4 subnets and IPv6", &MACVLAN, s5),
        trial("S9 ipvlan on two VLANs: apart without a router", &IPVLAN, s9),
        trial("S10 ipvlan on a VLAN: requested addresses", &IPVLAN, s10),
        trial("S12 ipvlan on a VLAN: IPv6 alone", &IPVLAN, s12),
        trial("S13 ipvlan on a VLAN: dual stack, an address of no subnet", &IPVLAN, s13),
        trial("S15 a VLAN link made by hand is used and stays", &IPVLAN, |lab| made_by_hand(lab, "eth0.40")),
        trial("S16 a VLAN link of any name is used and stays", &IPVLAN, |lab| made_by_hand(lab, "foo")),
        trial("S17 macvlan on a VLAN: a range, and other VLANs beside it", &MACVLAN, s17),
        trial("S18 a parent that is not there", &[Runtime::Runc.need()], s18),
        trial("S20 macvlan on two VLANs: apart without a router", &MACVLAN, s20),
        trial("S21 after a reboot the VLAN link is made again", &MACVLAN, s21),
        trial("several containers at once make one VLAN link", &MACVLAN, at_once),
        trial("a NIC that is down is brought up", &MACVLAN, brought_up),
    ]
}

fn s3(lab: &Lab) -> Result {
    lab.lan().vlan(50, &["192.168.50.1/24"])?;
    lab.network("-d macvlan --subnet=192.168.50.0/24 --gateway=192.168.50.1 -o parent=eth0.50 macvlan50")?;
    let c1 = lab.start("c1", "macvlan50")?;
    assert_eq!(c1.interface("eth0")?.addresses, ["192.168.50.2/24"]);
    let parent = lab.host().interface("eth0.50")?;
    assert_eq!((parent.kind.as_str(), parent.up), ("vlan", true));
    assert_eq!(parent.data["id"], 50);

    // What the LAN sees on its wire.
    lab.lan()
        .sh("timeout 20 tcpdump -n -e -l -i wire -c 1 'vlan 50 and icmp' >/run/seen 2>/run/listening & \
                  until grep -q listening /run/listening; do sleep 0.02; done")?;
    c1.ping("192.168.50.1")?;
    let seen = lab.host().sh("until test -s /run/seen; do sleep 0.02; done; cat /run/seen")?;
    assert!(seen.contains("vlan 50"), "{seen}");

    c1.delete()?;
    lab.underlay("network rm macvlan50")?.success()?;
    assert!(lab.host().interface("eth0.50").is_err());
    Ok(())
}

fn s5(lab: &Lab) -> Result {
    lab.lan().vlan(218, &["192.168.216.1/24", "192.168.218.1/24", "2001:db8:abc8::10/64"])?;
    lab.network(
        "-d macvlan --subnet=192.168.216.0/24 --subnet=192.168.218.0/24 --gateway=192.168.216.1 \
         --gateway=192.168.218.1 --subnet=2001:db8:abc8::/64 --gateway=2001:db8:abc8::10 \
         -o parent=eth0.218 -o macvlan_mode=bridge macvlan216",
    )?;
    let c1 = lab.start("c1", "macvlan216")?;
    assert_eq!(c1.interface("eth0")?.addresses, ["192.168.216.2/24", "2001:db8:abc8::1/64"]);
    assert_eq!(
        c1.routes()?,
        ["192.168.216.0/24 dev eth0 src 192.168.216.2", "default via 192.168.216.1 dev eth0"]
    );
    assert_eq!(c1.routes6()?, ["2001:db8:abc8::/64 dev eth0", "default via 2001:db8:abc8::10 dev eth0"]);
    c1.ping("192.168.216.1")?;
    c1.ping("2001:db8:abc8::10")?;
    let c2 = lab.start("c2", "macvlan216:ip=192.168.218.7")?;
    c2.ping("192.168.218.1")?;
    c2.ping("2001:db8:abc8::1")
}

fn s9(lab: &Lab) -> Result {
    lab.lan().vlan(20, &["192.168.20.1/24"])?;
    lab.lan().vlan(30, &["192.168.30.1/24"])?;
    lab.network("-d ipvlan --subnet=192.168.20.0/24 --gateway=192.168.20.1 -o parent=eth0.20 ipvlan20")?;
    lab.network("-d ipvlan --subnet=192.168.30.0/24 --gateway=192.168.30.1 -o parent=eth0.30 -o ipvlan_mode=l2 ipvlan30")?;
    let test1 = lab.start("ivlan_test1", "ipvlan20")?;
    let test2 = lab.start("ivlan_test2", "ipvlan20")?;
    let test3 = lab.start("ivlan_test3", "ipvlan30")?;
    let test4 = lab.start("ivlan_test4", "ipvlan30")?;
    assert_eq!(
        test3.routes()?,
        ["192.168.30.0/24 dev eth0 src 192.168.30.2", "default via 192.168.30.1 dev eth0"]
    );
    for vlan in ["eth0.20", "eth0.30"] {
        assert!(lab.host().interface(vlan)?.up);
    }
    test2.ping("192.168.20.2")?;
    test4.ping("192.168.30.2")?;
    test1.no_ping("192.168.30.2")?;
    lab.lan().route()?;
    test1.ping("192.168.30.2")
}

fn s10(lab: &Lab) -> Result {
    lab.network(
        "-d ipvlan --subnet=192.168.114.0/24 --subnet=192.168.116.0/24 --gateway=192.168.114.254 \
         --gateway=192.168.116.254 -o parent=eth0.114 -o ipvlan_mode=l2 ipvlan114",
    )?;
    let _first = lab.start("c1", "ipvlan114:ip=192.168.114.10")?;
    let second = lab.start("c2", "ipvlan114:ip=192.168.114.11")?;
    second.ping("192.168.114.10")
}

fn s12(lab: &Lab) -> Result {
    lab.lan().vlan(139, &["2001:db8:abc2::22/64"])?;
    lab.network(
        "-d ipvlan --ipv6 --subnet=2001:db8:abc2::/64 --gateway=2001:db8:abc2::22 -o parent=eth0.139 v6ipvlan139",
    )?;
    let first = lab.start("c1", "v6ipvlan139")?;
    let second = lab.start("c2", "v6ipvlan139")?;
    assert_eq!(first.interface("eth0")?.addresses, ["2001:db8:abc2::1/64"]);
    assert_eq!(second.interface("eth0")?.addresses, ["2001:db8:abc2::2/64"]);
    assert_eq!(second.routes6()?, ["2001:db8:abc2::/64 dev eth0", "default via 2001:db8:abc2::22 dev eth0"]);
    second.ping("2001:db8:abc2::1")?;
    second.ping("2001:db8:abc2::22")
}

fn s13(lab: &Lab) -> Result {
    lab.lan().vlan(140, &["192.168.140.1/24", "192.168.142.1/24", "2001:db8:abc9::22/64"])?;
    lab.network(
        "-d ipvlan --subnet=192.168.140.0/24 --subnet=192.168.142.0/24 --gateway=192.168.140.1 \
         --gateway=192.168.142.1 --subnet=2001:db8:abc9::/64 --gateway=2001:db8:abc9::22 \
         -o parent=eth0.140 -o ipvlan_mode=l2 ipvlan140",
    )?;
    let c1 = lab.start("c1", "ipvlan140")?;
    assert_eq!(c1.interface("eth0")?.addresses, ["192.168.140.2/24", "2001:db8:abc9::1/64"]);
    assert!(c1.routes()?.contains(&"default via 192.168.140.1 dev eth0".to_owned()));
    assert!(c1.routes6()?.contains(&"default via 2001:db8:abc9::22 dev eth0".to_owned()));
    c1.ping("192.168.140.1")?;
    c1.ping("2001:db8:abc9::22")?;

    let complaint = lab.container("c2").networks("ipvlan140:ip=2001:db8:abc2::51").refused()?;
    for word in ["2001:db8:abc2::51", "192.168.140.0/24", "192.168.142.0/24", "2001:db8:abc9::/64"] {
        assert!(complaint.contains(word), "{word} is not in: {complaint}");
    }
    Ok(())
}

/// S15, S16: whatever is there was made by somebody, and is theirs.
fn made_by_hand(lab: &Lab, link: &str) -> Result {
    lab.lan().vlan(40, &["192.168.40.1/24"])?;
    lab.host().ok(&format!("ip link add link eth0 name {link} type vlan id 40"))?;
    lab.host().ok(&format!("ip link set {link} up"))?;
    lab.network(&format!(
        "-d ipvlan --subnet=192.168.40.0/24 --gateway=192.168.40.1 -o parent={link} ipvlan40"
    ))?;
    let test5 = lab.start("ivlan_test5", "ipvlan40")?;
    let test6 = lab.start("ivlan_test6", "ipvlan40")?;
    test6.ping("192.168.40.2")?;
    test5.ping("192.168.40.1")?;
    test5.delete()?;
    test6.delete()?;
    lab.underlay("network rm ipvlan40")?.success()?;
    lab.host().interface(link)?;
    lab.host().ok(&format!("ip link delete {link}")).map(drop)
}

fn s17(lab: &Lab) -> Result {
    lab.network(
        "-d macvlan --subnet=10.0.0.0/24 --ip-range=10.0.0.0/25 --gateway=10.0.0.1 -o parent=eth0.100 macvlan100",
    )?;
    lab.network("-d macvlan --subnet=10.0.1.0/24 --gateway=10.0.1.1 -o parent=eth0.101 macvlan101")?;
    let first = lab.start("mactainer1", "macvlan100")?;
    let beside = lab.start("mactainer2", "macvlan101")?;
    assert_eq!(first.interface("eth0")?.addresses, ["10.0.0.2/24"]);
    assert_eq!(beside.interface("eth0")?.addresses, ["10.0.1.2/24"]);

    // .2 to .127 are 126 addresses; the other 125 in four containers, to spare the machine.
    for (number, interfaces) in [32, 32, 32, 29].into_iter().enumerate() {
        let networks: Vec<_> = (0..interfaces).map(|n| format!("macvlan100@n{n}")).collect();
        lab.start(&format!("full{number}"), &networks.join(","))?;
    }
    let above =
        lab.leases()?.into_iter().filter(|address| address.starts_with("10.0.0.")).filter(|address| {
            address.rsplit('.').next().and_then(|last| last.parse::<u8>().ok()).is_none_or(|last| last > 127)
        });
    assert_eq!(above.count(), 0);
    lab.container("more").networks("macvlan100").refused().map(drop)
}

fn s18(lab: &Lab) -> Result {
    let line = "network create -d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=en0.10 macvlan10";
    let complaint = lab.underlay(line)?.failure()?;
    for word in ["en0", "eth0"] {
        assert!(complaint.contains(word), "{word} is not in: {complaint}");
    }
    assert_eq!(lab.underlay("network ls -q")?.success()?, "");
    Ok(())
}

fn s20(lab: &Lab) -> Result {
    for vlan in [10, 20] {
        lab.lan().vlan(vlan, &[&format!("192.168.{vlan}.1/24")])?;
        lab.network(&format!(
            "-d macvlan --subnet=192.168.{vlan}.0/24 --gateway=192.168.{vlan}.1 -o parent=eth0.{vlan} macvlan{vlan}"
        ))?;
    }
    let c1 = lab.start("c1", "macvlan10")?;
    let c2 = lab.start("c2", "macvlan20")?;
    c1.ping("192.168.10.1")?;
    c2.ping("192.168.20.1")?;
    c1.no_ping("192.168.20.2")?;
    c2.no_ping("192.168.10.2")?;
    lab.lan().route()?;
    c1.ping("192.168.20.2")?;
    c2.ping("192.168.10.2")
}

fn s21(lab: &Lab) -> Result {
    lab.lan().vlan(10, &["192.168.10.1/24"])?;
    lab.network("-d macvlan --subnet=192.168.10.0/24 --gateway=192.168.10.1 -o parent=eth0.10 macvlan10")?;
    let c1 = lab.start("c1", "macvlan10")?;
    let before = c1.interface("eth0")?;

    // All that a reboot leaves is the disk: no process, no link, no tmpfs. Nobody runs poststop.
    lab.host().ok(&format!("kill -KILL {}", c1.pid))?;
    lab.host().ok("rm -rf /run/runc /run/underlay")?;
    lab.host().ok("ip link delete eth0.10")?;

    let c1 = lab.start("c1", "macvlan10")?;
    let after = c1.interface("eth0")?;
    assert_eq!((after.addresses, after.mac), (before.addresses, before.mac));
    assert!(lab.host().interface("eth0.10")?.up);
    c1.ping("192.168.10.1")?;
    assert_eq!(lab.leases()?, ["192.168.10.2"]);
    Ok(())
}

fn at_once(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0.60 vlan60")?;
    let results: Vec<_> = thread::scope(|scope| {
        let starts: Vec<_> =
            (0..4).map(|n| scope.spawn(move || lab.start(&format!("c{n}"), "vlan60"))).collect();
        starts.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    for result in results {
        result.expect("a thread that does not panic")?.interface("eth0")?;
    }
    assert_eq!(lab.leases()?, ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]);
    assert!(lab.host().interface("eth0.60")?.up);
    Ok(())
}

fn brought_up(lab: &Lab) -> Result {
    lab.lan().vlan(70, &["10.0.0.1/24"])?;
    lab.network("-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0.70 vlan70")?;
    lab.host().ok("ip link set eth0 down")?;
    let c1 = lab.start("c1", "vlan70")?;
    assert!(lab.host().interface("eth0")?.up);
    // The carrier of the cable comes back a moment later.
    thread::sleep(Duration::from_millis(100));
    c1.ping("10.0.0.1")
}
