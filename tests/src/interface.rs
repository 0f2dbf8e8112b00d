//! Interfaces and routes as `ip -j` tells of them.

use std::fmt;

use serde_json::Value;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its index.
    pub index: u64,
    /// Index of the link that it hangs on, in that link's namespace.
    pub parent: Option<u64>,
    /// Its Ethernet address.
    pub mac: String,
    /// Bytes.
    pub mtu: u64,
    /// `IFF_UP` is set.
    pub up: bool,
    /// Its alias.
    pub alias: Option<String>,
    /// `macvlan`, `ipvlan`, `vlan`, `dummy`, `veth`...
    pub kind: String,
    /// What the kernel says of a link of this kind: the mode, the VLAN's number...
    pub data: Value,
    /// Addresses and prefix lengths, link-local ones left out, in the kernel's order.
    pub addresses: Vec<String>,
    /// It has a link-local IPv6 address, which it has not when IPv6 is off.
    pub link_local: bool,
}

impl Interface {
    pub(crate) fn of(link: &Value) -> Self {
        let addresses = || link["addr_info"].as_array().into_iter().flatten();
        Self {
            name: text(&link["ifname"]),
            index: link["ifindex"].as_u64().unwrap_or_default(),
            parent: link["link_index"].as_u64(),
            mac: text(&link["address"]),
            mtu: link["mtu"].as_u64().unwrap_or_default(),
            up: link["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == "UP")),
            alias: link["ifalias"].as_str().map(str::to_owned),
            kind: link.pointer("/linkinfo/info_kind").map(text).unwrap_or_default(),
            data: link.pointer("/linkinfo/info_data").cloned().unwrap_or_default(),
            addresses: addresses()
                .filter(|address| address["scope"] != "link")
                .map(|address| format!("{}/{}", text(&address["local"]), address["prefixlen"]))
                .collect(),
            link_local: addresses().any(|address| address["scope"] == "link" && address["family"] == "inet6"),
        }
    }
}

/// A route. It prints as ip-route(8) does, but for who made it and for what goes without saying.
pub(crate) struct Route<'a>(&'a Value);

impl<'a> Route<'a> {
    pub(crate) fn of(route: &'a Value) -> Self {
        Self(route)
    }

    pub(crate) fn is_link_local(&self) -> bool {
        self.0["dst"] == "fe80::/64"
    }
}

impl fmt::Display for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What ip(8) gives IPv6 routes that named no metric (IP6_RT_PRIO_USER, IP6_RT_PRIO_ADDRCONF).
        const UNSAID: [u64; 2] = [1024, 256];
        if let Some(kind) = self.0["type"].as_str().filter(|kind| *kind != "unicast") {
            write!(f, "{kind} ")?;
        }
        f.write_str(self.0["dst"].as_str().unwrap_or("?"))?;
        for (word, key) in [("via", "gateway"), ("dev", "dev"), ("src", "prefsrc")] {
            if let Some(value) = self.0[key].as_str() {
                write!(f, " {word} {value}")?;
            }
        }
        match self.0["metric"].as_u64() {
            Some(metric) if !UNSAID.contains(&metric) => write!(f, " metric {metric}"),
            _ => Ok(()),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
