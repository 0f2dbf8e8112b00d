//! A container's whole life, with and without a hook.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    error::{Result, file},
    installed::program,
    measure::Line,
    options::Options,
    report::{Report, Table},
    series::Series,
    site::{NETWORK, Site},
};

/// `run` of a program that ends at once.
pub(crate) fn run(_: &Site<'_>, options: &Options, report: &mut Report) -> Result {
    let variants =
        [("without a hook", None), ("with a no-op hook", Some(noop as Hook)), ("with Underlay", Some(ours))];
    for runtime in ["runc", "crun"] {
        let mut series = Vec::new();
        for (number, (name, hook)) in variants.into_iter().enumerate() {
            let bundle = format!("/run/bench/bundles/{runtime}-{number}");
            fs::create_dir_all(&bundle).map_err(file(&bundle))?;
            let config = Path::new(&bundle).join("config.json");
            fs::write(&config, bundle_config(hook).to_string()).map_err(file(&config))?;
            let id = format!("bench-{}-{number}", std::process::id());
            series.push((name, Line::new([runtime, "run", "--bundle", &bundle, &id]), Series::default()));
        }
        for round in 0..=options.rounds.div_ceil(2) {
            for (_, line, series) in &mut series {
                let cost = line.run()?;
                if round > 0 {
                    series.push(cost);
                }
            }
        }
        let mut table =
            Table::new(format!("{runtime} run"), format!("`{runtime} run true`, from start to end"));
        for (name, _, series) in series {
            table.add(name, &series);
        }
        report.add(table);
    }
    Ok(())
}

/// A hook of a stage.
type Hook = fn(&str) -> Value;

fn noop(_: &str) -> Value {
    json!({"path": program("noop"), "args": ["noop", "read"]})
}

fn ours(stage: &str) -> Value {
    let helper = program("underlay-nsenter");
    let words = ["underlay-hook", stage, "--config", "/run/config", "--helper", &helper];
    json!({"path": program("underlay-hook"), "args": words, "timeout": 30})
}

fn bundle_config(hook: Option<Hook>) -> Value {
    let hooks = hook.map_or(
        json!({}),
        |hook| json!({"createRuntime": [hook("createRuntime")], "poststop": [hook("poststop")]}),
    );
    let namespaces = ["pid", "mount", "ipc", "network"].map(|kind| json!({"type": kind}));
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false, "user": {"uid": 0, "gid": 0}, "args": ["true"], "env": ["PATH=/bin"], "cwd": "/",
        },
        "root": {"path": "/run/rootfs", "readonly": true},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "hooks": hooks,
        "annotations": {"io.underlay.networks": NETWORK},
        "linux": {"namespaces": namespaces},
    })
}
