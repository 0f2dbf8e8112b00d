//! Deleting links in namespaces that the host knows by number: nothing is entered, and a dead namespace is no
//! error.

use std::{
    thread::{self, JoinHandle},
    time::Duration,
};

use netlink::{Kind, Link, LinkKey, Lookup, Removal, Socket};
use plan::{DeleteLink, FIRST_NSID, LinkKind};

use crate::{
    apply::{Failed, temporary_name},
    error::{Cause, Error, Obstacle, Result},
};

/// The kernel has the link off its lists some 100 µs after the request.
const PAUSE: Duration = Duration::from_micros(50);

/// What a link that was found is.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The one that was made.
    Ours,
    /// Another one: ours is gone.
    Another,
    /// By driver and parent ours, but it does not carry our mark.
    Remarked(String),
}

/// Removes all links, goes on after a failure, and reports the first one with all that is left.
///
/// Returns as soon as the links are gone. Threads may still be waiting for the kernel then: the process ends
/// some 20 ms after its report.
pub(crate) fn remove_all(host: &Socket, links: &[DeleteLink]) -> std::result::Result<(), Failed> {
    let failures = links.iter().filter_map(|link| remove(host, link, hasten).err());
    Failed::collect(failures.collect())
}

/// Removes one link and waits until the kernel is done with it. For a process that has left the host's
/// namespace.
pub(crate) fn remove_waiting(host: &Socket, link: &DeleteLink) -> Result<()> {
    remove(host, link, |host, nsid, index| host.delete_in(nsid, index).map_err(Cause::from).map(drop))
}

type Delete = fn(&Socket, i32, u32) -> std::result::Result<(), Cause>;

fn remove(host: &Socket, wanted: &DeleteLink, delete: Delete) -> Result<()> {
    let what = || format!("delete link {} of namespace {}", wanted.name, wanted.nsid);
    let found = find(host, wanted).map_err(|error| Error::new(what(), error))?;
    let Some(link) = found else { return Ok(()) };
    match judge(&link, wanted) {
        Verdict::Another => Ok(()),
        Verdict::Remarked(how) => Err(Error::new(what(), Obstacle::NotOurs(how))),
        Verdict::Ours => delete(host, wanted.nsid, link.index).map_err(|cause| Error::new(what(), cause)),
    }
}

/// The index is the kernel's own identity of the link; the name may have been changed and given to another.
/// Without an index the maker was killed while it made the link, perhaps before it gave it its name.
fn find(host: &Socket, wanted: &DeleteLink) -> netlink::Result<Option<Box<Link>>> {
    let temporary = temporary_name(wanted.nsid);
    let keys = match wanted.index {
        Some(index) => vec![LinkKey::Index(index)],
        None => vec![LinkKey::Name(wanted.name.as_str()), LinkKey::Name(&temporary)],
    };
    for key in keys {
        if let Lookup::Found(link) = host.link_in(wanted.nsid, key)? {
            return Ok(Some(link));
        }
    }
    Ok(None)
}

fn judge(link: &Link, wanted: &DeleteLink) -> Verdict {
    let same_driver = match wanted.kind {
        LinkKind::Macvlan { .. } => is_driver(link, "macvlan"),
        LinkKind::Ipvlan { .. } => is_driver(link, "ipvlan"),
    };
    if !same_driver || !link.parent_elsewhere || link.parent != Some(wanted.parent) {
        return Verdict::Another;
    }
    // A number made of a cookie is one namespace's for ever. The mark is then not needed, and since it can be
    // changed from inside it must not protect the link either.
    let is_certain = wanted.nsid >= FIRST_NSID && wanted.index.is_some();
    match link.alias.as_deref() {
        Some(alias) if alias == wanted.alias => Verdict::Ours,
        _ if is_certain => Verdict::Ours,
        // Found by name: made since by somebody whose record tells.
        Some(alias)
            if wanted.index.is_none() && mark(alias).is_some() && mark(alias) == mark(&wanted.alias) =>
        {
            Verdict::Another
        }
        // Its maker was killed between making it and bringing it up.
        None | Some("") if !link.up && wanted.index.is_none() => Verdict::Ours,
        None | Some("") => Verdict::Remarked("its alias, our mark, was removed".to_owned()),
        Some(alias) => {
            Verdict::Remarked(format!("its alias, our mark, was changed to `{}`", alias.escape_debug()))
        }
    }
}

/// What the aliases of all our links have in common: the first word. Without a second one it is somebody's
/// own.
fn mark(alias: &str) -> Option<&str> {
    alias.split_once(' ').map(|(mark, _)| mark)
}

/// The mode may have been changed from inside, even to one that cannot be asked for here.
fn is_driver(link: &Link, driver: &str) -> bool {
    match &link.kind {
        Kind::Macvlan(_) => driver == "macvlan",
        Kind::Ipvlan(..) => driver == "ipvlan",
        Kind::Other(other) => driver == other,
        Kind::Vlan(_) | Kind::Dummy | Kind::None => false,
    }
}

/// Deletes a link and returns once it is gone. The kernel answers the request only after a grace period of
/// some 20 ms (`rcu_barrier` in `netdev_run_todo`), although link and MAC are free as soon as it lets go of
/// the RTNL lock. A thread with a socket of its own sits that out; the look-ups here wait for the same lock.
fn hasten(host: &Socket, nsid: i32, index: u32) -> std::result::Result<(), Cause> {
    let deletion = thread::Builder::new()
        .spawn(move || Socket::open()?.delete_in(nsid, index))
        .map_err(Cause::call("clone"))?;
    while matches!(host.link_in(nsid, LinkKey::Index(index))?, Lookup::Found(_)) {
        if deletion.is_finished() {
            return end_of(deletion);
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

fn end_of(deletion: JoinHandle<netlink::Result<Removal>>) -> std::result::Result<(), Cause> {
    match deletion.join() {
        Ok(result) => result.map(drop).map_err(Cause::from),
        Err(_) => Err(Cause::call("thread")(std::io::Error::other("the deleting thread ended early"))),
    }
}

#[cfg(test)]
mod tests {
    use netlink::MacvlanMode;

    use super::*;

    fn found() -> Link {
        Link {
            index: 2,
            name: "eth0".into(),
            up: true,
            loopback: false,
            carrier: true,
            mtu: 1500,
            mac: Some([2, 0, 0, 0, 0, 1]),
            parent: Some(3),
            parent_elsewhere: true,
            master: None,
            alias: Some("underlay x".into()),
            kind: Kind::Macvlan(MacvlanMode::Bridge),
        }
    }

    fn verdict(link: &Link) -> Verdict {
        verdict_on(link, Some(2))
    }

    fn verdict_on(link: &Link, index: Option<u32>) -> Verdict {
        judge(link, &DeleteLink { nsid: 55, index, ..certain() })
    }

    /// A link that its namespace's number and its index tell from all others.
    fn certain() -> DeleteLink {
        DeleteLink {
            nsid: FIRST_NSID + 55,
            index: Some(2),
            name: "eth0".parse().unwrap(),
            kind: LinkKind::Macvlan { mode: plan::MacvlanMode::Bridge },
            parent: 3,
            alias: "underlay x".into(),
        }
    }

    #[test]
    fn a_link_is_ours_under_any_name_and_in_any_mode() {
        assert_eq!(verdict(&found()), Verdict::Ours);
        assert_eq!(verdict(&Link { name: "net1".into(), ..found() }), Verdict::Ours);
        assert_eq!(verdict(&Link { kind: Kind::Macvlan(MacvlanMode::Private), ..found() }), Verdict::Ours);
        assert_eq!(verdict(&Link { kind: Kind::Other("macvlan".into()), ..found() }), Verdict::Ours);
    }

    #[test]
    fn another_driver_or_parent_is_another_link() {
        for link in [
            Link { kind: Kind::Dummy, ..found() },
            Link { kind: Kind::Other("veth".into()), ..found() },
            Link { parent: Some(4), ..found() },
            // Made by the container on a link of its own that has the same index.
            Link { parent_elsewhere: false, ..found() },
        ] {
            assert_eq!(verdict(&link), Verdict::Another, "{link:?}");
            assert_eq!(judge(&link, &certain()), Verdict::Another, "{link:?}");
        }
        let marked_by_another = Link { alias: Some("underlay y".into()), ..found() };
        assert_eq!(verdict_on(&marked_by_another, None), Verdict::Another);
    }

    #[test]
    fn what_a_container_writes_into_the_mark_protects_no_link() {
        for alias in [None, Some(""), Some("mine"), Some("underlay y"), Some("underlay x")] {
            let link = Link { alias: alias.map(str::to_owned), ..found() };
            assert_eq!(judge(&link, &certain()), Verdict::Ours, "{alias:?}");
        }
        // The kernel's own numbers are used again: then the mark decides, and whoever asks knows the records.
        let marked = Link { alias: Some("underlay y".into()), ..found() };
        assert!(matches!(verdict(&marked), Verdict::Remarked(_)));
    }

    #[test]
    fn without_our_mark_only_a_link_that_never_came_up_is_ours() {
        let unfinished = Link { alias: None, up: false, ..found() };
        assert_eq!(verdict_on(&unfinished, None), Verdict::Ours);
        // One that was reported was up and had its mark.
        assert!(matches!(verdict(&unfinished), Verdict::Remarked(_)));
        assert!(matches!(verdict(&Link { alias: None, ..found() }), Verdict::Remarked(_)));
        let renamed = Link { alias: Some("mine\n".into()), up: false, ..found() };
        assert_eq!(
            verdict(&renamed),
            Verdict::Remarked("its alias, our mark, was changed to `mine\\n`".into())
        );
    }
}
