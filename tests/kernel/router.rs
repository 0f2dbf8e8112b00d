//! What `underlay network routes` prints, loaded by the routing daemons for which it is meant.

use std::{thread, time::Duration};

use lab::{Lab, Need, Result, Trial, trial};

const BIRD: Need = Need::Program("bird");
const FRR: Need = Need::Program("/usr/lib/frr/staticd");

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("network routes: BIRD routes by them", &[BIRD], bird),
        trial("network routes: FRRouting routes by them", &[FRR], frr),
    ]
}

/// Two of one family, of which the first is chosen, and one of the other.
const HOST: [&str; 3] = ["192.168.1.250/24", "192.168.2.250/24", "2001:db8::250/64"];

/// A layer 3 network whose name is no symbol of BIRD's, and a router on its LAN.
fn network(lab: &Lab) -> Result {
    addresses(lab, "add")?;
    lab.lan().address("192.168.1.1/24")?;
    lab.lan().address("2001:db8::1/64")?;
    lab.network(
        "-d ipvlan -o ipvlan_mode=l3 -o parent=eth0 --ipv6 --subnet=10.1.0.0/24 --subnet=10.2.0.0/24 \
         --subnet=2001:db8:1::/64 far-net.1",
    )
}

fn addresses(lab: &Lab, verb: &str) -> Result {
    HOST.iter()
        .try_for_each(|address| lab.host().ok(&format!("ip address {verb} {address} dev eth0")).map(drop))
}

/// The router's own routes to the network, once all are there.
fn learned(lab: &Lab) -> Result<Vec<String>> {
    let mut learned = Vec::new();
    for _ in 0..100 {
        learned = lab.lan().routes()?;
        learned.extend(lab.lan().routes6()?);
        learned.retain(|route| route.contains(" via "));
        if learned.len() == EXPECTED.len() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    // The metric is the daemon's.
    Ok(learned.iter().filter_map(|route| route.split(" metric ").next()).map(str::to_owned).collect())
}

const EXPECTED: [&str; 3] = [
    "10.1.0.0/24 via 192.168.1.250 dev wire",
    "10.2.0.0/24 via 192.168.1.250 dev wire",
    "2001:db8:1::/64 via 2001:db8::250 dev wire",
];

fn bird(lab: &Lab) -> Result {
    network(lab)?;
    let routes = lab.underlay("network routes far-net.1 --format bird")?.success()?;
    let configuration = format!(
        "router id 192.168.1.1;\nprotocol device {{}}\n\
         protocol kernel {{ ipv4 {{ export all; }}; }}\nprotocol kernel {{ ipv6 {{ export all; }}; }}\n{routes}"
    );
    lab.write("/run/bird/bird.conf", &configuration)?;
    lab.lan().ok("bird -p -c /run/bird/bird.conf")?;
    lab.lan().ok("bird -c /run/bird/bird.conf -s /run/bird/control -P /run/bird/pid")?;
    assert_eq!(learned(lab)?, EXPECTED);
    lab.lan().sh("kill $(cat /run/bird/pid)")?;
    addresses(lab, "delete")
}

fn frr(lab: &Lab) -> Result {
    network(lab)?;
    let routes = lab.underlay("network routes far-net.1 --format frr")?.success()?;
    lab.write("/run/frr/frr.conf", &routes)?;
    lab.lan().ok("vtysh -C --inputfile /run/frr/frr.conf")?;
    lab.lan().ok("chown -R frr:frrvty /run/frr")?;
    for daemon in ["zebra", "staticd"] {
        lab.lan().ok(&format!(
            "/usr/lib/frr/{daemon} -d -f /run/frr/frr.conf -z /run/frr/zserv.api -i /run/frr/{daemon}.pid \
             --vty_socket /run/frr -P 0 --log file:/run/frr/{daemon}.log"
        ))?;
    }
    assert_eq!(learned(lab)?, EXPECTED);
    lab.lan().sh("kill $(cat /run/frr/*.pid)")?;
    addresses(lab, "delete")
}
