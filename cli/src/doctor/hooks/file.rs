//! One file of hooks.d, in the words of oci-hooks(5).

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

use super::{ANNOTATION, PROGRAM};

const VERSION: &str = "1.0.0";
/// Of which a file without a version is, too.
const OLD_VERSIONS: [&str; 2] = ["", "0.1.0"];
/// What an engine takes; with any other word no container starts.
const STAGES: [&str; 7] =
    ["precreate", "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

/// What all versions have in common.
#[derive(Debug, Deserialize)]
struct Versioned {
    #[serde(default)]
    version: String,
}

/// A file of hooks.d, as far as it matters here. Engines pass over keys that they do not know.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    version: String,
    pub(super) hook: Hook,
    #[serde(default)]
    when: When,
    #[serde(default)]
    pub(super) stages: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Hook {
    pub(super) path: PathBuf,
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

/// What is at a hook's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    There,
    NotExecutable,
    Missing,
}

/// None for a file of the first version, which has another form and is none of ours.
pub(super) fn parse(text: &str) -> serde_json::Result<Option<File>> {
    let Versioned { version } = serde_json::from_str(text)?;
    if OLD_VERSIONS.contains(&version.as_str()) { Ok(None) } else { serde_json::from_str(text).map(Some) }
}

impl File {
    /// Why an engine refuses the file, and then every container.
    pub(super) fn invalid(&self) -> Option<String> {
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
    pub(super) fn faults(&self, program: Program) -> Vec<(String, String)> {
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
    pub(super) fn loose_patterns(&self) -> Vec<String> {
        let is_loose = |pattern: &&String| {
            let bare_dot = pattern.replace("\\.", "").contains('.');
            !(pattern.starts_with('^') && pattern.ends_with('$')) || bare_dot
        };
        let loose = self.when.annotations.keys().filter(is_loose);
        loose.map(|pattern| format!("the annotation's pattern {pattern} matches other keys, too")).collect()
    }

    pub(super) fn is_for_annotation(&self) -> bool {
        let is_ours = |pattern: &String| {
            pattern.trim_start_matches('^').trim_end_matches('$').replace("\\.", ".") == ANNOTATION
        };
        self.when.always == Some(true) || self.when.annotations.keys().any(is_ours)
    }
}
