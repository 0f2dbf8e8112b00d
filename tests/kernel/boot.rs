//! A machine that boots: parents that are not there yet, everybody at once, and what an earlier boot left.

use std::{
    thread,
    time::{Duration, Instant},
};

use lab::{Inside, Lab, Need, Replica, Result, RunningHook, TALLY, Tally, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    const MACVLAN: [Need; 1] = [Need::MACVLAN];
    vec![
        trial("20 containers wait for one parent, and start when it appears", &MACVLAN, parent_appears),
        trial("20 containers wait for the card below their VLAN", &[Need::MACVLAN, Need::VLAN], card_appears),
        trial("containers wait for the default route", &MACVLAN, route_appears),
        trial("a parent that does not appear in time is an error that says so", &MACVLAN, in_vain),
        trial("after a reboot the definitions are enough", &MACVLAN, reboot),
        trial("records that outlived a boot hold nothing and confuse nobody", &MACVLAN, outlived),
        trial(
            "a clock that is set back, and forth again, changes nothing",
            &[Need::MACVLAN, Need::Clock],
            clock,
        ),
    ]
}

const CONTAINERS: usize = 20;
/// When the parent appears.
const LATE: Duration = Duration::from_millis(300);

/// Starts containers on `lan`, then does what they wait for, and expects them all to start soon after that.
fn start_before(inside: &Inside, appear: &str) -> Result<Vec<Replica>> {
    let crowd: Vec<_> =
        (0..CONTAINERS).map(|number| inside.replica(&format!("c{number}"), "lan")).collect::<Result<_>>()?;
    let start = Instant::now();
    let running: Vec<RunningHook> =
        crowd.iter().map(|replica| replica.spawn_hook("createRuntime")).collect::<Result<_>>()?;
    thread::sleep(LATE);
    inside.host().sh(appear)?;
    for hook in running {
        hook.success()?;
        Tally::count(&TALLY.operations);
    }
    let took = start.elapsed();
    assert!(LATE < took && took < Duration::from_secs(8), "{took:?}");
    assert_eq!(inside.leases()?.len(), CONTAINERS);
    assert!(crowd.iter().all(|replica| replica.links() == ["eth0"]));
    Ok(crowd)
}

fn end(inside: &Inside, crowd: &[Replica]) -> Result {
    crowd.iter().try_for_each(Replica::detach)?;
    inside.expect_nothing()
}

fn parent_appears(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 -o parent=nic1 --parent-wait 15 lan")?;
    lab.inside(|inside| {
        // A link that is down and has no carrier is there.
        let crowd = start_before(inside, "ip link add nic1 type veth peer name far1")?;
        end(inside, &crowd)?;
        inside.host().ok("ip link delete nic1").map(drop)
    })
}

fn card_appears(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 -o parent=nic1.50 --parent-wait 15 lan")?;
    lab.inside(|inside| {
        // Under another name first, as cards are born before somebody gives them their names.
        let crowd = start_before(
            inside,
            "ip link add new type veth peer name far1 && sleep 0.1 && ip link set new name nic1 && ip link set far1 up",
        )?;
        assert_eq!(inside.host().interface("nic1.50")?.data["id"], 50);
        end(inside, &crowd)?;
        inside.underlay("network rm lan")?;
        inside.host().ok("ip link delete nic1").map(drop)
    })
}

fn route_appears(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 -o parent=auto --parent-wait 15 lan")?;
    lab.inside(|inside| {
        let crowd = start_before(inside, "ip route add default dev eth0")?;
        end(inside, &crowd)?;
        inside.host().ok("ip route delete default").map(drop)
    })
}

fn in_vain(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 -o parent=nic1 --parent-wait 1 lan")?;
    lab.inside(|inside| {
        let crowd: Vec<_> =
            (0..3).map(|number| inside.replica(&format!("c{number}"), "lan")).collect::<Result<_>>()?;
        let start = Instant::now();
        let running: Vec<_> =
            crowd.iter().map(|replica| replica.spawn_hook("createRuntime")).collect::<Result<_>>()?;
        thread::sleep(LATE);
        // Something happens, but not that.
        inside.host().ok("ip link add nic2 type veth peer name far2")?;
        for hook in running {
            let (status, complaint) = hook.end()?;
            assert!(!status.success(), "{complaint}");
            assert!(
                complaint.contains("nic1 does not exist") && complaint.contains("waited 1 s"),
                "{complaint}"
            );
        }
        let took = start.elapsed();
        assert!(Duration::from_secs(1) < took && took < Duration::from_secs(5), "{took:?}");
        inside.expect_nothing()?;
        inside.host().ok("ip link delete nic2").map(drop)
    })
}

/// Links, namespaces and /run are gone; the card comes late, and all containers want to start at once, each with
/// the address that it had.
fn reboot(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 -o parent=nic1 --parent-wait 15 lan")?;
    lab.inside(|inside| {
        let host = inside.host();
        let before = start_before(inside, "ip link add nic1 type veth peer name far1")?;
        let had = inside.leases()?;
        drop(before);
        host.sh("ip link delete nic1; rm -rf /run/underlay")?;
        let after = start_before(inside, "ip link add nic1 type veth peer name far1")?;
        assert_eq!(inside.leases()?, had);
        end(inside, &after)?;
        host.ok("ip link delete nic1").map(drop)
    })
}

/// Where /run is no tmpfs. Cookies are counted from the same number in each boot, so the record of one boot may be
/// found by a namespace of the next.
fn outlived(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan")?;
    lab.inside(|inside| {
        let host = inside.host();
        let mut gone = inside.replica("gone", "lan:ip=10.0.0.11")?;
        gone.attach()?;
        gone.kill();
        let keeper = inside.replica("keeper", "")?;
        let mut before = inside.replica_beside("before", "lan:ip=10.0.0.12", &keeper)?;
        before.attach()?;
        before.kill();
        host.namespace(&keeper.namespace()).ok("ip link delete eth0")?;
        host.sh("echo 00000000-0000-4000-8000-000000000000 >/run/boot_id && \
                 mount --bind /run/boot_id /proc/sys/kernel/random/boot_id")?;
        // The same cookie, and an address that another one had.
        let after = inside.replica_beside("after", "lan:ip=10.0.0.11", &keeper)?;
        after.attach()?;
        inside.gc()?;
        assert_eq!(inside.leases()?.into_iter().collect::<Vec<_>>(), ["10.0.0.11"]);
        assert_eq!(keeper.links(), ["eth0"]);
        after.detach()?;
        assert_eq!(keeper.links(), [""; 0]);
        inside.expect_nothing()?;
        host.ok("umount /proc/sys/kernel/random/boot_id").map(drop)
    })
}

/// As it is early in a boot on a machine without a battery, until somebody asks a time server.
fn clock(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan")?;
    lab.network("-d macvlan --subnet=10.9.0.0/24 -o parent=nic1 --parent-wait 10 late")?;
    lab.inside(|inside| {
        let host = inside.host();
        let living = inside.replica("living", "lan:ip=10.0.0.11")?;
        living.attach()?;
        let mut dead = inside.replica("dead", "lan:ip=10.0.0.12")?;
        dead.attach()?;
        let waiting = inside.replica("waiting", "late")?;
        let hook = waiting.spawn_hook("createRuntime")?;
        thread::sleep(LATE);
        host.sh("date -s @$(($(date +%s) - 172800)); ip link add nic1 type veth peer name far1")?;
        // A deadline by this clock would be two days away; the other way round it would be over.
        hook.success()?;
        let waiting_on = inside.replica("waiting-on", "late")?;
        host.ok("ip link delete nic1")?;
        let hook = waiting_on.spawn_hook("createRuntime")?;
        thread::sleep(LATE);
        host.sh("date -s @$(($(date +%s) + 172800)); ip link add nic1 type veth peer name far1")?;
        hook.success()?;
        inside.gc()?;
        assert!(inside.leases()?.contains("10.0.0.11") && inside.leases()?.contains("10.0.0.12"));
        host.sh("date -s @$(($(date +%s) - 172800))")?;
        dead.kill();
        // An attach collects whose address it asks for.
        let heir = inside.replica("heir", "lan:ip=10.0.0.12")?;
        heir.attach()?;
        inside.gc()?;
        assert!(inside.leases()?.contains("10.0.0.11"), "it lives");
        end(inside, &[living, waiting, waiting_on, heir])?;
        host.sh("date -s @$(($(date +%s) + 172800)); ip link delete nic1").map(drop)
    })
}
