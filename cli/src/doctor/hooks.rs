//! Whether the engines will call the hook: their files in hooks.d (oci-hooks(5)). What they say is an
//! engine's words, which the library does not know.

mod file;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use file::{File, Program, parse};
use underlay::diagnose::Finding;

use super::engine::Engine;

const CHECK: &str = "hooks";
/// The program's file name by which a hook is known as ours.
const PROGRAM: &str = "underlay-hook";
/// The annotation that containers use.
const ANNOTATION: &str = "io.underlay.networks";
/// Engines do not read it unless they are told to, though podman(1) says so.
const EXPECTED_BY_MANY: &str = "/etc/containers/oci/hooks.d";

/// A file of ours.
#[derive(Debug)]
struct Ours {
    path: PathBuf,
    /// The stages at which the hook is called for [`ANNOTATION`].
    stages: Vec<String>,
}

/// What there is in directories.
#[derive(Debug, Default)]
struct Files {
    findings: Vec<Finding>,
    ours: Vec<Ours>,
    /// All of them, whoever's.
    paths: Vec<PathBuf>,
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
    let mut files = Files::default();
    for directory in &directories {
        files.look(directory);
    }
    // Only to tell why the hook is not called; what is wrong in there matters to nobody.
    let mut elsewhere = Files::default();
    elsewhere.look(Path::new(EXPECTED_BY_MANY));
    let judged: Vec<_> =
        engines.iter().flat_map(|engine| judge_engine(engine, &files, &elsewhere.ours)).collect();
    files.findings.into_iter().chain(judged).collect()
}

impl Files {
    /// Adds a directory's; one that is not there has none.
    fn look(&mut self, directory: &Path) {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                let subject = directory.display().to_string();
                self.findings.push(Finding::warning(CHECK, subject, error.to_string()));
                return;
            }
        };
        let paths = entries.flatten().map(|entry| entry.path());
        let mut paths: Vec<_> =
            paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
        paths.sort();
        for path in paths {
            let (findings, ours) = judge_file(&path, fs::read_to_string(&path), program);
            self.findings.extend(findings);
            self.ours.extend(ours);
            self.paths.push(path);
        }
    }

    /// Our files as an engine sees them: one of the same name in a later directory takes another's place.
    fn ours_for<'a>(&'a self, engine: &'a Engine) -> impl Iterator<Item = &'a Ours> {
        let seen = |path: &Path| {
            let own = engine.directories.iter().rposition(|directory| path.parent() == Some(directory))?;
            let mut later = engine.directories.iter().skip(own + 1);
            let name = path.file_name()?;
            (!later.any(|directory| self.paths.contains(&directory.join(name)))).then_some(())
        };
        self.ours.iter().filter(move |file| seen(&file.path).is_some())
    }
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

/// Whether an engine finds a hook for both ends of a container's life.
fn judge_engine(engine: &Engine, files: &Files, elsewhere: &[Ours]) -> Vec<Finding> {
    let unread = engine.unread.iter().map(|(file, why)| {
        Finding::warning(CHECK, file.display().to_string(), format!("{} cannot read it: {why}", engine.name))
    });
    unread.chain([judge_calls(engine, files, elsewhere)]).collect()
}

fn judge_calls(engine: &Engine, files: &Files, elsewhere: &[Ours]) -> Finding {
    let at = |stage: &str| files.ours_for(engine).find(|file| file.stages.iter().any(|own| own == stage));
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
