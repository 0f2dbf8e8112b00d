//! Where it was measured, in general words.

use std::{fs, thread};

/// Processors and kernel.
pub(crate) fn describe() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel: Vec<_> = kernel.trim().split(['.', '-']).take(2).collect();
    let processors = thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or_default();
    format!("{processors} processors, Linux {}, load {load} before", kernel.join("."))
}
