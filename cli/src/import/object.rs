//! Objects of others: what is taken out is understood, and what is left behind is told.

use serde_json::{Map, Value};

use super::fault::Trouble;

/// What was found on the way.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What is not carried over.
    pub(super) notes: Vec<String>,
    /// What makes the network unusable.
    pub(super) troubles: Vec<Trouble>,
}

impl Findings {
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(super) fn trouble(&mut self, trouble: Trouble) {
        self.troubles.push(trouble);
    }
}

/// An object, and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Object {
    place: String,
    fields: Map<String, Value>,
}

impl Object {
    /// The outermost one.
    pub(super) const fn new(fields: Map<String, Value>) -> Self {
        Self { place: String::new(), fields }
    }

    /// Whether there is anything under this key. Go writes what was never set as `null`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.fields.get(key).is_some_and(|value| !value.is_null())
    }

    /// Takes a text; an empty one is none, as in Go.
    pub(super) fn text(&mut self, key: &str, findings: &mut Findings) -> Option<String> {
        let text = self.take(key, "a text", findings, |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        });
        text.filter(|text| !text.is_empty())
    }

    /// Takes true or false; false if it is not there.
    pub(super) fn flag(&mut self, key: &str, findings: &mut Findings) -> bool {
        self.take(key, "true or false", findings, |value| value.as_bool()).unwrap_or(false)
    }

    /// Takes a number, or a text that is one.
    pub(super) fn number(&mut self, key: &str, findings: &mut Findings) -> Option<u64> {
        self.take(key, "a whole number", findings, |value| match value {
            Value::String(text) => text.parse().ok(),
            value => value.as_u64(),
        })
    }

    /// Takes an object.
    pub(super) fn object(&mut self, key: &str, findings: &mut Findings) -> Option<Self> {
        let place = self.place(key);
        let fields = self.take(key, "an object", findings, |value| match value {
            Value::Object(fields) => Some(fields),
            _ => None,
        })?;
        Some(Self { place, fields })
    }

    /// Takes a list of objects.
    pub(super) fn objects(&mut self, key: &str, findings: &mut Findings) -> Vec<Self> {
        let place = self.place(key);
        let list = self.take(key, "a list of objects", findings, |value| list(value, &place));
        list.unwrap_or_default()
    }

    /// Takes a list of lists of objects.
    pub(super) fn sets(&mut self, key: &str, findings: &mut Findings) -> Vec<Vec<Self>> {
        let place = self.place(key);
        let sets = self.take(key, "a list of lists of objects", findings, |value| {
            let sets = into_list(value)?.into_iter().enumerate();
            sets.map(|(n, set)| list(set, &format!("{place}[{n}]"))).collect()
        });
        sets.unwrap_or_default()
    }

    /// Takes a list of texts.
    pub(super) fn texts(&mut self, key: &str, findings: &mut Findings) -> Vec<String> {
        let texts = self.take(key, "a list of texts", findings, |value| {
            into_list(value)?.into_iter().map(|text| text.as_str().map(str::to_owned)).collect()
        });
        texts.unwrap_or_default()
    }

    /// Takes an object as it is, for the definition's reader to judge.
    pub(super) fn map(&mut self, key: &str, findings: &mut Findings) -> Map<String, Value> {
        self.object(key, findings).map(|object| object.fields).unwrap_or_default()
    }

    /// Notes what nobody has taken, unless it says nothing or is of use to its owner alone.
    pub(super) fn leave(self, of_no_use: &[&str], findings: &mut Findings) {
        for (key, value) in &self.fields {
            if !of_no_use.contains(&key.as_str()) && !says_nothing(value) {
                findings.note(format!("{} is not carried over", self.place(key)));
            }
        }
    }

    /// Where a key is, or would be.
    pub(super) fn place(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }

    fn take<T>(
        &mut self,
        key: &str,
        expected: &'static str,
        findings: &mut Findings,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.fields.remove(key).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            findings.trouble(Trouble::Type { place: self.place(key), expected });
        }
        read
    }
}

fn into_list(value: Value) -> Option<Vec<Value>> {
    if let Value::Array(values) = value { Some(values) } else { None }
}

fn list(value: Value, place: &str) -> Option<Vec<Object>> {
    let object = |(n, value)| match value {
        Value::Object(fields) => Some(Object { place: format!("{place}[{n}]"), fields }),
        _ => None,
    };
    into_list(value)?.into_iter().enumerate().map(object).collect()
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.values().all(says_nothing),
    }
}
