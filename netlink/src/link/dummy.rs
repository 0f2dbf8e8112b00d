//! dummy (drivers/net/dummy.c): a link that leads nowhere, the parent of a network without a parent.

use rtnetlink::{LinkDummy, packet_route::link::LinkMessage};

pub(super) const DRIVER: &str = "dummy";

pub(super) fn message(name: &str) -> LinkMessage {
    LinkDummy::new(name).build()
}
