//! Subnets, and what is set apart in them.

use std::{collections::BTreeMap, net::IpAddr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};

use super::{
    MAX_AUX_ADDRESSES, MAX_SUBNETS, address,
    fault::Fault,
    field,
    item::{Fields, Findings, Item, Placed},
};
use crate::network::{AddressRange, AuxAddress, SubnetSpec};

/// Reads the list and compares its members.
pub(super) fn subnets(list: Option<Item>, findings: &mut Findings) -> Vec<Placed<SubnetSpec>> {
    let items = list.map(|list| list.list(MAX_SUBNETS, findings)).unwrap_or_default();
    let subnets: Vec<_> = items.into_iter().filter_map(|item| subnet(item, findings)).collect();
    for (position, later) in subnets.iter().enumerate() {
        let overlaps =
            |earlier: &&Placed<SubnetSpec>| address::overlap(earlier.value.subnet, later.value.subnet);
        if let Some(earlier) = subnets.iter().take(position).find(overlaps) {
            let (subnet, other) = (later.value.subnet, earlier.value.subnet);
            let place = format!("{}.subnet", earlier.place);
            findings.mistake(format_args!("{}.subnet", later.place), Fault::Overlap { subnet, other, place });
        }
    }
    subnets
}

fn subnet(item: Item, findings: &mut Findings) -> Option<Placed<SubnetSpec>> {
    let place = item.place.clone();
    let mut fields = item.fields(field::SUBNET, findings)?;
    let gateway = fields.take("gateway").and_then(|item| item.parse(address::address, findings));
    let ip_range = fields.take("ip_range").and_then(|item| item.parse(address::range, findings));
    let aux_addresses = aux_addresses(fields.take("aux_addresses"), findings);
    let subnet = prefix(&mut fields, findings)?;

    let mut taken = BTreeMap::new();
    if let Some(gateway) = &gateway
        && findings.accept(&gateway.place, address::usable(gateway.value, subnet)).is_some()
    {
        taken.insert(gateway.value, "the gateway".to_owned());
    }
    for aux in &aux_addresses {
        findings.accept(&aux.place, set_apart(&aux.value, subnet, &mut taken));
    }
    if let Some(range) = &ip_range {
        findings.accept(&range.place, part_of(range.value, subnet));
    }
    let value = SubnetSpec {
        subnet,
        gateway: gateway.map(|gateway| gateway.value),
        ip_range: ip_range.map(|range| range.value),
        aux_addresses: aux_addresses.into_iter().map(|aux| aux.value).collect(),
    };
    Some(Placed { place, value })
}

fn prefix(fields: &mut Fields, findings: &mut Findings) -> Option<IpNetwork> {
    let Some(item) = fields.take("subnet") else {
        findings.mistake(fields.place("subnet"), Fault::Missing("write a prefix such as 192.168.1.0/24"));
        return None;
    };
    let subnet = item.parse(address::prefix, findings)?;
    findings.accept(&subnet.place, assignable(subnet.value))?;
    Some(subnet.value)
}

/// Refuses what the kernel gives to no interface but `lo` (`ipv6_add_addr`, `inet_rtm_newaddr`) or takes for
/// a group.
fn assignable(subnet: IpNetwork) -> Result<(), Fault> {
    let reserved = [
        Ipv4Network::new([127, 0, 0, 0].into(), 8).map(IpNetwork::V4),
        Ipv4Network::new([224, 0, 0, 0].into(), 4).map(IpNetwork::V4),
        Ipv6Network::new(std::net::Ipv6Addr::LOCALHOST, 128).map(IpNetwork::V6),
        Ipv6Network::new([0xff00, 0, 0, 0, 0, 0, 0, 0].into(), 8).map(IpNetwork::V6),
    ];
    let clash = reserved.into_iter().flatten().find(|reserved| address::overlap(*reserved, subnet));
    clash.map_or(Ok(()), |reserved| Err(Fault::Reserved { subnet, reserved }))
}

fn aux_addresses(item: Option<Item>, findings: &mut Findings) -> Vec<Placed<AuxAddress>> {
    let Some(item) = item else { return Vec::new() };
    let place = item.place.clone();
    let entries = item.entries(findings).unwrap_or_default();
    if entries.len() > MAX_AUX_ADDRESSES {
        findings.mistake(place, Fault::TooMany { found: entries.len(), max: MAX_AUX_ADDRESSES });
        return Vec::new();
    }
    let read = |(name, item): (String, Item)| {
        if name.is_empty() {
            findings.mistake(&item.place, Fault::EmptyName);
        }
        let address = item.parse(address::address, findings)?;
        Some(Placed { place: address.place, value: AuxAddress { name, address: address.value } })
    };
    entries.into_iter().filter_map(read).collect()
}

fn set_apart(aux: &AuxAddress, subnet: IpNetwork, taken: &mut BTreeMap<IpAddr, String>) -> Result<(), Fault> {
    address::usable(aux.address, subnet)?;
    if let Some(other) = taken.get(&aux.address) {
        return Err(Fault::AddressTwice { address: aux.address, other: other.clone() });
    }
    taken.insert(aux.address, format!("`{}`", super::fault::Excerpt(&aux.name)));
    Ok(())
}

/// The ends of a range may be the network or broadcast address: they are passed over when addresses are
/// chosen.
fn part_of(range: AddressRange, subnet: IpNetwork) -> Result<(), Fault> {
    address::inside(range.first, subnet)?;
    address::inside(range.last, subnet)
}
