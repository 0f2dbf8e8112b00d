//! The hook as a bundle names it.

use std::path::{Path, PathBuf};

use serde::Serialize;
use underlay::layout::Layout;

/// Where the hook usually is. The environment that counts is that of the build, for installations below
/// another prefix.
pub(crate) const PATH: &str = match option_env!("UNDERLAY_HOOK") {
    Some(path) => path,
    None => "/usr/libexec/oci/hooks.d/underlay-hook",
};

/// The annotation that asks for networks, if no other is named.
pub(crate) const ANNOTATION: &str = "io.underlay.networks";

/// The hook, and what it is told.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    /// The program.
    pub(crate) path: PathBuf,
    /// The annotation it reads.
    pub(crate) annotation: String,
    /// Where the installation is.
    pub(crate) layout: Layout,
}

/// One entry of `hooks`, as the OCI runtime specification has it.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    pub(super) path: &'a Path,
    pub(super) args: Vec<String>,
    env: [&'static str; 1],
    /// Seconds. As in hooks.d: the hook itself gives up sooner.
    timeout: u32,
}

impl Hook {
    /// The entry for a stage.
    pub(super) fn entry(&self, stage: &str) -> Entry<'_> {
        let mut args = vec!["underlay-hook".to_owned(), stage.to_owned()];
        let usual = Layout::default();
        let Layout { config, run, helper } = &self.layout;
        for (option, value, usual) in [
            ("--config", config.as_path(), usual.config.as_path()),
            ("--run", run, &usual.run),
            ("--helper", helper, &usual.helper),
            ("--annotation", Path::new(&self.annotation), Path::new(ANNOTATION)),
        ] {
            if value != usual {
                args.extend([option.to_owned(), value.to_string_lossy().into_owned()]);
            }
        }
        // Without one, the hook would inherit the environment of whoever started the runtime.
        Entry { path: &self.path, args, env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], timeout: 30 }
    }
}
