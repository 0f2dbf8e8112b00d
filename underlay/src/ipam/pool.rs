//! Which addresses of a subnet may be handed out, and in which order they are tried.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};

use ipnetwork::IpNetwork;

use crate::network::{AddressRange, SubnetSpec};

/// The addresses of one subnet. Its size in memory follows the number of excluded addresses, not the
/// subnet's.
#[derive(Clone, Debug)]
pub struct Pool {
    subnet: IpNetwork,
    /// What is chosen from, as numbers; excluded addresses may lie in it.
    range: RangeInclusive<u128>,
    /// Ascending by number, each number once.
    excluded: Vec<(u128, Refused)>,
}

/// Why an address of a subnet is given to nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not of the subnet.
    Outside(IpNetwork),
    /// All host bits zero (RFC 1122, 3.2.1.3).
    Network(IpNetwork),
    /// All host bits one (RFC 1122, 3.2.1.3).
    Broadcast(IpNetwork),
    /// All host bits zero in IPv6: every router of the subnet answers to it (RFC 4291, 2.6.1).
    RouterAnycast(IpNetwork),
    /// The router's.
    Gateway,
    /// Set aside in the definition, under this name.
    Auxiliary(String),
    /// The host's own, on the parent.
    Host,
}

impl Pool {
    /// The pool of a subnet, without the addresses that the host has on the parent. Those of `host` that are
    /// not of the subnet make no difference.
    #[must_use]
    pub fn new(spec: &SubnetSpec, host: &[IpAddr]) -> Self {
        let subnet = spec.subnet;
        let whole = AddressRange { first: subnet.network(), last: subnet.broadcast() };
        let range = spec.ip_range.unwrap_or(whole);
        Self {
            subnet,
            range: number(range.first)..=number(range.last),
            excluded: sorted(
                spec.gateway
                    .iter()
                    .map(|gateway| (*gateway, Refused::Gateway))
                    .chain(spec.aux_addresses.iter().map(|a| (a.address, Refused::Auxiliary(a.name.clone()))))
                    .chain(special(subnet))
                    .chain(host.iter().map(|address| (*address, Refused::Host)))
                    .filter(|(address, _)| subnet.contains(*address)),
            ),
        }
    }

    /// The subnet.
    #[must_use]
    pub const fn subnet(&self) -> IpNetwork {
        self.subnet
    }

    /// What addresses are chosen from. Some in it may be excluded.
    #[must_use]
    pub fn range(&self) -> AddressRange {
        AddressRange { first: self.address(*self.range.start()), last: self.address(*self.range.end()) }
    }

    /// How many addresses may be chosen; 2^128 - 1 stands for all above it.
    #[must_use]
    pub fn capacity(&self) -> u128 {
        let excluded = self.excluded.iter().filter(|(n, _)| self.range.contains(n)).count();
        // usize is at most 64 bits wide on every target of Rust.
        (self.range.end() - self.range.start()).saturating_add(1).saturating_sub(excluded as u128)
    }

    /// Every address that may be chosen, once each: those above `cursor` (the one chosen last), then from the
    /// start of the range up to it. An address set free is so tried again as late as possible, because
    /// neighbours go on sending to whoever had it until their ARP entries expire.
    ///
    /// A cursor outside the range, or none, begins at the start. Nothing is computed ahead.
    pub fn next_after(&self, cursor: Option<IpAddr>) -> impl Iterator<Item = IpAddr> + '_ {
        let (first, last) = (*self.range.start(), *self.range.end());
        let start = cursor
            .filter(|cursor| self.subnet.contains(*cursor))
            .map(number)
            .filter(|cursor| (first..last).contains(cursor))
            .map_or(first, |cursor| cursor + 1);
        (start..=last).chain(first..start).filter(|n| self.reason(*n).is_none()).map(|n| self.address(n))
    }

    /// Whether somebody may ask for this address: any of the subnet may be asked for, inside the range or
    /// not, that is not excluded.
    pub fn admits(&self, requested: IpAddr) -> Result<(), Refused> {
        if !self.subnet.contains(requested) {
            return Err(Refused::Outside(self.subnet));
        }
        self.reason(number(requested)).map_or(Ok(()), |reason| Err(reason.clone()))
    }

    /// Whether the address may be chosen without being asked for.
    #[must_use]
    pub fn offers(&self, address: IpAddr) -> bool {
        self.admits(address).is_ok() && self.range.contains(&number(address))
    }

    /// An address of the subnet with the subnet's prefix length.
    #[must_use]
    pub fn with_prefix(&self, address: IpAddr) -> IpNetwork {
        // A length of the same family is never too long for it.
        IpNetwork::new(address, self.subnet.prefix()).unwrap_or_else(|_| address.into())
    }

    fn reason(&self, number: u128) -> Option<&Refused> {
        let place = self.excluded.binary_search_by_key(&number, |(n, _)| *n).ok()?;
        self.excluded.get(place).map(|(_, reason)| reason)
    }

    fn address(&self, number: u128) -> IpAddr {
        if self.subnet.is_ipv6() {
            return Ipv6Addr::from(number).into();
        }
        let [.., a, b, c, d] = number.to_be_bytes();
        Ipv4Addr::new(a, b, c, d).into()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside(subnet) => write!(f, "it is not of the subnet {subnet}"),
            Self::Network(subnet) => write!(f, "it is the network address of {subnet}"),
            Self::Broadcast(subnet) => write!(f, "it is the broadcast address of {subnet}"),
            Self::RouterAnycast(subnet) => write!(f, "it is the subnet-router anycast address of {subnet}"),
            Self::Gateway => f.write_str("it is the gateway's"),
            Self::Auxiliary(name) => write!(f, "it is set aside for `{}`", name.escape_debug()),
            Self::Host => f.write_str("this host has it on the parent"),
        }
    }
}

/// The addresses of a subnet that no host can have. Subnets of one or two addresses have none: RFC 3021 (IPv4
/// /31) and RFC 6164 (IPv6 /127) use both.
fn special(subnet: IpNetwork) -> impl Iterator<Item = (IpAddr, Refused)> {
    let (first, last) = (subnet.network(), subnet.broadcast());
    let pair = match subnet {
        IpNetwork::V4(v4) if v4.prefix() < 31 => {
            [Some((first, Refused::Network(subnet))), Some((last, Refused::Broadcast(subnet)))]
        }
        IpNetwork::V6(v6) if v6.prefix() < 127 => [Some((first, Refused::RouterAnycast(subnet))), None],
        _ => [None, None],
    };
    pair.into_iter().flatten()
}

/// By number; of several reasons for one address the first given stays.
fn sorted(reasons: impl Iterator<Item = (IpAddr, Refused)>) -> Vec<(u128, Refused)> {
    let mut excluded: Vec<_> = reasons.map(|(address, reason)| (number(address), reason)).collect();
    excluded.sort_by_key(|(n, _)| *n);
    excluded.dedup_by_key(|(n, _)| *n);
    excluded
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u32::from(v4).into(),
        IpAddr::V6(v6) => v6.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::network::AuxAddress;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn spec(subnet: &str) -> SubnetSpec {
        SubnetSpec { subnet: subnet.parse().unwrap(), gateway: None, ip_range: None, aux_addresses: vec![] }
    }

    /// S2 of Docker's page.
    fn macnet32() -> SubnetSpec {
        SubnetSpec {
            gateway: Some(ip("192.168.32.254")),
            ip_range: Some(AddressRange { first: ip("192.168.32.128"), last: ip("192.168.32.255") }),
            aux_addresses: vec![AuxAddress { name: "my-router".into(), address: ip("192.168.32.129") }],
            ..spec("192.168.32.0/24")
        }
    }

    fn all(spec: &SubnetSpec) -> Vec<IpAddr> {
        Pool::new(spec, &[]).next_after(None).collect()
    }

    #[test]
    fn a_range_gives_its_ends_but_never_the_subnets_broadcast() {
        let given = all(&macnet32());
        assert_eq!(given[..2], [ip("192.168.32.128"), ip("192.168.32.130")]);
        assert_eq!(given.last(), Some(&ip("192.168.32.253")));
        assert_eq!(given.len(), 125);
        assert_eq!(Pool::new(&macnet32(), &[]).capacity(), 125);

        let mut inner = spec("172.28.0.0/16");
        inner.ip_range = Some(AddressRange { first: ip("172.28.30.0"), last: ip("172.28.30.255") });
        assert_eq!(all(&inner).len(), 256);
    }

    #[test]
    fn the_smallest_subnets_have_no_special_addresses() {
        for (subnet, count) in [
            ("10.0.0.0/32", 1),
            ("10.0.0.0/31", 2),
            ("10.0.0.0/30", 2),
            ("2001:db8::/128", 1),
            ("2001:db8::/127", 2),
            ("2001:db8::/126", 3),
        ] {
            let spec = spec(subnet);
            assert_eq!(all(&spec).len(), count, "{subnet}");
            assert_eq!(Pool::new(&spec, &[]).capacity(), count as u128, "{subnet}");
        }
    }

    #[test]
    fn a_large_subnet_costs_nothing() {
        let lan = spec("2001:db8::/64");
        let pool = Pool::new(&lan, &[ip("2001:db8::2"), ip("192.0.2.1")]);
        let given: Vec<_> = pool.next_after(None).take(2).collect();
        assert_eq!(given, [ip("2001:db8::1"), ip("2001:db8::3")]);
        assert_eq!(pool.capacity(), (1 << 64) - 2);
        assert_eq!(Pool::new(&spec("::/0"), &[]).capacity(), u128::MAX - 1);
        let wrapped = pool.next_after(Some(ip("2001:db8::ffff:ffff:ffff:ffff"))).next();
        assert_eq!(wrapped, Some(ip("2001:db8::1")));
    }

    #[test]
    fn a_cursor_of_elsewhere_begins_at_the_start() {
        let pool = Pool::new(&macnet32(), &[]);
        for cursor in ["192.168.32.5", "192.168.32.255", "10.0.0.1", "::c0a8:2082"] {
            assert_eq!(pool.next_after(Some(ip(cursor))).next(), Some(ip("192.168.32.128")), "{cursor}");
        }
    }

    #[test]
    fn every_refusal_says_why() {
        let pool = Pool::new(&macnet32(), &[ip("192.168.32.10")]);
        let subnet = pool.subnet();
        for (address, refused) in [
            ("192.168.32.0", Refused::Network(subnet)),
            ("192.168.32.255", Refused::Broadcast(subnet)),
            ("192.168.32.254", Refused::Gateway),
            ("192.168.32.129", Refused::Auxiliary("my-router".into())),
            ("192.168.32.10", Refused::Host),
            ("192.168.33.1", Refused::Outside(subnet)),
            ("::c0a8:2001", Refused::Outside(subnet)),
        ] {
            assert_eq!(pool.admits(ip(address)), Err(refused), "{address}");
        }
        assert_eq!(pool.admits(ip("192.168.32.9")), Ok(()), "outside the range, inside the subnet");
        assert!(!pool.offers(ip("192.168.32.9")));
        let v6 = Pool::new(&spec("2001:db8::/64"), &[]);
        assert_eq!(v6.admits(ip("2001:db8::")), Err(Refused::RouterAnycast(v6.subnet())));
    }

    proptest! {
        #[test]
        fn each_address_on_offer_comes_once_whatever_the_cursor(
            base: u32, prefix in 22u8..=32, cursor: u32, gateway: u32, from: u32, to: u32,
        ) {
            let subnet = IpNetwork::new(Ipv4Addr::from(base).into(), prefix).unwrap();
            let subnet = IpNetwork::new(subnet.network(), prefix).unwrap();
            let low = number(subnet.network());
            let size = 1u128 << (32 - prefix);
            let bare = Pool::new(&SubnetSpec { subnet, ..spec("10.0.0.0/8") }, &[]);
            let inside = |n: u32| bare.address(low + u128::from(n) % size);
            let (from, to) = (inside(from).min(inside(to)), inside(from).max(inside(to)));
            let pool = Pool::new(&SubnetSpec {
                subnet,
                gateway: Some(inside(gateway)),
                ip_range: Some(AddressRange { first: from, last: to }),
                aux_addresses: vec![],
            }, &[]);
            let given: Vec<_> = pool.next_after(Some(inside(cursor))).collect();
            prop_assert_eq!(given.len() as u128, pool.capacity());
            prop_assert_eq!(given.iter().collect::<HashSet<_>>().len(), given.len());
            for address in &given {
                prop_assert!(pool.offers(*address) && *address != inside(gateway));
                prop_assert!(from <= *address && *address <= to);
            }
            // After the first wrap the order only rises: nothing comes back early.
            let falls = given.windows(2).filter(|pair| pair[0] > pair[1]).count();
            prop_assert!(falls <= 1);
        }
    }
}
