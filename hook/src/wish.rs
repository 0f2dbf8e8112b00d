//! From OCI's words to this house's: who the container is and what it asks for.

use underlay::{
    container::{Container, UserKey},
    network::Asker,
    request::{self, Request},
};

use crate::{bundle, error::Error, state::State};

/// A container and its requests.
pub(crate) struct Wish {
    pub(crate) container: Container,
    pub(crate) requests: Vec<Request>,
}

/// Interprets the state's annotation `key` and the bundle's config.json.
pub(crate) fn read(state: &State, key: &str) -> Result<Wish, Error> {
    let requests = request::parse(state.wish().unwrap_or_default())
        .map_err(|mistakes| Error::Annotation { key: key.to_owned(), mistakes })?;
    let bundle = state.bundle()?;
    let pod = state.vouched()?;
    let container = Container {
        key: UserKey::new(state.id()?, bundle),
        name: pod.as_ref().map(|pod| format!("{}/{}", pod.namespace, pod.name)),
        pod: state.pod().map(str::to_owned),
        namespace: bundle::network_namespace(bundle)?,
        asker: Asker::Annotation(pod.map(|pod| pod.namespace)),
    };
    Ok(Wish { container, requests })
}
