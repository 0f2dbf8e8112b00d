//! `underlay network check`.

use std::path::Path;

use underlay::{
    layout::Layout,
    network::{
        Catalog, InvalidNetworkName, NetworkName,
        check::{self, Subject, Verdict},
    },
};

use crate::{
    outcome::{Failure, answer, note},
    source::{self, Source},
};

/// What was named and cannot be looked at.
#[derive(Debug, thiserror::Error)]
enum Unseen {
    #[error("{0} does not have the name of a network")]
    FileName(String, #[source] InvalidNetworkName),
    #[error(transparent)]
    Name(InvalidNetworkName),
    #[error(transparent)]
    Source(source::Error),
}

/// Says of each network whether it can be used; of those that cannot, all that is wrong, a line each.
pub(crate) fn check(layout: &Layout, words: &[String]) -> Result<(), Failure> {
    let catalog = Catalog::of(&layout.config);
    if words.is_empty() {
        return report(check::check_all(&catalog)?);
    }
    let (mut subjects, mut unseen) = (Vec::new(), Vec::new());
    for word in words {
        match subject(word) {
            Ok(subject) => subjects.push(subject),
            Err(error) => unseen.push(error),
        }
    }
    Failure::unless_empty(unseen)?;
    report(check::check(&catalog, subjects)?)
}

fn report(verdicts: Vec<Verdict>) -> Result<(), Failure> {
    let mut faults = Vec::new();
    for Verdict { name, warnings, faults: own } in verdicts {
        let name = name.map(|name| name.to_string()).unwrap_or_default();
        for warning in warnings {
            note(&format!("network {name}: {warning}"));
        }
        if own.is_empty() {
            answer(&format!("{name}: ok"));
        }
        faults.extend(own);
    }
    Failure::unless_empty(faults)
}

/// A name has no `/` in it, and no network's file has a name without `.json`.
fn subject(word: &str) -> Result<Subject, Unseen> {
    let path = Path::new(word);
    let is_file = word.contains('/') || path.extension().is_some_and(|extension| extension == "json");
    if !is_file {
        return word.parse().map(Subject::Defined).map_err(Unseen::Name);
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name: NetworkName = stem.parse().map_err(|source| Unseen::FileName(word.to_owned(), source))?;
    let text = Source::new(word).read().map_err(Unseen::Source)?;
    Ok(Subject::Text { name, path: path.to_owned(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_name_or_a_file() {
        assert_eq!(subject("lan").unwrap(), Subject::Defined("lan".parse().unwrap()));
        assert!(matches!(subject("a b"), Err(Unseen::Name(_))));
        assert!(matches!(subject("./-x.json"), Err(Unseen::FileName(..))));
        assert!(matches!(subject("/nowhere/lan.json"), Err(Unseen::Source(_))));

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lan.json");
        std::fs::write(&path, "{}").unwrap();
        let expected =
            Subject::Text { name: "lan".parse().unwrap(), path: path.clone(), text: b"{}".to_vec() };
        assert_eq!(subject(path.to_str().unwrap()).unwrap(), expected);
    }
}
