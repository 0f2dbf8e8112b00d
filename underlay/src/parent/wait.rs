//! A parent that is not there yet: at boot a container may start before the card's driver, a bond or a bridge
//! has come up.

use std::time::{Duration, Instant};

use netlink::Watch;

use super::{Error, Parent, Parents};
use crate::network::Network;

/// Of the time that there is for an attach: for what comes after the wait, or for taking back.
const RESERVED: Duration = Duration::from_secs(4);

impl Parents<'_> {
    /// The network's parent, made if need be, brought up, and claimed for the namespace `cookie`. If it is not
    /// there, it is waited for as long as the network says, and as `deadline` allows.
    ///
    /// The parent's lock is not held meanwhile: all who wait go on at once when it appears.
    pub fn ensure(&self, network: &Network, cookie: u64, deadline: Instant) -> Result<Parent, Error> {
        match (self.ensure_now(network, cookie, deadline), network.parent_wait) {
            (Err(absence), Some(seconds)) if absence.is_absence() => {
                self.await_appearance(network, cookie, deadline, seconds)
            }
            (result, _) => result,
        }
    }

    fn await_appearance(
        &self,
        network: &Network,
        cookie: u64,
        deadline: Instant,
        seconds: u32,
    ) -> Result<Parent, Error> {
        let start = Instant::now();
        let end = (start + Duration::from_secs(seconds.into()))
            .min(deadline.checked_sub(RESERVED).unwrap_or(start));
        // Before the next look, so that nothing can happen between that and the wait.
        let watch = Watch::open()?;
        loop {
            match self.ensure_now(network, cookie, deadline) {
                Err(absence) if absence.is_absence() => {
                    if !watch.wait(end)? {
                        return Err(Error::Late { absence: Box::new(absence), waited: start.elapsed() });
                    }
                }
                result => return result,
            }
        }
    }
}

impl Error {
    /// The parent is missing, or that by which it would be found.
    const fn is_absence(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::NoDefaultRoute { .. })
    }
}
