//! The container's state as runtimes really send it.
//!
//! oci-spec's own type follows the specification and so refuses what some runtimes write: kata an empty
//! status and no version, crun `"ociVersion": "1.0"` and a key `root`, newer ones a status of their own.
//! Annotations may be absent or null, and so may the pid, which is 0 in crun's poststop and, in youki's, that
//! of the dead process. Only what is needed is kept, however much there is.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use thiserror::Error;
use underlay::container::{ContainerId, InvalidContainerId};

use crate::voucher;

/// Kubernetes allows annotations of 256 KiB in all; a state with more than this is no state.
const MAX_STATE: u64 = 16 << 20;

/// Set by CRI-O and podman: the pod whose namespace a container shares.
const CRIO_SANDBOX: &str = "io.kubernetes.cri-o.SandboxID";
/// Set by containerd.
const CRI_SANDBOX: &str = "io.kubernetes.cri.sandbox-id";

/// A container's state.
#[derive(Debug, Default)]
pub(crate) struct State {
    id: String,
    pub(crate) status: String,
    pid: Option<i64>,
    bundle: String,
    annotations: Annotations,
    /// The annotation that asks for networks.
    key: String,
}

/// A state that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("cannot read the container's state from standard input")]
    Read(#[source] io::Error),
    #[error("the container's state on standard input is larger than {} MiB", MAX_STATE >> 20)]
    TooLarge,
    #[error(
        "the container's state on standard input is empty: this program is run by an OCI runtime, as a hook"
    )]
    Empty,
    #[error("the container's state on standard input is not what OCI runtimes write")]
    Form(#[source] serde_json::Error),
    #[error("the container's state names no bundle (an absolute path)")]
    NoBundle,
    #[error("annotation {key} of the container's state is not a text")]
    NotText { key: String },
}

/// Reads a state to its end, since a runtime that cannot write all of it may fail the start (crun 1.8.1:
/// EPIPE), and keeps the annotation `key` of it.
pub(crate) fn read(input: impl Read, key: &str) -> Result<State, Error> {
    // Of a usual size, it is read at once.
    let mut text = Vec::with_capacity(8 << 10);
    input.take(MAX_STATE + 1).read_to_end(&mut text).map_err(Error::Read)?;
    if text.len() as u64 > MAX_STATE {
        return Err(Error::TooLarge);
    }
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::Empty);
    }
    parse(&text, key)
}

fn parse(text: &[u8], key: &str) -> Result<State, Error> {
    let raw: Raw = serde_json::from_slice(text).map_err(Error::Form)?;
    let annotations = match raw.annotations {
        Some(raw) => Annotations::keep(raw, key)?,
        None => Annotations::default(),
    };
    Ok(State {
        id: raw.id.unwrap_or_default(),
        status: raw.status.unwrap_or_default(),
        pid: raw.pid,
        bundle: raw.bundle.unwrap_or_default(),
        annotations,
        key: key.to_owned(),
    })
}

/// All keys may be absent or null, and unknown ones are passed over.
#[derive(Deserialize)]
struct Raw<'a> {
    id: Option<String>,
    status: Option<String>,
    pid: Option<i64>,
    bundle: Option<String>,
    #[serde(borrow)]
    annotations: Option<RawAnnotations<'a>>,
}

/// The values stay as they are written, so that those nobody asks for cost nothing and cannot be wrong.
struct RawAnnotations<'a>(Vec<(String, &'a serde_json::value::RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for RawAnnotations<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawAnnotations<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of annotations")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut annotations = Vec::new();
        while let Some(entry) = map.next_entry()? {
            annotations.push(entry);
        }
        Ok(RawAnnotations(annotations))
    }
}

/// The annotations that this program reads.
#[derive(Debug, Default)]
struct Annotations(BTreeMap<String, String>);

impl Annotations {
    fn keep(raw: RawAnnotations<'_>, key: &str) -> Result<Self, Error> {
        let is_known =
            |name: &str| name == CRIO_SANDBOX || name == CRI_SANDBOX || voucher::KEYS.contains(&name);
        let mut kept = BTreeMap::new();
        for (name, value) in raw.0 {
            let is_ours = name == key;
            if !is_ours && !is_known(&name) {
                continue;
            }
            match serde_json::from_str(value.get()) {
                Ok(text) => {
                    kept.insert(name, text);
                }
                Err(_) if is_ours => return Err(Error::NotText { key: name }),
                Err(_) => {}
            }
        }
        Ok(Self(kept))
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

impl State {
    /// What the container's annotation says, if it has one.
    pub(crate) fn wish(&self) -> Option<&str> {
        self.annotations.get(&self.key)
    }

    /// The container's id.
    pub(crate) fn id(&self) -> Result<ContainerId, InvalidContainerId> {
        self.id.parse()
    }

    /// The container's id for a message, whatever is in it.
    pub(crate) fn shown_id(&self) -> &str {
        &self.id
    }

    /// The absolute path of the bundle.
    pub(crate) fn bundle(&self) -> Result<&str, Error> {
        if self.bundle.starts_with('/') { Ok(&self.bundle) } else { Err(Error::NoBundle) }
    }

    /// The pod that the engine says it belongs to.
    pub(crate) fn pod(&self) -> Option<&str> {
        self.annotations.get(CRIO_SANDBOX).or_else(|| self.annotations.get(CRI_SANDBOX))
    }

    /// The pod that the engine vouches for by namespace and name.
    pub(crate) fn vouched(&self) -> Result<Option<voucher::Pod>, voucher::Contradiction> {
        voucher::pod(|key| self.annotations.get(key))
    }

    /// The pid by which to find the namespace: not 0 (crun's poststop), and not 1.
    pub(crate) fn pid(&self) -> Option<i32> {
        self.pid.and_then(|pid| i32::try_from(pid).ok()).filter(|pid| *pid > 1)
    }

    /// Whether that is the container's own process, if there is one. Kata's is a hypervisor; kata is known by its empty
    /// status, and always gives a path, too.
    pub(crate) fn has_own_pid(&self) -> bool {
        self.pid().is_some() && !self.status.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn with_status(status: &str) -> Self {
        Self { status: status.to_owned(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_map, prelude::*};
    use serde_json::json;

    use super::*;

    const KEY: &str = "io.underlay.networks";

    fn state(text: &str) -> State {
        read(text.as_bytes(), KEY).unwrap()
    }

    #[test]
    fn reads_what_runtimes_write() {
        let runc = state(
            r#"{"ociVersion":"1.0.2-dev","id":"a","status":"creating","pid":7,"bundle":"/b","annotations":{"io.underlay.networks":"lan"}}"#,
        );
        assert_eq!((runc.wish(), runc.pid, runc.bundle().unwrap()), (Some("lan"), Some(7), "/b"));
        let crun = state(
            r#"{"ociVersion":"1.0","id":"a","pid":0,"root":"/r","bundle":"/b","status":"stopped","annotations":null}"#,
        );
        assert_eq!((crun.wish(), crun.status.as_str()), (None, "stopped"));
        let kata = state(r#"{"pid":9,"bundle":"/b","id":"a","ociVersion":"","status":""}"#);
        assert_eq!((kata.wish(), kata.status.as_str()), (None, ""));
    }

    #[test]
    fn other_annotations_may_be_anything() {
        let text = format!(r#"{{"id":"a","annotations":{{"x":{{"y":[1]}},"z":null,"{KEY}":"lan"}}}}"#);
        assert_eq!(state(&text).wish(), Some("lan"));
        let ours = format!(r#"{{"id":"a","annotations":{{"{KEY}":7}}}}"#);
        assert!(matches!(read(ours.as_bytes(), KEY), Err(Error::NotText { .. })));
    }

    #[test]
    fn what_is_no_state_is_refused() {
        assert!(matches!(read(&b" \n"[..], KEY), Err(Error::Empty)));
        assert!(matches!(read(&b"{\"id\":"[..], KEY), Err(Error::Form(_))));
        assert!(matches!(state(r#"{"bundle":"b"}"#).bundle(), Err(Error::NoBundle)));
    }

    /// Nor for ever, if it has no end.
    #[test]
    fn a_state_is_read_up_to_its_limit_and_no_further() {
        let text = br#"{"id":"a"}"#.as_slice();
        let spaces = MAX_STATE - text.len() as u64;
        assert_eq!(read(text.chain(io::repeat(b' ').take(spaces)), KEY).unwrap().id, "a");
        for spaces in [spaces + 1, u64::MAX] {
            let error = read(text.chain(io::repeat(b' ').take(spaces)), KEY).unwrap_err();
            assert_eq!(error.to_string(), "the container's state on standard input is larger than 16 MiB");
        }
    }

    proptest! {
        #[test]
        fn what_a_runtime_writes_is_read_back(
            (id, status, bundle) in any::<(Option<String>, Option<String>, Option<String>)>(),
            pid: Option<i64>,
            wish: Option<String>,
            others in btree_map(any::<String>(), any::<String>(), 0..4),
            is_terse: bool,
        ) {
            let mut annotations = others;
            annotations.remove(KEY);
            annotations.extend(wish.clone().map(|wish| (KEY.to_owned(), wish)));
            let mut text = json!({"ociVersion": "1.0", "id": id, "status": status, "bundle": bundle, "pid": pid,
                "annotations": annotations, "root": {"x": [null]}});
            if is_terse {
                // Null, or not there at all.
                text.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            }
            let state = state(&text.to_string());
            prop_assert_eq!(state.wish(), wish.as_deref());
            prop_assert_eq!(
                (state.id, state.status, state.bundle, state.pid),
                (id.unwrap_or_default(), status.unwrap_or_default(), bundle.unwrap_or_default(), pid)
            );
        }

        #[test]
        fn no_bytes_are_too_odd(bytes in any::<Vec<u8>>()) {
            prop_assert!(read(bytes.as_slice(), KEY).is_err());
        }
    }

    #[test]
    fn an_engines_words_tell_pod_and_name() {
        let crio = state(
            r#"{"annotations":{"io.kubernetes.cri-o.SandboxID":"s","io.kubernetes.pod.namespace":"n","io.kubernetes.pod.name":"p",
                "io.container.manager":"cri-o"}}"#,
        );
        let vouched = crio.vouched().unwrap().unwrap();
        assert_eq!((crio.pod(), vouched.namespace.as_str(), vouched.name.as_str()), (Some("s"), "n", "p"));
    }
}
