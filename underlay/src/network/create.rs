//! A new network: compared with the host and the other networks, completed, written.

mod batch;

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
};

pub use batch::{Batch, Draft, create_all, rehearse};
use ipnetwork::IpNetwork;
use plan::IfName;
use thiserror::Error;

use super::{
    Catalog, CatalogError, Network, NetworkName, ParentSpec, SubnetSpec, VlanId,
    catalog::Listing,
    conflict::{self, Conflict},
    default_pool,
};
use crate::parent::{Host, HostLink};

/// `ETH_DATA_LEN`: what a dummy has when it is made, and no link on it can have more.
const DUMMY_MTU: u32 = 1500;

/// For which families a subnet is to be chosen, because the administrator named none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choose {
    /// An IPv4 subnet.
    pub ipv4: bool,
    /// An IPv6 subnet.
    pub ipv6: bool,
}

/// A network that was written.
#[derive(Debug)]
pub struct Created {
    /// With the subnets that were chosen for it.
    pub network: Network,
    /// Definitions of other networks that could not be read, and with which it was therefore not compared.
    pub unread: Vec<CatalogError>,
}

/// Why a network was not created; nothing was written.
#[derive(Debug, Error)]
pub enum Error {
    /// It does not fit.
    #[error("network `{network}` cannot be created")]
    Refused {
        /// Which.
        network: NetworkName,
        /// All reasons.
        source: Refusals,
    },
    /// The directory.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// All reasons why a network does not fit; never empty.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusals(Vec<Refusal>);

impl Refusals {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &Refusal> {
        self.0.iter()
    }
}

impl IntoIterator for Refusals {
    type Item = Refusal;
    type IntoIter = std::vec::IntoIter<Refusal>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl std::error::Error for Refusals {}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&reasons.join("; "))
    }
}

/// Why a network does not fit.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// Its name is taken.
    #[error("there is a network `{0}` already; remove it first or choose another name")]
    Exists(NetworkName),
    /// Another network is in the way.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The link that it names is not there. Only what is needed for a sub-interface of ours is asked for
    /// here.
    #[error("there is no link `{parent}` on this host; there are {}", .links.join(", "))]
    NoParent {
        /// What it names.
        parent: IfName,
        /// The names that there are, loopback left out.
        links: Vec<String>,
    },
    /// Loopback by another name.
    #[error("`{0}` is a loopback link, which carries no macvlan or ipvlan links")]
    Loopback(IfName),
    /// A link that goes away with the networks it was made for, and at the latest with the next boot.
    #[error(
        "`{0}` was made for another network and goes with it; name the link below it, and the VLAN if it is one"
    )]
    Ours(IfName),
    /// A port of a bridge, a bond or the like.
    #[error("`{parent}` is a port of {master} and carries no other links; name {master} as the parent")]
    Port {
        /// What it names.
        parent: String,
        /// The bridge or bond.
        master: String,
    },
    /// More than the parent's: the kernel refuses it (`macvlan_change_mtu`, `ipvlan_link_new`).
    #[error(
        "mtu {mtu} is more than that of its parent {parent} ({limit}); raise the parent's or lower this one"
    )]
    Mtu {
        /// What it says.
        mtu: u32,
        /// Its parent.
        parent: String,
        /// The parent's.
        limit: u32,
    },
    /// All default pools overlap something.
    #[error(
        "no subnet can be chosen: all of 172.17.0.0/16 to 172.31.0.0/16 and of 192.168.0.0/16 are in use here; name one"
    )]
    NoPool,
}

/// Creates a network, if it fits beside the other networks and on this host.
///
/// Networks are created one at a time, so two that exclude each other cannot both find that they fit.
pub fn create(catalog: &Catalog, network: Network, choose: Choose, host: &Host) -> Result<Created, Error> {
    let _exclusive = catalog.exclusive()?;
    let Listing { networks, broken } = catalog.all()?;
    let others: Vec<Network> = networks.into_iter().map(|checked| checked.network).collect();
    let network = fit(network, choose, &others, host)?;
    catalog.create(&network)?;
    Ok(Created { network, unread: broken })
}

/// The network with the subnets that it lacks, if nothing speaks against it.
fn fit(network: Network, choose: Choose, others: &[Network], host: &Host) -> Result<Network, Error> {
    let (network, mut refusals) = complete(network, choose, others, host);
    if others.iter().any(|other| other.name == network.name) {
        refusals.push(Refusal::Exists(network.name.clone()));
    }
    refusals.extend(conflict::conflicts(&network, others).into_iter().map(Refusal::from));
    refusals.extend(parent_refusals(&network, host));
    if refusals.is_empty() {
        Ok(network)
    } else {
        Err(Error::Refused { network: network.name, source: Refusals(refusals) })
    }
}

/// The network with the subnets that it lacks.
fn complete(
    mut network: Network,
    choose: Choose,
    others: &[Network],
    host: &Host,
) -> (Network, Vec<Refusal>) {
    let mut refusals = Vec::new();
    let mut add = |subnet: Option<IpNetwork>| match subnet {
        Some(subnet) => network.subnets.push(SubnetSpec {
            subnet,
            gateway: None,
            ip_range: None,
            aux_addresses: Vec::new(),
        }),
        None => refusals.push(Refusal::NoPool),
    };
    if choose.ipv4 {
        add(default_pool::ipv4(&taken(others, host)));
    }
    if choose.ipv6 {
        add(default_pool::ipv6(random()));
    }
    network.ipv6 |= choose.ipv6;
    (network, refusals)
}

fn taken(others: &[Network], host: &Host) -> Vec<IpNetwork> {
    let subnets = others.iter().flat_map(|other| &other.subnets).map(|spec| spec.subnet);
    host.prefixes.iter().copied().chain(subnets).collect()
}

/// What the host's links have against the network. A parent that is to be waited for need not be there now.
fn parent_refusals(network: &Network, host: &Host) -> Vec<Refusal> {
    let mut refusals = link_refusals(network, host);
    refusals.retain(|refusal| network.parent_wait.is_none() || !matches!(refusal, Refusal::NoParent { .. }));
    refusals
}

fn link_refusals(network: &Network, host: &Host) -> Vec<Refusal> {
    match &network.parent {
        ParentSpec::Dummy => too_large(network, "a dummy", DUMMY_MTU).into_iter().collect(),
        // Which link it is, and what that has against it, shows at each attach.
        ParentSpec::DefaultRoute => Vec::new(),
        ParentSpec::Link(name) => as_it_stands(network, name, host),
        ParentSpec::Vlan { parent, vlan } => sub_interface(network, parent, *vlan, host),
    }
}

fn as_it_stands(network: &Network, name: &IfName, host: &Host) -> Vec<Refusal> {
    match named(name, host) {
        Err(refusal) => vec![refusal],
        Ok(link) if link.ours => vec![Refusal::Ours(name.clone())],
        Ok(link) => below(network, link),
    }
}

/// Only a sub-interface that is there already can refuse anything: that its parent is a port matters not, for
/// tagged frames are taken out before the receive handler sees them (`__netif_receive_skb_core`).
fn sub_interface(network: &Network, parent: &IfName, vlan: VlanId, host: &Host) -> Vec<Refusal> {
    let existing = host.link(&format!("{parent}.{}", vlan.get()));
    match (named(parent, host), existing) {
        (Err(refusal), _) => vec![refusal],
        (Ok(_), Some(link)) => below(network, link),
        (Ok(link), None) => too_large(network, &link.name, link.mtu).into_iter().collect(),
    }
}

fn named<'a>(name: &IfName, host: &'a Host) -> Result<&'a HostLink, Refusal> {
    match host.link(name.as_str()) {
        None => Err(Refusal::NoParent { parent: name.clone(), links: candidates(host) }),
        Some(link) if link.loopback => Err(Refusal::Loopback(name.clone())),
        Some(link) => Ok(link),
    }
}

/// What the link right below the network's own refuses.
fn below(network: &Network, link: &HostLink) -> Vec<Refusal> {
    let port = link.taken_by.clone().map(|master| Refusal::Port { parent: link.name.clone(), master });
    port.into_iter().chain(too_large(network, &link.name, link.mtu)).collect()
}

fn too_large(network: &Network, parent: &str, limit: u32) -> Option<Refusal> {
    let mtu = network.mtu.filter(|mtu| *mtu > limit)?;
    Some(Refusal::Mtu { mtu, parent: parent.to_owned(), limit })
}

fn candidates(host: &Host) -> Vec<String> {
    let is_candidate = |link: &&HostLink| !link.loopback;
    host.links.iter().filter(is_candidate).map(|link| link.name.clone()).collect()
}

/// 64 bits that nobody can foretell: the standard library keys its hash maps by getrandom(2).
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::{super::file, *};

    fn network(name: &str, fields: &str) -> Network {
        file::parse(format!("{{{fields}}}").as_bytes(), &name.parse().unwrap()).unwrap().network
    }

    fn host() -> Host {
        let link = |name: &str, mtu| HostLink {
            name: name.to_owned(),
            mtu,
            loopback: name == "lo",
            ours: name == "eth0.60",
            taken_by: (name == "eth1").then(|| "br0".to_owned()),
            addresses: Vec::new(),
        };
        Host {
            links: vec![
                link("lo", 65536),
                link("eth0", 1500),
                link("eth0.50", 1400),
                link("eth0.60", 1500),
                link("eth1", 1500),
            ],
            prefixes: vec!["172.17.0.1/16".parse().unwrap()],
            ..Host::default()
        }
    }

    fn refusals(catalog: &Catalog, network: Network) -> Vec<Refusal> {
        match create(catalog, network, Choose::default(), &host()) {
            Err(Error::Refused { source, .. }) => source.0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_network_that_fits_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::of(directory.path());
        let lan = network("lan", r#""driver": "macvlan", "parent": "eth0", "vlan": 7"#);
        create(&catalog, lan.clone(), Choose::default(), &host()).unwrap();
        assert_eq!(catalog.read(&lan.name).unwrap().network, lan);
    }

    #[test]
    fn all_that_speaks_against_a_network_is_said_at_once_and_nothing_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::of(directory.path());
        let subnet = r#""driver": "macvlan", "subnets": [{"subnet": "10.0.0.0/24"}]"#;
        catalog.create(&network("old", subnet)).unwrap();
        let new = format!(r#"{subnet}, "parent": "en0", "vlan": 10"#);
        let refused = refusals(&catalog, network("new", &new));
        assert!(
            matches!(refused.as_slice(), [Refusal::Conflict(_), Refusal::NoParent { .. }]),
            "{refused:?}"
        );
        assert_eq!(
            refused[1].to_string(),
            "there is no link `en0` on this host; there are eth0, eth0.50, eth0.60, eth1"
        );
        assert_eq!(catalog.names().unwrap().len(), 1);
        let waits = network("waits", r#""driver": "macvlan", "parent": "en0", "parent_wait": 5"#);
        create(&catalog, waits, Choose::default(), &host()).unwrap();
        let again = refusals(&catalog, network("old", subnet));
        assert!(matches!(again.as_slice(), [Refusal::Exists(_)]), "{again:?}");
    }

    #[test]
    fn the_mtu_is_at_most_that_of_the_link_right_below() {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::of(directory.path());
        let limit = |fields: &str| {
            let refused = refusals(&catalog, network("lan", &format!(r#""driver": "macvlan", {fields}"#)));
            match refused.as_slice() {
                [Refusal::Mtu { limit, .. }] => *limit,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(limit(r#""mtu": 1501, "parent": "eth0""#), 1500);
        assert_eq!(limit(r#""mtu": 1500, "parent": "eth0", "vlan": 50"#), 1400);
        assert_eq!(limit(r#""mtu": 9000, "parent": "eth0", "vlan": 51"#), 1500);
        assert_eq!(limit(r#""mtu": 1501"#), 1500);
    }

    #[test]
    fn a_parent_stays_and_has_room() {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::of(directory.path());
        let refused = |fields: &str| {
            let network = network("lan", &format!(r#""driver": "macvlan", {fields}"#));
            match create(&catalog, network.clone(), Choose::default(), &host()) {
                Err(Error::Refused { source, .. }) => source.0,
                Ok(_) => {
                    catalog.remove(&network.name).unwrap();
                    Vec::new()
                }
                Err(other) => panic!("{other}"),
            }
        };
        assert!(matches!(refused(r#""parent": "eth0.60""#).as_slice(), [Refusal::Ours(_)]));
        assert_eq!(refused(r#""parent": "eth0", "vlan": 60"#), [], "shared with the network it was made for");
        assert!(matches!(refused(r#""parent": "eth1""#).as_slice(), [Refusal::Port { .. }]));
        assert_eq!(refused(r#""parent": "eth1", "vlan": 60"#), []);
    }

    #[test]
    fn subnets_are_chosen_beside_the_hosts_and_the_others() {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::of(directory.path());
        let both = Choose { ipv4: true, ipv6: true };
        let subnets = |name: &str| {
            let created = create(&catalog, network(name, r#""driver": "ipvlan""#), both, &host()).unwrap();
            assert_eq!(catalog.read(&created.network.name).unwrap().network, created.network);
            created.network.subnets.iter().map(|spec| spec.subnet.to_string()).collect::<Vec<_>>()
        };
        let (first, second) = (subnets("a"), subnets("b"));
        assert_eq!((first[0].as_str(), second[0].as_str()), ("172.18.0.0/16", "172.19.0.0/16"));
        assert!(first[1].starts_with("fd") && first[1].ends_with("::/64"), "{first:?}");
        assert_ne!(first[1], second[1]);
    }

    #[test]
    fn of_networks_that_exclude_each_other_one_is_created_however_many_try_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::of(directory.path());
        let passthru = r#""driver": "macvlan", "mode": "passthru", "parent": "eth0""#;
        let try_one = |n: usize| {
            create(&catalog, network(&format!("net{n}"), passthru), Choose::default(), &host()).is_ok()
        };
        let created = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || try_one(n))).collect();
            threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum::<usize>()
        });
        assert_eq!(created, 1);
        assert_eq!(catalog.names().unwrap().len(), 1);
    }
}
