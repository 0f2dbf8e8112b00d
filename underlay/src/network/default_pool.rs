//! A subnet for a network whose administrator named none: pure.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};

use super::file::overlap;

/// The first of Docker's own pools that overlaps nothing that is `taken`: 172.17.0.0/16 to 172.31.0.0/16,
/// then 192.168.0.0/16 in parts of /20. None if all overlap.
///
/// A default route overlaps everything and says nothing, so it must not be among the taken ones.
#[must_use]
pub fn ipv4(taken: &[IpNetwork]) -> Option<IpNetwork> {
    let large = (17..=31).map(|second| (Ipv4Addr::new(172, second, 0, 0), 16));
    let small = (0..=15).map(|part| (Ipv4Addr::new(192, 168, part * 16, 0), 20));
    large
        .chain(small)
        .filter_map(|(first, length)| Ipv4Network::new(first, length).ok().map(IpNetwork::V4))
        .find(|pool| !taken.iter().any(|taken| overlap(*pool, *taken)))
}

/// A Unique Local IPv6 /64: `fd`, 40 random bits, and 16 zero bits as its number among the 65,536 of that
/// prefix (RFC 4193, 3.2). With that much randomness it needs no comparison with others. Of `random` the
/// lower 40 bits count.
#[must_use]
pub fn ipv6(random: u64) -> Option<IpNetwork> {
    let global_id = random & 0xff_ffff_ffff;
    let prefix = 0xfd << 56 | global_id << 16;
    let first = Ipv6Addr::from(u128::from(prefix) << 64);
    Ipv6Network::new(first, 64).ok().map(IpNetwork::V6)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prefixes(texts: &[&str]) -> Vec<IpNetwork> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn chosen(taken: &[&str]) -> Option<String> {
        ipv4(&prefixes(taken)).map(|pool| pool.to_string())
    }

    #[test]
    fn the_first_pool_that_is_free_is_taken() {
        assert_eq!(chosen(&[]).as_deref(), Some("172.17.0.0/16"));
        assert_eq!(chosen(&["172.17.0.1/16", "172.18.4.0/24"]).as_deref(), Some("172.19.0.0/16"));
        assert_eq!(chosen(&["172.16.0.0/12", "192.168.1.0/24"]).as_deref(), Some("192.168.16.0/20"));
        assert_eq!(chosen(&["172.16.0.0/12", "192.168.0.0/16"]), None);
        assert_eq!(chosen(&["2001:db8::/32"]).as_deref(), Some("172.17.0.0/16"));
    }

    #[test]
    fn an_ipv6_pool_is_of_forty_random_bits() {
        assert_eq!(ipv6(0xffff_ff01_0203_0405), "fd01:203:405::/64".parse().ok());
        assert_eq!(ipv6(0), "fd00::/64".parse().ok());
    }

    proptest! {
        #[test]
        fn what_is_chosen_overlaps_nothing(taken in prop::collection::vec((any::<u32>(), 9..=32_u8), 0..60)) {
            // Everything within the two blocks that the pools are of.
            let block = |bits: u32| if bits & 1 == 0 { bits & 0x000f_ffff | 0xac10_0000 } else { bits & 0xffff | 0xc0a8_0000 };
            let taken: Vec<_> = taken
                .iter()
                .map(|(bits, length)| IpNetwork::new(Ipv4Addr::from(block(*bits)).into(), *length).unwrap())
                .collect();
            if let Some(pool) = ipv4(&taken) {
                prop_assert!(taken.iter().all(|taken| !overlap(pool, *taken)));
            }
        }
    }
}
