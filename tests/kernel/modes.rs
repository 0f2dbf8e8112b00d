//! S22: who reaches whom, in every mode and with every flag.

use lab::{Container, Lab, Need, Place, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<_> = [("bridge", true), ("vepa", false), ("private", false)]
        .map(|(mode, siblings)| {
            let needs = [Need::MACVLAN, Runtime::Runc.need()];
            trial(format!("S22 macvlan {mode}"), &needs, move |lab| macvlan(lab, mode, siblings))
        })
        .into();
    trials.push(trial("S22 macvlan passthru", &[Need::MACVLAN, Runtime::Runc.need()], passthru));
    for mode in ["l2", "l3", "l3s"] {
        for (flag, siblings) in [("bridge", true), ("vepa", false), ("private", false)] {
            let needs = [Need::IPVLAN, Runtime::Runc.need()];
            let name = format!("S22 ipvlan {mode} {flag}");
            trials.push(trial(name, &needs, move |lab| ipvlan(lab, mode, flag, siblings)));
        }
    }
    trials
}

/// The router of the LAN, and the host, on the subnet of the containers.
fn on_one_subnet(lab: &Lab) -> Result {
    lab.lan().address("10.22.0.1/24")?;
    lab.host().ok("ip address add 10.22.0.250/24 dev eth0").map(drop)
}

fn off_that_subnet(lab: &Lab) -> Result {
    lab.host().ok("ip address delete 10.22.0.250/24 dev eth0").map(drop)
}

fn macvlan(lab: &Lab, mode: &str, siblings: bool) -> Result {
    on_one_subnet(lab)?;
    lab.network(&format!(
        "-d macvlan --subnet=10.22.0.0/24 --gateway=10.22.0.1 -o parent=eth0 -o macvlan_mode={mode} net"
    ))?;
    let (a, b) = (lab.start("a", "net")?, lab.start("b", "net")?);
    assert_eq!(a.interface("eth0")?.data["mode"], mode);
    reach(&a, "10.22.0.3", siblings)?;
    reach(&b, "10.22.0.2", siblings)?;
    reaches_the_lan_but_not_the_host(lab, &[&a, &b])?;
    off_that_subnet(lab)
}

fn passthru(lab: &Lab) -> Result {
    lab.lan().address("10.22.0.1/24")?;
    lab.network(
        "-d macvlan --subnet=10.22.0.0/24 --gateway=10.22.0.1 -o parent=eth0 -o macvlan_mode=passthru net",
    )?;
    let mac = lab.host().interface("eth0")?.mac;
    let a = lab.start("a", "net")?;
    let eth0 = a.interface("eth0")?;
    assert_eq!(eth0.data["mode"], "passthru");
    assert_eq!(eth0.mac, mac);
    a.ping("10.22.0.1")?;
    lab.lan().ping("10.22.0.2")?;
    // It has the parent to itself.
    let complaint = lab.container("b").networks("net").refused()?;
    assert!(complaint.contains("eth0") && complaint.contains("passthru"), "{complaint}");
    assert_eq!(lab.leases()?, ["10.22.0.2"]);
    a.delete()?;
    // One that brings its own MAC lends it to the parent for as long as it runs.
    let b = lab.start("b", "net:mac=02:00:5e:10:00:02")?;
    for place in [&*b, lab.host()] {
        assert_eq!(place.interface("eth0")?.mac, "02:00:5e:10:00:02");
    }
    b.ping("10.22.0.1")?;
    b.delete()?;
    assert_eq!(lab.host().interface("eth0")?.mac, mac);
    Ok(())
}

fn ipvlan(lab: &Lab, mode: &str, flag: &str, siblings: bool) -> Result {
    let network = format!("-d ipvlan -o parent=eth0 -o ipvlan_mode={mode} -o ipvlan_flag={flag}");
    if mode == "l2" {
        on_one_subnet(lab)?;
        lab.network(&format!("{network} --subnet=10.22.0.0/24 --gateway=10.22.0.1 net"))?;
    } else {
        // Routed: the host has an address on the wire only, and the LAN must be told the way back.
        lab.host().ok("ip address add 10.23.0.250/24 dev eth0")?;
        lab.lan().address("10.23.0.1/24")?;
        lab.lan().ok("ip route add 10.22.0.0/24 via 10.23.0.250")?;
        lab.network(&format!("{network} --subnet=10.22.0.0/24 net"))?;
    }
    let (a, b) = (lab.start("a", "net:ip=10.22.0.2")?, lab.start("b", "net:ip=10.22.0.3")?);
    let eth0 = a.interface("eth0")?;
    assert_eq!(eth0.data["mode"], mode);
    assert_eq!(eth0.data[flag], true);
    reach(&a, "10.22.0.3", siblings)?;
    reach(&b, "10.22.0.2", siblings)?;
    if mode == "l2" {
        reaches_the_lan_but_not_the_host(lab, &[&a, &b])?;
        return off_that_subnet(lab);
    }
    for container in [&a, &b] {
        container.ping("10.23.0.1")?;
    }
    lab.lan().ping("10.22.0.2")?;
    lab.host().ok("ip address delete 10.23.0.250/24 dev eth0").map(drop)
}

fn reaches_the_lan_but_not_the_host(lab: &Lab, containers: &[&Container]) -> Result {
    for container in containers {
        container.ping("10.22.0.1")?;
        container.no_ping("10.22.0.250")?;
    }
    lab.lan().ping("10.22.0.250")
}

fn reach(place: &Place, address: &str, does: bool) -> Result {
    if does { place.ping(address) } else { place.no_ping(address) }
}
