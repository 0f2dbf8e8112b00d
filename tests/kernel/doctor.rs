//! What `underlay doctor` finds on a host where one thing is wrong, and that it changes nothing.

use lab::{Lab, Need, Result, Runtime, Trial, trial};
use serde_json::{Value, json};

const MACVLAN: [Need; 2] = [Need::MACVLAN, Runtime::Runc.need()];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "doctor: a healthy host",
            &[Need::MACVLAN, Runtime::Runc.need(), Runtime::Podman.need()],
            healthy,
        ),
        trial("doctor: a kernel that lacks what a network needs", &[Need::MACVLAN], kernel),
        trial("doctor: a parent missing, down, a bridge's port", &[Need::MACVLAN], parents),
        trial("doctor: a VLAN missing, another one, and the right one", &[Need::MACVLAN, Need::VLAN], vlan),
        trial("doctor: a router that is silent, and one that answers", &[Need::MACVLAN], gateway),
        trial("doctor: a helper that does not start, and one that cannot give up its rights", &[], helper),
        trial("doctor: files in hooks.d that break or pass over", &[Runtime::Podman.need()], hooks),
        trial("doctor: a lease without an owner", &[Need::MACVLAN], orphan),
        trial("doctor: a link deleted, an address gone, under a container", &MACVLAN, drift),
    ]
}

/// What the doctor said, and the exit code that sums it up.
struct Diagnosis {
    code: Option<i32>,
    findings: Vec<Value>,
}

impl Diagnosis {
    fn of(lab: &Lab, network: &str) -> Self {
        let output = lab.underlay(&format!("doctor --format json {network}")).expect("it runs");
        let diagnosis: Value = serde_json::from_str(&output.stdout).expect("JSON");
        let findings = diagnosis["findings"].as_array().expect("a list").clone();
        Self { code: output.status.code(), findings }
    }

    /// The verdicts of one check, each with its subject.
    fn verdicts(&self, check: &str) -> Vec<String> {
        let of_check = self.findings.iter().filter(|finding| finding["check"] == check);
        of_check
            .map(|finding| format!("{} {}", text(&finding["verdict"]), text(&finding["subject"])))
            .collect()
    }

    /// What was found on one subject.
    fn found(&self, subject: &str) -> &str {
        let finding = self.findings.iter().find(|finding| finding["subject"] == subject);
        finding.map_or("", |finding| text(&finding["found"]))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn healthy(lab: &Lab) -> Result {
    install_hooks(lab)?;
    lab.lan().address("192.168.1.1/24")?;
    lab.network("-d macvlan --subnet 192.168.1.0/24 --gateway 192.168.1.1 -o parent=eth0 lan")?;
    let container = lab.start("c1", "lan")?;
    let before = lab.host().ok("ip -d -j address show")?;
    let neighbours = lab.host().ok("ip neighbour show")?;

    let diagnosis = Diagnosis::of(lab, "");
    assert_eq!(diagnosis.code, Some(0), "{:#?}", diagnosis.findings);
    assert_eq!(diagnosis.verdicts("helper"), ["ok /run/bin/underlay-nsenter"]);
    assert_eq!(diagnosis.verdicts("run directory"), ["ok /run/underlay"]);
    assert_eq!(diagnosis.verdicts("parent"), ["ok eth0 of lan"]);
    assert_eq!(diagnosis.verdicts("gateway"), ["ok 192.168.1.1 of lan"]);
    assert_eq!(diagnosis.verdicts("attachment"), [format!("ok eth0 of lan in {}", container.id)]);
    assert_eq!(diagnosis.verdicts("hooks"), ["ok podman"]);

    assert_eq!(lab.host().ok("ip -d -j address show")?, before);
    assert_eq!(lab.host().ok("ip neighbour show")?, neighbours);
    let unknown = lab.underlay("doctor wan")?;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(unknown.stderr.contains("there is no network `wan`"), "{}", unknown.stderr);
    Ok(())
}

/// Whatever this kernel has or lacks, the doctor says the same as a link that is really made.
fn kernel(lab: &Lab) -> Result {
    lab.network("-d ipvlan --no-ipam -o parent=eth0 needs-ipvlan")?;
    lab.network("-d macvlan --no-ipam alone")?;
    let verdicts = Diagnosis::of(lab, "").verdicts("kernel");
    let verdict = |need: Need, otherwise| if need.is_met() { "ok" } else { otherwise };
    let expected = [
        "ok macvlan".to_owned(),
        format!("{} ipvlan", verdict(Need::IPVLAN, "failure")),
        format!("{} vlan", verdict(Need::VLAN, "note")),
        format!("{} dummy", verdict(Need::DUMMY, "failure")),
    ];
    assert_eq!(verdicts, expected);
    Ok(())
}

fn parents(lab: &Lab) -> Result {
    let host = lab.host();
    host.ok("ip link add v0 type veth peer name v1")?;
    host.ok("ip link add br0 type bridge")?;
    lab.network("-d macvlan --no-ipam -o parent=v0 down")?;
    lab.network("-d macvlan --no-ipam -o parent=v1 port")?;
    host.ok("ip link set v1 master br0 up")?;
    lab.write("/run/config/networks/away.json", r#"{"driver": "macvlan", "parent": "nic9"}"#)?;

    let diagnosis = Diagnosis::of(lab, "");
    assert_eq!(diagnosis.code, Some(4));
    let mut parents = diagnosis.verdicts("parent");
    parents.retain(|parent| !parent.starts_with("warning v1"));
    assert_eq!(parents, ["failure nic9 of away", "warning v0 of down", "failure v1 of port"]);
    assert!(diagnosis.found("nic9 of away").contains("there are"), "{}", diagnosis.found("nic9 of away"));
    assert!(diagnosis.found("v1 of port").contains("a port of br0 (bridge)"));
    assert_eq!(Diagnosis::of(lab, "down").verdicts("parent"), ["warning v0 of down"]);

    host.ok("ip link delete v0")?;
    host.ok("ip link delete br0").map(drop)
}

fn vlan(lab: &Lab) -> Result {
    let host = lab.host();
    lab.lan().vlan(50, &["192.168.50.1/24"])?;
    lab.network("-d macvlan --subnet 192.168.50.0/24 --gateway 192.168.50.1 -o parent=eth0.50 voice")?;
    assert_eq!(Diagnosis::of(lab, "").verdicts("parent"), ["ok eth0.50 of voice"]);
    assert_eq!(Diagnosis::of(lab, "").verdicts("gateway"), [""; 0], "nothing to ask on");

    host.ok("ip link add link eth0 name eth0.50 up type vlan id 51")?;
    let other = Diagnosis::of(lab, "voice");
    assert_eq!(other.verdicts("parent"), ["failure eth0.50 of voice"]);
    assert_eq!(other.verdicts("gateway"), ["warning 192.168.50.1 of voice"]);
    host.ok("ip link delete eth0.50")?;

    host.ok("ip link add link eth0 name eth0.50 up type vlan id 50")?;
    let right = Diagnosis::of(lab, "voice");
    assert_eq!(right.verdicts("parent"), ["ok eth0.50 of voice"]);
    assert_eq!(right.verdicts("gateway"), ["ok 192.168.50.1 of voice"]);
    host.ok("ip link delete eth0.50").map(drop)
}

fn gateway(lab: &Lab) -> Result {
    lab.network(
        "-d macvlan --subnet 192.168.1.0/24 --gateway 192.168.1.1 --subnet 2001:db8::/64 --gateway 2001:db8::10 \
         --ipv6 -o parent=eth0 lan",
    )?;
    let silent = Diagnosis::of(lab, "lan");
    assert_eq!(silent.verdicts("gateway"), ["warning 192.168.1.1 of lan", "warning 2001:db8::10 of lan"]);

    lab.lan().address("192.168.1.1/24")?;
    lab.lan().address("2001:db8::10/64")?;
    let answering = Diagnosis::of(lab, "lan");
    assert_eq!(answering.verdicts("gateway"), ["ok 192.168.1.1 of lan", "ok 2001:db8::10 of lan"]);

    lab.host().ok("ip address add 192.168.1.1/24 dev eth0")?;
    let own = Diagnosis::of(lab, "lan");
    assert_eq!(own.verdicts("gateway"), ["failure 192.168.1.1 of lan", "ok 2001:db8::10 of lan"]);
    lab.host().ok("ip address delete 192.168.1.1/24 dev eth0").map(drop)
}

fn helper(lab: &Lab) -> Result {
    let verdict = |diagnosis: &str| {
        let line = diagnosis.lines().find(|line| line.contains(" helper "));
        line.unwrap_or_default().to_owned()
    };
    let well = verdict(&lab.underlay("doctor")?.stdout);
    assert!(well.starts_with("ok ") && well.ends_with("drops its privileges and answers"), "{well}");

    // Without this capability nobody can take others out of the bounding set.
    let line = "setpriv --bounding-set=-setpcap /run/bin/underlay --config /run/config --run /run/underlay \
                --helper /run/bin/underlay-nsenter doctor";
    let bound = lab.host().run(&line.split_whitespace().collect::<Vec<_>>())?;
    assert_eq!(bound.status.code(), Some(4), "{}", bound.stdout);
    let bound = verdict(&bound.stdout);
    assert!(bound.starts_with("failure ") && bound.contains("PR_CAPBSET_DROP"), "{bound}");

    lab.host().ok("chmod 644 /run/bin/underlay-nsenter")?;
    let shut = verdict(&lab.underlay("doctor")?.stdout);
    assert!(shut.starts_with("failure ") && shut.contains("not executable): Permission denied"), "{shut}");
    Ok(())
}

fn hooks(lab: &Lab) -> Result {
    let file = |name: &str| format!("{HOOKS_D}/{name}.json");
    lab.host().ok("mount -t tmpfs tmpfs /usr/share/containers")?;
    assert_eq!(Diagnosis::of(lab, "").verdicts("hooks"), ["warning podman"]);

    install_hooks(lab)?;
    assert_eq!(Diagnosis::of(lab, "").verdicts("hooks"), ["ok podman"]);

    lab.write(&file("10-other"), "{")?;
    let broken = Diagnosis::of(lab, "");
    assert_eq!(broken.code, Some(4));
    assert_eq!(broken.verdicts("hooks"), [format!("failure {}", file("10-other")), "ok podman".to_owned()]);
    lab.host().ok(&format!("rm {}", file("10-other")))?;

    lab.host().ok("chmod 644 /run/bin/underlay-hook")?;
    assert_eq!(Diagnosis::of(lab, "").verdicts("hooks").len(), 3);
    assert!(Diagnosis::of(lab, "").found(&file("50-createRuntime")).contains("not executable"));
    lab.host().ok("rm /run/bin/underlay-hook")?;
    assert!(Diagnosis::of(lab, "").found(&file("50-poststop")).contains("without a word"));
    Ok(())
}

fn orphan(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet 192.168.1.0/24 -o parent=eth0 lan")?;
    assert_eq!(Diagnosis::of(lab, "").verdicts("leftover"), ["ok gc"]);
    lab.host().ok("test ! -e /run/underlay")?;

    lab.host().sh(
        "mkdir -m 700 /run/underlay /run/underlay/leases && ln -s host/4000000000/lan/eth0 /run/underlay/leases/192.168.1.9",
    )?;
    let diagnosis = Diagnosis::of(lab, "lan");
    assert_eq!(diagnosis.verdicts("leftover"), ["warning 192.168.1.9"]);
    assert_eq!(lab.leases()?, ["192.168.1.9"], "a look takes nothing");
    lab.underlay("gc")?.success()?;
    assert_eq!(Diagnosis::of(lab, "lan").verdicts("leftover"), ["ok gc"]);
    Ok(())
}

fn drift(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet 192.168.1.0/24 -o parent=eth0 lan")?;
    let (c1, c2, c3) = (lab.start("c1", "lan")?, lab.start("c2", "lan")?, lab.start("c3", "lan")?);
    c1.ok("ip link delete eth0")?;
    c2.ok("ip address flush dev eth0")?;
    c3.ok("ip link set eth0 mtu 1400")?;

    let diagnosis = Diagnosis::of(lab, "");
    assert_eq!(diagnosis.code, Some(4));
    let subject = |id: &str| format!("eth0 of lan in {id}");
    let mut verdicts = diagnosis.verdicts("attachment");
    verdicts.sort();
    let expected = [("failure", &c1.id), ("failure", &c2.id), ("warning", &c3.id)];
    assert_eq!(verdicts, expected.map(|(verdict, id)| format!("{verdict} {}", subject(id))));
    assert!(diagnosis.found(&subject(&c1.id)).contains("deleted"));
    assert!(diagnosis.found(&subject(&c2.id)).contains("is gone"));
    assert!(diagnosis.found(&subject(&c3.id)).contains("mtu is 1400"));
    Ok(())
}

const HOOKS_D: &str = "/usr/share/containers/oci/hooks.d";

/// The two files of hooks.d as they are shipped, with the lab's program, where podman looks if nobody tells
/// it otherwise.
fn install_hooks(lab: &Lab) -> Result {
    lab.host().sh("mountpoint -q /usr/share/containers || mount -t tmpfs tmpfs /usr/share/containers")?;
    for stage in ["createRuntime", "poststop"] {
        let file = json!({
            "version": "1.0.0",
            "hook": {"path": "/run/bin/underlay-hook", "args": ["underlay-hook", stage]},
            "when": {"annotations": {"^io\\.underlay\\.networks$": "(?s)^.*$"}},
            "stages": [stage],
        });
        lab.write(&format!("{HOOKS_D}/50-{stage}.json"), &file.to_string())?;
    }
    Ok(())
}
