//! `--subnet`, and what is brought to its subnet by lying in it.

use ipnetwork::IpNetwork;
use serde_json::{Map, Value, json};

use super::{Fault, leading_address};
use crate::arguments::CreateWords;

/// A subnet on its way into the definition.
struct Subnet {
    /// As it was typed, for its reader to judge.
    text: String,
    /// As far as it can be understood: it may have host bits.
    prefix: Option<IpNetwork>,
    gateway: Option<String>,
    ip_range: Option<String>,
    aux_addresses: Map<String, Value>,
}

/// The list of subnets in the order in which they were typed.
pub(super) fn subnets(words: &CreateWords, faults: &mut Vec<Fault>) -> Vec<Value> {
    let mut subnets: Vec<_> = words.subnet.iter().map(|text| Subnet::new(text)).collect();
    place("--gateway", &words.gateway, &mut subnets, |subnet| &mut subnet.gateway, faults);
    place("--ip-range", &words.ip_range, &mut subnets, |subnet| &mut subnet.ip_range, faults);
    for word in &words.aux_address {
        if let Err(fault) = place_aux(word, &mut subnets) {
            faults.push(fault);
        }
    }
    subnets.into_iter().map(Value::from).collect()
}

fn place(
    flag: &'static str,
    words: &[String],
    subnets: &mut [Subnet],
    slot: impl Fn(&mut Subnet) -> &mut Option<String>,
    faults: &mut Vec<Fault>,
) {
    for word in words {
        match holder(flag, word, word, subnets) {
            Err(fault) => faults.push(fault),
            Ok(subnet) => {
                if slot(subnet).replace(word.clone()).is_some() {
                    faults.push(Fault::Second { flag, text: word.clone(), subnet: subnet.text.clone() });
                }
            }
        }
    }
}

fn place_aux(word: &str, subnets: &mut [Subnet]) -> Result<(), Fault> {
    let flag = "--aux-address";
    let Some((name, address)) = word.split_once('=') else {
        return Err(Fault::Form { flag, text: word.to_owned(), form: "NAME=ADDRESS" });
    };
    let subnet = holder(flag, word, address, subnets)?;
    if subnet.aux_addresses.insert(name.to_owned(), json!(address)).is_some() {
        return Err(Fault::Twice { flag, key: name.to_owned() });
    }
    Ok(())
}

/// The subnet that holds the address with which `text` starts.
fn holder<'a>(
    flag: &'static str,
    word: &str,
    text: &str,
    subnets: &'a mut [Subnet],
) -> Result<&'a mut Subnet, Fault> {
    let Some(address) = leading_address(text) else {
        return Err(Fault::Address { flag, text: word.to_owned() });
    };
    let texts = subnets.iter().map(|subnet| subnet.text.clone()).collect();
    let holds = |subnet: &&mut Subnet| subnet.prefix.is_some_and(|prefix| prefix.contains(address));
    let none = || Fault::NoSubnet { flag, text: word.to_owned(), subnets: texts };
    subnets.iter_mut().find(holds).ok_or_else(none)
}

impl Subnet {
    fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            prefix: text.parse().ok(),
            gateway: None,
            ip_range: None,
            aux_addresses: Map::new(),
        }
    }
}

impl From<Subnet> for Value {
    fn from(subnet: Subnet) -> Self {
        let mut fields = Map::new();
        fields.insert("subnet".to_owned(), json!(subnet.text));
        fields.extend(subnet.gateway.map(|gateway| ("gateway".to_owned(), json!(gateway))));
        fields.extend(subnet.ip_range.map(|range| ("ip_range".to_owned(), json!(range))));
        fields.insert("aux_addresses".to_owned(), Self::Object(subnet.aux_addresses));
        Self::Object(fields)
    }
}
