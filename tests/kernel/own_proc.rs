//! Where there are many namespaces, the helper writes sysctls in a procfs of its own, if it can have one.

use std::{ffi::CStr, fs, os::unix::fs::MetadataExt};

use lab::{Fate, Fault, Harm, Inside, Lab, Need, Probe, Program, Replica, Result, Trial, Word, trial};
use nix::errno::Errno;

use crate::rights::{OWN_PROC, helper};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("own procfs: from 256 records on, with the container's sysctls", &[Need::MACVLAN], threshold),
        trial("own procfs: where it cannot be had, the host's serves", &[Need::MACVLAN], fallback),
        trial("own procfs: closed to the helper but for the links' sysctls", &[], closed),
    ]
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/16 --gateway=10.0.0.1 -o parent=eth0 lan";
/// What an attach with IPv4 alone sets, and what it would set with IPv6.
const SET: &str = "cat /proc/sys/net/ipv4/conf/eth0/arp_notify /proc/sys/net/ipv6/conf/eth0/disable_ipv6";
const ALL: &str = "grep . /proc/mounts /proc/sys/net/ipv4/conf/*/arp_notify \
                   /proc/sys/net/ipv6/conf/*/{disable_ipv6,accept_ra,autoconf,ndisc_notify}";

const OPTION: Option<&str> = Some("--own-proc");

/// By its number, of the kernel's lowest that was free when it was made: some 70 go with each namespace.
fn is_among_many(replica: &Replica) -> bool {
    let number = fs::metadata(replica.namespace()).expect("a namespace").ino();
    number >= 0xf000_0000 + 200 * 70
}

/// Makes it look as if there were so many records: names of no namespace, which nobody reads.
fn fill(inside: &Inside, records: usize) -> Result {
    let line = format!(
        "mkdir -p /run/underlay/namespaces && cd /run/underlay/namespaces && rm -f no-* && \
         for number in $(seq {records}); do : >no-$number.json; : >no-$number.lock; done"
    );
    inside.host().sh(&line).map(drop)
}

fn threshold(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        let state = || inside.host().run(&["bash", "-c", ALL])?.success();
        let before = state()?;
        for (records, option) in [(255, None), (256, OPTION)] {
            fill(inside, records)?;
            let replica = inside.replica(&format!("c{records}"), "lan")?;
            let words = words_of_helper(inside, &replica)?;
            // The namespaces of other trials count, too.
            let option = if is_among_many(&replica) { OPTION } else { option };
            assert_eq!(words.iter().find(|word| word.starts_with("--own")).map(String::as_str), option);
            expect_set(inside, &replica)?;
            assert_eq!(state()?, before);
            replica.detach()?;
        }
        fill(inside, 0)
    })
}

/// The hook stands where it leases the address, and its helper waits for the plan.
fn words_of_helper(inside: &Inside, replica: &Replica) -> Result<Vec<String>> {
    let mut hook = replica.probe_hook("createRuntime", &[])?;
    assert!(hook.run_to(|call, _| [libc::SYS_symlink, libc::SYS_symlinkat].contains(&call.cast_signed()))?);
    let line = inside.host().sh("cd /proc && for helper in $(grep -ls ^underlay-nsente [0-9]*/comm); do \
         tr '\\0' '\\n' <${helper%comm}cmdline; done")?;
    assert!(!hook.run_to(|_, _| false)?);
    Ok(line.lines().map(str::to_owned).collect())
}

fn expect_set(inside: &Inside, replica: &Replica) -> Result {
    assert_eq!(inside.host().namespace(&replica.namespace()).ok(SET)?, "1\n1\n", "{}", replica.name);
    Ok(())
}

/// From the first call that makes the procfs to the last one that tries it, each fails once.
fn fallback(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        fill(inside, 256)?;
        let mut struck = Vec::new();
        for call in 0.. {
            let fault = Fault { victim: Program::Helper, call, harm: Harm::Error };
            let replica = inside.replica(&format!("c{call}"), "lan")?;
            let traced = replica.trace_hook("createRuntime", Some(fault))?;
            let name = traced.struck.expect("a call");
            if name == "fsopen" || !struck.is_empty() {
                // The first one of those that give the capability up.
                if ["capget", "capset"].contains(&name) {
                    break;
                }
                assert_eq!(traced.code, Some(0), "{name} failed");
                expect_set(inside, &replica)?;
                struck.push(name);
            }
        }
        assert_eq!(struck, ["fsopen", "fsconfig", "fsmount", "openat", "openat"]);
        fill(inside, 0)?;
        inside.gc().map(drop)
    })
}

/// With a procfs of its own, the host's is closed as well. So is all of its own that it can find by the directory that
/// it has open.
fn closed(lab: &Lab) -> Result {
    lab.inside(|inside| {
        let replica = inside.replica("a", "lan")?;
        let mut probe = Probe::start(&helper(OWN_PROC, Some(&replica.namespace())), None)?;
        assert!(probe.run_to_call(libc::SYS_fsmount)?);
        assert!(probe.run_to_call(libc::SYS_seccomp)?);
        let is_path = |flags: u32| flags & libc::O_PATH.cast_unsigned() != 0;
        let directories: Vec<_> =
            probe.descriptors()?.into_iter().filter(|(_, flags)| is_path(*flags)).collect();
        let [(ipv6, _)] = directories[..] else { panic!("{directories:?}") };
        for (at, file, flags) in [
            (libc::AT_FDCWD, c"/proc/sys/net/ipv6/conf/lo/disable_ipv6", libc::O_WRONLY),
            (ipv6, c"lo/disable_ipv6", libc::O_RDONLY),
            (ipv6, c"lo", libc::O_RDONLY | libc::O_DIRECTORY),
            (ipv6, c"../bindv6only", libc::O_WRONLY),
            (ipv6, c"../../ipv4/ip_forward", libc::O_WRONLY),
            (ipv6, c"../../ipv4/conf/lo/arp_notify", libc::O_WRONLY),
            (ipv6, c"../../../kernel/hostname", libc::O_WRONLY),
            (ipv6, c"../../../kernel/hostname", libc::O_RDONLY),
            (ipv6, c"../../../../self/status", libc::O_RDONLY),
            (ipv6, c"../../../..", libc::O_RDONLY | libc::O_DIRECTORY),
        ] {
            let fate = probe.attempt(libc::SYS_openat, &open(at, file, flags))?;
            assert_eq!(fate, Fate::Refused(Errno::EACCES), "{file:?} at {at} with {flags:x}");
        }
        let fate = probe.attempt(libc::SYS_openat, &open(ipv6, c"lo/disable_ipv6", libc::O_WRONLY))?;
        assert!(matches!(fate, Fate::Done(3..)), "{fate:?}");
        Ok(())
    })
}

/// The words of openat(2).
fn open(at: i32, file: &'static CStr, flags: i32) -> [Word<'static>; 4] {
    let [at, flags] = [at, flags].map(|number| Word::Number(number.into()));
    [at, Word::Bytes(file.to_bytes_with_nul()), flags, Word::Number(0)]
}
