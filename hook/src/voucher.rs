//! Whose container it is, in the words of the engine that started it.
//!
//! In Kubernetes, annotations are a pod author's to write, and engines add their own to them. What counts
//! here is what an author cannot overwrite:
//!
//! - CRI-O sets `io.container.manager` after the pod's annotations, and `io.kubernetes.pod.*` after all else,
//!   from labels that only the kubelet writes.
//! - containerd copies those annotations of a pod that its `pod_annotations` admit, and then sets
//!   `io.kubernetes.cri.*`.
//! - podman vouches for nobody, and says so (`libpod`), unless the annotation is there already: whoever gives
//!   it annotations could as well ask for a privileged container.
//!
//! An author may write the keys of the engine that is not there. Therefore both must say the same wherever
//! both seem to speak: of a containerd so old that it tells no namespace, CRI-O's keys do not help anybody.

use thiserror::Error;
use underlay::network::KubernetesNamespace;

/// Which engine: CRI-O and podman say it.
const MANAGER: &str = "io.container.manager";
const CRIO: &str = "cri-o";
/// Set by containerd since its first versions, unlike the namespace.
const CONTAINERD: &str = "io.kubernetes.cri.sandbox-id";

const OF_CRIO: [&str; 2] = ["io.kubernetes.pod.namespace", "io.kubernetes.pod.name"];
const OF_CONTAINERD: [&str; 2] = ["io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.sandbox-name"];

/// The annotations that are looked at.
pub(crate) const KEYS: [&str; 6] =
    [MANAGER, CONTAINERD, OF_CRIO[0], OF_CRIO[1], OF_CONTAINERD[0], OF_CONTAINERD[1]];

/// A pod as an engine names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) namespace: KubernetesNamespace,
    /// Its name in the namespace.
    pub(crate) name: String,
}

/// Two engines seem to speak, and one of them is an author.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "the container's annotations contradict each other: {} and {} name different pods, and an engine writes only one of them; \
     take the other out of the pod", OF_CRIO[0], OF_CONTAINERD[0]
)]
pub(crate) struct Contradiction;

/// The pod that the container's engine vouches for, if there is an engine that does.
pub(crate) fn pod<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Option<Pod>, Contradiction> {
    let named = |[namespace, name]: [&str; 2]| {
        Some(Pod { namespace: get(namespace)?.parse().ok()?, name: get(name)?.to_owned() })
    };
    let seems_containerd = get(CONTAINERD).is_some();
    match get(MANAGER) {
        Some(CRIO) if seems_containerd => {
            let pod = named(OF_CRIO);
            if pod == named(OF_CONTAINERD) { Ok(pod) } else { Err(Contradiction) }
        }
        Some(CRIO) => Ok(named(OF_CRIO)),
        None if seems_containerd => Ok(named(OF_CONTAINERD)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Annotations<'a> = &'a [(&'a str, &'a str)];

    /// As the engine merges them: of two words for one key the later one holds.
    fn of(author: Annotations<'_>, engine: Annotations<'_>) -> Result<Option<String>, Contradiction> {
        let merged: std::collections::BTreeMap<_, _> = author.iter().chain(engine).copied().collect();
        let pod = pod(|key| merged.get(key).copied())?;
        Ok(pod.map(|pod| format!("{}/{}", pod.namespace, pod.name)))
    }

    const CRIO_SAYS: Annotations<'_> = &[
        ("io.container.manager", "cri-o"),
        ("io.kubernetes.pod.namespace", "evil"),
        ("io.kubernetes.pod.name", "p"),
    ];
    const CONTAINERD_SAYS: Annotations<'_> = &[
        ("io.kubernetes.cri.sandbox-id", "1"),
        ("io.kubernetes.cri.sandbox-namespace", "evil"),
        ("io.kubernetes.cri.sandbox-name", "p"),
    ];
    const FORGED: Annotations<'_> = &[
        ("io.container.manager", "cri-o"),
        ("io.kubernetes.pod.namespace", "db"),
        ("io.kubernetes.pod.name", "p"),
        ("io.kubernetes.cri.sandbox-id", "1"),
        ("io.kubernetes.cri.sandbox-namespace", "db"),
        ("io.kubernetes.cri.sandbox-name", "p"),
    ];

    #[test]
    fn engines_vouch_in_words_of_their_own() {
        let evil = || Ok(Some("evil/p".to_owned()));
        assert_eq!(of(&[], CRIO_SAYS), evil());
        assert_eq!(of(&[], CONTAINERD_SAYS), evil());
        assert_eq!(of(&[], &[("io.container.manager", "libpod")]), Ok(None));
        assert_eq!(of(&[], &[]), Ok(None));
    }

    /// Every choice among the keys that could be forged, under every engine.
    #[test]
    fn an_author_never_gets_into_another_namespace() {
        for engine in [CRIO_SAYS, CONTAINERD_SAYS, &[("io.container.manager", "libpod")]] {
            for choice in 0..1_u32 << FORGED.len() {
                let forged: Vec<_> =
                    (0..).zip(FORGED).filter(|(n, _)| choice >> n & 1 == 1).map(|(_, f)| *f).collect();
                let told = of(&forged, engine);
                assert!(!matches!(&told, Ok(Some(pod)) if pod.starts_with("db/")), "{forged:?} {engine:?}");
            }
        }
    }

    #[test]
    fn where_two_engines_seem_to_speak_they_must_agree() {
        assert_eq!(of(&FORGED[3..], CRIO_SAYS), Err(Contradiction));
        assert_eq!(of(&FORGED[..3], CONTAINERD_SAYS), Err(Contradiction));
        assert_eq!(of(&FORGED[3..4], CRIO_SAYS), Err(Contradiction));
        assert_eq!(of(CONTAINERD_SAYS, CRIO_SAYS), Ok(Some("evil/p".to_owned())));
    }
}
