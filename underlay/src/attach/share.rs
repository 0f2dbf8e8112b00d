//! Which requests a namespace's attachments fulfil already. Pure.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

use super::Error;
use crate::{
    attachment::record::{Attachment, Record},
    request::Request,
};

/// Requests by what is to be done for them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// Attachments that fulfil a request as they are: indices into the record.
    pub(super) shared: Vec<usize>,
    /// Requests for which a link has to be made: indices into the list.
    pub(super) fresh: Vec<usize>,
}

/// A request is fulfilled by an attachment of its network: by that of the name it asks for, else by the first
/// that no other request of the list has taken. An attachment that is otherwise than asked for is an error.
pub(super) fn split(record: &Record, requests: &[Request]) -> Result<Split, Error> {
    let mut split = Split::default();
    for (number, request) in requests.iter().enumerate() {
        let found = record.attachments.iter().enumerate().find(|(index, attachment)| {
            !split.shared.contains(index)
                && attachment.network == request.network
                && request.interface.as_ref().is_none_or(|interface| *interface == attachment.interface)
        });
        match found {
            Some((index, attachment)) => {
                compare(attachment, request)?;
                split.shared.push(index);
            }
            None => split.fresh.push(number),
        }
    }
    Ok(split)
}

fn compare(attachment: &Attachment, request: &Request) -> Result<(), Error> {
    let has: Vec<IpAddr> = attachment.addresses.iter().map(IpNetwork::ip).collect();
    let different = |has: String, wants: String| {
        Err(Error::Different {
            network: attachment.network.clone(),
            interface: attachment.interface.clone(),
            has,
            wants,
        })
    };
    if let Some(missing) = request.addresses.iter().find(|address| !has.contains(address)) {
        let has = has.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
        return different(if has.is_empty() { "no address".to_owned() } else { has }, missing.to_string());
    }
    match (attachment.mac, request.mac) {
        (Some(has), Some(wants)) if has != wants => different(has.to_string(), wants.to_string()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use plan::{LinkKind, MacvlanMode};

    use super::*;
    use crate::{
        attachment::record::{NamespaceId, State},
        ipam::Owner,
        namespace::Inode,
        request::DefaultRoute,
    };

    fn record(attachments: &[(&str, &str)]) -> Record {
        let file = Inode { device: 4, inode: 7 };
        let mut record =
            Record::new(NamespaceId { cookie: 7, boot: String::new(), host: 1, nsid: 7, file, path: None });
        record.attachments =
            attachments.iter().map(|(network, interface)| attachment(network, interface)).collect();
        record
    }

    fn attachment(network: &str, interface: &str) -> Attachment {
        Attachment {
            network: network.parse().unwrap(),
            interface: interface.parse().unwrap(),
            index: Some(2),
            kind: LinkKind::Macvlan { mode: MacvlanMode::Bridge },
            parent: "eth0".parse().unwrap(),
            parent_index: 3,
            mac: Some("02:00:00:00:00:01".parse().unwrap()),
            mtu: Some(1500),
            addresses: vec!["10.0.0.2/24".parse().unwrap()],
            owner: format!("host/7/{network}/{interface}").parse::<Owner>().unwrap(),
            alias: String::new(),
            routes: Vec::new(),
            linkless_routes: Vec::new(),
            state: State::Attached,
            since: 0,
            users: Vec::new(),
        }
    }

    fn request(network: &str, interface: Option<&str>) -> Request {
        Request {
            network: network.parse().unwrap(),
            interface: interface.map(|interface| interface.parse().unwrap()),
            addresses: Vec::new(),
            mac: None,
            default_route: DefaultRoute::Unstated,
        }
    }

    #[test]
    fn a_network_that_is_there_is_shared_and_another_is_made() {
        let split = split(&record(&[("a", "eth0")]), &[request("b", None), request("a", None)]).unwrap();
        assert_eq!(split, Split { shared: vec![0], fresh: vec![0] });
    }

    #[test]
    fn two_interfaces_on_one_network_are_two_attachments() {
        let record = record(&[("a", "eth0")]);
        let twice = [request("a", Some("eth0")), request("a", Some("eth1"))];
        assert_eq!(split(&record, &twice).unwrap(), Split { shared: vec![0], fresh: vec![1] });
    }

    #[test]
    fn what_is_there_otherwise_than_asked_for_is_refused_with_both() {
        let record = record(&[("a", "eth0")]);
        let mut wants = request("a", None);
        wants.addresses = vec!["10.0.0.9".parse().unwrap()];
        let text = split(&record, &[wants.clone()]).unwrap_err().to_string();
        assert!(text.contains("10.0.0.2") && text.contains("10.0.0.9"), "{text}");
        wants.addresses = vec!["10.0.0.2".parse().unwrap()];
        assert!(split(&record, &[wants.clone()]).is_ok());
        wants.mac = Some("02:00:00:00:00:02".parse().unwrap());
        assert!(split(&record, &[wants]).is_err());
    }
}
