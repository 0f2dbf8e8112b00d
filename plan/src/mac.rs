//! Ethernet addresses.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A 48-bit Ethernet address, written as six pairs of hexadecimal digits with colons between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress([u8; 6]);

/// Why a text is not an address that an interface can have.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidMacAddress {
    /// Not six pairs of hexadecimal digits.
    #[error("`{}` is not a MAC address: write six pairs of hexadecimal digits, such as 02:42:0a:00:00:02", .0.escape_debug())]
    Form(String),
    /// The group bit is set (IEEE 802): no interface can own such an address.
    #[error("`{0}` is a multicast MAC address; an interface needs a unicast one (an even first byte)")]
    Multicast(String),
    /// All zeros, which the kernel refuses (`is_valid_ether_addr`).
    #[error("00:00:00:00:00:00 cannot be the MAC address of an interface")]
    Zero,
}

impl MacAddress {
    /// Makes an address of six bytes, the first one first on the wire. Multicast and zero are refused.
    pub fn new(bytes: [u8; 6]) -> Result<Self, InvalidMacAddress> {
        let address = Self(bytes);
        if bytes == [0; 6] {
            Err(InvalidMacAddress::Zero)
        } else if bytes[0] & 1 == 1 {
            Err(InvalidMacAddress::Multicast(address.to_string()))
        } else {
            Ok(address)
        }
    }

    /// A locally administered unicast address (IEEE 802-2014, 8.4) with 46 bits taken from `bytes`.
    #[must_use]
    pub const fn local(mut bytes: [u8; 6]) -> Self {
        bytes[0] = bytes[0] & 0b1111_1100 | 0b0000_0010;
        Self(bytes)
    }

    /// The six bytes in the order of the wire.
    #[must_use]
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for MacAddress {
    type Err = InvalidMacAddress;

    /// Six pairs of hexadecimal digits of either case, with `:` or with `-` between all of them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || InvalidMacAddress::Form(text.to_owned());
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut bytes = [0; 6];
        let mut pairs = text.split(separator);
        for byte in &mut bytes {
            let pair = pairs.next().ok_or_else(form)?;
            // from_str_radix alone would take a sign.
            if pair.len() != 2 || !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(form());
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| form())?;
        }
        if pairs.next().is_some() {
            return Err(form());
        }
        Self::new(bytes)
    }
}

impl TryFrom<String> for MacAddress {
    type Error = InvalidMacAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MacAddress> for String {
    fn from(address: MacAddress) -> Self {
        address.to_string()
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_separators_and_prints_one() {
        for text in ["02:42:AC:11:00:02", "02-42-ac-11-00-02"] {
            assert_eq!(text.parse::<MacAddress>().map(|m| m.to_string()), Ok("02:42:ac:11:00:02".to_owned()));
        }
    }

    #[test]
    fn refuses_other_forms_multicast_and_zero() {
        for text in [
            "",
            "02:42:ac:11:00",
            "02:42:ac:11:00:02:03",
            "2:42:ac:11:0:2",
            "+2:42:ac:11:00:02",
            "02:42-ac:11:00:02",
        ] {
            assert!(matches!(text.parse::<MacAddress>(), Err(InvalidMacAddress::Form(_))), "{text}");
        }
        assert!(matches!("01:00:5e:00:00:01".parse::<MacAddress>(), Err(InvalidMacAddress::Multicast(_))));
        assert_eq!("00:00:00:00:00:00".parse::<MacAddress>(), Err(InvalidMacAddress::Zero));
    }

    #[test]
    fn a_local_address_is_unicast_and_says_that_it_is_local() {
        assert_eq!(MacAddress::local([0xff; 6]).to_string(), "fe:ff:ff:ff:ff:ff");
        assert_eq!(MacAddress::local([0; 6]).to_string(), "02:00:00:00:00:00");
    }
}
