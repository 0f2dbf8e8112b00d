//! States as runtimes and engines really write them, without the runtimes.

use lab::{Lab, Need, Place, Result, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    SAMPLES
        .map(|sample| {
            trial(format!("state of {}", sample.name), &[Need::MACVLAN], move |lab| replay(lab, &sample))
        })
        .into_iter()
        .chain([trial("states without an annotation of ours touch nothing", &[], not_annotated)])
        .collect()
}

/// What one runtime writes to a hook. `PID`, `BUNDLE` and `ANNOTATIONS` stand for what differs each time.
struct Sample {
    name: &'static str,
    create: &'static str,
    stop: &'static str,
    /// The network namespace in config.json: with a path, as engines with namespaces of their own have it.
    has_path: bool,
}

const SAMPLES: [Sample; 6] = [
    Sample {
        name: "runc 1.1: no pid at poststop",
        create: r#"{"ociVersion":"1.0.2-dev","id":"c1","status":"creating","pid":PID,"bundle":"BUNDLE","annotations":ANNOTATIONS}"#,
        stop: r#"{"ociVersion":"1.0.2-dev","id":"c1","status":"stopped","bundle":"BUNDLE","annotations":ANNOTATIONS}"#,
        has_path: false,
    },
    Sample {
        name: "crun: `created`, a root, pid 0 at poststop",
        create: r#"{"ociVersion":"1.0","id":"c1","pid":PID,"root":"/run/rootfs","bundle":"BUNDLE","status":"created","annotations":ANNOTATIONS}"#,
        stop: r#"{"ociVersion":"1.0","id":"c1","pid":0,"root":"/run/rootfs","bundle":"BUNDLE","status":"stopped","annotations":ANNOTATIONS}"#,
        has_path: false,
    },
    Sample {
        name: "youki 0.7: a dead process's pid at poststop",
        create: r#"{"ociVersion":"1.1.0","id":"c1","status":"creating","pid":PID,"bundle":"BUNDLE","annotations":ANNOTATIONS}"#,
        stop: r#"{"ociVersion":"1.1.0","id":"c1","status":"stopped","pid":PID,"bundle":"BUNDLE","annotations":ANNOTATIONS}"#,
        has_path: false,
    },
    Sample {
        name: "kata: neither version nor status",
        create: r#"{"ociVersion":"","id":"c1","status":"","pid":PID,"bundle":"BUNDLE","annotations":ANNOTATIONS}"#,
        stop: r#"{"ociVersion":"","id":"c1","status":"","pid":0,"bundle":"BUNDLE","annotations":ANNOTATIONS}"#,
        has_path: true,
    },
    Sample {
        name: "an old youki: no pid, the namespace by path",
        create: r#"{"ociVersion":"1.0.2","id":"c1","status":"creating","bundle":"BUNDLE","annotations":ANNOTATIONS}"#,
        stop: r#"{"ociVersion":"1.0.2","id":"c1","status":"stopped","bundle":"BUNDLE","annotations":ANNOTATIONS}"#,
        has_path: true,
    },
    Sample {
        name: "podman: poststop in its own words, after the runtime's",
        create: r#"{"ociVersion":"1.0","id":"c1","pid":PID,"root":"/run/rootfs","bundle":"BUNDLE","status":"created","annotations":ANNOTATIONS,"unheard":{"of":[1]}}"#,
        stop: r#"{"ociVersion":"1.2.0","id":"c1","status":"stopped","bundle":"BUNDLE","annotations":ANNOTATIONS}"#,
        has_path: true,
    },
];

const BUNDLE: &str = "/run/bundles/c1";

fn replay(lab: &Lab, sample: &Sample) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan")?;
    let annotations = r#"{"io.underlay.networks":"lan"}"#;
    let (pid, namespace) = process(lab)?;
    let path = format!("/proc/{pid}/ns/net");
    bundle(lab, sample.has_path.then_some(path.as_str()), annotations)?;
    let filled = |state: &str| {
        state.replace("PID", &pid.to_string()).replace("BUNDLE", BUNDLE).replace("ANNOTATIONS", annotations)
    };

    let stdout = lab.hook("createRuntime", &filled(sample.create))?.success()?;
    assert_eq!(stdout, "", "the runtime's stdout is not ours");
    assert_eq!(namespace.interface("eth0")?.addresses, ["10.0.0.2/24"]);
    // Once more, as after a restore: nothing changes.
    let before = namespace.interfaces()?;
    lab.hook("createRuntime", &filled(sample.create))?.success()?;
    assert_eq!(namespace.interfaces()?, before);
    assert_eq!(lab.leases()?, ["10.0.0.2"]);

    // The namespace outlives its process, which shows whether the link went.
    lab.host().sh(&format!("touch /run/kept && mount --bind {path} /run/kept && kill -KILL {pid}"))?;
    let namespace = lab.host().namespace("/run/kept");
    assert_eq!(lab.hook("poststop", &filled(sample.stop))?.success()?, "");
    assert_eq!(namespace.interfaces()?, []);
    assert_eq!(lab.leases()?, [""; 0]);
    lab.host().ok("umount /run/kept").map(drop)
}

fn not_annotated(lab: &Lab) -> Result {
    let (pid, namespace) = process(lab)?;
    bundle(lab, None, "{}")?;
    for annotations in ["null", "{}", r#"{"io.underlay.network":"lan"}"#] {
        let state = format!(
            r#"{{"ociVersion":"1.0","id":"c1","pid":{pid},"bundle":"{BUNDLE}","status":"created","annotations":{annotations}}}"#
        );
        assert_eq!(lab.hook("createRuntime", &state)?.success()?, "");
    }
    let missing =
        format!(r#"{{"ociVersion":"1.0","id":"c1","pid":{pid},"bundle":"{BUNDLE}","status":"created"}}"#);
    assert_eq!(lab.hook("createRuntime", &missing)?.success()?, "");
    assert_eq!(namespace.interfaces()?, []);
    lab.host().ok("test ! -e /run/underlay")?;
    lab.host().ok(&format!("kill {pid}")).map(drop)
}

/// A process with a network namespace of its own, which stays until it is killed.
pub(crate) fn process(lab: &Lab) -> Result<(u32, Place)> {
    let pid = lab.host().sh(
        "unshare --net sleep 3600 >/dev/null 2>&1 </dev/null & \
         until test $(readlink /proc/$!/ns/net) != $(readlink /proc/1/ns/net); do sleep 0.01; done; echo $!",
    )?;
    let pid = pid.trim().parse().expect("a process id");
    Ok((pid, lab.host().namespace(&format!("/proc/{pid}/ns/net"))))
}

fn bundle(lab: &Lab, path: Option<&str>, annotations: &str) -> Result {
    let path = path.map(|path| format!(r#","path":"{path}""#)).unwrap_or_default();
    lab.write(
        &format!("{BUNDLE}/config.json"),
        &format!(
            r#"{{"ociVersion":"1.0.2","process":{{"user":{{"uid":0,"gid":0}},"args":["true"],"cwd":"/"}},
                "root":{{"path":"/run/rootfs"}},"annotations":{annotations},
                "linux":{{"namespaces":[{{"type":"network"{path}}}]}}}}"#
        ),
    )
}
