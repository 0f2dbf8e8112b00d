//! Ethernet addresses that stay.

use std::hash::Hasher;

use plan::{IfName, MacAddress};
use siphasher::sip::SipHasher13;

use crate::network::NetworkName;

/// A locally administered address that is always the same for the same container, network and interface:
/// neighbours' caches, DHCP reservations and switch ports outlive a container that is made again.
///
/// 46 bits of a hash: of 1,000 links on one LAN, two are equal with a probability below 10⁻⁸; the kernel then
/// refuses the second one on the same parent by name.
#[must_use]
pub fn derive_mac(network: &NetworkName, container: &str, interface: &IfName) -> MacAddress {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    for part in [network.as_str(), container, interface.as_str()] {
        hasher.write(part.as_bytes());
        // No part can hold a zero byte, so no two triples are written alike.
        hasher.write_u8(0);
    }
    let hash = hasher.finish().to_le_bytes();
    MacAddress::local(*hash.first_chunk().unwrap_or(&[0; 6]))
}
