//! The user as whom the helper works.

use lab::{Inside, Lab, Need, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("account: the helper works as the user of its own, or as nobody", &[Need::MACVLAN], users),
        trial(
            "account: containers come and go under the helper's own user",
            &[Need::MACVLAN, Runtime::Runc.need()],
            containers,
        ),
    ]
}

const PASSWD: &str = "/run/passwd";
const OWN: &str = "underlay:x:990:991:Underlay helper:/:/usr/sbin/nologin";
const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";

fn passwd(line: &str) -> String {
    format!("root:x:0:0:root:/root:/bin/bash\n{line}\nnobody:x:65534:65534::/:/usr/sbin/nologin\n")
}

fn users(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.write(PASSWD, &passwd(""))?;
    lab.host().ok(&format!("mount --bind {PASSWD} /etc/passwd"))?;
    for (line, ids, doctor) in [
        ("", "65534 65534", "becomes nobody"),
        (OWN, "990 991", "becomes underlay (990:991)"),
        ("underlay:x:990", "65534 65534", "is not one of passwd(5)"),
        ("underlay:x:0:0::/:/bin/sh", "65534 65534", "has the uid 0 and the gid 0"),
    ] {
        lab.write(PASSWD, &passwd(line))?;
        assert_eq!(lab.inside(working_helper)?, ids, "{line}");
        let told = lab.underlay("doctor")?.stdout;
        assert!(told.contains(doctor), "{line}: {told}");
    }
    lab.host().ok("umount /etc/passwd").map(drop)
}

/// The uid and gid of a helper that waits for its plan: the hook stands where it leases the first address.
fn working_helper(inside: &Inside) -> Result<String> {
    let replica = inside.replica("a", "lan")?;
    let mut hook = replica.probe_hook("createRuntime", &[])?;
    assert!(hook.run_to(|call, _| [libc::SYS_symlink, libc::SYS_symlinkat].contains(&call.cast_signed()))?);
    let ids = inside.host().sh("cd /proc && for helper in $(grep -ls ^underlay-nsente [0-9]*/comm); do \
         sed -n 's/^[UG]id:\t//p' ${helper%comm}status; done")?;
    assert!(!hook.run_to(|_, _| false)?);
    assert_eq!(replica.links(), ["eth0"]);
    replica.detach()?;
    assert_eq!(inside.records()?, [""; 0]);
    // Real, effective, saved and of the file system.
    let ids: Vec<Vec<&str>> = ids.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(ids.len() == 2 && ids.iter().all(|four| four.iter().all(|id| *id == four[0])), "{ids:?}");
    Ok(format!("{} {}", ids[0][0], ids[1][0]))
}

fn containers(lab: &Lab) -> Result {
    lab.lan().address("10.0.0.1/24")?;
    lab.network(LAN)?;
    lab.write(PASSWD, &passwd(OWN))?;
    lab.host().ok(&format!("mount --bind {PASSWD} /etc/passwd"))?;
    let container = lab.start("c1", "lan")?;
    let eth0 = container.interface("eth0")?;
    assert_eq!((eth0.kind.as_str(), eth0.up), ("macvlan", true));
    assert_eq!(eth0.addresses, ["10.0.0.2/24"]);
    container.ping("10.0.0.1")?;
    lab.lan().ping("10.0.0.2")?;
    container.delete()?;
    assert_eq!(lab.records()?, [""; 0]);
    lab.lan().falls_silent("10.0.0.2")?;
    lab.host().ok("umount /etc/passwd").map(drop)
}
