//! Whatever fails, and wherever a process is killed: nothing is left that gc does not take, and the next
//! attach works.
//!
//! One system call of the hook or of its helper after the other is made to fail, or the program is killed
//! there, until a run has no more calls. After each, the namespace lives on or dies, gc runs or does not, and
//! then another container has to get what the first one would have had.

use std::{thread, time::Duration};

use lab::{Fault, Harm, Inside, Lab, Need, Program, Replica, Result, TALLY, Tally, Traced, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (victim, whose) in [(Program::Hook, "the hook"), (Program::Helper, "its helper")] {
        for (harm, what) in
            [(Harm::Kill, "killed at"), (Harm::Error, "failing at"), (Harm::Interrupt, "interrupted at")]
        {
            let scenario = Scenario { victim, harm, others: &[] };
            trials.push(trial(format!("attach, {whose} {what} every call"), &[Need::MACVLAN], move |lab| {
                sweep(lab, scenario, attach)
            }));
            trials.push(trial(format!("detach, {whose} {what} every call"), &[Need::MACVLAN], move |lab| {
                sweep(lab, scenario, detach)
            }));
        }
    }
    // The hook expected nothing to be there, and leases again in other names.
    for (harm, what) in [(Harm::Kill, "killed at"), (Harm::Error, "failing at")] {
        let scenario = Scenario { victim: Program::Hook, harm, others: &["eth0", "eth9"] };
        let name = format!("attach beside another's link, the hook {what} every call");
        trials.push(trial(name, &[Need::MACVLAN], move |lab| sweep(lab, scenario, attach)));
    }
    trials
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/16 --gateway=10.0.0.1 -o parent=eth0 lan";

/// A program, and what happens to it.
#[derive(Clone, Copy)]
struct Scenario {
    victim: Program,
    harm: Harm,
    /// The links that somebody else made in the namespace that lives on: the two ends of a cable, or none.
    others: &'static [&'static str],
}

/// One place of a sweep.
struct Place<'a> {
    inside: &'a Inside,
    /// Holds the namespace that lives on.
    keeper: &'a Replica,
    others: &'static [&'static str],
    fault: Fault,
}

/// Lets a run fail at its first place, its second, and so on until there is none left.
fn sweep(lab: &Lab, scenario: Scenario, run: fn(&Place<'_>) -> Result<bool>) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let keeper = inside.replica("keeper", "")?;
        let Scenario { victim, harm, others } = scenario;
        if let [end, other] = others {
            let there = inside.host().namespace(&keeper.namespace());
            there.ok(&format!("ip link add {end} type veth peer name {other}"))?;
        }
        for call in 0.. {
            let place = Place { inside, keeper: &keeper, others, fault: Fault { victim, call, harm } };
            if !run(&place)? {
                // Far fewer calls than there are would mean that the tracer did not see them.
                let expected = if harm == Harm::Interrupt { 4 } else { 10 };
                assert!(call > expected, "only {call} calls");
                return Ok(());
            }
        }
        Ok(())
    })
}

/// An attach that goes wrong: in a namespace that lives on, and in one that dies.
fn attach(place: &Place<'_>) -> Result<bool> {
    let mut replica = place.inside.replica_beside(&place.name("a"), "lan", place.keeper)?;
    let traced = place.trace(&replica, "createRuntime")?;
    if traced.struck.is_none() {
        replica.detach()?;
        return Ok(false);
    }
    assert!(
        place.fault.harm != Harm::Interrupt || traced.code == Some(0),
        "{}: attach ended with {:?}",
        place.at(&traced),
        traced.code
    );
    match traced.code {
        Some(0) => place.expect_attached(&replica, &traced)?,
        // It lived to see what happened, and a failed attach takes itself back.
        Some(_) => place.expect_nothing("after a failed attach", true, &traced)?,
        None => {}
    }
    // Half of the time the next attach finds what the one before left.
    if place.fault.call.is_multiple_of(2) {
        replica.kill();
        place.collect("in a living namespace", &traced)?;
    }
    place.expect_the_next_works(&traced)?;
    drop(replica);
    place.collect("in a living namespace, after the next", &traced)?;

    let mut replica = place.inside.replica(&place.name("b"), "lan")?;
    let traced = place.trace(&replica, "createRuntime")?;
    replica.kill();
    place.collect("in a dead namespace", &traced)?;
    Ok(true)
}

/// A detach that goes wrong: from a namespace that lives on, and from one that is dead.
fn detach(place: &Place<'_>) -> Result<bool> {
    let mut replica = place.inside.replica_beside(&place.name("a"), "lan", place.keeper)?;
    replica.attach()?;
    replica.kill();
    let traced = place.trace(&replica, "poststop")?;
    assert!(
        matches!(traced.code, Some(0) | None),
        "{}: poststop ended with {:?}",
        place.at(&traced),
        traced.code
    );
    if place.fault.call.is_multiple_of(2) {
        place.collect("in a living namespace", &traced)?;
    }
    place.expect_the_next_works(&traced)?;
    place.collect("in a living namespace, after the next", &traced)?;

    let mut replica = place.inside.replica(&place.name("b"), "lan")?;
    replica.attach()?;
    replica.kill();
    let in_dead = place.trace(&replica, "poststop")?;
    place.collect("in a dead namespace", &in_dead)?;
    Ok(traced.struck.is_some() || in_dead.struck.is_some())
}

impl Place<'_> {
    fn name(&self, letter: &str) -> String {
        format!("{letter}{}", self.fault.call)
    }

    fn at(&self, traced: &Traced) -> String {
        let Fault { victim, call, harm } = self.fault;
        format!("{harm:?} at call {call} ({}) of {victim:?}", traced.struck.unwrap_or("none"))
    }

    fn trace(&self, replica: &Replica, stage: &'static str) -> Result<Traced> {
        let traced = replica.trace_hook(stage, Some(self.fault))?;
        if traced.struck.is_some() {
            Tally::count(match self.fault.harm {
                Harm::Kill => &TALLY.crashes,
                _ => &TALLY.faults,
            });
        }
        Tally::count(&TALLY.operations);
        Ok(traced)
    }

    /// Success means all of it, whatever went wrong on the way: an interface with an address that is leased.
    fn expect_attached(&self, replica: &Replica, traced: &Traced) -> Result {
        let mut interfaces = self.inside.host().namespace(&replica.namespace()).interfaces()?;
        interfaces.retain(|interface| !self.others.contains(&interface.name.as_str()));
        let [interface] = interfaces.as_slice() else {
            panic!("{}: {interfaces:?}", self.at(traced));
        };
        let address = interface.addresses[0].trim_end_matches("/16");
        let routes = self.inside.host().namespace(&replica.namespace()).routes()?;
        assert!(
            routes.iter().any(|route| route.starts_with("default via 10.0.0.1 ")),
            "{}: {routes:?}",
            self.at(traced)
        );
        let records = self.inside.records()?;
        let lease = format!("leases/{address} -> ");
        let name = if self.others.is_empty() { "eth0" } else { "eth1" };
        assert!(interface.up && interface.name == name, "{}: {interface:?}", self.at(traced));
        assert!(
            records.iter().any(|line| line.starts_with(&lease)),
            "{}: no {lease} in {records:#?}",
            self.at(traced)
        );
        Ok(())
    }

    /// In the namespace that lives on, without those of others.
    fn links(&self) -> Vec<String> {
        let mut links = self.keeper.links();
        links.retain(|link| !self.others.contains(&link.as_str()));
        links
    }

    /// Has gc run until nothing is left, which may take as long as the kernel takes to let go of a namespace.
    fn collect(&self, when: &str, traced: &Traced) -> Result {
        for _ in 0..100 {
            self.inside.gc()?;
            if self.inside.records()?.is_empty() && self.links().is_empty() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.expect_nothing(when, false, traced)
    }

    fn expect_nothing(&self, when: &str, is_after_failure: bool, traced: &Traced) -> Result {
        let (mut records, links) = (self.inside.records()?, self.links());
        // A lock that could not be taken is not there to be removed; gc sweeps its file up.
        records.retain(|line| !is_after_failure || !line.contains(".lock"));
        if !records.is_empty() || !links.is_empty() {
            Tally::count(&TALLY.leaks);
        }
        assert!(
            records.is_empty() && links.is_empty(),
            "{}, {when}: {records:#?} {links:?}",
            self.at(traced)
        );
        Ok(())
    }

    /// Another container of the same namespace gets an interface and the only lease, and leaves nothing.
    fn expect_the_next_works(&self, traced: &Traced) -> Result {
        let mut next = self.inside.replica_beside(&self.name("next"), "lan", self.keeper)?;
        next.attach()?;
        self.expect_attached(&next, traced)?;
        next.kill();
        next.detach()
    }
}
