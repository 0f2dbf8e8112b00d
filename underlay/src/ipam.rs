//! Addresses: which is chosen, who holds which.
//!
//! [`Pool`] says which addresses of a subnet there are to choose from and in which order, a [`LeaseStore`]
//! keeps who holds which, and [`lease`] brings the two together: it tries the addresses in that order until a
//! claim succeeds. It looks nothing up before, so there is no moment between looking and taking, and no lock.

mod directory;
mod owner;
mod pool;
mod refusal;
mod store;

use std::net::IpAddr;

use ipnetwork::IpNetwork;

pub use directory::{DirectoryError, LeaseDirectory};
pub use owner::{Host, InvalidHost, InvalidOwner, Owner};
pub use pool::{Pool, Refused};
pub use refusal::{Error, Family, Refusal, Usage};
pub use store::{Cause, Claim, EVERYWHERE, LeaseStore, Release, Round, StoreError};

use crate::network::{Network, NetworkName, SubnetSpec};

/// After so many addresses that others hold, all that is held is read at once. Measured on a tmpfs: a claim
/// that fails costs 3 µs, reading 60,000 leases 25 ms. So a /24 is never worth the reading, and where the
/// cursor comes round to a long block of old leases, it is paid once a round.
const COLLISIONS: usize = 256;

/// An address that an owner holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The address, with the prefix length of its subnet.
    pub address: IpNetwork,
    /// Which of the network's subnets it is of.
    pub subnet: usize,
}

/// Leases the addresses of one interface: IPv4 before IPv6.
///
/// A family of which addresses were `requested` gets exactly these, of any subnets of the network. Any other
/// family gets one address, of the first subnet in declared order that has a free one. `host` are the
/// addresses that the host has on the parent. What the owner holds already it keeps.
///
/// All requests that cannot be met are reported together. On any error all that this call claimed is
/// released.
pub fn lease(
    network: &Network,
    requested: &[IpAddr],
    host: &[IpAddr],
    owner: &Owner,
    store: &dyn LeaseStore,
) -> Result<Vec<Lease>, Error> {
    let pools: Vec<_> = network.subnets.iter().map(|spec| Pool::new(spec, host)).collect();
    let mut claims = Claims { network, pools: &pools, owner, store, leases: vec![], fresh: vec![] };
    match claims.take(requested) {
        Ok(()) => Ok(claims.leases),
        Err(error) => {
            // The first error is the one to tell. What cannot be released either is found by its owner's
            // namespace, once that is gone.
            let _ = release(&claims.fresh, owner, store);
            Err(error)
        }
    }
}

/// Releases addresses, to the end of the list whatever happens. What the owner does not hold, or no longer,
/// is done. Returns what went wrong.
#[must_use]
pub fn release(addresses: &[IpAddr], owner: &Owner, store: &dyn LeaseStore) -> Vec<StoreError> {
    addresses.iter().filter_map(|address| store.release(*address, owner).err()).collect()
}

/// Who has the next addresses of a subnet, in a round of its own through all of them: at most `holders` of them, at
/// most `addresses` looked at. No lease is missed for ever, and no call costs more than another.
pub(crate) fn next_holders(
    network: &NetworkName,
    spec: &SubnetSpec,
    addresses: usize,
    holders: usize,
    store: &dyn LeaseStore,
) -> Result<Vec<(IpAddr, String)>, StoreError> {
    let pool = Pool::new(spec, &[]);
    let mut last = store.cursor(Round::Sweep, network, spec.subnet)?;
    let mut found = Vec::new();
    for address in pool.next_after(last).take(addresses) {
        last = Some(address);
        found.extend(store.holder(address)?.map(|holder| (address, holder)));
        if found.len() == holders {
            break;
        }
    }
    last.map_or(Ok(()), |last| store.set_cursor(Round::Sweep, network, spec.subnet, last))?;
    Ok(found)
}

/// The leases of one interface as they grow.
struct Claims<'a> {
    network: &'a Network,
    /// One a subnet, in declared order.
    pools: &'a [Pool],
    owner: &'a Owner,
    store: &'a dyn LeaseStore,
    leases: Vec<Lease>,
    /// What was not the owner's before.
    fresh: Vec<IpAddr>,
}

impl Claims<'_> {
    fn take(&mut self, requested: &[IpAddr]) -> Result<(), Error> {
        self.take_requested(requested)?;
        for family in [Family::V4, Family::V6] {
            if !requested.iter().any(|address| family.has(*address)) {
                self.take_any(family)?;
            }
        }
        self.leases.sort_by_key(|lease| lease.address.is_ipv6());
        Ok(())
    }

    fn take_requested(&mut self, requested: &[IpAddr]) -> Result<(), Error> {
        let mut refusals = Vec::new();
        for address in requested {
            refusals.extend(self.take_one(*address)?);
        }
        if refusals.is_empty() {
            Ok(())
        } else {
            Err(Error::Refused { network: self.network.name.clone(), refusals })
        }
    }

    fn take_one(&mut self, address: IpAddr) -> Result<Option<Refusal>, StoreError> {
        let mut pools = self.pools.iter().enumerate();
        let Some((subnet, pool)) = pools.find(|(_, pool)| pool.subnet().contains(address)) else {
            let subnets = self.pools.iter().map(Pool::subnet).collect();
            return Ok(Some(Refusal::NoSubnet { address, subnets }));
        };
        if let Err(reason) = pool.admits(address) {
            return Ok(Some(Refusal::Unusable { address, reason }));
        }
        let holder = self.claim(address)?;
        if holder.is_none() {
            self.keep(Lease { address: pool.with_prefix(address), subnet });
        }
        Ok(holder.map(|holder| Refusal::Taken { address, holder }))
    }

    /// One address of a family, unless the network has no subnet of it.
    fn take_any(&mut self, family: Family) -> Result<(), Error> {
        let mut full = Vec::new();
        for (subnet, pool) in self.pools.iter().enumerate() {
            if !family.has(pool.subnet().ip()) {
                continue;
            }
            if let Some(address) = self.take_next(pool)? {
                self.keep(Lease { address: pool.with_prefix(address), subnet });
                return Ok(());
            }
            full.push(self.usage(pool)?);
        }
        if full.is_empty() {
            Ok(())
        } else {
            Err(Error::Exhausted { network: self.network.name.clone(), family, usage: full })
        }
    }

    /// The next free address of a subnet after the one chosen last; none if all are taken.
    fn take_next(&mut self, pool: &Pool) -> Result<Option<IpAddr>, StoreError> {
        // A cursor that cannot be read or written costs time, not correctness: no reason to fail.
        let cursor = self.store.cursor(Round::Choice, &self.network.name, pool.subnet()).unwrap_or_default();
        let mut collisions = 0;
        let mut held = Vec::new();
        for address in pool.next_after(cursor) {
            if held.binary_search(&address).is_ok() {
                continue;
            }
            if self.claim(address)?.is_none() {
                let _ = self.store.set_cursor(Round::Choice, &self.network.name, pool.subnet(), address);
                return Ok(Some(address));
            }
            collisions += 1;
            if collisions == COLLISIONS {
                held = self.store.held_addresses(pool.range())?;
            }
        }
        Ok(None)
    }

    /// None if the owner has the address now, else who has it.
    fn claim(&mut self, address: IpAddr) -> Result<Option<String>, StoreError> {
        match self.store.claim(address, self.owner)? {
            Claim::Claimed => self.fresh.push(address),
            Claim::Kept => {}
            Claim::Taken(holder) => return Ok(Some(holder)),
        }
        Ok(None)
    }

    /// An address that was asked for twice is one lease.
    fn keep(&mut self, lease: Lease) {
        if !self.leases.contains(&lease) {
            self.leases.push(lease);
        }
    }

    fn usage(&self, pool: &Pool) -> Result<Usage, StoreError> {
        let held = self.store.held_addresses(pool.range())?;
        let in_use = held.into_iter().filter(|address| pool.offers(*address)).count();
        Ok(Usage { range: pool.range(), in_use, capacity: pool.capacity() })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, HashSet},
        path::Path,
        thread,
    };

    use plan::{IfName, LinkKind, MacvlanMode};
    use tempfile::TempDir;

    use super::*;
    use crate::network::{Access, AddressRange, AuxAddress, Dns, ParentSpec, SubnetSpec};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn owner(cookie: u64) -> Owner {
        format!("node/{cookie}/lan/eth0").parse().unwrap()
    }

    fn subnet(subnet: &str, gateway: Option<&str>) -> SubnetSpec {
        SubnetSpec {
            subnet: subnet.parse().unwrap(),
            gateway: gateway.map(ip),
            ip_range: None,
            aux_addresses: vec![],
        }
    }

    fn network(subnets: Vec<SubnetSpec>) -> Network {
        Network {
            name: "lan".parse().unwrap(),
            driver: LinkKind::Macvlan { mode: MacvlanMode::Bridge },
            parent: ParentSpec::Link(IfName::new("eth0").unwrap()),
            parent_wait: None,
            internal: false,
            ipv6: true,
            mtu: None,
            subnets,
            routes: vec![],
            default_route: true,
            metric: None,
            dns: Dns::default(),
            access: Access::default(),
            labels: BTreeMap::new(),
        }
    }

    /// S14 of Docker's page.
    fn ipnet110() -> Network {
        network(vec![
            subnet("192.168.110.0/24", None),
            subnet("192.168.112.0/24", Some("192.168.112.1")),
            subnet("2001:db8:abc6::/64", None),
        ])
    }

    fn macnet32() -> Network {
        network(vec![SubnetSpec {
            ip_range: Some(AddressRange { first: ip("192.168.32.128"), last: ip("192.168.32.255") }),
            aux_addresses: vec![AuxAddress { name: "my-router".into(), address: ip("192.168.32.129") }],
            ..subnet("192.168.32.0/24", Some("192.168.32.254"))
        }])
    }

    fn store() -> (TempDir, LeaseDirectory) {
        let run = tempfile::tempdir().unwrap();
        let store = LeaseDirectory::open(run.path()).unwrap();
        (run, store)
    }

    fn texts(leases: &[Lease]) -> Vec<String> {
        leases.iter().map(|lease| format!("{} of {}", lease.address, lease.subnet)).collect()
    }

    fn all_held(store: &LeaseDirectory) -> Vec<(IpAddr, String)> {
        EVERYWHERE.iter().flat_map(|range| store.held(*range).unwrap()).collect()
    }

    #[test]
    fn one_address_a_family_or_exactly_what_was_asked_for() {
        let (_run, store) = store();
        let net = ipnet110();
        let mut cookie = 0;
        let mut take = |requested: &[&str]| {
            cookie += 1;
            let requested: Vec<_> = requested.iter().map(|text| ip(text)).collect();
            texts(&lease(&net, &requested, &[], &owner(cookie), &store).unwrap())
        };
        assert_eq!(take(&[]), ["192.168.110.1/24 of 0", "2001:db8:abc6::1/64 of 2"]);
        assert_eq!(take(&["2001:db8:abc6::10"]), ["192.168.110.2/24 of 0", "2001:db8:abc6::10/64 of 2"]);
        assert_eq!(take(&["192.168.112.30"]), ["192.168.112.30/24 of 1", "2001:db8:abc6::2/64 of 2"]);
        assert_eq!(
            take(&["2001:db8:abc6::50", "192.168.112.50", "192.168.110.50", "192.168.112.50"]),
            ["192.168.112.50/24 of 1", "192.168.110.50/24 of 0", "2001:db8:abc6::50/64 of 2"]
        );
    }

    #[test]
    fn a_network_without_subnets_gives_nothing_and_says_so_if_asked() {
        let (_run, store) = store();
        assert_eq!(lease(&network(vec![]), &[], &[], &owner(1), &store).unwrap(), []);
        let error = lease(&network(vec![]), &[ip("10.0.0.1")], &[], &owner(1), &store).unwrap_err();
        assert_eq!(
            error.to_string(),
            "network `lan` cannot give what was asked for: 10.0.0.1 is in none of its subnets (it has none: layer 2 only)"
        );
    }

    #[test]
    fn all_refusals_come_at_once_and_nothing_stays_leased() {
        let (_run, store) = store();
        store.claim(ip("192.168.112.7"), &owner(9)).unwrap();
        let requested =
            ["192.168.110.5", "2001:db8:abc2::51", "192.168.112.1", "192.168.112.7", "192.168.110.9"];
        let error =
            lease(&ipnet110(), &requested.map(ip), &[ip("192.168.110.9")], &owner(1), &store).unwrap_err();
        assert_eq!(
            error.to_string(),
            "network `lan` cannot give what was asked for: \
             2001:db8:abc2::51 is in none of its subnets (192.168.110.0/24, 192.168.112.0/24, 2001:db8:abc6::/64); \
             192.168.112.1 is not to be had: it is the gateway's; \
             192.168.112.7 is taken by node/9/lan/eth0; \
             192.168.110.9 is not to be had: this host has it on the parent"
        );
        assert_eq!(all_held(&store), [(ip("192.168.112.7"), owner(9).to_string())]);
    }

    #[test]
    fn a_failed_call_leaves_what_an_earlier_one_claimed() {
        let (_run, store) = store();
        let first = lease(&ipnet110(), &[ip("192.168.110.5")], &[], &owner(1), &store).unwrap();
        let before = all_held(&store);
        assert_eq!(before.len(), first.len());
        let asked = [ip("192.168.110.5"), ip("192.168.110.6"), ip("10.0.0.1")];
        lease(&ipnet110(), &asked, &[], &owner(1), &store).unwrap_err();
        assert_eq!(all_held(&store), before);
    }

    #[test]
    fn an_address_set_free_comes_back_last() {
        let (_run, store) = store();
        let net = network(vec![subnet("10.0.0.0/29", None)]);
        let take = |cookie| lease(&net, &[], &[], &owner(cookie), &store).unwrap()[0].address.ip();
        assert_eq!([take(1), take(2)], [ip("10.0.0.1"), ip("10.0.0.2")]);
        assert!(release(&[ip("10.0.0.1")], &owner(1), &store).is_empty());
        let rest: Vec<_> = (3..8).map(take).collect();
        assert_eq!(rest, ["10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.1"].map(ip));
    }

    #[test]
    fn an_exhausted_range_says_how_full_it_is_and_another_subnet_steps_in() {
        let (_run, store) = store();
        let mut net = macnet32();
        for cookie in 0..125 {
            lease(&net, &[], &[], &owner(cookie), &store).unwrap();
        }
        let error = lease(&net, &[], &[], &owner(125), &store).unwrap_err();
        assert_eq!(
            error.to_string(),
            "network `lan` has no free IPv4 address: 125 of 125 in use in 192.168.32.128 to 192.168.32.255; \
             `underlay network inspect lan` shows who has them"
        );
        net.subnets.push(subnet("10.0.0.0/30", None));
        assert_eq!(texts(&lease(&net, &[], &[], &owner(125), &store).unwrap()), ["10.0.0.1/30 of 1"]);

        let nothing = network(vec![subnet("10.9.0.0/32", Some("10.9.0.0"))]);
        let error = lease(&nothing, &[], &[], &owner(1), &store).unwrap_err();
        assert!(error.to_string().contains("nothing in 10.9.0.0 to 10.9.0.0 is left to give"), "{error}");
    }

    #[test]
    fn a_lost_cursor_finds_the_free_address_behind_a_block_of_leases() {
        let (run, store) = store();
        let net = network(vec![subnet("10.0.0.0/16", None)]);
        for cookie in 0..1000 {
            lease(&net, &[], &[], &owner(cookie), &store).unwrap();
        }
        std::fs::remove_file(run.path().join("cursors/lan@10.0.0.0_16")).unwrap();
        assert_eq!(texts(&lease(&net, &[], &[], &owner(1000), &store).unwrap()), ["10.0.3.233/16 of 0"]);
    }

    #[test]
    fn releasing_goes_on_to_the_end_and_takes_nothing_from_others() {
        let (run, store) = store();
        std::fs::write(run.path().join("leases/10.0.0.1"), "").unwrap();
        store.claim(ip("10.0.0.2"), &owner(2)).unwrap();
        store.claim(ip("10.0.0.4"), &owner(1)).unwrap();
        let addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"].map(ip);
        let errors = release(&addresses, &owner(1), &store);
        assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), ["cannot release 10.0.0.1"]);
        std::fs::remove_file(run.path().join("leases/10.0.0.1")).unwrap();
        assert_eq!(all_held(&store), [(ip("10.0.0.2"), owner(2).to_string())]);
    }

    const RACERS: u64 = 8;

    /// Each racer has a store of its own, as each hook has, and claims until nothing is left.
    fn race(run: &Path, net: &Network, most: usize) -> Vec<IpAddr> {
        thread::scope(|scope| {
            let racers: Vec<_> = (0..RACERS)
                .map(|racer| {
                    scope.spawn(move || {
                        let store = LeaseDirectory::open(run).unwrap();
                        let mut won = vec![];
                        while won.len() < most {
                            let owner = owner(racer << 32 | won.len() as u64);
                            match lease(net, &[], &[], &owner, &store) {
                                Ok(leases) => won.push(leases[0].address.ip()),
                                Err(Error::Exhausted { .. }) => break,
                                Err(other) => panic!("{other}"),
                            }
                        }
                        won
                    })
                })
                .collect();
            racers.into_iter().flat_map(|racer| racer.join().unwrap()).collect()
        })
    }

    #[test]
    fn racers_never_get_the_same_address_and_together_get_all() {
        let (run, store) = store();
        let net = network(vec![subnet("10.0.0.0/20", Some("10.0.0.1"))]);
        let won = race(run.path(), &net, usize::MAX);
        assert_eq!(won.len(), 4093);
        assert_eq!(won.iter().collect::<HashSet<_>>().len(), 4093);
        assert_eq!(all_held(&store).len(), 4093);
    }

    #[test]
    fn racers_that_come_and_go_never_hold_an_address_together() {
        let (run, store) = store();
        let run = run.path();
        let net = network(vec![subnet("10.0.0.0/28", None)]);
        let holders = std::sync::Mutex::new(HashSet::new());
        thread::scope(|scope| {
            for racer in 0..RACERS {
                let (net, holders) = (&net, &holders);
                scope.spawn(move || {
                    let store = LeaseDirectory::open(run).unwrap();
                    for turn in 0..500 {
                        let owner = owner(racer << 32 | turn);
                        // Those that run ahead may hold every address in the moment in which this one tries
                        // it.
                        let leases = loop {
                            match lease(net, &[], &[], &owner, &store) {
                                Err(Error::Exhausted { .. }) => thread::yield_now(),
                                other => break other.unwrap(),
                            }
                        };
                        let address = leases[0].address.ip();
                        assert!(holders.lock().unwrap().insert(address), "{address} was given twice");
                        thread::yield_now();
                        assert!(holders.lock().unwrap().remove(&address));
                        assert!(release(&[address], &owner, &store).is_empty());
                    }
                });
            }
        });
        assert_eq!(all_held(&store), []);
    }
}
