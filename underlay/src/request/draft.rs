//! One network of an annotation while it is read: texts become values here, whichever form they stood in.

use std::net::IpAddr;

use plan::{IfName, MacAddress};

use super::{
    DefaultRoute, Request,
    annotation::MAX_ADDRESSES,
    mistake::{Fault, MAX_SHOWN, Mistakes, Place},
};
use crate::{
    ipam::Family,
    network::{KubernetesNamespace, NetworkName},
};

/// What is known so far. What was wrong is missing in it, and noted as a mistake.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) network: Option<NetworkName>,
    pub(super) interface: Option<IfName>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) mac: Option<MacAddress>,
    pub(super) routes: Vec<RouteWord>,
}

/// One word about the default route; several may be said of one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RouteWord {
    Own,
    No,
    Via(IpAddr),
}

impl RouteWord {
    /// Reads what follows `default-route`, if anything does.
    pub(super) fn read(text: Option<&str>) -> Result<Self, Fault> {
        match text {
            None => Ok(Self::Own),
            Some("no") => Ok(Self::No),
            Some(text) => bare_address(text).map(Self::Via),
        }
    }
}

impl Draft {
    /// The request, if the network at least could be read.
    pub(super) fn finish(self, place: &Place, mistakes: &mut Mistakes) -> Option<Request> {
        self.check_addresses(place, mistakes);
        let route = default_route(&self.routes);
        let default_route = mistakes.sift(place.key("default-route"), route).unwrap_or_default();
        Some(Request {
            network: self.network?,
            interface: self.interface,
            addresses: self.addresses,
            mac: self.mac,
            default_route,
        })
    }

    fn check_addresses(&self, place: &Place, mistakes: &mut Mistakes) {
        if self.addresses.len() > MAX_ADDRESSES {
            return mistakes.note(place.clone(), Fault::Addresses(self.addresses.len()));
        }
        for (position, address) in self.addresses.iter().enumerate() {
            if self.addresses.iter().position(|earlier| earlier == address) != Some(position) {
                mistakes.note(place.clone(), Fault::AddressTwice(*address));
            }
        }
    }
}

pub(super) fn network(text: &str) -> Result<NetworkName, Fault> {
    text.parse().map_err(Fault::Network)
}

/// A Kubernetes namespace. Definitions have none, and it says nothing about who asks: checked and forgotten.
pub(super) fn namespace(text: &str) -> Result<(), Fault> {
    text.parse::<KubernetesNamespace>().map(drop).map_err(|_| Fault::Namespace(text.into()))
}

pub(super) fn interface(text: &str) -> Result<IfName, Fault> {
    if text.contains([',', ';', '@']) {
        return Err(Fault::InterfaceSeparator(text.into()));
    }
    short(text)?.parse().map_err(Fault::Interface)
}

pub(super) fn mac(text: &str) -> Result<MacAddress, Fault> {
    short(text)?.parse().map_err(Fault::Mac)
}

/// An address, with or without a prefix length. The length is the subnet's in any case, so it is checked and
/// forgotten.
pub(super) fn address(text: &str) -> Result<IpAddr, Fault> {
    let Some((bare, length)) = text.split_once('/') else {
        return bare_address(text);
    };
    let address = bare_address(bare).map_err(|_| Fault::Address(text.into()))?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    // u8::from_str alone would take a sign.
    let digits = length.bytes().all(|byte| byte.is_ascii_digit());
    match length.parse::<u8>() {
        Ok(length) if digits && length <= most => Ok(address),
        _ => Err(Fault::PrefixLength(text.into())),
    }
}

/// An address alone; an IPv6 one may stand in brackets, as in a URL.
pub(super) fn bare_address(text: &str) -> Result<IpAddr, Fault> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let parsed = match bracketed {
        Some(inner) => inner.parse().map(IpAddr::V6),
        None => text.parse(),
    };
    parsed.map_err(|_| Fault::Address(text.into()))
}

/// The words of other crates for a bad text repeat it whole.
fn short(text: &str) -> Result<&str, Fault> {
    if text.len() > MAX_SHOWN { Err(Fault::Text(text.into())) } else { Ok(text) }
}

/// Makes one value of all that was said; contradictions are faults.
fn default_route(words: &[RouteWord]) -> Result<DefaultRoute, Fault> {
    match words {
        [] => return Ok(DefaultRoute::Unstated),
        [RouteWord::Own] => return Ok(DefaultRoute::Own),
        [RouteWord::No] => return Ok(DefaultRoute::No),
        _ => {}
    }
    let mut gateways: Vec<IpAddr> = Vec::new();
    for word in words {
        let RouteWord::Via(second) = *word else { return Err(Fault::DefaultRoute) };
        let family = Family::of(second);
        if let Some(first) = gateways.iter().copied().find(|first| family.has(*first)) {
            return Err(Fault::Gateways { family, first, second });
        }
        gateways.push(second);
    }
    Ok(DefaultRoute::Via(gateways))
}
