//! `underlay inspect`.

use serde::Serialize;
use underlay::{
    attachment::{
        overview::{self, AttachedContainer},
        record::{Attachment, NamespaceId},
    },
    container::ContainerId,
    layout::Layout,
    message,
};

use crate::{
    arguments::{InspectFormat, InspectWords},
    outcome::{Failure, answer},
    status::Status,
    timestamp,
};

/// All that is known of one container.
#[derive(Serialize)]
struct Inspected<'a> {
    container: &'a ContainerId,
    pod: Option<&'a str>,
    /// What its MAC addresses follow from, if not from its id.
    lasting_name: Option<&'a str>,
    pid: Option<i32>,
    /// Whether its first process lives; not known without one.
    running: Option<bool>,
    since: String,
    namespace: &'a NamespaceId,
    networks: Vec<InspectedNetwork<'a>>,
}

#[derive(Serialize)]
struct InspectedNetwork<'a> {
    #[serde(flatten)]
    status: Status<'a>,
    index: Option<u32>,
    parent_index: u32,
    alias: &'a str,
    owner: String,
    routes: &'a [plan::Route],
    linkless_routes: &'a [plan::Route],
    users: Vec<&'a ContainerId>,
}

/// Prints the containers that there are; those that there are not, and records that cannot be read, are
/// failures.
pub(crate) fn inspect(layout: &Layout, words: &InspectWords) -> Result<(), Failure> {
    let InspectFormat::Json = words.format;
    let overview = overview::overview(layout)?;
    let mut failures = Vec::new();
    let mut found = Vec::new();
    for id in &words.ids {
        match overview.find(id) {
            Ok(container) => found.push(Inspected::of(container)),
            Err(error) => failures.push(message::chain(&error)),
        }
    }
    answer(&serde_json::to_string_pretty(&found)?);
    failures.extend(overview.unread.iter().map(message::chain));
    Failure::of_lines(failures)
}

impl<'a> Inspected<'a> {
    fn of(container: &'a AttachedContainer) -> Self {
        let user = &container.user;
        Self {
            container: &user.key.container,
            pod: user.pod.as_deref(),
            lasting_name: user.name.as_deref(),
            pid: user.process.map(|process| process.pid),
            running: user.process.map(underlay::process::Process::is_alive),
            since: timestamp::rfc3339(user.since),
            namespace: &container.namespace,
            networks: container.attachments.iter().map(|a| InspectedNetwork::of(container, a)).collect(),
        }
    }
}

impl<'a> InspectedNetwork<'a> {
    fn of(container: &AttachedContainer, attachment: &'a Attachment) -> Self {
        Self {
            status: Status::of(container, attachment),
            index: attachment.index,
            parent_index: attachment.parent_index,
            alias: &attachment.alias,
            owner: attachment.owner.to_string(),
            routes: &attachment.routes,
            linkless_routes: &attachment.linkless_routes,
            users: attachment.users.iter().map(|user| &user.container).collect(),
        }
    }
}
