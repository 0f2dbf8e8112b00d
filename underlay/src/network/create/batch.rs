//! Several networks at once: all of them, or none.

use super::{Choose, Error, fit};
use crate::{
    network::{Catalog, CatalogError, Network, catalog::Listing},
    parent::Host,
};

/// A network to create, and what is left to us about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// As it was defined.
    pub network: Network,
    /// Families for which a subnet is to be chosen.
    pub choose: Choose,
}

/// Networks that fit beside the others, beside one another and on this host.
#[derive(Debug)]
pub struct Batch {
    /// With the subnets that were chosen for them.
    pub networks: Vec<Network>,
    /// Definitions of other networks that could not be read, and with which these were therefore not
    /// compared.
    pub unread: Vec<CatalogError>,
}

/// What [`create_all`] would write. It may still fail: others may write in between.
pub fn rehearse(catalog: &Catalog, drafts: Vec<Draft>, host: &Host) -> Result<Batch, Vec<Error>> {
    let Listing { networks, broken } = catalog.all().map_err(alone)?;
    let mut others: Vec<Network> = networks.into_iter().map(|checked| checked.network).collect();
    let known = others.len();
    let mut errors = Vec::new();
    for Draft { network, choose } in drafts {
        match fit(network, choose, &others, host) {
            Ok(network) => others.push(network),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(Batch { networks: others.split_off(known), unread: broken })
    } else {
        Err(errors)
    }
}

/// Creates the networks; if one does not fit or cannot be written, none is there afterwards, and all reasons
/// are told.
pub fn create_all(catalog: &Catalog, drafts: Vec<Draft>, host: &Host) -> Result<Batch, Vec<Error>> {
    let _exclusive = catalog.exclusive().map_err(alone)?;
    let batch = rehearse(catalog, drafts, host)?;
    for (position, network) in batch.networks.iter().enumerate() {
        if let Err(error) = catalog.create(network) {
            let written = batch.networks.iter().take(position);
            let left = written.filter_map(|network| catalog.remove(&network.name).err());
            return Err([error].into_iter().chain(left).map(Error::from).collect());
        }
    }
    Ok(batch)
}

fn alone(error: CatalogError) -> Vec<Error> {
    vec![error.into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::file;

    fn draft(name: &str, fields: &str) -> Draft {
        let text = format!(r#"{{"driver": "macvlan", {fields}}}"#);
        let network = file::parse(text.as_bytes(), &name.parse().unwrap()).unwrap().network;
        Draft { network, choose: Choose::default() }
    }

    fn subnet(name: &str, subnet: &str) -> Draft {
        draft(name, &format!(r#""subnets": [{{"subnet": "{subnet}"}}]"#))
    }

    #[test]
    fn all_are_written_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::of(directory.path());
        let host = Host::default();
        let clash = vec![subnet("a", "10.0.0.0/24"), subnet("b", "10.1.0.0/24"), subnet("c", "10.0.0.0/16")];
        let errors = create_all(&catalog, clash, &host).unwrap_err();
        assert!(matches!(errors.as_slice(), [Error::Refused { network, .. }] if network.as_str() == "c"));
        assert_eq!(catalog.names().unwrap(), []);

        let apart = vec![subnet("a", "10.0.0.0/24"), subnet("b", "10.1.0.0/24")];
        assert_eq!(rehearse(&catalog, apart.clone(), &host).unwrap().networks.len(), 2);
        assert_eq!(catalog.names().unwrap(), [], "a rehearsal writes nothing");
        create_all(&catalog, apart, &host).unwrap();
        assert_eq!(catalog.names().unwrap().len(), 2);
    }

    #[test]
    fn what_was_written_before_a_failure_is_taken_back() {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::of(directory.path());
        let good = subnet("a", "10.0.0.0/24");
        // A definition that is there but cannot be read is no network to be compared with, and in the way all
        // the same.
        catalog.create(&good.network).unwrap();
        std::fs::write(catalog.path(&"b".parse().unwrap()), "{").unwrap();
        catalog.remove(&good.network.name).unwrap();
        let errors =
            create_all(&catalog, vec![good, subnet("b", "10.1.0.0/24")], &Host::default()).unwrap_err();
        assert!(matches!(errors.as_slice(), [Error::Catalog(CatalogError::Exists { .. })]), "{errors:?}");
        assert_eq!(catalog.names().unwrap(), ["b".parse().unwrap()]);
    }
}
