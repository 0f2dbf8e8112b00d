//! What is dead gives way to those who come, without anybody calling gc; and what gc says of it.

use std::{thread, time::Duration};

use lab::{Lab, Need, Replica, Result, Runtime, TALLY, Tally, Trial, trial};
use serde_json::Value;

pub(crate) fn trials() -> Vec<Trial> {
    const NEEDS: [Need; 1] = [Need::MACVLAN];
    let mut trials = vec![
        trial(
            "a dead container's address is given to who asks for it, a living one's is not",
            &NEEDS,
            address,
        ),
        trial("an address is waited for whose holder is just leaving", &NEEDS, leaving),
        trial("a range is exhausted by the living alone", &NEEDS, exhausted),
        trial("a parent is kept from others by the living alone", &NEEDS, parent),
        trial("who comes and goes takes the dead along", &NEEDS, swept),
        trial("who comes and goes takes along who ended in a namespace that lives", &NEEDS, swept_closely),
        trial("gc says what it took, and why", &NEEDS, report),
    ];
    let same: fn(u8) -> u8 = |_| 9;
    let other: fn(u8) -> u8 = |round| round;
    for (whose, mac) in [("address and MAC", same), ("address and another MAC", other)] {
        trials.extend([Runtime::Runc, Runtime::Crun].map(|runtime| {
            let name =
                format!("a container restarts 50 times with its own {whose} and is reached, {runtime}");
            trial(name, &[Need::MACVLAN, runtime.need()], move |lab| restarts(lab, runtime, mac))
        }));
    }
    trials
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";

fn refusal(replica: &Replica) -> Result<String> {
    let (status, complaint) = replica.spawn_hook("createRuntime")?.end()?;
    assert!(!status.success(), "{}", replica.name);
    Ok(complaint)
}

fn address(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let keeper = inside.replica("keeper", "")?;
        let mut first = inside.replica("first", "lan:ip=10.0.0.9")?;
        // In a namespace that lives on, so that there is a link to be removed, too.
        let mut second = inside.replica_beside("second", "lan:ip=10.0.0.10", &keeper)?;
        first.attach()?;
        second.attach()?;
        let next = inside.replica("next", "lan:ip=10.0.0.9,ip=10.0.0.10")?;
        let complaint = refusal(&next)?;
        assert!(
            complaint.contains("10.0.0.9 is taken") && complaint.contains("10.0.0.10 is taken"),
            "{complaint}"
        );
        first.kill();
        let complaint = refusal(&next)?;
        assert!(complaint.contains("10.0.0.10 is taken"), "{complaint}");
        second.kill();
        next.attach()?;
        assert_eq!(keeper.links(), [""; 0]);
        assert_eq!(inside.leases()?.len(), 2);
        next.detach()?;
        inside.expect_nothing()
    })
}

/// The poststop of the one and the start of the other, at once.
fn leaving(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let mut before = inside.replica("c0", "lan:ip=10.0.0.9")?;
        before.attach()?;
        for round in 1..40 {
            let next = inside.replica(&format!("c{round}"), "lan:ip=10.0.0.9")?;
            // With its link to be removed, which takes the longest, and without.
            if round % 2 == 0 {
                before.kill();
            }
            let stop = before.spawn_hook("poststop")?;
            thread::sleep(Duration::from_micros(round * 50));
            next.attach()?;
            stop.success()?;
            assert_eq!(inside.leases()?.len(), 1);
            assert_eq!(next.links(), ["eth0"]);
            Tally::count(&TALLY.operations);
            before = next;
        }
        before.detach()?;
        inside.expect_nothing()
    })
}

fn exhausted(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 --ip-range=10.0.0.16/30 -o parent=eth0 lan")?;
    lab.inside(|inside| {
        let mut crowd =
            (0..4).map(|number| inside.replica(&format!("c{number}"), "lan")).collect::<Result<Vec<_>>>()?;
        crowd.iter().try_for_each(Replica::attach)?;
        let next = inside.replica("next", "lan")?;
        let complaint = refusal(&next)?;
        assert!(complaint.contains("no free IPv4 address"), "{complaint}");
        crowd[1].kill();
        crowd[2].kill();
        next.attach()?;
        let last = inside.replica("last", "lan")?;
        last.attach()?;
        assert_eq!(inside.leases()?.len(), 4);
        let complaint = refusal(&inside.replica("late", "lan")?)?;
        assert!(complaint.contains("no free IPv4 address"), "{complaint}");
        for living in [&crowd[0], &crowd[3], &next, &last] {
            assert_eq!(living.links(), ["eth0"], "{}", living.name);
            living.detach()?;
        }
        inside.expect_nothing()
    })
}

fn parent(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 -o macvlan_mode=passthru -o parent=eth0 alone")?;
    lab.inside(|inside| {
        let mut first = inside.replica("first", "alone")?;
        first.attach()?;
        let next = inside.replica("next", "alone")?;
        let complaint = refusal(&next)?;
        assert!(complaint.contains("in use by network alone"), "{complaint}");
        first.kill();
        next.attach()?;
        assert_eq!(next.links(), ["eth0"]);
        next.detach()?;
        inside.expect_nothing()
    })
}

/// Of a range of 16, eight die without a word. One container that starts again and again comes round.
fn swept(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 --ip-range=10.0.0.32/28 -o parent=eth0 lan")?;
    lab.inside(|inside| {
        let living = inside.replica("living", "lan")?;
        living.attach()?;
        for number in 0..8 {
            let mut dead = inside.replica(&format!("dead{number}"), "lan")?;
            dead.attach()?;
            dead.kill();
        }
        for round in 0..24 {
            let guest = inside.replica(&format!("guest{round}"), "lan")?;
            guest.attach()?;
            guest.detach()?;
        }
        assert_eq!(inside.leases()?.into_iter().collect::<Vec<_>>(), ["10.0.0.32"]);
        assert_eq!(living.links(), ["eth0"]);
        living.detach()?;
        inside.expect_nothing()
    })
}

/// Its link is there, as that of the living, which are not looked at as closely each time.
fn swept_closely(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 --ip-range=10.0.0.32/28 -o parent=eth0 lan")?;
    lab.inside(|inside| {
        let living = inside.replica("living", "lan")?;
        living.attach()?;
        let keeper = inside.replica("keeper", "")?;
        let mut ended = inside.replica_beside("ended", "lan", &keeper)?;
        ended.attach()?;
        ended.kill();
        // One in eight of those who come looks closely.
        for round in 0..200 {
            let guest = inside.replica(&format!("guest{round}"), "lan")?;
            guest.attach()?;
            guest.detach()?;
            if inside.leases()?.len() == 1 {
                break;
            }
        }
        assert_eq!(inside.leases()?.into_iter().collect::<Vec<_>>(), ["10.0.0.32"]);
        assert_eq!((keeper.links(), living.links()), (vec![], vec!["eth0".to_owned()]));
        living.detach()?;
        inside.expect_nothing()
    })
}

fn report(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let said = |line: &str| inside.underlay(line);
        assert_eq!(said("gc")?, "");
        let keeper = inside.replica("keeper", "")?;
        let mut dead = inside.replica_beside("dead", "lan", &keeper)?;
        dead.attach()?;
        dead.kill();
        std::os::unix::fs::symlink("h/4000000000/lan/eth0", "/run/underlay/leases/10.0.0.77")
            .expect("a free name");
        let expected = "attachment lan eth0 10.0.0.2/24 of dead: its containers have ended\n\
                        lease 10.0.0.77 of h/4000000000/lan/eth0: its owner is gone\n";
        let before = inside.records()?;
        assert_eq!(said("gc --dry-run")?, expected);
        assert_eq!(inside.records()?, before, "a dry run changes nothing");
        assert_eq!(keeper.links(), ["eth0"]);
        let told: Value = serde_json::from_str(&said("gc --dry-run --format json")?).expect("JSON");
        assert_eq!(told["dry_run"], true);
        assert_eq!(told["attachments"][0]["containers"][0], "dead");
        assert_eq!(told["attachments"][0]["why"], "containers-ended");
        assert_eq!(told["attachments"][0]["addresses"][0], "10.0.0.2/24");
        assert_eq!(told["leases"][0]["address"], "10.0.0.77");
        assert_eq!(said("gc")?, expected);
        let told: Value = serde_json::from_str(&said("gc --format json")?).expect("JSON");
        assert_eq!(told["attachments"].as_array().map(Vec::len), Some(0));
        inside.expect_nothing()
    })
}

/// `mac` makes the last byte of each run's MAC address.
fn restarts(lab: &Lab, runtime: Runtime, mac: fn(u8) -> u8) -> Result {
    lab.lan().address("10.0.0.1/24")?;
    lab.network(LAN)?;
    for round in 0..50 {
        let networks = format!("lan:ip=10.0.0.9,mac=02:00:00:00:00:{:02x}", mac(round));
        let container = lab.container("same").by(runtime).networks(&networks).start()?;
        lab.lan().ping("10.0.0.9")?;
        container.delete()?;
        Tally::count(&TALLY.operations);
    }
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}
