//! The programs of all contenders, installed in the same way.
//!
//! How a file came into the page cache decides how large the pieces are in which it lies there, and these decide
//! up to an eighth of a program's run time. So what is measured is a copy that was made here, with one write, on
//! the file system of the target directory.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::{
    error::{Result, file},
    options::Options,
};

/// Where they are on the host.
const INSTALLED: &str = "/run/installed";
/// Where the lab put the programs that are under test.
const UNDER_TEST: &str = "/run/bin";
const PLUGINS: &str = "/usr/lib/cni";

/// Where a program is on the host.
pub(crate) fn program(name: &str) -> String {
    format!("{INSTALLED}/{name}")
}

/// The directory that holds the plug-ins of CNI, among others.
pub(crate) const fn directory() -> &'static str {
    INSTALLED
}

/// Whether there is such a program: the others' are measured where they are installed.
pub(crate) fn is_there(name: &str) -> bool {
    Path::new(&program(name)).exists()
}

/// Copies all programs, those of the benchmark from where they were built.
pub(crate) fn install(built: &Path, options: &Options) -> Result {
    let directory = built.join("installed");
    clear(&directory)?;
    fs::create_dir(&directory).map_err(file(&directory))?;
    let of = |place: &str, names: &[&'static str]| -> Vec<(PathBuf, &'static str)> {
        names.iter().map(|name| (Path::new(place).join(name), *name)).collect()
    };
    for name in ["apart", "floor", "noop", "runtime"] {
        copy(&built.join(name), &directory.join(name))?;
    }
    for (from, name) in of(UNDER_TEST, &["underlay", "underlay-hook", "underlay-nsenter"]) {
        copy(&from, &directory.join(name))?;
    }
    let mut others = of(PLUGINS, &["macvlan", "host-local"]);
    others.extend(of("/bin", &["ip"]));
    others.extend(of("/usr/lib/podman", &["netavark"]));
    others.extend(options.netavark.clone().map(|path| (path, "netavark-given")));
    for (from, name) in others.iter().filter(|(from, _)| from.exists()) {
        copy(from, &directory.join(name))?;
    }
    fs::create_dir(INSTALLED).map_err(file(INSTALLED))?;
    let nothing: Option<&str> = None;
    Ok(mount(Some(&directory), INSTALLED, nothing, MsFlags::MS_BIND, nothing)?)
}

/// Removes the copies.
pub(crate) fn uninstall(built: &Path) -> Result {
    umount2(INSTALLED, MntFlags::MNT_DETACH)?;
    clear(&built.join("installed"))
}

/// Not with `fs::copy`, which has the kernel copy or share what it likes.
fn copy(from: &Path, to: &Path) -> Result {
    let bytes = fs::read(from).map_err(file(from))?;
    fs::write(to, bytes).map_err(file(to))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).map_err(file(to))
}

/// What a benchmark that was interrupted left is in the way.
fn clear(directory: &Path) -> Result {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done.map_err(file(directory)),
    }
}
