//! `underlay`: what the administrator types.
//!
//! Text becomes a value, the value goes into one call of the library, and what comes back becomes text and an
//! exit code. Docker's words are known here ([`docker`]) and nowhere else.

#![forbid(unsafe_code)]

mod arguments;
mod bundle;
mod docker;
mod doctor;
mod documents;
mod gc;
mod import;
mod inspect;
mod network;
mod outcome;
mod ps;
mod run;
mod runtime;
mod source;
mod status;
mod table;
mod target;
mod timestamp;
mod wrap;

use std::process::ExitCode;

use clap::{Parser as _, error::ErrorKind};

use arguments::{Arguments, Command, NetworkCommand};
use outcome::Failure;

fn main() -> ExitCode {
    match parse().and_then(run) {
        Ok(()) => ExitCode::from(outcome::OK),
        Err(failure) => failure.report(),
    }
}

/// Help and version end the process here; what was typed wrongly is reported as everything else is.
fn parse() -> Result<Arguments, Failure> {
    Arguments::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.exit(),
        _ => Failure::typed(&error),
    })
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let layout = arguments.directories.layout();
    match arguments.command {
        Command::Network(NetworkCommand::Create(words)) => network::create(&layout, &words),
        Command::Network(NetworkCommand::Ls(how)) => network::list(&layout, &how),
        Command::Network(NetworkCommand::Inspect { names }) => network::inspect(&layout, &names),
        Command::Network(NetworkCommand::Import(words)) => network::import(&layout, &words),
        Command::Network(NetworkCommand::Check { subjects }) => network::check(&layout, &subjects),
        Command::Network(NetworkCommand::Routes { name, format }) => network::routes(&layout, &name, format),
        Command::Network(NetworkCommand::Schema) => network::schema(),
        Command::Documents { directory } => documents::write(&directory),
        Command::Doctor(words) => doctor::doctor(&layout, &words),
        Command::Bundle(command) => bundle::run(&layout, command),
        Command::Wrap(words) => wrap::wrap(&layout, words),
        Command::Network(NetworkCommand::Rm { names, force }) => network::remove(&layout, &names, force),
        Command::Network(NetworkCommand::Prune { force }) => network::prune(&layout, force),
        Command::Network(NetworkCommand::Connect(words)) => network::connect(&layout, &words),
        Command::Network(NetworkCommand::Disconnect(words)) => network::disconnect(&layout, &words),
        Command::Ps(how) => ps::list(&layout, &how),
        Command::Inspect(words) => inspect::inspect(&layout, &words),
        Command::Run(words) => run::run(&layout, &words),
        Command::RunInside(words) => run::inside(&words),
        Command::Gc(words) => gc::collect(&layout, &words),
    }
}
