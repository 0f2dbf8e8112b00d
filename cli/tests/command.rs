//! The built command on a configuration directory of its own: what it prints where, and its exit codes. No
//! network here has a parent, so nothing depends on the links of the machine.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

struct Host {
    directory: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Runs `underlay` with words as a shell without quotes would split them.
    fn run(&self, line: &str) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_underlay"))
            .arg("--config")
            .arg(self.path().join("etc"))
            .arg("--run")
            .arg(self.path().join("run"))
            .args(line.split_whitespace())
            .env_clear()
            .output()
            .unwrap();
        Ended::from(output)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn ended(code: i32, stdout: &str, stderr: &str) -> Ended {
    Ended { code: Some(code), stdout: stdout.to_owned(), stderr: stderr.to_owned() }
}

#[test]
fn a_network_is_created_listed_inspected_and_removed() {
    let host = Host::new();
    let create =
        "network create -d ipvlan --subnet 198.51.100.0/24 --subnet 2001:db8::/64 --ipv6 --internal lab";
    assert_eq!(host.run(create), ended(0, "lab\n", ""));
    assert_eq!(host.run("network create -d macvlan --no-ipam wire"), ended(0, "wire\n", ""));
    let table = "\
NAME  DRIVER   MODE    PARENT  SUBNETS
lab   ipvlan   l2      -       198.51.100.0/24,2001:db8::/64
wire  macvlan  bridge  -       -
";
    assert_eq!(host.run("network ls"), ended(0, table, ""));
    assert_eq!(host.run("network ls -q"), ended(0, "lab\nwire\n", ""));
    let inspected = host.run("network inspect lab");
    let json: serde_json::Value = serde_json::from_str(&inspected.stdout).unwrap();
    assert_eq!((inspected.code, &json[0]["internal"]), (Some(0), &true.into()));
    assert_eq!(json[0]["leases"][0]["capacity"], 254);
    assert_eq!(json[0]["leases"][0]["leased"], 0);
    assert_eq!(host.run("network rm lab wire"), ended(0, "lab\nwire\n", ""));
    assert_eq!(host.run("network ls --format json"), ended(0, "[]\n", ""));
}

#[test]
fn what_is_typed_wrongly_is_said_in_one_go_and_nothing_is_written() {
    let host = Host::new();
    let stderr = "\
underlay: -o mode: unknown option; there are parent, macvlan_mode, ipvlan_mode, ipvlan_flag, mtu, \
com.docker.network.driver.mtu
underlay: --gateway 203.0.113.1: in none of the subnets (198.51.100.1/24); name its subnet with --subnet
underlay: --subnet: 198.51.100.1/24: host bits are set; did you mean 198.51.100.0/24?
";
    let create = "network create -d macvlan --subnet 198.51.100.1/24 --gateway 203.0.113.1 -o mode=l2 lan";
    assert_eq!(host.run(create), ended(2, "", stderr));
    assert!(!host.path().join("etc").exists());
}

#[test]
fn a_command_line_that_is_none_is_an_error_of_usage_with_nothing_raw_in_it() {
    let host = Host::new();
    let wrong = host.run("network create -d macvlan \u{1b}[2J");
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(2), ""));
    assert!(wrong.stderr.lines().all(|line| line.starts_with("underlay: ")), "{wrong:?}");
    assert!(!wrong.stderr.contains('\u{1b}'), "{wrong:?}");
}

#[test]
fn a_network_that_does_not_fit_names_the_one_in_its_way() {
    let host = Host::new();
    assert_eq!(host.run("network create -d macvlan --subnet 198.51.100.0/24 old").code, Some(0));
    let stderr = "underlay: subnet 198.51.100.0/25 overlaps 198.51.100.0/24 of network `old`; take one apart from it, or \
                  the same with an `ip_range` of its own\n";
    assert_eq!(host.run("network create -d macvlan --subnet 198.51.100.0/25 new"), ended(1, "", stderr));
    let stderr = "underlay: there is no link `none0` on this host; there are ";
    let missing = host.run("network create -d macvlan --subnet 203.0.113.0/24 -o parent=none0.10 new");
    assert_eq!((missing.code, missing.stderr.starts_with(stderr)), (Some(1), true), "{missing:?}");
    assert_eq!(host.run("network ls -q").stdout, "old\n");
}

#[test]
fn a_broken_definition_hides_no_other_and_is_a_failure() {
    let host = Host::new();
    assert_eq!(host.run("network create -d macvlan --no-ipam wire").code, Some(0));
    let broken = host.path().join("etc/networks/broken.json");
    fs::write(&broken, r#"{"driver": "macvlan", "mut": 1400}"#).unwrap();
    let stderr = format!(
        "underlay: {} is no definition of a network: mut: unknown key; did you mean `mtu`?\n",
        broken.display()
    );
    assert_eq!(host.run("network ls -q"), ended(1, "wire\n", &stderr));
    assert_eq!(host.run("network rm broken"), ended(0, "broken\n", ""));
}

#[test]
fn an_unknown_network_is_told_from_those_that_there_are() {
    let host = Host::new();
    let none =
        "underlay: there is no network `lan`; none is defined yet, `underlay network create` makes one\n";
    assert_eq!(host.run("network inspect lan"), ended(1, "[]\n", none));
    assert_eq!(host.run("network create -d macvlan --no-ipam wire").code, Some(0));
    let known = "underlay: there is no network `lan`; there are wire\n";
    assert_eq!(host.run("network rm lan wire"), ended(1, "wire\n", known));
}

#[test]
fn a_subnet_that_was_left_to_us_is_told() {
    let host = Host::new();
    let created = host.run("network create -d ipvlan isolated");
    assert_eq!((created.code, created.stdout.as_str()), (Some(0), "isolated\n"));
    let subnet =
        created.stderr.strip_prefix("underlay: subnet ").and_then(|rest| rest.strip_suffix(" was chosen\n"));
    let inspected: serde_json::Value =
        serde_json::from_str(&host.run("network inspect isolated").stdout).unwrap();
    assert_eq!(inspected[0]["subnets"][0]["subnet"].as_str(), subnet);
}
