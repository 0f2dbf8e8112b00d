//! The text of a config.json, and of it only what concerns hooks.
//!
//! The file may be newer than any library, and its numbers longer than any type: so it is not written anew
//! from what was understood of it. The hooks are put into its text, and every other byte stays where it is.

use std::{fmt, marker::PhantomData, path::PathBuf};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::{RawValue, to_raw_value};

use super::hook::{Entry, Hook};

/// A config.json.
#[derive(Debug)]
pub(crate) struct Config<'a> {
    text: &'a str,
    /// The text of `hooks`, if there are any.
    hooks_text: Option<&'a str>,
    /// The hooks of each stage.
    hooks: Members<Option<Vec<Box<RawValue>>>>,
    /// The text of `annotations`, if there are any.
    annotations_text: Option<&'a str>,
    annotations: Members<&'a RawValue>,
}

/// Which hook of a stage runs first.
#[derive(Clone, Copy, Debug)]
enum Place {
    First,
    Last,
}

/// Ours is the last to attach, so that an engine's own interfaces and routes are there, and the first to
/// detach: runc runs no hook after one that failed.
const STAGES: [(&str, Place); 2] = [("createRuntime", Place::Last), ("poststop", Place::First)];

/// The members of an object, in their order.
#[derive(Clone, Debug)]
struct Members<V>(Vec<(String, V)>);

/// What tells one hook from another.
#[derive(Deserialize)]
struct Known {
    path: PathBuf,
    #[serde(default)]
    args: Option<Vec<String>>,
}

impl<'a> Config<'a> {
    /// Understands as much as is needed.
    pub(crate) fn read(text: &'a str) -> serde_json::Result<Self> {
        let members: Members<&'a RawValue> = serde_json::from_str(text)?;
        let hooks_text = members.get("hooks").map(|value| value.get());
        let annotations_text = members.get("annotations").map(|value| value.get());
        let annotations = annotations_text.unwrap_or("null");
        Ok(Self {
            text,
            hooks_text,
            hooks: serde_json::from_str::<Option<_>>(hooks_text.unwrap_or("null"))?.unwrap_or_default(),
            annotations_text,
            annotations: serde_json::from_str::<Option<_>>(annotations)?.unwrap_or_default(),
        })
    }

    /// Whether the container bears the annotation.
    pub(crate) fn is_annotated(&self, annotation: &str) -> bool {
        self.annotations.get(annotation).is_some()
    }

    /// The text with the annotation, which it must not have yet.
    pub(crate) fn with_annotation(&self, annotation: &str, value: &str) -> serde_json::Result<String> {
        let value = to_raw_value(value)?;
        let mut annotations = self.annotations.clone();
        annotations.set(annotation, &value);
        Ok(self.with_member("annotations", self.annotations_text, &serde_json::to_string(&annotations)?))
    }

    /// The text with the hook in both of its stages; none if it is in both already.
    pub(crate) fn with_hook(&self, hook: &Hook) -> serde_json::Result<Option<String>> {
        let mut hooks = self.hooks.clone();
        let mut is_changed = false;
        for (stage, place) in STAGES {
            let entry = hook.entry(stage);
            let mut entries = hooks.get(stage).cloned().flatten().unwrap_or_default();
            if entries.iter().any(|there| is_same(there, &entry)) {
                continue;
            }
            let at = match place {
                Place::First => 0,
                Place::Last => entries.len(),
            };
            entries.insert(at, to_raw_value(&entry)?);
            hooks.set(stage, Some(entries));
            is_changed = true;
        }
        if !is_changed {
            return Ok(None);
        }
        Ok(Some(self.with_member("hooks", self.hooks_text, &serde_json::to_string(&hooks)?)))
    }

    /// The text with another value of a member, whose value was `old`, or with the member before all others.
    fn with_member(&self, name: &str, old: Option<&str>, value: &str) -> String {
        if let Some(old) = old {
            // A part of the text.
            let (before, from_old) = self.text.split_at(old.as_ptr().addr() - self.text.as_ptr().addr());
            return format!("{before}{value}{}", from_old.strip_prefix(old).unwrap_or_default());
        }
        let (before, members) = self.text.split_once('{').unwrap_or_default();
        let space = members.split_once(|c: char| !c.is_ascii_whitespace()).map_or("", |(space, _)| space);
        let comma = if members.trim_start().starts_with('}') { "" } else { "," };
        format!("{before}{{{space}\"{name}\": {value}{comma}{members}")
    }
}

fn is_same(there: &RawValue, entry: &Entry<'_>) -> bool {
    serde_json::from_str(there.get())
        .is_ok_and(|Known { path, args }| path == entry.path && args.as_ref() == Some(&entry.args))
}

impl<V> Members<V> {
    /// Of two with the same name, the last one counts, as it does for the runtimes.
    fn get(&self, name: &str) -> Option<&V> {
        self.0.iter().rev().find(|(there, _)| there == name).map(|(_, value)| value)
    }

    /// Gives the member that counts another value, or adds it.
    fn set(&mut self, name: &str, value: V) {
        match self.0.iter_mut().rev().find(|(there, _)| there == name) {
            Some(member) => member.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }
}

impl<V> Default for Members<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

struct MembersVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for MembersVisitor<V> {
    type Value = Members<V>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

impl<V: Serialize> Serialize for Members<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use underlay::layout::Layout;

    use super::*;
    use crate::bundle::hook;

    fn usual() -> Hook {
        Hook { path: hook::PATH.into(), annotation: hook::ANNOTATION.to_owned(), layout: Layout::default() }
    }

    fn with_hook(text: &str) -> Option<String> {
        Config::read(text).unwrap().with_hook(&usual()).unwrap()
    }

    fn entry(stage: &str) -> Value {
        json!({
            "path": "/usr/libexec/oci/hooks.d/underlay-hook",
            "args": ["underlay-hook", stage],
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            "timeout": 30,
        })
    }

    fn hooks(text: &str) -> Value {
        serde_json::from_str::<Value>(text).unwrap()["hooks"].clone()
    }

    #[test]
    fn hooks_come_first_in_a_text_that_had_none() {
        let new = with_hook("{\n\t\"ociVersion\": \"1.0.2\",\n\t\"new\": 1e400\n}\n").unwrap();
        let (hooks, rest) = new.split_once("]},").unwrap();
        assert!(hooks.starts_with("{\n\t\"hooks\": {\"createRuntime\":[{"), "{hooks}");
        assert_eq!(rest, "\n\t\"ociVersion\": \"1.0.2\",\n\t\"new\": 1e400\n}\n");
    }

    #[test]
    fn ours_attaches_last_and_detaches_first() {
        let theirs = json!({"path": "/theirs", "unknown": 7});
        let text = json!({"hooks": {"createRuntime": [theirs], "poststop": [theirs]}}).to_string();
        let expected = json!({
            "createRuntime": [theirs, entry("createRuntime")],
            "poststop": [entry("poststop"), theirs],
        });
        assert_eq!(hooks(&with_hook(&text).unwrap()), expected);
    }

    #[test]
    fn what_others_wrote_keeps_its_bytes() {
        let text = r#" {"b":1.0e2, "hooks":{"prestart":[ {"path":"/x"} ],"poststop":null},"a" : [ 18446744073709551616 ]} "#;
        let new = with_hook(text).unwrap();
        assert!(
            new.starts_with(r#" {"b":1.0e2, "hooks":{"prestart":[{"path":"/x"}],"poststop":[{"#),
            "{new}"
        );
        assert!(new.ends_with(r#"]},"a" : [ 18446744073709551616 ]} "#), "{new}");
    }

    #[test]
    fn hooks_that_are_null_or_empty_are_filled() {
        let expected = json!({"createRuntime": [entry("createRuntime")], "poststop": [entry("poststop")]});
        for text in ["{}", "{ }", r#"{"hooks":null}"#, r#"{"hooks":{}}"#, r#"{"hooks":{"poststop":[]}}"#] {
            assert_eq!(hooks(&with_hook(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn one_with_other_arguments_is_another_hook() {
        let mut kubernetes = usual();
        "k8s.v1.cni.cncf.io/networks".clone_into(&mut kubernetes.annotation);
        let both = with_hook(&Config::read("{}").unwrap().with_hook(&kubernetes).unwrap().unwrap()).unwrap();
        assert_eq!(hooks(&both)["createRuntime"].as_array().map(Vec::len), Some(2));
        assert_eq!(
            hooks(&both)["createRuntime"][0]["args"],
            json!(["underlay-hook", "createRuntime", "--annotation", "k8s.v1.cni.cncf.io/networks"])
        );
    }

    #[test]
    fn annotations_are_looked_for_by_their_whole_name() {
        let is = |text: &str| Config::read(text).unwrap().is_annotated("io.underlay.networks");
        assert!(is(r#"{"annotations":{"io.underlay.networks":"lan"}}"#));
        assert!(!is(r#"{"annotations":{"io.underlay.networks.x":"lan"}}"#));
        assert!(!is(r#"{"annotations":null}"#) && !is("{}"));
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        for text in ["", "[]", "{", r#"{"hooks":[]}"#, r#"{"hooks":{"poststop":{}}}"#, r#"{"annotations":1}"#]
        {
            assert!(Config::read(text).is_err(), "{text}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![any::<i64>().prop_map(Value::from), ".*".prop_map(Value::from)];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_else_changes_and_twice_is_once(
            members in prop::collection::btree_map("[a-z]{1,3}", json(), 0..5),
            is_pretty: bool,
        ) {
            let value = Value::Object(members.into_iter().collect());
            let text = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let new = with_hook(&text.unwrap()).unwrap();
            let mut read: Value = serde_json::from_str(&new).unwrap();
            read.as_object_mut().unwrap().remove("hooks").unwrap();
            prop_assert_eq!(read, value);
            prop_assert_eq!(with_hook(&new), None);
        }
    }
}
