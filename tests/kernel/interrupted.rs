//! What interrupts a hook from outside, and collections that are interrupted themselves.

use std::{
    thread,
    time::{Duration, Instant},
};

use lab::{Fault, Harm, Lab, Need, Program, Result, Runtime, TALLY, Tally, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    const NEEDS: [Need; 1] = [Need::MACVLAN];
    let mut trials =
        vec![trial("a helper that hangs half way is killed at the deadline", &NEEDS, hanging_half_way)];
    for (victim, whose) in [(Program::Hook, "gc"), (Program::Helper, "its helper")] {
        for (harm, what) in [(Harm::Kill, "killed at"), (Harm::Error, "failing at")] {
            trials.push(trial(format!("gc, {whose} {what} every call"), &NEEDS, move |lab| {
                gc(lab, victim, harm)
            }));
        }
    }
    trials.extend([Runtime::Runc, Runtime::Crun].map(|runtime| {
        let name = format!("a runtime that is killed while its hook runs leaves what gc takes, {runtime}");
        trial(name, &[Need::MACVLAN, runtime.need()], move |lab| runtime_killed(lab, runtime))
    }));
    trials
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";

/// It has made its link by then, in a namespace that lives on.
fn hanging_half_way(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let keeper = inside.replica("keeper", "")?;
        let fault = |call, harm| Some(Fault { victim: Program::Helper, call, harm });
        let first = inside.replica_beside("c0", "lan", &keeper)?;
        let whole = first.trace_hook("createRuntime", fault(usize::MAX - 1, Harm::Kill))?;
        first.detach()?;

        let second = inside.replica_beside("c1", "lan", &keeper)?;
        let mut calls = whole.calls;
        let (start, traced) = loop {
            let start = Instant::now();
            let traced = second.trace_hook("createRuntime", fault(calls - 5, Harm::Hang))?;
            if traced.struck.is_some() {
                break (start, traced);
            }
            // The one before made more: a dump that others interrupt is asked for again.
            assert!(traced.code == Some(0) && traced.calls < calls, "{traced:?} after {calls}");
            calls = traced.calls;
            second.detach()?;
        };
        assert_eq!(traced.code, Some(1), "{traced:?}");
        let took = start.elapsed();
        assert!(Duration::from_secs(15) < took && took < Duration::from_secs(27), "{took:?}");
        assert_eq!(keeper.links(), [""; 0]);
        inside.expect_nothing()
    })
}

/// One call after the other of a gc that finds something of every kind. What lives is not touched, and the next
/// gc takes what is left.
fn gc(lab: &Lab, victim: Program, harm: Harm) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let living = inside.replica("living", "lan")?;
        living.attach()?;
        let keeper = inside.replica("keeper", "")?;
        let before = inside.records()?;
        for call in 0.. {
            let mut in_living = inside.replica_beside(&format!("l{call}"), "lan", &keeper)?;
            let mut in_dead = inside.replica(&format!("d{call}"), "lan")?;
            in_living.attach()?;
            in_dead.attach()?;
            in_living.kill();
            in_dead.kill();
            let lease = "/run/underlay/leases/10.9.9.9";
            std::os::unix::fs::symlink("h/4000000000/lan/eth0", lease).expect("a free name");
            let traced = inside.trace_gc(Fault { victim, call, harm })?;
            Tally::count(match harm {
                Harm::Kill => &TALLY.crashes,
                _ => &TALLY.faults,
            });
            for _ in 0..100 {
                if inside.records()? == before && keeper.links().is_empty() {
                    break;
                }
                inside.gc()?;
                thread::sleep(Duration::from_millis(5));
            }
            assert_eq!(
                inside.records()?,
                before,
                "{harm:?} at call {call} ({:?}) of {victim:?}",
                traced.struck
            );
            assert_eq!((keeper.links(), living.links()), (vec![], vec!["eth0".to_owned()]));
            Tally::count(&TALLY.operations);
            if traced.struck.is_none() {
                assert!(call > 10, "only {call} calls");
                break;
            }
        }
        living.detach()?;
        inside.expect_nothing()
    })
}

/// The hook is held up, so that the runtime can be killed before it is done. It goes on as an orphan, and nobody
/// will run poststop.
fn runtime_killed(lab: &Lab, runtime: Runtime) -> Result {
    lab.network(LAN)?;
    let host = lab.host();
    host.hold_parent("eth0")?;
    let order = lab.container("c1").by(runtime).networks("lan");
    thread::scope(|scope| {
        let start = scope.spawn(move || order.start().map(drop));
        host.sh(&format!(
            "until grep -qs ^underlay-hook /proc/[0-9]*/comm; do sleep 0.01; done; \
             for p in /proc/[0-9]*; do if grep -qs '^{runtime}$' $p/comm; then kill -KILL ${{p#/proc/}}; fi; done; \
             kill $(cat /run/holder); \
             while grep -qs ^underlay /proc/[0-9]*/comm; do sleep 0.01; done"
        ))?;
        assert!(start.join().expect("a thread that does not panic").is_err(), "the runtime was killed");
        Result::Ok(())
    })?;
    for _ in 0..100 {
        lab.underlay("gc")?.success()?;
        if lab.leases()?.is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(lab.records()?, [""; 0]);
    Tally::count(&TALLY.crashes);
    // What the runtime itself left does not hinder the next one.
    host.sh(&format!("{runtime} delete --force $(ls /run/{runtime}) || true; rm -rf /run/{runtime}/*"))?;
    let again = lab.container("c2").by(runtime).networks("lan").start()?;
    again.interface("eth0")?;
    again.delete()
}
