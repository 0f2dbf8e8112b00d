//! Where there is nothing to do, or nothing but the books: beside a program that does nothing at all.

use std::{fs, thread, time::Duration};

use crate::{
    error::{Result, file},
    installed::program,
    measure::Line,
    options::Options,
    report::{Report, Table},
    series::Series,
    site::{Container, Site, hook},
};

/// Without an annotation of ours, as podman writes it.
const STATE: &str = r#"{"ociVersion":"1.0","id":"c1","pid":4026,"root":"/var/lib/containers/storage/overlay/1f/merged","bundle":"/var/lib/containers/storage/overlay-containers/c1/userdata","status":"created","annotations":{"io.container.manager":"libpod","io.podman.annotations.autoremove":"FALSE","org.opencontainers.image.stopSignal":"15"}}"#;

/// A container that asks for nothing.
pub(crate) fn run(_: &Site<'_>, options: &Options, report: &mut Report) -> Result {
    let state = "/run/bench/state";
    fs::write(state, STATE).map_err(file(state))?;
    let noop = Line::new([program("noop")]).input(state);
    let hook = hook("createRuntime", "/run/underlay").input(state);
    let (mut nothing, mut ours) = (Series::default(), Series::default());
    for _ in 0..options.rounds * 5 {
        nothing.push(noop.run()?);
        ours.push(hook.run()?);
    }
    let mut table = Table::new("not annotated", "a container that asks for nothing");
    table.add("static no-op program", &nothing);
    table.add("Underlay's hook", &ours);
    report.add(table);
    Ok(())
}

/// A container whose namespace died with it.
pub(crate) fn run_dead(site: &Site<'_>, options: &Options, report: &mut Report) -> Result {
    let containers: Vec<_> = (0..options.rounds).map(|_| site.container()).collect::<Result<_>>()?;
    for container in &containers {
        container.hook("createRuntime").run()?;
    }
    let lines: Vec<_> = containers.iter().map(detach).collect();
    site.end(containers)?;
    // What the kernel still does with the last of them.
    thread::sleep(Duration::from_millis(200));
    let (mut nothing, mut ours) = (Series::default(), Series::default());
    for (noop, hook) in lines {
        nothing.push(noop.run()?);
        ours.push(hook.run()?);
    }
    let mut table = Table::new("detach, dead", "detach, namespace gone: lease and record");
    table.add("static no-op program", &nothing);
    table.add("Underlay's hook", &ours);
    report.add(table);
    Ok(())
}

fn detach(container: &Container) -> (Line, Line) {
    (Line::new([program("noop")]).input(container.state("poststop")), container.hook("poststop"))
}
