//! Addresses, prefixes and ranges as an administrator writes them.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

use super::fault::Fault;
use crate::network::AddressRange;

pub(super) fn address(text: &str) -> Result<IpAddr, Fault> {
    text.parse().map_err(|_| Fault::Address(text.to_owned()))
}

/// `ADDRESS/LENGTH` with host bits zero. Not `FromStr` of the type, which also takes an address without a
/// length and IPv4 netmasks.
pub(super) fn prefix(text: &str) -> Result<IpNetwork, Fault> {
    let no_prefix = || Fault::Prefix(text.to_owned());
    let Some((address, length)) = text.split_once('/') else {
        return Err(text.parse().map_or_else(|_| no_prefix(), |a| Fault::NoPrefixLength(a, usual_length(a))));
    };
    if !length.bytes().all(|b| b.is_ascii_digit()) {
        return Err(no_prefix());
    }
    let address = address.parse().map_err(|_| no_prefix())?;
    let length = length.parse().map_err(|_| no_prefix())?;
    let written = IpNetwork::new(address, length).map_err(|_| no_prefix())?;
    let meant = IpNetwork::new(written.network(), length).map_err(|_| no_prefix())?;
    if written == meant { Ok(written) } else { Err(Fault::HostBits { written, meant }) }
}

/// A prefix, or `FIRST-LAST`.
pub(super) fn range(text: &str) -> Result<AddressRange, Fault> {
    let Some((first, last)) = text.split_once('-') else {
        return match prefix(text) {
            Ok(prefix) => Ok(AddressRange { first: prefix.network(), last: prefix.broadcast() }),
            Err(Fault::Prefix(text)) => Err(Fault::RangeForm(text)),
            Err(fault) => Err(fault),
        };
    };
    let (first, last) = (address(first.trim())?, address(last.trim())?);
    if first.is_ipv4() != last.is_ipv4() {
        return Err(Fault::Family { address: last, with: first.into() });
    }
    if first > last {
        return Err(Fault::Backwards { first, last });
    }
    Ok(AddressRange { first, last })
}

/// A range as a definition has it: as a prefix where it is one, else as `FIRST-LAST`.
#[must_use]
pub fn range_text(range: AddressRange) -> String {
    let longest = if range.first.is_ipv4() { 32 } else { 128 };
    (0..=longest)
        .filter_map(|length| IpNetwork::new(range.first, length).ok())
        .find(|prefix| prefix.network() == range.first && prefix.broadcast() == range.last)
        .map_or_else(|| format!("{}-{}", range.first, range.last), |prefix| prefix.to_string())
}

/// The address lies in the subnet and is of its family.
pub(super) fn inside(address: IpAddr, subnet: IpNetwork) -> Result<(), Fault> {
    if address.is_ipv4() != subnet.is_ipv4() {
        Err(Fault::Family { address, with: subnet })
    } else if subnet.contains(address) {
        Ok(())
    } else {
        Err(Fault::Outside { address, subnet })
    }
}

/// An interface of the subnet can have the address. IPv4 alone sets the first and the last address apart, and
/// not in /31 (RFC 3021) and /32; the first of IPv6 is the routers' (RFC 4291, 2.6.1), so a gateway may be
/// it.
pub(super) fn usable(address: IpAddr, subnet: IpNetwork) -> Result<(), Fault> {
    inside(address, subnet)?;
    if subnet.is_ipv6() || subnet.prefix() >= 31 {
        Ok(())
    } else if address == subnet.network() {
        Err(Fault::NetworkAddress { address, subnet })
    } else if address == subnet.broadcast() {
        Err(Fault::BroadcastAddress { address, subnet })
    } else {
        Ok(())
    }
}

/// Whether two prefixes have an address in common: then one holds the other.
pub(in crate::network) fn overlap(a: IpNetwork, b: IpNetwork) -> bool {
    a.is_ipv4() == b.is_ipv4() && (a.contains(b.network()) || b.contains(a.network()))
}

const fn usual_length(address: IpAddr) -> u8 {
    if address.is_ipv4() { 24 } else { 64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_written_with_their_length_and_without_host_bits() {
        assert_eq!(prefix("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(prefix("2001:DB8::/64").unwrap().to_string(), "2001:db8::/64");
        for text in
            ["", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/255.0.0.0", "10.0.0/8", "::/129"]
        {
            assert_eq!(prefix(text), Err(Fault::Prefix(text.to_owned())), "{text}");
        }
        assert_eq!(
            prefix("192.168.1.5/24").unwrap_err().to_string(),
            "192.168.1.5/24: host bits are set; did you mean 192.168.1.0/24?"
        );
        assert_eq!(
            prefix("2001:db8::").unwrap_err().to_string(),
            "2001:db8:: has no prefix length; write one behind it, such as 2001:db8::/64"
        );
    }

    #[test]
    fn ranges_have_two_forms_and_print_as_the_shorter_one() {
        for text in ["10.0.0.128/25", "10.0.0.3-10.0.0.9", "2001:db8::10-2001:db8::20", "::/0", "10.0.0.7/32"]
        {
            assert_eq!(range_text(range(text).unwrap()), text);
        }
        assert_eq!(range_text(range("10.0.0.128 - 10.0.0.255").unwrap()), "10.0.0.128/25");
        assert!(matches!(range("10.0.0.9-10.0.0.3"), Err(Fault::Backwards { .. })));
        assert!(matches!(range("10.0.0.9-::1"), Err(Fault::Family { .. })));
        assert!(matches!(range("10.0.0"), Err(Fault::RangeForm(_))));
        assert!(matches!(range("10.0.0.1-x"), Err(Fault::Address(_))));
    }

    #[test]
    fn the_ends_of_an_ipv4_subnet_are_no_addresses_of_interfaces() {
        let check = |a: &str, s: &str| usable(a.parse().unwrap(), prefix(s).unwrap());
        assert!(matches!(check("10.0.0.0", "10.0.0.0/24"), Err(Fault::NetworkAddress { .. })));
        assert!(matches!(check("10.0.0.255", "10.0.0.0/24"), Err(Fault::BroadcastAddress { .. })));
        assert!(matches!(check("10.0.1.1", "10.0.0.0/24"), Err(Fault::Outside { .. })));
        assert!(matches!(check("::1", "10.0.0.0/24"), Err(Fault::Family { .. })));
        for (address, subnet) in
            [("10.0.0.0", "10.0.0.0/31"), ("10.0.0.1", "10.0.0.1/32"), ("2001:db8::", "2001:db8::/64")]
        {
            assert_eq!(check(address, subnet), Ok(()));
        }
    }
}
