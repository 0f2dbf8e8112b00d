//! What the trials of faults, crowds and soak did, for the one line that is printed at the end.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Counts for the whole run.
pub static TALLY: Tally = Tally {
    faults: AtomicUsize::new(0),
    crashes: AtomicUsize::new(0),
    operations: AtomicUsize::new(0),
    leaks: AtomicUsize::new(0),
    duplicates: AtomicUsize::new(0),
};

/// Counts.
#[derive(Debug)]
pub struct Tally {
    /// System calls that were made to fail.
    pub faults: AtomicUsize,
    /// Processes that were killed at a system call.
    pub crashes: AtomicUsize,
    /// Attaches, detaches and collections that were checked.
    pub operations: AtomicUsize,
    /// Links, leases, claims and records that were left.
    pub leaks: AtomicUsize,
    /// Addresses that two namespaces had.
    pub duplicates: AtomicUsize,
}

impl Tally {
    /// One more.
    pub fn count(counter: &AtomicUsize) {
        counter.fetch_add(1, Relaxed);
    }

    /// Something was counted.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.operations.load(Relaxed) > 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [faults, crashes, operations, leaks, duplicates] =
            [&self.faults, &self.crashes, &self.operations, &self.leaks, &self.duplicates]
                .map(|counter| counter.load(Relaxed));
        write!(
            f,
            "faults: {faults} calls failed, {crashes} crashes survived, {operations} operations checked, {leaks} leaks, {duplicates} duplicates"
        )
    }
}
