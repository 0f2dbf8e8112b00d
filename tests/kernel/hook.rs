//! What the hook may do while it reads what strangers wrote, and in which order it puts itself.

use lab::{Lab, Need, Probe, Result, SHOWN, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("rights: the hook's while it reads and while it acts", &[Need::MACVLAN], rights),
        trial("rights: a hook without the host's root makes nothing", &[], rootless),
    ]
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 -o parent=eth0 lan";
/// The capabilities' bits (`linux/capability.h`).
const NET_ADMIN: u64 = 1 << 12;
const KILL: u64 = 1 << 5;
/// Of `/proc/PID/fdinfo`: `O_CLOEXEC`.
const CLOSE_ON_EXEC: u32 = 0o2_000_000;

/// Started as crun starts it, with signals blocked and ignored, and an environment.
fn rights(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let mut replica = inside.replica("a", "lan")?;
        let through = ["--block-signal", "--ignore-signal=TERM,HUP", "LD_PRELOAD=/x", "PATH=/x"];
        let mut probe = replica.probe_hook("createRuntime", &through)?;
        for (file, permitted) in [("/config.json", None), ("lan.json", Some(NET_ADMIN | KILL))] {
            assert!(run_to_open(&mut probe, file)?, "{file}");
            // It opens the bundle with what it has, since that may be another user's, and reads it without.
            assert!(probe.run_to_call(libc::SYS_read)?);
            let effective = probe.capabilities("CapEff")?;
            SHOWN.add(format!(
                "hook at {file}: effective {effective:x} permitted {:x}",
                probe.capabilities("CapPrm")?
            ));
            if let Some(permitted) = permitted {
                assert_eq!((effective, probe.capabilities("CapPrm")?), (0, permitted), "{file}");
            }
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
    // SIGPIPE alone, which Rust has every program ignore. Above 31, some are the C library's own, which it lets
    // nobody set.
    let ignored = u64::from_str_radix(&probe.status("SigIgn")?, 16).ok();
    assert_eq!(ignored.map(|signals| signals & 0x7fff_ffff), Some(1 << 12));
    Ok(())
}

/// Root of a user namespace has no power over the host's network card.
fn rootless(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let replica = inside.replica("a", "lan")?;
        for unshare in ["unshare --user --map-root-user", "setpriv --reuid=65534 --clear-groups"] {
            let complaint = replica.complaint_through("createRuntime", unshare)?;
            assert!(complaint.contains("needs the host's root"), "{complaint}");
            assert!(complaint.contains("rootless containers cannot be attached"), "{complaint}");
        }
        let fewer = "setpriv --bounding-set=-net_admin,-sys_admin";
        let complaint = replica.complaint_through("createRuntime", fewer)?;
        assert!(
            complaint.contains("needs CAP_SYS_ADMIN, CAP_NET_ADMIN, which this does not have"),
            "{complaint}"
        );
        assert!(replica.links().is_empty() && inside.records()?.is_empty());
        Ok(())
    })
}
