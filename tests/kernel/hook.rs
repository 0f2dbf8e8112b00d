//! What the hook may do while it reads what strangers wrote, and in which order it puts itself.

use lab::{Lab, Need, Probe, Result, SHOWN, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("rights: the hook's while it reads and while it acts", &[Need::MACVLAN], rights),
        trial(
            "a hook with closed standard streams attaches, or says why not",
            &[Need::MACVLAN],
            closed_streams,
        ),
        trial("rights: a hook without the host's root makes nothing", &[], rootless),
    ]
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 -o parent=eth0 lan";
/// The capabilities' bits (`linux/capability.h`).
const NET_ADMIN: u64 = 1 << 12;
const KILL: u64 = 1 << 5;
/// Of `/proc/PID/fdinfo`: `O_CLOEXEC`.
const CLOSE_ON_EXEC: u32 = 0o2_000_000;

/// What it opens must not take their place.
fn closed_streams(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let replica = inside.replica("a", "lan")?;
        for closed in [">&-", "2>&-", ">&- 2>&-"] {
            assert_eq!(replica.ends_without("createRuntime", closed, 0)?, "", "{closed}");
            assert_eq!(replica.links(), ["eth0"], "{closed}");
        }
        let complaint = replica.ends_without("createRuntime", "<&-", 1)?;
        assert!(complaint.contains("from standard input: Bad file descriptor"), "{complaint}");
        assert_eq!(replica.ends_without("createRuntime", "<&- >&- 2>&-", 1)?, "");
        replica.detach()?;
        inside.expect_nothing()
    })
}

/// Started as crun starts it, with signals blocked and ignored, and an environment.
fn rights(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let mut replica = inside.replica("a", "lan")?;
        let through =
            ["--block-signal", "--ignore-signal=TERM,HUP,QUIT,USR1,WINCH", "LD_PRELOAD=/x", "PATH=/x"];
        let mut probe = replica.probe_hook("createRuntime", &through)?;
        for file in ["config.json", "lan.json"] {
            assert!(probe.run_to_read(file)?, "{file}");
            let (effective, permitted) = (probe.capabilities("CapEff")?, probe.capabilities("CapPrm")?);
            SHOWN.add(format!("hook while it reads {file}: effective {effective:x} permitted {permitted:x}"));
            assert_eq!((effective, permitted), (0, NET_ADMIN | KILL), "{file}");
        }
        expect_order(&probe)?;
        // The lock of the namespace's record.
        assert!(run_to_open(&mut probe, ".lock")?);
        assert_eq!(probe.capabilities("CapEff")?, NET_ADMIN | KILL);
        assert!(!probe.run_to(|_, _| false)?);
        assert_eq!(replica.links(), ["eth0"]);
        replica.kill();
        replica.detach()
    })
}

/// Goes on until a file is opened whose path has this ending.
pub(crate) fn run_to_open(probe: &mut Probe, ending: &str) -> Result<bool> {
    let memory = probe.memory()?;
    probe.run_to(|call, arguments| {
        let path = match call.cast_signed() {
            libc::SYS_open => arguments[0],
            libc::SYS_openat => arguments[1],
            _ => return false,
        };
        memory.text_at(path).ends_with(ending)
    })
}

/// Descriptors close themselves, signals are as a new process has them.
fn expect_order(probe: &Probe) -> Result {
    let open: Vec<_> = probe.descriptors()?.into_iter().filter(|(fd, _)| *fd > 2).collect();
    assert!(!open.is_empty(), "the namespace is pinned");
    assert!(open.iter().all(|(_, flags)| flags & CLOSE_ON_EXEC != 0), "{open:?}");
    assert_eq!(probe.status("SigBlk")?, "0".repeat(16));
    // SIGPIPE alone, which would end it where a helper ended early. Above 31, some are the C library's own, which it lets
    // nobody set.
    let ignored = u64::from_str_radix(&probe.status("SigIgn")?, 16).ok();
    assert_eq!(ignored.map(|signals| signals & 0x7fff_ffff), Some(1 << 12));
    Ok(())
}

/// A user namespace, mounted, that maps all of the host's users to themselves.
const MAP: &str = "\
    own=$(readlink /proc/self/ns/user)
    unshare --user sleep 60 & process=$!
    until [ \"$(readlink /proc/$process/ns/user)\" != \"$own\" ]; do sleep 0.01; done
    echo 0 0 4294967295 >/proc/$process/uid_map
    echo 0 0 4294967295 >/proc/$process/gid_map
    touch /run/mapped
    mount --bind /proc/$process/ns/user /run/mapped
    kill $process";

/// Root of a user namespace has no power over the host's network card, whatever the namespace calls its users.
fn rootless(lab: &Lab) -> Result {
    const NESTED: &str = "unshare --user --map-root-user";
    lab.network(LAN)?;
    lab.inside(|inside| {
        let replica = inside.replica("a", "lan")?;
        inside.host().sh(MAP)?;
        for through in [
            NESTED,
            &format!("{NESTED} --net"),
            &format!("{NESTED} {NESTED}"),
            // All of the host's users, by the same numbers.
            "nsenter --user=/run/mapped",
            &format!("nsenter --user=/run/mapped {NESTED}"),
            "setpriv --reuid=65534 --clear-groups",
        ] {
            let complaint = replica.complaint_through("createRuntime", through)?;
            assert!(complaint.contains("needs the host's root"), "{through}: {complaint}");
            assert!(complaint.contains("rootless containers cannot be attached"), "{through}: {complaint}");
        }
        for lacking in ["sys_admin", "net_admin", "setuid", "setgid", "setpcap"] {
            let complaint =
                replica.complaint_through("createRuntime", &format!("setpriv --bounding-set=-{lacking}"))?;
            let words = format!("needs CAP_{}, which this does not have", lacking.to_uppercase());
            assert!(complaint.contains(&words), "{complaint}");
        }
        let fewer = "setpriv --bounding-set=-net_admin,-sys_admin";
        let complaint = replica.complaint_through("createRuntime", fewer)?;
        assert!(complaint.contains("needs CAP_SYS_ADMIN, CAP_NET_ADMIN, which"), "{complaint}");
        assert!(replica.links().is_empty() && inside.records()?.is_empty());
        // Nor was anything begun: what is recorded is below it.
        assert_eq!(inside.host().sh("ls /run | grep -x underlay | cat")?, "");
        inside.host().ok("umount /run/mapped").map(drop)
    })
}
