//! What `underlay doctor`, `ps` and `inspect` say of containers and records that are not as they were left.

use lab::{Lab, Need, Output, Result, Runtime, Trial, trial};
use serde_json::{Value, json};

const RUNC: [Need; 2] = [Need::MACVLAN, Runtime::Runc.need()];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("doctor: routes deleted, replaced and outbid in containers", &RUNC, routes),
        trial("doctor: routes that drop packets, and those of IPv6", &RUNC, routes_of_all_kinds),
        trial("doctor: routes of layer 3", &[Need::IPVLAN, Runtime::Runc.need()], layer3),
        trial("doctor: routes where the helper cannot be asked", &RUNC, without_helper),
        trial("a damaged record is told, and does not hide the others", &RUNC, damaged),
        trial("a link that its container renamed keeps its record", &RUNC, renamed),
    ]
}

const LAN: &str = "-d macvlan --subnet 192.168.1.0/24 --gateway 192.168.1.1 -o parent=eth0 lan";

/// What the doctor says of one container's attachment, a line each.
fn attachments(lab: &Lab, id: &str) -> Result<Vec<String>> {
    let output = lab.underlay("doctor --format json")?;
    let diagnosis: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let findings = diagnosis["findings"].as_array().expect("a list").iter();
    let said = findings
        .filter(|finding| finding["check"] == "attachment" && text(&finding["subject"]).ends_with(id))
        .map(|finding| format!("{}: {}", text(&finding["verdict"]), text(&finding["found"])));
    Ok(said.collect())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn routes(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let container = lab.start("c1", "lan")?;
    let said = || attachments(lab, &container.id);
    let default = "default via 192.168.1.1 dev eth0";
    assert_eq!(said()?, ["ok: as it was made: up, 192.168.1.2/24, 1 route"]);

    container.ok("ip route add default via 192.168.1.9 metric 7")?;
    assert_eq!(said()?, ["ok: as it was made: up, 192.168.1.2/24, 1 route"]);
    container.ok("ip route delete default via 192.168.1.1")?;
    let instead =
        format!("warning: instead of its route {default} there is default via 192.168.1.9 dev eth0 metric 7");
    assert_eq!(said()?, [instead]);
    container.ok("ip route delete default")?;
    assert_eq!(said()?, [format!("failure: its route {default} is gone")]);
    container.ok("ip route add default via 192.168.1.1")?;
    assert_eq!(said()?, ["ok: as it was made: up, 192.168.1.2/24, 1 route"]);

    container.ok("ip link set eth0 down")?;
    assert_eq!(said()?, ["failure: it is down"]);
    Ok(())
}

fn routes_of_all_kinds(lab: &Lab) -> Result {
    let definition = json!({
        "driver": "macvlan", "parent": "eth0", "metric": 50,
        "subnets": [
            {"subnet": "192.168.1.0/24", "gateway": "192.168.1.1"},
            {"subnet": "2001:db8::/64", "gateway": "2001:db8::10"},
        ],
        "routes": [
            {"destination": "10.9.0.0/16", "type": "blackhole"},
            {"destination": "10.8.0.0/16", "gateway": "192.168.1.7", "metric": 60},
        ],
    });
    lab.write("/run/config/networks/lan.json", &definition.to_string())?;
    let container = lab.start("c1", "lan")?;
    let said = || attachments(lab, &container.id);
    let well = "ok: as it was made: up, 192.168.1.2/24, 2001:db8::1/64, 4 routes";
    assert_eq!(said()?, [well]);

    container.ok("ip route add 10.8.0.0/16 via 192.168.1.8 metric 3")?;
    let outbid = "warning: its route 10.8.0.0/16 via 192.168.1.7 dev eth0 metric 60 gives way to \
                  10.8.0.0/16 via 192.168.1.8 dev eth0 metric 3";
    assert_eq!(said()?, [outbid]);
    container.ok("ip route delete 10.8.0.0/16 via 192.168.1.8")?;
    container.ok("ip route delete blackhole 10.9.0.0/16")?;
    container.ok("ip -6 route delete default")?;
    assert_eq!(
        said()?,
        [
            "failure: its route default via 2001:db8::10 dev eth0 metric 50 is gone",
            "failure: its route blackhole 10.9.0.0/16 is gone",
        ]
    );
    Ok(())
}

fn layer3(lab: &Lab) -> Result {
    lab.network(
        "-d ipvlan --subnet=192.168.110.0/24 --subnet=192.168.112.0/24 --subnet=2001:db8:abc6::/64 -o ipvlan_mode=l3 \
         -o parent=eth0 ipnet110",
    )?;
    let container = lab.start("c1", "ipnet110")?;
    let well = "ok: as it was made: up, 192.168.110.1/24, 2001:db8:abc6::1/64, 3 routes";
    assert_eq!(attachments(lab, &container.id)?, [well]);
    container.ok("ip route delete 192.168.112.0/24")?;
    assert_eq!(attachments(lab, &container.id)?, ["failure: its route 192.168.112.0/24 dev eth0 is gone"]);
    Ok(())
}

fn without_helper(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let container = lab.start("c1", "lan")?;
    lab.host().sh("mv /run/bin/underlay-nsenter /run/bin/away")?;
    let unseen =
        "note: as it was made: up, 192.168.1.2/24; without a working helper its routes cannot be looked at";
    assert_eq!(attachments(lab, &container.id)?, [unseen]);
    lab.host().sh("mv /run/bin/away /run/bin/underlay-nsenter")?;

    // As a program wrote it that did not note routes.
    let record = lab.host().sh("echo /run/underlay/namespaces/*.json")?;
    let mut old: Value = serde_json::from_str(&lab.host().sh(&format!("cat {record}"))?).expect("JSON");
    let noted = old["attachments"][0].as_object_mut().and_then(|attachment| attachment.remove("routes"));
    assert!(noted.is_some(), "{old}");
    lab.write(record.trim(), &old.to_string())?;
    assert_eq!(attachments(lab, &container.id)?, ["ok: as it was made: up, 192.168.1.2/24"]);
    container.delete()?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}

fn damaged(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let (whole, broken) = (lab.start("whole", "lan")?, lab.start("broken", "lan")?);
    let record = lab.host().sh("grep -l broken /run/underlay/namespaces/*.json")?;
    let record = record.trim();
    lab.host().sh(&format!("cp {record} /run/kept && head -c 99 /run/kept >{record}"))?;

    let told = |output: &Output| {
        assert_eq!(output.status.code(), Some(1), "{}", output.stderr);
        assert!(output.stderr.contains(&format!("{record} is damaged")), "{}", output.stderr);
        assert!(output.stdout.contains(&whole.id), "{}", output.stdout);
    };
    for line in ["ps", "ps --quiet", "ps --format json"] {
        told(&lab.underlay(line)?);
    }
    told(&lab.underlay(&format!("inspect {}", whole.id))?);
    let both = lab.underlay(&format!("inspect {} {}", whole.id, broken.id))?;
    told(&both);
    assert!(both.stderr.contains("no container whose id begins with"), "{}", both.stderr);
    let diagnosis = lab.underlay("doctor")?;
    assert_eq!(diagnosis.status.code(), Some(4), "{}", diagnosis.stdout);
    assert!(diagnosis.stdout.contains(&format!("{record} is damaged")), "{}", diagnosis.stdout);

    lab.host().sh(&format!("mv /run/kept {record}"))?;
    lab.underlay("ps")?.success()?;
    Ok(())
}

fn renamed(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.network("-d macvlan --subnet 10.1.0.0/24 -o parent=eth0 voice")?;
    let container = lab.start("c1", "lan")?;
    let id = &container.id;
    container.ok("ip link set eth0 down")?;
    container.ok("ip link set eth0 name lan0 up")?;
    container.ok("ip route add default via 192.168.1.1")?;
    let index = container.interface("lan0")?.index;
    assert_eq!(lab.underlay(&format!("network connect voice {id}"))?.success()?, "eth0 10.1.0.1/24\n");

    let said = attachments(lab, id)?;
    assert_eq!(said, ["warning: it was renamed to lan0", "ok: as it was made: up, 10.1.0.1/24"]);
    let inspected: Value =
        serde_json::from_str(&lab.underlay(&format!("inspect {id}"))?.success()?).expect("JSON");
    assert_eq!(inspected[0]["networks"][0]["index"], index);
    container.delete()?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}
