//! Which directories of hooks podman and CRI-O read, by their own configuration.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

/// What both read when nothing is configured. podman(1) names a directory in /etc as well; podman does not
/// read it.
const USUAL: &str = "/usr/share/containers/oci/hooks.d";

/// Where distributions and administrators install programs. A daemon's `PATH` is not ours.
const PROGRAMS: [&str; 4] = ["/usr/bin", "/usr/local/bin", "/usr/sbin", "/usr/local/sbin"];

/// An engine that reads hooks.d, if it is installed here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Engine {
    pub(super) name: &'static str,
    /// In ascending precedence.
    pub(super) directories: Vec<PathBuf>,
    /// Files of its configuration that cannot be read, with why.
    pub(super) unread: Vec<(PathBuf, String)>,
}

/// The engines that are installed.
pub(super) fn read() -> Vec<Engine> {
    let podman = || Engine::configured("podman", &containers_conf(), &["engine", "hooks_dir"]);
    let crio = || Engine::configured("CRI-O", &crio_conf(), &["crio", "runtime", "hooks_dir"]);
    let podman = is_installed("podman").then(podman);
    let crio = is_installed("crio").then(crio);
    podman.into_iter().chain(crio).collect()
}

fn is_installed(program: &str) -> bool {
    PROGRAMS.iter().any(|directory| Path::new(directory).join(program).exists())
}

/// containers.conf(5), as podman reads it that is started in this environment by root.
fn containers_conf() -> Vec<PathBuf> {
    if let Some(only) = env::var_os("CONTAINERS_CONF") {
        return vec![only.into()];
    }
    let mut files: Vec<PathBuf> =
        ["/usr/share/containers/containers.conf", "/etc/containers/containers.conf"].map(Into::into).into();
    files.extend(drop_ins("/etc/containers/containers.conf.d"));
    files
}

/// crio.conf.d(5).
fn crio_conf() -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from("/etc/crio/crio.conf")];
    files.extend(drop_ins("/etc/crio/crio.conf.d"));
    files
}

/// `*.conf` in the order of their names.
fn drop_ins(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "conf")).collect();
    files.sort();
    files
}

impl Engine {
    /// Later files win. One that is not there says nothing.
    fn configured(name: &'static str, files: &[PathBuf], key: &[&str]) -> Self {
        let mut engine = Self { name, directories: vec![USUAL.into()], unread: Vec::new() };
        for file in files {
            match fs::read_to_string(file) {
                Ok(text) => engine.take(file, &text, key),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => engine.unread.push((file.clone(), error.to_string())),
            }
        }
        engine
    }

    fn take(&mut self, file: &Path, text: &str, key: &[&str]) {
        match text.parse::<Table>() {
            Ok(table) => {
                if let Some(list) = value(&table, key).and_then(Value::as_array) {
                    self.set(list);
                }
            }
            Err(error) => self.unread.push((file.to_owned(), error.message().to_owned())),
        }
    }

    /// A list replaces the one before; with `{append=true}` among its entries it goes on from there.
    fn set(&mut self, list: &[Value]) {
        let is_append = |value: &Value| value.get("append").and_then(Value::as_bool) == Some(true);
        if !list.iter().any(is_append) {
            self.directories.clear();
        }
        self.directories.extend(list.iter().filter_map(Value::as_str).map(PathBuf::from));
    }
}

fn value<'a>(table: &'a Table, key: &[&str]) -> Option<&'a Value> {
    let (last, path) = key.split_last()?;
    let table = path.iter().try_fold(table, |table, word| table.get(*word)?.as_table())?;
    table.get(*last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The directories after these files.
    fn read(texts: &[&str], key: &[&str]) -> (Vec<String>, usize) {
        let mut engine = Engine { name: "podman", directories: vec![USUAL.into()], unread: Vec::new() };
        for text in texts {
            engine.take(Path::new("x.conf"), text, key);
        }
        let directories = engine.directories.iter().map(|path| path.display().to_string());
        (directories.collect(), engine.unread.len())
    }

    const PODMAN: [&str; 2] = ["engine", "hooks_dir"];

    #[test]
    fn nothing_configured_is_the_usual_directory() {
        assert_eq!(
            read(&["# nothing", "[engine]\nruntime = \"crun\""], &PODMAN),
            (vec![USUAL.to_owned()], 0)
        );
    }

    #[test]
    fn a_later_file_replaces_or_appends() {
        let a = "[engine]\nhooks_dir = [\"/a\"]";
        let b = "[engine]\nhooks_dir = [\"/b\"]";
        let c = "[engine]\nhooks_dir = [\"/c\", {append=true}]";
        assert_eq!(read(&[a, b], &PODMAN).0, ["/b"]);
        assert_eq!(read(&[a, c], &PODMAN).0, ["/a", "/c"]);
    }

    #[test]
    fn crio_has_its_own_table() {
        let text = "[crio.runtime]\nhooks_dir = [\n  \"/opt/hooks.d\",\n]";
        assert_eq!(read(&[text], &["crio", "runtime", "hooks_dir"]).0, ["/opt/hooks.d"]);
        assert_eq!(read(&[text], &PODMAN).0, [USUAL]);
    }

    #[test]
    fn a_file_that_is_no_toml_is_told() {
        assert_eq!(read(&["[engine"], &PODMAN), (vec![USUAL.to_owned()], 1));
    }
}
