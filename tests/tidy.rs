//! Rules of the house that a compiler does not check: ARCHITECTURE.md names them I1 to I8.
//!
//! What can be seen in the packages and in the sources is checked here; I7 and I8 are behaviour, which the
//! kernel tests check.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "all of this file is a test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Every package, and those of ours that it may depend on.
const MAY_DEPEND_ON: [(&str, &[&str]); 11] = [
    ("bench", &["tests"]),
    ("capset", &[]),
    ("memory", &[]),
    ("netlink", &[]),
    ("plan", &[]),
    ("start", &[]),
    ("tests", &[]),
    ("underlay", &["capset", "netlink", "plan", "start"]),
    ("underlay-cli", &["plan", "underlay"]),
    ("underlay-hook", &["memory", "plan", "start", "underlay"]),
    ("underlay-nsenter", &["capset", "memory", "netlink", "plan", "start"]),
];

#[test]
fn packages_depend_on_each_other_in_one_direction_only() {
    let packages = packages();
    let ours: BTreeSet<_> = packages.iter().map(|package| text(&package["name"])).collect();
    for package in &packages {
        let name = text(&package["name"]);
        let depends_on: BTreeSet<_> =
            list(&package["dependencies"]).map(|dependency| text(&dependency["name"])).collect();
        let of_ours: Vec<_> = depends_on.intersection(&ours).copied().collect();
        let (_, allowed) = MAY_DEPEND_ON.iter().find(|(known, _)| *known == name).expect("a known package");
        assert!(of_ours.iter().all(|name| allowed.contains(name)), "{name} depends on {of_ours:?}");
    }
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    for package in packages() {
        let manifest = text(&package["manifest_path"]);
        let text = fs::read_to_string(manifest).expect("a manifest");
        assert!(text.contains("[lints]\nworkspace = true\n"), "{manifest}");
    }
}

#[test]
fn only_some_rooms_of_underlay_touch_the_world() {
    let rooms = |words: &[&str]| rooms_of_underlay_that_use(words);
    // I3: requests, definitions, the pool and the planner are pure.
    assert_within(
        &rooms(&["netlink::"]),
        // `undo` and `attach` hold a socket for the others; `namespace` compares its own with the host's.
        &["parent", "namespace", "attachment/liveness", "attach", "undo", "diagnose"],
    );
    assert_within(&rooms(&["process::Command", "Command::new", "start::"]), &["helper"]);
    assert_within(
        &rooms(&["std::fs", "fs::", "File::", "OpenOptions", "symlinkat", "renameat"]),
        // `boot`, `process` and `namespace` read /proc, `diagnose` reads /proc and /sys, `account` /etc/passwd,
        // `foreign_file` what engines wrote.
        &[
            "account",
            "foreign_file",
            "run_file",
            "network/catalog",
            "ipam/directory",
            "attachment/ledger",
            "attachment/lock",
            "parent",
            "boot",
            "process",
            "proc_file",
            "namespace",
            "diagnose",
        ],
    );
}

#[test]
fn only_the_helper_enters_a_namespace() {
    // I5.
    let calls: Vec<_> = sources()
        .filter(|file| !file.path.starts_with("tests/"))
        .flat_map(|file| vec![file.path.clone(); uncommented(file.code()).matches("setns(").count()])
        .collect();
    assert_eq!(calls.len(), 1, "setns is called once, in a process that then ends: {calls:?}");
    assert!(calls[0].starts_with("nsenter-helper/"), "{calls:?}");
}

#[test]
fn the_kernel_is_asked_for_links_addresses_and_routes_alone() {
    // The packet filter is other programs': CVE-2019-9946 came of a rule in the wrong place.
    let code: Vec<String> = sources()
        .filter(|file| !file.path.starts_with("tests/"))
        .flat_map(|file| uncommented(file.code()).lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let sockets: Vec<_> = code.iter().filter(|line| line.contains("sys::Socket::new(")).collect();
    assert!(sockets.len() > 1 && sockets.iter().all(|line| line.contains("(NETLINK_ROUTE)")), "{sockets:?}");
    let filters =
        |line: &&String| ["NETFILTER", "iptables", "nftables"].iter().any(|word| line.contains(word));
    assert_eq!(code.iter().find(filters), None);
}

#[test]
fn only_a_command_of_its_own_gets_a_fresh_namespace() {
    // I5, too: whoever is in another namespace than he started in does nothing else any more.
    let calls: Vec<_> = sources()
        .filter(|file| !file.path.starts_with("tests/"))
        .flat_map(|file| vec![file.path.clone(); uncommented(file.code()).matches("unshare(").count()])
        .collect();
    assert_eq!(calls, [Path::new("underlay/src/namespace/fresh.rs")]);
}

#[test]
fn the_hook_leaves_stdout_alone() {
    // I6. One place is for `--help`, of which no runtime knows.
    const SAY: &str = "pub(crate) fn say(text: &str) -> u8 {\n    let mut stdout = io::stdout()";
    for file in sources().filter(|file| file.path.starts_with("hook/src")) {
        let code = file.code().replacen(SAY, "", 1).replace("eprint", "");
        for word in ["println!", "print!", "stdout()"] {
            assert!(!code.contains(word), "{} uses {word}", file.path.display());
        }
    }
}

#[test]
fn hook_and_helper_stay_light() {
    // I4, and the reason for having packages at all: the hook runs on every start of a container.
    for (binary, refused) in [
        ("underlay-hook", &["clap", "tokio"][..]),
        ("underlay-nsenter", &["clap", "tokio", "regex", "oci-spec", "syslog", "underlay"][..]),
    ] {
        let tree = cargo(&["tree", "--package", binary, "--edges", "normal", "--prefix", "none"]);
        let crates: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        let found: Vec<_> = refused.iter().filter(|name| crates.contains(**name)).collect();
        assert!(found.is_empty(), "{binary} links {found:?}");
    }
}

#[test]
fn modules_are_named_after_what_they_hold() {
    const SAY_NOTHING: [&str; 6] = ["utils", "util", "common", "helpers", "misc", "types"];
    for file in sources() {
        let name = file.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        assert!(!SAY_NOTHING.contains(&name), "{}", file.path.display());
        assert!(name != "mod", "{}: name it after its directory, beside it", file.path.display());
    }
}

#[test]
fn files_can_be_read_in_one_sitting() {
    const LINES: usize = 400;
    for file in sources() {
        let lines = file.code().lines().count();
        assert!(lines <= LINES, "{}: {lines} lines before its tests", file.path.display());
    }
}

#[test]
fn nothing_is_left_for_later() {
    for file in sources().filter(|file| !file.path.ends_with("tidy.rs")) {
        for mark in ["TODO", "FIXME", "XXX", "todo!", "unimplemented!"] {
            assert!(!file.text.contains(mark), "{}: {mark}", file.path.display());
        }
    }
}

#[test]
fn no_file_names_the_place_where_it_was_written() {
    let root = root();
    let absolute = root.to_str().expect("a path in UTF-8");
    for path in git(&["ls-files"]).lines().filter(|path| *path != "Cargo.lock") {
        // A picture is no text.
        let Ok(text) = fs::read_to_string(root.join(path)) else { continue };
        for place in [absolute, "/home/", "/Users/"] {
            assert!(!text.contains(place) || path == "tests/tidy.rs", "{path} names {place}");
        }
    }
}

/// A Rust file of the workspace.
struct Source {
    /// From the root of the workspace.
    path: PathBuf,
    text: String,
}

impl Source {
    /// The file up to its unit tests; nothing, if it is nothing but tests.
    fn code(&self) -> &str {
        if self.path.file_name().is_some_and(|name| name == "tests.rs") {
            return "";
        }
        self.text.split("#[cfg(test)]").next().unwrap_or_default()
    }
}

#[test]
fn every_test_that_security_md_names_exists() {
    let document = fs::read_to_string(root().join("SECURITY.md")).expect("SECURITY.md");
    let tests =
        sources().filter(|file| file.text.contains("#[test]") || file.path.starts_with("tests/kernel"));
    let tests: String = tests.map(|file| file.text).collect();
    let exists = |name: &str| {
        tests.contains(&format!("\"{name}"))
            || tests.contains(&format!("fn {name}("))
            || root().join(name).is_file()
    };
    let named = named_tests(&document);
    assert!(named.len() > 20, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What stands in backticks behind `Test:` or `Tests:`, and in the last column of the table of others' mistakes.
fn named_tests(document: &str) -> Vec<String> {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let behind_the_word = document.split("\n- ").filter_map(|item| {
        let item = one_line(item.split("\n\n").next().unwrap_or_default());
        let (_, names) = item.split_once("Test: ").or_else(|| item.split_once("Tests: "))?;
        Some(names.to_owned())
    });
    let rows = document.lines().filter(|line| line.starts_with("| CVE-"));
    let last_columns = rows.filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "));
    let texts = behind_the_word.chain(last_columns.map(|(_, last)| last.to_owned()));
    texts.flat_map(|text| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn sources() -> impl Iterator<Item = Source> {
    let root = root();
    let paths = git(&["ls-files", "*.rs"]);
    let paths: Vec<_> = paths.lines().map(PathBuf::from).collect();
    paths.into_iter().filter_map(move |path| {
        // A file that was removed but not yet committed is still listed.
        let text = fs::read_to_string(root.join(&path)).ok()?;
        Some(Source { path, text })
    })
}

/// Rooms of `underlay/src` whose code has one of the words: paths without `.rs`.
fn rooms_of_underlay_that_use(words: &[&str]) -> BTreeSet<String> {
    sources()
        .filter(|file| words.iter().any(|word| uncommented(file.code()).contains(word)))
        .filter_map(|file| Some(file.path.strip_prefix("underlay/src").ok()?.with_extension("")))
        .map(|room| room.to_string_lossy().into_owned())
        .collect()
}

fn uncommented(code: &str) -> String {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every room is one of those allowed, or below one of them.
fn assert_within(rooms: &BTreeSet<String>, allowed: &[&str]) {
    let below = |room: &str, parent: &str| room == parent || room.starts_with(&format!("{parent}/"));
    let astray: Vec<_> =
        rooms.iter().filter(|room| !allowed.iter().any(|parent| below(room, parent))).collect();
    assert!(astray.is_empty(), "{astray:?} are not among {allowed:?}");
}

fn packages() -> Vec<Value> {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo's metadata");
    list(&metadata["packages"]).cloned().collect()
}

fn cargo(arguments: &[&str]) -> String {
    output(Command::new(env!("CARGO")).args(arguments).arg("--offline"))
}

fn git(arguments: &[&str]) -> String {
    output(Command::new("git").args(arguments))
}

fn output(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().expect("a program that can be started");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
