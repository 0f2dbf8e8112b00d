//! What attach finds out before it does anything.

use super::Error;
use crate::{
    attachment::record::NamespaceId,
    layout::Layout,
    namespace::Namespace,
    network::{self, Asker, Network, catalog::Catalog},
    request::Request,
    undo::Tools,
};

/// The definitions of all networks that were asked for, or all that is wrong with them; and warnings about
/// them.
pub(super) fn look_up(layout: &Layout, requests: &[Request]) -> Result<(Vec<Network>, Vec<String>), Error> {
    let catalog = Catalog::of(&layout.config);
    let mut networks = Vec::new();
    let mut warnings = Vec::new();
    let mut errors = Vec::new();
    for request in requests {
        match catalog.read(&request.network) {
            Ok(checked) => {
                warnings.extend(checked.warnings.iter().map(|w| format!("network {}: {w}", request.network)));
                networks.push(checked.network);
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok((networks, warnings)) } else { Err(Error::Networks(errors)) }
}

/// Refuses what the definitions do not grant, all of it at once; before anything is done.
pub(super) fn admit(requests: &[Request], networks: &[Network], asker: &Asker) -> Result<(), Error> {
    let both = requests.iter().zip(networks);
    let refusals: Vec<_> =
        both.flat_map(|(request, network)| network::refusals(network, request, asker)).collect();
    if refusals.is_empty() { Ok(()) } else { Err(Error::Refused(refusals)) }
}

/// Which namespace it is, in words that last as long as the boot.
pub(super) fn identify(
    tools: &Tools<'_>,
    namespace: &Namespace,
    boot: String,
    cookie: u64,
    nsid: i32,
) -> Result<NamespaceId, Error> {
    Ok(NamespaceId {
        cookie,
        boot,
        host: tools.socket().cookie()?,
        nsid,
        file: namespace.identity(),
        path: namespace.path().map(Into::into),
    })
}
