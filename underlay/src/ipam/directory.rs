//! The leases of one host, in directories on a tmpfs.
//!
//! A lease is a symbolic link, `leases/ADDRESS` -> `OWNER`, which leads nowhere. symlink(2) makes it with its
//! content or fails with EEXIST, so a claim needs no lock, can be seen half-made by nobody, and `ls -l` shows
//! all there is. A cursor is a link too, `cursors/NETWORK@SUBNET` -> `ADDRESS`, replaced by rename(2).

use std::{
    net::IpAddr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use ipnetwork::IpNetwork;
use nix::{
    dir::{Dir, OwningIter},
    errno::Errno,
    fcntl::{AT_FDCWD, OFlag, openat, readlinkat, renameat},
    sys::stat::{Mode, mkdirat},
    unistd::{UnlinkatFlags, symlinkat, unlinkat},
};
use thiserror::Error;

use super::{Claim, LeaseStore, Owner, Release, Round, StoreError};
use crate::network::{AddressRange, NetworkName};

const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Leases below a directory of the host.
#[derive(Debug)]
pub struct LeaseDirectory {
    leases: Folder,
    cursors: Folder,
}

/// One operation on a lease directory that failed.
#[derive(Debug, Error)]
#[error("cannot {operation} {}", .path.display())]
pub struct DirectoryError {
    operation: &'static str,
    path: PathBuf,
    source: Errno,
}

/// A directory by descriptor: it stays the same one whatever happens to its path, which serves messages only.
#[derive(Debug)]
struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

impl LeaseDirectory {
    /// Opens `leases` and `cursors` below `run`, which must be there, and makes them if they are not.
    pub fn open(run: &Path) -> Result<Self, DirectoryError> {
        let run = Folder::open(AT_FDCWD, run.to_owned(), run)?;
        Ok(Self { leases: run.make("leases")?, cursors: run.make("cursors")? })
    }

    fn try_claim(&self, address: IpAddr, owner: &Owner) -> Result<Claim, DirectoryError> {
        let (name, owner) = (address.to_string(), owner.to_string());
        loop {
            if self.leases.link(&name, &owner)? {
                return Ok(Claim::Claimed);
            }
            match self.leases.target(&name)? {
                Some(holder) if holder == owner => return Ok(Claim::Kept),
                Some(holder) => return Ok(Claim::Taken(holder)),
                // Set free in between: it may be had now.
                None => {}
            }
        }
    }

    fn try_release(&self, address: IpAddr, owner: &Owner) -> Result<Release, DirectoryError> {
        let name = address.to_string();
        match self.leases.target(&name)? {
            None => Ok(Release::NotHeld),
            Some(holder) if holder != owner.to_string() => Ok(Release::HeldBy(holder)),
            Some(_) => self.leases.remove(&name).map(|()| Release::Released),
        }
    }

    /// Addresses of a range, ascending. Names that are no addresses are nobody's leases.
    fn addresses(&self, range: AddressRange) -> Result<Vec<IpAddr>, DirectoryError> {
        let mut addresses = Vec::new();
        for entry in self.leases.entries()? {
            let entry = entry.map_err(|source| self.leases.error("read the directory", "", source))?;
            let address: Option<IpAddr> = entry.file_name().to_str().ok().and_then(|name| name.parse().ok());
            addresses.extend(address.filter(|address| (range.first..=range.last).contains(address)));
        }
        addresses.sort_unstable();
        // A lease released and claimed again while the directory is read may come twice.
        addresses.dedup();
        Ok(addresses)
    }

    fn owners(&self, addresses: Vec<IpAddr>) -> Result<Vec<(IpAddr, String)>, DirectoryError> {
        let held = |address: IpAddr| match self.leases.target(&address.to_string()) {
            Ok(Some(owner)) => Some(Ok((address, owner))),
            // Set free since the directory was read.
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        };
        addresses.into_iter().filter_map(held).collect()
    }
}

impl LeaseStore for LeaseDirectory {
    fn claim(&self, address: IpAddr, owner: &Owner) -> Result<Claim, StoreError> {
        self.try_claim(address, owner).map_err(|e| StoreError::Claim { address, source: e.into() })
    }

    fn release(&self, address: IpAddr, owner: &Owner) -> Result<Release, StoreError> {
        self.try_release(address, owner).map_err(|e| StoreError::Release { address, source: e.into() })
    }

    fn holder(&self, address: IpAddr) -> Result<Option<String>, StoreError> {
        let range = AddressRange { first: address, last: address };
        self.leases.target(&address.to_string()).map_err(|e| StoreError::List { range, source: e.into() })
    }

    fn held(&self, range: AddressRange) -> Result<Vec<(IpAddr, String)>, StoreError> {
        self.addresses(range)
            .and_then(|addresses| self.owners(addresses))
            .map_err(|e| StoreError::List { range, source: e.into() })
    }

    /// Reads the directory and no link in it.
    fn held_addresses(&self, range: AddressRange) -> Result<Vec<IpAddr>, StoreError> {
        self.addresses(range).map_err(|e| StoreError::List { range, source: e.into() })
    }

    fn cursor(
        &self,
        round: Round,
        network: &NetworkName,
        subnet: IpNetwork,
    ) -> Result<Option<IpAddr>, StoreError> {
        let name = cursor_name(round, network, subnet);
        let target = self.cursors.target(&name).map_err(|e| StoreError::Cursor {
            network: network.clone(),
            subnet,
            source: e.into(),
        })?;
        Ok(target.and_then(|text| text.parse().ok()))
    }

    fn set_cursor(
        &self,
        round: Round,
        network: &NetworkName,
        subnet: IpNetwork,
        last: IpAddr,
    ) -> Result<(), StoreError> {
        self.cursors
            .replace(&cursor_name(round, network, subnet), &last.to_string())
            .map_err(|e| StoreError::Cursor { network: network.clone(), subnet, source: e.into() })
    }

    fn forget_cursor(&self, network: &NetworkName, subnet: IpNetwork) -> Result<(), StoreError> {
        let names = [Round::Choice, Round::Sweep].map(|round| cursor_name(round, network, subnet));
        names
            .iter()
            .flat_map(|name| [name.clone(), new_name(name)])
            .try_for_each(|name| self.cursors.remove(&name))
            .map_err(|e| StoreError::Cursor { network: network.clone(), subnet, source: e.into() })
    }
}

/// `/` cannot be in a file's name, `@` cannot be in a network's.
fn cursor_name(round: Round, network: &NetworkName, subnet: IpNetwork) -> String {
    let suffix = if round == Round::Sweep { "@sweep" } else { "" };
    format!("{network}@{}_{}{suffix}", subnet.ip(), subnet.prefix())
}

/// The name of a link that is to replace another.
fn new_name(name: &str) -> String {
    format!(".new-{name}")
}

impl Folder {
    fn open(at: BorrowedFd<'_>, path: PathBuf, name: &Path) -> Result<Self, DirectoryError> {
        match openat(at, name, DIRECTORY, Mode::empty()) {
            Ok(fd) => Ok(Self { fd, path }),
            Err(source) => Err(DirectoryError { operation: "open the directory", path, source }),
        }
    }

    /// Opens a directory in this one; makes it, for its owner alone, if it is not there.
    fn make(&self, name: &str) -> Result<Self, DirectoryError> {
        let path = self.path.join(name);
        match Self::open(self.fd.as_fd(), path.clone(), Path::new(name)) {
            Err(DirectoryError { source: Errno::ENOENT, .. }) => {}
            opened => return opened,
        }
        match mkdirat(self.fd.as_fd(), name, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => Self::open(self.fd.as_fd(), path, Path::new(name)),
            Err(source) => Err(DirectoryError { operation: "make the directory", path, source }),
        }
    }

    /// Makes a link; false if the name is there already.
    fn link(&self, name: &str, target: &str) -> Result<bool, DirectoryError> {
        match symlinkat(target, self.fd.as_fd(), name) {
            Ok(()) => Ok(true),
            Err(Errno::EEXIST) => Ok(false),
            Err(source) => Err(self.error("make the link", name, source)),
        }
    }

    /// Where a link leads; none if there is no link. What is not ours to write may not be UTF-8.
    fn target(&self, name: &str) -> Result<Option<String>, DirectoryError> {
        match readlinkat(self.fd.as_fd(), name) {
            Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
            Err(Errno::ENOENT) => Ok(None),
            Err(source) => Err(self.error("read the link", name, source)),
        }
    }

    /// Removes a link. That it is gone already is no error.
    fn remove(&self, name: &str) -> Result<(), DirectoryError> {
        match unlinkat(self.fd.as_fd(), name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(source) => Err(self.error("remove the link", name, source)),
        }
    }

    /// Makes a link, or another of the same name in its place, never leaving a moment without one.
    ///
    /// The new link has one name whoever makes it, so that whoever comes after one that was killed here uses
    /// what that one left. Of two at once one may find its link renamed already by the other.
    fn replace(&self, name: &str, target: &str) -> Result<(), DirectoryError> {
        let new = new_name(name);
        if !self.link(&new, target)? {
            self.remove(&new)?;
            self.link(&new, target)?;
        }
        renameat(self.fd.as_fd(), new.as_str(), self.fd.as_fd(), name)
            .map_err(|source| self.error("replace the link", name, source))
    }

    fn entries(&self) -> Result<OwningIter, DirectoryError> {
        // Opened anew, for a read position of its own.
        Dir::openat(self.fd.as_fd(), ".", DIRECTORY, Mode::empty())
            .map(Dir::into_iter)
            .map_err(|source| self.error("read the directory", "", source))
    }

    fn error(&self, operation: &'static str, name: &str, source: Errno) -> DirectoryError {
        DirectoryError { operation, path: self.path.join(name), source }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use proptest::{collection::btree_map, prelude::*};

    use super::*;
    use crate::strategies;

    fn owner(cookie: u64) -> Owner {
        format!("node/{cookie}/lan/eth0").parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn store() -> (tempfile::TempDir, LeaseDirectory) {
        let run = tempfile::tempdir().unwrap();
        let store = LeaseDirectory::open(run.path()).unwrap();
        (run, store)
    }

    #[test]
    fn a_claim_is_a_link_and_only_its_owner_removes_it() {
        let (run, store) = store();
        let address = ip("192.0.2.5");
        assert_eq!(store.claim(address, &owner(1)).unwrap(), Claim::Claimed);
        assert_eq!(store.claim(address, &owner(1)).unwrap(), Claim::Kept);
        assert_eq!(store.claim(address, &owner(2)).unwrap(), Claim::Taken("node/1/lan/eth0".into()));
        let link = run.path().join("leases/192.0.2.5");
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("node/1/lan/eth0"));

        assert_eq!(store.release(address, &owner(2)).unwrap(), Release::HeldBy("node/1/lan/eth0".into()));
        assert_eq!(store.release(address, &owner(1)).unwrap(), Release::Released);
        assert!(!link.is_symlink());
        assert_eq!(store.release(address, &owner(1)).unwrap(), Release::NotHeld);
        assert_eq!(store.claim(address, &owner(2)).unwrap(), Claim::Claimed);
    }

    #[test]
    fn a_listing_is_of_one_range_and_in_order() {
        let (run, store) = store();
        for address in ["192.0.2.10", "192.0.2.9", "2001:db8::2", "192.0.2.200", "192.0.3.1"] {
            store.claim(ip(address), &owner(1)).unwrap();
        }
        symlink("x", run.path().join("leases/.hidden")).unwrap();
        let range = AddressRange { first: ip("192.0.2.9"), last: ip("192.0.2.200") };
        let text = "node/1/lan/eth0".to_owned();
        let expected = ["192.0.2.9", "192.0.2.10", "192.0.2.200"].map(ip);
        assert_eq!(store.held(range).unwrap(), expected.map(|a| (a, text.clone())));
        assert_eq!(store.held_addresses(range).unwrap(), expected);
        let everything: usize = super::super::EVERYWHERE.map(|r| store.held(r).unwrap().len()).iter().sum();
        assert_eq!(everything, 5);
    }

    #[test]
    fn the_cursor_is_one_a_network_and_subnet_and_may_be_lost() {
        let (run, store) = store();
        let (lan, dmz): (NetworkName, NetworkName) = ("lan".parse().unwrap(), "dmz".parse().unwrap());
        let subnet = "192.0.2.0/24".parse().unwrap();
        assert_eq!(store.cursor(Round::Choice, &lan, subnet).unwrap(), None);
        store.set_cursor(Round::Choice, &lan, subnet, ip("192.0.2.5")).unwrap();
        store.set_cursor(Round::Choice, &lan, subnet, ip("192.0.2.6")).unwrap();
        assert_eq!(store.cursor(Round::Choice, &lan, subnet).unwrap(), Some(ip("192.0.2.6")));
        assert_eq!(store.cursor(Round::Choice, &dmz, subnet).unwrap(), None);
        assert_eq!(fs::read_dir(run.path().join("cursors")).unwrap().count(), 1, "nothing is left beside it");

        store.set_cursor(Round::Sweep, &lan, subnet, ip("192.0.2.200")).unwrap();
        assert_eq!(store.cursor(Round::Choice, &lan, subnet).unwrap(), Some(ip("192.0.2.6")));
        store.forget_cursor(&lan, subnet).unwrap();
        store.forget_cursor(&lan, subnet).unwrap();
        assert_eq!(fs::read_dir(run.path().join("cursors")).unwrap().count(), 0);
        let file = run.path().join("cursors/lan@192.0.2.0_24");
        symlink("rubbish", &file).unwrap();
        assert_eq!(store.cursor(Round::Choice, &lan, subnet).unwrap(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn leases_and_cursors_are_read_back_from_their_files(
            leases in btree_map(plan::strategies::address(), strategies::owner(), 0..8),
            (subnet, network) in (plan::strategies::prefix(), strategies::network_name()),
        ) {
            let (run, store) = store();
            for (address, owner) in &leases {
                prop_assert_eq!(store.claim(*address, owner).unwrap(), Claim::Claimed);
                store.set_cursor(Round::Choice, &network, subnet, *address).unwrap();
                prop_assert_eq!(store.cursor(Round::Choice, &network, subnet).unwrap(), Some(*address));
            }
            let held = super::super::EVERYWHERE.map(|range| store.held(range).unwrap()).concat();
            let expected: Vec<_> = leases.iter().map(|(address, owner)| (*address, owner.to_string())).collect();
            prop_assert_eq!(held, expected);
            // A file each, and no other: no two addresses have one name.
            prop_assert_eq!(fs::read_dir(run.path().join("leases")).unwrap().count(), leases.len());
        }
    }

    #[test]
    fn what_is_no_lease_is_an_error_that_names_it() {
        let (run, store) = store();
        fs::write(run.path().join("leases/192.0.2.5"), "").unwrap();
        let StoreError::Claim { source, .. } = store.claim(ip("192.0.2.5"), &owner(1)).unwrap_err() else {
            panic!("another error");
        };
        assert!(source.to_string().starts_with("cannot read the link "), "{source}");
        assert!(source.to_string().ends_with("/leases/192.0.2.5"), "{source}");
    }

    #[test]
    fn a_link_in_place_of_the_directory_is_refused() {
        let run = tempfile::tempdir().unwrap();
        symlink("/", run.path().join("leases")).unwrap();
        let error = LeaseDirectory::open(run.path()).unwrap_err();
        assert!(matches!(error.source, Errno::ENOTDIR | Errno::ELOOP), "{error:?}");
    }
}
