//! What died without a word and is still there: what gc would take.

use std::{net::IpAddr, time::Instant};

use super::Finding;
use crate::{
    gc::{self, Collected, Taken},
    layout::Layout,
    message,
    network::{Network, NetworkName},
};

const CHECK: &str = "leftover";

/// Before the first container after a boot there is no run directory, and a look must not make it.
pub(super) fn check(
    layout: &Layout,
    networks: &[Network],
    only: Option<&NetworkName>,
    deadline: Instant,
) -> Vec<Finding> {
    if !layout.run.is_dir() {
        return vec![nothing()];
    }
    judge(&gc::collect(layout, true, deadline), networks, only)
}

fn judge(collected: &Collected, networks: &[Network], only: Option<&NetworkName>) -> Vec<Finding> {
    let is_meant = |address: &IpAddr| {
        only.is_none() || networks.iter().flat_map(|n| &n.subnets).any(|spec| spec.subnet.contains(*address))
    };
    let attachments =
        collected.attachments.iter().filter(|a| only.is_none_or(|name| a.attachment.network == *name)).map(
            |a| {
                let Taken { attachment, why } = a;
                let subject = format!("{} of {}", attachment.interface, attachment.network);
                Finding::warning(CHECK, subject, format!("{why} (namespace {})", attachment.owner.cookie))
            },
        );
    let leases = collected.leases.iter().filter(|(address, _)| is_meant(address)).map(|(address, _)| {
        Finding::warning(CHECK, address.to_string(), "it is leased, and its owner is gone")
    });
    let parents = collected
        .parents
        .iter()
        .map(|parent| Finding::warning(CHECK, parent.to_string(), "it was made for a network that is gone"));
    // What is wrong with definitions is told by their own check.
    let errors = collected
        .errors
        .iter()
        .filter(|error| !matches!(error, gc::Error::Catalog(_)))
        .map(|error| Finding::failure(CHECK, "gc", message::chain(error)));
    let advised = attachments.chain(leases).chain(parents).map(|f| f.advise("run `underlay gc`"));
    let findings: Vec<_> = advised.chain(errors).collect();
    if findings.is_empty() { vec![nothing()] } else { findings }
}

fn nothing() -> Finding {
    Finding::ok(CHECK, "gc", "nothing is left of dead containers")
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Verdict, fixture::network},
        *,
    };

    fn collected() -> Collected {
        Collected {
            leases: ["10.0.0.2", "10.9.0.2"]
                .map(|text| (text.parse().unwrap(), "h/7/lan/eth0".to_owned()))
                .into(),
            parents: vec!["eth0.50".parse().unwrap()],
            ..Collected::default()
        }
    }

    #[test]
    fn everything_that_gc_would_take_is_told() {
        let findings = judge(&collected(), &[], None);
        let subjects: Vec<_> = findings.iter().map(|finding| finding.subject.as_str()).collect();
        assert_eq!(subjects, ["10.0.0.2", "10.9.0.2", "eth0.50"]);
        assert!(findings.iter().all(|finding| finding.verdict == Verdict::Warning));
        assert_eq!(judge(&Collected::default(), &[], None)[0].verdict, Verdict::Ok);
    }

    #[test]
    fn of_one_network_only_the_leases_of_its_subnets() {
        let networks = [network("lan", r#""driver": "macvlan", "subnets": [{"subnet": "10.9.0.0/24"}]"#)];
        let findings = judge(&collected(), &networks, Some(&"lan".parse().unwrap()));
        let subjects: Vec<_> = findings.iter().map(|finding| finding.subject.as_str()).collect();
        assert_eq!(subjects, ["10.9.0.2", "eth0.50"]);
    }
}
