//! Networks of one annotation that cannot all be had.

use super::{
    DefaultRoute, Request,
    mistake::{Fault, Mistakes, Place},
};
use crate::ipam::Family;

/// A request and its number in the list.
pub(super) type Numbered = (usize, Request);

/// Notes each request that contradicts an earlier one, at the later one's place.
pub(super) fn check(requests: &[Numbered], mistakes: &mut Mistakes) {
    for (position, (number, request)) in requests.iter().enumerate() {
        let earlier = requests.get(..position).unwrap_or_default();
        let faults = [interface_twice(request, earlier), network_twice(request, earlier)];
        let faults = faults.into_iter().flatten().chain(default_route_twice(request, earlier));
        for fault in faults {
            mistakes.note(Place::network(*number), fault);
        }
    }
}

fn interface_twice(request: &Request, earlier: &[Numbered]) -> Option<Fault> {
    let name = request.interface.as_ref()?;
    let (first, _) = earlier.iter().find(|(_, other)| other.interface.as_ref() == Some(name))?;
    Some(Fault::InterfaceTwice { name: name.clone(), first: *first })
}

/// Records tell the interfaces of one network apart by their names, so these must be known beforehand.
fn network_twice(request: &Request, earlier: &[Numbered]) -> Option<Fault> {
    let (first, _) = earlier.iter().find(|(_, other)| {
        other.network == request.network && (other.interface.is_none() || request.interface.is_none())
    })?;
    Some(Fault::NetworkTwice { name: request.network.clone(), first: *first })
}

/// `default-route` without a gateway asks for both families, since which ones the network has is not known
/// here.
fn default_route_twice(request: &Request, earlier: &[Numbered]) -> Option<Fault> {
    [Family::V4, Family::V6].into_iter().find_map(|family| {
        let (first, _) = earlier.iter().find(|(_, other)| asks(request, family) && asks(other, family))?;
        Some(Fault::DefaultRouteTwice { family, first: *first })
    })
}

fn asks(request: &Request, family: Family) -> bool {
    match &request.default_route {
        DefaultRoute::Own => true,
        DefaultRoute::Via(gateways) => gateways.iter().any(|gateway| family.has(*gateway)),
        DefaultRoute::Unstated | DefaultRoute::No => false,
    }
}
