//! Any value of each name, and any record, for property tests. Those of the helper's words are `plan`'s.

use std::path::PathBuf;

use plan::strategies::{if_name, link_kind, mac_address, prefix, route};
use proptest::{collection::vec, option, prelude::*};

use crate::{
    attachment::record::{Attachment, NamespaceId, Record, State, User, version::VERSION},
    container::{ContainerId, UserKey},
    ipam::Owner,
    namespace::Inode,
    network::NetworkName,
    process::Process,
};

pub(crate) fn network_name() -> impl Strategy<Value = NetworkName> {
    "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}".prop_map(|text| text.parse().unwrap())
}

pub(crate) fn container_id() -> impl Strategy<Value = ContainerId> {
    "[a-zA-Z0-9_+.:@-]{1,200}".prop_map(|text| text.parse().unwrap())
}

fn user_key() -> impl Strategy<Value = UserKey> {
    (container_id(), any::<u64>()).prop_map(|(container, bundle)| UserKey { container, bundle })
}

prop_compose! {
    /// On a host whose name need not be ASCII.
    pub(crate) fn owner()(
        host in "[^/\\s\\p{Cc}]{1,16}",
        cookie in any::<u64>(),
        network in network_name(),
        interface in if_name(),
    ) -> Owner {
        Owner { host: host.parse().unwrap(), cookie, network, interface }
    }
}

prop_compose! {
    fn namespace()(
        (cookie, host, device, inode) in any::<(u64, u64, u64, u64)>(),
        nsid in any::<i32>(),
        boot in any::<String>(),
        path in any::<Option<String>>(),
    ) -> NamespaceId {
        let file = Inode { device, inode };
        NamespaceId { cookie, boot, host, nsid, file, path: path.map(PathBuf::from) }
    }
}

prop_compose! {
    fn user()(
        key in user_key(),
        process in any::<Option<(i32, u64)>>(),
        name in any::<Option<String>>(),
        pod in any::<Option<String>>(),
        since in any::<u64>(),
    ) -> User {
        let process = process.map(|(pid, start_time)| Process { pid, start_time });
        User { key, process, name, pod, since }
    }
}

prop_compose! {
    fn attachment()(
        owner in owner(),
        (kind, parent, mac) in (link_kind(), if_name(), option::of(mac_address())),
        (index, parent_index, mtu, since) in any::<(Option<u32>, u32, Option<u32>, u64)>(),
        addresses in vec(prefix(), 0..3),
        alias in any::<String>(),
        (routes, linkless_routes) in (vec(route(), 0..3), vec(route(), 0..3)),
        is_attached in any::<bool>(),
        users in vec(user_key(), 0..3),
    ) -> Attachment {
        Attachment {
            network: owner.network.clone(),
            interface: owner.interface.clone(),
            state: if is_attached { State::Attached } else { State::Intended },
            owner, index, kind, parent, parent_index, mac, mtu, addresses, alias, routes, linkless_routes, since,
            users,
        }
    }
}

pub(crate) fn record() -> impl Strategy<Value = Record> {
    (namespace(), vec(user(), 0..3), vec(attachment(), 0..3)).prop_map(|(namespace, users, attachments)| {
        Record { version: VERSION, namespace, users, attachments }
    })
}
