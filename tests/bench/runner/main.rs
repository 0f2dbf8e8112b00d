//! What attaching and detaching cost, beside a floor that does nothing else and beside other programs.
//!
//!     cargo bench --package bench -- [--rounds N] [--only SECTION,…] [--netavark PATH] [--format json]
//!
//! Everything runs on the host of a lab, in namespaces of its own. In each round every contender has its turn,
//! so that what slows the machine down slows all of them; what is told is medians, and their ratios.

#![allow(clippy::cast_precision_loss, reason = "of durations and counts that are far from 2^52")]

mod contender;
mod crowd;
mod error;
mod footprint;
mod idle;
mod installed;
mod job;
mod machine;
mod measure;
mod memory;
mod options;
mod parent;
mod pool;
mod report;
mod series;
mod site;
mod whole;

use std::{
    fs::File,
    io::{self, Write},
    process::ExitCode,
};

use error::Result;
use lab::{Lab, Machine};
use options::{Format, Options};
use report::Report;
use site::Site;

/// A part of the benchmark.
type Section = fn(&Site<'_>, &Options, &mut Report) -> Result;

/// In the order in which they run.
const SECTIONS: [(&str, Section); 8] = [
    ("job", job::run),
    ("idle", idle::run),
    ("dead", idle::run_dead),
    ("crowd", crowd::run),
    ("pool", pool::run),
    ("parent", parent::run),
    ("whole", whole::run),
    ("footprint", footprint::run),
];

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(complaint) => return complain(&complaint),
    };
    match run(&options) {
        Ok(report) => {
            let text = match options.format {
                Format::Table => report.table(),
                Format::Json => report.json(),
            };
            // Nobody is left to tell if stdout is closed.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => complain(&error.to_string()),
    }
}

fn run(options: &Options) -> Result<Report> {
    // From inside, this program's own name leads nowhere.
    let built = site::built()?;
    let proc = File::open("/proc").map_err(error::file("/proc"))?;
    let lab = Lab::new(Machine::This)?;
    let mut report = Report::new(machine::describe());
    // A thread that has entered the lab's host starts no other; the lab's own error is what it returns.
    let done =
        lab.inside(|inside| Ok(run_inside(&Site::new(inside, &built, &proc), options, &mut report)))?;
    done?;
    lab.close()?;
    Ok(report)
}

fn run_inside(site: &Site<'_>, options: &Options, report: &mut Report) -> Result {
    site.prepare(options)?;
    for (name, section) in SECTIONS {
        if options.wants(name) {
            progress(name);
            section(site, options, report)?;
        }
    }
    site.clear()
}

fn progress(section: &str) {
    let _ = writeln!(io::stderr(), "bench: {section}");
}

fn complain(message: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "bench: {message}");
    ExitCode::FAILURE
}
