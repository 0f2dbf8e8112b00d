//! What an address costs when many are leased.

use std::{fs, net::Ipv4Addr, os::unix::fs::symlink};

use crate::{
    error::{Result, file},
    options::Options,
    report::{Report, Table},
    series::Series,
    site::{NETWORK, Site},
};

/// The addresses of the network that can be chosen, 10.0.0.2 to 10.0.255.254.
const CAPACITY: u32 = 65_533;
/// How many of them are leased before.
const LEVELS: [(&str, u32); 5] = [
    ("no leases", 0),
    ("1,000 leases", 1_000),
    ("20,000 leases", 20_000),
    ("60,000 leases", 60_000),
    ("all but one leased, and that one last", CAPACITY - 1),
];

/// Attaches with so many leases in the books.
pub(crate) fn run(site: &Site<'_>, options: &Options, report: &mut Report) -> Result {
    let mut levels = Vec::new();
    for (name, leases) in LEVELS {
        let run = format!("/run/bench/run-{leases}");
        fill(&run, leases)?;
        levels.push((name, run, Series::default()));
    }
    let mut containers = Vec::new();
    for round in 0..=options.rounds {
        for (_, run, series) in &mut levels {
            let mut container = site.container()?;
            let cost = container.hook_with_run("createRuntime", run).run()?;
            container.expect(site, "Underlay", &["eth0"])?;
            container.stop();
            container.hook_with_run("poststop", run).deleting().run()?;
            if round > 0 {
                series.push(cost);
            }
            containers.push(container);
        }
    }
    site.end(containers)?;
    let mut table = Table::new("leases", "attach, by the leases that there are");
    for (name, run, series) in levels {
        table.add(name, &series);
        fs::remove_dir_all(&run).map_err(file(&run))?;
    }
    report.add(table);
    Ok(())
}

/// Leases the lowest addresses; those that follow are chosen next. The last one is chosen over and over again
/// where it is the only one: the search begins behind it each time.
fn fill(run: &str, leases: u32) -> Result {
    let (held, cursors) = (format!("{run}/leases"), format!("{run}/cursors"));
    for path in [&held, &cursors] {
        fs::create_dir_all(path).map_err(file(path))?;
    }
    let first = u32::from(Ipv4Addr::new(10, 0, 0, 2));
    for number in 0..leases {
        let path = format!("{held}/{}", Ipv4Addr::from(first + number));
        symlink(format!("bench/{}/{NETWORK}/eth0", 1_000_000_000 + number), &path).map_err(file(&path))?;
    }
    if leases > 0 && leases < CAPACITY - 1 {
        let path = format!("{cursors}/{NETWORK}@10.0.0.0_16");
        symlink(Ipv4Addr::from(first + leases - 1).to_string(), &path).map_err(file(&path))?;
    }
    Ok(())
}
