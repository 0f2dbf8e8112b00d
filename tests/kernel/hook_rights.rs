//! What a hook can do that is taken over while it interprets what strangers wrote: what is tried here is tried in the
//! binary that is shipped, in place of the call at which it stands.

use lab::{Fate, Lab, Probe, Result, SHOWN, Trial, Word, trial};
use nix::errno::Errno;

use crate::attempt::{AT, Try, at_path, attempt, n, open, path};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("rights: what a hook gave up it cannot do while it reads", &[], taken_over)]
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 -o parent=eth0 lan";
/// The capabilities' bits (`linux/capability.h`).
const NET_ADMIN: u32 = 1 << 12;
const KILL: u32 = 1 << 5;
const SYS_ADMIN: u32 = 1 << 21;
/// `_LINUX_CAPABILITY_VERSION_3`.
const VERSION: u32 = 0x2008_0522;

fn taken_over(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.inside(|inside| {
        for (file, name) in [("/config.json", "config.json"), ("lan.json", "a definition")] {
            let replica = inside.replica("a", "lan")?;
            let mut probe = replica.probe_hook("createRuntime", &[])?;
            assert!(probe.run_to_read(file)?, "{file}");
            take_up(&mut probe)?;
            let by_landlock = denied_by_landlock();
            expect(&mut probe, Errno::EACCES, &by_landlock)?;
            expect_no_tcp(&mut probe)?;
            let namespace = probe.descriptor_of("net:[")?.unwrap_or_default();
            let more = words(KILL | NET_ADMIN | SYS_ADMIN);
            let for_want = denied_without_capabilities(namespace, &more);
            expect(&mut probe, Errno::EPERM, &for_want)?;
            SHOWN.add(format!(
                "hook while it reads {name}: {} calls denied by landlock, {} for want of rights",
                by_landlock.len() + 1,
                for_want.len()
            ));
            expect_what_is_needed(&mut probe)?;
        }
        Ok(())
    })
}

/// Whoever took it over would take up what it rests from.
fn take_up(probe: &mut Probe) -> Result {
    let sets = words(KILL | NET_ADMIN);
    assert_eq!(probe.attempt(libc::SYS_capset, &capset(&sets))?, Fate::Done(0));
    assert_eq!(probe.capabilities("CapEff")?, u64::from(KILL | NET_ADMIN));
    Ok(())
}

/// `struct __user_cap_header_struct` and two of `__user_cap_data_struct`: effective, permitted, inheritable.
fn words(capabilities: u32) -> [Vec<u8>; 2] {
    let bytes = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
    [bytes(&[VERSION, 0]), bytes(&[capabilities, capabilities, 0, 0, 0, 0])]
}

fn capset(words: &[Vec<u8>; 2]) -> [Word<'_>; 2] {
    [Word::Bytes(&words[0]), Word::Bytes(&words[1])]
}

fn expect(probe: &mut Probe, errno: Errno, tries: &[Try<'_>]) -> Result {
    for Try { what, call, words } in tries {
        assert_eq!(probe.attempt(*call, words)?, Fate::Refused(errno), "{what}");
    }
    Ok(())
}

fn denied_by_landlock() -> Vec<Try<'static>> {
    const MAKE: i32 = libc::O_WRONLY | libc::O_CREAT;
    const LIST: i32 = libc::O_RDONLY | libc::O_DIRECTORY;
    const MADE: &std::ffi::CStr = c"/tmp/underlay-made";
    vec![
        open("read a secret", c"/etc/shadow", libc::O_RDONLY),
        open("read the bundle again", c"/run/replicas/a/config.json", libc::O_RDONLY),
        open("read a device", c"/dev/zero", libc::O_RDONLY),
        open("list the root directory", c"/", LIST),
        open("list root's home", c"/root", LIST),
        open("list /sys", c"/sys/class/net", LIST),
        open("make a file in /etc", c"/etc/underlay-made", MAKE),
        open("make a file in /tmp", MADE, MAKE),
        open("make a file in root's home", c"/root/underlay-made", MAKE),
        open("make a file beside its own", c"/run/underlay-made", MAKE),
        open("write a user", c"/etc/passwd", libc::O_WRONLY),
        open("write a definition", c"/run/config/networks/lan.json", libc::O_WRONLY),
        open("write a program", c"/run/bin/underlay", libc::O_WRONLY),
        open("write the kernel's settings", c"/proc/sys/kernel/core_pattern", libc::O_WRONLY),
        open("write to a device", c"/dev/null", libc::O_WRONLY),
        open("write to the kernel's log", c"/dev/kmsg", libc::O_WRONLY),
        open("reach another's namespace", c"/proc/1/ns/net", libc::O_RDONLY),
        open("reach another's root directory", c"/proc/1/root", LIST),
        attempt("cut a definition", libc::SYS_truncate, &[path(c"/run/config/networks/lan.json"), n(0)]),
        at_path("remove a definition", libc::SYS_unlinkat, c"/run/config/networks/lan.json"),
        at_path("remove a program", libc::SYS_unlinkat, c"/run/bin/underlay"),
        at_path("make a directory", libc::SYS_mkdirat, MADE),
        attempt("make a link", libc::SYS_symlinkat, &[path(c"/"), AT, path(MADE)]),
        attempt("make a pipe", libc::SYS_mknodat, &[AT, path(MADE), Word::Number(0o10_600), n(0)]),
        attempt(
            "move a program",
            libc::SYS_renameat,
            &[AT, path(c"/run/bin/underlay"), AT, path(c"/run/underlay/made")],
        ),
        attempt("execute a shell", libc::SYS_execve, &[path(c"/bin/sh"), n(0), n(0)]),
        attempt("execute itself", libc::SYS_execve, &[path(c"/run/bin/underlay-hook"), n(0), n(0)]),
        attempt("execute the command", libc::SYS_execve, &[path(c"/run/bin/underlay"), n(0), n(0)]),
    ]
}

fn expect_no_tcp(probe: &mut Probe) -> Result {
    let socket = [n(libc::AF_INET), n(libc::SOCK_STREAM | libc::SOCK_CLOEXEC), n(0)];
    let Fate::Done(socket) = probe.attempt(libc::SYS_socket, &socket)? else {
        panic!("a socket alone is nothing")
    };
    // Port 80 of 127.0.0.1.
    let address = [2_u8, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let connect = [Word::Number(socket), Word::Bytes(&address), n(16)];
    assert_eq!(probe.attempt(libc::SYS_connect, &connect)?, Fate::Refused(Errno::EACCES), "connect");
    Ok(())
}

fn denied_without_capabilities(namespace: i32, more: &[Vec<u8>; 2]) -> Vec<Try<'_>> {
    let mut tries = vec![
        attempt("take capabilities back", libc::SYS_capset, &capset(more)),
        attempt("enter the namespace", libc::SYS_setns, &[n(namespace), n(libc::CLONE_NEWNET)]),
        attempt("get a network namespace", libc::SYS_unshare, &[n(libc::CLONE_NEWNET)]),
        attempt("get a mount namespace", libc::SYS_unshare, &[n(libc::CLONE_NEWNS)]),
        attempt("get a packet socket", libc::SYS_socket, &[n(libc::AF_PACKET), n(libc::SOCK_RAW), n(0)]),
        attempt("get a raw socket", libc::SYS_socket, &[n(libc::AF_INET), n(libc::SOCK_RAW), n(1)]),
        attempt("trace another process", libc::SYS_ptrace, &[n(16), n(1)]),
        attempt("mount", libc::SYS_mount, &[path(c"none"), path(c"/tmp"), path(c"tmpfs"), n(0), n(0)]),
        attempt("unmount", libc::SYS_umount2, &[path(c"/run"), n(libc::MNT_DETACH)]),
        attempt("change the root directory", libc::SYS_chroot, &[path(c"/tmp")]),
        attempt("name the host", libc::SYS_sethostname, &[path(c"x"), n(1)]),
        attempt("change the root of all mounts", libc::SYS_pivot_root, &[path(c"/tmp"), path(c"/tmp")]),
    ];
    tries.extend([
        attempt("be another user", libc::SYS_setresuid, &[n(1), n(1), n(1)]),
        attempt("be in another group", libc::SYS_setgroups, &[n(0), n(0)]),
        attempt("give a file away", libc::SYS_fchownat, &[AT, path(c"/run/config"), n(1), n(1), n(0)]),
    ]);
    tries
}

/// It is not for want of a way that the others fail.
fn expect_what_is_needed(probe: &mut Probe) -> Result {
    for Try { what, call, words } in [
        open("read a definition", c"/run/config/networks/lan.json", libc::O_RDONLY),
        open("record", c"/run/underlay/made", libc::O_WRONLY | libc::O_CREAT),
        open("look at a process", c"/proc/1/stat", libc::O_RDONLY),
    ] {
        let fate = probe.attempt(call, &words)?;
        assert!(matches!(fate, Fate::Done(3..)), "{what}: {fate:?}");
    }
    let Try { call, words, .. } = at_path("", libc::SYS_unlinkat, c"/run/underlay/made");
    assert_eq!(probe.attempt(call, &words)?, Fate::Done(0));
    Ok(())
}
