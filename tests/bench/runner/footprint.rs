//! What an attach takes besides time: memory, system calls, and room on the disk.

use std::fs;

use crate::{
    error::{Result, file},
    memory,
    options::Options,
    report::{Count, Report},
    site::{Site, program},
};

/// Of one attach and one detach.
pub(crate) fn run(site: &Site<'_>, _: &Options, report: &mut Report) -> Result {
    for name in ["underlay-hook", "underlay-nsenter", "underlay"] {
        let path = program(name);
        let bytes = fs::metadata(&path).map_err(file(&path))?.len();
        report.count(Count::new(format!("size of {name}"), bytes as f64 / 1024.0, "KiB"));
    }
    let mut containers = Vec::new();
    for (stage, name) in [("createRuntime", "attach"), ("poststop", "detach")] {
        let container = match containers.pop() {
            Some(container) => container,
            None => site.container()?,
        };
        let mut sum = 0;
        for peak in memory::peaks(&container.hook(stage))? {
            report.count(Count::new(
                format!("peak RSS of {} at {name}", peak.program),
                peak.kib as f64,
                "KiB",
            ));
            sum += peak.kib;
        }
        report.count(Count::new(format!("peak RSS of both at {name}"), sum as f64, "KiB"));
        containers.push(container);
    }
    for (stage, name) in [("createRuntime", "attach"), ("poststop", "detach")] {
        for container in &containers {
            let profile = "/run/bench/strace";
            let words = ["strace", "-f", "-c", "-S", "calls", "-o", profile];
            container.hook(stage).below(&words).run()?;
            let text = fs::read_to_string(profile).map_err(file(profile))?;
            report.count(Count::new(format!("system calls at {name}"), calls(&text), ""));
            report.profile(format!("strace -f -c, {name}"), text);
        }
    }
    site.end(containers)
}

/// The sum in the last line: `100.00 0.001234 5 248 12 total`.
fn calls(profile: &str) -> f64 {
    let total = profile.lines().rev().find(|line| line.ends_with(" total")).unwrap_or_default();
    total.split_whitespace().nth(3).and_then(|count| count.parse().ok()).unwrap_or(f64::NAN)
}
