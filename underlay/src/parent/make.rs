//! Sub-interfaces and dummies of our own.

use std::{fs, hash::Hasher, path::PathBuf, time::Instant};

use netlink::{Kind, Link, NewKind, NewLink};
use plan::{IfName, InvalidIfName};
use siphasher::sip::SipHasher13;

use super::{Error, Parents, link_name};
use crate::{
    attachment::lock::Lock,
    network::{Network, NetworkName, ParentSpec, VlanId},
    run_file,
};

/// The alias of every link that we made in the host's namespace.
pub(super) const MARK: &str = "underlay parent";

/// The name of a VLAN sub-interface: `eth0.50`, as everybody has it; if that is longer than the kernel takes,
/// `vlan50-` and a hash of the parent's name.
pub fn vlan_name(parent: &IfName, vlan: VlanId) -> Result<IfName, InvalidIfName> {
    let id = vlan.get();
    IfName::new(format!("{parent}.{id}"))
        .or_else(|_| IfName::new(format!("vlan{id}-{}", short_hash(parent.as_str(), 6))))
}

/// The name of a network's dummy: `ul-NAME`; if that is too long, `ul-` and a hash of the name.
pub fn dummy_name(network: &NetworkName) -> Result<IfName, InvalidIfName> {
    IfName::new(format!("ul-{network}"))
        .or_else(|_| IfName::new(format!("ul-{}", short_hash(network.as_str(), 12))))
}

fn short_hash(text: &str, digits: usize) -> String {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    hasher.write(text.as_bytes());
    format!("{:016x}", hasher.finish()).chars().take(digits).collect()
}

impl Parents<'_> {
    pub(super) fn ensure_vlan(
        &self,
        network: &Network,
        name: &IfName,
        parent: &IfName,
        vlan: VlanId,
    ) -> Result<Link, Error> {
        let carrier = self.existing(network, parent)?;
        if carrier.loopback {
            return Err(Error::Loopback { network: network.name.clone(), parent: parent.clone() });
        }
        // A sub-interface cannot come up on a link that is down (ENETDOWN, vlan_dev_open).
        self.bring_up(network, parent, &carrier)?;
        let wanted = format!("VLAN {} of {parent}", vlan.get());
        let is_it = |link: &Link| link.kind == Kind::Vlan(vlan.get()) && link.parent == Some(carrier.index);
        let kind = NewKind::Vlan { parent: carrier.index, id: vlan.get() };
        self.ensure_made(network, name, kind, &wanted, is_it)
    }

    pub(super) fn ensure_dummy(&self, network: &Network, name: &IfName) -> Result<Link, Error> {
        self.ensure_made(network, name, NewKind::Dummy, "a dummy", |link| link.kind == Kind::Dummy)
    }

    /// Finds or makes the link. The intent is on disk while a link may be there without its mark, which the
    /// kernel takes only once the link is there (it ignores `IFLA_IFALIAS` in `RTM_NEWLINK` that creates):
    /// whoever comes next finishes what a killed hook began.
    fn ensure_made(
        &self,
        network: &Network,
        name: &IfName,
        kind: NewKind,
        wanted: &str,
        is_it: impl Fn(&Link) -> bool,
    ) -> Result<Link, Error> {
        if let Some(link) = self.socket.link_by_name(name.as_str())? {
            if !is_it(&link) {
                return Err(Error::Different {
                    network: network.name.clone(),
                    link: name.clone(),
                    found: format!("{:?}", link.kind),
                    wanted: wanted.to_owned(),
                });
            }
            return if self.is_intended(name) { self.mark(network, name, link) } else { Ok(link) };
        }
        self.intend(name)?;
        match self.socket.create(&NewLink {
            name: name.as_str(),
            kind,
            mac: None,
            mtu: None,
            namespace: None,
        }) {
            Ok(()) => {}
            // Somebody who does not know our lock made it in this moment: then it is theirs.
            Err(source) if source.is_exists() => {
                self.forget_intent(name)?;
                return self.existing(network, name);
            }
            Err(source) => {
                // Without an answer nobody knows whether it was made.
                if matches!(source, netlink::Error::Refused { .. }) {
                    self.forget_intent(name)?;
                }
                return Err(failed(network, "make", name, source));
            }
        }
        let link = self.existing(network, name)?;
        self.mark(network, name, link)
    }

    /// Up and marked in one message; if the link cannot come up it is removed again.
    fn mark(&self, network: &Network, name: &IfName, link: Link) -> Result<Link, Error> {
        if let Err(source) = self.socket.set_up(link.index, Some(MARK)) {
            let _ = self.socket.delete(link.index);
            self.forget_intent(name)?;
            return Err(failed(network, "bring up", name, source));
        }
        self.forget_intent(name)?;
        Ok(Link { up: true, alias: Some(MARK.to_owned()), ..link })
    }

    /// Removes the network's sub-interface or dummy, if we made it and nothing uses it: neither a link on it
    /// nor one of the other `networks`. Returns its name if it was removed.
    pub fn remove(
        &self,
        network: &Network,
        networks: &[Network],
        deadline: Instant,
    ) -> Result<Option<IfName>, Error> {
        let removed = self.remove_own(network, networks, deadline)?;
        self.forget_unclaimed()?;
        Ok(removed)
    }

    fn remove_own(
        &self,
        network: &Network,
        networks: &[Network],
        deadline: Instant,
    ) -> Result<Option<IfName>, Error> {
        let is_ours = matches!(network.parent, ParentSpec::Vlan { .. } | ParentSpec::Dummy);
        let Some(name) = link_name(network)?.filter(|_| is_ours) else { return Ok(None) };
        if wanted(networks).any(|wanted| wanted == name) {
            return Ok(None);
        }
        self.remove_link(&name, deadline).map_err(|error| match error {
            Error::Netlink(source) => failed(network, "remove", &name, source),
            error => error,
        })
    }

    /// Removes every link that we made and that no network of `networks` wants: their definitions were
    /// deleted by hand. Intents that came to nothing are forgotten, lest a link that somebody else makes
    /// under that name be taken for ours.
    pub fn remove_unwanted(
        &self,
        networks: &[Network],
        is_dry: bool,
        deadline: Instant,
    ) -> Result<Vec<IfName>, Error> {
        let wanted: Vec<IfName> = wanted(networks).collect();
        let mut ours = self.unmarked(is_dry, deadline)?;
        let marked = self.socket.links()?.into_iter().filter(|link| link.alias.as_deref() == Some(MARK));
        ours.extend(marked.filter_map(|link| IfName::new(link.name).ok()));
        let mut removed = Vec::new();
        for name in ours.into_iter().filter(|name| !wanted.contains(name)) {
            if is_dry {
                removed.push(name);
            } else {
                removed.extend(self.remove_link(&name, deadline)?);
            }
        }
        if !is_dry {
            self.forget_unclaimed()?;
        }
        Ok(removed)
    }

    /// The links that a killed hook made and did not mark.
    fn unmarked(&self, is_dry: bool, deadline: Instant) -> Result<Vec<IfName>, Error> {
        let mut unmarked = Vec::new();
        for name in self.intents()? {
            let _lock = self.lock(&name, deadline)?;
            match self.socket.link_by_name(name.as_str())? {
                Some(link) if link.alias.is_none() && self.is_intended(&name) => unmarked.push(name),
                None if !is_dry => self.forget_intent(&name)?,
                _ => {}
            }
        }
        Ok(unmarked)
    }

    fn remove_link(&self, name: &IfName, deadline: Instant) -> Result<Option<IfName>, Error> {
        let _lock = self.lock(name, deadline)?;
        let link = self.socket.link_by_name(name.as_str())?;
        let is_marked = link.as_ref().is_some_and(|link| {
            link.alias.as_deref() == Some(MARK) || (link.alias.is_none() && self.is_intended(name))
        });
        let Some(link) = link.filter(|_| is_marked) else { return Ok(None) };
        if self.is_claimed(name)? {
            return Ok(None);
        }
        self.socket.delete(link.index)?;
        self.forget_intent(name)?;
        Ok(Some(name.clone()))
    }

    /// Leaves no file of parents that nobody claims, whoever made them. A held lock is its holder's, who is
    /// at work there.
    fn forget_unclaimed(&self) -> Result<(), Error> {
        let parents = run_file::names(&self.directory.join("locks"))?;
        for name in parents.into_iter().filter_map(|name| IfName::new(name).ok()) {
            let path = self.lock_file(&name);
            let Some(lock) = Lock::try_acquire(&path)? else { continue };
            if !self.is_claimed(&name)? {
                self.forget_ports(&name)?;
                lock.remove_file().map_err(run_file::Error::on("remove", &path))?;
            }
        }
        Ok(())
    }

    fn intents(&self) -> Result<Vec<IfName>, Error> {
        let names = run_file::names(&self.directory.join("making"))?;
        Ok(names.into_iter().filter_map(|name| IfName::new(name).ok()).collect())
    }

    fn intent(&self, name: &IfName) -> PathBuf {
        self.directory.join("making").join(name.as_str())
    }

    fn is_intended(&self, name: &IfName) -> bool {
        self.intent(name).exists()
    }

    fn intend(&self, name: &IfName) -> Result<(), Error> {
        let path = self.intent(name);
        Ok(fs::write(&path, "").map_err(run_file::Error::on("write", &path))?)
    }

    fn forget_intent(&self, name: &IfName) -> Result<(), Error> {
        Ok(run_file::remove(&self.intent(name))?)
    }
}

/// The links that networks name, or have made.
fn wanted(networks: &[Network]) -> impl Iterator<Item = IfName> {
    networks.iter().filter_map(|network| link_name(network).ok().flatten())
}

fn failed(network: &Network, operation: &'static str, link: &IfName, source: netlink::Error) -> Error {
    Error::Kernel { network: network.name.clone(), operation, link: link.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_usual_ones_while_they_fit() {
        let vlan = |parent: &str, id| {
            vlan_name(&parent.parse().unwrap(), VlanId::new(id).unwrap()).unwrap().to_string()
        };
        assert_eq!(vlan("eth0", 50), "eth0.50");
        assert_eq!(vlan("enp0s31f6u1", 100), "enp0s31f6u1.100");
        let long = vlan("enx001122334455", 4094);
        assert!(long.starts_with("vlan4094-") && long.len() <= 15, "{long}");
        assert_ne!(long, vlan("enx001122334456", 4094));

        let dummy = |network: &str| dummy_name(&network.parse().unwrap()).unwrap().to_string();
        assert_eq!(dummy("isolated1"), "ul-isolated1");
        assert_eq!(dummy("a-network-with-a-long-name").len(), 15);
    }
}
