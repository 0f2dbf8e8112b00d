//! Reading attributes: only those that are asked for are decoded.

use rtnetlink::packet_core::{NLA_HEADER_SIZE, NlasIterator};

/// The attributes in `bytes`, each with its type and its value, up to the first malformed one.
pub(crate) fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    NlasIterator::new(bytes).map_while(Result::ok).filter_map(|attribute| {
        let kind = attribute.kind();
        let end = usize::from(attribute.length());
        attribute.into_inner().get(NLA_HEADER_SIZE..end).map(|value| (kind, value))
    })
}

/// A text that ends with a zero byte, as the kernel writes them. Bytes that are not UTF-8, which an alias may
/// hold, are replaced.
pub(crate) fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned()
}

pub(crate) fn number_u16(value: &[u8]) -> Option<u16> {
    value.try_into().ok().map(u16::from_ne_bytes)
}

pub(crate) fn number_u32(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_attribute_ends_the_walk_and_keeps_what_came_before() {
        let mut bytes = vec![8, 0, 3, 0, b'e', b't', b'h', 0];
        bytes.extend([200, 0, 4, 0, 1]);
        let read: Vec<_> = attributes(&bytes).collect();
        assert_eq!(read, [(3, b"eth\0".as_slice())]);
    }

    #[test]
    fn the_nested_flag_is_not_part_of_the_type() {
        let bytes = [4, 0, 18, 0x80];
        assert_eq!(attributes(&bytes).collect::<Vec<_>>(), [(18, [].as_slice())]);
    }

    #[test]
    fn text_ends_at_the_zero_and_survives_bytes_that_are_not_utf8() {
        assert_eq!(text(b"eth0\0\0"), "eth0");
        assert_eq!(text(b"eth0"), "eth0");
        assert_eq!(text(&[b'a', 0xff, 0]), "a\u{fffd}");
    }
}
