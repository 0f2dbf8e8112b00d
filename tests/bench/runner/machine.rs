//! Where it was measured, in general words.

use std::{fs, process::Command, thread};

/// Processors and kernel, the day, and whether anything else ran.
pub(crate) fn describe() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel: Vec<_> = kernel.trim().split(['.', '-']).take(2).collect();
    let processors = thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or_default();
    let today = Command::new("date").arg("+%F").output().map(|output| output.stdout).unwrap_or_default();
    let today = String::from_utf8_lossy(&today).trim().to_owned();
    format!("{processors} processors, Linux {}, {today}, load {load} before", kernel.join("."))
}
