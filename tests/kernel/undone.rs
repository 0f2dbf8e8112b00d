//! What was done is undone, however a container ends.

use std::{thread, time::Duration};

use lab::{Lab, Need, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    const NEEDS: [Need; 2] = [Need::MACVLAN, Runtime::Runc.need()];
    let mut trials: Vec<_> = Runtime::ALL
        .map(|runtime| {
            let name =
                format!("a process that is killed leaves nothing once its container is deleted, {runtime}");
            trial(name, &[Need::MACVLAN, runtime.need()], move |lab| killed(lab, runtime))
        })
        .into();
    trials.extend(Runtime::ALL.map(|runtime| {
        let name = format!("a failed attach is undone, {runtime}");
        trial(name, &[Need::MACVLAN, runtime.need()], move |lab| failed_attach(lab, runtime))
    }));
    trials.extend([
        trial(
            "a container whose program is not there leaves nothing",
            &[Need::MACVLAN, Runtime::Crun.need()],
            no_program,
        ),
        trial("poststop can run twice, and without an attach", &NEEDS, poststop_twice),
        trial("gc collects what died without a word", &NEEDS, died_without_a_word),
        trial("a hook that is killed in the middle is cleaned up after", &NEEDS, hook_killed),
        trial("a network in use is not removed", &NEEDS, in_use),
    ]);
    trials
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";

fn killed(lab: &Lab, runtime: Runtime) -> Result {
    lab.network(LAN)?;
    let container = lab.container("c1").by(runtime).networks("lan").start()?;
    assert_eq!(lab.leases()?, ["10.0.0.2"]);
    lab.host().ok(&format!("kill -KILL {}", container.pid))?;
    container.delete()?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}

/// The first network is fine, the second fails in the kernel: its router is in a subnet that the container
/// has no address of.
fn failed_attach(lab: &Lab, runtime: Runtime) -> Result {
    lab.network(LAN)?;
    lab.write(
        "/run/config/networks/astray.json",
        r#"{
            "driver": "macvlan", "parent": "eth0",
            "subnets": [{"subnet": "10.1.0.0/24"}, {"subnet": "10.3.0.0/24"}],
            "routes": [{"destination": "10.2.0.0/16", "gateway": "10.3.0.1"}]
        }"#,
    )?;
    lab.host().ok("ip netns add kept")?;
    let order = lab.container("c1").by(runtime).networks("lan,astray");
    let network = match runtime {
        Runtime::Podman => "ns:/run/netns/kept",
        Runtime::Runc | Runtime::Crun | Runtime::Youki => "/run/netns/kept",
    };
    let complaint = order.network(lab::Network::Path(network.to_owned())).refused()?;
    let words: &[_] = if runtime == Runtime::Podman {
        &["underlay-hook"]
    } else {
        &["10.2.0.0/16", "10.3.0.1", "invalid gateway"]
    };
    assert!(words.iter().all(|word| complaint.contains(word)), "{complaint}");
    // The namespace lives on, so it shows whether the links went.
    assert_eq!(lab.host().namespace("/run/netns/kept").interfaces()?, []);
    assert_eq!(lab.leases()?, [""; 0]);
    lab.host().ok("ip netns delete kept").map(drop)
}

/// crun does not call poststop when a container fails between createRuntime and its start.
fn no_program(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.container("c1").by(Runtime::Crun).networks("lan").program("/no/such/program").refused()?;
    lab.underlay("gc")?.success()?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}

fn poststop_twice(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let container = lab.start("c1", "lan")?;
    let state = container.state()?.to_string();
    container.delete()?;
    assert_eq!(lab.leases()?, [""; 0]);
    // The address has a new holder by now, from whom a late poststop must not take it.
    let other = lab.start("c2", "lan:ip=10.0.0.2")?;
    let stopped = state.replace("\"running\"", "\"stopped\"");
    lab.hook("poststop", &stopped)?.success()?;
    assert_eq!(lab.leases()?, ["10.0.0.2"]);
    other.interface("eth0").map(drop)
}

fn died_without_a_word(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let dead = lab.start("dead", "lan")?;
    let alive = lab.start("alive", "lan")?;
    lab.host().ok(&format!("kill -KILL {}", dead.pid))?;
    lab.host().ok(&format!("rm -rf /run/runc/{}", dead.id))?;
    assert_eq!(lab.leases()?, ["10.0.0.2", "10.0.0.3"]);
    // The kernel takes the namespace down on its own time.
    for _ in 0..50 {
        lab.underlay("gc")?.success()?;
        if lab.leases()?.len() == 1 {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(lab.leases()?, ["10.0.0.3"]);
    alive.interface("eth0").map(drop)
}

/// The helper is a program that never answers: the hook is killed while it waits, with the intent written or
/// not.
fn hook_killed(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.host().hold_parent("eth0")?;
    let order = lab.container("c1").networks("lan");
    thread::scope(|scope| {
        let start = scope.spawn(move || order.refused());
        let killed = lab.host().sh(
            "until grep -qs ^underlay-hook /proc/[0-9]*/comm; do sleep 0.02; done; sleep 0.1; \
             for p in /proc/[0-9]*; do if grep -qs ^underlay-hook $p/comm; then kill -KILL ${p#/proc/}; fi; done",
        );
        killed?;
        let complaint = start.join().expect("a thread that does not panic")?;
        assert!(complaint.contains("killed"), "{complaint}");
        Result::Ok(())
    })?;
    lab.host().let_go()?;
    lab.underlay("gc")?.success()?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}

fn in_use(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let container = lab.start("c1", "lan")?;
    let complaint = lab.underlay("network rm lan")?.failure()?;
    assert!(complaint.contains("lan") && complaint.contains(&container.id), "{complaint}");
    assert_eq!(lab.underlay("network ls -q")?.success()?, "lan\n");
    container.ok("ip link show dev eth0").map(drop)
}
