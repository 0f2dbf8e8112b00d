//! The numbers (nsid) under which the socket's namespace knows others (`net/core/net_namespace.c`), and what kind of
//! namespace a file is.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use rtnetlink::packet_route::nsid::{NsidAttribute, NsidMessage};

use crate::{
    error::{Error, Result},
    socket::Socket,
};

/// `NETNSA_NSID_NOT_ASSIGNED`; in a request: any number.
const NONE: i32 = -1;

/// `_IO(NSIO, 0x3)` of `include/uapi/linux/nsfs.h`.
const NS_GET_NSTYPE: libc::Ioctl = 0xb703;

/// The `CLONE_NEW*` flag of the namespace behind a descriptor of nsfs; an error (ENOTTY) for other files.
pub fn namespace_type(namespace: &impl AsFd) -> io::Result<i32> {
    // SAFETY: NS_GET_NSTYPE takes no argument and writes nothing to this process's memory.
    #[expect(unsafe_code, reason = "the call has no wrapper")]
    let flag = unsafe { libc::ioctl(namespace.as_fd().as_raw_fd(), NS_GET_NSTYPE) };
    if flag < 0 { Err(io::Error::last_os_error()) } else { Ok(flag) }
}

impl Socket {
    /// Gives the namespace open as `namespace` a number, `wanted` if it is free, or finds out the one that it
    /// has already. A namespace keeps its number until it dies; then the kernel may give it to another.
    pub fn assign_nsid(&self, namespace: BorrowedFd<'_>, wanted: Option<i32>) -> Result<i32> {
        if let Some(number) = wanted {
            match self.new_nsid(namespace, number) {
                Ok(()) => return Ok(number),
                // The namespace has a number, or another namespace has this one: the kernel says EEXIST for
                // both.
                Err(error) if error.is_exists() => {}
                Err(error) => return Err(error),
            }
        }
        match self.nsid(namespace)? {
            Some(number) => Ok(number),
            None => self.any_nsid(namespace),
        }
    }

    fn any_nsid(&self, namespace: BorrowedFd<'_>) -> Result<i32> {
        match self.new_nsid(namespace, NONE) {
            // Somebody else was faster.
            Err(error) if !error.is_exists() => return Err(error),
            _ => {}
        }
        self.nsid(namespace)?.ok_or_else(|| Error::Malformed {
            operation: "number a network namespace".to_owned(),
            what: "it has no number after it was given one",
        })
    }

    fn new_nsid(&self, namespace: BorrowedFd<'_>, number: i32) -> Result<()> {
        let mut message = about(namespace)?;
        message.attributes.push(NsidAttribute::Id(number));
        let operation = format_args!("number a network namespace");
        self.request(operation, libc::RTM_NEWNSID, &message, 0).map(drop)
    }

    fn nsid(&self, namespace: BorrowedFd<'_>) -> Result<Option<i32>> {
        let operation = format_args!("find the number of a network namespace");
        let answer = self.ask(operation, libc::RTM_GETNSID, &about(namespace)?)?;
        number(&answer).map(|number| (number != NONE).then_some(number)).ok_or_else(|| Error::Malformed {
            operation: operation.to_string(),
            what: "no number, and no error",
        })
    }
}

fn about(namespace: BorrowedFd<'_>) -> Result<NsidMessage> {
    let fd = u32::try_from(namespace.as_raw_fd()).map_err(|_| Error::Impossible {
        operation: "number a network namespace".to_owned(),
        why: "its descriptor is negative",
    })?;
    let mut message = NsidMessage::default();
    message.attributes.push(NsidAttribute::Fd(fd));
    Ok(message)
}

/// Reads `NETNSA_NSID` of an `RTM_NEWNSID`.
fn number(message: &[u8]) -> Option<i32> {
    /// `struct rtgenmsg`, padded.
    const HEADER_BYTES: usize = 4;
    /// `NETNSA_NSID`.
    const NSID: u16 = 1;
    crate::attribute::attributes(message.get(HEADER_BYTES..)?)
        .find(|(kind, _)| *kind == NSID)
        .and_then(|(_, value)| value.try_into().ok().map(i32::from_ne_bytes))
}

#[cfg(test)]
mod tests {
    use rtnetlink::packet_core::Emitable;

    use super::*;

    #[test]
    fn the_number_is_read_whatever_comes_with_it() {
        for expected in [0, 4026, NONE] {
            let mut message = NsidMessage::default();
            message.attributes = vec![NsidAttribute::CurrentNsid(3), NsidAttribute::Id(expected)];
            let mut bytes = vec![0; message.buffer_len()];
            message.emit(&mut bytes);
            assert_eq!(number(&bytes), Some(expected));
        }
        assert_eq!(number(&[0; 4]), None);
    }
}
