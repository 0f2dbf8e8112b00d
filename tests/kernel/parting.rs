//! What becomes of the helper that waits for the kernel when its hook has ended.
//!
//! Where a runtime deletes a container, the helper is left to whoever reaps; under any other verb the hook
//! waits for it, since the runtime may be its reaper and then lose the hook's own end.

use std::time::{Duration, Instant};

use lab::{Lab, Need, Network, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let deleted = |runtime: Runtime, times: usize| {
        trial(
            format!("{runtime} deletes {times} containers whose namespaces live on"),
            &[Need::MACVLAN, runtime.need()],
            move |lab| delete(lab, runtime, times),
        )
    };
    let run = |runtime: Runtime| {
        trial(
            format!("{runtime} runs containers in the foreground and loses no hook's end"),
            &[Need::MACVLAN, runtime.need()],
            move |lab| foreground(lab, runtime),
        )
    };
    vec![
        deleted(Runtime::Runc, 100),
        deleted(Runtime::Crun, 100),
        deleted(Runtime::Podman, 20),
        run(Runtime::Runc),
        run(Runtime::Crun),
    ]
}

const NAMESPACE: &str = "/run/netns/stays";
/// Far more than any of it takes, and less than the hooks' timeout of 30 seconds.
const PATIENCE: Duration = Duration::from_secs(15);

fn delete(lab: &Lab, runtime: Runtime, times: usize) -> Result {
    let network = prepare(lab, runtime)?;
    let inside = lab.host().namespace(NAMESPACE);
    for time in 0..times {
        let order = lab.container(&format!("c{time}")).by(runtime).networks("lan").network(network.clone());
        let container = order.start()?;
        assert_eq!(inside.interfaces()?.len(), 1);
        in_time(|| container.delete())?;
        // At once: what is left behind has nothing to do but to wait.
        assert_eq!(inside.interfaces()?, []);
        assert_eq!(lab.leases()?, [""; 0]);
    }
    nobody_stays(lab)
}

/// The runtime itself is the subreaper. Of two SIGCHLD at once it gets one.
fn foreground(lab: &Lab, runtime: Runtime) -> Result {
    const TIMES: usize = 50;
    let network = prepare(lab, runtime)?;
    let order = lab.container("first").by(runtime).networks("lan").network(network);
    let first = order.command("exec sleep 3600").start()?;
    let id = first.id.clone();
    let bundle = format!("/run/bundles/{id}");
    first.delete()?;
    lab.host().ok(&format!("sed -i s/exec\\ssleep\\s3600/true/ {bundle}/config.json"))?;
    for _ in 0..TIMES {
        in_time(|| {
            let output = lab.host().run(&[runtime.program(), "run", "--bundle", &bundle, &id])?;
            // runc may have something to say of cgroups.
            assert!(
                !output.stderr.contains("hook") && !output.stderr.contains("timeout"),
                "{}",
                output.stderr
            );
            output.success().map(drop)
        })?;
        assert_eq!(lab.host().namespace(NAMESPACE).interfaces()?, []);
        assert_eq!(lab.leases()?, [""; 0]);
    }
    nobody_stays(lab)
}

fn prepare(lab: &Lab, runtime: Runtime) -> Result<Network> {
    lab.network("-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan")?;
    lab.host().ok("ip netns add stays")?;
    let path = if runtime == Runtime::Podman { format!("ns:{NAMESPACE}") } else { NAMESPACE.to_owned() };
    Ok(Network::Path(path))
}

fn in_time(work: impl FnOnce() -> Result) -> Result {
    let start = Instant::now();
    work()?;
    assert!(start.elapsed() < PATIENCE, "it took {:?}", start.elapsed());
    Ok(())
}

/// Each helper ends by itself, and somebody reaps it.
fn nobody_stays(lab: &Lab) -> Result {
    let gone = "for n in $(seq 50); do pgrep -x underlay-nsente || exit 0; sleep 0.1; done; exit 1";
    lab.host().sh(gone)?;
    lab.host().ok("ip netns delete stays").map(drop)
}
