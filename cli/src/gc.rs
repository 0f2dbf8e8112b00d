//! `underlay gc`.

use std::time::{Duration, Instant};

use underlay::layout::Layout;

use crate::outcome::{Failure, answer};

/// An administrator waits longer than a container's start may; still, a timer must not pile up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes down what nobody uses, a line for each thing; with `dry_run` only the lines.
pub(crate) fn collect(layout: &Layout, dry_run: bool) -> Result<(), Failure> {
    let collected = underlay::gc::collect(layout, dry_run, Instant::now() + PATIENCE);
    for attachment in &collected.attachments {
        answer(&format!("attachment {} {}", attachment.owner.network, attachment.owner.interface));
    }
    for address in &collected.leases {
        answer(&format!("lease {address}"));
    }
    for parent in &collected.parents {
        answer(&format!("parent {parent}"));
    }
    Failure::unless_empty(collected.errors)
}
