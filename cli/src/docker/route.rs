//! `--route`, in the words of ip-route(8).

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::Fault;

const KINDS: [&str; 4] = ["unicast", "blackhole", "unreachable", "prohibit"];

/// The list of routes; those that cannot be understood are left out.
pub(super) fn routes(words: &[String], faults: &mut Vec<Fault>) -> Vec<Value> {
    let mut routes = Vec::new();
    for word in words {
        match route(word) {
            Some(route) => routes.push(Value::Object(route)),
            None => faults.push(Fault::Route(word.clone())),
        }
    }
    routes
}

fn route(text: &str) -> Option<Map<String, Value>> {
    let mut words = text.split_whitespace().peekable();
    let mut route = Map::new();
    if let Some(kind) = words.next_if(|word| KINDS.contains(word)) {
        route.insert("type".to_owned(), json!(kind));
    }
    let destination = words.next()?;
    while let Some(word) = words.next() {
        let (key, value) = match word {
            "via" => ("gateway", json!(words.next()?)),
            "metric" => ("metric", json!(words.next()?.parse::<u64>().ok()?)),
            _ => return None,
        };
        if route.insert(key.to_owned(), value).is_some() {
            return None;
        }
    }
    let is_ipv6 = route.get("gateway").and_then(Value::as_str).is_some_and(|gateway| gateway.contains(':'));
    route.insert("destination".to_owned(), json!(prefix(destination, is_ipv6)));
    Some(route)
}

/// `default` is everything of the gateway's family, and an address alone is one host.
fn prefix(destination: &str, is_ipv6: bool) -> String {
    match (destination, destination.parse::<IpAddr>()) {
        ("default", _) if is_ipv6 => "::/0".to_owned(),
        ("default", _) => "0.0.0.0/0".to_owned(),
        (_, Ok(IpAddr::V4(host))) => format!("{host}/32"),
        (_, Ok(IpAddr::V6(host))) => format!("{host}/128"),
        (other, Err(_)) => other.to_owned(),
    }
}
