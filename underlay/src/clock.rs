//! Times for records and deadlines.

use std::time::{Duration, Instant, SystemTime};

/// Seconds since 1970, for people to read: it may be set back, so nothing is decided by it.
#[must_use]
pub(crate) fn seconds() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
}

/// Milliseconds until `deadline`, 0 once it has passed.
#[must_use]
pub(crate) fn millis_until(deadline: Instant) -> u32 {
    let left = deadline.saturating_duration_since(Instant::now());
    u32::try_from(left.as_millis()).unwrap_or(u32::MAX)
}

/// A deadline that leaves at least `least`: taking back must not fail because doing took all the time there
/// was.
#[must_use]
pub(crate) fn at_least(deadline: Instant, least: Duration) -> Instant {
    deadline.max(Instant::now() + least)
}
