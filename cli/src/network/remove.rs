//! `underlay network rm`.

use std::time::{Duration, Instant};

use underlay::{layout::Layout, network::NetworkName, remove::Error};

use crate::outcome::{Failure, answer};

/// For all networks together: enough for hooks that work on the same parents right now.
const PATIENCE: Duration = Duration::from_secs(30);

/// Removes the networks that nobody uses, or with `by_force` all of these, and prints their names. The others
/// are failures, and so is a parent that was made for a network and cannot be taken down.
pub(crate) fn remove(layout: &Layout, names: &[NetworkName], by_force: bool) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    let mut errors = Vec::new();
    for name in names {
        let removed = if by_force {
            underlay::remove_by_force(layout, name, deadline)
        } else {
            underlay::remove(layout, name, deadline)
        };
        match removed {
            Ok(removed) => {
                answer(name.as_str());
                errors.extend(removed.error.map(Error::from));
            }
            Err(error) => errors.push(error),
        }
    }
    Failure::unless_empty(errors)
}
