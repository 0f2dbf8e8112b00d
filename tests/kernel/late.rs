//! Words that come late, twice or in another order than they should.

use lab::{Lab, Need, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    const NEEDS: [Need; 1] = [Need::MACVLAN];
    let mut trials = vec![
        trial("a late poststop leaves the newer run alone, in a namespace of its own", &NEEDS, newer_run),
        trial(
            "a late poststop leaves the newer run alone, in a namespace that stayed",
            &NEEDS,
            same_namespace,
        ),
        trial("containers of one namespace may end in any order", &NEEDS, any_order),
        trial("init containers that end first leave the interface to the others", &NEEDS, init_containers),
        trial("a poststop that comes twice takes nothing from those who share", &NEEDS, twice),
    ];
    trials.extend([Runtime::Runc, Runtime::Crun].map(|runtime| {
        let name = format!("a container started again before its poststop keeps its network, {runtime}");
        trial(name, &[Need::MACVLAN, runtime.need()], move |lab| started_again(lab, runtime))
    }));
    trials
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";

fn newer_run(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let mut first = inside.replica("c1", "lan:ip=10.0.0.9,mac=02:00:00:00:00:09")?;
        first.attach()?;
        first.kill();
        let second = inside.replica("c1", "lan:ip=10.0.0.9,mac=02:00:00:00:00:09")?;
        second.attach()?;
        second.late_poststop()?;
        assert_eq!(second.links(), ["eth0"]);
        assert_eq!(inside.leases()?.len(), 1);
        second.detach()?;
        assert_eq!(second.links(), [""; 0]);
        inside.expect_nothing()
    })
}

fn same_namespace(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let keeper = inside.replica("keeper", "")?;
        let mut first = inside.replica_beside("c1", "lan", &keeper)?;
        first.attach()?;
        first.kill();
        let second = inside.replica_beside("c1", "lan", &keeper)?;
        second.attach()?;
        second.late_poststop()?;
        assert_eq!(keeper.links(), ["eth0"]);
        // And once the newer run has ended, too, its own word counts.
        second.detach()?;
        assert_eq!(keeper.links(), [""; 0]);
        second.detach()?;
        inside.expect_nothing()
    })
}

/// The last one ends without a word, and the others in every order.
fn any_order(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let keeper = inside.replica("keeper", "")?;
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut pod = (0..3)
                .map(|number| inside.replica_beside(&format!("c{number}"), "lan", &keeper))
                .collect::<Result<Vec<_>>>()?;
            pod.iter().try_for_each(lab::Replica::attach)?;
            for (ended, number) in order.into_iter().enumerate() {
                assert_eq!(keeper.links(), ["eth0"], "{order:?} after {ended}");
                assert_eq!(inside.leases()?.len(), 1, "{order:?} after {ended}");
                pod[number].kill();
                if ended < 2 {
                    pod[number].detach()?;
                }
            }
            inside.gc()?;
            assert_eq!(keeper.links(), [""; 0], "{order:?}");
            inside.expect_nothing()?;
        }
        Ok(())
    })
}

/// As Kubernetes has it: two that end one after the other before the third starts, and whose poststop comes only
/// when somebody clears up.
fn init_containers(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let keeper = inside.replica("keeper", "")?;
        let mut first = inside.replica_beside("init1", "lan", &keeper)?;
        first.attach_as_pod()?;
        first.kill();
        let mut second = inside.replica_beside("init2", "lan", &keeper)?;
        second.attach_as_pod()?;
        second.kill();
        inside.gc()?;
        let made = inside.host().namespace(&keeper.namespace()).interfaces()?;
        let app = inside.replica_beside("app", "lan", &keeper)?;
        app.attach_as_pod()?;
        second.detach()?;
        inside.gc()?;
        first.detach()?;
        assert_eq!(
            inside.host().namespace(&keeper.namespace()).interfaces()?,
            made,
            "one from the beginning"
        );
        assert_eq!(inside.leases()?.len(), 1);
        app.detach()?;
        assert_eq!(keeper.links(), [""; 0]);
        inside.expect_nothing()
    })
}

fn twice(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let keeper = inside.replica("keeper", "")?;
        let first = inside.replica_beside("c1", "lan", &keeper)?;
        let second = inside.replica_beside("c2", "lan", &keeper)?;
        first.attach()?;
        second.attach()?;
        for _ in 0..3 {
            first.detach()?;
            assert_eq!(keeper.links(), ["eth0"]);
            assert_eq!(inside.leases()?.len(), 1);
        }
        second.detach()?;
        second.detach()?;
        assert_eq!(keeper.links(), [""; 0]);
        inside.expect_nothing()
    })
}

/// The runtime forgets the container (it crashed, or somebody cleared its directory), the engine starts it
/// again from the same bundle, and only then the first one's end is told.
fn started_again(lab: &Lab, runtime: Runtime) -> Result {
    lab.lan().address("10.0.0.1/24")?;
    lab.network(LAN)?;
    let order = || lab.container("c1").by(runtime).networks("lan:ip=10.0.0.9");
    let first = order().start()?;
    let state = first.state()?.to_string();
    lab.host().ok(&format!("kill -KILL {}", first.pid))?;
    // A hidden cgroup of the same name would stop the second one.
    lab.host().sh(&format!(
        "rm -rf /run/{runtime}/{id}; for n in $(seq 50); do find /sys/fs/cgroup -depth -type d -name {id} -exec rmdir {{}} + 2>/dev/null && break; sleep 0.02; done",
        id = first.id
    ))?;
    let second = order().start()?;
    let stopped = state.replace("\"running\"", "\"stopped\"");
    lab.hook("poststop", &stopped)?.success()?;
    second.ping("10.0.0.1")?;
    assert_eq!(lab.leases()?, ["10.0.0.9"]);
    second.delete()?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}
