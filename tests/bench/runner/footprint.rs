//! What an attach takes besides time: memory, system calls, and room on the disk.

use std::fs;

use crate::{
    error::{Result, file},
    installed::program,
    measure::Line,
    memory,
    options::Options,
    report::{Count, Report},
    site::Site,
};

/// Of one attach and one detach.
pub(crate) fn run(site: &Site<'_>, _: &Options, report: &mut Report) -> Result {
    for name in ["underlay-hook", "underlay-nsenter", "underlay"] {
        let path = program(name);
        let bytes = fs::metadata(&path).map_err(file(&path))?.len();
        report.count(Count::new(format!("size of {name}"), bytes as f64 / 1024.0, "KiB"));
    }
    let (mut watched, mut traced) = (site.container()?, site.container()?);
    for (stage, name) in [("createRuntime", "attach"), ("poststop", "detach")] {
        weigh(&watched.hook(stage), site, name, report)?;
        count(&traced.hook(stage), name, report)?;
        watched.stop();
        traced.stop();
    }
    site.end(vec![watched, traced])
}

fn weigh(line: &Line, site: &Site<'_>, name: &str, report: &mut Report) -> Result {
    let peaks = memory::peaks(line, site.proc())?;
    let sum: u64 = peaks.iter().map(|peak| peak.kib).sum();
    for peak in peaks {
        report.count(Count::new(format!("peak RSS of {} at {name}", peak.program), peak.kib as f64, "KiB"));
    }
    report.count(Count::new(format!("peak RSS of both at {name}"), sum as f64, "KiB"));
    Ok(())
}

fn count(line: &Line, name: &str, report: &mut Report) -> Result {
    let profile = "/run/bench/strace";
    line.clone().below(&["strace", "-f", "-c", "-S", "calls", "-o", profile]).run()?;
    let text = fs::read_to_string(profile).map_err(file(profile))?;
    report.count(Count::new(format!("system calls at {name}"), calls(&text), ""));
    report.profile(format!("strace -f -c, {name}"), text);
    Ok(())
}

/// The sum in the last line: `100.00 0.001234 5 248 12 total`.
fn calls(profile: &str) -> f64 {
    let total = profile.lines().rev().find(|line| line.ends_with(" total")).unwrap_or_default();
    total.split_whitespace().nth(3).and_then(|count| count.parse().ok()).unwrap_or(f64::NAN)
}
