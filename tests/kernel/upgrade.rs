//! What an older version attached, this one takes down: packages are upgraded under running containers.
//!
//! The run directory is as that version left it, in the shape of `tests/records`; the links are made by ip(8) as
//! that version made them.

use lab::{Lab, Need, Place, Result, Trial, trial};
use serde_json::{Value, json};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<_> = RECORDS
        .into_iter()
        .flat_map(|(version, record)| {
            [("poststop", poststop as fn(&Lab, &str) -> Result), ("gc", gc)].map(|(how, body)| {
                let name = format!("what version {version} of the record describes is taken down, {how}");
                trial(name, &[Need::MACVLAN], move |lab| body(lab, record))
            })
        })
        .collect();
    trials.push(trial("what a newer version attached is left alone", &[Need::MACVLAN], newer));
    trials
}

/// Every version that there was, as it was written.
const RECORDS: [(u32, &str); 1] = [(1, include_str!("../records/version-1.json"))];

const STATE: &str = r#"{"ociVersion":"1.0","id":"web","pid":0,"bundle":"/run/bundle","status":"stopped",
                       "annotations":{"io.underlay.networks":"lan;wire"}}"#;

fn poststop(lab: &Lab, record: &str) -> Result {
    let old = Attached::by_an_older_version(lab, record)?;
    assert!(lab.underlay("ps")?.success()?.contains("web"));
    old.ends(lab)?;
    lab.hook("poststop", STATE)?.success()?;
    assert_eq!(old.namespace.interfaces()?, []);
    assert_eq!(old.namespace.routes()?, [""; 0]);
    old.is_forgotten(lab)?;
    old.namespace_ends(lab)
}

fn gc(lab: &Lab, record: &str) -> Result {
    let old = Attached::by_an_older_version(lab, record)?;
    let nothing = lab.underlay("gc")?.success()?;
    assert_eq!(lab.leases()?.len(), 3, "it lives: {nothing}");
    old.ends(lab)?;
    old.namespace_ends(lab)?;
    // The kernel takes the namespace down on its own time.
    lab.host().sh("until ! ip netns list-id | grep -q 1073787472; do sleep 0.02; done")?;
    lab.underlay("gc")?.success()?;
    old.is_forgotten(lab)
}

fn newer(lab: &Lab) -> Result {
    let (version, record) = RECORDS[RECORDS.len() - 1];
    let old = Attached::by_an_older_version(lab, record)?;
    let text = lab.host().sh(&format!("cat {}", old.file))?;
    let newer = text.replace(&format!("\"version\":{version}"), &format!("\"version\":{}", version + 1));
    assert_ne!(newer, text);
    lab.write(&old.file, &newer)?;
    old.ends(lab)?;

    lab.hook("poststop", STATE)?.success()?;
    for command in ["gc", "inspect web"] {
        let complaint = lab.underlay(command)?.failure()?;
        assert!(complaint.contains(&old.file) && complaint.contains("install a newer one"), "{complaint}");
    }
    assert_eq!(old.namespace.interfaces()?.len(), 2);
    assert_eq!(lab.leases()?, ["10.0.0.1", "10.1.0.1", "2001:db8::1"]);
    assert_eq!(lab.host().sh(&format!("cat {}", old.file))?, newer);

    lab.write(&old.file, &text)?;
    lab.hook("poststop", STATE)?.success()?;
    old.is_forgotten(lab)?;
    old.namespace_ends(lab)
}

/// A container with the attachments that a record tells of.
struct Attached {
    /// Its first process.
    pid: i64,
    /// Another one in its namespace, which lives on.
    keeper: i64,
    namespace: Place,
    /// The record.
    file: String,
}

impl Attached {
    fn by_an_older_version(lab: &Lab, record: &str) -> Result<Self> {
        let mut record: Value = serde_json::from_str(record).expect("a record");
        let (keeper, pid) = processes(lab)?;
        let namespace = lab.host().namespace(&format!("/proc/{pid}/ns/net"));
        lab.write("/run/cookie.pl", COOKIE)?;
        let cookie = namespace.sh("perl /run/cookie.pl")?;
        make_links(lab, &record, pid, &cookie)?;
        describe(lab, &mut record, pid, &namespace)?;
        // As of a container that joined a namespace by its path.
        record["namespace"]["path"] = format!("/proc/{keeper}/ns/net").into();
        let namespace = lab.host().namespace(&format!("/proc/{keeper}/ns/net"));
        let file = format!("/run/underlay/namespaces/{cookie}.json");
        // Directories of a later version's liking are not there, and lock files are.
        lab.write(&file, &record.to_string())?;
        lab.write(&format!("/run/underlay/namespaces/{cookie}.lock"), "")?;
        lab.host().sh(&links(&record, &cookie))?;
        Ok(Self { pid, keeper, namespace, file })
    }

    fn is_forgotten(&self, lab: &Lab) -> Result {
        let left = lab.host().sh(
            "cd /run/underlay && find leases namespaces containers parents/ports ! -type d && test ! -e FILE"
                .replace("FILE", &self.file)
                .as_str(),
        )?;
        assert_eq!(left, "");
        Ok(())
    }

    fn ends(&self, lab: &Lab) -> Result {
        let end = "kill -KILL PID; until test ! -e /proc/PID || grep -q 'State:.Z' /proc/PID/status; do sleep 0.01; done";
        lab.host().sh(&end.replace("PID", &self.pid.to_string())).map(drop)
    }

    fn namespace_ends(&self, lab: &Lab) -> Result {
        lab.host().ok(&format!("kill -KILL {}", self.keeper)).map(drop)
    }
}

/// getsockopt(2), number 55 here, of `SO_NETNS_COOKIE` (71 at level 1), which takes no longer buffer than it fills.
const COOKIE: &str = r#"
    use Socket;
    socket(S, AF_INET, SOCK_DGRAM, 0) or die;
    my ($cookie, $length) = ("\0" x 8, pack("i", 8));
    syscall(55, fileno(S), 1, 71, $cookie, $length) == 0 or die;
    print unpack("Q", $cookie);
"#;

/// Two processes in one namespace.
fn processes(lab: &Lab) -> Result<(i64, i64)> {
    let pids = lab.host().sh(
        "exec 3>&1 >/dev/null 2>&1 </dev/null; \
         unshare --net sleep 3600 3>&- & \
         until test $(readlink /proc/$!/ns/net) != $(readlink /proc/1/ns/net); do sleep 0.01; done; echo $! >&3; \
         nsenter --net=/proc/$!/ns/net sleep 3600 3>&- & \
         until test $(readlink /proc/$!/ns/net) != $(readlink /proc/1/ns/net); do sleep 0.01; done; echo $! >&3",
    )?;
    let mut pids = pids.lines().map(|pid| pid.parse().expect("a process id"));
    Ok((pids.next().expect("the keeper"), pids.next().expect("the other one")))
}

/// The links in the namespace, the number by which the host knows it, and a route that leaves by no link.
fn make_links(lab: &Lab, record: &Value, pid: i64, cookie: &str) -> Result {
    let nsid = &record["namespace"]["nsid"];
    let mut lines = vec![
        // The name is gone before the namespace is: it would keep it alive.
        format!(
            "ip netns attach old {pid}; ip netns set old {nsid}; ip netns delete old; n='nsenter -t {pid} -n ip'"
        ),
        "$n link set lo up".to_owned(),
    ];
    for attachment in list(&record["attachments"]) {
        let (name, network) = (text(&attachment["interface"]), text(&attachment["network"]));
        lines.push(format!(
            "ip link add link eth0 name made address {} type macvlan mode bridge; \
             ip link set made netns {pid} name {name}; \
             $n link set {name} alias 'underlay vm/{cookie}/{network}/{name}'; $n link set {name} up",
            text(&attachment["mac"])
        ));
        for address in list(&attachment["addresses"]) {
            lines.push(format!("$n address add {} dev {name}", text(address)));
        }
        for route in list(&attachment["linkless_routes"]) {
            lines.push(format!(
                "$n route add {} {} proto static",
                text(&route["kind"]),
                text(&route["destination"])
            ));
        }
    }
    lab.host().sh(&format!("set -e; {}", lines.join("; "))).map(drop)
}

/// Puts into the record what is otherwise on every machine and at every time.
fn describe(lab: &Lab, record: &mut Value, pid: i64, namespace: &Place) -> Result {
    let host = lab.host();
    let number = |place: &Place, line: &str| -> Result<Value> {
        Ok(place.sh(line)?.trim().parse::<u64>().map_or(Value::Null, Value::from))
    };
    let cookie = number(namespace, "perl /run/cookie.pl")?;
    let id = &mut record["namespace"];
    id["boot"] = host.sh("cat /proc/sys/kernel/random/boot_id")?.trim().into();
    id["host"] = number(host, "perl /run/cookie.pl")?;
    id["cookie"] = cookie.clone();
    id["file"] = json!({
        "device": number(host, &format!("stat -L -c %d /proc/{pid}/ns/net"))?,
        "inode": number(host, &format!("stat -L -c %i /proc/{pid}/ns/net"))?,
    });
    // Its second field, the program's name, is one word here.
    let start_time = number(host, &format!("cut -d' ' -f22 /proc/{pid}/stat"))?;
    record["users"][0]["process"] = json!({ "pid": pid, "start_time": start_time });
    for attachment in record["attachments"].as_array_mut().into_iter().flatten() {
        let (name, network) = (text(&attachment["interface"]), text(&attachment["network"]));
        let owner = format!("vm/{cookie}/{network}/{name}");
        attachment["index"] = number(
            namespace,
            &format!("cat /proc/net/dev_mcast | awk '$2 == \"{name}\" {{ print $1; exit }}'"),
        )?;
        attachment["parent_index"] = number(host, "cat /sys/class/net/eth0/ifindex")?;
        attachment["alias"] = format!("underlay {owner}").into();
        attachment["owner"] = owner.into();
    }
    Ok(())
}

/// The shell's line that makes the symbolic links: leases, claims on the parent, and the container's.
fn links(record: &Value, cookie: &str) -> String {
    let mut lines = vec![
        "set -e; cd /run/underlay; umask 077; mkdir -p leases containers parents/ports/eth0/macvlan"
            .to_owned(),
        format!("ln -s {cookie} containers/web@9c5b2df4cbd01e1a"),
    ];
    for attachment in list(&record["attachments"]) {
        lines.push(format!(
            "ln -s claim parents/ports/eth0/macvlan/{}@{cookie}",
            text(&attachment["network"])
        ));
        for address in list(&attachment["addresses"]) {
            let address = text(address).split('/').next().unwrap_or_default();
            lines.push(format!("ln -s {} leases/{address}", text(&attachment["owner"])));
        }
    }
    lines.join("; ")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
