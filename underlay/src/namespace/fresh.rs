//! A namespace that is made for one command, where no runtime makes one.

use netlink::Socket;
use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
};
use thiserror::Error;

/// `LOOPBACK_IFINDEX` (include/net/flow.h): the first link of every namespace.
const LOOPBACK: u32 = 1;

/// Why there is no fresh namespace.
#[derive(Debug, Error)]
pub enum Error {
    /// It was not made.
    #[error("cannot make a network namespace (that takes root)")]
    Make(#[source] Errno),
    /// Its loopback interface stays down.
    #[error("cannot bring up the loopback interface of a new network namespace")]
    Loopback(#[source] netlink::Error),
}

/// Moves the calling thread into a new network namespace whose loopback interface is up, as runtimes leave
/// it.
pub fn enter() -> Result<(), Error> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(Error::Make)?;
    // Opened after unshare: a socket stays in the namespace in which it was opened.
    Socket::open().and_then(|socket| socket.set_up(LOOPBACK, None)).map_err(Error::Loopback)
}
