//! The command line.

mod attachment;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use underlay::{
    layout::{HELPER, Layout},
    network::NetworkName,
};

use crate::{bundle::BundleCommand, docker::ForeignWords, import::Origin, wrap::WrapWords};
pub(crate) use attachment::{
    ConnectWords, DisconnectWords, InsideWords, InspectFormat, InspectWords, PsFormat, PsWords, RunWords,
};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed; each line on stderr says why
  2  what was typed is wrong; nothing was done";

/// At most 80 columns, so that no terminal wraps them.
const CREATE_EXAMPLES: &str = "\
Examples:
  underlay network create -d macvlan --subnet 192.168.1.0/24 \\
      --gateway 192.168.1.1 -o parent=eth0 lan
  underlay network create -d macvlan --subnet 192.168.50.0/24 \\
      --gateway 192.168.50.1 -o parent=eth0.50 voice
  underlay network create -d ipvlan --subnet 192.168.32.0/24 \\
      --ip-range 192.168.32.128/25 --aux-address printer=192.168.32.129 \\
      --gateway 192.168.32.254 -o parent=eth0 office
  underlay network create -d ipvlan -o ipvlan_mode=l3 -o parent=eth0 \\
      --subnet 10.1.0.0/24 --subnet 2001:db8:1::/64 --ipv6 routed
  underlay network create -d macvlan --no-ipam -o parent=eth0 wire
  underlay network create -d ipvlan isolated

Options for -o:
  parent=LINK        the link to stand on; without one the network is isolated
  parent=LINK.VLAN   VLAN of LINK, unless a link of that very name exists
  parent=auto        the link of the host's default route at each attach
  macvlan_mode=MODE  bridge (default), vepa, private, passthru
  ipvlan_mode=MODE   l2 (default), l3, l3s
  ipvlan_flag=FLAG   bridge (default), private, vepa
  mtu=BYTES          also com.docker.network.driver.mtu=BYTES

Exit codes:
  0  the network was written, its name is on stdout
  1  it does not fit; each line on stderr says why
  2  what was typed is wrong; nothing was done";

const IMPORT_EXAMPLES: &str = "\
Examples:
  underlay network import /etc/containers/networks/lan.json
  underlay network import --dry-run /etc/cni/net.d/*.conflist
  docker network inspect pub_net db_net | underlay network import -

What has no counterpart here is said on stderr, a line a thing.

Exit codes:
  0  all networks were written, their names are on stdout
  1  nothing was written; each line on stderr says why
  2  what was typed is wrong; nothing was done";

const WRAP_EXAMPLE: &str = r#"Docker, in /etc/docker/daemon.json:
  "runtimes": {
    "underlay": {
      "path": "/usr/bin/underlay",
      "runtimeArgs": ["wrap", "--runtime", "runc", "--"]
    }
  }

The exit code is the runtime's; 1 if it could not be started."#;

/// Attach containers to the physical network
#[derive(Debug, Parser)]
#[command(name = "underlay", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) directories: Directories,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where an installation is, if not in its usual places.
#[derive(Args, Debug)]
#[command(next_help_heading = "Installation")]
pub(crate) struct Directories {
    /// Directory of the configuration; the networks are in `networks` below it
    #[arg(long, global = true, value_name = "DIR", default_value = "/etc/underlay")]
    config: PathBuf,
    /// Directory of what lives until the next boot: leases and records
    #[arg(long, global = true, value_name = "DIR", default_value = "/run/underlay")]
    run: PathBuf,
    /// The program that enters network namespaces
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        default_value = HELPER
    )]
    helper: PathBuf,
}

impl Directories {
    pub(crate) fn layout(&self) -> Layout {
        Layout { config: self.config.clone(), run: self.run.clone(), helper: self.helper.clone() }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Define, show and remove networks
    #[command(subcommand)]
    Network(NetworkCommand),
    /// Look for what keeps containers from their networks
    #[command(after_help = crate::doctor::HELP)]
    Doctor(crate::doctor::Words),
    /// Give hooks to bundles that no engine gives hooks to
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Add the hooks to an annotated bundle, then become its runtime; for engines without hooks
    #[command(after_help = WRAP_EXAMPLE)]
    Wrap(WrapWords),
    /// List what is attached where
    #[command(after_help = EXIT_CODES)]
    Ps(PsWords),
    /// Show all that is known of containers
    #[command(after_help = EXIT_CODES)]
    Inspect(InspectWords),
    /// Run a command on networks, in a network namespace of its own
    #[command(after_help = attachment::RUN_EXAMPLES)]
    Run(RunWords),
    /// What `run` starts
    #[command(hide = true)]
    RunInside(InsideWords),
    /// Take down what dead containers left behind
    #[command(after_help = EXIT_CODES)]
    Gc(GcWords),
    /// Write man pages, completions and the JSON Schema, for packages
    #[command(hide = true)]
    Documents {
        /// Directory for man/, completions/ and schema/
        directory: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum NetworkCommand {
    /// Define a network, in the words of `docker network create` and a few more
    #[command(after_help = CREATE_EXAMPLES)]
    Create(Box<CreateWords>),
    /// List the networks
    #[command(visible_alias = "list", after_help = EXIT_CODES)]
    Ls(ListWords),
    /// Show networks in full, with the addresses that are leased, as JSON
    #[command(after_help = EXIT_CODES)]
    Inspect {
        /// Which
        #[arg(required = true, value_name = "NAME")]
        names: Vec<NetworkName>,
    },
    /// Define networks as podman, CNI or Docker know them: all that are named, or none
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportWords),
    /// Look for mistakes in definitions, and for conflicts between them
    #[command(after_help = EXIT_CODES)]
    Check {
        /// Names of networks, or files (they have a `/` or end with `.json`); all networks if none is named
        #[arg(value_name = "NAME|FILE")]
        subjects: Vec<String>,
    },
    /// Print the routes that the LAN's routers need to reach an ipvlan network of mode l3 or l3s
    #[command(after_help = EXIT_CODES)]
    Routes {
        /// Which
        name: NetworkName,
        /// For whom
        #[arg(long, value_enum, default_value = "ip")]
        format: Router,
    },
    /// Print the JSON Schema of a network's file
    #[command(after_help = EXIT_CODES)]
    Schema,
    /// Remove networks
    #[command(visible_alias = "remove", after_help = EXIT_CODES)]
    Rm {
        /// Which
        #[arg(required = true, value_name = "NAME")]
        names: Vec<NetworkName>,
        /// Detach the containers that use them first; they go on without
        #[arg(short, long)]
        force: bool,
    },
    /// Remove all networks that no container uses
    #[command(after_help = EXIT_CODES)]
    Prune {
        /// Do not ask
        #[arg(short, long)]
        force: bool,
    },
    /// Attach a network to a container that runs
    #[command(after_help = attachment::CONNECT_EXAMPLES)]
    Connect(ConnectWords),
    /// Detach a network from a container
    #[command(after_help = EXIT_CODES)]
    Disconnect(DisconnectWords),
}

/// The words of `network create`. Those that the definition's reader judges stay texts, so that all that is
/// wrong is said at once.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags that may be typed")]
pub(crate) struct CreateWords {
    /// Name of the network
    pub(crate) name: String,
    /// macvlan or ipvlan
    #[arg(short, long)]
    pub(crate) driver: String,
    /// Subnet, such as 192.168.1.0/24; may be given several times
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(crate) subnet: Vec<String>,
    /// Router of the subnet that holds it
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) gateway: Vec<String>,
    /// Part of a subnet from which addresses are chosen, as CIDR or FIRST-LAST
    #[arg(long, value_name = "RANGE", value_delimiter = ',')]
    pub(crate) ip_range: Vec<String>,
    /// Address that is taken already
    #[arg(long, value_name = "NAME=ADDRESS", value_delimiter = ',')]
    pub(crate) aux_address: Vec<String>,
    /// Enable IPv6; without an IPv6 subnet one is chosen
    #[arg(long)]
    pub(crate) ipv6: bool,
    /// No default route
    #[arg(long)]
    pub(crate) internal: bool,
    /// Label, kept and shown
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) label: Vec<String>,
    /// Option of the driver, see below
    #[arg(short = 'o', long = "opt", value_name = "KEY=VALUE")]
    pub(crate) opt: Vec<String>,
    /// VLAN of the parent, 1 to 4094
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    pub(crate) vlan: Option<String>,
    /// Have a container wait for a parent that is not there yet, as at boot: 1 to 15
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(crate) parent_wait: Option<String>,
    /// MTU in bytes; the parent's if not given
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    pub(crate) mtu: Option<String>,
    /// Route besides the default one: "DEST via GATEWAY [metric N]", "DEST", or "blackhole DEST" (also
    /// unreachable, prohibit)
    #[arg(long, value_name = "ROUTE")]
    pub(crate) route: Vec<String>,
    /// Name server
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) dns: Vec<String>,
    /// Domain in which names are looked up
    #[arg(long, value_name = "DOMAIN", value_delimiter = ',')]
    pub(crate) dns_search: Vec<String>,
    /// Gateways do not become default routes
    #[arg(long)]
    pub(crate) no_default_route: bool,
    /// Metric of the default routes
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) metric: Option<String>,
    /// Kubernetes namespace whose containers may use the network; everybody may if none is given
    #[arg(long, value_name = "NS", value_delimiter = ',')]
    pub(crate) kubernetes_namespace: Vec<String>,
    /// Annotations cannot ask for addresses
    #[arg(long)]
    pub(crate) no_fixed_addresses: bool,
    /// Annotations cannot ask for MAC addresses
    #[arg(long)]
    pub(crate) no_fixed_macs: bool,
    /// Annotations cannot ask for this network, which is in mode passthru
    #[arg(long)]
    pub(crate) no_passthru: bool,
    /// No addresses: the network's links work on layer 2 alone
    #[arg(long, conflicts_with_all = ["subnet", "gateway", "ip_range", "aux_address"])]
    pub(crate) no_ipam: bool,
    #[command(flatten)]
    pub(crate) foreign: ForeignWords,
}

#[derive(Args, Debug)]
pub(crate) struct GcWords {
    /// Only say what would be taken down
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "lines")]
    pub(crate) format: GcFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GcFormat {
    /// One line a thing, and none if there was nothing
    Lines,
    /// One object with a list for each kind of thing
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct ListWords {
    /// Names alone
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line a network
    Table,
    /// The definitions as one list
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct ImportWords {
    /// Whose words the files are in; found out if not given
    #[arg(long, value_enum)]
    pub(crate) from: Option<Origin>,
    /// Print the definitions instead of writing them
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Files to read; `-` is stdin
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<String>,
}

/// Whose words routes are printed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Router {
    /// Commands of iproute2
    Ip,
    /// Configuration of `FRRouting`
    Frr,
    /// Configuration of BIRD 2
    Bird,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_usual_places_are_the_librarys() {
        let arguments = Arguments::try_parse_from(["underlay", "gc"]).unwrap();
        assert_eq!(arguments.directories.layout(), Layout::default());
    }
}
