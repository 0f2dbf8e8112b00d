//! What is wrong with definitions, each by itself and beside the others.

use std::path::PathBuf;

use thiserror::Error;

use super::{
    Catalog, CatalogError, Checked, Network, NetworkName,
    catalog::Listing,
    conflict::{self, Conflict},
    file::{self, Mistake, Mistakes, Warning},
};

/// A definition to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One of the catalogue's.
    Defined(NetworkName),
    /// A text from elsewhere, as if it were in the catalogue, in the place of one of its name if there is
    /// one.
    Text {
        /// The name that its file would have.
        name: NetworkName,
        /// Where it is from.
        path: PathBuf,
        /// The definition.
        text: Vec<u8>,
    },
}

/// What came of one definition.
#[derive(Debug)]
pub struct Verdict {
    /// The network; none if its file's name is that of none.
    pub name: Option<NetworkName>,
    /// What will surprise.
    pub warnings: Vec<Warning>,
    /// What is wrong; nothing, if the network can be used.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong. The administrator must mend the definition, or another one.
#[derive(Debug, Error)]
pub enum Fault {
    /// In the definition itself.
    #[error("{}: {mistake}", .path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// The place in it, and the fault.
        mistake: Mistake,
    },
    /// Beside another network.
    #[error("network `{network}`: {conflict}")]
    Conflict {
        /// The network that was looked at.
        network: NetworkName,
        /// What it is at odds with.
        conflict: Conflict,
    },
    /// It cannot be read at all.
    #[error(transparent)]
    Catalog(CatalogError),
}

/// Looks at all networks of the catalogue.
pub fn check_all(catalog: &Catalog) -> Result<Vec<Verdict>, CatalogError> {
    let Listing { networks, broken } = catalog.all()?;
    let others: Vec<Network> = networks.iter().map(|checked| checked.network.clone()).collect();
    let good = networks.into_iter().map(|checked| beside(checked, &others));
    let bad = broken.into_iter().map(|error| Verdict::bad(None, faults(error)));
    Ok(good.chain(bad).collect())
}

/// Looks at some definitions, and compares them with each other and with those of the catalogue.
pub fn check(catalog: &Catalog, subjects: Vec<Subject>) -> Result<Vec<Verdict>, CatalogError> {
    let read: Vec<_> = subjects.into_iter().map(|subject| read(catalog, subject)).collect();
    let mut others: Vec<Network> =
        read.iter().filter_map(|(_, checked)| Some(checked.as_ref().ok()?.network.clone())).collect();
    for Checked { network, .. } in catalog.all()?.networks {
        if !others.iter().any(|other| other.name == network.name) {
            others.push(network);
        }
    }
    let verdict = |(name, checked)| match checked {
        Ok(checked) => beside(checked, &others),
        Err(faults) => Verdict::bad(Some(name), faults),
    };
    Ok(read.into_iter().map(verdict).collect())
}

fn read(catalog: &Catalog, subject: Subject) -> (NetworkName, Result<Checked, Vec<Fault>>) {
    match subject {
        Subject::Defined(name) => {
            let checked = catalog.read(&name).map_err(faults);
            (name, checked)
        }
        Subject::Text { name, path, text } => {
            let checked = file::parse(&text, &name).map_err(|source| mistakes(&path, source));
            (name, checked)
        }
    }
}

fn beside(checked: Checked, others: &[Network]) -> Verdict {
    let Checked { network, warnings } = checked;
    let conflicts = conflict::conflicts(&network, others);
    let faults =
        conflicts.into_iter().map(|conflict| Fault::Conflict { network: network.name.clone(), conflict });
    Verdict { faults: faults.collect(), warnings, name: Some(network.name) }
}

impl Verdict {
    const fn bad(name: Option<NetworkName>, faults: Vec<Fault>) -> Self {
        Self { name, warnings: Vec::new(), faults }
    }
}

fn faults(error: CatalogError) -> Vec<Fault> {
    match error {
        CatalogError::Definition { path, source } => mistakes(&path, source),
        other => vec![Fault::Catalog(other)],
    }
}

fn mistakes(path: &std::path::Path, mistakes: Mistakes) -> Vec<Fault> {
    mistakes.into_iter().map(|mistake| Fault::Mistake { path: path.to_owned(), mistake }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, definition: &str) -> Subject {
        let path = PathBuf::from(format!("new/{name}.json"));
        Subject::Text { name: name.parse().unwrap(), path, text: definition.as_bytes().to_vec() }
    }

    fn lines(verdicts: &[Verdict]) -> Vec<Vec<String>> {
        verdicts.iter().map(|verdict| verdict.faults.iter().map(ToString::to_string).collect()).collect()
    }

    #[test]
    fn every_mistake_is_told_with_its_file_and_place() {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::of(directory.path());
        let bad = r#"{"driver": "macvlan", "mtu": 1, "subnets": [{"subnet": "10.0.0.1/24"}]}"#;
        assert_eq!(
            lines(&check(&catalog, vec![text("lan", bad)]).unwrap()),
            [[
                "new/lan.json: subnets[0].subnet: 10.0.0.1/24: host bits are set; did you mean 10.0.0.0/24?",
                "new/lan.json: mtu: 1 is not between 68 and 65535"
            ]]
        );
    }

    #[test]
    fn a_text_is_compared_with_others_and_takes_the_place_of_its_namesake() {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::of(directory.path());
        let lan = r#"{"driver": "macvlan", "parent": "eth0", "subnets": [{"subnet": "10.0.0.0/24"}]}"#;
        let old = file::parse(lan.as_bytes(), &"lan".parse().unwrap()).unwrap().network;
        catalog.create(&old).unwrap();
        let passthru = r#"{"driver": "macvlan", "mode": "passthru", "parent": "eth0"}"#;
        let subjects = || vec![text("lan", passthru), text("wan", lan)];
        assert_eq!(
            lines(&check(&catalog, subjects()).unwrap()),
            [
                [
                    "network `lan`: network `lan` takes eth0 over in mode passthru, so network `wan` cannot use it; \
                     give one of the two another parent"
                ],
                [
                    "network `wan`: network `lan` takes eth0 over in mode passthru, so network `wan` cannot use it; \
                     give one of the two another parent"
                ],
            ]
        );
        let alone = check(&catalog, vec![Subject::Defined(old.name)]).unwrap();
        assert_eq!(lines(&alone), [[""; 0]]);
    }

    #[test]
    fn of_the_catalogue_the_broken_ones_come_last() {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::of(directory.path());
        let good = file::parse(br#"{"driver": "ipvlan"}"#, &"z".parse().unwrap()).unwrap().network;
        catalog.create(&good).unwrap();
        std::fs::write(directory.path().join("networks/a.json"), "{}").unwrap();
        let verdicts = check_all(&catalog).unwrap();
        assert_eq!(verdicts[0].name, Some(good.name));
        assert!(verdicts[0].faults.is_empty());
        assert!(
            verdicts[1].faults[0].to_string().ends_with("a.json: driver: missing; it is macvlan or ipvlan")
        );
        let missing = check(&catalog, vec![Subject::Defined("nope".parse().unwrap())]).unwrap();
        assert!(matches!(missing[0].faults.as_slice(), [Fault::Catalog(CatalogError::Unknown { .. })]));
    }
}
