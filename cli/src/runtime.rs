//! Containers as OCI runtimes note them in their state directories: those that Underlay has not attached yet.
//!
//! ```text
//! ROOT/ID/state.json   runc, and what drives it: containerd has a root for each of its namespaces, Docker one
//! ROOT/ID/status       crun, also under podman and CRI-O
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use thiserror::Error;
use underlay::{
    container::{ContainerId, UserKey},
    foreign_file,
    process::Process,
};

/// A container that a runtime has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    /// Its id, and the bundle that its runtime passes to hooks.
    pub(crate) key: UserKey,
    /// Its first process as it was when it started.
    pub(crate) process: Process,
}

/// What a runtime noted and cannot be used.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Read(#[from] foreign_file::Error),
    #[error("{} is not the state of a container that runs", .path.display())]
    Form {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
}

/// Where runtimes keep their containers, and the file that each has there.
#[derive(Clone, Debug)]
pub(crate) struct Roots(Vec<(PathBuf, StateFile)>);

#[derive(Clone, Copy, Debug)]
enum StateFile {
    Runc,
    Crun,
}

impl Roots {
    /// The usual ones below `run`, which is `/run`.
    pub(crate) fn below(run: &Path) -> Self {
        let containerd = fs::read_dir(run.join("containerd/runc")).into_iter().flatten().flatten();
        let runc = ["runc", "docker/runtime-runc/moby"].map(|root| run.join(root));
        let runc = runc.into_iter().chain(containerd.map(|entry| entry.path()));
        let crun = (run.join("crun"), StateFile::Crun);
        Self(runc.map(|root| (root, StateFile::Runc)).chain([crun]).collect())
    }

    /// The containers whose id is meant. The states of others are not read.
    pub(crate) fn matching(&self, is_meant: impl Fn(&str) -> bool) -> Result<Vec<Running>, Error> {
        let mut found = Vec::new();
        for (root, file) in &self.0 {
            // A runtime that was never used has no directory.
            for entry in fs::read_dir(root).into_iter().flatten().flatten() {
                let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<ContainerId>().ok())
                else {
                    continue;
                };
                if is_meant(id.as_str()) {
                    found.extend(file.read(&entry.path(), id)?);
                }
            }
        }
        Ok(found)
    }
}

impl StateFile {
    /// None if it is gone, or was never written.
    fn read(self, directory: &Path, id: ContainerId) -> Result<Option<Running>, Error> {
        let path = directory.join(match self {
            Self::Runc => "state.json",
            Self::Crun => "status",
        });
        let text = match foreign_file::read(&path) {
            Ok(text) => text,
            Err(foreign_file::Error::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let running = match self {
            Self::Runc => serde_json::from_slice(&text).map(|state: RuncState| state.running(id)),
            Self::Crun => serde_json::from_slice(&text).map(|status: CrunStatus| status.running(id)),
        };
        running.map(Some).map_err(|source| Error::Form { path, source })
    }
}

/// Of libcontainer's `State`.
#[derive(Deserialize)]
struct RuncState {
    init_process_pid: i32,
    init_process_start: u64,
    config: RuncConfig,
}

#[derive(Deserialize)]
struct RuncConfig {
    labels: Vec<String>,
}

/// Of crun's `libcrun_container_status_s`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct CrunStatus {
    pid: i32,
    process_start_time: u64,
    bundle: String,
}

impl RuncState {
    fn running(self, id: ContainerId) -> Running {
        let bundle = self.config.labels.iter().find_map(|label| label.strip_prefix("bundle="));
        let process = Process { pid: self.init_process_pid, start_time: self.init_process_start };
        Running { key: UserKey::new(id, bundle.unwrap_or_default()), process }
    }
}

impl CrunStatus {
    fn running(self, id: ContainerId) -> Running {
        let process = Process { pid: self.pid, start_time: self.process_start_time };
        Running { key: UserKey::new(id, &self.bundle), process }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As runc 1.1.5 and crun 1.8.1 wrote them, shortened.
    const RUNC: &str = r#"{"id":"web","init_process_pid":14851,"init_process_start":441161,"config":{"rootfs":"/b/rootfs","labels":["a=b","bundle=/b"]},"rootless":false}"#;
    const CRUN: &str = r#"{"pid": 14873, "process-start-time": 441170, "cgroup-path": "/web", "bundle": "/c", "owner": "root"}"#;

    fn write(run: &Path, path: &str, text: &str) {
        let path = run.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn running(id: &str, bundle: &str, pid: i32, start_time: u64) -> Running {
        Running { key: UserKey::new(id.parse().unwrap(), bundle), process: Process { pid, start_time } }
    }

    #[test]
    fn containers_of_all_runtimes_are_found_by_their_ids() {
        let run = tempfile::tempdir().unwrap();
        write(run.path(), "runc/web/state.json", RUNC);
        write(run.path(), "containerd/runc/k8s.io/db/state.json", RUNC);
        write(run.path(), "crun/proxy/status", CRUN);
        write(run.path(), "crun/other/status", "{");
        let roots = Roots::below(run.path());
        let found = |id: &str| roots.matching(|candidate| candidate == id).unwrap();
        assert_eq!(found("web"), [running("web", "/b", 14851, 441_161)]);
        assert_eq!(found("db"), [running("db", "/b", 14851, 441_161)]);
        assert_eq!(found("proxy"), [running("proxy", "/c", 14873, 441_170)]);
        assert_eq!(found("none"), []);
    }

    #[test]
    fn a_state_that_cannot_be_read_is_named() {
        let run = tempfile::tempdir().unwrap();
        write(run.path(), "crun/web/status", "{");
        // Left by a runtime that was killed before it wrote anything.
        fs::create_dir_all(run.path().join("crun/early")).unwrap();
        let roots = Roots::below(run.path());
        assert!(matches!(roots.matching(|id| id == "web"), Err(Error::Form { .. })));
        assert_eq!(roots.matching(|id| id == "early").unwrap(), []);
    }
}
