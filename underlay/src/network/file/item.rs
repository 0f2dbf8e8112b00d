//! Values of a definition together with their places, and the readers that collect every mistake.

use std::{fmt::Display, ops::RangeInclusive};

use super::{
    fault::{Excerpt, Fault, Mistake, Warning},
    field::Field,
    spelling,
    tree::Node,
};

/// What was found on the way.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Warning>,
}

impl Findings {
    pub(super) fn mistake(&mut self, place: impl Display, fault: Fault) {
        let place = Some(place.to_string()).filter(|place| !place.is_empty());
        self.mistakes.push(Mistake { place: place.unwrap_or_else(|| "definition".to_owned()), fault });
    }

    /// The value, or none and a mistake at this place.
    pub(super) fn accept<T>(
        &mut self,
        place: impl Display,
        result: Result<T, impl Into<Fault>>,
    ) -> Option<T> {
        result.map_err(|fault| self.mistake(place, fault.into())).ok()
    }
}

/// A value and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) place: String,
    pub(super) value: T,
}

/// A value that has not been interpreted.
pub(super) type Item = Placed<Node>;

/// An object whose keys are the definition's own.
pub(super) struct Fields {
    place: String,
    entries: Vec<(String, Node)>,
}

impl Fields {
    /// The value of a key, if it is there.
    pub(super) fn take(&mut self, key: &str) -> Option<Item> {
        let position = self.entries.iter().position(|(name, _)| name == key)?;
        let (name, value) = self.entries.swap_remove(position);
        Some(Placed { place: join(&self.place, &name), value })
    }

    /// Where a key is, or would be.
    pub(super) fn place(&self, key: &str) -> String {
        join(&self.place, key)
    }
}

impl Item {
    /// Reads an object, all of whose keys must be those of `known`.
    pub(super) fn fields(self, known: &[Field], findings: &mut Findings) -> Option<Fields> {
        let place = self.place.clone();
        let known: Vec<_> = known.iter().map(|field| field.key).collect();
        let mut entries = self.entries(findings)?;
        entries.retain(|(key, item)| {
            let is_known = known.contains(&key.as_str());
            if !is_known {
                let near = spelling::nearest(key, &known);
                findings.mistake(&item.place, Fault::UnknownKey { near, known: known.clone() });
            }
            is_known
        });
        Some(Fields { place, entries: entries.into_iter().map(|(key, item)| (key, item.value)).collect() })
    }

    /// Reads an object whose keys are free. Of a key that is there twice, the first value is kept.
    pub(super) fn entries(self, findings: &mut Findings) -> Option<Vec<(String, Self)>> {
        let Node::Object(raw) = self.value else { return self.wrong("an object", findings) };
        let mut seen = std::collections::BTreeSet::new();
        let mut entries = Vec::with_capacity(raw.len());
        for (key, value) in raw {
            let place = join(&self.place, &key);
            if seen.insert(key.clone()) {
                entries.push((key, Placed { place, value }));
            } else {
                findings.mistake(place, Fault::DuplicateKey);
            }
        }
        Some(entries)
    }

    /// Reads a list of at most `max` items.
    pub(super) fn list(self, max: usize, findings: &mut Findings) -> Vec<Self> {
        let Node::List(values) = self.value else {
            return self.wrong("a list", findings).unwrap_or_default();
        };
        if values.len() > max {
            findings.mistake(self.place, Fault::TooMany { found: values.len(), max });
            return Vec::new();
        }
        let place = |position| format!("{}[{position}]", self.place);
        values.into_iter().enumerate().map(|(n, value)| Placed { place: place(n), value }).collect()
    }

    pub(super) fn text(self, findings: &mut Findings) -> Option<String> {
        if let Node::Text(text) = self.value { Some(text) } else { self.wrong("a text", findings) }
    }

    pub(super) fn flag(self, findings: &mut Findings) -> Option<bool> {
        if let Node::Bool(flag) = self.value { Some(flag) } else { self.wrong("true or false", findings) }
    }

    pub(super) fn number<N: TryFrom<u64>>(
        self,
        range: RangeInclusive<u64>,
        findings: &mut Findings,
    ) -> Option<N> {
        let Node::Whole(found) = self.value else { return self.wrong("a whole number", findings) };
        let number = if range.contains(&found) { N::try_from(found).ok() } else { None };
        if number.is_none() {
            findings.mistake(self.place, Fault::Range { found, range });
        }
        number
    }

    /// Reads a text and what it means.
    pub(super) fn parse<T, E: Into<Fault>>(
        self,
        read: impl FnOnce(&str) -> Result<T, E>,
        findings: &mut Findings,
    ) -> Option<Placed<T>> {
        let place = self.place.clone();
        let text = self.text(findings)?;
        let value = findings.accept(&place, read(&text))?;
        Some(Placed { place, value })
    }

    fn wrong<T>(&self, expected: &'static str, findings: &mut Findings) -> Option<T> {
        findings.mistake(&self.place, Fault::Type { expected, found: self.value.kind() });
        None
    }
}

fn join(place: &str, key: &str) -> String {
    if place.is_empty() { Excerpt(key).to_string() } else { format!("{place}.{}", Excerpt(key)) }
}
