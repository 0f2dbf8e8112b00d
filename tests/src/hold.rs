//! A hook that is held up: it waits for its parent's lock, with its helper beside it, as long as a trial likes.
//!
//! A program in the helper's place that takes its time would have to be static and alone: a hook can execute no other.

use crate::{Place, Result};

impl Place {
    /// Takes the lock of a parent. Hooks that want the parent get as far as that, and wait.
    pub fn hold_parent(&self, parent: &str) -> Result {
        let lock = format!("/run/underlay/parents/locks/{parent}");
        self.sh(&format!(
            "umask 077; mkdir -p /run/underlay/parents/locks; \
             flock --close {lock} sleep 3600 </dev/null >/dev/null 2>&1 & echo $! >/run/holder; \
             while flock --nonblock {lock} true; do sleep 0.01; done"
        ))
        .map(drop)
    }

    /// Gives it back.
    pub fn let_go(&self) -> Result {
        self.sh("kill $(cat /run/holder)").map(drop)
    }
}
