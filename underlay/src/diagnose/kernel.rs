//! Whether the kernel can make the links that the networks need.

use std::{fs, path::Path};

use netlink::{Driver, Socket};
use plan::LinkKind;

use super::Finding;
use crate::{
    message,
    network::{Network, ParentSpec},
};

const CHECK: &str = "kernel";

/// What is known of one driver.
#[derive(Debug, PartialEq, Eq)]
enum Reading {
    There,
    /// The kernel has none, although it was asked to load it.
    Missing(Module),
    /// The kernel did not say.
    Unknown(String),
}

/// The module that would have the driver.
#[derive(Debug, PartialEq, Eq)]
enum Module {
    /// Its file is there.
    Installed,
    /// This kernel's modules are there, and it is not among them.
    NotInstalled,
    /// There are no modules of this kernel at all.
    NoModules,
}

pub(super) fn check(socket: &Socket, networks: &[Network]) -> Vec<Finding> {
    let release = release();
    let judged = |driver| judge(driver, &read(socket, driver, &release), networks, &release);
    Driver::ALL.map(judged).into()
}

fn read(socket: &Socket, driver: Driver, release: &str) -> Reading {
    match socket.has_driver(driver) {
        Ok(true) => Reading::There,
        Ok(false) => Reading::Missing(module(driver, release)),
        Err(error) => Reading::Unknown(message::chain(&error)),
    }
}

fn module(driver: Driver, release: &str) -> Module {
    let index = Path::new("/lib/modules").join(release).join("modules.dep");
    // A compressed module has another ending behind `.ko`.
    let file = format!("/{}.ko", driver.module());
    match fs::read_to_string(index) {
        Ok(index) if index.contains(&file) => Module::Installed,
        Ok(_) => Module::NotInstalled,
        Err(_) => Module::NoModules,
    }
}

fn release() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_or_else(|_| String::new(), |text| text.trim().to_owned())
}

/// Missing what nobody needs is no fault.
fn judge(driver: Driver, reading: &Reading, networks: &[Network], release: &str) -> Finding {
    let name = driver.name();
    let users: Vec<_> =
        networks.iter().filter(|network| needs(network, driver)).map(|n| n.name.as_str()).collect();
    match reading {
        Reading::There => Finding::ok(CHECK, name, "this kernel makes such links"),
        Reading::Unknown(why) => Finding::note(CHECK, name, why).advise("run this command as root"),
        Reading::Missing(module) if users.is_empty() => {
            Finding::note(CHECK, name, "this kernel makes no such links, and no network needs them")
                .advise(remedy(driver, module, release))
        }
        Reading::Missing(module) => {
            let found = format!("this kernel makes no such links; needed by {}", users.join(", "));
            Finding::failure(CHECK, name, found).advise(remedy(driver, module, release))
        }
    }
}

fn remedy(driver: Driver, module: &Module, release: &str) -> String {
    let name = driver.module();
    match module {
        Module::Installed => format!(
            "the module {name} is there but was not loaded: `modprobe {name}` says why (look for `blacklist` and \
             `install` lines in /etc/modprobe.d)"
        ),
        Module::NotInstalled => format!(
            "install the rest of this kernel's modules (linux-modules-extra-{release} on Ubuntu, \
             kernel-modules-extra on Fedora and RHEL), or a kernel that is built with {name}"
        ),
        Module::NoModules => format!(
            "there is no /lib/modules/{release}: reboot if the kernel was updated, or use a kernel that is built with {name}"
        ),
    }
}

fn needs(network: &Network, driver: Driver) -> bool {
    match driver {
        Driver::Macvlan => matches!(network.driver, LinkKind::Macvlan { .. }),
        Driver::Ipvlan => matches!(network.driver, LinkKind::Ipvlan { .. }),
        Driver::Vlan => matches!(network.parent, ParentSpec::Vlan { .. }),
        Driver::Dummy => matches!(network.parent, ParentSpec::Dummy),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Verdict, fixture::network},
        *,
    };

    fn verdict(driver: Driver, reading: &Reading) -> Finding {
        let networks = [network("voice", r#""driver": "macvlan", "parent": "eth0", "vlan": 50"#)];
        judge(driver, reading, &networks, "6.1.0")
    }

    #[test]
    fn only_what_a_network_needs_can_fail() {
        let missing = Reading::Missing(Module::NotInstalled);
        for (driver, expected) in [
            (Driver::Macvlan, Verdict::Failure),
            (Driver::Vlan, Verdict::Failure),
            (Driver::Ipvlan, Verdict::Note),
            (Driver::Dummy, Verdict::Note),
        ] {
            assert_eq!(verdict(driver, &missing).verdict, expected, "{driver:?}");
            assert_eq!(verdict(driver, &Reading::There).verdict, Verdict::Ok);
        }
        assert_eq!(verdict(Driver::Vlan, &Reading::Unknown("no".into())).verdict, Verdict::Note);
    }

    #[test]
    fn the_module_is_named_and_why_it_is_not_there() {
        let advice = |module| verdict(Driver::Vlan, &Reading::Missing(module)).advice.unwrap();
        assert!(advice(Module::Installed).contains("modprobe 8021q"));
        assert!(advice(Module::NotInstalled).contains("linux-modules-extra-6.1.0"));
        assert!(advice(Module::NoModules).contains("/lib/modules/6.1.0"));
    }
}
