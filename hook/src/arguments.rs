//! The command line, parsed by hand: this program runs at every start of a container, and four options need
//! no library.

use std::{ffi::OsString, path::PathBuf};

use thiserror::Error;
use underlay::layout::{HELPER, Layout};

use crate::{error::Error as HookError, state::State};

/// The annotation that asks for networks.
const ANNOTATION: &str = "io.underlay.networks";

const HELP: &str = "\
Attaches a container to the networks that its annotation names, and detaches it.
Run by an OCI runtime as a hook, with the container's state on standard input.

Usage: underlay-hook [OPTIONS] [createRuntime | poststop]

Without a stage, the status in the state tells: `stopped` is poststop.

Options:
      --annotation KEY  the annotation to read [default: io.underlay.networks]
      --config DIR      where networks/NAME.json are [default: /etc/underlay]
      --run DIR         where leases and records are [default: /run/underlay]
      --helper PATH     the helper [default: /usr/libexec/underlay/underlay-nsenter]
      --help            print this
      --version         print the version

Exit codes: 0 done or nothing to do, and always at poststop; 1 failed, nothing was
attached; 64 the command line is wrong.

As a hook of a bundle (config.json), with args[0] being the program's own name:
  \"createRuntime\": [{\"path\": \"/usr/libexec/oci/hooks.d/underlay-hook\",
                     \"args\": [\"underlay-hook\", \"createRuntime\"], \"timeout\": 30}]
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// Print this and end.
    Say(String),
    /// Be a hook.
    Run(Arguments),
}

/// The parsed command line of a hook.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) stage: Stage,
    pub(crate) annotation: String,
    pub(crate) layout: Layout,
}

/// When the runtime runs us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// After the namespaces are made, before the container's process starts.
    CreateRuntime,
    /// After the container is gone.
    Poststop,
    /// Not said: the state tells.
    OfState,
}

/// A command line that is wrong.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Error {
    #[error("unknown argument `{}`; see underlay-hook --help", underlay::message::escape(.0))]
    Unknown(String),
    #[error("{0} needs a value; see underlay-hook --help")]
    NoValue(String),
    #[error("two stages were given; see underlay-hook --help")]
    TwoStages,
}

/// The help, with the paths of this installation.
fn help() -> String {
    match HELPER.strip_suffix("/underlay/underlay-nsenter") {
        Some(libexec) => HELP.replace("/usr/libexec", libexec),
        None => HELP.to_owned(),
    }
}

/// Parses the arguments after the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, Error> {
    let mut parsed =
        Arguments { stage: Stage::OfState, annotation: ANNOTATION.to_owned(), layout: Layout::default() };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy().into_owned();
        let (option, inline) = match text.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option.to_owned(), Some(value.into())),
            _ => (text, None),
        };
        let mut value = || inline.clone().or_else(|| arguments.next()).ok_or(Error::NoValue(option.clone()));
        match option.as_str() {
            "--help" => return Ok(Invocation::Say(help())),
            "--version" => {
                return Ok(Invocation::Say(format!("underlay-hook {}\n", env!("CARGO_PKG_VERSION"))));
            }
            "--annotation" => parsed.annotation = value()?.to_string_lossy().into_owned(),
            "--config" => parsed.layout.config = PathBuf::from(value()?),
            "--run" => parsed.layout.run = PathBuf::from(value()?),
            "--helper" => parsed.layout.helper = PathBuf::from(value()?),
            "createRuntime" | "poststop" if parsed.stage != Stage::OfState => return Err(Error::TwoStages),
            "createRuntime" => parsed.stage = Stage::CreateRuntime,
            "poststop" => parsed.stage = Stage::Poststop,
            _ => return Err(Error::Unknown(option)),
        }
    }
    Ok(Invocation::Run(parsed))
}

impl Stage {
    /// The stage that arguments and state agree on; never [`Stage::OfState`].
    ///
    /// `creating` is what the specification says at createRuntime; crun says `created`, kata nothing. At
    /// poststop all say `stopped`, but for kata.
    pub(crate) fn agree(self, state: &State) -> Result<Self, HookError> {
        let is_stopped = match state.status.as_str() {
            "" => None,
            "stopped" => Some(true),
            _ => Some(false),
        };
        match (self, is_stopped) {
            (Self::CreateRuntime, Some(true)) => Err(contradiction("createRuntime", state)),
            (Self::Poststop, Some(false)) => Err(contradiction("poststop", state)),
            (Self::OfState, None) => Err(HookError::StageUnknown(state.status.clone())),
            (Self::CreateRuntime, _) | (Self::OfState, Some(false)) => Ok(Self::CreateRuntime),
            (Self::Poststop, _) | (Self::OfState, Some(true)) => Ok(Self::Poststop),
        }
    }
}

fn contradiction(stage: &'static str, state: &State) -> HookError {
    HookError::Contradiction { stage, status: state.status.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> Result<Arguments, Error> {
        match parse(arguments.iter().map(OsString::from))? {
            Invocation::Run(arguments) => Ok(arguments),
            Invocation::Say(text) => panic!("{text}"),
        }
    }

    #[test]
    fn options_take_their_value_in_both_ways() {
        for line in [&["--run", "/r", "poststop"][..], &["poststop", "--run=/r"]] {
            let arguments = run(line).unwrap();
            assert_eq!(arguments.stage, Stage::Poststop);
            assert_eq!(arguments.layout.run, PathBuf::from("/r"));
            assert_eq!(arguments.layout.config, PathBuf::from("/etc/underlay"));
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert_eq!(run(&["create"]), Err(Error::Unknown("create".to_owned())));
        assert_eq!(run(&["--run"]), Err(Error::NoValue("--run".to_owned())));
        assert_eq!(run(&["poststop", "createRuntime"]), Err(Error::TwoStages));
    }

    #[test]
    fn the_stage_follows_from_the_status_and_must_not_contradict_it() {
        let agree = |stage: Stage, status: &str| stage.agree(&State::with_status(status)).ok();
        for status in ["creating", "created", "running"] {
            assert_eq!(agree(Stage::OfState, status), Some(Stage::CreateRuntime));
            assert_eq!(agree(Stage::Poststop, status), None);
        }
        assert_eq!(agree(Stage::OfState, "stopped"), Some(Stage::Poststop));
        assert_eq!(agree(Stage::CreateRuntime, "stopped"), None);
        assert_eq!(agree(Stage::OfState, ""), None);
        assert_eq!(agree(Stage::CreateRuntime, ""), Some(Stage::CreateRuntime));
        assert_eq!(agree(Stage::Poststop, ""), Some(Stage::Poststop));
    }
}
