//! Attachments as JSON, in the words of Kubernetes' `k8s.v1.cni.cncf.io/network-status` as far as they reach.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use plan::{IfName, MacAddress};
use serde::Serialize;
use underlay::{
    attachment::{
        overview::AttachedContainer,
        record::{Attachment, State},
    },
    container::ContainerId,
    network::{NetworkName, file},
};

use crate::timestamp;

/// One attachment. The first keys, to the gateways, are Kubernetes'; its others are about things that a record
/// does not hold.
#[derive(Serialize)]
pub(crate) struct Status<'a> {
    name: &'a NetworkName,
    interface: &'a IfName,
    /// Without prefix lengths, which `addresses` has.
    ips: Vec<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<MacAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
    /// Whether it has a default route.
    #[serde(rename = "default", skip_serializing_if = "is_false")]
    is_default: bool,
    /// Of the default routes.
    #[serde(rename = "gateway", skip_serializing_if = "Vec::is_empty")]
    gateways: Vec<IpAddr>,
    addresses: &'a [IpNetwork],
    parent: &'a IfName,
    driver: &'static str,
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'static str>,
    state: State,
    since: String,
}

/// One attachment and whose it is.
#[derive(Serialize)]
pub(crate) struct ContainerStatus<'a> {
    container: &'a ContainerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<&'a str>,
    #[serde(flatten)]
    status: Status<'a>,
}

impl<'a> Status<'a> {
    pub(crate) fn of(container: &AttachedContainer, attachment: &'a Attachment) -> Self {
        let (driver, mode, flag) = file::driver_words(attachment.kind);
        let defaults = || attachment.routes.iter().filter(|route| route.destination.prefix() == 0);
        Self {
            name: &attachment.network,
            interface: &attachment.interface,
            ips: attachment.addresses.iter().map(IpNetwork::ip).collect(),
            mac: attachment.mac,
            mtu: attachment.mtu,
            is_default: defaults().next().is_some(),
            gateways: defaults().filter_map(|route| route.gateway).collect(),
            addresses: &attachment.addresses,
            parent: &attachment.parent,
            driver,
            mode,
            flag,
            state: attachment.state,
            since: timestamp::rfc3339(container.since(attachment)),
        }
    }
}

impl<'a> ContainerStatus<'a> {
    /// All attachments of a container.
    pub(crate) fn all_of(container: &'a AttachedContainer) -> impl Iterator<Item = Self> {
        container.attachments.iter().map(|attachment| Self {
            container: &container.user.key.container,
            pod: container.user.pod.as_deref(),
            status: Status::of(container, attachment),
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls takes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}
