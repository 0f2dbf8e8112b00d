//! `underlay network schema`.

use underlay::network::file;

use crate::outcome::{Failure, answer};

/// Prints the JSON Schema of a network's file.
pub(crate) fn schema() -> Result<(), Failure> {
    answer(&serde_json::to_string_pretty(&file::schema())?);
    Ok(())
}
