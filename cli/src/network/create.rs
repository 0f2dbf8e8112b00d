//! `underlay network create`.

use underlay::{
    layout::Layout,
    message,
    network::{
        Catalog,
        create::{self, Error},
    },
    parent::Host,
};

use crate::{
    arguments::CreateWords,
    docker,
    outcome::{Failure, answer, note},
};

/// Defines a network and prints its name.
pub(crate) fn create(layout: &Layout, words: &CreateWords) -> Result<(), Failure> {
    let host = Host::read()?;
    let typed =
        docker::read(words, |name| host.link(name).is_some_and(|link| !link.ours)).map_err(Failure::usage)?;
    for warning in typed.warnings() {
        note(&warning);
    }
    let named = typed.checked.network.subnets.len();
    let catalog = Catalog::of(&layout.config);
    let created = match create::create(&catalog, typed.checked.network, typed.choose, &host) {
        // A line for each reason.
        Err(Error::Refused { source, .. }) => return Failure::unless_empty(source),
        created => created?,
    };
    for chosen in created.network.subnets.iter().skip(named) {
        note(&format!("subnet {} was chosen", chosen.subnet));
    }
    for error in &created.unread {
        note(&format!("not compared with a broken definition: {}", message::chain(error)));
    }
    answer(created.network.name.as_str());
    Ok(())
}
