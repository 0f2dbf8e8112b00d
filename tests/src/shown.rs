//! Lines that trials have found out and that are printed at the end: evidence, besides that it is as it should be.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, PoisonError},
};

/// The lines of the whole run.
pub static SHOWN: Shown = Shown(Mutex::new(BTreeSet::new()));

/// Lines, sorted.
#[derive(Debug)]
pub struct Shown(Mutex<BTreeSet<String>>);

impl Shown {
    /// One more line.
    pub fn add(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(line);
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
