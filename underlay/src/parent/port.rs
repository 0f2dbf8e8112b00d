//! Who uses a parent, and in which way.
//!
//! The kernel gives a parent one port: of macvlan or of ipvlan. A passthru link has it for itself, and the
//! mode and flag of ipvlan are the port's: a second link with another mode silently switches the first
//! (`ipvlan_set_port_mode` in `drivers/net/ipvlan/ipvlan_main.c`). So each namespace claims the port that it
//! needs:
//!
//! ```text
//! parents/ports/eth0/ipvlan-l2-bridge/NETWORK@COOKIE
//! ```
//!
//! and a claim for another port is refused while one of these is alive. A claim is one symbolic link, and to
//! look for conflicts is to read a directory with one entry, however many links the parent has.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, symlink},
    path::{Path, PathBuf},
};

use plan::{IfName, IpvlanFlag, IpvlanMode, LinkKind, MacvlanMode};

use super::{Error, Parents};
use crate::{
    attachment::record::Attachment,
    network::{Network, NetworkName},
    run_file,
};

/// A claim as its file's name says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// By which network.
    pub network: NetworkName,
    /// For which namespace.
    pub cookie: u64,
}

impl Claim {
    fn file_name(&self) -> String {
        format!("{}@{}", self.network, self.cookie)
    }

    fn parse(name: &str) -> Option<Self> {
        // A network's name holds no `@`.
        let (network, cookie) = name.split_once('@')?;
        Some(Self { network: network.parse().ok()?, cookie: cookie.parse().ok()? })
    }
}

/// The port that links of this kind need, as a file name and as an administrator would call it.
fn port(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Macvlan { mode: MacvlanMode::Passthru } => "macvlan-passthru",
        // Bridge, vepa and private are each link's own.
        LinkKind::Macvlan { .. } => "macvlan",
        LinkKind::Ipvlan { mode, flag } => match (mode, flag) {
            (IpvlanMode::L2, IpvlanFlag::Bridge) => "ipvlan-l2-bridge",
            (IpvlanMode::L2, IpvlanFlag::Private) => "ipvlan-l2-private",
            (IpvlanMode::L2, IpvlanFlag::Vepa) => "ipvlan-l2-vepa",
            (IpvlanMode::L3, IpvlanFlag::Bridge) => "ipvlan-l3-bridge",
            (IpvlanMode::L3, IpvlanFlag::Private) => "ipvlan-l3-private",
            (IpvlanMode::L3, IpvlanFlag::Vepa) => "ipvlan-l3-vepa",
            (IpvlanMode::L3s, IpvlanFlag::Bridge) => "ipvlan-l3s-bridge",
            (IpvlanMode::L3s, IpvlanFlag::Private) => "ipvlan-l3s-private",
            (IpvlanMode::L3s, IpvlanFlag::Vepa) => "ipvlan-l3s-vepa",
        },
    }
}

impl Parents<'_> {
    /// Claims the port for one namespace; the parent's lock is held.
    pub(super) fn claim(&self, network: &Network, parent: &IfName, cookie: u64) -> Result<(), Error> {
        let wanted = port(network.driver);
        let own = Claim { network: network.name.clone(), cookie };
        for other in run_file::names(&self.ports(parent))? {
            let is_shareable = other == wanted && !network.is_passthru();
            if is_shareable {
                continue;
            }
            if let Some(claim) = self.live_claim(parent, &other, &own)? {
                return Err(Error::Conflict {
                    network: network.name.clone(),
                    holder: claim.cookie,
                    why: format!(
                        "{parent} is in use by network {} as {other}, which excludes {wanted}; give one of them another parent",
                        claim.network
                    ),
                });
            }
        }
        let path = self.ports(parent).join(wanted).join(own.file_name());
        Ok(make_claim(&path).map_err(run_file::Error::on("make", &path))?)
    }

    /// Gives a claim back. What is not there is no error.
    pub fn release(&self, parent: &IfName, kind: LinkKind, claim: &Claim) -> Result<(), Error> {
        let directory = self.ports(parent).join(port(kind));
        let path = directory.join(claim.file_name());
        run_file::remove(&path)?;
        // The last one removes the directories; all others find them not empty.
        let _ = fs::remove_dir(&directory);
        let _ = fs::remove_dir(self.ports(parent));
        Ok(())
    }

    /// Removes the claims whose namespaces have no attachment there.
    pub fn drop_stale_claims(&self) -> Result<usize, Error> {
        let mut dropped = 0;
        let parents = run_file::names(&self.directory.join("ports"))?;
        for parent in parents.into_iter().filter_map(|name| IfName::new(name).ok()) {
            for port in run_file::names(&self.ports(&parent))? {
                for claim in self.claims(&parent, &port)? {
                    // While a record cannot be read, what its namespace claims is its own.
                    if !self.is_alive(&parent, &claim).unwrap_or(true) {
                        run_file::remove(&self.ports(&parent).join(&port).join(claim.file_name()))?;
                        dropped += 1;
                    }
                }
                let _ = fs::remove_dir(self.ports(&parent).join(&port));
            }
            let _ = fs::remove_dir(self.ports(&parent));
        }
        Ok(dropped)
    }

    pub(super) fn is_claimed(&self, parent: &IfName) -> Result<bool, Error> {
        for port in run_file::names(&self.ports(parent))? {
            for claim in self.claims(parent, &port)? {
                if self.is_alive(parent, &claim)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    pub(super) fn forget_ports(&self, parent: &IfName) -> Result<(), Error> {
        let path = self.ports(parent);
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(run_file::Error::on("remove", &path)(source).into())
            }
            _ => Ok(()),
        }
    }

    /// The first claim of a port, other than our own, that is alive; the dead ones before it are removed.
    fn live_claim(&self, parent: &IfName, port: &str, own: &Claim) -> Result<Option<Claim>, Error> {
        for claim in self.claims(parent, port)?.into_iter().filter(|claim| claim != own) {
            if self.is_alive(parent, &claim)? {
                return Ok(Some(claim));
            }
            run_file::remove(&self.ports(parent).join(port).join(claim.file_name()))?;
        }
        Ok(None)
    }

    /// A claim is alive while somebody works on its namespace (and so may be about to write the record), or
    /// while the record has such an attachment.
    fn is_alive(&self, parent: &IfName, claim: &Claim) -> Result<bool, Error> {
        let Some(page) = self.ledger.try_page(claim.cookie)? else { return Ok(true) };
        let Some(record) = page.read()? else {
            page.remove()?;
            return Ok(false);
        };
        let uses = |a: &Attachment| a.network == claim.network && a.parent == *parent;
        Ok(record.attachments.iter().any(uses))
    }

    fn claims(&self, parent: &IfName, port: &str) -> Result<Vec<Claim>, Error> {
        Ok(run_file::names(&self.ports(parent).join(port))?
            .iter()
            .filter_map(|name| Claim::parse(name))
            .collect())
    }

    fn ports(&self, parent: &IfName) -> PathBuf {
        self.directory.join("ports").join(parent.as_str())
    }
}

/// So often in a row nobody loses to those who leave; what is in the way stays there.
const ATTEMPTS: usize = 1000;

/// A claim may find its directory removed by the last one before it, at any moment until it is in it: then all is made
/// again.
fn make_claim(path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(path);
    for _ in 0..ATTEMPTS {
        match symlink("claim", path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => make_ports(directory)?,
            made => return made,
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// The library makes a directory and those above it, and looks at what is in its place where there is one. In between,
/// either may go (`AlreadyExists`, `NotFound`): the next claim tells, and a file in its place is no directory to it.
fn make_ports(directory: &Path) -> io::Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    match made {
        Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
            Ok(())
        }
        made => made,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, thread};

    use proptest::prelude::*;

    use super::*;
    use crate::strategies;

    proptest! {
        #[test]
        fn a_claim_is_read_back_from_its_files_name(network in strategies::network_name(), cookie: u64) {
            let claim = Claim { network, cookie };
            prop_assert_eq!(Claim::parse(&claim.file_name()), Some(claim));
        }

        /// One name for each port that the kernel would refuse beside another.
        #[test]
        fn ports_that_exclude_each_other_differ_in_name(kinds in prop::collection::vec(plan::strategies::link_kind(), 40)) {
            let mut ports: BTreeMap<&str, LinkKind> = BTreeMap::new();
            for kind in kinds {
                let same = *ports.entry(port(kind)).or_insert(kind);
                let is_macvlan = |kind| matches!(kind, LinkKind::Macvlan { mode } if mode != MacvlanMode::Passthru);
                prop_assert!(same == kind || is_macvlan(same) && is_macvlan(kind), "{:?} {:?}", same, kind);
            }
        }
    }

    #[test]
    fn the_last_one_who_goes_does_not_hinder_the_next_one() {
        let run = tempfile::tempdir().unwrap();
        let port = run.path().join("ports/eth0/macvlan");
        thread::scope(|scope| {
            for name in ["lan@1", "lan@2", "lan@3"] {
                let path = port.join(name);
                scope.spawn(move || {
                    for _ in 0..2000 {
                        make_claim(&path).unwrap();
                        fs::remove_file(&path).unwrap();
                        let directories = path.ancestors().skip(1).take(2);
                        directories.for_each(|directory| drop(fs::remove_dir(directory)));
                    }
                });
            }
        });
    }

    #[test]
    fn what_is_in_the_place_of_a_directory_is_told() {
        let run = tempfile::tempdir().unwrap();
        fs::write(run.path().join("file"), "").unwrap();
        symlink("nowhere", run.path().join("link")).unwrap();
        for (place, told) in [("file", io::ErrorKind::NotADirectory), ("link", io::ErrorKind::NotFound)] {
            let error = make_claim(&run.path().join(place).join("lan@1")).unwrap_err();
            assert_eq!(error.kind(), told, "{place}");
        }
    }
}
