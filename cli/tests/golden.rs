//! What the command prints, word for word: help, tables, messages.
//!
//! `UPDATE_GOLDEN=1` writes the files anew; what has changed is then read before it is committed.

#![allow(clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A place with networks, for which nothing has been attached.
struct Installation(TempDir);

impl Installation {
    fn new(definitions: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let networks = place.path().join("config/networks");
        fs::create_dir_all(&networks).expect("a directory of networks");
        for (name, definition) in definitions {
            fs::write(networks.join(format!("{name}.json")), definition).expect("a definition");
        }
        Self(place)
    }

    /// Of a podman container in a pod, and of one without addresses by a plain runc, in one namespace.
    fn with_record(self) -> Self {
        let namespaces = self.0.path().join("run/namespaces");
        fs::create_dir_all(&namespaces).expect("a directory of records");
        fs::write(namespaces.join("13571.json"), RECORD).expect("a record");
        self
    }

    /// What was typed, what came back on both streams, and the exit code. No path of this place is in it.
    fn transcript(&self, words: &[&str]) -> String {
        let place = self.0.path();
        let output = Command::new(env!("CARGO_BIN_EXE_underlay"))
            .args(words)
            .arg("--config")
            .arg(place.join("config"))
            .arg("--run")
            .arg(place.join("run"))
            // The width of a terminal would be taken from any of the three.
            .stdin(Stdio::null())
            .env_clear()
            .output()
            .expect("the command runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let (out, err) = (text(output.stdout), text(output.stderr));
        let code = output.status.code().expect("an exit code");
        let transcript = format!("$ underlay {}\n{out}{err}exit code {code}\n", words.join(" "));
        transcript.replace(&place.display().to_string(), "PLACE")
    }
}

/// One directory of files, compared with what is printed now.
struct Golden {
    directory: PathBuf,
    seen: BTreeSet<String>,
    differences: Vec<String>,
}

impl Golden {
    fn of(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        Self { directory, seen: BTreeSet::new(), differences: Vec::new() }
    }

    fn compare(&mut self, name: &str, found: &str) {
        let name = format!("{name}.txt");
        let path = self.directory.join(&name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(&self.directory).expect("a directory");
            fs::write(&path, found).expect("a golden file");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if expected != found {
            self.differences.push(format!("--- {}\n{expected}+++ found\n{found}", path.display()));
        }
        self.seen.insert(name);
    }

    /// Files that nothing prints any more are differences too.
    fn finish(mut self) {
        for entry in fs::read_dir(&self.directory).expect("a directory of golden files") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("a name");
            if self.seen.contains(&name) {
                continue;
            }
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::remove_file(entry.path()).expect("a golden file");
            } else {
                self.differences.push(format!("{}: nothing prints this", entry.path().display()));
            }
        }
        let differences = self.differences.join("\n");
        assert!(differences.is_empty(), "{differences}\nUPDATE_GOLDEN=1 writes these files anew");
    }
}

/// The commands that a help names, but for `help` itself.
fn commands(help: &str) -> Vec<String> {
    let list = help.split_once("\nCommands:\n").map_or("", |(_, list)| list);
    let lines = list.lines().take_while(|line| !line.is_empty());
    // A line that is indented further goes on with the one above.
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn compare_help(words: &[&str], golden: &mut Golden) {
    let line: Vec<_> = words.iter().copied().chain(["--help"]).collect();
    let help = Installation::new(&[]).transcript(&line);
    golden.compare(&["underlay"].iter().chain(words).copied().collect::<Vec<_>>().join("-"), &help);
    for name in commands(&help) {
        compare_help(&words.iter().copied().chain([name.as_str()]).collect::<Vec<_>>(), golden);
    }
}

#[test]
fn every_help_is_as_it_was() {
    let mut golden = Golden::of("help");
    compare_help(&[], &mut golden);
    golden.finish();
}

const NETWORKS: &[(&str, &str)] = &[
    (
        "lan",
        r#"{"driver": "macvlan", "parent": "eth0", "subnets": [{"subnet": "192.168.1.0/24", "gateway": "192.168.1.1",
            "ip_range": "192.168.1.128/25", "aux_addresses": {"printer": "192.168.1.200"}}]}"#,
    ),
    (
        "voice",
        r#"{"driver": "ipvlan", "parent": "eth1", "vlan": 50, "mode": "l3", "flag": "private", "metric": 50,
            "subnets": [{"subnet": "10.50.0.0/16"}, {"subnet": "2001:db8:50::/64"}],
            "routes": [{"destination": "10.0.0.0/8", "type": "blackhole"}], "labels": {"team": "net"}}"#,
    ),
    ("wire", r#"{"driver": "macvlan", "mode": "private"}"#),
];

/// As the hook writes it.
const RECORD: &str = include_str!("record.json");

#[test]
fn tables_are_as_they_were() {
    let mut golden = Golden::of("tables");
    let networks = Installation::new(NETWORKS);
    for (name, line) in [
        ("network-ls", &["network", "ls"][..]),
        ("network-ls-quiet", &["network", "ls", "--quiet"]),
        ("network-ls-json", &["network", "ls", "--format", "json"]),
        ("network-inspect", &["network", "inspect", "lan", "voice"]),
        ("gc", &["gc", "--dry-run"]),
    ] {
        golden.compare(name, &networks.transcript(line));
    }
    let attached = Installation::new(NETWORKS).with_record();
    for (name, line) in [
        ("ps", &["ps"][..]),
        ("ps-quiet", &["ps", "--quiet"]),
        ("ps-json", &["ps", "--format", "json"]),
        ("inspect", &["inspect", "98c4"]),
    ] {
        golden.compare(name, &attached.transcript(line));
    }
    golden.compare("ps-none", &networks.transcript(&["ps"]));
    golden.compare("network-ls-none", &Installation::new(&[]).transcript(&["network", "ls"]));
    golden.finish();
}

/// What people get wrong, and what they are told.
#[test]
fn messages_are_as_they_were() {
    let create = |rest: &'static str| {
        ["network", "create"].into_iter().chain(rest.split(' ')).collect::<Vec<&'static str>>()
    };
    let networks = Installation::new(NETWORKS);
    let broken = Installation::new(&[
        (
            "lan",
            r#"{"driver": "macvlam", "vlan": 4095, "subnets": [{"subnet": "10.0.0.1/8", "gatway": "10.0.0.1"}]}"#,
        ),
        ("voice", "{\n  \"driver\": \"ipvlan\",\n}\n"),
        ("wire", r#"{"driver": "macvlan"}"#),
    ]);
    let mut golden = Golden::of("messages");
    for (name, line) in [
        ("host-bits", create("-d macvlan --subnet 192.168.1.5/24 -o parent=eth0 new")),
        (
            "gateway-in-no-subnet",
            create("-d macvlan --subnet 192.168.5.0/24 --gateway 10.0.0.1 -o parent=eth0 new"),
        ),
        ("range-in-no-subnet", create("-d macvlan --subnet 192.168.5.0/24 --ip-range 192.168.6.0/25 new")),
        ("unknown-option", create("-d macvlan --subnet 192.168.5.0/24 -o parnt=eth0 new")),
        ("option-of-the-other-driver", create("-d macvlan --subnet 192.168.5.0/24 -o ipvlan_mode=l3 new")),
        ("unknown-mode", create("-d ipvlan --subnet 192.168.5.0/24 -o ipvlan_mode=l4 new")),
        ("unknown-flag", create("-d macvlan --subnt 192.168.5.0/24 new")),
        (
            "all-at-once",
            create(
                "-d macvlan --subnet 10.0.0.1/8 --gateway 10.0.0.0 --gateway 9.9.9.9 --aux-address x -o a=b --mtu 9 new",
            ),
        ),
        ("overlap", create("-d macvlan --subnet 10.50.7.0/24 new")),
        ("same-name", create("-d macvlan --subnet 10.60.7.0/24 wire")),
        ("wrong-name", create("-d macvlan --subnet 10.60.7.0/24 ../wire")),
        (
            "not-numbers",
            create("-d macvlan --subnet 10.60.7.1/24 --vlan x --mtu 9k --metric -1 --parent-wait 1s .new"),
        ),
        ("inspect-nothing", vec!["network", "inspect", "wlan"]),
        ("no-name", vec!["network", "rm"]),
        ("unknown-command", vec!["netwrk"]),
    ] {
        golden.compare(name, &networks.transcript(&line));
    }
    golden.compare("broken-definitions", &broken.transcript(&["network", "ls"]));
    golden.finish();
}
