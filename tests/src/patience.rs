//! Waiting for what engines and the kernel do on their own time.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{Error, Result};

/// For an engine that restarts a container three times, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until nothing is said against what is there any more.
pub(crate) fn until(mut objection: impl FnMut() -> Result<Option<String>>) -> Result {
    let end = Instant::now() + PATIENCE;
    while let Some(objection) = objection()? {
        if Instant::now() > end {
            return Err(Error::Never { still: objection });
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}
