//! Whether this machine's own network lets frames with other addresses than the card's through: virtual
//! switches and clouds mostly do not.

use std::{fs, path::Path};

use plan::LinkKind;

use super::{Finding, Verdict};
use crate::network::{Network, ParentSpec};

const CHECK: &str = "machine";
/// What the firmware says of itself (SMBIOS), virtual or not.
const DMI: &str = "/sys/class/dmi/id";

/// A maker of virtual machines, and what its network lets through.
#[derive(Debug)]
struct Platform {
    /// What its firmware has in vendor, product or asset tag.
    marks: &'static [&'static str],
    name: &'static str,
    /// How well macvlan, with its own MAC addresses, works unless something is done.
    macvlan: Verdict,
    /// How well ipvlan, with the card's MAC address, does.
    ipvlan: Verdict,
    advice: &'static str,
}

/// The first one that fits: those that run on somebody else's hypervisor come before it.
const PLATFORMS: [Platform; 10] = [
    cloud(
        &["Amazon EC2"],
        "Amazon EC2",
        "use ipvlan, and assign each address to the network interface as a secondary one",
    ),
    cloud(
        &["Google Compute Engine", "Google"],
        "Google Cloud",
        "use ipvlan, and give the machine the addresses as alias ranges",
    ),
    // Azure's asset tag; vendor and product are Hyper-V's.
    cloud(
        &["7783-7084-3265-9085-8269-3286-77"],
        "Azure",
        "use ipvlan, and add each address to the network interface's configuration",
    ),
    cloud(
        &["DigitalOcean", "Hetzner", "Alibaba Cloud", "OracleCloud.com", "Scaleway", "Vultr"],
        "a cloud",
        "use ipvlan with addresses that the provider routes to this machine",
    ),
    cloud(
        &["OpenStack"],
        "OpenStack",
        "switch port security off for this port, or list the addresses as allowed address pairs (MAC addresses too, for macvlan)",
    ),
    switch(
        &["VMware"],
        "VMware",
        "let the port group accept promiscuous mode and forged transmits, or switch MAC learning on (vSphere 6.7 and later)",
    ),
    switch(
        &["innotek GmbH", "VirtualBox"],
        "VirtualBox",
        "set the adapter's promiscuous mode to `Allow All`",
    ),
    switch(
        &["Microsoft Corporation Virtual Machine"],
        "Hyper-V",
        "switch MAC address spoofing on in the adapter's advanced settings",
    ),
    switch(&["Parallels"], "Parallels", "use bridged networking"),
    Platform {
        marks: &["QEMU", "KVM", "Bochs", "Red Hat", "Xen"],
        name: "QEMU or Xen",
        macvlan: Verdict::Note,
        ipvlan: Verdict::Ok,
        advice: "a bridge on the hypervisor lets all through; with macvtap set trustGuestRxFilters=\"yes\", and \
                 switch off MAC filters (Proxmox: `MAC filter`, libvirt: clean-traffic)",
    },
];

/// Clouds know each address of each machine.
const fn cloud(marks: &'static [&'static str], name: &'static str, advice: &'static str) -> Platform {
    Platform { marks, name, macvlan: Verdict::Warning, ipvlan: Verdict::Note, advice }
}

/// Virtual switches know each card's MAC address.
const fn switch(marks: &'static [&'static str], name: &'static str, advice: &'static str) -> Platform {
    Platform { marks, name, macvlan: Verdict::Warning, ipvlan: Verdict::Ok, advice }
}

/// Nothing if no network leads out of the machine.
pub(super) fn check(networks: &[Network]) -> Option<Finding> {
    judge(&read(), networks)
}

/// Vendor, product and asset tag, with spaces between; empty where there is no such firmware.
fn read() -> String {
    let field = |name| fs::read_to_string(Path::new(DMI).join(name)).ok();
    let fields = ["sys_vendor", "product_name", "chassis_asset_tag"].into_iter().filter_map(field);
    fields.map(|text| text.trim().to_owned()).collect::<Vec<_>>().join(" ")
}

fn judge(firmware: &str, networks: &[Network]) -> Option<Finding> {
    let outward: Vec<_> =
        networks.iter().filter(|network| !matches!(network.parent, ParentSpec::Dummy)).collect();
    if outward.is_empty() {
        return None;
    }
    let is_macvlan = |network: &&Network| matches!(network.driver, LinkKind::Macvlan { .. });
    let macvlans: Vec<_> = outward.iter().copied().filter(is_macvlan).map(|n| n.name.as_str()).collect();
    let shown = if firmware.is_empty() { "no firmware that names a maker" } else { firmware };
    let platform =
        PLATFORMS.iter().find(|platform| platform.marks.iter().any(|mark| firmware.contains(mark)));
    let Some(platform) = platform else {
        return Some(Finding::ok(CHECK, shown, "no virtual machine of a known kind"));
    };
    let (verdict, found) = if macvlans.is_empty() {
        let found = format!("{}: it may let no addresses through but those that it knows", platform.name);
        (platform.ipvlan, found)
    } else {
        let found = format!(
            "{}: it may drop frames with other MAC addresses than the card's; macvlan is used by {}",
            platform.name,
            macvlans.join(", ")
        );
        (platform.macvlan, found)
    };
    if verdict == Verdict::Ok {
        return Some(Finding::ok(CHECK, shown, format!("{}: ipvlan works without more ado", platform.name)));
    }
    Some(Finding { verdict, ..Finding::note(CHECK, shown, found).advise(platform.advice) })
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::network, *};

    fn verdict(firmware: &str, driver: &str) -> (Verdict, String) {
        let networks = [network("lan", &format!(r#""driver": "{driver}", "parent": "eth0""#))];
        let finding = judge(firmware, &networks).unwrap();
        (finding.verdict, finding.advice.unwrap_or_default())
    }

    #[test]
    fn macvlan_needs_what_hypervisors_forbid_and_ipvlan_does_not() {
        let (macvlan, advice) = verdict("VMware, Inc. VMware7,1 No Asset Tag", "macvlan");
        assert_eq!(macvlan, Verdict::Warning);
        assert!(advice.contains("forged transmits"), "{advice}");
        assert_eq!(verdict("VMware, Inc. VMware7,1", "ipvlan").0, Verdict::Ok);
        assert_eq!(verdict("QEMU Standard PC (Q35 + ICH9, 2009)", "macvlan").0, Verdict::Note);
    }

    #[test]
    fn a_cloud_knows_addresses_too() {
        assert_eq!(verdict("Amazon EC2 m7i.large", "macvlan").0, Verdict::Warning);
        assert_eq!(verdict("Amazon EC2 m7i.large", "ipvlan").0, Verdict::Note);
        let azure = "Microsoft Corporation Virtual Machine 7783-7084-3265-9085-8269-3286-77";
        assert!(
            judge(azure, &[network("lan", r#""driver": "ipvlan", "parent": "eth0""#)])
                .unwrap()
                .found
                .starts_with("Azure")
        );
    }

    #[test]
    fn real_machines_and_isolated_networks_need_nothing() {
        assert_eq!(verdict("Dell Inc. PowerEdge R650", "macvlan").0, Verdict::Ok);
        assert_eq!(verdict("", "macvlan").0, Verdict::Ok);
        assert_eq!(judge("Amazon EC2", &[network("lan", r#""driver": "macvlan""#)]), None);
    }
}
