//! The one thing that is read of the bundle's config.json: the container's network namespace.
//!
//! Of a file that may be megabytes long and newer than any library, only `linux.namespaces` is interpreted,
//! with oci-spec's types.

use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType};
use serde::Deserialize;
use thiserror::Error;
use underlay::{foreign_file, rights};

/// A bundle that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Read(#[from] foreign_file::Error),
    #[error(transparent)]
    Rights(#[from] rights::Error),
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

/// The path of the container's network namespace; none if the runtime makes one. A container without a
/// network namespace is refused.
pub(crate) fn network_namespace(bundle: &str) -> Result<Option<PathBuf>, Error> {
    let path = Path::new(bundle).join("config.json");
    // Of a container in a user namespace, the bundle may be its root's and closed to others. What is read here is
    // interpreted after that.
    rights::act()?;
    let text = foreign_file::read(&path);
    rights::rest()?;
    let text = text?;
    let config: Config = serde_json::from_slice(&text).map_err(|source| Error::Form { path, source })?;
    let namespaces = config.linux.and_then(|linux| linux.namespaces).unwrap_or_default();
    let network = namespaces.into_iter().find(|namespace| namespace.typ() == LinuxNamespaceType::Network);
    let network = network.ok_or(Error::HostNetwork)?;
    Ok(network.path().clone().filter(|path| !path.as_os_str().is_empty()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn of(config: &str) -> Result<Option<PathBuf>, Error> {
        let bundle = tempfile::tempdir().unwrap();
        fs::write(bundle.path().join("config.json"), config).unwrap();
        network_namespace(bundle.path().to_str().unwrap())
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
        assert!(matches!(network_namespace(bundle.path().to_str().unwrap()), Err(Error::Read(_))));
    }
}
