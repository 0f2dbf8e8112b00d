//! What the helper may do at each of its stages, and that it can do nothing else: seen from outside in the
//! binary that is shipped.

use std::{collections::BTreeSet, process::Command};

use lab::{
    Confined, Fate, Inside, Lab, Need, Probe, Result, SHOWN, Trial, Word, call_lists, confined, trial,
};
use nix::{errno::Errno, sys::signal::Signal};
use serde_json::{Value, json};

use crate::attempt::{AT, Try, at_path, attempt, n, open, path};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("rights: the helper's at each of its stages", &[], stages),
        trial("rights: what the helper gave up it cannot do", &[], refused),
        trial("rights: the settled helper is killed for every other call", &[], killed),
        trial("rights: the helper makes the calls on its lists and no others", &[Need::MACVLAN], calls),
        trial("rights: nobody but root can look into the helper", &[], private),
        trial("rights: the helper does nothing in the host's own namespace", &[], hosts_own),
    ]
}

const HELPER: &str = "/run/bin/underlay-nsenter";
/// Capabilities by their bits (`linux/capability.h`).
const NET_ADMIN: u64 = 1 << 12;
const SYS_ADMIN: u64 = 1 << 21;
/// To attach, with the sysctls of a procfs of the helper's own.
pub(crate) const OWN_PROC: &str = "attach --own-proc";
/// Where the helper finds the namespace.
const FD: i64 = 9;

/// The helper on an errand, perhaps with an option; a path is that of the namespace to enter.
pub(crate) fn helper(errand: &str, namespace: Option<&str>) -> Command {
    let (verb, option) = errand.split_once(' ').unwrap_or((errand, ""));
    let line = match namespace {
        Some(path) => format!("exec {HELPER} {verb} {FD} {option} {FD}<{path}"),
        None => format!("exec {HELPER} {errand}"),
    };
    let mut command = Command::new("sh");
    command.args(["-c", &line]);
    command
}

fn capabilities(probe: &Probe) -> Result<[u64; 5]> {
    let mut sets = [0; 5];
    for (set, name) in sets.iter_mut().zip(["CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"]) {
        *set = probe.capabilities(name)?;
    }
    Ok(sets)
}

fn show(errand: &str, when: &str, probe: &Probe) -> Result {
    let [effective, permitted, bounding, inheritable, ambient] = capabilities(probe)?;
    SHOWN.add(format!(
        "helper to {errand}, {when}: effective {effective:x} permitted {permitted:x} bounding {bounding:x} \
         inheritable {inheritable:x} ambient {ambient:x}, user {}, seccomp {}",
        probe.status("Uid")?.split(' ').next().unwrap_or_default(),
        probe.status("Seccomp")?,
    ));
    Ok(())
}

fn stages(lab: &Lab) -> Result {
    lab.inside(|inside| {
        let replica = inside.replica("a", "lan")?;
        let namespace = replica.namespace();
        let mut open = Vec::new();
        for (errand, path, left) in [
            ("attach", Some(namespace.as_str()), NET_ADMIN),
            (OWN_PROC, Some(namespace.as_str()), NET_ADMIN),
            ("detach", None, NET_ADMIN),
            ("look", Some(namespace.as_str()), 0),
        ] {
            let mut probe = Probe::start(&helper(errand, path), None)?;
            show(errand, "at its start", &probe)?;
            expect_renounced(&mut probe, path.is_some())?;
            if path.is_some() {
                show(errand, "before setns", &probe)?;
            }
            if errand == OWN_PROC {
                assert!(probe.run_to_call(libc::SYS_fsmount)?);
                show(errand, "before it mounts", &probe)?;
                let both = NET_ADMIN | SYS_ADMIN;
                assert_eq!(capabilities(&probe)?, [both, both, 0, 0, 0]);
            }
            assert!(probe.run_to_call(libc::SYS_landlock_create_ruleset)?);
            show(errand, "before landlock", &probe)?;
            assert_eq!(probe.status("SigBlk")?, "0".repeat(16));
            assert_eq!(capabilities(&probe)?, [left, left, 0, 0, 0], "{errand}");
            assert!(probe.run_to_call(libc::SYS_read)?);
            show(errand, "before it reads", &probe)?;
            assert_eq!(capabilities(&probe)?, [left, left, 0, 0, 0], "{errand}");
            assert_eq!(probe.status("Seccomp")?, "2", "{errand}");
            let mut flags: Vec<_> = probe.descriptors()?.into_iter().map(|(_, flags)| flags).collect();
            flags.sort_unstable();
            open.push(flags);
        }
        // Neither the context of a procfs nor the mount, but a directory as without.
        assert_eq!(open[0], open[1]);
        Ok(())
    })
}

/// Before the namespace is entered, or, without one, before the capabilities are.
fn expect_renounced(probe: &mut Probe, enters: bool) -> Result {
    assert!(probe.run_to_call(libc::SYS_setgroups)?);
    let open: Vec<_> = probe.descriptors()?.into_iter().map(|(fd, _)| fd).collect();
    // The host's netlink socket has the lowest number that is free; whoever only looks has none.
    assert!(open.iter().all(|fd| (0..=3).contains(fd) || i64::from(*fd) == FD), "{open:?}");
    if !enters {
        return Ok(());
    }
    assert!(probe.run_to_call(libc::SYS_setns)?);
    let both = NET_ADMIN | SYS_ADMIN;
    assert_eq!(capabilities(probe)?, [both, both, 0, 0, 0]);
    for (name, expected) in [
        ("Uid", "65534 65534 65534 65534"),
        ("Gid", "65534 65534 65534 65534"),
        ("Groups", ""),
        ("NoNewPrivs", "1"),
    ] {
        assert_eq!(probe.status(name)?, expected, "{name}");
    }
    Ok(())
}

/// With landlock on and the capabilities gone, and without seccomp yet, which would kill for most of these: so
/// each of them is denied twice.
fn refused(lab: &Lab) -> Result {
    lab.inside(|inside| {
        let replica = inside.replica("a", "lan")?;
        let mut probe = Probe::start(&helper("attach", Some(&replica.namespace())), None)?;
        assert!(probe.run_to_call(libc::SYS_seccomp)?);
        for (errno, tries) in
            [(Errno::EACCES, denied_by_landlock()), (Errno::EPERM, denied_without_capabilities())]
        {
            for Try { what, call, words } in tries {
                assert_eq!(probe.attempt(call, &words)?, Fate::Refused(errno), "{what}");
            }
        }
        // What it needs is left.
        let Try { call, words, .. } = open("", c"/proc/sys/net/ipv6/conf/lo/disable_ipv6", libc::O_WRONLY);
        assert!(matches!(probe.attempt(call, &words)?, Fate::Done(3..)));
        Ok(())
    })
}

fn denied_by_landlock() -> Vec<Try<'static>> {
    vec![
        open("read a file", c"/etc/passwd", libc::O_RDONLY),
        open("read its own /proc", c"/proc/self/status", libc::O_RDONLY),
        open("list a directory", c"/", libc::O_RDONLY | libc::O_DIRECTORY),
        open("make a file", c"/tmp/underlay-made", libc::O_WRONLY | libc::O_CREAT),
        open("write another sysctl", c"/proc/sys/net/ipv4/ip_forward", libc::O_WRONLY),
        open("read a link's sysctl", c"/proc/sys/net/ipv6/conf/lo/disable_ipv6", libc::O_RDONLY),
        open("write a link's IPv4 sysctl", c"/proc/sys/net/ipv4/conf/lo/arp_notify", libc::O_WRONLY),
        at_path("remove a file", libc::SYS_unlinkat, c"/run/bin/underlay"),
        at_path("make a directory", libc::SYS_mkdirat, c"/tmp/underlay-made"),
        attempt("execute a file", libc::SYS_execve, &[path(c"/bin/true"), n(0), n(0)]),
    ]
}

fn denied_without_capabilities() -> Vec<Try<'static>> {
    vec![
        attempt("enter a namespace again", libc::SYS_setns, &[Word::Number(FD), n(libc::CLONE_NEWNET)]),
        attempt("get a packet socket", libc::SYS_socket, &[n(libc::AF_PACKET), n(libc::SOCK_RAW), n(0)]),
        attempt("get a raw socket", libc::SYS_socket, &[n(libc::AF_INET), n(libc::SOCK_RAW), n(1)]),
        attempt("trace another process", libc::SYS_ptrace, &[n(16), n(1)]),
        attempt("signal another process", libc::SYS_kill, &[n(1), n(0)]),
        attempt("mount", libc::SYS_mount, &[path(c"none"), path(c"/tmp"), path(c"tmpfs"), n(0), n(0)]),
        attempt("get a mount namespace", libc::SYS_unshare, &[n(libc::CLONE_NEWNS)]),
        attempt("get a network namespace", libc::SYS_unshare, &[n(libc::CLONE_NEWNET)]),
        attempt("be root", libc::SYS_setresuid, &[n(0), n(0), n(0)]),
        attempt("be in root's group", libc::SYS_setresgid, &[n(0), n(0), n(0)]),
        attempt("change the root directory", libc::SYS_chroot, &[path(c"/tmp")]),
    ]
}

/// Every call but those of the list ends the process, and so do those of the list with other arguments.
fn killed(lab: &Lab) -> Result {
    lab.inside(|inside| {
        let replica = inside.replica("a", "lan")?;
        let namespace = replica.namespace();
        for Try { what, call, words } in other_calls() {
            let mut probe = Probe::start(&helper("attach", Some(&namespace)), None)?;
            assert!(probe.run_to_call(libc::SYS_read)?, "{what}");
            assert_eq!(probe.attempt(call, &words)?, Fate::Ended(Some(Signal::SIGSYS)), "{what}");
        }
        // What the list lets through, landlock sees.
        let mut probe = Probe::start(&helper("attach", Some(&namespace)), None)?;
        assert!(probe.run_to_call(libc::SYS_read)?);
        for file in [c"/proc/sys/net/ipv4/ip_forward", c"/run/state.json"] {
            let Try { call, words, .. } = open("", file, libc::O_WRONLY);
            let fate = probe.attempt(call, &words)?;
            assert!(matches!(fate, Fate::Refused(Errno::EACCES | Errno::ENOENT)), "{file:?}: {fate:?}");
        }
        Ok(())
    })
}

fn other_calls() -> Vec<Try<'static>> {
    vec![
        open("open a file to read", c"/etc/passwd", libc::O_RDONLY),
        open("open a file to read and write", c"/proc/sys/net/ipv6/conf/lo/disable_ipv6", libc::O_RDWR),
        open("make a file", c"/tmp/underlay-made", libc::O_WRONLY | libc::O_CREAT),
        open("cut a file", c"/tmp/underlay-made", libc::O_WRONLY | libc::O_TRUNC),
        attempt("open the old way", libc::SYS_open, &[path(c"/etc/passwd"), n(0)]),
        attempt("openat2", libc::SYS_openat2, &[AT, path(c"/etc/passwd"), n(0), n(24)]),
        attempt("openat by its x32 number", 0x4000_0000 | libc::SYS_openat, &[AT, path(c"/x"), n(1)]),
        at_path("remove a file", libc::SYS_unlinkat, c"/tmp/underlay-made"),
        attempt("execute a file", libc::SYS_execve, &[path(c"/bin/true"), n(0), n(0)]),
        attempt("enter a namespace", libc::SYS_setns, &[Word::Number(FD), n(0)]),
        attempt("get a user namespace", libc::SYS_unshare, &[n(libc::CLONE_NEWUSER)]),
        attempt("start a process", libc::SYS_clone, &[n(libc::SIGCHLD), n(0), n(0), n(0), n(0)]),
        attempt("start a process, newer", libc::SYS_clone3, &[n(0), n(0)]),
        attempt("fork", libc::SYS_fork, &[]),
        attempt("get a netlink socket", libc::SYS_socket, &[n(16), n(2), n(0)]),
        attempt("get a socket", libc::SYS_socket, &[n(libc::AF_INET), n(libc::SOCK_STREAM), n(0)]),
        attempt("trace", libc::SYS_ptrace, &[n(16), n(1)]),
        attempt("read another's memory", libc::SYS_process_vm_readv, &[n(1)]),
        attempt("signal itself", libc::SYS_kill, &[n(0), n(0)]),
        attempt("mount", libc::SYS_mount, &[path(c"none"), path(c"/tmp"), path(c"tmpfs"), n(0), n(0)]),
        attempt("ask a device", libc::SYS_ioctl, &[n(0), n(0x5401), n(0)]),
        attempt("change its rights", libc::SYS_prctl, &[n(libc::PR_SET_DUMPABLE), n(1)]),
        attempt("capset", libc::SYS_capset, &[n(0), n(0)]),
        attempt("load a program into the kernel", libc::SYS_bpf, &[n(0), n(0), n(0)]),
        attempt("io_uring", libc::SYS_io_uring_setup, &[n(1), n(0)]),
        attempt("a file without a name", libc::SYS_memfd_create, &[path(c"x"), n(0)]),
        attempt("memory to execute", libc::SYS_mmap, &[n(0), n(4096), n(7), n(0x22), n(-1), n(0)]),
        attempt("make memory executable", libc::SYS_mprotect, &[n(0), n(4096), n(5)]),
        attempt("map a file", libc::SYS_mmap, &[n(0), n(4096), n(1), n(2), n(0), n(0)]),
        attempt("read another descriptor", libc::SYS_read, &[Word::Number(FD), n(0), n(0)]),
        attempt("send to another port", libc::SYS_sendto, &[n(3), n(0), n(0), n(0), path(c"x"), n(12)]),
    ]
}

/// Whoever makes a call that is not on the list is killed; so the list lacks nothing if all of this works. And
/// each call of the list is made here, unless the list says why it may not be.
fn calls(lab: &Lab) -> Result {
    lab.inside(|inside| {
        let mut helpers = Helpers { inside, used: [(); 3].map(|()| BTreeSet::new()) };
        helpers.do_everything()?;
        let lists = call_lists();
        for (name, used) in ["act", "delete", "look"].into_iter().zip(&helpers.used) {
            let list = &lists[name];
            SHOWN.add(format!("calls to {name}: {}: {}", list.allowed.len(), join(&list.allowed)));
            let unused: Vec<_> =
                list.allowed.difference(used).filter(|call| !list.spare.contains(*call)).collect();
            assert!(unused.is_empty(), "{name}: on the list and never made: {unused:?}");
            assert!(used.is_subset(&list.allowed), "{name}: {used:?}");
        }
        Ok(())
    })
}

fn join(calls: &BTreeSet<String>) -> String {
    calls.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Helpers on all of their errands, and the calls that they made on each.
struct Helpers<'a> {
    inside: &'a Inside,
    used: [BTreeSet<String>; 3],
}

const ACT: usize = 0;
const DELETE: usize = 1;
const LOOK: usize = 2;
const MAC: &str = "02:00:00:00:00:05";

impl Helpers<'_> {
    fn do_everything(&mut self) -> Result {
        let parent: u32 =
            self.inside.host().sh("cat /sys/class/net/eth0/ifindex")?.trim().parse().expect("an index");
        let (a, b) = (self.inside.replica("a", "lan")?, self.inside.replica("b", "lan")?);
        let (a, b) = (a.namespace(), b.namespace());
        let made = self.run(ACT, &helper("attach", Some(&a)), &attach_plan(parent, 50), "done")?;
        let hello: Value = serde_json::from_str(made.lines().nth(1).unwrap_or_default()).expect("a hello");
        // The MAC is taken: patience, and then everything back.
        self.run(ACT, &helper("attach", Some(&b)), &attach_plan(parent, 50), "failed")?;
        self.run(ACT, &helper("attach", Some(&b)), "no plan", "failed")?;
        let question = json!({"destinations": ["0.0.0.0/0", "::/0"]}).to_string();
        self.run(LOOK, &helper("look", Some(&a)), &question, "routes")?;
        let route = json!({"delete-route": {"kind": "blackhole", "destination": "10.9.0.0/16",
            "gateway": null, "link": null, "metric": null}});
        let routes = json!({"patience_ms": 50, "steps": [route]}).to_string();
        self.run(ACT, &helper("detach", Some(&a)), &routes, "done")?;
        let link = json!({"delete-link": {"nsid": hello["nsid"], "index": 2, "name": "eth0",
            "kind": {"driver": "macvlan", "mode": "bridge"}, "parent": parent, "alias": "underlay x"}});
        let links = json!({"patience_ms": 50, "steps": [link]}).to_string();
        self.run(DELETE, &helper("detach", None), &links, "done")?;
        self.run(DELETE, &helper("detach", None), &links, "done")?;
        Ok(())
    }

    fn run(&mut self, errand: usize, command: &Command, input: &str, result: &str) -> Result<String> {
        let Confined { calls, signal, output } = confined(command, input)?;
        assert_eq!(signal, None, "after {calls:?}");
        assert!(output.contains(result), "{result}: {output}");
        self.used[errand].extend(calls);
        Ok(output)
    }
}

fn attach_plan(parent: u32, patience_ms: u32) -> String {
    let sysctl = |key: &str| json!({"set-sysctl": {"link": "eth0", "key": key, "value": false}});
    let route = |kind: &str, destination: &str, gateway: Value, link: Value| {
        json!({"add-route": {"kind": kind, "destination": destination, "gateway": gateway, "link": link,
            "metric": null}})
    };
    let steps = json!([
        {"create-link": {"name": "eth0", "kind": {"driver": "macvlan", "mode": "bridge"}, "parent": parent,
            "mac": MAC, "mtu": null}},
        sysctl("arp-notify"), sysctl("accept-ra"), sysctl("disable-ipv6"),
        {"add-address": {"link": "eth0", "address": "10.0.0.2/24"}},
        {"add-address": {"link": "eth0", "address": "2001:db8::2/64"}},
        {"set-up": {"link": "eth0", "alias": "underlay x"}},
        route("unicast", "0.0.0.0/0", json!("10.0.0.1"), json!("eth0")),
        route("blackhole", "10.9.0.0/16", Value::Null, Value::Null),
    ]);
    json!({"patience_ms": patience_ms, "steps": steps}).to_string()
}

/// It enters it, which changes nothing, and sees by its cookie which one it is.
fn hosts_own(lab: &Lab) -> Result {
    lab.inside(|inside| {
        let index = inside.host().sh("cat /sys/class/net/eth0/ifindex")?.trim().parse().expect("an index");
        let links = || inside.host().sh("ip -o link");
        let before = links()?;
        let Confined { calls, signal, output } =
            confined(&helper("attach", Some("/proc/self/ns/net")), &attach_plan(index, 50))?;
        assert_eq!((calls.len(), signal), (0, None), "its list was put on: {calls:?}");
        assert!(output.contains("it is the host's own network namespace"), "{output}");
        assert_eq!(links()?, before);
        Ok(())
    })
}

/// Were it dumpable, its files in /proc would be its user's, and that may be nobody, who is many: whoever traces
/// it has its descriptors (CVE-2016-9962). Nor is it in the process namespace of a container.
fn private(lab: &Lab) -> Result {
    lab.inside(|inside| {
        let replica = inside.replica("a", "lan")?;
        let mut probe = Probe::start(&helper("attach", Some(&replica.namespace())), None)?;
        assert!(probe.run_to_call(libc::SYS_read)?);
        assert_eq!(probe.status("Uid")?, "65534 65534 65534 65534");
        let seen =
            inside.host().sh("cd /proc && for name in $(grep -ls ^underlay-nsente [0-9]*/comm); do \
             stat -c %u $name; readlink ${name%comm}ns/pid; done; readlink /proc/self/ns/pid")?;
        let [owner, its_namespace, own_namespace] = seen.lines().collect::<Vec<_>>()[..] else {
            panic!("{seen}")
        };
        assert_eq!((owner, its_namespace), ("0", own_namespace));
        Ok(())
    })
}
