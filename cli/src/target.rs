//! The container that a command is about: an id, a process, or the path of a network namespace.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use thiserror::Error;
use underlay::{
    attachment::{
        ledger,
        overview::{self, AttachedContainer, Overview},
    },
    container::{Container, ContainerId, InvalidContainerId, UserKey},
    layout::Layout,
    namespace::{self, Namespace},
    network::Asker,
    process::Process,
};

use crate::runtime::{self, Roots, Running};

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A container's id, or the beginning of one.
    Id(ContainerId),
    /// A process, whose namespace is meant.
    Process(i32),
    /// A network namespace.
    Path(PathBuf),
}

/// Why there is no such target.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error(
        "no container whose id begins with `{0}` runs: neither Underlay's records nor those of runc, crun, containerd and \
         Docker in /run have one; pid:PID names a container by its process"
    )]
    Unknown(ContainerId),
    #[error("`{text}` is the beginning of several container ids: {}; write more of it", list(.matches))]
    Ambiguous { text: ContainerId, matches: Vec<UserKey> },
    #[error("container {0} has ended")]
    Ended(UserKey),
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    #[error(transparent)]
    Namespace(#[from] namespace::Error),
    #[error(transparent)]
    Overview(#[from] overview::Error),
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
}

/// Why a text names no target.
#[derive(Debug, Error)]
pub(crate) enum InvalidTarget {
    #[error("`{}` does not end in a process id", .0.escape_debug())]
    Process(String),
    #[error(transparent)]
    Id(#[from] InvalidContainerId),
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with('/') {
            return Ok(Self::Path(PathBuf::from(text)));
        }
        match text.strip_prefix("pid:") {
            Some(pid) => match pid.parse() {
                Ok(pid) if pid > 0 => Ok(Self::Process(pid)),
                _ => Err(InvalidTarget::Process(text.to_owned())),
            },
            None => Ok(Self::Id(text.parse()?)),
        }
    }
}

impl Target {
    /// The container, and its namespace opened.
    pub(crate) fn open(&self, layout: &Layout) -> Result<(Container, Namespace), Error> {
        let overview = overview::overview(layout)?;
        match self {
            Self::Id(id) => open_by_id(id, &overview),
            Self::Process(pid) => {
                let namespace = Namespace::pin(Some(*pid), None)?;
                let known = namespace.process().and_then(|process| overview.of_process(process));
                let container =
                    known.map_or_else(|| nameless(of_process(*pid)), AttachedContainer::container);
                Ok((container, namespace))
            }
            Self::Path(path) => Ok((nameless(of_path(path)), Namespace::pin(None, Some(path))?)),
        }
    }

    /// By what the records know it; it need not run any more.
    pub(crate) fn key(&self, layout: &Layout) -> Result<UserKey, Error> {
        let overview = overview::overview(layout)?;
        match self {
            Self::Id(id) => Ok(overview.find(id.as_str())?.user.key.clone()),
            Self::Process(pid) => {
                let alive = |container: &&AttachedContainer| {
                    container.user.process.is_some_and(|process| process.pid == *pid && process.is_alive())
                };
                let known = overview.containers.iter().find(alive);
                Ok(known.map_or_else(|| of_process(*pid), |container| container.user.key.clone()))
            }
            Self::Path(path) => Ok(of_path(path)),
        }
    }
}

/// A container that Underlay's records have, or else one that a runtime has.
fn open_by_id(id: &ContainerId, overview: &Overview) -> Result<(Container, Namespace), Error> {
    let candidates = Candidates::of(overview, |candidate| candidate == id.as_str())?;
    let candidates = if candidates.0.is_empty() {
        Candidates::of(overview, |candidate| candidate.starts_with(id.as_str()))?
    } else {
        candidates
    };
    match candidates.0.as_slice() {
        [] => Err(Error::Unknown(id.clone())),
        [candidate] => candidate.open(),
        several => Err(Error::Ambiguous {
            text: id.clone(),
            matches: several.iter().map(|candidate| candidate.key().clone()).collect(),
        }),
    }
}

struct Candidates<'a>(Vec<Candidate<'a>>);

enum Candidate<'a> {
    Attached(&'a AttachedContainer),
    Running(Running),
}

impl<'a> Candidates<'a> {
    /// Each container once: what the records know of it is more than what its runtime does.
    fn of(overview: &'a Overview, is_meant: impl Fn(&str) -> bool) -> Result<Self, Error> {
        let attached = overview.matching(&is_meant);
        let mut running = Roots::below(Path::new("/run")).matching(&is_meant)?;
        running.retain(|running| attached.iter().all(|attached| attached.user.key != running.key));
        let attached = attached.into_iter().map(Candidate::Attached);
        Ok(Self(attached.chain(running.into_iter().map(Candidate::Running)).collect()))
    }
}

impl Candidate<'_> {
    fn key(&self) -> &UserKey {
        match self {
            Self::Attached(container) => &container.user.key,
            Self::Running(running) => &running.key,
        }
    }

    fn open(&self) -> Result<(Container, Namespace), Error> {
        match self {
            Self::Attached(container) => Ok((container.container(), container.open()?)),
            Self::Running(Running { key, process }) => {
                Ok((nameless(key.clone()), open_process(key, *process)?))
            }
        }
    }
}

fn open_process(key: &UserKey, process: Process) -> Result<Namespace, Error> {
    // A runtime notes 0 for a container that was created and has ended.
    if !process.is_alive() {
        return Err(Error::Ended(key.clone()));
    }
    let namespace = Namespace::pin(Some(process.pid), None)?;
    // The number may be another process's since the line before.
    if namespace.process() == Some(process) { Ok(namespace) } else { Err(Error::Ended(key.clone())) }
}

fn nameless(key: UserKey) -> Container {
    Container { key, name: None, pod: None, namespace: None, asker: Asker::Administrator }
}

fn of_process(pid: i32) -> UserKey {
    UserKey::new(ContainerId::invent("pid", &pid.to_string()), "")
}

/// The directory is resolved, so that `/var/run/netns/blue` is `/run/netns/blue`, but not the file: in /proc
/// it is a link to what is no path. The path stands in for the bundle: two namespaces of one name in
/// different places are two containers.
fn of_path(path: &Path) -> UserKey {
    let name = path.file_name().unwrap_or_default();
    let directory = path.parent().and_then(|directory| fs::canonicalize(directory).ok());
    let path = directory.map_or_else(|| path.to_owned(), |directory| directory.join(name));
    UserKey::new(ContainerId::invent("netns", &name.to_string_lossy()), &path.to_string_lossy())
}

fn list(keys: &[UserKey]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Target {
        text.parse().unwrap()
    }

    #[test]
    fn a_target_is_an_id_a_process_or_a_path() {
        assert_eq!(read("web"), Target::Id("web".parse().unwrap()));
        assert_eq!(read("pid:4711"), Target::Process(4711));
        assert_eq!(read("/run/netns/blue"), Target::Path("/run/netns/blue".into()));
        for wrong in ["pid:", "pid:0", "pid:-1", "pid:x", "", "a/b"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_namespace_is_known_by_its_path_and_named_after_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().join("real");
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, directory.path().join("link")).unwrap();
        let key = of_path(&real.join("blue sky"));
        assert_eq!(key.container.as_str(), "netns-blue_sky");
        assert_eq!(of_path(&directory.path().join("link/blue sky")), key);
        assert_ne!(of_path(&directory.path().join("blue sky")), key);
    }
}
