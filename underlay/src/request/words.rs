//! One network that is asked for in separate words, as on a command line.

use super::{
    Request,
    draft::{self, Draft, RouteWord},
    mistake::{Mistakes, Place},
};
use crate::network::NetworkName;

/// What is asked for; the words are those of the annotation's short form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// The interface's name.
    pub interface: Option<String>,
    /// Addresses, with or without a prefix length.
    pub addresses: Vec<String>,
    /// The Ethernet address.
    pub mac: Option<String>,
    /// What is said of default routes: a gateway each, `no`, or nothing for this network's own gateways.
    pub default_routes: Vec<Option<String>>,
}

impl Words {
    /// What is asked for of `network`, or all that is wrong with it.
    pub fn read(&self, network: &NetworkName) -> Result<Request, Mistakes> {
        let mut mistakes = Mistakes::default();
        let place = Place::default();
        let mut draft = Draft { network: Some(network.clone()), ..Draft::default() };
        if let Some(text) = &self.interface {
            draft.interface = mistakes.sift(place.key("interface"), draft::interface(text));
        }
        for text in &self.addresses {
            draft.addresses.extend(mistakes.sift(place.key("ip"), draft::address(text)));
        }
        if let Some(text) = &self.mac {
            draft.mac = mistakes.sift(place.key("mac"), draft::mac(text));
        }
        for text in &self.default_routes {
            draft.routes.extend(mistakes.sift(place.key("default-route"), RouteWord::read(text.as_deref())));
        }
        match draft.finish(&place, &mut mistakes) {
            Some(request) if mistakes.is_empty() => Ok(request),
            _ => Err(mistakes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::ShortForm;

    fn read(words: &Words) -> Result<String, String> {
        let request = words.read(&"lan".parse().unwrap()).map_err(|mistakes| mistakes.to_string())?;
        Ok(ShortForm(&[request]).to_string())
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn words_mean_what_they_mean_in_the_short_form() {
        let words = Words {
            interface: Some("eth1".to_owned()),
            addresses: texts(&["192.0.2.5/24", "[2001:db8::5]"]),
            mac: Some("02-42-ac-11-00-02".to_owned()),
            default_routes: vec![None],
        };
        assert_eq!(
            read(&words).unwrap(),
            "lan@eth1:ip=192.0.2.5,ip=2001:db8::5,mac=02:42:ac:11:00:02,default-route"
        );
        let no = Words { default_routes: vec![Some("no".to_owned())], ..Words::default() };
        assert_eq!(read(&no).unwrap(), "lan:default-route=no");
    }

    #[test]
    fn every_mistake_is_told() {
        let words = Words {
            interface: Some("e th".to_owned()),
            addresses: texts(&["10.0.0.300"]),
            mac: Some("x".to_owned()),
            default_routes: vec![Some("yes".to_owned())],
        };
        assert_eq!(words.read(&"lan".parse().unwrap()).unwrap_err().iter().count(), 4);
        let twice = Words { addresses: texts(&["10.0.0.3", "10.0.0.3"]), ..Words::default() };
        assert_eq!(read(&twice).unwrap_err(), "10.0.0.3 is asked for twice");
    }
}
