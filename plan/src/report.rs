//! What the helper answers.

use serde::{Deserialize, Serialize};

use crate::{IfName, MacAddress};

/// Where the numbers of namespaces begin that the helper makes of their cookies, and that are thus never used
/// again within a boot. The kernel's own numbers are the lowest that are free, and used again.
pub const FIRST_NSID: i32 = 1 << 30;

/// The number that a namespace gets, made of its cookie; none where the cookies of a boot have become too large.
#[must_use]
pub fn nsid_of(cookie: u64) -> Option<i32> {
    i32::try_from(cookie).ok()?.checked_add(FIRST_NSID)
}

/// Written as soon as the helper is in the namespace, before it gives up its last rights: which one it really is. So
/// much the kernel alone says, and the hook can lock its record of the namespace meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entered {
    /// `SO_NETNS_COOKIE` of the namespace: unlike its inode never used again within one boot.
    pub cookie: u64,
}

/// Written once the helper can do nothing but carry out its plan: what is in the namespace already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The number under which the host's namespace knows it from now on (`RTM_NEWNSID`).
    pub nsid: i32,
    /// Names of the links that are there.
    pub links: Vec<String>,
    /// An IPv4 default route is there.
    pub ipv4_default: bool,
    /// An IPv6 default route is there.
    pub ipv6_default: bool,
}

impl Hello {
    /// What a namespace says in which nobody has done anything yet; none where cookies have become too large to
    /// tell the number that it will get.
    #[must_use]
    pub fn of_fresh(cookie: u64) -> Option<Self> {
        let links = vec!["lo".to_owned()];
        Some(Self { nsid: nsid_of(cookie)?, links, ipv4_default: false, ipv6_default: false })
    }
}

/// Written at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Report {
    /// All steps were carried out.
    Done {
        /// The links that were made, in the order of the plan.
        links: Vec<MadeLink>,
    },
    /// The helper could not enter the namespace, or a step failed and everything before it was taken back.
    Failed(Failure),
}

/// A link as the kernel made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeLink {
    /// Its name.
    pub name: IfName,
    /// Its index in the namespace.
    pub index: u32,
    /// Its Ethernet address: for ipvlan the parent's.
    pub mac: Option<MacAddress>,
    /// Bytes.
    pub mtu: u32,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The operation and its object, in words: "create link eth0".
    pub what: String,
    /// The error number, where the kernel gave one.
    pub errno: Option<i32>,
    /// Why, in words; ends with the kernel's own text (extended acknowledgement) where it gave one.
    pub why: String,
    /// What could not be taken back, in words; empty if all was.
    pub left: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_far_from_the_kernels_own_and_end_with_their_type() {
        assert_eq!(nsid_of(1), Some(1_073_741_825));
        assert_eq!(nsid_of((1 << 30) - 1), Some(i32::MAX));
        assert_eq!(nsid_of(1 << 30), None);
        assert_eq!(nsid_of(u64::MAX), None);
    }
}
