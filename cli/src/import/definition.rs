//! A definition in the making.

use ipnetwork::IpNetwork;
use serde_json::{Map, Value, json};

/// The fields of a network's file, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Definition {
    name: String,
    fields: Map<String, Value>,
    subnets: Vec<Value>,
    routes: Vec<Value>,
}

/// A subnet, its values as texts for the definition's reader to judge.
#[derive(Debug, Default)]
pub(super) struct Subnet {
    pub(super) prefix: String,
    pub(super) gateway: Option<String>,
    pub(super) ip_range: Option<String>,
    pub(super) aux_addresses: Map<String, Value>,
}

/// A route, likewise.
#[derive(Debug, Default)]
pub(super) struct Route {
    pub(super) destination: String,
    pub(super) gateway: Option<String>,
    pub(super) metric: Option<u64>,
    pub(super) kind: Option<String>,
}

impl Definition {
    pub(super) fn new(name: Option<String>) -> Self {
        Self { name: name.unwrap_or_default(), ..Self::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Sets a field, if there is a value for it.
    pub(super) fn set(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.fields.insert(key.to_owned(), value.into());
        }
    }

    pub(super) fn add_subnet(&mut self, subnet: Subnet) {
        let mut fields = Map::new();
        fields.insert("subnet".to_owned(), json!(subnet.prefix));
        fields.extend(subnet.gateway.map(|gateway| ("gateway".to_owned(), json!(gateway))));
        fields.extend(subnet.ip_range.map(|range| ("ip_range".to_owned(), json!(range))));
        fields.insert("aux_addresses".to_owned(), Value::Object(subnet.aux_addresses));
        self.subnets.push(Value::Object(fields));
    }

    pub(super) fn add_route(&mut self, route: Route) {
        let mut fields = Map::new();
        fields.insert("destination".to_owned(), json!(route.destination));
        fields.extend(route.gateway.map(|gateway| ("gateway".to_owned(), json!(gateway))));
        fields.extend(route.metric.map(|metric| ("metric".to_owned(), json!(metric))));
        fields.extend(route.kind.map(|kind| ("type".to_owned(), json!(kind))));
        self.routes.push(Value::Object(fields));
    }

    /// As a file would have it.
    pub(super) fn text(mut self) -> String {
        self.fields.insert("subnets".to_owned(), Value::Array(self.subnets));
        self.fields.insert("routes".to_owned(), Value::Array(self.routes));
        Value::Object(self.fields).to_string()
    }
}

/// `FIRST-LAST`, where an end that is not named is that of the subnet; none if neither is named.
pub(super) fn range(subnet: &str, first: Option<String>, last: Option<String>) -> Option<String> {
    if first.is_none() && last.is_none() {
        return None;
    }
    let subnet: Option<IpNetwork> = subnet.parse().ok();
    let first = first.or_else(|| Some(subnet?.network().to_string()))?;
    let last = last.or_else(|| Some(subnet?.broadcast().to_string()))?;
    Some(format!("{first}-{last}"))
}

/// The driver, if it is one of ours; else its name.
pub(super) fn driver(word: Option<String>) -> Result<String, String> {
    let word = word.unwrap_or_default();
    if ["macvlan", "ipvlan"].contains(&word.as_str()) { Ok(word) } else { Err(word) }
}

/// A value that was never set is 0 with some, and then the parent's.
pub(super) fn mtu(bytes: Option<u64>) -> Option<u64> {
    bytes.filter(|bytes| *bytes != 0)
}
