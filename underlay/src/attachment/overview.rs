//! Which container has which attachments, to look at: without a lock, so that looking never makes a container
//! wait.

use thiserror::Error;

use super::{
    ledger::{self, Ledger},
    record::{Attachment, NamespaceId, Record, User},
};
use crate::{
    container::{Container, ContainerId},
    layout::Layout,
    namespace::{self, Namespace},
    network::Asker,
    process::Process,
};

/// All records at one moment, as far as they can be read.
#[derive(Debug, Default)]
pub struct Overview {
    /// The containers, those of the oldest namespace first.
    pub containers: Vec<AttachedContainer>,
    /// Records that cannot be read, and why.
    pub unread: Vec<ledger::Error>,
}

/// A container and what it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedContainer {
    /// The container.
    pub user: User,
    /// Its network namespace.
    pub namespace: NamespaceId,
    /// Its links, in the order in which they were asked for.
    pub attachments: Vec<Attachment>,
}

/// Why a container is not found, or not found alive.
#[derive(Debug, Error)]
pub enum Error {
    /// No record tells of it.
    #[error("no container whose id begins with `{}` has attachments; `underlay ps` lists those that have", .0.escape_debug())]
    Unknown(String),
    /// The beginning of more than one id.
    #[error("`{}` is the beginning of several container ids: {}; write more of it", .text.escape_debug(), list(.matches))]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// The containers, one a bundle.
        matches: Vec<ContainerId>,
    },
    /// It is in the records still, and lives no more.
    #[error("container {0} has ended; `underlay gc` takes down what is left of it")]
    Ended(ContainerId),
    /// Its namespace cannot be opened.
    #[error(transparent)]
    Namespace(#[from] namespace::Error),
}

/// Reads all records.
pub fn overview(layout: &Layout) -> Result<Overview, ledger::Error> {
    let mut overview = Overview::default();
    // Before the first attach after a boot there are none, and looking makes none.
    if !layout.namespaces().is_dir() {
        return Ok(overview);
    }
    let ledger = Ledger::open(layout)?;
    for cookie in ledger.cookies()? {
        match ledger.look(cookie) {
            Ok(record) => overview.containers.extend(record.into_iter().flat_map(of_record)),
            Err(error) => overview.unread.push(error),
        }
    }
    Ok(overview)
}

fn of_record(record: Record) -> impl Iterator<Item = AttachedContainer> {
    let users = record.users.clone();
    users.into_iter().map(move |user| AttachedContainer {
        attachments: record.used_by(&user.key),
        namespace: record.namespace.clone(),
        user,
    })
}

impl Overview {
    /// The container with this id, else the one whose id alone begins so.
    pub fn find(&self, text: &str) -> Result<&AttachedContainer, Error> {
        let id = |container: &AttachedContainer| container.user.key.container.clone();
        let whole = self.matching(|candidate| candidate == text);
        let matches = if whole.is_empty() { self.matching(|id| id.starts_with(text)) } else { whole };
        match matches.as_slice() {
            [] => Err(Error::Unknown(text.to_owned())),
            [container] => Ok(container),
            several => Err(Error::Ambiguous {
                text: text.to_owned(),
                matches: several.iter().map(|container| id(container)).collect(),
            }),
        }
    }

    /// The containers whose id is meant.
    pub fn matching(&self, is_meant: impl Fn(&str) -> bool) -> Vec<&AttachedContainer> {
        self.containers.iter().filter(|container| is_meant(container.user.key.container.as_str())).collect()
    }

    /// The container whose first process this is.
    #[must_use]
    pub fn of_process(&self, process: Process) -> Option<&AttachedContainer> {
        self.containers.iter().find(|container| container.user.process == Some(process))
    }
}

impl AttachedContainer {
    /// What is known of the container, for the administrator to ask for more on its behalf.
    #[must_use]
    pub fn container(&self) -> Container {
        let User { key, name, pod, .. } = self.user.clone();
        Container { key, name, pod, namespace: self.namespace.path.clone(), asker: Asker::Administrator }
    }

    /// Opens its namespace: through its first process, else where the runtime said it is.
    pub fn open(&self) -> Result<Namespace, Error> {
        let ended = || Error::Ended(self.user.key.container.clone());
        match self.user.process {
            Some(process) if !process.is_alive() => Err(ended()),
            Some(process) => {
                let namespace = Namespace::pin(Some(process.pid), None)?;
                // The process may have ended, and its number been used again, since the line before.
                if namespace.process() == Some(process) { Ok(namespace) } else { Err(ended()) }
            }
            None => {
                Namespace::find(self.namespace.file, self.namespace.path.as_deref(), &[]).ok_or_else(ended)
            }
        }
    }

    /// When the container got this attachment, in seconds since 1970: it may have come later than the link,
    /// and the link later than it.
    #[must_use]
    pub fn since(&self, attachment: &Attachment) -> u64 {
        self.user.since.max(attachment.since)
    }
}

fn list(ids: &[ContainerId]) -> String {
    ids.iter().map(ContainerId::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::Path,
        time::{Duration, Instant},
    };

    use super::*;
    use crate::{container::UserKey, namespace::Inode};

    fn layout(directory: &Path) -> Layout {
        Layout { run: directory.join("run"), ..Layout::default() }
    }

    fn container(id: &str, bundle: &str) -> Container {
        let key = UserKey::new(id.parse().unwrap(), bundle);
        Container {
            key,
            name: Some("ns/pod".to_owned()),
            pod: None,
            namespace: None,
            asker: Asker::Administrator,
        }
    }

    fn write(layout: &Layout, cookie: u64, containers: &[Container]) {
        let page =
            Ledger::open(layout).unwrap().page(cookie, Instant::now() + Duration::from_secs(5)).unwrap();
        let file = Inode { device: 4, inode: cookie };
        let mut record =
            Record::new(NamespaceId { cookie, boot: String::new(), host: 1, nsid: 7, file, path: None });
        for container in containers {
            record.add_user(container, None, 100 + cookie);
        }
        page.write(&record).unwrap();
    }

    #[test]
    fn before_the_first_attach_there_is_nothing_and_nothing_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let overview = overview(&layout(directory.path())).unwrap();
        assert!(overview.containers.is_empty() && overview.unread.is_empty());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_record_does_not_hide_the_others() {
        let directory = tempfile::tempdir().unwrap();
        let layout = layout(directory.path());
        write(&layout, 7, &[container("web", "/a")]);
        fs::write(layout.namespaces().join("3.json"), "{").unwrap();
        let overview = overview(&layout).unwrap();
        assert_eq!(overview.containers[0].container(), container("web", "/a"));
        let [error] = overview.unread.as_slice() else { panic!("{:?}", overview.unread) };
        assert!(error.to_string().contains("3.json"), "{error}");
    }

    #[test]
    fn a_container_is_found_by_its_id_or_by_what_no_other_begins_with() {
        let directory = tempfile::tempdir().unwrap();
        let layout = layout(directory.path());
        write(&layout, 7, &[container("web", "/a"), container("web-2", "/a")]);
        write(&layout, 8, &[container("db", "/a"), container("db", "/b")]);
        let overview = overview(&layout).unwrap();
        let found = |text| overview.find(text).map(|found| found.user.key.container.to_string());
        assert_eq!(found("web").unwrap(), "web");
        assert_eq!(found("web-").unwrap(), "web-2");
        assert_eq!(
            found("we").unwrap_err().to_string(),
            "`we` is the beginning of several container ids: web, web-2; write more of it"
        );
        assert!(matches!(found("db"), Err(Error::Ambiguous { .. })));
        assert!(matches!(found("x"), Err(Error::Unknown(_))));
    }

    #[test]
    fn a_container_without_a_process_whose_namespace_is_not_found_has_ended() {
        let directory = tempfile::tempdir().unwrap();
        let layout = layout(directory.path());
        write(&layout, 7, &[container("web", "/a")]);
        let opened = overview(&layout).unwrap().containers[0].open();
        assert!(matches!(opened, Err(Error::Ended(_))), "{opened:?}");
    }
}
