//! Where things are.

use std::path::{Path, PathBuf};

/// Where the program `underlay-nsenter` usually is. The environment that counts is that of the build, for
/// installations below another prefix.
pub const HELPER: &str = match option_env!("UNDERLAY_HELPER") {
    Some(path) => path,
    None => "/usr/libexec/underlay/underlay-nsenter",
};

/// The directories and the program that an installation consists of. Given as arguments rather than through
/// the environment, which a hook must not trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Configuration: `networks/NAME.json` below it.
    pub config: PathBuf,
    /// Everything that lives as long as the kernel's state: leases, records, locks. A tmpfs, mode 0700.
    pub run: PathBuf,
    /// The program `underlay-nsenter`.
    pub helper: PathBuf,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            config: PathBuf::from("/etc/underlay"),
            run: PathBuf::from("/run/underlay"),
            helper: PathBuf::from(HELPER),
        }
    }
}

impl Layout {
    /// One file a network.
    #[must_use]
    pub fn networks(&self) -> PathBuf {
        self.config.join("networks")
    }

    /// One symbolic link a leased address.
    #[must_use]
    pub fn leases(&self) -> PathBuf {
        self.run.join("leases")
    }

    /// Claims on parents, and the intents to make one.
    #[must_use]
    pub fn parents(&self) -> PathBuf {
        self.run.join("parents")
    }

    /// One record a namespace.
    #[must_use]
    pub fn namespaces(&self) -> PathBuf {
        self.run.join("namespaces")
    }

    /// One symbolic link a container, to its namespace's record.
    #[must_use]
    pub fn containers(&self) -> PathBuf {
        self.run.join("containers")
    }

    /// The run directory itself.
    #[must_use]
    pub fn run(&self) -> &Path {
        &self.run
    }
}
