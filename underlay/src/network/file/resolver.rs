//! Name servers and search domains.

use std::net::IpAddr;

use super::{
    MAX_DNS, address,
    fault::Fault,
    field,
    item::{Findings, Item},
};
use crate::network::Dns;

/// Text form without the final dot (RFC 1035, 2.3.4, less the length bytes).
const MAX_DOMAIN: usize = 253;
const MAX_LABEL: usize = 63;

pub(super) fn dns(item: Option<Item>, findings: &mut Findings) -> Dns {
    let Some(mut fields) = item.and_then(|item| item.fields(field::DNS, findings)) else {
        return Dns::default();
    };
    let servers = fields.take("servers").map(|list| list.list(MAX_DNS, findings)).unwrap_or_default();
    let search = fields.take("search").map(|list| list.list(MAX_DNS, findings)).unwrap_or_default();
    let server = |item: Item| item.parse(server, findings).map(|server| server.value);
    let servers = servers.into_iter().filter_map(server).collect();
    let domain = |item: Item| item.parse(domain, findings).map(|domain| domain.value);
    let search = search.into_iter().filter_map(domain).collect();
    Dns { servers, search }
}

fn server(text: &str) -> Result<IpAddr, Fault> {
    let server = address::address(text)?;
    let is_broadcast = matches!(server, IpAddr::V4(server) if server.is_broadcast());
    if server.is_unspecified() || server.is_multicast() || is_broadcast {
        return Err(Fault::NameServer(server));
    }
    Ok(server)
}

/// Underscores are common in private zones; a lone dot is the way to search nothing (resolv.conf(5)).
fn domain(text: &str) -> Result<String, Fault> {
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    if text == "." || name.len() <= MAX_DOMAIN && name.split('.').all(is_label) {
        Ok(text.to_owned())
    } else {
        Err(Fault::Domain(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_labels_with_dots_between() {
        for text in ["lan", "example.org", "example.org.", "_tcp.example.org", "."] {
            assert_eq!(domain(text), Ok(text.to_owned()));
        }
        for text in ["", "a..b", "-a", "a b", "a\nnameserver 6.6.6.6", ".a"] {
            assert!(domain(text).is_err(), "{text:?}");
        }
        assert!(domain(&"a".repeat(64)).is_err());
        assert!(domain(&["a"; 128].join(".")).is_err());
    }
}
