//! `underlay wrap`: a runtime for engines that give their containers no hooks.
//!
//! It adds the hooks to the bundle that the engine wrote, and becomes the runtime that was meant.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::{ffi::OsStrExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use clap::Args;
use thiserror::Error;
use underlay::layout::Layout;

use crate::{
    bundle::{self, HookWords},
    outcome::Failure,
};

/// The words of `wrap`.
#[derive(Args, Debug)]
pub(crate) struct WrapWords {
    /// The runtime to become, a path or a name looked for in $PATH
    #[arg(long, value_name = "RUNTIME")]
    runtime: PathBuf,
    /// The networks of containers without the annotation, in its words
    #[arg(long, value_name = "NETWORKS")]
    networks: Option<String>,
    #[command(flatten)]
    hook: HookWords,
    /// What the engine says to its runtime
    #[arg(last = true, required = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

/// The runtime could not be started.
#[derive(Debug, Error)]
#[error("cannot start the runtime {}", .runtime.display())]
struct NoRuntime {
    runtime: PathBuf,
    #[source]
    source: io::Error,
}

/// The options before a runtime's command that take a value, of runc, crun and youki.
const WITH_VALUE: [&str; 7] =
    ["--root", "--log", "--log-format", "--log-level", "--cgroup-manager", "--criu", "--rootless"];

/// Becomes the runtime, and so returns only if that failed.
pub(crate) fn wrap(layout: &Layout, words: WrapWords) -> Result<(), Failure> {
    let WrapWords { runtime, networks, hook, arguments } = words;
    if let Some(bundle) = bundle_to_start(&arguments) {
        bundle::add_hooks_if_annotated(&bundle, &hook.hook(layout), networks.as_deref())?;
    }
    let source = Command::new(&runtime).args(arguments).exec();
    Err(NoRuntime { runtime, source }.into())
}

/// The bundle that a container is to be made of, if that is what the runtime is told.
fn bundle_to_start(arguments: &[OsString]) -> Option<PathBuf> {
    let mut words = arguments.iter().map(OsString::as_os_str);
    let command = loop {
        let word = words.next()?;
        if WITH_VALUE.iter().any(|option| word == *option) {
            words.next();
        } else if !word.as_bytes().starts_with(b"-") {
            break word;
        }
    };
    if !["create", "run", "restore"].iter().any(|starts| command == *starts) {
        return None;
    }
    while let Some(word) = words.next() {
        if word == "--bundle" || word == "-b" {
            return words.next().map(PathBuf::from);
        }
        let inline =
            ["--bundle=", "-b="].iter().find_map(|option| word.as_bytes().strip_prefix(option.as_bytes()));
        if let Some(bundle) = inline {
            return Some(Path::new(OsStr::from_bytes(bundle)).to_owned());
        }
    }
    // As runtimes do.
    Some(PathBuf::from("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(line: &str) -> Option<PathBuf> {
        bundle_to_start(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn finds_the_bundle_as_engines_name_it() {
        let of_docker = "--root /run/docker/runtime-runc/moby --log /l/log.json --log-format json --systemd-cgroup \
                         create --bundle /b/1 --pid-file /b/1/init.pid --console-socket /tmp/pty 1";
        for (line, expected) in [
            (of_docker, "/b/1"),
            ("run -b /b 1", "/b"),
            ("--debug run --bundle=/b 1", "/b"),
            ("--log=run restore -b=/b 1", "/b"),
            ("--root create run 1", "."),
        ] {
            assert_eq!(bundle(line), Some(expected.into()), "{line}");
        }
    }

    #[test]
    fn commands_that_start_nothing_have_no_bundle() {
        for line in
            ["", "--version", "delete --force run", "--root create delete 1", "state create", "--log run"]
        {
            assert_eq!(bundle(line), None, "{line}");
        }
    }
}
