//! Whether all definitions can be read and live beside each other.

use super::Finding;
use crate::{
    message,
    network::{Catalog, CatalogError, Network, NetworkName, catalog::Listing, conflict},
};

const CHECK: &str = "definition";

/// The networks to look at, `only` one or all, and what is to be said of their definitions.
pub(super) fn check(
    catalog: &Catalog,
    only: Option<&NetworkName>,
) -> Result<(Vec<Network>, Vec<Finding>), CatalogError> {
    let listing = match catalog.all() {
        Ok(listing) => listing,
        Err(error) => return Ok((Vec::new(), vec![unreadable("all networks", &error)])),
    };
    match only {
        None => Ok(check_all(catalog, listing)),
        Some(name) => check_one(catalog, name, listing),
    }
}

fn check_all(catalog: &Catalog, listing: Listing) -> (Vec<Network>, Vec<Finding>) {
    let mut findings: Vec<_> = listing.broken.iter().map(|error| unreadable("a file", error)).collect();
    let mut networks: Vec<Network> = Vec::new();
    for checked in listing.networks {
        // Each is compared with those before it: a conflict is of two, and one of them is enough to tell of
        // it.
        findings.extend(judge(catalog, &checked.network, &checked.warnings, &networks));
        networks.push(checked.network);
    }
    if findings.is_empty() {
        let found = "no network is defined";
        findings.push(Finding::note(CHECK, "all networks", found).advise("see `underlay network create`"));
    }
    (networks, findings)
}

fn check_one(
    catalog: &Catalog,
    name: &NetworkName,
    listing: Listing,
) -> Result<(Vec<Network>, Vec<Finding>), CatalogError> {
    let checked = match catalog.read(name) {
        Ok(checked) => checked,
        Err(error @ CatalogError::Unknown { .. }) => return Err(error),
        Err(error) => return Ok((Vec::new(), vec![unreadable(name.as_str(), &error)])),
    };
    let others: Vec<Network> = listing.networks.into_iter().map(|other| other.network).collect();
    let findings = judge(catalog, &checked.network, &checked.warnings, &others);
    Ok((vec![checked.network], findings))
}

fn judge<W: ToString>(
    catalog: &Catalog,
    network: &Network,
    warnings: &[W],
    others: &[Network],
) -> Vec<Finding> {
    let name = network.name.as_str();
    let notes = warnings.iter().map(|warning| Finding::note(CHECK, name, warning.to_string()));
    let conflicts = conflict::conflicts(network, others).into_iter().map(|conflict| {
        Finding::failure(CHECK, name, conflict.to_string())
            .advise(format!("change one of the two, or remove it with `underlay network rm {name}`"))
    });
    let mut findings: Vec<_> = notes.chain(conflicts).collect();
    if findings.is_empty() {
        let path = catalog.path(&network.name);
        findings.push(Finding::ok(CHECK, name, format!("{} is right", path.display())));
    }
    findings
}

fn unreadable(subject: &str, error: &CatalogError) -> Finding {
    Finding::failure(CHECK, subject, message::chain(error))
        .advise("put the file right; until then no container gets this network")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{super::Verdict, *};

    /// The verdicts on a directory of networks, with what was found.
    fn checked(files: &[(&str, &str)], only: Option<&str>) -> Vec<(Verdict, String)> {
        let directory = tempfile::tempdir().unwrap();
        let networks = directory.path().join("networks");
        fs::create_dir(&networks).unwrap();
        for (name, text) in files {
            fs::write(networks.join(format!("{name}.json")), text).unwrap();
        }
        let only = only.map(|name| name.parse().unwrap());
        let (_, findings) = check(&Catalog::of(directory.path()), only.as_ref()).unwrap();
        findings.into_iter().map(|finding| (finding.verdict, finding.found)).collect()
    }

    const MACVLAN: &str = r#"{"driver": "macvlan", "parent": "eth0"}"#;
    const IPVLAN: &str = r#"{"driver": "ipvlan", "parent": "eth0"}"#;

    #[test]
    fn one_conflict_of_two_networks_is_told_once() {
        let verdicts: Vec<_> =
            checked(&[("a", MACVLAN), ("b", IPVLAN)], None).into_iter().map(|f| f.0).collect();
        assert_eq!(verdicts, [Verdict::Ok, Verdict::Failure]);
        let findings = checked(&[("a", MACVLAN), ("b", IPVLAN)], Some("a"));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].1.contains("network `b`"), "{findings:?}");
    }

    #[test]
    fn a_broken_file_does_not_hide_the_others() {
        let findings = checked(&[("a", "{"), ("b", IPVLAN)], None);
        assert_eq!(findings.len(), 2);
        assert_eq!(findings[0].0, Verdict::Failure);
        assert!(findings[0].1.contains("a.json"), "{findings:?}");
        assert_eq!(checked(&[("a", "{"), ("b", IPVLAN)], Some("b")).len(), 1);
    }

    #[test]
    fn no_networks_are_no_fault_and_an_unknown_one_is_an_error() {
        assert_eq!(checked(&[], None)[0].0, Verdict::Note);
        let directory = tempfile::tempdir().unwrap();
        let name = "lan".parse().unwrap();
        assert!(check(&Catalog::of(directory.path()), Some(&name)).is_err());
    }
}
