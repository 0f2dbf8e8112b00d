//! Which boot this is.

use std::io;

use thiserror::Error;

use crate::proc_file;

/// Made anew by the kernel at each boot (drivers/char/random.c).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The kernel did not say.
#[derive(Debug, Error)]
#[error("cannot read {BOOT_ID}, which is there wherever /proc is mounted")]
pub struct Error(#[source] io::Error);

/// The identity of this boot: a UUID as text.
pub(crate) fn id() -> Result<String, Error> {
    proc_file::read(BOOT_ID).map(|text| text.trim_end().to_owned()).map_err(Error)
}
