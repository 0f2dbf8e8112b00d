//! A container, as far as this house knows one: who it is, not what it runs.

use std::{fmt, hash::Hasher, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use thiserror::Error;

use crate::network::Asker;

/// Engines use 64 hexadecimal digits, people a word or two. With the rest of [`UserKey::file_name`] it stays
/// below `NAME_MAX` (255).
const MAX_ID: usize = 200;

/// A container's id: what OCI runtimes take (runc: `[\w+-.]`), so that it can never leave a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContainerId(String);

/// Why a text is not a container's id.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidContainerId {
    /// Empty, too long, or with a character that no runtime allows.
    #[error(
        "`{}` is not a container id: 1 to {MAX_ID} letters, digits, `_`, `+`, `-`, `.`, `:` and `@` are allowed",
        .0.chars().take(64).collect::<String>().escape_debug()
    )]
    Form(String),
}

impl ContainerId {
    /// An id for what no runtime gave one, such as `netns-blue`. What cannot be part of an id is replaced by
    /// `_`, and what is too long is cut.
    #[must_use]
    pub fn invent(kind: &str, name: &str) -> Self {
        let replaced = |c: char| if Self::allows(c) { c } else { '_' };
        Self(format!("{kind}-{name}").chars().take(MAX_ID).map(replaced).collect())
    }

    const fn allows(c: char) -> bool {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '.' | ':' | '@')
    }

    /// The id as text; safe as one component of a path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContainerId {
    type Err = InvalidContainerId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let good = (1..=MAX_ID).contains(&text.len()) && text.chars().all(Self::allows);
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidContainerId::Form(text.to_owned())) }
    }
}

impl TryFrom<String> for ContainerId {
    type Error = InvalidContainerId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ContainerId> for String {
    fn from(id: ContainerId) -> Self {
        id.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A container of one runtime root: two roots (podman's and a plain runc's, say) may each have a container
/// `web`, but not with the same bundle. Both words are in the state at createRuntime and at poststop.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UserKey {
    /// The container's id.
    pub container: ContainerId,
    /// A hash of its bundle's path.
    pub bundle: u64,
}

impl UserKey {
    /// The key of the container with this id and bundle.
    #[must_use]
    pub fn new(container: ContainerId, bundle: &str) -> Self {
        // Not a defence against forgery, whoever starts containers is root: it only has to be the same
        // tomorrow, which the standard library's hasher does not promise.
        let mut hasher = SipHasher13::new_with_keys(0, 0);
        hasher.write(bundle.as_bytes());
        Self { container, bundle: hasher.finish() }
    }

    /// A file name that is this container's alone.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}@{:016x}", self.container, self.bundle)
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.container.fmt(f)
    }
}

/// A container that asks for networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its id and its bundle.
    pub key: UserKey,
    /// The name that stays when the container is made again, where the engine tells one; its MAC addresses
    /// follow from it.
    pub name: Option<String>,
    /// The pod whose namespace it shares, where an engine vouches for one.
    pub pod: Option<String>,
    /// Where config.json says its network namespace is.
    pub namespace: Option<PathBuf>,
    /// In whose name it asks.
    pub asker: Asker,
}

impl Container {
    /// What its MAC addresses follow from.
    #[must_use]
    pub fn lasting_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.key.container.as_str())
    }
}

#[cfg(test)]
mod tests {
    use plan::IfName;
    use proptest::prelude::*;

    use super::*;
    use crate::{ipam::Owner, network::NetworkName, strategies};

    /// What leads out of directories, in any order, among what does not.
    fn hostile_text() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("/"),
            Just(".."),
            Just("."),
            Just("\0"),
            Just("\n"),
            Just("%"),
            Just("@"),
            Just("-"),
            Just("a"),
            Just("eth0"),
            Just("\u{2215}"),
            Just("\u{ff0f}"),
            Just("\u{202e}"),
            Just("all"),
            Just("7"),
        ];
        prop_oneof![
            proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat()),
            "\\PC{0,20}",
            "[a-z0-9.@:+_-]{1,260}",
        ]
    }

    #[test]
    fn an_id_can_be_any_runtimes_but_no_path() {
        for id in ["web", "a.b_c-d+e", &"f".repeat(64), "."] {
            assert!(id.parse::<ContainerId>().is_ok(), "{id}");
        }
        for id in ["", "a/b", "../x", "a b", "a\n", "é", &"x".repeat(201)] {
            assert!(id.parse::<ContainerId>().is_err(), "{id}");
        }
    }

    /// A file of this name is in the directory that it is looked for in, and nowhere else.
    fn is_one_component(name: &str) -> bool {
        let mut components = std::path::Path::new(name).components();
        let is_normal = matches!(components.next(), Some(std::path::Component::Normal(c)) if c == name);
        is_normal && components.next().is_none() && name.len() <= 255 && !name.contains('\0')
    }

    proptest! {
        #[test]
        fn every_id_and_every_name_is_read_back(id in strategies::container_id(), name in strategies::network_name()) {
            prop_assert_eq!(id.to_string().parse(), Ok(id.clone()));
            let texts = (serde_json::to_string(&id).unwrap(), serde_json::to_string(&name).unwrap());
            prop_assert_eq!(serde_json::from_str::<ContainerId>(&texts.0).unwrap(), id);
            prop_assert_eq!(serde_json::from_str::<NetworkName>(&texts.1).unwrap(), name);
        }

        #[test]
        fn no_id_leads_out_of_a_directory(text in hostile_text(), bundle in "\\PC{0,300}") {
            if let Ok(id) = text.parse::<ContainerId>() {
                prop_assert_eq!(id.as_str(), &text);
                let key = UserKey::new(id, &bundle);
                prop_assert!(is_one_component(&key.file_name()), "{}", key.file_name());
                // The ledger's own name for a new pointer.
                let new = format!("{}.new", key.file_name());
                prop_assert!(is_one_component(&new), "{}", new);
            }
            prop_assert!(is_one_component(&UserKey::new(ContainerId::invent("netns", &text), &bundle).file_name()));
        }

        #[test]
        fn no_network_leads_out_of_a_directory(text in hostile_text()) {
            if let Ok(name) = text.parse::<NetworkName>() {
                prop_assert_eq!(name.as_str(), &text);
                for file in [format!("{name}.json"), format!("{name}@18446744073709551615"), format!("{name}@::_64")] {
                    prop_assert!(is_one_component(&file), "{}", file);
                }
            }
        }

        #[test]
        fn no_interface_leads_out_of_a_directory(text in hostile_text()) {
            if let Ok(name) = IfName::new(text.clone()) {
                prop_assert_eq!(name.as_str(), &text);
                prop_assert!(is_one_component(name.as_str()) && !["all", "default"].contains(&name.as_str()));
            }
        }

        #[test]
        fn no_owner_has_more_parts_than_four(text in hostile_text(), parts in proptest::collection::vec(hostile_text(), 4)) {
            for text in [text, parts.join("/")] {
                if let Ok(owner) = text.parse::<Owner>() {
                    prop_assert_eq!(owner.to_string(), text);
                }
            }
        }
    }

    #[test]
    fn ids_that_are_no_names_are_refused_whatever_their_length() {
        let megabyte = "a".repeat(1 << 20);
        for id in ["..", "/", "a/../b", "a\0b", "\u{202e}a", "a\u{1b}[2J", &megabyte, "\u{ff0e}\u{ff0e}"] {
            let refused = id.parse::<ContainerId>().map(|id| UserKey::new(id, "/b").file_name());
            match refused {
                // With the hash of its bundle behind it, `..` is a name like any other.
                Ok(name) => assert!(id == ".." && is_one_component(&name), "{name}"),
                Err(error) => assert!(error.to_string().len() < 1024, "{error}"),
            }
        }
    }

    #[test]
    fn an_invented_id_is_an_id_whatever_it_is_made_of() {
        assert_eq!(ContainerId::invent("netns", "a b/é").as_str(), "netns-a_b__");
        let long = ContainerId::invent("netns", &"x".repeat(300));
        assert_eq!(long.as_str().parse(), Ok(long));
    }

    #[test]
    fn a_file_name_depends_on_the_bundle_and_never_changes() {
        let key = |bundle| UserKey::new("web".parse().unwrap(), bundle).file_name();
        assert_ne!(key("/a"), key("/b"));
        // Written by an earlier version, looked for by a later one.
        assert_eq!(key("/run/bundle/web"), "web@365adec5800c63e8");
    }
}
