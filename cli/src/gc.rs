//! `underlay gc`.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use ipnetwork::IpNetwork;
use plan::IfName;
use serde::Serialize;
use underlay::{
    container::UserKey,
    gc::{self, Collected, Taken, Why},
    layout::Layout,
    message,
    network::NetworkName,
};

use crate::{
    arguments::{GcFormat, GcWords},
    outcome::{Failure, answer},
};

/// An administrator waits longer than a container's start may; still, a timer must not pile up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes down what nobody uses and says what; with `dry_run` only says it.
pub(crate) fn collect(layout: &Layout, words: &GcWords) -> Result<(), Failure> {
    let collected = gc::collect(layout, words.dry_run, Instant::now() + PATIENCE);
    match words.format {
        GcFormat::Lines => lines(&collected).iter().for_each(|line| answer(line)),
        GcFormat::Json => answer(&serde_json::to_string_pretty(&Report::of(&collected, words.dry_run))?),
    }
    Failure::unless_empty(collected.errors)
}

fn lines(collected: &Collected) -> Vec<String> {
    let attachments = collected.attachments.iter().map(line);
    let leases = collected
        .leases
        .iter()
        .map(|(address, owner)| format!("lease {address} of {}: its owner is gone", message::escape(owner)));
    let claims =
        (collected.claims > 0).then(|| format!("claims {}: their owners are gone", collected.claims));
    let parents = collected.parents.iter().map(|parent| format!("parent {parent}: no network wants it"));
    attachments.chain(leases).chain(claims).chain(parents).collect()
}

fn line(Taken { attachment, why }: &Taken) -> String {
    let addresses: Vec<_> = attachment.addresses.iter().map(|address| format!(" {address}")).collect();
    let of: Vec<_> = attachment.users.iter().map(ToString::to_string).collect();
    let of = if of.is_empty() { String::new() } else { format!(" of {}", of.join(", ")) };
    format!("attachment {} {}{}{of}: {why}", attachment.network, attachment.interface, addresses.concat())
}

/// What was taken, or would be.
#[derive(Serialize)]
struct Report<'a> {
    dry_run: bool,
    attachments: Vec<TakenAttachment<'a>>,
    leases: Vec<TakenLease<'a>>,
    /// How many claims on parents.
    claims: usize,
    parents: &'a [IfName],
    /// What could not be done, in the words of stderr.
    errors: Vec<String>,
}

#[derive(Serialize)]
struct TakenAttachment<'a> {
    network: &'a NetworkName,
    interface: &'a IfName,
    parent: &'a IfName,
    addresses: &'a [IpNetwork],
    containers: Vec<String>,
    why: &'static str,
}

#[derive(Serialize)]
struct TakenLease<'a> {
    address: IpAddr,
    owner: &'a str,
}

impl<'a> Report<'a> {
    fn of(collected: &'a Collected, dry_run: bool) -> Self {
        let lease = |(address, owner): &'a (IpAddr, String)| TakenLease { address: *address, owner };
        Self {
            dry_run,
            attachments: collected.attachments.iter().map(TakenAttachment::of).collect(),
            leases: collected.leases.iter().map(lease).collect(),
            claims: collected.claims,
            parents: &collected.parents,
            errors: collected.errors.iter().map(message::chain).collect(),
        }
    }
}

impl<'a> TakenAttachment<'a> {
    fn of(Taken { attachment, why }: &'a Taken) -> Self {
        Self {
            network: &attachment.network,
            interface: &attachment.interface,
            parent: &attachment.parent,
            addresses: &attachment.addresses,
            containers: attachment.users.iter().map(UserKey::to_string).collect(),
            why: word(*why),
        }
    }
}

/// For programs: these words do not change.
const fn word(why: Why) -> &'static str {
    match why {
        Why::EarlierBoot => "earlier-boot",
        Why::NamespaceGone => "namespace-gone",
        Why::LinkGone => "link-gone",
        Why::Unfinished => "unfinished",
        Why::ContainersEnded => "containers-ended",
    }
}
