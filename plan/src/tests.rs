//! What is printed is read back, whatever it says.

use std::{collections::BTreeSet, fmt::Debug};

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Entered, Hello, IfName, IpvlanFlag, IpvlanMode, LinkKind, MacAddress, MacvlanMode, Plan, Question,
    Report, RouteKind, Sight, Step, Sysctl, strategies,
};

/// On one line: the end of a line is the end of a word between hook and helper.
fn read_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(word: &T) -> Result<(), TestCaseError> {
    let text = serde_json::to_string(word).unwrap();
    prop_assert!(!text.contains(['\n', '\r']), "{}", text);
    let again: T =
        serde_json::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
    prop_assert_eq!(&again, word, "{}", text);
    Ok(())
}

/// A word that has a field, in whichever of its parts, that nobody knows.
fn with_unknown_field(word: &Value) -> Vec<Value> {
    let mut spoilt = Vec::new();
    if let Value::Object(fields) = word {
        let mut more = fields.clone();
        more.insert("and".to_owned(), Value::Null);
        spoilt.push(Value::Object(more));
        for (key, value) in fields {
            spoilt.extend(with_unknown_field(value).into_iter().map(|value| {
                let mut fields = fields.clone();
                fields.insert(key.clone(), value);
                Value::Object(fields)
            }));
        }
    }
    if let Value::Array(items) = word {
        for (position, item) in items.iter().enumerate() {
            spoilt.extend(with_unknown_field(item).into_iter().map(|item| {
                let mut items = items.clone();
                items[position] = item;
                Value::Array(items)
            }));
        }
    }
    spoilt
}

proptest! {
    #[test]
    fn a_plan_is_read_back(plan in strategies::plan()) {
        read_back(&plan)?;
    }

    #[test]
    fn a_hello_is_read_back(hello in strategies::hello()) {
        read_back(&hello)?;
        let text = serde_json::to_string(&hello).unwrap();
        prop_assert!(serde_json::from_str::<Report>(&text).is_err(), "a report in the place of the hello is known");
    }

    #[test]
    fn a_cookie_is_read_back(cookie in any::<u64>(), hello in strategies::hello(), report in strategies::report()) {
        read_back(&Entered { cookie })?;
        for other in [serde_json::to_string(&hello), serde_json::to_string(&report)] {
            prop_assert!(serde_json::from_str::<Entered>(&other.unwrap()).is_err());
        }
    }

    #[test]
    fn a_report_is_read_back(report in strategies::report()) {
        read_back(&report)?;
        let text = serde_json::to_string(&report).unwrap();
        prop_assert!(serde_json::from_str::<Hello>(&text).is_err());
        prop_assert!(serde_json::from_str::<Sight>(&text).is_err());
    }

    #[test]
    fn a_question_is_read_back(question in strategies::question()) {
        read_back(&question)?;
    }

    #[test]
    fn a_sight_is_read_back(sight in strategies::sight()) {
        read_back(&sight)?;
    }

    #[test]
    fn a_name_is_read_back(name in strategies::if_name()) {
        prop_assert_eq!(name.to_string().parse(), Ok(name.clone()));
        read_back(&name)?;
    }

    #[test]
    fn no_text_is_too_odd_for_a_name(text in "\\PC{0,20}|[ -~]{0,17}|(\\.|all|default|%d|/|:|e){0,4}") {
        if let Ok(name) = IfName::new(text.clone()) {
            prop_assert_eq!(name.as_str(), text);
            read_back(&name)?;
        }
    }

    #[test]
    fn a_mac_address_is_read_back_from_either_form(mac in strategies::mac_address()) {
        let text = mac.to_string();
        for form in [text.clone(), text.to_uppercase(), text.replace(':', "-")] {
            prop_assert_eq!(form.parse(), Ok(mac), "{}", form);
        }
        read_back(&mac)?;
    }

    #[test]
    fn no_text_is_too_odd_for_a_mac_address(text in "\\PC{0,20}|([0-9a-fA-F+]{1,3}[:-]){4,6}[0-9a-f]{2}") {
        if let Ok(mac) = text.parse::<MacAddress>() {
            prop_assert_eq!(mac.to_string(), text.to_lowercase().replace('-', ":"));
        }
    }

    /// What is asked of the helper it must know to the last field: the others could be what matters.
    #[test]
    fn an_unknown_field_is_no_plan_and_no_question(
        plan in strategies::plan(), question in strategies::question(),
    ) {
        for spoilt in with_unknown_field(&serde_json::to_value(&plan).unwrap()) {
            prop_assert!(serde_json::from_value::<Plan>(spoilt.clone()).is_err(), "{}", spoilt);
        }
        for spoilt in with_unknown_field(&serde_json::to_value(&question).unwrap()) {
            prop_assert!(serde_json::from_value::<Question>(spoilt.clone()).is_err(), "{}", spoilt);
        }
    }
}

/// The strategies above make every variant that can be read: a new one that nobody makes is a failure.
#[test]
fn every_variant_is_made() {
    every_variant_of::<Step>(strategies::step(), None);
    every_variant_of::<LinkKind>(strategies::link_kind(), Some("driver"));
    every_variant_of::<MacvlanMode>(strategies::macvlan_mode(), None);
    every_variant_of::<IpvlanMode>(strategies::ipvlan_mode(), None);
    every_variant_of::<IpvlanFlag>(strategies::ipvlan_flag(), None);
    every_variant_of::<Sysctl>(strategies::sysctl(), None);
    every_variant_of::<RouteKind>(strategies::route_kind(), None);
    every_variant_of::<Report>(strategies::report(), None);
}

/// serde lists the variants to whoever asks for another.
fn every_variant_of<T: Serialize + DeserializeOwned + Debug>(
    strategy: impl Strategy<Value = T>,
    tag: Option<&str>,
) {
    let unknown = match tag {
        Some(tag) => serde_json::json!({ tag: "?" }),
        None => "?".into(),
    };
    let refused = serde_json::from_value::<T>(unknown).unwrap_err().to_string();
    let known: BTreeSet<&str> = refused.split('`').skip(3).step_by(2).collect();
    assert!(known.len() > 1, "{refused}");
    let mut runner = TestRunner::deterministic();
    let made: BTreeSet<String> = (0..200)
        .map(|_| {
            let value = serde_json::to_value(strategy.new_tree(&mut runner).unwrap().current()).unwrap();
            // A variant with fields is a map of one entry, unless they have a tag among them.
            match (tag, value.as_object()) {
                (None, Some(variant)) => variant.keys().next().unwrap().clone(),
                (None, None) => value.as_str().unwrap().to_owned(),
                (Some(tag), _) => value[tag].as_str().unwrap().to_owned(),
            }
        })
        .collect();
    assert_eq!(made.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
}
