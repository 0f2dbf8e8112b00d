//! How an answer ends: `struct nlmsgerr` and the end of a dump, with the attributes of an extended
//! acknowledgement.

use nix::errno::Errno;
use rtnetlink::packet_core::{NLM_F_CAPPED, NetlinkBuffer};

use crate::attribute::{attributes, text};

/// `NLM_F_ACK_TLVS` of include/uapi/linux/netlink.h: attributes follow.
const ACK_TLVS: u16 = 0x200;
/// `NLMSGERR_ATTR_MSG`.
const MESSAGE: u16 = 1;
const CODE_BYTES: usize = 4;
const HEADER_BYTES: usize = 16;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Refused { errno: Errno, kernel: Option<String> },
}

/// Reads the payload of `NLMSG_ERROR`: the error number, the header of the request, its payload unless
/// capped, and the attributes. None if it is too short to hold a number.
pub(super) fn outcome_of_error(payload: &[u8], flags: u16) -> Option<Outcome> {
    let request = payload.get(CODE_BYTES..)?;
    let echoed = if flags & NLM_F_CAPPED == 0 { echoed_bytes(request) } else { HEADER_BYTES };
    let extended = if flags & ACK_TLVS == 0 { None } else { request.get(echoed..) };
    outcome(payload, extended.unwrap_or_default())
}

/// Reads the payload of `NLMSG_DONE`: the error number and the attributes.
pub(super) fn outcome_of_done(payload: &[u8]) -> Option<Outcome> {
    outcome(payload, payload.get(CODE_BYTES..).unwrap_or_default())
}

/// Numbers below zero are errors; the end of a dump may carry the length of its last datagram.
fn outcome(payload: &[u8], extended: &[u8]) -> Option<Outcome> {
    let code = payload.get(..CODE_BYTES)?.try_into().map(i32::from_ne_bytes).ok()?;
    if code >= 0 {
        return Some(Outcome::Done);
    }
    let kernel = attributes(extended).find(|(kind, _)| *kind == MESSAGE).map(|(_, value)| text(value));
    Some(Outcome::Refused { errno: Errno::from_raw(code.saturating_neg()), kernel })
}

fn echoed_bytes(request: &[u8]) -> usize {
    NetlinkBuffer::new_checked(request)
        .ok()
        .and_then(|request| usize::try_from(request.length()).ok())
        .map_or(HEADER_BYTES, |length| length.next_multiple_of(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_payload(code: i32, echoed: &[u8], text: &[u8]) -> Vec<u8> {
        let mut payload = code.to_ne_bytes().to_vec();
        let length = u32::try_from(HEADER_BYTES + echoed.len()).unwrap();
        payload.extend(length.to_ne_bytes());
        payload.extend([0; HEADER_BYTES - 4]);
        payload.extend(echoed);
        payload.extend(u16::try_from(4 + text.len()).unwrap().to_ne_bytes());
        payload.extend(MESSAGE.to_ne_bytes());
        payload.extend(text);
        payload
    }

    fn refused(errno: Errno, kernel: Option<&str>) -> Outcome {
        Outcome::Refused { errno, kernel: kernel.map(Into::into) }
    }

    #[test]
    fn the_kernels_text_is_found_behind_a_capped_and_behind_a_whole_echo() {
        let expected = Some(refused(Errno::EINVAL, Some("no gateway")));
        let whole = error_payload(-22, &[7; 12], b"no gateway\0");
        assert_eq!(outcome_of_error(&whole, ACK_TLVS), expected);
        let capped = error_payload(-22, &[], b"no gateway\0");
        assert_eq!(outcome_of_error(&capped, ACK_TLVS | NLM_F_CAPPED), expected);
    }

    #[test]
    fn without_the_flag_there_is_no_text() {
        let payload = error_payload(-17, &[], b"not a text\0");
        assert_eq!(outcome_of_error(&payload, NLM_F_CAPPED), Some(refused(Errno::EEXIST, None)));
    }

    #[test]
    fn zero_is_an_acknowledgement_and_a_dump_may_end_with_a_length() {
        assert_eq!(
            outcome_of_error(&error_payload(0, &[], b"x\0"), ACK_TLVS | NLM_F_CAPPED),
            Some(Outcome::Done)
        );
        assert_eq!(outcome_of_done(&20_i32.to_ne_bytes()), Some(Outcome::Done));
        assert_eq!(outcome_of_done(&(-2_i32).to_ne_bytes()), Some(refused(Errno::ENOENT, None)));
    }

    #[test]
    fn a_payload_without_a_number_is_no_outcome() {
        assert_eq!(outcome_of_error(&[0, 0], 0), None);
        assert_eq!(outcome_of_done(&[]), None);
    }
}
