//! From a container that runs to one more interface in it.

use std::{slice, time::Instant};

use crate::{
    attach::{Attached, Error, Fallback, attach_or},
    attachment::record::Attachment,
    container::Container,
    helper::Helper,
    layout::Layout,
    namespace::Namespace,
    request::Request,
};

/// Attaches one more network to a container that runs. If that fails, the container keeps what it had before.
pub fn connect(
    layout: &Layout,
    container: &Container,
    request: &Request,
    namespace: &Namespace,
    deadline: Instant,
) -> Result<Attached, Error> {
    let helper = Helper::attach(layout, namespace.entrance(), deadline)?;
    let requests = slice::from_ref(request);
    let connected = attach_or(Fallback::AsBefore, layout, container, requests, namespace, helper, deadline)?;
    let is_meant = |attachment: &&Attachment| {
        attachment.network == request.network
            && request.interface.as_ref().is_none_or(|name| *name == attachment.interface)
    };
    let attachments = connected.attachments.iter().filter(is_meant).cloned().collect();
    Ok(Attached { attachments, ..connected })
}
