//! The documents that follow from the command line and from the table of a definition's keys.

#![allow(clippy::expect_used, reason = "all of this file is a test")]

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

fn underlay(arguments: &[&str]) -> Vec<u8> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_underlay")).args(arguments).output().expect("the command runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn documents() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    underlay(&["documents", directory.path().to_str().expect("a path")]);
    directory
}

fn read(directory: &TempDir, path: &str) -> String {
    fs::read_to_string(directory.path().join(path)).expect(path)
}

fn keys(schema: &Value, above: &str, found: &mut Vec<String>) {
    let properties = schema["properties"].as_object().into_iter().flatten();
    for (key, value) in properties {
        let place = format!("{above}{key}");
        keys(value, &format!("{place}."), found);
        keys(&value["items"], &format!("{place}[]."), found);
        found.push(place);
    }
}

/// Every key of a definition, as a path.
fn every_key() -> Vec<String> {
    let schema: Value = serde_json::from_slice(&underlay(&["network", "schema"])).expect("JSON");
    let mut found = Vec::new();
    keys(&schema, "", &mut found);
    assert!(found.iter().any(|key| key == "subnets[].aux_addresses"), "{found:?}");
    found
}

#[test]
fn completions_are_such_as_their_shells_take() {
    let directory = documents();
    let bash = directory.path().join("completions/underlay");
    assert!(Command::new("bash").arg("-n").arg(bash).status().expect("bash runs").success());
    assert!(read(&directory, "completions/_underlay").starts_with("#compdef underlay\n"));
    assert!(read(&directory, "completions/underlay.fish").contains("complete -c underlay "));
    for file in ["completions/underlay", "completions/_underlay", "completions/underlay.fish"] {
        let text = read(&directory, file);
        assert!(text.contains("aux-address") && text.contains("inspect"), "{file}");
    }
}

#[test]
fn every_page_names_itself_and_the_placeholder_is_gone() {
    let directory = documents();
    for entry in fs::read_dir(directory.path().join("man")).expect("pages") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a page");
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let section = path.extension().and_then(|section| section.to_str()).expect("a section");
        assert!(text.contains(&format!(".TH {stem} {section} ")), "{}", path.display());
        assert!(
            text.contains("\n.SH \"SEE ALSO\"\n") || text.contains("\n.SH SEE ALSO\n"),
            "{}",
            path.display()
        );
        assert!(!text.contains(".\\\" KEYS"), "{}", path.display());
    }
}

#[test]
fn the_schema_file_is_what_the_command_prints() {
    let file: Value =
        serde_json::from_str(&read(&documents(), "schema/underlay-network.schema.json")).expect("JSON");
    let printed: Value = serde_json::from_slice(&underlay(&["network", "schema"])).expect("JSON");
    assert_eq!(file, printed);
}

#[test]
fn manual_and_readme_name_every_key() {
    let page = read(&documents(), "man/underlay-network.5");
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).expect("README.md");
    for key in every_key() {
        assert!(page.contains(&format!("\\fB{key}\\fR")), "underlay-network(5): {key}");
        // A row of the README is for an object, with all its keys.
        let last = key.rsplit('.').next().expect("a key");
        let is_there = [&*key, last].iter().any(|key| readme.contains(&format!("`{key}")));
        assert!(is_there, "README.md: {key}");
    }
}

#[test]
fn the_hooks_page_names_every_option() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(manifest.join("../packaging/man/underlay-hook.8")).expect("the page");
    let source = fs::read_to_string(manifest.join("../hook/src/arguments.rs")).expect("the hook's options");
    let help =
        source.split("HELP: &str = ").nth(1).and_then(|rest| rest.split("\";").next()).expect("the help");
    let options = help.split_whitespace().filter(|word| word.starts_with("--"));
    let options: Vec<_> = options.collect();
    assert!(options.len() >= 6, "{options:?}");
    for option in options {
        assert!(page.contains(&option.replace('-', "\\-")), "underlay-hook(8): {option}");
    }
}
