//! `underlay network import`.

use thiserror::Error;
use underlay::{
    layout::Layout,
    message,
    network::{
        Catalog, CatalogError, NetworkName,
        create::{self, Batch, Choose, Draft, Error, Refusal},
        file,
    },
    parent::Host,
};

use crate::{
    arguments::ImportWords,
    import::{self, Imported},
    outcome::{Failure, answer, note},
    source::{self, Source},
};

/// A file of which nothing, or not all, can be imported.
#[derive(Debug, Error)]
enum Unfit {
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error("{file}")]
    File {
        file: String,
        #[source]
        fault: import::Fault,
    },
}

/// Why nothing was written.
#[derive(Debug, Error)]
enum Unwritten {
    #[error("network `{network}`")]
    Refused {
        network: NetworkName,
        #[source]
        refusal: Refusal,
    },
    #[error(transparent)]
    Catalog(CatalogError),
}

/// Defines the networks of all files, or none of them, and prints their names; in a rehearsal, prints their
/// definitions.
pub(crate) fn import(layout: &Layout, words: &ImportWords) -> Result<(), Failure> {
    let host = Host::read()?;
    let drafts = drafts(words, &host)?;
    let catalog = Catalog::of(&layout.config);
    let done = if words.dry_run {
        create::rehearse(&catalog, drafts, &host)
    } else {
        create::create_all(&catalog, drafts, &host)
    };
    let Batch { networks, unread } = match done {
        Ok(batch) => batch,
        Err(errors) => return Failure::unless_empty(errors.into_iter().flat_map(reasons)),
    };
    for error in &unread {
        note(&format!("not compared with a broken definition: {}", message::chain(error)));
    }
    for network in &networks {
        let text = if words.dry_run { file::print(network) } else { network.name.to_string() };
        answer(text.trim_end());
    }
    Ok(())
}

/// A line for each reason.
fn reasons(error: Error) -> Vec<Unwritten> {
    match error {
        Error::Refused { network, source } => source
            .into_iter()
            .map(|refusal| Unwritten::Refused { network: network.clone(), refusal })
            .collect(),
        Error::Catalog(error) => vec![Unwritten::Catalog(error)],
    }
}

/// Reads all files, and tells what is not carried over of those that can be used.
fn drafts(words: &ImportWords, host: &Host) -> Result<Vec<Draft>, Failure> {
    let (mut drafts, mut unfit) = (Vec::new(), Vec::new());
    for file in &words.files {
        match networks(file, words, host) {
            Ok(networks) => drafts.extend(networks.into_iter().map(draft)),
            Err(own) => unfit.extend(own),
        }
    }
    Failure::unless_empty(unfit).map(|()| drafts)
}

fn networks(file: &str, words: &ImportWords, host: &Host) -> Result<Vec<Imported>, Vec<Unfit>> {
    let source = Source::new(file);
    let text = source.read().map_err(|error| vec![error.into()])?;
    let is_link = |name: &str| host.link(name).is_some();
    import::read(&text, words.from, &is_link).map_err(|faults| {
        faults.into_iter().map(|fault| Unfit::File { file: source.name().to_owned(), fault }).collect()
    })
}

fn draft(imported: Imported) -> Draft {
    let network = imported.checked.network;
    for line in imported.notes {
        note(&format!("network {}: {line}", network.name));
    }
    Draft { network, choose: Choose::default() }
}
