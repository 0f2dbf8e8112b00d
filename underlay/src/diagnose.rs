//! What an administrator wants to know when a container has no network.
//!
//! Everything is looked at and nothing is taken down or put right: no link is made on the host, no record
//! written, and a namespace is entered only by the helper, which looks at its routes. What asking itself
//! changes is the kernel's own doing: it loads the module of a driver that it is asked for, and sends the
//! questions to routers. Each check reads first, and then judges what it read; the judgements are pure.

mod confinement;
mod definition;
mod drift;
mod finding;
#[cfg(test)]
pub(crate) mod fixture;
mod gateway;
mod installation;
mod kernel;
mod leftover;
mod machine;
mod parent;

use std::time::Instant;

use drift::Inside;
use netlink::{Kind, Socket};

pub use finding::{Finding, Verdict};

use crate::{
    layout::Layout,
    message,
    network::{Catalog, CatalogError, Network, NetworkName},
};

/// Looks at one network, or at all of them, and at what all of them need. An error means that there is no
/// such network.
pub fn diagnose(
    layout: &Layout,
    only: Option<&NetworkName>,
    deadline: Instant,
) -> Result<Vec<Finding>, CatalogError> {
    let (networks, definitions) = definition::check(&Catalog::of(&layout.config), only)?;
    let mut findings = installation::check(layout, deadline);
    findings.extend(confinement::check());
    findings.extend(definitions);
    let helper = installation::has_working_helper(&findings).then_some(layout.helper.as_path());
    let inside = Inside { helper, deadline };
    match look_at_kernel(layout, &networks, only, inside) {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(Finding::failure("kernel", "rtnetlink", message::chain(&error))),
    }
    findings.extend(leftover::check(layout, &networks, only, deadline));
    Ok(findings)
}

fn look_at_kernel(
    layout: &Layout,
    networks: &[Network],
    only: Option<&NetworkName>,
    inside: Inside<'_>,
) -> Result<Vec<Finding>, netlink::Error> {
    let socket = Socket::open()?;
    let links = socket.links()?;
    let networks = parent::resolve(networks.to_vec(), &links, socket.default_route_links()?);
    let mut findings = kernel::check(&socket, &networks);
    findings.extend(machine::check(&networks));
    findings.extend(parent::check(&links, &networks));
    findings.extend(gateway::check(&socket, &links, &networks));
    findings.extend(drift::check(&socket, layout, only, inside));
    Ok(findings)
}

/// What a link is, in a word or two.
fn driver_name(kind: &Kind) -> String {
    match kind {
        Kind::Macvlan(_) => "macvlan".to_owned(),
        Kind::Ipvlan(..) => "ipvlan".to_owned(),
        Kind::Vlan(id) => format!("VLAN {id}"),
        Kind::Dummy => "dummy".to_owned(),
        Kind::Other(driver) => driver.clone(),
        Kind::None => "a card".to_owned(),
    }
}
