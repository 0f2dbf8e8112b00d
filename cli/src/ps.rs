//! `underlay ps`.

use underlay::{
    attachment::{
        overview::{self, AttachedContainer},
        record::Attachment,
    },
    layout::Layout,
};

use crate::{
    arguments::{PsFormat, PsWords},
    outcome::{Failure, answer},
    status::ContainerStatus,
    table, timestamp,
};

const HEAD: [&str; 7] = ["CONTAINER", "POD", "NETWORK", "INTERFACE", "ADDRESSES", "MAC", "SINCE"];

/// Prints what is attached where; records that cannot be read are failures, after all others were printed.
pub(crate) fn list(layout: &Layout, how: &PsWords) -> Result<(), Failure> {
    let overview = overview::overview(layout)?;
    let containers = &overview.containers;
    if how.quiet {
        for container in containers {
            answer(container.user.key.container.as_str());
        }
    } else if how.format == PsFormat::Json {
        let list: Vec<_> = containers.iter().flat_map(ContainerStatus::all_of).collect();
        answer(&serde_json::to_string_pretty(&list)?);
    } else {
        let rows: Vec<_> =
            [HEAD.map(str::to_owned)].into_iter().chain(containers.iter().flat_map(rows)).collect();
        for line in table::lines(&rows) {
            answer(&line);
        }
    }
    Failure::unless_empty(overview.unread)
}

fn rows(container: &AttachedContainer) -> impl Iterator<Item = [String; 7]> {
    container.attachments.iter().map(|attachment| row(container, attachment))
}

fn row(container: &AttachedContainer, attachment: &Attachment) -> [String; 7] {
    let addresses: Vec<_> = attachment.addresses.iter().map(ToString::to_string).collect();
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    [
        short(container.user.key.container.as_str()).to_owned(),
        or_dash(container.user.pod.as_deref().map(short).unwrap_or_default().to_owned()),
        attachment.network.to_string(),
        attachment.interface.to_string(),
        or_dash(addresses.join(",")),
        or_dash(attachment.mac.map(|mac| mac.to_string()).unwrap_or_default()),
        timestamp::rfc3339(container.since(attachment)),
    ]
}

/// The first twelve digits of an id that an engine made up, as engines show it; a name that a person chose in
/// full.
fn short(id: &str) -> &str {
    const SHOWN: usize = 12;
    const ENGINES: usize = 64;
    let is_engines = id.len() == ENGINES && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    id.get(..SHOWN).filter(|_| is_engines).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use underlay::attachment::record::{NamespaceId, User};

    use super::*;

    fn container() -> AttachedContainer {
        let id = "0123456789abcdef".repeat(4);
        let user: User = read(json!({
            "container": id, "bundle": 7, "process": null, "name": null, "pod": "blue", "since": 60,
        }));
        let namespace: NamespaceId = read(json!({
            "cookie": 7, "boot": "b", "host": 1, "nsid": 9, "file": {"device": 4, "inode": 8}, "path": null,
        }));
        let attachment: Attachment = read(json!({
            "network": "lan", "interface": "eth0", "index": 2,
            "kind": {"driver": "ipvlan", "mode": "l3", "flag": "bridge"},
            "parent": "eth0", "parent_index": 3, "mac": "02:00:00:00:00:01", "mtu": 1500,
            "addresses": ["10.0.0.2/24", "2001:db8::2/64"], "owner": "host/7/lan/eth0", "alias": "",
            "linkless_routes": [], "state": "attached", "since": 3600, "users": [],
        }));
        AttachedContainer { user, namespace, attachments: vec![attachment] }
    }

    fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_row_says_who_has_what_since_when() {
        let container = container();
        assert_eq!(
            row(&container, &container.attachments[0]),
            [
                "0123456789ab",
                "blue",
                "lan",
                "eth0",
                "10.0.0.2/24,2001:db8::2/64",
                "02:00:00:00:00:01",
                "1970-01-01T01:00:00Z"
            ]
        );
    }

    #[test]
    fn json_has_the_keys_of_kubernetes_and_more() {
        let container = container();
        let [status]: [ContainerStatus<'_>; 1] =
            ContainerStatus::all_of(&container).collect::<Vec<_>>().try_into().ok().unwrap();
        assert_eq!(
            serde_json::to_value(status).unwrap(),
            json!({
                "container": "0123456789abcdef".repeat(4), "pod": "blue",
                "name": "lan", "interface": "eth0", "ips": ["10.0.0.2", "2001:db8::2"],
                "mac": "02:00:00:00:00:01", "mtu": 1500,
                "addresses": ["10.0.0.2/24", "2001:db8::2/64"], "parent": "eth0",
                "driver": "ipvlan", "mode": "l3", "flag": "bridge", "state": "attached",
                "since": "1970-01-01T01:00:00Z",
            })
        );
    }

    #[test]
    fn a_name_that_was_chosen_is_shown_in_full() {
        assert_eq!(short("web-frontend-blue"), "web-frontend-blue");
    }
}
