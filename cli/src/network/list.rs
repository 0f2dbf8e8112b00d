//! `underlay network ls`.

use plan::{IpvlanFlag, LinkKind};
use underlay::{
    layout::Layout,
    network::{Catalog, Network, ParentSpec, catalog::Listing, file},
};

use crate::{
    arguments::{Format, ListWords},
    outcome::{Failure, answer},
    table,
};

const HEAD: [&str; 5] = ["NAME", "DRIVER", "MODE", "PARENT", "SUBNETS"];

/// Prints the networks; broken definitions are failures, after all others were printed.
pub(crate) fn list(layout: &Layout, how: &ListWords) -> Result<(), Failure> {
    let Listing { networks, broken } = Catalog::of(&layout.config).all()?;
    let networks: Vec<Network> = networks.into_iter().map(|checked| checked.network).collect();
    if how.quiet {
        for network in &networks {
            answer(network.name.as_str());
        }
    } else if how.format == Format::Json {
        let definitions: Vec<_> = networks.iter().map(file::Document::from).collect();
        answer(&serde_json::to_string_pretty(&definitions)?);
    } else {
        let rows: Vec<_> = [HEAD.map(str::to_owned)].into_iter().chain(networks.iter().map(row)).collect();
        for line in table::lines(&rows) {
            answer(&line);
        }
    }
    Failure::unless_empty(broken)
}

fn row(network: &Network) -> [String; 5] {
    let (driver, _, _) = file::driver_words(network.driver);
    let subnets: Vec<_> = network.subnets.iter().map(|spec| spec.subnet.to_string()).collect();
    [
        network.name.to_string(),
        driver.to_owned(),
        mode(network.driver),
        parent(&network.parent),
        if subnets.is_empty() { "-".to_owned() } else { subnets.join(",") },
    ]
}

/// The mode, with ipvlan's flag behind it unless that is the usual one.
fn mode(driver: LinkKind) -> String {
    let (_, mode, flag) = file::driver_words(driver);
    let is_usual = matches!(driver, LinkKind::Ipvlan { flag: IpvlanFlag::Bridge, .. });
    flag.filter(|_| !is_usual).map_or_else(|| mode.to_owned(), |flag| format!("{mode}/{flag}"))
}

fn parent(parent: &ParentSpec) -> String {
    match parent {
        ParentSpec::Dummy => "-".to_owned(),
        ParentSpec::Link(name) => name.to_string(),
        ParentSpec::DefaultRoute => file::AUTO.to_owned(),
        ParentSpec::Vlan { parent, vlan } => format!("{parent}.{}", vlan.get()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(definition: &str) -> [String; 5] {
        row(&file::parse(definition.as_bytes(), &"lan".parse().unwrap()).unwrap().network)
    }

    #[test]
    fn a_row_says_what_a_network_is() {
        assert_eq!(
            cells(
                r#"{"driver": "ipvlan", "mode": "l3", "flag": "vepa", "parent": "eth0", "vlan": 50,
                "subnets": [{"subnet": "10.0.0.0/24"}, {"subnet": "2001:db8::/64"}]}"#
            ),
            ["lan", "ipvlan", "l3/vepa", "eth0.50", "10.0.0.0/24,2001:db8::/64"]
        );
        assert_eq!(cells(r#"{"driver": "macvlan"}"#), ["lan", "macvlan", "bridge", "-", "-"]);
        assert_eq!(cells(r#"{"driver": "ipvlan", "parent": "foo"}"#), ["lan", "ipvlan", "l2", "foo", "-"]);
    }
}
