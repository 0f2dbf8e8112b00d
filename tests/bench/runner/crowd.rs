//! Many at once, as when a host starts.

use crate::{
    contender::Contender,
    error::Result,
    measure::at_once,
    options::Options,
    report::{Report, Table},
    series::Series,
    site::{Container, Site},
};

pub(crate) fn run(site: &Site<'_>, _: &Options, report: &mut Report) -> Result {
    let floors_and_us = [Contender::Floor, Contender::Apart, Contender::Underlay];
    crowd(site, report, 50, 5, &Contender::all())?;
    crowd(site, report, 200, 3, &floors_and_us)
}

fn crowd(
    site: &Site<'_>,
    report: &mut Report,
    size: usize,
    rounds: usize,
    contenders: &[Contender],
) -> Result {
    // Two commands one after the other are not at once.
    let contenders = contenders.iter().filter(|contender| **contender != Contender::Ip);
    let mut contenders: Vec<_> = contenders.map(|contender| (contender, Series::default())).collect();
    for _ in 0..rounds {
        for (contender, series) in &mut contenders {
            let mut containers: Vec<_> = (0..size).map(|_| site.container()).collect::<Result<_>>()?;
            let mut jobs = Vec::new();
            for container in &containers {
                jobs.push(contender.job(container)?);
            }
            let attach: Vec<_> = jobs.iter().flat_map(|job| job.attach.iter().cloned()).collect();
            series.push(at_once(&attach)?);
            for container in &containers {
                container.expect(site, contender.name(), &["eth0"])?;
            }
            containers.iter_mut().for_each(Container::stop);
            let detach: Vec<_> = jobs.into_iter().flat_map(|job| job.detach).collect();
            at_once(&detach)?;
            site.end(containers)?;
        }
    }
    let mut table = Table::new(format!("{size} at once"), format!("{size} attaches at once, in all"));
    for (contender, series) in contenders {
        table.add(contender.name(), &series);
    }
    report.add(table);
    Ok(())
}
