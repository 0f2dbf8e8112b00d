//! Words of Docker's that have no meaning here: known, so that they are refused with a reason.

use clap::Args;

use super::Fault;

/// Not shown in `--help`, since nobody should type them.
#[derive(Args, Debug, Default)]
pub(crate) struct ForeignWords {
    #[arg(long, hide = true)]
    attachable: bool,
    #[arg(long, hide = true)]
    ingress: bool,
    #[arg(long, hide = true)]
    config_only: bool,
    #[arg(long, hide = true)]
    config_from: Option<String>,
    #[arg(long, hide = true)]
    scope: Option<String>,
    #[arg(long, hide = true)]
    ipam_driver: Option<String>,
    #[arg(long, hide = true)]
    ipam_opt: Vec<String>,
}

/// What there is in the place of Docker's and podman's other drivers.
const DRIVERS: [(&str, &str); 6] = [
    (
        "bridge",
        "a bridge with NAT is not the physical network, and the engine's own work; name macvlan or ipvlan",
    ),
    (
        "overlay",
        "a network across hosts is the LAN itself here; name macvlan or ipvlan, with a parent on each host",
    ),
    ("host", "a container on the host's network needs no network of its own, and gets none"),
    ("none", "a container without a network needs no definition; one without a parent is isolated"),
    ("null", "a container without a network needs no definition; one without a parent is isolated"),
    ("vlan", "name macvlan or ipvlan, and the VLAN with --vlan"),
];

impl ForeignWords {
    /// A reason for each that was typed.
    pub(super) fn faults(&self) -> impl Iterator<Item = Fault> {
        let ipam =
            "addresses are handed out by Underlay itself; leave it out, or say --no-ipam for none at all";
        let config = "a definition stands by itself; copy its file to make another one like it";
        [
            (self.attachable, "--attachable", "containers ask for networks by themselves; leave it out"),
            (self.ingress, "--ingress", "there is no swarm whose services it could lead to; leave it out"),
            (self.config_only, "--config-only", config),
            (self.config_from.is_some(), "--config-from", config),
            (
                self.scope.is_some(),
                "--scope",
                "a network is this host's; define it on each host, with a part of the addresses",
            ),
            (self.ipam_driver.is_some(), "--ipam-driver", ipam),
            (!self.ipam_opt.is_empty(), "--ipam-opt", ipam),
        ]
        .into_iter()
        .filter(|(is_typed, _, _)| *is_typed)
        .map(|(_, word, why)| Fault::Foreign { word: word.to_owned(), why })
    }
}

/// Why a driver is none of ours, if it is somebody's.
pub(super) fn driver(word: &str) -> Option<Fault> {
    let (_, why) = DRIVERS.into_iter().find(|(driver, _)| *driver == word)?;
    Some(Fault::Foreign { word: format!("--driver {word}"), why })
}
