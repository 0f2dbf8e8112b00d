//! What an attach costs when its parent has many links.

use std::fs;

use crate::{
    contender::Contender,
    error::{Result, file},
    measure::{Line, in_turn},
    options::Options,
    report::{Report, Table},
    series::Series,
    site::{Container, PARENT, Site},
};

/// How many links there are before.
const LEVELS: [u32; 4] = [0, 100, 1_000, 2_000];
/// Fewer rounds than elsewhere: each detach waits for the kernel.
const SHARE: usize = 2;

/// Attaches with so many links on the parent.
pub(crate) fn run(site: &Site<'_>, options: &Options, report: &mut Report) -> Result {
    let ballast = site.container()?;
    let mut there = 0;
    for level in LEVELS {
        load(&ballast, there, level)?;
        there = level;
        let mut table =
            Table::new(format!("{level} links"), format!("attach to a parent with {level} other links"));
        let (mut floor, mut ours) = (Series::default(), Series::default());
        let mut containers = Vec::new();
        for _ in 0..options.rounds.div_ceil(SHARE) {
            for (contender, series) in [(Contender::Floor, &mut floor), (Contender::Underlay, &mut ours)] {
                let mut container = site.container()?;
                let job = contender.job(&container)?;
                series.push(in_turn(&job.attach)?);
                container.stop();
                in_turn(&job.detach)?;
                containers.push(container);
            }
        }
        table.add(Contender::Floor.name(), &floor);
        table.add(Contender::Underlay.name(), &ours);
        report.add(table);
        for container in containers {
            drop(container);
        }
    }
    site.end(vec![ballast])
}

/// Makes links in a namespace of their own until there are so many.
fn load(ballast: &Container, there: u32, wanted: u32) -> Result {
    let lines: Vec<_> = (there..wanted)
        .map(|number| {
            let pid = ballast.replica.pid;
            format!("link add link {PARENT} name b{number} netns {pid} type macvlan mode bridge\n")
        })
        .collect();
    let batch = "/run/bench/ballast";
    fs::write(batch, lines.concat()).map_err(file(batch))?;
    Line::new(["ip", "-batch", batch]).run().map(drop)
}
