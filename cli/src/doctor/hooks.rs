//! Whether the engines will call the hook: their files in hooks.d (oci-hooks(5)). What they say is an
//! engine's words, which the library does not know.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use underlay::diagnose::Finding;

use super::engine::Engine;

const CHECK: &str = "hooks";
/// The program's file name by which a hook is known as ours.
const PROGRAM: &str = "underlay-hook";
/// The annotation that containers use.
const ANNOTATION: &str = "io.underlay.networks";
const VERSION: &str = "1.0.0";
/// Of which a file without a version is, too.
const OLD_VERSIONS: [&str; 2] = ["", "0.1.0"];
/// What an engine takes; with any other word no container starts.
const STAGES: [&str; 7] =
    ["precreate", "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];
/// Engines do not read it unless they are told to, though podman(1) says so.
const EXPECTED_BY_MANY: &str = "/etc/containers/oci/hooks.d";

/// What all versions have in common.
#[derive(Debug, Deserialize)]
struct Versioned {
    #[serde(default)]
    version: String,
}

/// A file of hooks.d, as far as it matters here. Engines pass over keys that they do not know.
#[derive(Debug, Deserialize)]
struct File {
    version: String,
    hook: Hook,
    #[serde(default)]
    when: When,
    #[serde(default)]
    stages: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Hook {
    path: PathBuf,
    #[serde(default)]
    args: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct When {
    always: Option<bool>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    commands: Vec<String>,
    has_bind_mounts: Option<bool>,
}

/// A file of ours.
#[derive(Debug)]
struct Ours {
    path: PathBuf,
    /// The stages at which the hook is called for [`ANNOTATION`].
    stages: Vec<String>,
}

/// What is at a hook's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    There,
    NotExecutable,
    Missing,
}

pub(super) fn check(engines: &[Engine]) -> Vec<Finding> {
    if engines.is_empty() {
        let found = "neither podman nor CRI-O is installed";
        return vec![Finding::note(CHECK, "hooks.d", found).advise(
            "other engines call the hook by the `hooks` of a container's config.json, or of a base specification",
        )];
    }
    let mut directories: Vec<PathBuf> =
        engines.iter().flat_map(|engine| engine.directories.clone()).collect();
    directories.sort();
    directories.dedup();
    let mut findings = Vec::new();
    let mut ours = Vec::new();
    for directory in &directories {
        let (found, files) = look(directory);
        findings.extend(found);
        ours.extend(files);
    }
    // Only to tell why the hook is not called; what is wrong in there matters to nobody.
    let (_, elsewhere) = look(Path::new(EXPECTED_BY_MANY));
    findings.extend(engines.iter().flat_map(|engine| judge_engine(engine, &ours, &elsewhere)));
    findings
}

/// All files of a directory; a directory that is not there has none.
fn look(directory: &Path) -> (Vec<Finding>, Vec<Ours>) {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (Vec::new(), Vec::new()),
        Err(error) => {
            let finding = Finding::warning(CHECK, directory.display().to_string(), error.to_string());
            return (vec![finding], Vec::new());
        }
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    let judged = paths.iter().map(|path| judge_file(path, fs::read_to_string(path), program));
    let (findings, ours): (Vec<_>, Vec<_>) = judged.unzip();
    (findings.concat(), ours.into_iter().flatten().collect())
}

fn program(path: &Path) -> Program {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 => Program::There,
        Ok(_) => Program::NotExecutable,
        Err(_) => Program::Missing,
    }
}

/// What is wrong with a file, and what it does for us if it is ours. Files of others only matter if they
/// break every container.
fn judge_file(
    path: &Path,
    text: io::Result<String>,
    program: impl Fn(&Path) -> Program,
) -> (Vec<Finding>, Option<Ours>) {
    let subject = path.display().to_string();
    let broken = |why: String| {
        let found = format!("{why}; with such a file no container starts at all");
        let finding = Finding::failure(CHECK, &subject, found).advise("put it right, or remove it");
        (vec![finding], None)
    };
    let text = match text {
        Ok(text) => text,
        Err(error) => return broken(format!("it cannot be read: {error}")),
    };
    let file: File = match parse(&text) {
        Ok(Some(file)) => file,
        Ok(None) => return (Vec::new(), None),
        Err(error) => return broken(error.to_string()),
    };
    if let Some(why) = file.invalid() {
        return broken(why);
    }
    if file.hook.path.file_name().is_none_or(|name| name != PROGRAM) {
        return (Vec::new(), None);
    }
    let failures = file
        .faults(program(&file.hook.path))
        .into_iter()
        .map(|(found, advice)| Finding::failure(CHECK, &subject, found).advise(advice));
    let warnings = file.loose_patterns().into_iter().map(|found| {
        let advice = "write ^ before and $ behind it, and \\ before each dot";
        Finding::warning(CHECK, &subject, found).advise(advice)
    });
    let findings: Vec<_> = failures.chain(warnings).collect();
    let stages = if file.is_for_annotation() { file.stages } else { Vec::new() };
    (findings, Some(Ours { path: path.to_owned(), stages }))
}

/// None for a file of the first version, which has another form and is none of ours.
fn parse(text: &str) -> serde_json::Result<Option<File>> {
    let Versioned { version } = serde_json::from_str(text)?;
    if OLD_VERSIONS.contains(&version.as_str()) { Ok(None) } else { serde_json::from_str(text).map(Some) }
}

impl File {
    /// Why an engine refuses the file, and then every container.
    fn invalid(&self) -> Option<String> {
        let When { always, annotations, commands, has_bind_mounts } = &self.when;
        if self.version != VERSION {
            return Some(format!("version {} is unknown", self.version));
        }
        if let Some(stage) = self.stages.iter().find(|stage| !STAGES.contains(&stage.as_str())) {
            return Some(format!("stage {stage} is unknown"));
        }
        if self.stages.is_empty() {
            return Some("it names no stage".to_owned());
        }
        let is_unconditional =
            always.is_none() && annotations.is_empty() && commands.is_empty() && has_bind_mounts.is_none();
        is_unconditional.then(|| "`when` has no condition".to_owned())
    }

    /// What keeps our hook from working, and what to do about it.
    fn faults(&self, program: Program) -> Vec<(String, String)> {
        let path = self.hook.path.display();
        let mut faults = match program {
            Program::There => Vec::new(),
            Program::Missing => vec![(
                format!(
                    "there is no {path}: engines pass over the file without a word, and containers get no network"
                ),
                "install underlay's packages again, or remove the file".to_owned(),
            )],
            Program::NotExecutable => {
                vec![(
                    format!("{path} is not executable: no annotated container starts"),
                    format!("chmod 755 {path}"),
                )]
            }
        };
        for stage in self.stages.iter().filter(|stage| !self.hook.args.contains(stage)) {
            faults.push((
                format!("it is called at {stage}, and `args` do not say so"),
                format!("write [\"{PROGRAM}\", \"{stage}\"]; the first of `args` is the program's own name"),
            ));
        }
        faults
    }

    /// Engines look for a pattern anywhere in the key: one without ends, or with bare dots, finds others,
    /// too.
    fn loose_patterns(&self) -> Vec<String> {
        let is_loose = |pattern: &&String| {
            let bare_dot = pattern.replace("\\.", "").contains('.');
            !(pattern.starts_with('^') && pattern.ends_with('$')) || bare_dot
        };
        let loose = self.when.annotations.keys().filter(is_loose);
        loose.map(|pattern| format!("the annotation's pattern {pattern} matches other keys, too")).collect()
    }

    fn is_for_annotation(&self) -> bool {
        let is_ours = |pattern: &String| {
            pattern.trim_start_matches('^').trim_end_matches('$').replace("\\.", ".") == ANNOTATION
        };
        self.when.always == Some(true) || self.when.annotations.keys().any(is_ours)
    }
}

/// Whether an engine finds a hook for both ends of a container's life.
fn judge_engine(engine: &Engine, ours: &[Ours], elsewhere: &[Ours]) -> Vec<Finding> {
    let unread = engine.unread.iter().map(|(file, why)| {
        Finding::warning(CHECK, file.display().to_string(), format!("{} cannot read it: {why}", engine.name))
    });
    unread.chain([judge_calls(engine, ours, elsewhere)]).collect()
}

fn judge_calls(engine: &Engine, ours: &[Ours], elsewhere: &[Ours]) -> Finding {
    let at = |stage: &str| {
        ours.iter().find(|file| {
            let is_read =
                file.path.parent().is_some_and(|parent| engine.directories.iter().any(|d| d == parent));
            is_read && file.stages.iter().any(|own| own == stage)
        })
    };
    let directories: Vec<_> = engine.directories.iter().map(|path| path.display().to_string()).collect();
    let read = directories.join(", ");
    match (at("createRuntime"), at("poststop")) {
        (Some(attach), Some(detach)) => {
            let found = format!("calls the hook by {} and {}", attach.path.display(), detach.path.display());
            Finding::ok(CHECK, engine.name, found)
        }
        (Some(_), None) => Finding::warning(
            CHECK,
            engine.name,
            format!("does not call the hook at poststop (it reads {read})"),
        )
        .advise("put 50-underlay-detach.json there; until then `underlay gc` has to clean up"),
        (None, _) => {
            let found = format!("does not call the hook when a container starts (it reads {read})");
            Finding::warning(CHECK, engine.name, found).advise(missing(engine, !elsewhere.is_empty()))
        }
    }
}

fn missing(engine: &Engine, is_elsewhere: bool) -> String {
    if is_elsewhere {
        format!("{EXPECTED_BY_MANY} has it, but {} reads that only if its `hooks_dir` names it", engine.name)
    } else {
        "put 50-underlay-attach.json and 50-underlay-detach.json of underlay's hooks.d there".to_owned()
    }
}

#[cfg(test)]
mod tests;
