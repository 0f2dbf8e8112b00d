//! What an administrator does to containers by hand.

use std::{thread, time::Duration};

use lab::{Container, Lab, Need, Network, Result, Runtime, Trial, trial};
use serde_json::json;

pub(crate) fn trials() -> Vec<Trial> {
    let runc = [Need::MACVLAN, Runtime::Runc.need()];
    // youki does not note when a process started, so that its containers can only be named by pid.
    let mut trials: Vec<_> = [Runtime::Runc, Runtime::Crun, Runtime::Podman]
        .map(|runtime| {
            let name = format!("a network is connected to a container that asked for none, {runtime}");
            trial(name, &[Need::MACVLAN, runtime.need()], move |lab| connected_later(lab, runtime))
        })
        .into();
    trials.extend([
        trial("a second network is connected to a container, and disconnected", &runc, connect),
        trial("a container keeps what it has when a network cannot be connected", &runc, connect_refused),
        trial("networks are connected to a process and to a path", &[Need::MACVLAN], process_and_path),
        trial("a pod keeps what one of its containers is disconnected from", &runc, disconnect_shared),
        trial("ps and inspect tell what is attached", &runc, overview),
        trial("a network is removed by force", &runc, remove_by_force),
        trial("networks that nobody uses are pruned", &runc, prune),
        trial("a command runs on networks and ends as it ends", &[Need::MACVLAN], run),
        trial("a command that is told to end leaves nothing behind", &[Need::MACVLAN], run_terminated),
        trial("a command whose parent was killed is collected", &[Need::MACVLAN], run_killed),
    ]);
    trials
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";
const VOICE: &str = "-d macvlan --subnet=10.1.0.0/24 -o parent=eth0 voice";

fn two_networks(lab: &Lab) -> Result {
    lab.lan().address("10.0.0.1/24")?;
    lab.lan().address("10.1.0.254/24")?;
    lab.network(LAN)?;
    lab.network(VOICE)
}

fn done(lab: &Lab, line: &str) -> Result<String> {
    lab.underlay(line)?.success()
}

fn names(container: &Container) -> Result<Vec<String>> {
    Ok(container.interfaces()?.into_iter().map(|interface| interface.name).collect())
}

fn connect(lab: &Lab) -> Result {
    two_networks(lab)?;
    let container = lab.start("c1", "lan")?;
    let id = &container.id;
    let before = container.interface("eth0")?;
    let line = format!("network connect voice {id} --ip 10.1.0.9 --mac 02:00:00:00:00:09 --interface phone");
    assert_eq!(done(lab, &line)?, "phone 10.1.0.9/24\n");
    let made = container.interface("phone")?;
    assert_eq!((made.mac.as_str(), made.up), ("02:00:00:00:00:09", true));
    container.ping("10.1.0.254")?;
    // Once more changes nothing.
    assert_eq!(done(lab, &line)?, "phone 10.1.0.9/24\n");
    assert_eq!(container.interface("phone")?, made);
    assert_eq!(lab.leases()?, ["10.0.0.2", "10.1.0.9"]);

    done(lab, &format!("network disconnect voice {id}"))?;
    assert_eq!(container.interfaces()?, [before]);
    assert_eq!(container.routes()?, ["10.0.0.0/24 dev eth0 src 10.0.0.2", "default via 10.0.0.1 dev eth0"]);
    assert_eq!(lab.leases()?, ["10.0.0.2"]);
    let complaint = lab.underlay(&format!("network disconnect voice {id}"))?.failure()?;
    assert!(complaint.contains(&format!("{id} is not on network voice; it is on lan")), "{complaint}");

    // The container's own end takes down what was connected, too.
    done(lab, &format!("network connect voice {id}"))?;
    assert_eq!(names(&container)?, ["eth0", "eth1"]);
    container.delete()?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}

fn connect_refused(lab: &Lab) -> Result {
    two_networks(lab)?;
    let container = lab.start("c1", "lan")?;
    let id = &container.id;
    let before = container.interfaces()?;
    for (line, words) in [
        (format!("network connect voice {id} --ip 10.9.9.9"), "10.1.0.0/24"),
        (format!("network connect voice {id} --interface eth0"), "eth0"),
        (format!("network connect nowhere {id}"), "nowhere"),
        (format!("network connect voice {id}x"), "no container whose id begins with"),
        (format!("network connect voice {id} --ip 10.1.0.300 --mac x"), "`10.1.0.300` is not an IP address"),
        ("network connect voice pid:1".to_owned(), "the host's network namespace"),
    ] {
        let complaint = lab.underlay(&line)?.failure()?;
        assert!(complaint.contains(words), "{line}: {complaint}");
        assert_eq!(container.interfaces()?, before, "{line}");
        assert_eq!(lab.leases()?, ["10.0.0.2"], "{line}");
    }
    container.ping("10.0.0.1")?;
    container.delete()
}

fn connected_later(lab: &Lab, runtime: Runtime) -> Result {
    two_networks(lab)?;
    let container = lab.container("c1").by(runtime).start()?;
    // Podman's name is not the id under which its runtime knows the container.
    let id = match runtime {
        Runtime::Podman => lab.host().sh("ls /run/crun")?.trim().to_owned(),
        Runtime::Runc | Runtime::Crun | Runtime::Youki => container.id.clone(),
    };
    let beginning: String = id.chars().take(id.len() - 1).collect();
    assert_eq!(done(lab, &format!("network connect lan {beginning}"))?, "eth0 10.0.0.2/24\n");
    container.ping("10.0.0.1")?;
    assert_eq!(done(lab, "ps -q")?, format!("{id}\n"));
    // It runs: there is nothing to collect.
    assert_eq!(done(lab, "gc")?, "");
    container.delete()?;
    // Its hooks do not know that it was connected.
    done(lab, "gc")?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}

fn process_and_path(lab: &Lab) -> Result {
    two_networks(lab)?;
    let host = lab.host();
    host.ok("ip netns add blue")?;
    let blue = host.namespace("/run/netns/blue");
    done(lab, "network connect lan /run/netns/blue")?;
    blue.ping("10.0.0.1")?;
    assert_eq!(done(lab, "ps -q")?, "netns-blue\n");
    assert_eq!(done(lab, "gc")?, "");

    let pid = host.sh("ip netns exec blue sleep 600 >/dev/null 2>&1 & echo $!")?.trim().to_owned();
    while host.sh(&format!("cat /proc/{pid}/comm"))?.trim() != "sleep" {
        thread::sleep(Duration::from_millis(5));
    }
    done(lab, &format!("network connect voice pid:{pid}"))?;
    assert_eq!(done(lab, "ps -q")?, format!("netns-blue\npid-{pid}\n"));
    done(lab, &format!("network disconnect voice pid:{pid}"))?;
    let names: Vec<_> = blue.interfaces()?.into_iter().map(|interface| interface.name).collect();
    assert_eq!(names, ["eth0"]);
    done(lab, &format!("network connect voice pid:{pid}"))?;
    host.ok(&format!("kill {pid}"))?;
    while host.sh(&format!("test ! -e /proc/{pid} || cut -d' ' -f3 /proc/{pid}/stat"))?.trim().contains('S') {
        thread::sleep(Duration::from_millis(5));
    }
    let collected = done(lab, "gc")?;
    assert!(collected.starts_with("attachment voice eth1 "), "{collected}");
    done(lab, "network disconnect lan /run/netns/blue")?;
    assert_eq!(blue.interfaces()?, []);
    assert_eq!(lab.leases()?, [""; 0]);
    host.ok("ip netns delete blue").map(drop)
}

fn disconnect_shared(lab: &Lab) -> Result {
    two_networks(lab)?;
    lab.host().ok("ip netns add pod")?;
    let pod = lab.host().namespace("/run/netns/pod");
    let order = |name: &str| {
        lab.container(name).networks("lan").network(Network::Path("/run/netns/pod".to_owned())).start()
    };
    let (first, second) = (order("c1")?, order("c2")?);
    let made = pod.interfaces()?;
    done(lab, &format!("network disconnect lan {}", first.id))?;
    assert_eq!(pod.interfaces()?, made);
    assert_eq!(done(lab, "ps -q")?, format!("{}\n", second.id));
    done(lab, &format!("network disconnect lan {}", second.id))?;
    assert_eq!(pod.interfaces()?, []);
    first.delete()?;
    second.delete()?;
    lab.host().ok("ip netns delete pod").map(drop)
}

fn overview(lab: &Lab) -> Result {
    two_networks(lab)?;
    assert_eq!(done(lab, "ps")?, "CONTAINER  POD  NETWORK  INTERFACE  ADDRESSES  MAC  SINCE\n");
    assert_eq!(lab.host().json(&command("ps --format json"))?, json!([]));
    let container = lab.start("c1", "lan;voice@phone")?;
    let id = &container.id;
    let table = done(lab, "ps")?;
    let cells: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let phone = container.interface("phone")?;
    let row = cells.last().cloned().unwrap_or_default();
    assert_eq!(cells.len(), 3, "{table}");
    assert!(row.starts_with(&[id, "-", "voice", "phone", "10.1.0.1/24", &phone.mac]), "{table}");

    let list = lab.host().json(&command("ps --format json"))?;
    let status = &list[0];
    assert_eq!(status["container"], json!(id));
    assert_eq!((&status["name"], &status["interface"]), (&json!("lan"), &json!("eth0")));
    assert_eq!((&status["ips"], &status["mtu"]), (&json!(["10.0.0.2"]), &json!(1500)));
    assert_eq!(status["mac"], json!(container.interface("eth0")?.mac));

    let inspected = lab.host().json(&command(&format!("inspect {id}")))?;
    assert_eq!(inspected[0]["pid"], json!(container.pid));
    assert_eq!(inspected[0]["running"], json!(true));
    assert_eq!(inspected[0]["networks"][1]["index"], json!(phone.index));
    assert!(lab.underlay("inspect nobody")?.failure()?.contains("`nobody`"));

    // A record that cannot be read hides no other.
    lab.write("/run/underlay/namespaces/1.json", "{")?;
    let output = lab.underlay("ps -q")?;
    assert_eq!(output.stdout, format!("{id}\n"));
    assert!(output.failure()?.contains("/run/underlay/namespaces/1.json is damaged"));
    lab.host().ok("rm /run/underlay/namespaces/1.json")?;
    container.delete()
}

fn remove_by_force(lab: &Lab) -> Result {
    two_networks(lab)?;
    let (first, second) = (lab.start("c1", "lan;voice")?, lab.start("c2", "lan")?);
    let complaint = lab.underlay("network rm lan")?.failure()?;
    assert!(complaint.contains(&format!("in use by {}, {}", first.id, second.id)), "{complaint}");
    assert_eq!(names(&first)?, ["eth0", "eth1"]);
    assert_eq!(done(lab, "network rm --force lan")?, "lan\n");
    // They go on without.
    assert_eq!((names(&first)?, names(&second)?), (vec!["eth1".to_owned()], vec![]));
    assert_eq!(lab.leases()?, ["10.1.0.1"]);
    assert_eq!(done(lab, "network ls -q")?, "voice\n");
    first.ping("10.1.0.254")?;
    first.delete()?;
    second.delete()
}

fn prune(lab: &Lab) -> Result {
    two_networks(lab)?;
    lab.network("-d macvlan --subnet=10.2.0.0/24 -o parent=eth0 idle")?;
    let container = lab.start("c1", "lan")?;
    // Nobody is there to answer.
    let complaint = lab.underlay("network prune")?.failure()?;
    assert!(complaint.contains("idle, voice") && complaint.contains("--force"), "{complaint}");
    assert_eq!(done(lab, "network ls -q")?, "idle\nlan\nvoice\n");
    assert_eq!(done(lab, "network prune -f")?, "idle\nvoice\n");
    assert_eq!(done(lab, "network ls -q")?, "lan\n");
    container.delete()?;
    assert_eq!(done(lab, "network prune -f")?, "lan\n");
    assert_eq!(done(lab, "network prune")?, "");
    Ok(())
}

fn run(lab: &Lab) -> Result {
    two_networks(lab)?;
    let seen = done(lab, "run --network lan:ip=10.0.0.7 --network voice@phone -- ip -o -4 address show")?;
    let fields =
        seen.lines().map(|line| line.split_whitespace().skip(1).step_by(2).take(2).collect::<Vec<_>>());
    assert_eq!(
        fields.collect::<Vec<_>>(),
        [["lo", "127.0.0.1/8"], ["eth0", "10.0.0.7/24"], ["phone", "10.1.0.1/24"]]
    );
    done(lab, "run --network lan -- ping -n -c 1 -w 5 10.0.0.1")?;
    assert_eq!(lab.leases()?, [""; 0]);
    lab.write("/run/seven", "exit 7")?;
    lab.write("/run/killed", "kill -KILL $$")?;
    for (line, code) in [
        ("--network lan -- sh /run/seven", 7),
        ("--network lan -- sh /run/killed", 128 + 9),
        ("--network lan -- no-such-command", 127),
        ("--network lan -- /run/config", 126),
        ("--network nowhere -- true", 125),
        ("--network lan:ip=x -- true", 2),
    ] {
        let output = lab.underlay(&format!("run {line}"))?;
        assert_eq!(output.status.code(), Some(code), "{line}: {}", output.stderr);
        assert_eq!(lab.leases()?, [""; 0], "{line}");
    }
    Ok(())
}

fn run_terminated(lab: &Lab) -> Result {
    two_networks(lab)?;
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let pid = background_run(lab)?;
        lab.host().ok(&format!("kill -{signal} {pid}"))?;
        wait_until(lab, "grep -qs . /run/status")?;
        assert_eq!(lab.host().ok("cat /run/status")?.trim(), code.to_string(), "{signal}");
        assert_eq!(lab.leases()?, [""; 0], "{signal}");
    }
    Ok(())
}

fn run_killed(lab: &Lab) -> Result {
    two_networks(lab)?;
    let pid = background_run(lab)?;
    lab.host().ok(&format!("kill -KILL {pid}"))?;
    wait_until(lab, "grep -qs . /run/status && ! pgrep -f '^sleep 4711$'")?;
    let collected = done(lab, "gc")?;
    assert!(collected.starts_with("attachment lan eth0 10.0.0.2/24 of run-"), "{collected}");
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}

/// Starts `underlay run` with a command that would take long; its exit status will be in /run/status. Gives
/// its process.
fn background_run(lab: &Lab) -> Result<String> {
    let line = command("run --network lan -- sleep 4711");
    // What a shell without job control puts into the background with `&` is deaf to SIGINT.
    let script = format!("set -m\n{line} &\necho $! >/run/pid\nwait $!\necho $? >/run/status\n");
    lab.write("/run/background", &script)?;
    lab.host().sh("rm -f /run/status; setsid --fork bash /run/background >/dev/null 2>&1 </dev/null")?;
    wait_until(lab, "pgrep -f '^sleep 4711$'")?;
    assert_eq!(lab.leases()?.len(), 1);
    Ok(lab.host().ok("cat /run/pid")?.trim().to_owned())
}

fn wait_until(lab: &Lab, condition: &str) -> Result {
    lab.host().sh(&format!(
        "for i in $(seq 500); do if {condition} >/dev/null; then exit 0; fi; sleep 0.02; done; exit 1"
    ))?;
    Ok(())
}

/// The line of `underlay ...` as it is typed in a lab.
fn command(line: &str) -> String {
    format!(
        "/run/bin/underlay --config /run/config --run /run/underlay --helper /run/bin/underlay-nsenter {line}"
    )
}
