//! Made-up networks and links for the tests of judgements.

use netlink::{Kind, Link};

use crate::network::{Network, file};

pub(super) fn network(name: &str, fields: &str) -> Network {
    let text = format!("{{{fields}}}");
    file::parse(text.as_bytes(), &name.parse().unwrap()).unwrap().network
}

/// A link that is up and has a carrier.
pub(crate) fn link(index: u32, name: &str, kind: Kind) -> Link {
    Link {
        index,
        name: name.to_owned(),
        up: true,
        loopback: false,
        carrier: true,
        mtu: 1500,
        mac: None,
        parent: None,
        parent_elsewhere: false,
        master: None,
        alias: None,
        kind,
    }
}
