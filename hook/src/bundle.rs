//! The one thing that is read of the bundle's config.json: the container's network namespace.
//!
//! Of a file that may be megabytes long and newer than any library, only `linux.namespaces` is interpreted,
//! with oci-spec's types.

use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
};

use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType};
use serde::Deserialize;
use thiserror::Error;
use underlay::foreign_file::{self, ForeignFile};

/// A bundle that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Read(#[from] foreign_file::Error),
    #[error("{} is not what the OCI runtime specification says", .path.display())]
    Form {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error(
        "the container shares the host's network (config.json has no network namespace): attaching would change the host itself; \
         give it one of its own (podman: --network none)"
    )]
    HostNetwork,
}

#[derive(Deserialize)]
struct Config {
    linux: Option<Linux>,
}

#[derive(Deserialize)]
struct Linux {
    namespaces: Option<Vec<LinuxNamespace>>,
}

/// A bundle whose config.json is open and not yet read. Of a container in a user namespace, the bundle may be its
/// root's and closed to others: opening it takes rights that nobody should have who reads it.
pub(crate) struct Bundle {
    config: ForeignFile,
    text: OnceCell<Vec<u8>>,
}

impl Bundle {
    /// Opens the bundle at an absolute path.
    pub(crate) fn open(path: &str) -> Result<Self, Error> {
        let config = foreign_file::open(&Path::new(path).join("config.json"))?;
        Ok(Self { config, text: OnceCell::new() })
    }

    /// The path of the container's network namespace; none if the runtime makes one. A container without a
    /// network namespace is refused.
    pub(crate) fn network_namespace(&self) -> Result<Option<PathBuf>, Error> {
        let form = |source| Error::Form { path: self.config.path().to_owned(), source };
        let config: Config = serde_json::from_slice(self.text()?).map_err(form)?;
        let namespaces = config.linux.and_then(|linux| linux.namespaces).unwrap_or_default();
        let network = namespaces.into_iter().find(|namespace| namespace.typ() == LinuxNamespaceType::Network);
        let network = network.ok_or(Error::HostNetwork)?;
        Ok(network.path().clone().filter(|path| !path.as_os_str().is_empty()))
    }

    fn text(&self) -> Result<&[u8], Error> {
        if let Some(text) = self.text.get() {
            return Ok(text);
        }
        let text = self.config.read()?;
        Ok(self.text.get_or_init(|| text))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn of(config: &str) -> Result<Option<PathBuf>, Error> {
        let bundle = tempfile::tempdir().unwrap();
        fs::write(bundle.path().join("config.json"), config).unwrap();
        Bundle::open(bundle.path().to_str().unwrap())?.network_namespace()
    }

    #[test]
    fn a_namespace_has_a_path_or_is_made() {
        let with =
            |namespace: &str| format!(r#"{{"linux":{{"namespaces":[{{"type":"pid"}},{namespace}]}}}}"#);
        assert_eq!(of(&with(r#"{"type":"network"}"#)).unwrap(), None);
        assert_eq!(of(&with(r#"{"type":"network","path":""}"#)).unwrap(), None);
        let path = "/run/netns/x";
        assert_eq!(
            of(&with(&format!(r#"{{"type":"network","path":"{path}"}}"#))).unwrap(),
            Some(path.into())
        );
    }

    #[test]
    fn the_hosts_network_is_refused() {
        for config in [r#"{"linux":{"namespaces":[{"type":"pid"}]}}"#, r#"{"linux":{}}"#, "{}"] {
            assert!(matches!(of(config), Err(Error::HostNetwork)), "{config}");
        }
    }

    #[test]
    fn keys_that_nobody_knows_are_passed_over_and_what_is_no_json_is_not() {
        assert_eq!(of(r#"{"linux":{"namespaces":[{"type":"network"}],"new":7},"newer":[]}"#).unwrap(), None);
        assert!(matches!(of("{"), Err(Error::Form { .. })));
    }

    #[test]
    fn a_link_in_its_place_is_refused() {
        let bundle = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/null", bundle.path().join("config.json")).unwrap();
        assert!(matches!(Bundle::open(bundle.path().to_str().unwrap()), Err(Error::Read(_))));
    }
}
