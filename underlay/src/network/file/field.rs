//! Every key of a definition, once: the reader takes its known keys from here, and so do the JSON Schema and
//! the manual.

use std::ops::RangeInclusive;

use super::{
    MAX_AUX_ADDRESSES, MAX_DNS, MAX_KUBERNETES_NAMESPACES, MAX_LABELS, MAX_ROUTES, MAX_SUBNETS, MTUS, link,
    route::{self, METRICS},
};

/// A key of an object, what it takes and what it means.
#[derive(Debug)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// What it takes.
    pub form: Form,
    /// What holds without it; none if it must be there.
    pub default: Option<&'static str>,
    /// What it means, as sentences.
    pub meaning: &'static str,
}

/// What a value looks like.
#[derive(Debug)]
pub enum Form {
    /// An IPv4 or IPv6 address.
    Address,
    /// A DNS name.
    Domain,
    /// true or false.
    Flag,
    /// The name of a Kubernetes namespace.
    KubernetesNamespace,
    /// The name of a link of the host.
    Link,
    /// A list of one form.
    List {
        /// Of its members.
        of: &'static Form,
        /// The most members.
        max: usize,
    },
    /// An object whose keys are the administrator's own.
    Map {
        /// Of its values.
        of: &'static Form,
        /// The most keys.
        max: usize,
    },
    /// The name of a network.
    NetworkName,
    /// An object with these keys.
    Object(&'static [Field]),
    /// Address and prefix length, host bits zero.
    Prefix,
    /// A prefix, or FIRST-LAST.
    Range,
    /// Any text.
    Text,
    /// A whole number.
    Whole(RangeInclusive<u64>),
    /// One of these words.
    Words(fn() -> Vec<&'static str>),
}

/// The keys of a definition, in the order in which they are printed.
pub const DEFINITION: &[Field] = &[
    Field {
        key: "name",
        form: Form::NetworkName,
        default: Some("the name of the file"),
        meaning: "The network's name. It must be that of the file, without `.json`.",
    },
    Field {
        key: "driver",
        form: Form::Words(link::drivers),
        default: None,
        meaning: "The kind of the containers' links.",
    },
    Field {
        key: "parent",
        form: Form::Link,
        default: Some("a dummy link of the network's own"),
        meaning: "The link of the host that the containers' links stand on; `auto` is the one that the \
                  default route leaves by, found anew at each attach. Without a parent the network is \
                  isolated.",
    },
    Field {
        key: "vlan",
        form: Form::Whole(link::VLANS),
        default: Some("untagged"),
        meaning: "The links stand on this VLAN of the parent: on its 802.1Q sub-interface `PARENT.VLAN`, \
                  which is made if it is missing, and then removed with the last network that uses it.",
    },
    Field {
        key: "parent_wait",
        form: Form::Whole(link::WAITS),
        default: Some("an attach fails at once if the parent is not there"),
        meaning: "For how many seconds an attach waits for the parent to appear (for `auto`: the default \
                  route), as it may have to at boot. It need not be up, nor have a carrier.",
    },
    Field {
        key: "mode",
        form: Form::Words(link::modes),
        default: Some("`bridge` for macvlan, `l2` for ipvlan"),
        meaning: "How the links deal with one another and with the wire: bridge, vepa, private and passthru \
                  are macvlan's, l2, l3 and l3s are ipvlan's. A parent carries one mode of ipvlan, and one \
                  link if that is in mode passthru.",
    },
    Field {
        key: "flag",
        form: Form::Words(link::flags),
        default: Some("`bridge`"),
        meaning: "For ipvlan: whether containers of one parent reach each other (bridge), do not (private), \
                  or only by a switch that sends frames back (vepa).",
    },
    Field {
        key: "internal",
        form: Form::Flag,
        default: Some("false"),
        meaning: "No default route, whatever gateways there are.",
    },
    Field {
        key: "ipv6",
        form: Form::Flag,
        default: Some("true if there is an IPv6 subnet"),
        meaning: "Whether the interface has IPv6 at all. Without an IPv6 subnet, true means a link-local \
                  address alone.",
    },
    Field {
        key: "mtu",
        form: Form::Whole(MTUS),
        default: Some("the parent's"),
        meaning: "In bytes; with IPv6 at least 1280, and at most the parent's.",
    },
    Field {
        key: "subnets",
        form: Form::List { of: &Form::Object(SUBNET), max: MAX_SUBNETS },
        default: Some("none: links without addresses"),
        meaning: "Where addresses come from: for each family one address of the first subnet that has a free \
                  one. Subnets must not overlap.",
    },
    Field {
        key: "routes",
        form: Form::List { of: &Form::Object(ROUTE), max: MAX_ROUTES },
        default: Some("none"),
        meaning: "Routes besides the connected and the default ones, for containers that have an address of \
                  their family.",
    },
    Field {
        key: "default_route",
        form: Form::Flag,
        default: Some("true"),
        meaning: "Whether the gateways may become default routes.",
    },
    Field {
        key: "metric",
        form: Form::Whole(METRICS),
        default: Some("the kernel's"),
        meaning: "Metric of the default routes.",
    },
    Field {
        key: "dns",
        form: Form::Object(DNS),
        default: Some("none"),
        meaning: "Name servers and search domains, kept for those who write a resolv.conf.",
    },
    Field {
        key: "access",
        form: Form::Object(ACCESS),
        default: Some("everybody may ask for everything"),
        meaning: "What annotations may ask for. The commands of the administrator are not bound by it.",
    },
    Field {
        key: "labels",
        form: Form::Map { of: &Form::Text, max: MAX_LABELS },
        default: Some("none"),
        meaning: "Texts of the administrator's own, kept and shown.",
    },
];

/// The keys of a subnet.
pub const SUBNET: &[Field] = &[
    Field {
        key: "subnet",
        form: Form::Prefix,
        default: None,
        meaning: "The prefix, such as 192.168.1.0/24 or 2001:db8::/64. Its length is that of every address.",
    },
    Field {
        key: "gateway",
        form: Form::Address,
        default: Some("none: no default route"),
        meaning: "The router. It is never handed out. In modes l3 and l3s it is not used, since the default \
                  route names the interface alone.",
    },
    Field {
        key: "ip_range",
        form: Form::Range,
        default: Some("the subnet"),
        meaning: "The part from which addresses are chosen. Addresses that a container asks for may lie \
                  outside of it.",
    },
    Field {
        key: "aux_addresses",
        form: Form::Map { of: &Form::Address, max: MAX_AUX_ADDRESSES },
        default: Some("none"),
        meaning: "Addresses that are never handed out, by the names of those who have them.",
    },
];

/// The keys of a route.
pub const ROUTE: &[Field] = &[
    Field { key: "destination", form: Form::Prefix, default: None, meaning: "Where it leads." },
    Field {
        key: "gateway",
        form: Form::Address,
        default: Some("none: the destination is on the link itself"),
        meaning: "The next hop, in one of the network's subnets.",
    },
    Field {
        key: "metric",
        form: Form::Whole(METRICS),
        default: Some("the kernel's"),
        meaning: "Of two routes to one destination, the one with the lower metric is used.",
    },
    Field {
        key: "type",
        form: Form::Words(route::types),
        default: Some("`unicast`"),
        meaning: "What happens to packets: all but unicast drop them, in silence (blackhole) or with an \
                  answer.",
    },
];

/// The keys of `access`.
pub const ACCESS: &[Field] = &[
    Field {
        key: "kubernetes_namespaces",
        form: Form::List { of: &Form::KubernetesNamespace, max: MAX_KUBERNETES_NAMESPACES },
        default: Some("everybody"),
        meaning: "Containers of these Kubernetes namespaces alone may use the network, if CRI-O or containerd \
                  says that they are of one. With an empty list none may.",
    },
    Field {
        key: "fixed_addresses",
        form: Form::Flag,
        default: Some("true"),
        meaning: "Whether addresses may be asked for.",
    },
    Field {
        key: "fixed_macs",
        form: Form::Flag,
        default: Some("true"),
        meaning: "Whether MAC addresses may be asked for.",
    },
    Field {
        key: "passthru",
        form: Form::Flag,
        default: Some("true"),
        meaning: "For mode passthru: whether the network may be asked for at all. In this mode the container \
                  has the parent to itself, and what it does to its own link it does to the parent.",
    },
];

/// The keys of `dns`.
pub const DNS: &[Field] = &[
    Field {
        key: "servers",
        form: Form::List { of: &Form::Address, max: MAX_DNS },
        default: Some("none"),
        meaning: "Name servers in the order of preference.",
    },
    Field {
        key: "search",
        form: Form::List { of: &Form::Domain, max: MAX_DNS },
        default: Some("none"),
        meaning: "Domains in which short names are looked up.",
    },
];
