//! The JSON Schema of a definition, for editors and for tools that write definitions.
//!
//! It says what a definition looks like. What compares values with one another (a gateway in its subnet,
//! subnets that overlap) is beyond it: that is for [`super::parse`], which takes nothing that the schema
//! refuses.

use serde_json::{Map, Value, json};

use super::{
    field::{DEFINITION, Field, Form},
    link,
};
use crate::network::name;

/// Which language the schema is in.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Digits, hexadecimal ones, and separators: what an address is made of, whatever its family.
const ADDRESS: &str = "[0-9A-Fa-f:.]+";
/// A name that [`plan::IfName`] takes, but for loopback.
const LINK: &str = r#"^(?!(lo|\.|\.\.|all|default)$)(?!.*[/:%"'\\])[!-~]{1,15}$"#;
/// RFC 1123.
const KUBERNETES_NAMESPACE: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
const DOMAIN: &str = r"^(\.|[A-Za-z0-9_][A-Za-z0-9_-]{0,62}(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?)$";

/// The JSON Schema of a network's file.
#[must_use]
pub fn schema() -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!(DIALECT));
    schema.insert("title".to_owned(), json!("A network of Underlay, /etc/underlay/networks/NAME.json"));
    schema.extend(object(DEFINITION));
    schema.insert("dependentRequired".to_owned(), json!({"vlan": ["parent"], "parent_wait": ["parent"]}));
    schema.insert("allOf".to_owned(), json!([macvlan(), ipvlan(), vlan()]));
    Value::Object(schema)
}

fn object(fields: &[Field]) -> Map<String, Value> {
    let required: Vec<_> =
        fields.iter().filter(|field| field.default.is_none()).map(|field| field.key).collect();
    let properties: Map<_, _> = fields.iter().map(|field| (field.key.to_owned(), property(field))).collect();
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("object"));
    object.insert("properties".to_owned(), Value::Object(properties));
    object.insert("additionalProperties".to_owned(), json!(false));
    if !required.is_empty() {
        object.insert("required".to_owned(), json!(required));
    }
    object
}

/// The value's form, and for those who hover over it what it means.
fn property(field: &Field) -> Value {
    let mut property = form(&field.form);
    let default = field.default.map(|default| format!(" Default: {default}.")).unwrap_or_default();
    property.insert("description".to_owned(), json!(format!("{}{default}", field.meaning)));
    Value::Object(property)
}

fn form(form: &Form) -> Map<String, Value> {
    let value = match form {
        Form::Address => {
            json!({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}], "pattern": format!("^{ADDRESS}$")})
        }
        Form::Domain => json!({"type": "string", "pattern": DOMAIN, "maxLength": 254}),
        Form::Flag => json!({"type": "boolean"}),
        Form::KubernetesNamespace => json!({"type": "string", "pattern": KUBERNETES_NAMESPACE}),
        Form::Link => json!({"type": "string", "pattern": LINK}),
        Form::List { of, max } => json!({"type": "array", "items": self::form(of), "maxItems": max}),
        Form::Map { of, max } => json!({
            "type": "object", "additionalProperties": self::form(of), "maxProperties": max, "propertyNames": {"minLength": 1},
        }),
        Form::NetworkName => {
            json!({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]*$", "maxLength": name::MAX_LEN})
        }
        Form::Object(fields) => Value::Object(object(fields)),
        Form::Prefix => json!({"type": "string", "pattern": format!("^{ADDRESS}/[0-9]{{1,3}}$")}),
        Form::Range => json!({
            "type": "string", "pattern": format!(r"^({ADDRESS}/[0-9]{{1,3}}|\s*{ADDRESS}\s*-\s*{ADDRESS}\s*)$"),
        }),
        Form::Text => json!({"type": "string"}),
        Form::Whole(range) => json!({"type": "integer", "minimum": range.start(), "maximum": range.end()}),
        Form::Words(words) => json!({"enum": words()}),
    };
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// macvlan has modes of its own and no flags.
fn macvlan() -> Value {
    let properties = json!({"mode": {"enum": link::words_of(link::MACVLAN_MODES)}, "flag": false});
    json!({"if": driver(link::MACVLAN), "then": {"properties": properties}})
}

fn ipvlan() -> Value {
    let properties = json!({"mode": {"enum": link::words_of(link::IPVLAN_MODES)}});
    json!({"if": driver(link::IPVLAN), "then": {"properties": properties}})
}

/// A VLAN is of a parent that is known by its name.
fn vlan() -> Value {
    json!({"if": {"required": ["vlan"]}, "then": {"properties": {"parent": {"not": {"const": link::AUTO}}}}})
}

fn driver(driver: &str) -> Value {
    json!({"properties": {"driver": {"const": driver}}, "required": ["driver"]})
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use jsonschema::Validator;
    use proptest::prelude::*;

    use super::{
        super::{
            parse, print,
            tests::{EVERY_FIELD, round_trip::any_network},
        },
        *,
    };

    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
        jsonschema::draft202012::options().should_validate_formats(true).build(&schema()).unwrap()
    });

    fn is_read(definition: &Value) -> bool {
        parse(definition.to_string().as_bytes(), &"lan".parse().unwrap()).is_ok()
    }

    #[test]
    fn the_schema_is_one() {
        assert!(jsonschema::meta::is_valid(&schema()));
    }

    #[test]
    fn a_definition_with_every_field_is_valid() {
        let definition: Value = serde_json::from_str(EVERY_FIELD).unwrap();
        assert!(is_read(&definition) && VALIDATOR.is_valid(&definition));
        let written: Vec<_> = definition.as_object().unwrap().keys().collect();
        let mut known: Vec<_> = DEFINITION.iter().map(|field| field.key).collect();
        known.sort_unstable();
        assert_eq!(written, known, "the test has every field");
    }

    /// Neither the reader nor the schema takes any of these.
    #[test]
    fn what_does_not_look_like_a_definition_is_refused_as_the_reader_refuses_it() {
        let macvlan = |fields: &str| format!(r#"{{"driver": "macvlan", {fields}}}"#);
        let subnet = |fields: &str| macvlan(&format!(r#""subnets": [{{{fields}}}]"#));
        let route = |fields: &str| macvlan(&format!(r#""routes": [{{{fields}}}]"#));
        let labels: Vec<_> = (0..=1024).map(|n| format!(r#""{n}": """#)).collect();
        let texts = [
            "{}".to_owned(),
            "[]".to_owned(),
            r#"{"driver": "bridge"}"#.to_owned(),
            r#"{"driver": "ipvlan", "mode": "bridge"}"#.to_owned(),
            r#"{"driver": "ipvlan", "flag": "passthru"}"#.to_owned(),
            macvlan(r#""mode": "l2""#),
            macvlan(r#""flag": "private""#),
            macvlan(r#""name": "-lan""#),
            macvlan(r#""colour": 1"#),
            macvlan(r#""vlan": 50"#),
            macvlan(r#""parent": "eth0", "vlan": 4095"#),
            macvlan(r#""parent": "eth0", "vlan": "50""#),
            macvlan(r#""parent": "auto", "vlan": 50"#),
            macvlan(r#""parent": "lo""#),
            macvlan(r#""parent_wait": 5"#),
            macvlan(r#""parent": "eth0", "parent_wait": 16"#),
            macvlan(r#""parent": "a/b""#),
            macvlan(r#""parent": "a-name-too-long-""#),
            macvlan(r#""parent": null"#),
            macvlan(r#""internal": 1"#),
            macvlan(r#""mtu": 67"#),
            macvlan(r#""mtu": 1400.5"#),
            macvlan(r#""metric": -1"#),
            macvlan(r#""subnets": {}"#),
            subnet(""),
            subnet(r#""subnet": "10.0.0.0""#),
            subnet(r#""subnet": "ten/8""#),
            subnet(r#""subnet": "10.0.0.0/8", "gatway": "10.0.0.1""#),
            subnet(r#""subnet": "10.0.0.0/8", "gateway": "10.0.0.300""#),
            subnet(r#""subnet": "10.0.0.0/8", "ip_range": "10.0.0.9""#),
            subnet(r#""subnet": "10.0.0.0/8", "aux_addresses": ["10.0.0.1"]"#),
            subnet(r#""subnet": "10.0.0.0/8", "aux_addresses": {"": "10.0.0.1"}"#),
            route(r#""gateway": "10.0.0.1""#),
            route(r#""destination": "10.0.0.0/8", "type": "throw""#),
            macvlan(r#""dns": {"servers": ["ns.example.org"]}"#),
            macvlan(r#""dns": {"search": ["a..b"]}"#),
            macvlan(r#""dns": {"nameservers": []}"#),
            macvlan(r#""access": {"kubernetes_namespaces": ["-a"]}"#),
            macvlan(r#""access": {"kubernetes_namespaces": ["A"]}"#),
            macvlan(r#""access": {"kubernetes_namespaces": "a"}"#),
            macvlan(r#""access": {"fixed_addresses": 0}"#),
            macvlan(r#""access": {"fixed_ips": false}"#),
            macvlan(r#""labels": {"a": 1}"#),
            macvlan(&format!(r#""labels": {{{}}}"#, labels.join(","))),
        ];
        for text in texts {
            let definition: Value = serde_json::from_str(&text).unwrap();
            assert!(!is_read(&definition), "the reader takes {text}");
            assert!(!VALIDATOR.is_valid(&definition), "the schema takes {text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_valid(network in any_network()) {
            let definition: Value = serde_json::from_str(&print(&network)).unwrap();
            let errors: Vec<_> = VALIDATOR.iter_errors(&definition).map(|error| error.to_string()).collect();
            prop_assert_eq!(errors, Vec::<String>::new());
        }
    }
}
