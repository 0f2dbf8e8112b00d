//! Containers that did not ask for a network.

use lab::{Lab, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    Runtime::ALL
        .map(|runtime| {
            let name = format!("not annotated: left alone, {runtime}");
            trial(name, &[runtime.need()], move |lab| not_annotated(lab, runtime))
        })
        .into()
}

fn not_annotated(lab: &Lab, runtime: Runtime) -> Result {
    let container = lab.container("plain").by(runtime).annotation("io.example.other", "eth0").start()?;
    assert_eq!(container.interfaces()?, []);
    assert_eq!(container.routes()?, [""; 0]);
    // Not even the directory of the records was made.
    lab.host().ok("test ! -e /run/underlay").map(drop)
}
