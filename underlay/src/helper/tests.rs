use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use plan::Plan;

use super::*;
use crate::message;

const LONG: Duration = Duration::from_secs(600);

/// What a helper that is this shell script makes of its first line, and of its end.
fn of(script: &str) -> Error {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("helper");
    // Written by another process: one that tests beside this one start could hold it open for writing (ETXTBSY).
    let line = format!("cat >{0} && chmod 700 {0}", program.display());
    let mut shell = Command::new("sh").args(["-c", &line]).stdin(Stdio::piped()).spawn().unwrap();
    shell.stdin.take().unwrap().write_all(format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
    assert!(shell.wait().unwrap().success());
    let start = Instant::now();
    let error = Helper::detach(&program, None, start + LONG).unwrap().hello().unwrap_err();
    assert!(start.elapsed() < LONG / 10, "it was waited for");
    error
}

#[test]
fn a_helper_that_does_not_stop_talking_is_ended() {
    let error = of("head -c 2097152 /dev/zero; exec sleep 1200");
    assert!(matches!(error, Error::TooLong { .. }), "{error}");
}

#[test]
fn a_helper_that_falls_silent_and_stays_is_ended() {
    let error = of("exec sleep 1200 >&-");
    assert!(matches!(&error, Error::Ended { status, .. } if status.contains("SIGKILL")), "{error}");
}

#[test]
fn how_a_helper_ended_by_itself_is_told() {
    for _ in 0..100 {
        let error = of("exit 3");
        assert!(matches!(&error, Error::Ended { status, .. } if status.contains('3')), "{error}");
    }
}

#[test]
fn why_a_program_is_no_helper_is_told_in_place_of_its_first_line() {
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain");
    fs::write(&plain, "").unwrap();
    let missing = directory.path().join("missing");
    let plan = Plan { patience_ms: 0, steps: Vec::new() };
    for (program, why) in [(&missing, "No such file or directory"), (&plain, "Permission denied")] {
        let start = || Helper::detach(program, None, Instant::now() + LONG).unwrap();
        // The plan may be written before the pipe is broken, or not.
        for error in [start().hello().unwrap_err(), start().apply(&plan).unwrap_err()] {
            assert!(matches!(error, Error::Start { .. }), "{error}");
            let message = message::chain(&error);
            assert!(message.contains("not executable") && message.contains(why), "{message}");
        }
    }
}

#[test]
fn one_that_is_dropped_before_it_is_anything_is_ended_and_waited_for() {
    for _ in 0..200 {
        let helper = Helper::detach(Path::new("/bin/cat"), None, Instant::now() + LONG).unwrap();
        let pid = helper.process.pid();
        drop(helper);
        let again = nix::sys::wait::waitpid(pid, None);
        assert_eq!(again, Err(nix::errno::Errno::ECHILD));
    }
}
