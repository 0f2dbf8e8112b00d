//! `underlay bundle …`: bundles that no engine gives hooks to.

mod config;
mod file;
mod hook;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use underlay::layout::Layout;

use crate::outcome::Failure;
use config::Config;
pub(crate) use file::Error;
use hook::{ANNOTATION, Hook, PATH};

const KEPT: &str = "\
Everything else in the file keeps its bytes. The file is replaced as a whole,
and keeps its mode and owner.";

/// The words of `bundle`.
#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// Add the hooks to a bundle's config.json, unless they are there
    #[command(after_help = KEPT)]
    AddHooks {
        #[command(flatten)]
        hook: HookWords,
        /// The config.json
        file: PathBuf,
    },
}

/// Which hook is meant.
#[derive(Args, Debug)]
pub(crate) struct HookWords {
    /// The annotation that asks for networks
    #[arg(long, value_name = "KEY", default_value = ANNOTATION)]
    annotation: String,
    /// The program to run
    #[arg(long, value_name = "PATH", default_value = PATH)]
    hook: PathBuf,
}

impl HookWords {
    /// The hook that is meant, of this installation.
    pub(crate) fn hook(self, layout: &Layout) -> Hook {
        Hook { path: self.hook, annotation: self.annotation, layout: layout.clone() }
    }
}

/// Carries out `bundle …`.
pub(crate) fn run(layout: &Layout, command: BundleCommand) -> Result<(), Failure> {
    match command {
        BundleCommand::AddHooks { hook, file } => {
            let hook = hook.hook(layout);
            Ok(edit(&file, |config| config.with_hook(&hook))?)
        }
    }
}

/// Adds the hook to a bundle if it is annotated: what asks for nothing is left as it was. One without the
/// annotation is given it first, with these networks as its value, if there are any.
pub(crate) fn add_hooks_if_annotated(
    bundle: &Path,
    hook: &Hook,
    networks: Option<&str>,
) -> Result<(), Error> {
    edit(&bundle.join("config.json"), |config| match networks {
        _ if config.is_annotated(&hook.annotation) => config.with_hook(hook),
        Some(networks) => {
            let annotated = config.with_annotation(&hook.annotation, networks)?;
            let with_hook = Config::read(&annotated)?.with_hook(hook)?;
            Ok(with_hook.or(Some(annotated)))
        }
        None => Ok(None),
    })
}

/// Writes what the change makes of a config.json, if it makes anything of it.
fn edit(
    path: &Path,
    change: impl FnOnce(&Config<'_>) -> serde_json::Result<Option<String>>,
) -> Result<(), Error> {
    let path = file::real(path)?;
    let text = file::read(&path)?;
    let new = Config::read(&text).and_then(|config| change(&config));
    match new.map_err(|source| Error::Form { path: path.clone(), source })? {
        Some(new) => file::replace(&path, &new),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt as _, symlink},
    };

    use super::*;

    fn hook() -> Hook {
        HookWords { annotation: ANNOTATION.to_owned(), hook: PATH.into() }.hook(&Layout::default())
    }

    fn bundle(config: &str) -> tempfile::TempDir {
        let bundle = tempfile::tempdir().unwrap();
        fs::write(bundle.path().join("config.json"), config).unwrap();
        bundle
    }

    #[test]
    fn the_file_keeps_its_mode_and_links_to_it_stay_links() {
        let bundle = bundle("{}");
        let (file, link) = (bundle.path().join("config.json"), bundle.path().join("link"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("config.json", &link).unwrap();
        edit(&link, |config| config.with_hook(&hook())).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o640);
        assert!(fs::read_to_string(&file).unwrap().contains("underlay-hook"));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(bundle.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_bundle_that_asks_for_nothing_is_left_as_it_was() {
        let plain = bundle(r#"{"annotations":{"x":"y"}}"#);
        add_hooks_if_annotated(plain.path(), &hook(), None).unwrap();
        assert!(!fs::read_to_string(plain.path().join("config.json")).unwrap().contains("hooks"));
        let annotated = bundle(r#"{"annotations":{"io.underlay.networks":"lan"}}"#);
        add_hooks_if_annotated(annotated.path(), &hook(), None).unwrap();
        assert!(fs::read_to_string(annotated.path().join("config.json")).unwrap().contains("poststop"));
    }

    #[test]
    fn a_bundle_that_says_nothing_is_given_the_networks_and_its_own_word_counts_more() {
        for (config, networks) in [
            ("{}", "lan"),
            (r#"{"annotations":null,"x":1}"#, "lan"),
            (r#"{"annotations":{"x":"y"}}"#, "lan"),
            (r#"{"annotations":{"io.underlay.networks":"wire"}}"#, "wire"),
        ] {
            let bundle = bundle(config);
            for _ in 0..2 {
                add_hooks_if_annotated(bundle.path(), &hook(), Some("lan")).unwrap();
                let text = fs::read_to_string(bundle.path().join("config.json")).unwrap();
                let new: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(new["annotations"][ANNOTATION], networks, "{config}: {text}");
                assert_eq!(new["hooks"]["poststop"].as_array().map(Vec::len), Some(1), "{config}: {text}");
                assert_eq!(text.contains(r#""x":"y""#), config.contains(r#""x":"y""#), "{text}");
            }
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let bundle = bundle("[]");
        let error = add_hooks_if_annotated(bundle.path(), &hook(), None).unwrap_err();
        assert!(matches!(&error, Error::Form { .. }), "{error}");
        assert!(matches!(add_hooks_if_annotated(Path::new("/nowhere"), &hook(), None), Err(Error::Read(_))));
    }
}
