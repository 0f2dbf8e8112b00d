//! Every test that needs a kernel: real containers, started by real runtimes through the built hook.
//!
//! Besides what every test binary of cargo understands:
//!
//! - `--skipped-to FILE` writes the names of the trials that this machine cannot run, one a line;
//! - `--require FILE` runs the trials named there and no others, and fails those whose needs are not met.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "all of this program is a test, and a panic is a failed one"
)]

use std::{
    fs,
    io::{self, Write},
    process::ExitCode,
};

use lab::{ENGINES, SHOWN, TALLY, Trial};
use libtest_mimic::{Arguments, Failed, Trial as Test};

mod account;
mod attempt;
mod boot;
mod command;
mod containerd;
mod crowd;
mod doctor;
mod drift;
mod faults;
mod hook;
mod hook_rights;
mod hostile;
mod import;
mod interrupted;
mod ipvlan;
mod late;
mod macvlan;
mod meddling;
mod modes;
mod occupied;
mod own_proc;
mod parting;
mod podman;
mod policy;
mod quiet;
mod recorded;
mod refused;
mod relocated;
mod rights;
mod router;
mod shared;
mod soak;
mod states;
mod trouble;
mod undone;
mod untouched;
mod upgrade;
mod vlan;

fn main() -> ExitCode {
    let (own, mut arguments) = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => return complain(&error),
    };
    // Labs wait for the kernel more than they compute, but a container's start does compute.
    arguments.test_threads = arguments.test_threads.or(Some(2));

    let mut trials = trials();
    if let Some(names) = &own.require {
        trials.retain(|trial| names.contains(&trial.name));
        if trials.len() != names.len() {
            return complain(&format!("{} of the {} required trials exist", trials.len(), names.len()));
        }
    }
    if let Some(file) = &own.skipped_to {
        let lacking = trials.iter().filter(|trial| !trial.lacks().is_empty());
        let names: Vec<_> = lacking.map(|trial| format!("{}\n", trial.name)).collect();
        if let Err(error) = fs::write(file, names.concat()) {
            return complain(&format!("cannot write {file}: {error}"));
        }
    }
    let tests = trials.into_iter().map(|trial| test(trial, own.require.is_some())).collect();
    let conclusion = libtest_mimic::run(&arguments, tests);
    // Nobody is left to tell if stdout is closed.
    let _ = write!(io::stdout(), "{SHOWN}");
    if ENGINES.is_used() {
        let _ = writeln!(io::stdout(), "{ENGINES}");
    }
    if TALLY.is_used() {
        let _ = writeln!(io::stdout(), "{TALLY}");
    }
    conclusion.exit_code()
}

fn trials() -> Vec<Trial> {
    [
        untouched::trials(),
        macvlan::trials(),
        ipvlan::trials(),
        vlan::trials(),
        modes::trials(),
        refused::trials(),
        policy::trials(),
        hostile::trials(),
        meddling::trials(),
        rights::trials(),
        relocated::trials(),
        account::trials(),
        own_proc::trials(),
        occupied::trials(),
        hook::trials(),
        hook_rights::trials(),
        undone::trials(),
        parting::trials(),
        shared::trials(),
        podman::trials(),
        containerd::trials(),
        states::trials(),
        recorded::trials(),
        doctor::trials(),
        drift::trials(),
        import::trials(),
        router::trials(),
        command::trials(),
        boot::trials(),
        late::trials(),
        quiet::trials(),
        interrupted::trials(),
        faults::trials(),
        trouble::trials(),
        crowd::trials(),
        soak::trials(),
        upgrade::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The arguments that cargo's test binaries do not know.
#[derive(Default)]
struct Own {
    skipped_to: Option<String>,
    require: Option<Vec<String>>,
}

fn arguments() -> Result<(Own, Arguments), String> {
    let mut own = Own::default();
    let mut others = Vec::new();
    let mut words = std::env::args();
    while let Some(word) = words.next() {
        let mut file = || words.next().ok_or(format!("{word} needs a file"));
        match word.as_str() {
            "--skipped-to" => own.skipped_to = Some(file()?),
            "--require" => {
                let file = file()?;
                let text =
                    fs::read_to_string(&file).map_err(|error| format!("cannot read {file}: {error}"))?;
                own.require = Some(text.lines().map(str::to_owned).collect());
            }
            _ => others.push(word),
        }
    }
    Ok((own, Arguments::from_iter(others)))
}

fn test(trial: Trial, required: bool) -> Test {
    let lacks = trial.lacks().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let kind = if lacks.is_empty() { String::new() } else { format!("lacks {lacks}") };
    let ignored = !lacks.is_empty() && !required;
    let name = trial.name.clone();
    let run = move || {
        if lacks.is_empty() {
            trial.run().map_err(|error| Failed::from(error.chain()))
        } else {
            Err(Failed::from(format!("this machine lacks {lacks}")))
        }
    };
    Test::test(name, run).with_kind(kind).with_ignored_flag(ignored)
}

fn complain(message: &str) -> ExitCode {
    // Nobody is left to tell if stderr is closed.
    let _ = writeln!(io::stderr(), "kernel tests: {message}");
    ExitCode::from(2)
}
