//! Whether the kernel has a driver.

use rtnetlink::{
    LinkMessageBuilder, LinkUnspec,
    packet_core::{NLM_F_CREATE, NLM_F_EXCL},
    packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage},
};

use crate::{
    error::{Error, Result},
    link::{change, dummy, ipvlan, macvlan, vlan},
    socket::Socket,
};

/// A driver of links that can be made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Driver {
    /// macvlan.
    Macvlan,
    /// ipvlan.
    Ipvlan,
    /// 802.1Q sub-interfaces.
    Vlan,
    /// dummy.
    Dummy,
}

impl Driver {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Macvlan, Self::Ipvlan, Self::Vlan, Self::Dummy];

    /// The name under which the kernel registers it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Macvlan => macvlan::DRIVER,
            Self::Ipvlan => ipvlan::DRIVER,
            Self::Vlan => vlan::DRIVER,
            Self::Dummy => dummy::DRIVER,
        }
    }

    /// The module that has it.
    #[must_use]
    pub const fn module(self) -> &'static str {
        match self {
            Self::Vlan => vlan::MODULE,
            _ => self.name(),
        }
    }
}

impl Socket {
    /// Whether the kernel can make links of a driver. It loads the driver's module if need be, as for a link
    /// that is really made.
    ///
    /// The kernel is asked for a link that no driver makes, so none is made whatever the answer: the driver
    /// is looked for first (`rtnl_newlink`), and refuses what it is given next.
    pub fn has_driver(&self, driver: Driver) -> Result<bool> {
        let operation = format_args!("ask for the driver {}", driver.name());
        let answer = self
            .request(operation, libc::RTM_NEWLINK, &impossible(driver), NLM_F_CREATE | NLM_F_EXCL)
            .map(drop);
        match answer.map_err(|error| change::explain(error, driver.module())) {
            Err(Error::NoDriver { .. }) => Ok(false),
            Err(error) if error.is_invalid() => Ok(true),
            Err(error) => Err(error),
            Ok(()) => {
                Err(Error::Malformed { operation: operation.to_string(), what: "it made an impossible link" })
            }
        }
    }
}

/// dummy and macvlan refuse a group's Ethernet address (`dummy_validate`, `macvlan_validate`), vlan a link
/// without VLAN (`vlan_validate`), and ipvlan, like macvlan, one that stands on no other (`ipvlan_link_new`).
fn impossible(driver: Driver) -> LinkMessage {
    let kind = LinkInfo::Kind(InfoKind::Other(driver.name().to_owned()));
    LinkMessageBuilder::<LinkUnspec>::default()
        .name("underlay-none".to_owned())
        .address(vec![1, 0, 0, 0, 0, 0])
        .append_extra_attribute(LinkAttribute::LinkInfo(vec![kind]))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stands_on_no_link_and_has_an_address_that_none_can_have() {
        for driver in Driver::ALL {
            let attributes = impossible(driver).attributes;
            assert!(!attributes.iter().any(|attribute| matches!(attribute, LinkAttribute::Link(_))));
            assert!(attributes.contains(&LinkAttribute::Address(vec![1, 0, 0, 0, 0, 0])));
            let kind = InfoKind::Other(driver.name().to_owned());
            assert!(attributes.contains(&LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)])), "no data");
        }
    }
}
