//! What there is on a host apart from containers, to be compared before and after.

use std::{
    collections::BTreeSet,
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{Error, Place, Result, host::STATE};

/// The kernel takes a namespace down on its own time, and with it the links in it; on an emulated machine
/// that is slow, too.
const PATIENCE: Duration = Duration::from_secs(8);

/// A host's links with all that `ip` says of them, its addresses, records, and processes of ours: one line
/// each.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Remains(BTreeSet<String>);

impl Remains {
    pub(crate) fn look(host: &Place) -> Result<Self> {
        let mut lines: BTreeSet<_> = all(&host.json("ip -d -j link show")?).map(Value::to_string).collect();
        for interface in host.interfaces()? {
            lines.extend(
                interface.addresses.iter().map(|address| format!("{} has {address}", interface.name)),
            );
        }
        let records = host.sh(&format!("find {STATE} ! -type d 2>/dev/null || true"))?;
        let processes = host.sh("grep -s ^underlay /proc/[0-9]*/comm || true")?;
        lines.extend(records.lines().chain(processes.lines()).map(str::to_owned));
        Ok(Self(lines))
    }

    /// Waits until all is as it was.
    pub(crate) fn compare(&self, host: &Place) -> Result {
        let end = Instant::now() + PATIENCE;
        loop {
            let now = Self::look(host)?;
            if now == *self {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(Error::LeftBehind { gone: self.without(&now), new: now.without(self) });
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn without(&self, other: &Self) -> Vec<String> {
        self.0.difference(&other.0).cloned().collect()
    }
}

/// What is recorded on the host that the calling thread is on; places in subnets and locks of parents stay.
pub(crate) fn records() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for directory in ["leases", "namespaces", "containers", "parents/ports", "parents/making"] {
        collect(&Path::new(STATE).join(directory), &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn collect(directory: &Path, found: &mut Vec<String>) -> Result {
    let failed = |source| Error::File { path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_type().map_err(failed)?.is_dir() {
            collect(&path, found)?;
            continue;
        }
        let target = fs::read_link(&path).map(|target| format!(" -> {}", target.display()));
        let name = path.strip_prefix(STATE).unwrap_or(&path).display();
        found.push(format!("{name}{}", target.unwrap_or_default()));
    }
    Ok(())
}

fn all(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
