//! Single things that go wrong around a hook: its helper hangs, its namespace or its parent goes, the run
//! directory is full, nobody listens to the log.

use std::{
    fs,
    os::unix::net::UnixDatagram,
    thread,
    time::{Duration, Instant},
};

use lab::{Inside, Lab, Need, Replica, Result, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    const NEEDS: [Need; 1] = [Need::MACVLAN];
    vec![
        trial("a helper that hangs is killed at the deadline, and all is taken back", &NEEDS, hanging_helper),
        trial("a namespace that dies during attach leaves nothing", &NEEDS, dying_namespace),
        trial("a parent may go and come back under a container", &NEEDS, parent_again),
        trial("a full run directory refuses containers and lets them go", &NEEDS, full),
        trial("a run directory that became read-only refuses containers", &NEEDS, read_only),
        trial("a line for each attach and detach arrives in the log", &NEEDS, log),
        trial("without a log, or with one that nobody reads, containers start", &NEEDS, no_log),
        trial("a damaged record hinders gc nowhere else", &NEEDS, damaged_record),
        trial(
            "a number that the kernel gave to the next namespace does not keep a lease",
            &NEEDS,
            reused_number,
        ),
        trial("a pod's second interface keeps its claim when the first goes", &NEEDS, claim_of_a_pod),
        trial("a failed attach leaves no claim on the parent", &NEEDS, no_claim),
    ]
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";

/// The helper is stopped before it hears its plan.
fn hanging_helper(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let host = inside.host();
        host.hold_parent("eth0")?;
        let replica = inside.replica("c1", "lan")?;
        let start = Instant::now();
        let hook = replica.spawn_hook("createRuntime")?;
        host.sh("until name=$(grep -ls ^underlay-nsente /proc/[0-9]*/comm); do sleep 0.01; done; \
                 name=${name%/comm}; kill -STOP ${name#/proc/}")?;
        host.let_go()?;
        let (status, complaint) = hook.end()?;
        assert!(!status.success() && complaint.contains("in time"), "{complaint}");
        assert!(start.elapsed() < Duration::from_secs(26), "{:?}", start.elapsed());
        inside.expect_nothing()
    })
}

/// The container is killed at some moment of its attach, another one in each round.
fn dying_namespace(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        for round in 0..40 {
            let mut replica = inside.replica(&format!("c{round}"), "lan")?;
            let hook = replica.spawn_hook("createRuntime")?;
            thread::sleep(Duration::from_micros(300 * round));
            replica.kill();
            hook.end()?;
            inside.gc()?;
            inside.expect_nothing()?;
        }
        Ok(())
    })
}

fn parent_again(lab: &Lab) -> Result {
    lab.host().sh("ip link add nic1 type veth peer name far1 && ip link set nic1 up")?;
    lab.network("-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=nic1 lan")?;
    lab.inside(|inside| {
        let host = inside.host();
        let mut first = inside.replica("c1", "lan:ip=10.0.0.9")?;
        first.attach()?;
        host.ok("ip link delete nic1")?;
        assert_eq!(first.links(), [""; 0], "the kernel takes the links of a parent with it");
        // Without a parent, a clear refusal; what the one above had is its own for as long as it runs or gc
        // has not looked.
        let refused = inside.replica("c2", "lan")?;
        let (status, complaint) = refused.spawn_hook("createRuntime")?.end()?;
        assert!(!status.success() && complaint.contains("nic1 does not exist"), "{complaint}");
        host.sh("ip link add nic1 type veth peer name far1 && ip link set nic1 up")?;
        let second = inside.replica("c3", "lan")?;
        second.attach()?;
        assert_eq!(second.links(), ["eth0"]);
        first.kill();
        first.detach()?;
        second.detach()?;
        assert_eq!(second.links(), [""; 0]);
        inside.expect_nothing()?;
        host.ok("ip link delete nic1").map(drop)
    })
}

/// Fills the run directory's own tmpfs to the last page and inode.
fn full(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let host = inside.host();
        host.sh("mkdir -p /run/underlay && mount -t tmpfs -o size=64k,nr_inodes=40,mode=700 tmpfs /run/underlay")?;
        let mut before = inside.replica("before", "lan")?;
        before.attach()?;
        host.sh("cd /run/underlay && head -c 1M /dev/zero >fill 2>/dev/null; n=0; while true >fill$n; do n=$((n+1)); done 2>/dev/null; true")?;
        let next = inside.replica("next", "lan")?;
        let (status, complaint) = next.spawn_hook("createRuntime")?.end()?;
        assert!(!status.success() && complaint.contains("No space left"), "{complaint}");
        assert_eq!(next.links(), [""; 0]);
        before.kill();
        before.detach()?;
        host.sh("rm -f /run/underlay/fill*")?;
        inside.gc()?;
        inside.expect_nothing()?;
        next.attach()?;
        next.detach()?;
        inside.expect_nothing()?;
        host.ok("umount /run/underlay").map(drop)
    })
}

fn read_only(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let host = inside.host();
        host.sh("mkdir -p /run/underlay && mount -t tmpfs -o mode=700 tmpfs /run/underlay")?;
        let mut before = inside.replica("before", "lan")?;
        before.attach()?;
        host.ok("mount -o remount,ro /run/underlay")?;
        let next = inside.replica("next", "lan")?;
        let (status, complaint) = next.spawn_hook("createRuntime")?.end()?;
        assert!(!status.success() && complaint.contains("Read-only file system"), "{complaint}");
        assert_eq!(next.links(), [""; 0]);
        before.kill();
        // It cannot be done, is said, and is no failure.
        let (status, complaint) = before.spawn_hook("poststop")?.end()?;
        assert!(status.success() && complaint.contains("underlay gc"), "{complaint}");
        host.ok("mount -o remount,rw /run/underlay")?;
        inside.gc()?;
        inside.expect_nothing()?;
        host.ok("umount /run/underlay").map(drop)
    })
}

/// Puts a socket in the place of the log, in this host alone.
fn bind_log(inside: &Inside) -> Result<UnixDatagram> {
    inside.host().sh("mount -t tmpfs tmpfs /dev && mkdir /dev/shm && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/zero c 1 5")?;
    Ok(UnixDatagram::bind("/dev/log").expect("a socket in a tmpfs"))
}

fn log(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let socket = bind_log(inside)?;
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout that is not 0");
        let line = || {
            let mut line = [0; 4096];
            let length = socket.recv(&mut line).expect("a line within five seconds");
            String::from_utf8_lossy(&line[..length]).into_owned()
        };
        let replica = inside.replica("c1", "lan")?;
        replica.attach()?;
        let attached = line();
        for word in [
            "underlay-hook",
            "attached container=c1",
            "network=lan",
            "interface=eth0",
            "addresses=10.0.0.2/24",
        ] {
            assert!(attached.contains(word), "{attached}");
        }
        replica.detach()?;
        let detached = line();
        assert!(detached.contains("detached container=c1") && detached.contains("10.0.0.2/24"), "{detached}");
        inside.expect_nothing()?;
        inside.host().ok("umount --lazy /dev").map(drop)
    })
}

fn no_log(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let socket = bind_log(inside)?;
        // A datagram socket holds so many lines that nobody has read (net.unix.max_dgram_qlen), then senders
        // would wait.
        let filler = UnixDatagram::unbound().expect("a socket");
        filler.set_nonblocking(true).expect("an open socket");
        while filler.send_to(b"x", "/dev/log").is_ok() {}
        start_and_stop(inside)?;
        drop(socket);
        // Its file is there, and nobody is behind it.
        start_and_stop(inside)?;
        fs::remove_file("/dev/log").expect("the socket's file");
        start_and_stop(inside)?;
        inside.host().ok("umount --lazy /dev").map(drop)
    })
}

fn start_and_stop(inside: &Inside) -> Result {
    let start = Instant::now();
    let replica = inside.replica("c1", "lan")?;
    replica.attach()?;
    replica.detach()?;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    inside.expect_nothing()
}

fn damaged_record(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let damaged = inside.replica("damaged", "lan")?;
        damaged.attach()?;
        let record = inside.host().sh("ls /run/underlay/namespaces/*.json")?;
        fs::write(record.trim(), "{").expect("a record");
        let mut dead = inside.replica("dead", "lan")?;
        dead.attach()?;
        dead.kill();
        fs::create_dir_all("/run/underlay/leases").expect("a directory that is there");
        // A lease without a record, as an attach leaves it that was killed.
        std::os::unix::fs::symlink("h/4000000000/lan/eth0", "/run/underlay/leases/10.0.0.77")
            .expect("a free name");
        let complaint = inside.try_gc()?;
        assert!(complaint.contains("is damaged"), "{complaint}");
        let leases: Vec<_> =
            inside.records()?.into_iter().filter(|line| line.starts_with("leases/")).collect();
        assert_eq!(leases.len(), 1, "the damaged record's own lease alone stays: {leases:?}");
        fs::remove_file(record.trim()).expect("a record");
        inside.gc()?;
        inside.expect_nothing()
    })
}

/// A veth pair into a namespace has the kernel number it, from 0, and what it numbered once it numbers again.
fn reused_number(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let host = inside.host();
        let numbered = |name: &str| -> Result<Replica> {
            let replica = inside.replica(name, "lan")?;
            host.ok(&format!("ip link add v{name} type veth peer name v0 netns {}", replica.pid))?;
            // Listing the pair tells where its other end is, for which the kernel needs the number.
            host.ok(&format!("ip link show v{name}"))?;
            Ok(replica)
        };
        let mut first = numbered("c1")?;
        first.attach_as_pod()?;
        first.kill();
        host.sh("while ip link show vc1 >/dev/null 2>&1; do sleep 0.01; done")?;
        let second = numbered("c2")?;
        second.attach_as_pod()?;
        let numbers = host.sh("grep -ho '\"nsid\":[0-9]*' /run/underlay/namespaces/*.json")?;
        let numbers: Vec<_> = numbers.lines().collect();
        assert!(
            numbers.len() == 2 && numbers[0] == numbers[1],
            "the kernel did not use its number again: {numbers:?}"
        );
        inside.gc()?;
        let leases: Vec<_> =
            inside.records()?.into_iter().filter(|line| line.starts_with("leases/")).collect();
        assert_eq!(leases.len(), 1, "{leases:?}");
        second.detach()?;
        inside.expect_nothing()
    })
}

/// Two containers of one namespace have an interface each on the same network.
fn claim_of_a_pod(lab: &Lab) -> Result {
    lab.network(LAN)?;
    // Written by hand: the command would refuse it beside the other.
    lab.write(
        "/run/config/networks/alone.json",
        r#"{"driver": "macvlan", "parent": "eth0", "mode": "passthru", "subnets": [{"subnet": "10.9.0.0/24"}]}"#,
    )?;
    lab.inside(|inside| {
        let first = inside.replica("c1", "lan@net1")?;
        first.attach()?;
        let second = inside.replica_beside("c2", "lan@net2", &first)?;
        second.attach()?;
        first.detach()?;
        assert_eq!(first.links(), ["net2"]);
        let other = inside.replica("other", "alone")?;
        let (status, complaint) = other.spawn_hook("createRuntime")?.end()?;
        assert!(!status.success() && complaint.contains("in use by network lan"), "{complaint}");
        second.detach()?;
        inside.expect_nothing()
    })
}

/// The definition is written by hand; its MTU is more than the parent's.
fn no_claim(lab: &Lab) -> Result {
    lab.write(
        "/run/config/networks/jumbo.json",
        r#"{"driver": "macvlan", "parent": "eth0", "mtu": 9000, "subnets": [{"subnet": "10.1.0.0/24"}]}"#,
    )?;
    lab.inside(|inside| {
        let replica = inside.replica("c1", "jumbo")?;
        let (status, complaint) = replica.spawn_hook("createRuntime")?.end()?;
        assert!(!status.success() && complaint.contains("mtu 9000"), "{complaint}");
        inside.expect_nothing()
    })
}
