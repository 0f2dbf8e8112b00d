//! The JSON form of an annotation, as Multus reads it, but strictly.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::{
    annotation::{MAX_ADDRESSES, MAX_NETWORKS},
    conflict::Numbered,
    draft::{self, Draft, RouteWord},
    mistake::{Fault, Mistakes, Place},
};

/// Keys that Multus hands to CNI plug-ins, and why there is nobody to hand them to.
const UNSUPPORTED: [(&str, &str); 6] = [
    ("portMappings", "the container has addresses of its own, all its ports are reachable"),
    ("bandwidth", "macvlan and ipvlan links are not shaped"),
    ("deviceID", "links are made on the network's parent, not taken from a device plug-in"),
    ("infiniband-guid", "macvlan and ipvlan links are Ethernet links"),
    ("cni-args", "no CNI plug-in is run"),
    ("ipam-claim-reference", "addresses are leased on this host, not claimed from the cluster"),
];

/// An element of the array as it stands: keys in their order, and twice if they are there twice.
enum Element {
    Object(Vec<(String, Value)>),
    Other(&'static str),
}

/// Reads the array. The text begins with `[`, `{` or `"`, after space.
pub(super) fn array(text: &str, mistakes: &mut Mistakes) -> Vec<Numbered> {
    if !text.trim_start().starts_with('[') {
        mistakes.note(Place::default(), Fault::NotArray);
        return vec![];
    }
    let parsed = serde_json::from_str::<Vec<Element>>(text).map_err(Fault::Json);
    let elements = mistakes.sift(Place::default(), parsed).unwrap_or_default();
    if elements.len() > MAX_NETWORKS {
        mistakes.note(Place::default(), Fault::Networks(elements.len()));
        return vec![];
    }
    let mut requests = Vec::new();
    for (number, element) in (1..).zip(elements) {
        let place = Place::network(number);
        match element {
            Element::Object(fields) => {
                let request = object(&fields, &place, mistakes).finish(&place, mistakes);
                requests.extend(request.map(|request| (number, request)));
            }
            Element::Other(found) => mistakes.note(place, Fault::NotObject(found)),
        }
    }
    requests
}

fn object(fields: &[(String, Value)], place: &Place, mistakes: &mut Mistakes) -> Draft {
    let has = |key: &str| fields.iter().any(|(other, _)| other == key);
    let mut draft = Draft::default();
    if !has("name") {
        mistakes.note(place.clone(), Fault::NoName);
    }
    for (position, (key, value)) in fields.iter().enumerate() {
        let Some(known) = known_key(key) else {
            mistakes.note(place.clone(), Fault::Key(key.as_str().into()));
            continue;
        };
        let place = place.key(known);
        if fields.iter().take(position).any(|(earlier, _)| earlier == key) {
            mistakes.note(place, Fault::Twice);
        } else if known == "interfaceRequest" && has("interface") {
            mistakes.note(place, Fault::OldSpelling);
        } else {
            field(known, value, &place, &mut draft, mistakes);
        }
    }
    draft
}

fn known_key(key: &str) -> Option<&'static str> {
    const SUPPORTED: [&str; 7] =
        ["name", "namespace", "interface", "interfaceRequest", "ips", "mac", "default-route"];
    SUPPORTED.into_iter().chain(UNSUPPORTED.map(|(key, _)| key)).find(|known| *known == key)
}

fn field(key: &str, value: &Value, place: &Place, draft: &mut Draft, mistakes: &mut Mistakes) {
    match key {
        "name" => draft.network = mistakes.sift(place.clone(), string(value).and_then(draft::network)),
        "namespace" => {
            mistakes.sift(place.clone(), string(value).and_then(draft::namespace));
        }
        "interface" | "interfaceRequest" => {
            draft.interface = mistakes.sift(place.clone(), string(value).and_then(draft::interface));
        }
        "ips" => draft.addresses = strings(value, place, mistakes, draft::address),
        "mac" => draft.mac = mistakes.sift(place.clone(), string(value).and_then(draft::mac)),
        "default-route" => draft.routes = routes(value, place, mistakes),
        _ => {
            let reason = UNSUPPORTED.iter().find(|(unsupported, _)| *unsupported == key);
            mistakes.note(place.clone(), Fault::Unsupported(reason.map_or("unknown", |(_, reason)| reason)));
        }
    }
}

/// An empty array selects the network for the default route without naming a gateway.
fn routes(value: &Value, place: &Place, mistakes: &mut Mistakes) -> Vec<RouteWord> {
    if value.as_array().is_some_and(Vec::is_empty) {
        return vec![RouteWord::Own];
    }
    strings(value, place, mistakes, |text| draft::bare_address(text).map(RouteWord::Via))
}

fn strings<T>(
    value: &Value,
    place: &Place,
    mistakes: &mut Mistakes,
    read: impl Fn(&str) -> Result<T, Fault>,
) -> Vec<T> {
    let Some(values) = value.as_array() else {
        mistakes
            .note(place.clone(), Fault::Type { expected: "an array of strings", found: type_name(value) });
        return vec![];
    };
    if values.len() > MAX_ADDRESSES {
        mistakes.note(place.clone(), Fault::Addresses(values.len()));
        return vec![];
    }
    values.iter().filter_map(|value| mistakes.sift(place.clone(), string(value).and_then(&read))).collect()
}

fn string(value: &Value) -> Result<&str, Fault> {
    value.as_str().ok_or(Fault::Type { expected: "a string", found: type_name(value) })
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ElementVisitor)
    }
}

/// Takes everything: what an element should be is said by [`array`], together with all other mistakes.
struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Element::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Element, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Element::Other("an array"))
    }

    fn visit_unit<E>(self) -> Result<Element, E> {
        Ok(Element::Other("null"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Element, E> {
        Ok(Element::Other("true or false"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Element, E> {
        Ok(Element::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Element, E> {
        Ok(Element::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Element, E> {
        Ok(Element::Other("a number"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Element, E> {
        Ok(Element::Other("a string"))
    }
}
