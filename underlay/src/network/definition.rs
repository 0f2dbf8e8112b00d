//! A network as a value: whatever is in here has been checked (see `file`), so nothing later has to.

use std::{collections::BTreeMap, net::IpAddr};

use ipnetwork::IpNetwork;
use plan::{IfName, IpvlanFlag, IpvlanMode, LinkKind, MacvlanMode, RouteKind};

use super::{Access, NetworkName};

/// One network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name, which is also its file's.
    pub name: NetworkName,
    /// Driver, mode and flag.
    pub driver: DriverMode,
    /// What its links hang on.
    pub parent: ParentSpec,
    /// For how many seconds an attach waits for a parent that is not there; none: it fails at once. Never
    /// given with a dummy, which is made at once.
    pub parent_wait: Option<u32>,
    /// No default route, whatever gateway is named.
    pub internal: bool,
    /// IPv6 is enabled on the interface: always when there is an IPv6 subnet.
    pub ipv6: bool,
    /// Bytes; the parent's if not given. 68 (the least for IPv4, RFC 791; 1280 with IPv6, RFC 8200) to 65535.
    pub mtu: Option<u32>,
    /// In declared order; none means a network without addresses (layer 2 only).
    pub subnets: Vec<SubnetSpec>,
    /// Routes besides the connected and the default ones.
    pub routes: Vec<NetworkRoute>,
    /// Whether its gateways may become default routes; true unless the administrator said no.
    pub default_route: bool,
    /// Metric of the default routes.
    pub metric: Option<u32>,
    /// Name servers and search domains, kept for those who write `resolv.conf`.
    pub dns: Dns,
    /// Who may ask for it, and for what.
    pub access: Access,
    /// The administrator's own words.
    pub labels: BTreeMap<String, String>,
}

/// Driver, mode and flag of a network's links.
pub type DriverMode = LinkKind;

/// What the links of a network hang on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParentSpec {
    /// A dummy of our own, one for each network: the network is isolated.
    Dummy,
    /// A link of the host as it stands.
    Link(IfName),
    /// The link of the host's default route, looked for at each attach: of the IPv6 one if the network has
    /// IPv6 subnets alone, else of the IPv4 one. Written `auto`, which therefore names no link.
    DefaultRoute,
    /// The 802.1Q sub-interface `parent.vlan`, made if it is not there.
    Vlan {
        /// The link that carries the tagged frames.
        parent: IfName,
        /// The tag.
        vlan: VlanId,
    },
}

/// An 802.1Q VLAN identifier, 1 to 4094 (IEEE 802.1Q, 9.6: 0 is priority only, 4095 reserved).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanId(u16);

impl VlanId {
    /// None if the number is no VLAN identifier.
    #[must_use]
    pub const fn new(id: u16) -> Option<Self> {
        if id >= 1 && id <= 4094 { Some(Self(id)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A subnet and what is handed out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetSpec {
    /// The prefix; its host bits are zero.
    pub subnet: IpNetwork,
    /// The router, inside the subnet.
    pub gateway: Option<Gateway>,
    /// What addresses are chosen from; the whole subnet if not given.
    pub ip_range: Option<AddressRange>,
    /// Addresses that are taken already, by name.
    pub aux_addresses: Vec<AuxAddress>,
}

/// A router's address.
pub type Gateway = IpAddr;

/// First and last address, both included, of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    /// The lowest.
    pub first: IpAddr,
    /// The highest.
    pub last: IpAddr,
}

/// An address that is never handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuxAddress {
    /// Whose it is, in the administrator's words.
    pub name: String,
    /// The address, inside the subnet.
    pub address: IpAddr,
}

/// A route that every container on the network gets, if it has an address of the route's family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkRoute {
    /// What it does.
    pub kind: RouteKind,
    /// Destination prefix, host bits zero.
    pub destination: IpNetwork,
    /// Next hop of the same family; none means on the link itself. Never given unless the kind is unicast.
    pub gateway: Option<IpAddr>,
    /// Metric; the kernel's default if not given.
    pub metric: Option<u32>,
}

/// For `resolv.conf`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dns {
    /// Name servers in the order of preference.
    pub servers: Vec<IpAddr>,
    /// Search domains.
    pub search: Vec<String>,
}

impl Network {
    /// Whether its links work on layer 3 (ipvlan l3 and l3s), where there is neither ARP nor a gateway.
    #[must_use]
    pub const fn is_layer3(&self) -> bool {
        matches!(self.driver, LinkKind::Ipvlan { mode: IpvlanMode::L3 | IpvlanMode::L3s, .. })
    }

    /// Whether its links may lead out at all: a dummy parent leads nowhere.
    #[must_use]
    pub const fn leads_out(&self) -> bool {
        !self.internal && !matches!(self.parent, ParentSpec::Dummy)
    }

    /// Whether it is of IPv6 alone.
    #[must_use]
    pub fn is_ipv6_only(&self) -> bool {
        !self.subnets.is_empty() && self.subnets.iter().all(|spec| spec.subnet.is_ipv6())
    }

    /// Whether one container at a time owns the parent.
    #[must_use]
    pub const fn is_passthru(&self) -> bool {
        matches!(self.driver, LinkKind::Macvlan { mode: MacvlanMode::Passthru })
    }

    /// Mode and flag which all ipvlan links of one parent must share; none for macvlan.
    #[must_use]
    pub const fn ipvlan_port(&self) -> Option<(IpvlanMode, IpvlanFlag)> {
        match self.driver {
            LinkKind::Ipvlan { mode, flag } => Some((mode, flag)),
            LinkKind::Macvlan { .. } => None,
        }
    }
}
