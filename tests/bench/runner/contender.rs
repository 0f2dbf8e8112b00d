//! Who does the same job.

use std::fs;

use serde_json::json;

use crate::{
    error::{Result, file},
    installed::{directory, is_there, program},
    measure::Line,
    site::{Container, LEASES, PARENT, parent_index},
};

/// A way to attach a container to the network, and to detach it: link, address, default route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    /// The netlink requests and one lease.
    Floor,
    /// The same by a process that can do nothing else, started by another.
    Apart,
    /// Hook and helper.
    Underlay,
    /// iproute2, with the address given.
    Ip,
    /// netavark, with the address given; the program's name.
    Netavark(&'static str),
    /// CNI's macvlan with host-local.
    Cni,
}

/// What attaches and detaches one container.
pub(crate) struct Job {
    pub(crate) attach: Vec<Line>,
    pub(crate) detach: Vec<Line>,
}

impl Contender {
    /// Those that are installed; the first is the floor.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Floor, Self::Apart, Self::Underlay, Self::Ip];
        all.extend(
            ["netavark", "netavark-given"].into_iter().filter(|name| is_there(name)).map(Self::Netavark),
        );
        all.extend(is_there("macvlan").then_some(Self::Cni));
        all
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Apart => "floor, shut in",
            Self::Underlay => "Underlay",
            Self::Ip => "ip -batch (no IPAM)",
            Self::Netavark("netavark") => "netavark of Debian (no IPAM)",
            Self::Netavark(_) => "netavark as given (no IPAM)",
            Self::Cni => "CNI macvlan, host-local",
        }
    }

    /// Writes what it reads of a container, and tells how it is run.
    pub(crate) fn job(&self, container: &Container) -> Result<Job> {
        match self {
            Self::Floor => floor("floor", container),
            Self::Apart => floor("apart", container),
            Self::Underlay => Ok(Job {
                attach: vec![container.hook("createRuntime")],
                detach: vec![container.hook("poststop").deleting()],
            }),
            Self::Ip => ip(container),
            Self::Netavark(name) => netavark(&program(name), container),
            Self::Cni => cni(container),
        }
    }
}

/// What the one floor or the other made, the first one takes down.
fn floor(name: &str, container: &Container) -> Result<Job> {
    let (namespace, address) = (container.namespace(), container.address());
    let (lease, mac, parent) = (format!("{LEASES}/{address}"), container.mac(), parent_index()?);
    let words = ["attach", &namespace, &lease, &parent, &mac, &address, "16", "10.0.0.1"];
    Ok(Job {
        attach: vec![Line::new(words).below(&[&program(name)])],
        detach: vec![Line::new([program("floor").as_str(), "detach", &namespace, &lease])],
    })
}

/// ip(8) makes the link in the namespace; a second one is in there for all that follows.
fn ip(container: &Container) -> Result<Job> {
    let mac = container.mac();
    let batch = format!("/run/bench/batch-{}", container.number);
    let text = format!(
        "address add {}/16 dev eth0\nlink set eth0 up\nroute add default via 10.0.0.1\n",
        container.address()
    );
    fs::write(&batch, text).map_err(file(&batch))?;
    // ip(8) knows a namespace by its name below /run/netns.
    let name = &container.replica.name;
    let ip = program("ip");
    let link = [ip.as_str(), "link", "add", "link", PARENT, "name", "eth0", "netns", name, "address", &mac];
    let kind = ["type", "macvlan", "mode", "bridge"];
    Ok(Job {
        attach: vec![Line::new(link.into_iter().chain(kind)), Line::new([&ip, "-n", name, "-batch", &batch])],
        detach: vec![Line::new([&ip, "-n", name, "link", "delete", "eth0"])],
    })
}

fn netavark(path: &str, container: &Container) -> Result<Job> {
    let id = "12".repeat(32);
    let network = json!({
        "name": "lan", "id": id, "driver": "macvlan", "network_interface": PARENT,
        "subnets": [{"subnet": "10.0.0.0/16", "gateway": "10.0.0.1"}], "ipv6_enabled": false,
        "internal": false, "dns_enabled": false, "ipam_options": {"driver": "host-local"},
        "options": {"mode": "bridge"},
    });
    let options = json!({
        "container_id": container.replica.name, "container_name": container.replica.name,
        "networks": {"lan": {
            "interface_name": "eth0", "static_ips": [container.address()], "static_mac": container.mac(),
        }},
        "network_info": {"lan": network},
    });
    let input = format!("/run/bench/netavark-{}", container.number);
    fs::write(&input, options.to_string()).map_err(file(&input))?;
    let line = |verb: &str| {
        let words = [path, "--config", "/run/bench/netavark", verb, &container.namespace()];
        Line::new(words).input(&input)
    };
    Ok(Job { attach: vec![line("setup")], detach: vec![line("teardown")] })
}

fn cni(container: &Container) -> Result<Job> {
    let input = "/run/bench/cni.json";
    let network = json!({
        "cniVersion": "1.0.0", "name": "lan", "type": "macvlan", "master": PARENT, "mode": "bridge",
        "ipam": {
            "type": "host-local", "dataDir": "/run/bench/cni", "routes": [{"dst": "0.0.0.0/0"}],
            "ranges": [[{"subnet": "10.0.0.0/16", "gateway": "10.0.0.1"}]],
        },
    });
    fs::write(input, network.to_string()).map_err(file(input))?;
    let line = |verb: &str| {
        Line::new([program("macvlan")])
            .input(input)
            .variable("CNI_COMMAND", verb)
            .variable("CNI_CONTAINERID", &container.replica.name)
            .variable("CNI_NETNS", container.namespace())
            .variable("CNI_IFNAME", "eth0")
            .variable("CNI_PATH", directory())
    };
    Ok(Job { attach: vec![line("ADD")], detach: vec![line("DEL")] })
}
