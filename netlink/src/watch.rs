//! Being told by the kernel that something changed, instead of asking again and again.

use std::{
    io,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use rtnetlink::sys::{self, SocketAddr, protocols::NETLINK_ROUTE};

use crate::error::{Error, Result};

/// `RTNLGRP_LINK`, `RTNLGRP_IPV4_ROUTE`, `RTNLGRP_IPV6_ROUTE` (include/uapi/linux/rtnetlink.h).
const GROUPS: [u32; 3] = [1, 7, 11];

/// A socket that hears of every change of links and of routes in its network namespace, from when it was
/// opened. What changed is not told: whoever waits for something looks for it again.
#[derive(Debug)]
pub struct Watch(sys::Socket);

impl Watch {
    /// Opens the socket in the network namespace of the calling thread.
    pub fn open() -> Result<Self> {
        let step = |step| move |source| Error::Open { step, source };
        let mut kernel = sys::Socket::new(NETLINK_ROUTE).map_err(step("socket"))?;
        kernel.set_non_blocking(true).map_err(step("O_NONBLOCK"))?;
        kernel.bind(&SocketAddr::new(0, 0)).map_err(step("bind"))?;
        for group in GROUPS {
            kernel.add_membership(group).map_err(step("NETLINK_ADD_MEMBERSHIP"))?;
        }
        Ok(Self(kernel))
    }

    /// Waits for a change until `end`; true if there was one, be it before this call. All changes up to now
    /// are one.
    pub fn wait(&self, end: Instant) -> Result<bool> {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            // Rounded up: a last fraction of a millisecond must not become a busy loop.
            let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
            match poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], timeout) {
                Ok(0) if left.is_zero() => return Ok(false),
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return self.drain().map(|()| true).map_err(failed),
                Err(errno) => return Err(failed(errno.into())),
            }
        }
    }

    /// Takes everything that has been said. A lost message (ENOBUFS) tells of a change as well as any other.
    fn drain(&self) -> io::Result<()> {
        let mut datagram = Vec::with_capacity(1);
        loop {
            datagram.clear();
            match self.0.recv(&mut datagram, 0) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn failed(source: io::Error) -> Error {
    Error::Exchange { operation: "wait for a change of links or routes".to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_in_time() {
        let watch = Watch::open().unwrap();
        let end = Instant::now() + Duration::from_millis(30);
        // Another process may change a link or a route meanwhile.
        while watch.wait(end).unwrap() {}
        assert!(Instant::now() >= end);
    }
}
