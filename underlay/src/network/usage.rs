//! How much of a network is leased, and who has it.

use std::{collections::BTreeMap, net::IpAddr};

use ipnetwork::IpNetwork;
use plan::IfName;
use thiserror::Error;

use super::{AddressRange, Network, SubnetSpec};
use crate::{
    attachment::ledger::{self, Ledger},
    container::ContainerId,
    ipam::{DirectoryError, LeaseDirectory, LeaseStore, Owner, Pool, StoreError},
    layout::Layout,
};

/// What is leased of one subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetUsage {
    /// The subnet.
    pub subnet: IpNetwork,
    /// What addresses are chosen from.
    pub range: AddressRange,
    /// How many addresses the range has, less those that are set apart in the definition.
    pub capacity: u128,
    /// How many of them are leased, by whichever network.
    pub leased: usize,
    /// The addresses of the subnet that this network's containers have; some may lie outside the range.
    pub holders: BTreeMap<IpAddr, Holder>,
}

/// Who has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// In whose name it is leased.
    pub owner: Owner,
    /// The interface that has it.
    pub interface: IfName,
    /// The containers that share the interface. None while it is being made, if its record cannot be read,
    /// and if whoever leased it was killed: then gc takes the lease.
    pub containers: Vec<ContainerId>,
}

/// Why the leases cannot be told.
#[derive(Debug, Error)]
pub enum Error {
    /// Their directory.
    #[error("cannot open the leases")]
    Open(#[from] DirectoryError),
    /// Reading it.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// The records.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

/// What is on disk about leases.
struct Books {
    leases: LeaseDirectory,
    ledger: Ledger,
}

/// What is leased of each subnet of the network. Before the first attach after a boot there is no run
/// directory, and nothing is leased.
pub fn usage(layout: &Layout, network: &Network) -> Result<Vec<SubnetUsage>, Error> {
    let books = if layout.run.is_dir() {
        Some(Books { leases: LeaseDirectory::open(&layout.run)?, ledger: Ledger::open(layout)? })
    } else {
        None
    };
    network.subnets.iter().map(|spec| Ok(of_subnet(network, spec, books.as_ref())?)).collect()
}

fn of_subnet(network: &Network, spec: &SubnetSpec, books: Option<&Books>) -> Result<SubnetUsage, StoreError> {
    let subnet = spec.subnet;
    let pool = Pool::new(spec, &[]);
    let mut usage = SubnetUsage {
        subnet,
        range: pool.range(),
        capacity: pool.capacity(),
        leased: 0,
        holders: BTreeMap::new(),
    };
    let Some(books) = books else { return Ok(usage) };
    let whole = AddressRange { first: subnet.network(), last: subnet.broadcast() };
    for (address, owner) in books.leases.held(whole)? {
        usage.leased += usize::from(pool.offers(address));
        if let Some(owner) = owner.parse::<Owner>().ok().filter(|owner| owner.network == network.name) {
            usage.holders.insert(address, holder(owner, &books.ledger));
        }
    }
    Ok(usage)
}

fn holder(owner: Owner, ledger: &Ledger) -> Holder {
    let record = ledger.look(owner.cookie).ok().flatten();
    let attachments = record.into_iter().flat_map(|record| record.attachments);
    let users =
        attachments.filter(|attachment| attachment.owner == owner).flat_map(|attachment| attachment.users);
    Holder {
        interface: owner.interface.clone(),
        containers: users.map(|user| user.container).collect(),
        owner,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{
        attachment::record::{Attachment, NamespaceId, Record, State},
        container::UserKey,
        namespace::Inode,
        network::file,
    };

    fn lan() -> Network {
        let text = br#"{"driver": "macvlan", "parent": "eth0",
            "subnets": [{"subnet": "10.0.0.0/24", "gateway": "10.0.0.1", "ip_range": "10.0.0.0/28"}]}"#;
        file::parse(text, &"lan".parse().unwrap()).unwrap().network
    }

    fn layout(run: &std::path::Path) -> Layout {
        Layout { run: run.to_owned(), ..Layout::default() }
    }

    /// As it is on disk, with no more than has to be there.
    fn attachment(owner: &Owner, user: &str) -> Attachment {
        let user = UserKey::new(user.parse().unwrap(), "");
        let text = serde_json::json!({
            "network": owner.network, "interface": owner.interface, "kind": lan().driver, "parent": "eth0",
            "parent_index": 2, "addresses": [], "owner": owner, "alias": "", "linkless_routes": [],
            "state": State::Attached, "users": [user], "since": 0,
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn before_the_first_attach_nothing_is_leased_and_nothing_is_made() {
        let run = tempfile::tempdir().unwrap();
        let path = run.path().join("none");
        let usage = usage(&layout(&path), &lan()).unwrap();
        assert_eq!((usage[0].capacity, usage[0].leased), (14, 0));
        assert!(!path.exists());
    }

    #[test]
    fn what_is_leased_is_counted_and_ours_is_told_with_its_containers() {
        let run = tempfile::tempdir().unwrap();
        let layout = layout(run.path());
        let store = LeaseDirectory::open(run.path()).unwrap();
        let owner = |text: &str| text.parse::<Owner>().unwrap();
        let (ours, lost, others) =
            (owner("host/7/lan/eth1"), owner("host/8/lan/eth0"), owner("host/9/wan/eth0"));
        for (address, owner) in [("10.0.0.2", &ours), ("10.0.0.3", &others), ("10.0.0.99", &lost)] {
            store.claim(address.parse().unwrap(), owner).unwrap();
        }
        let file = Inode { device: 4, inode: 7 };
        let mut record =
            Record::new(NamespaceId { cookie: 7, boot: String::new(), host: 1, nsid: 7, file, path: None });
        record.attachments = vec![attachment(&ours, "web"), attachment(&owner("host/7/lan/eth2"), "other")];
        let deadline = Instant::now() + Duration::from_secs(9);
        Ledger::open(&layout).unwrap().page(7, deadline).unwrap().write(&record).unwrap();

        let usage = usage(&layout, &lan()).unwrap().remove(0);
        assert_eq!(usage.leased, 2, "the third is outside the range");
        let told: Vec<_> = usage
            .holders
            .iter()
            .map(|(address, holder)| {
                let containers: Vec<_> = holder.containers.iter().map(ToString::to_string).collect();
                format!("{address} {} {}", holder.interface, containers.join(","))
            })
            .collect();
        assert_eq!(told, ["10.0.0.2 eth1 web", "10.0.0.99 eth0 "]);
    }
}
