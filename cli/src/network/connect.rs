//! `underlay network connect`.

use std::time::{Duration, Instant};

use underlay::{attachment::record::Attachment, layout::Layout, request::Words};

use crate::{
    arguments::ConnectWords,
    outcome::{Failure, answer, note},
};

/// As long as a container's start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Attaches one network to a container that runs, and prints the interface and its addresses.
pub(crate) fn connect(layout: &Layout, words: &ConnectWords) -> Result<(), Failure> {
    let request = asked(words).read(&words.network).map_err(|mistakes| Failure::usage(mistakes.iter()))?;
    let (container, namespace) = words.container.open(layout)?;
    let deadline = Instant::now() + PATIENCE;
    let connected = underlay::connect(layout, &container, &request, &namespace, deadline)?;
    for text in &connected.notes {
        note(text);
    }
    for attachment in &connected.attachments {
        answer(&line(attachment));
    }
    Ok(())
}

fn asked(words: &ConnectWords) -> Words {
    let routes = words.default_route.iter().map(|text| Some(text.clone()).filter(|text| !text.is_empty()));
    Words {
        interface: words.interface.clone(),
        addresses: words.ip.clone(),
        mac: words.mac.clone(),
        default_routes: routes.collect(),
    }
}

fn line(attachment: &Attachment) -> String {
    let addresses = attachment.addresses.iter().map(ToString::to_string);
    [attachment.interface.to_string()].into_iter().chain(addresses).collect::<Vec<_>>().join(" ")
}
