//! Waiting for what a dying namespace still holds.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// About the time that the kernel needs to take a namespace down: longer pauses would only add to the wait.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Until when a request may be sent again that found a MAC, an address or a parent in use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    end: Instant,
}

impl Patience {
    pub(crate) fn new(milliseconds: u32) -> Self {
        Self { end: Instant::now() + Duration::from_millis(milliseconds.into()) }
    }

    /// Sends the request until it does not find its object busy, or patience ends; then the last error
    /// stands.
    pub(crate) fn retry<T>(self, mut request: impl FnMut() -> netlink::Result<T>) -> netlink::Result<T> {
        let mut pause = FIRST_PAUSE;
        loop {
            match request() {
                Err(error) if error.is_busy() && Instant::now() + pause <= self.end => sleep(pause),
                result => return result,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(errno: nix::errno::Errno) -> netlink::Error {
        netlink::Error::Refused { operation: "bring up link 2".into(), errno, kernel: None }
    }

    #[test]
    fn busy_is_tried_again_and_another_error_is_not() {
        let mut attempts = 0;
        let result = Patience::new(1000).retry(|| {
            attempts += 1;
            if attempts < 4 { Err(refused(nix::errno::Errno::EADDRINUSE)) } else { Ok(attempts) }
        });
        assert_eq!(result.ok(), Some(4));

        let mut attempts = 0;
        let result = Patience::new(1000).retry(|| -> netlink::Result<()> {
            attempts += 1;
            Err(refused(nix::errno::Errno::EPERM))
        });
        assert!(result.is_err());
        assert_eq!(attempts, 1);
    }

    #[test]
    fn patience_ends() {
        let start = Instant::now();
        let result =
            Patience::new(30).retry(|| -> netlink::Result<()> { Err(refused(nix::errno::Errno::EBUSY)) });
        assert!(result.is_err_and(|error| error.is_busy()));
        assert!(start.elapsed() <= Duration::from_millis(300), "{:?}", start.elapsed());
    }
}
