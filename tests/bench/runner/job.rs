//! Attaching one container and detaching it, its namespace being alive.

use crate::{
    contender::Contender,
    error::Result,
    measure::in_turn,
    options::Options,
    report::{Report, Table},
    series::Series,
    site::Site,
};

pub(crate) fn run(site: &Site<'_>, options: &Options, report: &mut Report) -> Result {
    let mut contenders: Vec<_> = Contender::all()
        .into_iter()
        .map(|contender| (contender, Series::default(), Series::default()))
        .collect();
    // Alive until all is measured: the kernel takes namespaces down beside whatever runs then.
    let mut containers = Vec::new();
    for round in 0..=options.rounds {
        for (contender, attach, detach) in &mut contenders {
            let mut container = site.container()?;
            let job = contender.job(&container)?;
            let attached = in_turn(&job.attach)?;
            container.expect(site, contender.name(), &["eth0"])?;
            container.stop();
            let detached = in_turn(&job.detach)?;
            container.expect(site, contender.name(), &[])?;
            // The first round finds files that are in no cache.
            if round > 0 {
                attach.push(attached);
                detach.push(detached);
            }
            containers.push(container);
        }
    }
    site.end(containers)?;
    let mut attach = Table::new("attach", "attach: lease, link, address, default route");
    let mut detach = Table::new("detach", "detach, namespace alive; the floor waits for the kernel");
    for (contender, attached, detached) in contenders {
        attach.add(contender.name(), &attached);
        // What was shut in is taken down by the floor itself.
        if contender != Contender::Apart {
            detach.add(contender.name(), &detached);
        }
    }
    report.add(attach);
    report.add(detach);
    Ok(())
}
