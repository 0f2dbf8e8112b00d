//! The words of the commands that are about containers: which are attached, and to attach one by hand.

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use underlay::network::NetworkName;

use crate::target::Target;

pub(super) const CONNECT_EXAMPLES: &str = "\
Examples:
  underlay network connect lan web
  underlay network connect lan 4f5c --ip 192.168.1.20 --interface eth1
  underlay network connect lan pid:4711 --default-route=no
  underlay network connect lan /run/netns/blue

CONTAINER is one of
  ID        a container's id, or as much of its beginning as no other shares
  pid:PID   a process: the network namespace that it is in
  /PATH     a network namespace

A container whose annotation names networks takes this one down with them when
it ends; after others, and after a process, `underlay gc` does. What is attached
to a path stays until `underlay network disconnect`, or until it is gone.";

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  underlay run --network lan
  underlay run --network lan:ip=192.168.1.20 -- ping -c 1 192.168.1.1
  underlay run --network lan@up --network 'voice:default-route=no' -- ip address

Exit codes:
  125  the networks could not be attached; each line on stderr says why
  126  the command cannot be run
  127  there is no such command
  2    what was typed is wrong; nothing was done
  or the command's own, 128 + N if signal N killed it";

#[derive(Args, Debug)]
pub(crate) struct PsWords {
    /// Ids of the containers alone
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: PsFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PsFormat {
    /// One line an attachment
    Table,
    /// Objects like those of Kubernetes' network-status, with the container in each
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct InspectWords {
    /// Container ids, or as much of their beginnings as no others share
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// How to print
    #[arg(long, value_enum, default_value = "json")]
    pub(crate) format: InspectFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InspectFormat {
    /// The records as one list
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct ConnectWords {
    /// Which network
    pub(crate) network: NetworkName,
    /// Which container
    pub(crate) container: Target,
    /// Address that it must have; may be given several times
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) ip: Vec<String>,
    /// Ethernet address that it must have
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mac: Option<String>,
    /// Name of the interface; the lowest free ethN if not given
    #[arg(long, value_name = "NAME")]
    pub(crate) interface: Option<String>,
    /// Default routes by this network's gateways, by these routers, or none
    #[arg(
        long,
        value_name = "GATEWAY|no",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ""
    )]
    pub(crate) default_route: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct DisconnectWords {
    /// Which network
    pub(crate) network: NetworkName,
    /// Which container: an id, pid:PID, or a namespace's path
    pub(crate) container: Target,
}

#[derive(Args, Debug)]
pub(crate) struct RunWords {
    /// Network, as in the annotation: NAME[@IFNAME][:ip=A,mac=M,…]; may be given several times
    #[arg(long, required = true, value_name = "NETWORK")]
    pub(crate) network: Vec<String>,
    /// Command and its arguments; $SHELL if none is given
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// What `underlay run` tells the process that becomes the command.
#[derive(Args, Debug)]
pub(crate) struct InsideWords {
    /// Process id of `underlay run`
    pub(crate) parent: i32,
    /// Command and its arguments
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}
