//! Crowds: as many containers at once as there are in a full host's boot, and the same container again and
//! again.

use std::{collections::BTreeSet, thread};

use lab::{Inside, Lab, Need, Replica, Result, RunningHook, Runtime, TALLY, Tally, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("200 containers start at once and stop at once", &[Need::MACVLAN], many),
        trial(
            "20 real containers start at once and stop at once",
            &[Need::MACVLAN, Runtime::Runc.need()],
            real,
        ),
        trial(
            "containers of one namespace start at once on networks of their own",
            &[Need::MACVLAN],
            one_namespace,
        ),
        trial("a container with its own address and MAC starts again at once", &[Need::MACVLAN], again),
        trial(
            "gc takes the dead and leaves the living, while others come",
            &[Need::MACVLAN],
            gc_among_the_living,
        ),
    ]
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/22 --gateway=10.0.0.1 -o parent=eth0 lan";

fn many(lab: &Lab) -> Result {
    const CONTAINERS: usize = 200;
    lab.network(LAN)?;
    lab.inside(|inside| {
        let crowd: Vec<_> = (0..CONTAINERS)
            .map(|number| inside.replica(&format!("c{number}"), "lan"))
            .collect::<Result<_>>()?;
        at_once(&crowd, "createRuntime")?;
        let addresses: BTreeSet<_> = inside.leases()?;
        assert_eq!(addresses.len(), CONTAINERS);
        for replica in &crowd {
            assert_eq!(replica.links(), ["eth0"], "{}", replica.name);
        }
        assert_eq!(addresses_in_kernel(inside, &crowd)?, addresses);
        at_once(&crowd, "poststop")?;
        expect_nothing(inside, &crowd)
    })
}

/// Runs the hook of all at the same time; all must succeed without a word.
fn at_once(crowd: &[Replica], stage: &'static str) -> Result {
    let running: Vec<_> = crowd.iter().map(|replica| replica.spawn_hook(stage)).collect::<Result<_>>()?;
    running.into_iter().try_for_each(|hook| {
        Tally::count(&TALLY.operations);
        hook.success()
    })
}

/// The addresses that the links really have. No two of them may be the same.
fn addresses_in_kernel(inside: &Inside, crowd: &[Replica]) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for replica in crowd {
        for interface in inside.host().namespace(&replica.namespace()).interfaces()? {
            for address in interface.addresses {
                let address = address.split('/').next().unwrap_or_default().to_owned();
                if !all.insert(address.clone()) {
                    Tally::count(&TALLY.duplicates);
                    panic!("{address} is there twice, the second time in {}", replica.name);
                }
            }
        }
    }
    Ok(all)
}

fn expect_nothing(inside: &Inside, crowd: &[Replica]) -> Result {
    let records = inside.records()?;
    let links: Vec<_> = crowd.iter().filter(|replica| !replica.links().is_empty()).collect();
    if !records.is_empty() || !links.is_empty() {
        Tally::count(&TALLY.leaks);
    }
    assert!(records.is_empty() && links.is_empty(), "{records:#?} {links:#?}");
    Ok(())
}

fn real(lab: &Lab) -> Result {
    const CONTAINERS: usize = 20;
    lab.network(LAN)?;
    let containers: Vec<_> = thread::scope(|scope| {
        let starts: Vec<_> = (0..CONTAINERS)
            .map(|number| scope.spawn(move || lab.start(&format!("c{number}"), "lan")))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().expect("a thread that does not panic"))
            .collect::<Result<_>>()
    })?;
    let leased: BTreeSet<_> = lab.leases()?.into_iter().collect();
    let mut there = BTreeSet::new();
    for container in &containers {
        let addresses = container.interface("eth0")?.addresses;
        there.extend(addresses.iter().map(|address| address.trim_end_matches("/22").to_owned()));
    }
    assert_eq!((there.len(), &there), (CONTAINERS, &leased));
    thread::scope(|scope| {
        let stops: Vec<_> =
            containers.into_iter().map(|container| scope.spawn(move || container.delete())).collect();
        stops.into_iter().try_for_each(|stop| stop.join().expect("a thread that does not panic"))
    })?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}

/// In a pod, the second hook looked at the namespace before the first had made its link there.
fn one_namespace(lab: &Lab) -> Result {
    const NETWORKS: usize = 8;
    for number in 0..NETWORKS {
        lab.network(&format!(
            "-d macvlan --subnet=10.1.{number}.0/24 --gateway=10.1.{number}.1 -o parent=eth0 n{number}"
        ))?;
    }
    lab.inside(|inside| {
        let keeper = inside.replica("keeper", "")?;
        for round in 0..5 {
            let crowd: Vec<_> = (0..NETWORKS)
                .map(|number| {
                    inside.replica_beside(&format!("r{round}c{number}"), &format!("n{number}"), &keeper)
                })
                .collect::<Result<_>>()?;
            at_once(&crowd, "createRuntime")?;
            let mut links = keeper.links();
            links.sort();
            let expected: Vec<_> = (0..NETWORKS).map(|number| format!("eth{number}")).collect();
            assert_eq!(links, expected);
            let routes = inside.host().namespace(&keeper.namespace()).routes()?;
            assert_eq!(routes.iter().filter(|route| route.starts_with("default")).count(), 1, "{routes:?}");
            at_once(&crowd, "poststop")?;
            expect_nothing(inside, &[])?;
            assert_eq!(keeper.links(), [""; 0]);
        }
        Ok(())
    })
}

/// With a poststop and without one: the kernel holds the MAC for a while, and nobody gave the address back.
fn again(lab: &Lab) -> Result {
    const TIMES: usize = 40;
    lab.network(LAN)?;
    lab.inside(|inside| {
        for time in 0..TIMES {
            let mut replica = inside.replica("same", "lan:ip=10.0.0.9,mac=02:00:00:00:00:09")?;
            replica.attach()?;
            assert_eq!(inside.leases()?, BTreeSet::from(["10.0.0.9".to_owned()]));
            replica.kill();
            if time % 2 == 0 {
                replica.detach()?;
            }
            Tally::count(&TALLY.operations);
        }
        inside.gc()?;
        expect_nothing(inside, &[])
    })
}

/// gc runs without a pause while containers come, and some of them are killed.
fn gc_among_the_living(lab: &Lab) -> Result {
    const CONTAINERS: usize = 60;
    lab.network(LAN)?;
    lab.inside(|inside| {
        let mut crowd: Vec<_> = (0..CONTAINERS)
            .map(|number| inside.replica(&format!("c{number}"), "lan"))
            .collect::<Result<_>>()?;
        for some in crowd.chunks_mut(10) {
            let running: Vec<RunningHook> =
                some.iter().map(|replica| replica.spawn_hook("createRuntime")).collect::<Result<_>>()?;
            for _ in 0..5 {
                inside.gc()?;
            }
            running.into_iter().try_for_each(RunningHook::success)?;
            some.iter_mut().skip(1).step_by(2).for_each(Replica::kill);
            inside.gc()?;
            Tally::count(&TALLY.operations);
        }
        let living: Vec<_> = crowd.into_iter().step_by(2).collect();
        let there = addresses_in_kernel(inside, &living)?;
        assert_eq!((there.len(), there), (CONTAINERS / 2, inside.leases()?));
        at_once(&living, "poststop")?;
        // Those that were killed last may have been alive for the kernel when gc looked.
        inside.gc()?;
        expect_nothing(inside, &living)
    })
}
