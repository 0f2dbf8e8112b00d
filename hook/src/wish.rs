//! From OCI's words to this house's: who the container is and what it asks for.

use underlay::{
    container::{Container, UserKey},
    network::Asker,
    request::{self, Request},
};

use crate::{bundle::Bundle, error::Error, state::State};

/// What the state's annotation `key` asks for.
pub(crate) fn requests(state: &State, key: &str) -> Result<Vec<Request>, Error> {
    request::parse(state.wish().unwrap_or_default())
        .map_err(|mistakes| Error::Annotation { key: key.to_owned(), mistakes })
}

/// The container as its state and its bundle's config.json describe it.
pub(crate) fn container(state: &State, bundle: &Bundle) -> Result<Container, Error> {
    let pod = state.vouched()?;
    Ok(Container {
        key: UserKey::new(state.id()?, state.bundle()?),
        name: pod.as_ref().map(|pod| format!("{}/{}", pod.namespace, pod.name)),
        pod: state.pod().map(str::to_owned),
        namespace: bundle.network_namespace()?,
        asker: Asker::Annotation(pod.map(|pod| pod.namespace)),
    })
}
