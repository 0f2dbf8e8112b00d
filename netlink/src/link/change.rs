//! Making, changing and deleting links.

use std::{fmt, os::fd::AsRawFd};

use nix::errno::Errno;
use rtnetlink::{
    LinkMessageBuilder, LinkUnspec,
    packet_core::{DefaultNla, Emitable, NLM_F_CREATE, NLM_F_EXCL},
    packet_route::link::{AfSpecInet, AfSpecUnspec, LinkAttribute},
};

use crate::{
    error::{Error, Result},
    link::{Driver, NewLink, Removal},
    socket::Socket,
};

/// `IFLA_INET_CONF`: attributes whose types are the settings' numbers (`net/ipv4/devinet.c`).
const INET_CONF: u16 = 1;
/// `IPV4_DEVCONF_ARP_NOTIFY` of `include/uapi/linux/ip.h`.
const ARP_NOTIFY: u16 = 22;

impl Socket {
    /// Makes a link, down. Fails if one of this name exists in the namespace where it is to be.
    ///
    /// Older kernels refuse (`is_exists`) a link for another namespace also if the socket's own
    /// has one of that name.
    pub fn create(&self, new: &NewLink<'_>) -> Result<()> {
        let mut message = new.kind.message(new.name);
        message.attributes.extend(new.mac.map(|mac| LinkAttribute::Address(mac.to_vec())));
        message.attributes.extend(new.mtu.map(LinkAttribute::Mtu));
        message.attributes.extend(new.namespace.map(|fd| LinkAttribute::NetNsFd(fd.as_raw_fd())));
        self.request(
            format_args!("create {} link {}", new.kind.driver().name(), new.name),
            libc::RTM_NEWLINK,
            &message,
            NLM_F_CREATE | NLM_F_EXCL,
        )
        .map(drop)
        .map_err(|error| call_busy(explain(error, new.kind.driver().module()), new.kind.driver()))
    }

    /// Brings a link up and, in the same message, writes its alias (at most 255 bytes), if one is given.
    pub fn set_up(&self, index: u32, alias: Option<&str>) -> Result<()> {
        let mut request = LinkUnspec::new_with_index(index).up();
        if let Some(alias) = alias {
            request = request.alias(alias);
        }
        self.change(format_args!("bring up link {index}"), request)
    }

    /// Has a link announce its IPv4 addresses when it comes up, or not: `net.ipv4.conf.IF.arp_notify`. In a message
    /// before the one that brings it up, which the kernel would do first (`do_setlink`).
    pub fn set_arp_notify(&self, index: u32, value: bool) -> Result<()> {
        let link = LinkUnspec::new_with_index(index).append_extra_attribute(arp_notify(value));
        self.change(format_args!("set arp_notify of link {index} to {}", u32::from(value)), link)
    }

    /// Writes a link's alias, at most 255 bytes; an empty one removes it.
    pub fn set_alias(&self, index: u32, alias: &str) -> Result<()> {
        self.change(
            format_args!("set the alias of link {index}"),
            LinkUnspec::new_with_index(index).alias(alias),
        )
    }

    /// Gives a link another Ethernet address.
    pub fn set_mac(&self, index: u32, mac: [u8; 6]) -> Result<()> {
        self.change(
            format_args!("set the mac of link {index}"),
            LinkUnspec::new_with_index(index).address(mac.to_vec()),
        )
    }

    /// Renames a link. Kernels before 6.2 do that only while it is down.
    pub fn rename(&self, index: u32, name: &str) -> Result<()> {
        self.change(
            format_args!("rename link {index} to {name}"),
            LinkUnspec::new_with_index(index).name(name),
        )
    }

    /// Deletes a link, and with it its addresses, its routes and the links that stand on it. The kernel
    /// returns after a grace period of some 20 ms.
    pub fn delete(&self, index: u32) -> Result<()> {
        let message = LinkUnspec::new_with_index(index).build();
        self.request(format_args!("delete link {index}"), libc::RTM_DELLINK, &message, 0).map(drop)
    }

    /// Deletes a link of another namespace, by the number of the namespace as in [`Socket::link_in`].
    pub fn delete_in(&self, nsid: i32, index: u32) -> Result<Removal> {
        let message =
            LinkUnspec::new_with_index(index).append_extra_attribute(LinkAttribute::IfNetnsId(nsid)).build();
        let operation = format_args!("delete link {index} of namespace {nsid}");
        match self.request(operation, libc::RTM_DELLINK, &message, 0) {
            Ok(_) => Ok(Removal::Removed),
            Err(error) if error.is_missing() => Ok(Removal::NoLink),
            Err(error) if error.is_unknown_namespace() => Ok(Removal::NoNamespace),
            Err(error) => Err(error),
        }
    }

    fn change(&self, operation: fmt::Arguments<'_>, request: LinkMessageBuilder<LinkUnspec>) -> Result<()> {
        self.request(operation, libc::RTM_SETLINK, &request.build(), 0).map(drop)
    }
}

/// Written out, since the library's own for a request leaves out the settings that are to be zero.
fn arp_notify(value: bool) -> LinkAttribute {
    let mut setting = vec![0; 8];
    DefaultNla::new(ARP_NOTIFY, u32::from(value).to_ne_bytes().to_vec()).emit(&mut setting);
    let settings = AfSpecInet::Other(DefaultNla::new(INET_CONF, setting));
    LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet(vec![settings])])
}

/// The kernel names no driver when it says that it has none; other EOPNOTSUPP, such as a parent that can
/// carry no VLAN, come with another text.
pub(super) fn explain(error: Error, module: &'static str) -> Error {
    match error {
        Error::Refused { operation, errno: Errno::EOPNOTSUPP, kernel }
            if kernel.as_deref().is_none_or(|text| text.contains("Unknown device type")) =>
        {
            Error::NoDriver { operation, module }
        }
        other => other,
    }
}

/// A parent that a passthru link has, or is to have, for itself is called invalid rather than busy
/// (`macvlan_common_newlink` in drivers/net/macvlan.c); what is really invalid comes with a text.
fn call_busy(error: Error, driver: Driver) -> Error {
    match error {
        Error::Refused { operation, errno: Errno::EINVAL, kernel: None } if driver == Driver::Macvlan => {
            Error::Refused { operation, errno: Errno::EBUSY, kernel: None }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsupported(kernel: Option<&str>) -> Error {
        let operation = "create vlan link eth0.50".to_owned();
        Error::Refused { operation, errno: Errno::EOPNOTSUPP, kernel: kernel.map(Into::into) }
    }

    #[test]
    fn a_setting_is_four_attributes_deep_and_may_be_zero() {
        for value in [false, true] {
            let attribute = arp_notify(value);
            let mut bytes = vec![0; attribute.buffer_len()];
            attribute.emit(&mut bytes);
            let expected =
                [[20, 26], [16, 2], [12, INET_CONF], [8, ARP_NOTIFY], [u16::from(value), 0]].concat();
            let expected: Vec<u8> = expected.into_iter().flat_map(u16::to_ne_bytes).collect();
            assert_eq!(bytes, expected);
        }
    }

    #[test]
    fn an_unknown_device_type_names_the_module_and_another_refusal_stays() {
        for kernel in [None, Some("Unknown device type")] {
            assert!(matches!(explain(unsupported(kernel), "8021q"), Error::NoDriver { module: "8021q", .. }));
        }
        let refused = explain(unsupported(Some("VLANs not supported on device")), "8021q");
        assert!(matches!(refused, Error::Refused { errno: Errno::EOPNOTSUPP, .. }), "{refused}");
    }

    #[test]
    fn a_parent_that_a_passthru_link_has_is_busy() {
        let invalid = |kernel: Option<&str>| Error::Refused {
            operation: "create macvlan link eth0".to_owned(),
            errno: Errno::EINVAL,
            kernel: kernel.map(Into::into),
        };
        assert!(call_busy(invalid(None), Driver::Macvlan).is_busy());
        assert!(!call_busy(invalid(None), Driver::Ipvlan).is_busy());
        assert!(!call_busy(invalid(Some("mtu greater than device maximum")), Driver::Macvlan).is_busy());
    }
}
