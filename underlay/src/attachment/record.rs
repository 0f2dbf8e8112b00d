//! The record of one namespace: all that teardown needs, so that nothing else has to be consulted for it.

pub mod version;

use std::path::PathBuf;

use ipnetwork::IpNetwork;
use plan::{DeleteLink, IfName, LinkKind, MacAddress, Plan, Route, Step};
use serde::{Deserialize, Serialize};

use crate::{
    container::{Container, UserKey},
    ipam::Owner,
    namespace::Inode,
    network::NetworkName,
    process::Process,
};
use version::VERSION;

/// How the aliases of all our links in namespaces begin; the owner of the leases follows.
pub const MARK: &str = "underlay ";

/// One namespace, the attachments in it and the containers that use them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the shape, [`VERSION`] when it is written.
    pub version: u32,
    /// Which namespace.
    pub namespace: NamespaceId,
    /// The containers, in the order in which they came.
    pub users: Vec<User>,
    /// The links, in the order in which they were asked for.
    pub attachments: Vec<Attachment>,
}

/// A namespace, told apart from all others that ever were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceId {
    /// `SO_NETNS_COOKIE`: never used again within a boot.
    pub cookie: u64,
    /// The boot, from `/proc/sys/kernel/random/boot_id`: the run directory should not outlive it, but may on
    /// a host where it is no tmpfs.
    pub boot: String,
    /// `SO_NETNS_COOKIE` of the host's namespace, whose number `nsid` is: asked from another one it would
    /// mean nothing.
    pub host: u64,
    /// The number by which the host's namespace knows this one.
    pub nsid: i32,
    /// Its file, by which it is found again.
    pub file: Inode,
    /// Where the runtime said it is.
    pub path: Option<PathBuf>,
}

/// A container that uses a namespace's attachments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Which container.
    #[serde(flatten)]
    pub key: UserKey,
    /// Its first process.
    pub process: Option<Process>,
    /// The name that stays when the container is made again, where the engine tells one.
    pub name: Option<String>,
    /// The pod that it belongs to, where an engine vouches for one.
    pub pod: Option<String>,
    /// When it came, in seconds since 1970.
    pub since: u64,
}

/// One link in the namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Of which network.
    pub network: NetworkName,
    /// Its name when it was made.
    pub interface: IfName,
    /// Its index, known once it is made.
    pub index: Option<u32>,
    /// Driver and mode.
    pub kind: LinkKind,
    /// Name of the parent in the host's namespace.
    pub parent: IfName,
    /// Index of the parent.
    pub parent_index: u32,
    /// The address asked for or derived; for ipvlan the parent's, known once the link is made.
    pub mac: Option<MacAddress>,
    /// Bytes, known once the link is made.
    pub mtu: Option<u32>,
    /// Leased addresses with their subnets' prefix lengths.
    pub addresses: Vec<IpNetwork>,
    /// In whose name they are leased.
    pub owner: Owner,
    /// The link's alias, by which it is known as ours.
    pub alias: String,
    /// Routes that leave by the link and end with it. Records of earlier programs do not tell them.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Routes that would outlive the link, because they leave by none.
    pub linkless_routes: Vec<Route>,
    /// How far it got.
    pub state: State,
    /// When it was made, in seconds since 1970.
    pub since: u64,
    /// Which of the namespace's containers use it.
    pub users: Vec<UserKey>,
}

/// How far an attachment got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Written before the kernel was touched: the link may be there, or half there, or not.
    Intended,
    /// The link is there with all that belongs to it.
    Attached,
}

impl Record {
    /// A record without users and attachments.
    #[must_use]
    pub const fn new(namespace: NamespaceId) -> Self {
        Self { version: VERSION, namespace, users: Vec::new(), attachments: Vec::new() }
    }

    /// Notes that a container is there at the time `now`. If it was before (a restore runs createRuntime
    /// again), the new word counts, but a process that was there stays as long there as it was.
    pub fn add_user(&mut self, container: &Container, process: Option<Process>, now: u64) {
        let Container { key, name, pod, namespace: _, asker: _ } = container.clone();
        let same = self.users.iter().find(|user| user.key == key && user.process == process);
        let since = same.map_or(now, |user| user.since);
        self.users.retain(|user| user.key != key);
        self.users.push(User { key, process, name, pod, since });
    }

    /// Takes a container out of those of its attachments that `leaves` tells, and returns the attachments
    /// that nobody uses now. A container that uses none any more is forgotten.
    #[must_use]
    pub fn leave(&mut self, key: &UserKey, leaves: impl Fn(&Attachment) -> bool) -> Vec<Attachment> {
        for attachment in self.attachments.iter_mut().filter(|attachment| leaves(attachment)) {
            attachment.users.retain(|user| user != key);
        }
        let stays = self.attachments.iter().any(|attachment| attachment.users.contains(key));
        self.users.retain(|user| stays || user.key != *key);
        self.attachments.extract_if(.., |attachment| attachment.users.is_empty()).collect()
    }

    /// Notes the routes that a plan sets by the links that it makes, in the place of those of a plan before.
    pub fn note_routes(&mut self, plan: &Plan) {
        for attachment in self.attachments.iter_mut().filter(|attachment| attachment.state == State::Intended)
        {
            attachment.routes.clear();
        }
        for step in &plan.steps {
            if let Step::AddRoute(route @ Route { link: Some(link), .. }) = step
                && let Some(attachment) = self.intended(link)
            {
                attachment.routes.push(route.clone());
            }
        }
    }

    /// The attachment whose link is about to be made under this name. One that is complete may have had the
    /// name before, and been renamed by its container.
    pub fn intended(&mut self, interface: &IfName) -> Option<&mut Attachment> {
        self.attachments.iter_mut().find(|a| a.state == State::Intended && a.interface == *interface)
    }

    /// What a container uses.
    #[must_use]
    pub fn used_by(&self, key: &UserKey) -> Vec<Attachment> {
        self.attachments.iter().filter(|attachment| attachment.users.contains(key)).cloned().collect()
    }

    /// Whether a container's process is alive, as far as that tells anything about the container: in a pod that
    /// an engine vouches for it may be the sandbox's.
    #[must_use]
    pub fn runs(&self, key: &UserKey) -> bool {
        let is_alive = |user: &User| user.pod.is_none() && user.process.is_some_and(Process::is_alive);
        self.users.iter().any(|user| user.key == *key && is_alive(user))
    }

    /// The processes that may lead to the namespace.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        self.users.iter().filter_map(|user| user.process).collect()
    }
}

impl Attachment {
    /// How the helper recognises and removes its link.
    #[must_use]
    pub fn deletion(&self, nsid: i32) -> DeleteLink {
        DeleteLink {
            nsid,
            index: self.index,
            name: self.interface.clone(),
            kind: self.kind,
            parent: self.parent_index,
            alias: self.alias.clone(),
        }
    }
}
