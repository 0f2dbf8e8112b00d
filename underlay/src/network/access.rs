//! Who may use a network, and what may be asked of it. Pure.

use std::{collections::BTreeSet, fmt, net::IpAddr, str::FromStr};

use plan::MacAddress;
use thiserror::Error;

use super::{Network, NetworkName};
use crate::request::Request;

/// An RFC 1123 label, in bytes.
const MAX_LEN: usize = 63;

/// What a network's definition grants to those who ask for it by an annotation. The administrator's own
/// commands are not bound by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The Kubernetes namespaces whose containers may use the network; none means everybody.
    pub kubernetes_namespaces: Option<BTreeSet<KubernetesNamespace>>,
    /// Whether addresses may be asked for.
    pub fixed_addresses: bool,
    /// Whether MAC addresses may be asked for.
    pub fixed_macs: bool,
    /// Whether a network in mode passthru, which hands the parent itself over, may be asked for at all.
    pub passthru: bool,
}

/// As Docker has it: whoever may start a container may ask for everything.
impl Default for Access {
    fn default() -> Self {
        Self { kubernetes_namespaces: None, fixed_addresses: true, fixed_macs: true, passthru: true }
    }
}

/// The name of a Kubernetes namespace: an RFC 1123 label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubernetesNamespace(String);

/// A text that names no Kubernetes namespace.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a Kubernetes namespace: at most {MAX_LEN} of a-z, 0-9 and `-`, with no `-` at either end")]
pub struct InvalidKubernetesNamespace;

/// Who asks for a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The administrator, by a command of this program.
    Administrator,
    /// Whoever wrote the container's annotation, with the Kubernetes namespace that an engine vouches for.
    Annotation(Option<KubernetesNamespace>),
}

/// Something that the definition does not grant.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// It is for others. For whom is not told: the asker is a stranger.
    #[error("network `{network}` is not open to {}; `access.kubernetes_namespaces` in its definition says to whom it is", asker(.namespace.as_ref()))]
    Namespace {
        /// Which network.
        network: NetworkName,
        /// Whose container it is, where an engine vouches for that.
        namespace: Option<KubernetesNamespace>,
    },
    /// Addresses are chosen, not asked for.
    #[error(
        "network `{network}` grants no address that is asked for, such as {address}: leave it out; \
         `access.fixed_addresses` in its definition forbids it"
    )]
    FixedAddress {
        /// Which network.
        network: NetworkName,
        /// What was asked for.
        address: IpAddr,
    },
    /// MAC addresses are derived, not asked for.
    #[error(
        "network `{network}` grants no MAC address that is asked for, such as {mac}: leave it out; \
         `access.fixed_macs` in its definition forbids it"
    )]
    FixedMac {
        /// Which network.
        network: NetworkName,
        /// What was asked for.
        mac: MacAddress,
    },
    /// The parent itself would be handed over.
    #[error(
        "network `{0}` is in mode passthru and cannot be asked for by an annotation: `access.passthru` in its definition forbids it; \
         the administrator can attach it with `underlay network connect`"
    )]
    Passthru(NetworkName),
}

fn asker(namespace: Option<&KubernetesNamespace>) -> String {
    namespace.map_or_else(
        || "containers without a Kubernetes namespace that CRI-O or containerd vouches for".to_owned(),
        |namespace| format!("the Kubernetes namespace `{namespace}`"),
    )
}

/// All that a network's definition does not grant of a request.
#[must_use]
pub fn refusals(network: &Network, request: &Request, asker: &Asker) -> Vec<Refusal> {
    let Asker::Annotation(namespace) = asker else { return Vec::new() };
    let Access { kubernetes_namespaces, fixed_addresses, fixed_macs, passthru } = &network.access;
    let name = || network.name.clone();
    let is_stranger = kubernetes_namespaces
        .as_ref()
        .is_some_and(|granted| namespace.as_ref().is_none_or(|namespace| !granted.contains(namespace)));
    let refused = [
        is_stranger.then(|| Refusal::Namespace { network: name(), namespace: namespace.clone() }),
        (!passthru && network.is_passthru()).then(|| Refusal::Passthru(name())),
        request
            .addresses
            .first()
            .filter(|_| !fixed_addresses)
            .map(|address| Refusal::FixedAddress { network: name(), address: *address }),
        request.mac.filter(|_| !fixed_macs).map(|mac| Refusal::FixedMac { network: name(), mac }),
    ];
    refused.into_iter().flatten().collect()
}

impl KubernetesNamespace {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KubernetesNamespace {
    type Err = InvalidKubernetesNamespace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_label = (1..=MAX_LEN).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if is_label { Ok(Self(text.to_owned())) } else { Err(InvalidKubernetesNamespace) }
    }
}

impl fmt::Display for KubernetesNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{network::file, request};

    const BRIDGE: &str = r#""driver": "macvlan", "parent": "eth0""#;

    fn judge(fields: &str, annotation: &str, asker: &Asker) -> Vec<Refusal> {
        let definition = format!("{{{fields}}}");
        let network = file::parse(definition.as_bytes(), &"lan".parse().unwrap()).unwrap().network;
        let requests = request::parse(annotation).unwrap();
        refusals(&network, &requests[0], asker)
    }

    fn of(namespace: &str) -> Asker {
        Asker::Annotation(Some(namespace.parse().unwrap()))
    }

    #[test]
    fn unless_the_definition_says_otherwise_everybody_may_ask_for_everything() {
        let everything = "lan:ip=10.0.0.5,mac=02:00:00:00:00:05";
        let passthru = format!(r#"{BRIDGE}, "mode": "passthru""#);
        for fields in [BRIDGE, &passthru] {
            for asker in [Asker::Administrator, Asker::Annotation(None), of("db")] {
                assert_eq!(judge(fields, everything, &asker), [], "{asker:?}");
            }
        }
    }

    #[test]
    fn only_a_vouched_namespace_that_is_named_may_use_the_network() {
        let fields = format!(r#"{BRIDGE}, "access": {{"kubernetes_namespaces": ["db", "web"]}}"#);
        assert_eq!(judge(&fields, "lan", &of("web")), []);
        assert_eq!(judge(&fields, "lan", &Asker::Administrator), []);
        let [refusal] = judge(&fields, "lan", &of("evil")).try_into().unwrap();
        let text = refusal.to_string();
        assert!(text.contains("`evil`") && !text.contains("web"), "{text}");
        // The namespace in front of a network's name is the author's word.
        let [refusal] = judge(&fields, "db/lan", &Asker::Annotation(None)).try_into().unwrap();
        assert!(refusal.to_string().contains("vouches for"), "{refusal}");
        let nobody = format!(r#"{BRIDGE}, "access": {{"kubernetes_namespaces": []}}"#);
        assert_eq!(judge(&nobody, "lan", &of("web")).len(), 1);
    }

    #[test]
    fn what_is_not_granted_is_refused_all_at_once_and_nothing_else() {
        let strict = r#""access": {"fixed_addresses": false, "fixed_macs": false, "passthru": false}"#;
        let fields = format!(r#"{BRIDGE}, "mode": "passthru", {strict}"#);
        let all = judge(&fields, "lan:ip=10.0.0.5,ip=10.0.0.6,mac=02:00:00:00:00:05", &of("db"));
        assert!(
            matches!(
                all.as_slice(),
                [Refusal::Passthru(_), Refusal::FixedAddress { .. }, Refusal::FixedMac { .. }]
            ),
            "{all:?}"
        );
        assert_eq!(judge(&fields, "lan", &of("db")).len(), 1);
        let chosen = format!(r#"{BRIDGE}, "access": {{"fixed_addresses": false, "fixed_macs": false}}"#);
        assert_eq!(judge(&chosen, "lan@net1:default-route", &of("db")), []);
    }

    #[test]
    fn a_namespace_is_a_label() {
        for text in ["a", "kube-system", "0", &"x".repeat(63)] {
            assert_eq!(text.parse::<KubernetesNamespace>().unwrap().as_str(), text);
        }
        for text in ["", "-a", "a-", "A", "a.b", "a/b", "ä", "a b", "a\n", &"x".repeat(64)] {
            assert_eq!(text.parse::<KubernetesNamespace>(), Err(InvalidKubernetesNamespace), "{text:?}");
        }
    }
}
