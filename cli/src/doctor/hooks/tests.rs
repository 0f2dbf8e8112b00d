use underlay::diagnose::Verdict;

use super::*;

const SHIPPED: [(&str, &str); 2] = [
    ("50-underlay-attach.json", include_str!("../../../../hooks.d/50-underlay-attach.json")),
    ("50-underlay-detach.json", include_str!("../../../../hooks.d/50-underlay-detach.json")),
];

fn judge(text: &str, program: Program) -> (Vec<Finding>, Option<Ours>) {
    judge_file(Path::new("/h/50-x.json"), Ok(text.to_owned()), |_| program)
}

/// The one finding on a text in which `from` was replaced.
fn changed(from: &str, to: &str) -> (Verdict, String) {
    let (_, attach) = SHIPPED[0];
    assert!(attach.contains(from), "{from}");
    let (mut findings, _) = judge(&attach.replace(from, to), Program::There);
    assert_eq!(findings.len(), 1, "{findings:?}");
    let finding = findings.remove(0);
    (finding.verdict, finding.found)
}

fn engine(directory: &str) -> Engine {
    Engine { name: "podman", directories: vec![directory.into()], unread: Vec::new() }
}

fn shipped(directory: &str, count: usize) -> Files {
    let ours = SHIPPED.iter().take(count).map(|(name, text)| {
        let path = Path::new(directory).join(name);
        judge_file(&path, Ok((*text).to_owned()), |_| Program::There).1.unwrap()
    });
    let ours: Vec<_> = ours.collect();
    Files { findings: Vec::new(), paths: ours.iter().map(|file| file.path.clone()).collect(), ours }
}

#[test]
fn what_is_shipped_is_right_and_found() {
    for (_, text) in SHIPPED {
        assert_eq!(judge(text, Program::There).0, []);
    }
    let findings = judge_engine(&engine("/h"), &shipped("/h", 2), &[]);
    assert_eq!(findings.iter().map(|finding| finding.verdict).collect::<Vec<_>>(), [Verdict::Ok]);
}

#[test]
fn a_hook_that_is_not_called_is_a_warning_that_says_where_it_is() {
    let verdict = |files: &Files, elsewhere: &[Ours]| {
        let finding = judge_calls(&engine("/h"), files, elsewhere);
        (finding.verdict, finding.advice.unwrap_or_default())
    };
    assert!(verdict(&shipped("/h", 1), &[]).1.contains("50-underlay-detach.json"));
    assert!(verdict(&shipped("/other", 2), &[]).1.contains("50-underlay-attach.json"));
    let (warning, advice) = verdict(&Files::default(), &shipped(EXPECTED_BY_MANY, 2).ours);
    assert_eq!(warning, Verdict::Warning);
    assert!(advice.contains("hooks_dir"), "{advice}");
}

#[test]
fn a_file_of_the_same_name_in_a_later_directory_takes_its_place() {
    let mut files = shipped("/usr/h", 2);
    let both = Engine { directories: vec!["/usr/h".into(), "/etc/h".into()], ..engine("/usr/h") };
    let verdict = |engine: &Engine, files: &Files| judge_calls(engine, files, &[]).verdict;
    assert_eq!(verdict(&both, &files), Verdict::Ok);
    files.paths.push("/etc/h/50-underlay-attach.json".into());
    assert_eq!(verdict(&both, &files), Verdict::Warning);
    assert_eq!(verdict(&engine("/usr/h"), &files), Verdict::Ok);
    files.ours.extend(shipped("/etc/h", 1).ours);
    assert_eq!(verdict(&both, &files), Verdict::Ok);
}

#[test]
fn what_breaks_every_container_is_a_failure_whoever_wrote_it() {
    for text in [
        "{",
        r#"{"version": "2.0.0", "hook": {"path": "/x"}, "when": {"always": true}, "stages": ["poststop"]}"#,
        r#"{"version": "1.0.0", "hook": {"path": "/x"}, "when": {}, "stages": ["poststop"]}"#,
        r#"{"version": "1.0.0", "hook": {"path": "/x"}, "when": {"always": true}, "stages": ["sometime"]}"#,
        r#"{"version": "1.0.0", "hook": {"path": "/x"}, "when": {"always": true}, "stages": []}"#,
    ] {
        let (findings, _) = judge(text, Program::There);
        assert_eq!(findings[0].verdict, Verdict::Failure, "{text}");
        assert!(findings[0].found.contains("no container starts"), "{text}");
    }
}

#[test]
fn a_hook_of_others_is_theirs() {
    let other =
        r#"{"version": "1.0.0", "hook": {"path": "/x"}, "when": {"always": true}, "stages": ["poststop"]}"#;
    let old = r#"{"hook": "/x", "stages": ["poststop"], "cmds": [".*"]}"#;
    for text in [other, old] {
        let (findings, ours) = judge(text, Program::Missing);
        assert!(findings.is_empty() && ours.is_none(), "{findings:?}");
    }
}

#[test]
fn the_program_must_be_there_and_be_told_its_stage() {
    let (_, attach) = SHIPPED[0];
    assert!(judge(attach, Program::Missing).0[0].found.contains("without a word"));
    assert!(judge(attach, Program::NotExecutable).0[0].found.contains("not executable"));
    let (verdict, found) = changed("\"underlay-hook\",\n      \"createRuntime\"", "\"underlay-hook\"");
    assert_eq!((verdict, found.contains("args")), (Verdict::Failure, true));
}

#[test]
fn patterns_that_match_too_much_are_warned_of() {
    for (from, to) in [("^io", "io"), ("networks$\"", "networks\""), (r"io\\.", "io.")] {
        let (verdict, found) = changed(from, to);
        assert_eq!(verdict, Verdict::Warning);
        assert!(found.contains("matches other keys"), "{found}");
    }
}
