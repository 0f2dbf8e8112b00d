//! `underlay network disconnect`.

use std::time::{Duration, Instant};

use underlay::layout::Layout;

use crate::{
    arguments::DisconnectWords,
    outcome::{Failure, note},
};

/// As long as a container's end may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Detaches one network from a container. What other containers of its namespace use, too, stays there for
/// them.
pub(crate) fn disconnect(layout: &Layout, words: &DisconnectWords) -> Result<(), Failure> {
    let user = words.container.key(layout)?;
    let detached = underlay::detach_network(layout, &user, &words.network, Instant::now() + PATIENCE);
    if detached.shared > 0 {
        note("the interface stays: other containers of the same network namespace use it");
    }
    Failure::unless_empty(detached.errors)
}
