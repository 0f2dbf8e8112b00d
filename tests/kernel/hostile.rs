//! What strangers write to the hook, and what they put in its way.

use std::time::{Duration, Instant};

use lab::{Lab, Need, Probe, Result, Runtime, Trial, trial};
use serde_json::json;

pub(crate) fn trials() -> Vec<Trial> {
    const NEEDS: [Need; 2] = [Need::MACVLAN, Runtime::Runc.need()];
    vec![
        trial("hostile: no id is a path", &NEEDS, ids),
        trial("hostile: every complaint is one short printable line", &NEEDS, complaints),
        trial("hostile: nothing in place of config.json or a definition is waited for", &NEEDS, files),
        trial("hostile: a definition in a directory that others can write is refused", &NEEDS, directories),
        trial(
            "hostile: neither environment nor descriptors of a runtime reach the helper",
            &NEEDS,
            inheritance,
        ),
        trial("hostile: each limit is told with its number", &NEEDS, limits),
        trial("hostile: a local user sees nothing of the run directory", &NEEDS, local_user),
        trial("hostile: a rogue router's advertisement changes nothing", &NEEDS, rogue_router),
    ]
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";
const BUNDLE: &str = "/run/bundles/hostile";

/// A state that would be attached, were it not for what is given.
fn state(id: &str, annotation: &str) -> String {
    let annotations = json!({"io.underlay.networks": annotation});
    json!({"ociVersion": "1.0.2", "id": id, "status": "creating", "pid": 0, "bundle": BUNDLE, "annotations": annotations})
        .to_string()
}

fn bundle(lab: &Lab) -> Result {
    lab.write(&format!("{BUNDLE}/config.json"), r#"{"linux":{"namespaces":[{"type":"network"}]}}"#)
}

/// Everything below /run that a hook could have written to.
fn traces(lab: &Lab) -> Result<String> {
    lab.host().sh("find /run -xdev -newer /run/before -not -name state.json -not -name subreaper.pl \
                   -not -path '/run/underlay*' -not -type d 2>/dev/null | sort")
}

fn ids(lab: &Lab) -> Result {
    lab.network(LAN)?;
    bundle(lab)?;
    lab.write("/run/before", "")?;
    let megabyte = "a".repeat(1 << 20);
    for id in ["", "/", "../../x", "a/b", "a\0b", "a\nb", "\u{202e}a", "\u{ff0f}etc", &megabyte] {
        for stage in ["createRuntime", "poststop"] {
            let status = if stage == "poststop" { "stopped" } else { "creating" };
            let output = lab.hook(stage, &state(id, "lan").replace("creating", status))?;
            assert_eq!(output.status.success(), stage == "poststop", "{id:.20}");
            let complaint = output.stderr.as_str();
            assert!(complaint.contains("is not a container id"), "{id:.20}: {complaint}");
            assert!(complaint.len() < 2100, "{}", complaint.len());
        }
    }
    assert_eq!(traces(lab)?, "");
    assert_eq!(lab.records()?, [""; 0]);
    Ok(())
}

fn complaints(lab: &Lab) -> Result {
    lab.network(LAN)?;
    bundle(lab)?;
    let odd = "\u{1b}[2J\r\n%n%s\u{7}\u{202e}`$(id)`";
    let status = state("c1", "lan").replace("\"creating\"", &json!(odd).to_string());
    let long = odd.repeat(2000);
    for state in [
        state(odd, "lan"),
        state("c1", odd),
        state("c1", &format!("lan:mac={odd}")),
        state("c1", &format!("[{{\"name\": {}}}]", json!(odd))),
        state(&long, "lan"),
        state("c1", &long),
        status,
        json!({"id": "c1", "status": odd, "bundle": odd, "annotations": {"io.underlay.networks": "lan"}}).to_string(),
        json!({"id": "c1", "status": "creating", "bundle": format!("/{long}"), "annotations": {"io.underlay.networks": "lan"}})
            .to_string(),
    ] {
        let output = lab.hook("createRuntime", &state)?;
        let complaint = output.stderr.as_str();
        let line = complaint.strip_suffix('\n').unwrap_or(complaint);
        assert!(!line.is_empty() || output.status.success(), "{state:.200}");
        let is_bad = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!line.contains(is_bad), "{line:?}");
        assert!(line.chars().count() <= 2010, "{} characters", line.chars().count());
        assert_eq!(output.stdout, "");
    }
    Ok(())
}

fn files(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let (host, config) = (lab.host(), format!("{BUNDLE}/config.json"));
    let definition = "/run/config/networks/odd.json";
    bundle(lab)?;
    for (make, words) in [
        ("mkfifo", ["is not a regular file", "is not a regular file"]),
        ("mkdir", ["is not a regular file", "is not a regular file"]),
        ("ln -s /dev/zero", ["cannot read", "it is a symbolic link"]),
        ("mknod -m 600 PATH c 1 5", ["is not a regular file", "is not a regular file"]),
        ("truncate -s 1T", ["is larger than 64 MiB", "more than a definition may have"]),
    ] {
        for (path, word) in [config.as_str(), definition].into_iter().zip(words) {
            let line =
                if make.contains("PATH") { make.replace("PATH", path) } else { format!("{make} {path}") };
            host.sh(&format!("rm -rf {path}; {line}"))?;
            let start = Instant::now();
            let complaint = if path == definition {
                lab.container("c1").networks("odd").refused()?
            } else {
                lab.hook("createRuntime", &state("c1", "lan"))?.failure()?
            };
            assert!(complaint.contains(word), "{line}: {complaint}");
            assert!(start.elapsed() < Duration::from_secs(10), "{line} was waited for");
            host.ok(&format!("rm -rf {path}"))?;
            bundle(lab)?;
        }
    }
    Ok(())
}

/// Of `/proc/PID/fdinfo`: `O_CLOEXEC`.
const CLOSE_ON_EXEC: u32 = 0o2_000_000;

fn inheritance(lab: &Lab) -> Result {
    lab.network(LAN)?;
    lab.write("/run/secret", "")?;
    lab.inside(|inside| {
        let replica = inside.replica("a", "lan")?;
        let leave = r#"cd /run/rootfs; exec 9</run/secret; exec "$@""#;
        let through = ["LD_PRELOAD=/run/evil.so", "SECRET=1", "sh", "-c", leave, "sh"];
        let mut hook = replica.probe_hook("createRuntime", &through)?;
        let has = |hook: &Probe, file| hook.descriptor_of(file).map(|found| found.is_some());
        assert!(has(&hook, "/run/secret")?, "the hook itself gets it");
        // When the helper is about to be started, there is nothing that it would get: what it shall have, the child
        // itself lets it have.
        assert!(hook.run_to_call(libc::SYS_clone3)?);
        assert!(!has(&hook, "/run/secret")?);
        let mut passed = hook.descriptors()?.into_iter();
        assert_eq!(passed.find(|(fd, flags)| *fd > 2 && flags & CLOSE_ON_EXEC == 0), None);
        assert!(has(&hook, "net:[")?);
        // It says hello, and waits for its plan, while the hook stands where it leases the first address.
        assert!(
            hook.run_to(|call, _| [libc::SYS_symlink, libc::SYS_symlinkat].contains(&call.cast_signed()))?
        );
        let seen =
            inside.host().sh("cd /proc/$(grep -ls ^underlay-nsente /proc/[0-9]*/comm | cut -d/ -f3) && \
             tr '\\0' '\\n' <environ; readlink cwd; ls -l fd | sed 's/.* -> //'")?;
        let lines: Vec<&str> = seen.lines().filter(|line| !line.is_empty()).collect();
        // No variable comes before it.
        assert_eq!(lines.first(), Some(&"/"), "{seen}");
        assert!(!seen.contains("secret") && seen.contains("net:["), "{seen}");
        // Standard error is the end of the pipe to read from, once more.
        let pipes: Vec<_> = lines.iter().filter(|line| line.starts_with("pipe:[")).collect();
        assert!(pipes.len() == 3 && pipes[0] == pipes[2] && pipes[0] != pipes[1], "{seen}");
        assert!(!hook.run_to(|_, _| false)?);
        replica.detach()
    })
}

fn directories(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let host = lab.host();
    for (directory, spoil, mend) in [
        ("/run/config/networks", "chmod 777", "chmod 755"),
        ("/run/config", "chmod 775", "chmod 755"),
        ("/run/config/networks", "chown 1000", "chown 0"),
        ("/run/config", "chown 1000", "chown 0"),
    ] {
        host.ok(&format!("{spoil} {directory}"))?;
        let complaint = lab.container("c1").networks("lan").refused()?;
        assert!(complaint.contains(&format!("{directory} is not trusted")), "{complaint}");
        host.ok(&format!("{mend} {directory}"))?;
    }
    lab.start("c1", "lan")?.delete()
}

fn limits(lab: &Lab) -> Result {
    lab.network(LAN)?;
    bundle(lab)?;
    let networks: Vec<_> = (0..33).map(|n| format!("lan@i{n}")).collect();
    let addresses: Vec<_> = (0..33).map(|n| format!("ip=10.0.0.{}", n + 2)).collect();
    for (state, words) in [
        (format!("{}{}", state("c1", "lan"), " ".repeat(16 << 20)), "larger than 16 MiB"),
        (state("c1", &"lan,".repeat(20_000)), "at most 65536"),
        (state("c1", &networks.join(",")), "at most 32"),
        (state("c1", &format!("lan:{}", addresses.join(","))), "at most 32"),
        (state(&"a".repeat(201), "lan"), "1 to 200"),
        (state("c1", &"n".repeat(64)), "at most 63"),
        (state("c1", "lan@sixteen-letters-"), "at most 15"),
    ] {
        let complaint = lab.hook("createRuntime", &state)?.failure()?;
        assert!(complaint.contains(words), "{words} is not in: {complaint}");
    }
    lab.write(&format!("{BUNDLE}/config.json"), &" ".repeat((64 << 20) + 1))?;
    let complaint = lab.hook("createRuntime", &state("c1", "lan"))?.failure()?;
    assert!(complaint.contains("larger than 64 MiB"), "{complaint}");
    lab.host().ok(&format!("rm {BUNDLE}/config.json"))?;
    let report = lab.host().sh("head -c 1048577 /dev/zero | /run/bin/underlay-nsenter detach")?;
    assert!(report.contains("it is longer than 1048576 bytes"), "{report}");

    let routes = |count: usize| {
        let routes: Vec<_> = (0..count).map(|n| format!(r#"{{"destination":"172.16.{n}.0/24"}}"#)).collect();
        format!(
            r#"{{"driver":"macvlan","parent":"eth0","subnets":[{{"subnet":"10.5.0.0/24"}}],"routes":[{}]}}"#,
            routes.join(",")
        )
    };
    lab.write("/run/config/networks/routed.json", &routes(256))?;
    let container = lab.start("c2", "routed")?;
    assert!(container.routes()?.iter().filter(|route| route.contains("172.16.")).count() == 256);
    container.delete()?;
    let complaint = lab.container("c3").networks("routed@a,routed@b,routed@c,routed@d").refused()?;
    assert!(complaint.contains("at most 1024 are allowed"), "{complaint}");
    lab.underlay("network rm routed")?.success()?;
    assert_eq!(lab.leases()?, [""; 0]);
    Ok(())
}

fn local_user(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let container = lab.start("c1", "lan")?;
    let host = lab.host();
    let all = host.sh("find /run/underlay ! -type l -printf '%m %p\\n'")?;
    assert!(all.lines().count() > 5, "{all}");
    let open: Vec<_> =
        all.lines().filter(|line| !line.split(' ').next().unwrap_or_default().ends_with("00")).collect();
    assert!(open.is_empty(), "{open:?}");
    let seen = host.sh("setpriv --reuid=65534 --regid=65534 --clear-groups ls /run/underlay /run/underlay/leases 2>&1 || true")?;
    assert_eq!(seen.matches("Permission denied").count(), 2, "{seen}");
    container.delete()
}

/// An advertisement of a prefix and of itself as default router, as a neighbour with bad intentions would send
/// it (CVE-2020-10749).
const ADVERTISE: &str = r#"
use strict;
use Socket qw(:DEFAULT inet_pton);
my $icmpv6 = 58; my $ipv6 = 41;
socket(my $s, AF_INET6, SOCK_RAW, $icmpv6) or die "socket: $!";
setsockopt($s, $ipv6, 18, pack("i", 255)) or die "hops: $!";
my $index = $ARGV[0];
setsockopt($s, $ipv6, 17, pack("i", $index)) or die "interface: $!";
my $prefix = pack("CCCCNNNa16", 3, 4, 64, 0xc0, 86400, 86400, 0, inet_pton(AF_INET6, "2001:db8:bad::"));
my $advertisement = pack("CCnCCnNN", 134, 0, 0, 64, 0, 9000, 0, 0) . $prefix;
my $all = pack_sockaddr_in6(0, inet_pton(AF_INET6, "ff02::1"), $index, 0);
defined send($s, $advertisement, 0, $all) or die "send: $!";
"#;

fn rogue_router(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 --subnet=2001:db8:1::/64 --gateway=2001:db8:1::1 -o parent=eth0 dual")?;
    lab.network("-d macvlan --subnet=10.1.0.0/24 --gateway=10.1.0.1 -o parent=eth0 lan")?;
    let (dual, lan) = (lab.start("c1", "dual")?, lab.start("c2", "lan")?);
    let before = [dual.interfaces()?, lan.interfaces()?];
    let routes = [dual.routes6()?, lan.routes6()?];
    // One that believes in routers shows that the advertisement arrives.
    lab.host().sh(
        "ip netns add gullible && ip link add link eth0 name mv0 netns gullible type macvlan mode bridge && \
         ip -n gullible link set mv0 up",
    )?;
    // The host itself is no part of this.
    lab.host().ok("sysctl -qw net.ipv6.conf.eth0.accept_ra=0")?;
    lab.write("/run/advertise.pl", ADVERTISE)?;
    let advertise = "perl /run/advertise.pl $(ip -o link show wire | cut -d: -f1)";
    lab.lan().sh(advertise)?;
    lab.host().sh(
        "for n in $(seq 50); do ip -n gullible -6 route | grep -q 2001:db8:bad && exit; sleep 0.1; done; exit 1",
    )?;
    assert_eq!([dual.interfaces()?, lan.interfaces()?], before);
    assert_eq!([dual.routes6()?, lan.routes6()?], routes);
    lab.host().ok("ip netns del gullible")?;
    dual.delete()?;
    lan.delete()
}
