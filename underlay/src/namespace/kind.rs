//! Which kind of namespace an open file is.

use std::{os::fd::AsFd, path::Path};

use netlink::namespace_type;
use nix::sys::statfs::{FsType, fstatfs};

use super::Error;

/// `NSFS_MAGIC` of `include/uapi/linux/magic.h`; nix has it in the type of another libc.
pub(super) const NSFS_MAGIC: FsType = FsType(0x6e73_6673);

/// Refuses what setns(2) would refuse with a bare EINVAL: files of other file systems, and namespaces of another kind.
pub(super) fn expect_network(file: &impl AsFd, path: &Path) -> Result<(), Error> {
    if !fstatfs(file).is_ok_and(|stat| stat.filesystem_type() == NSFS_MAGIC) {
        return Err(Error::NotANamespace(path.to_owned()));
    }
    match namespace_type(file) {
        Ok(libc::CLONE_NEWNET) => Ok(()),
        Ok(flag) => Err(Error::OtherKind { path: path.to_owned(), kind: name(flag) }),
        Err(source) => Err(Error::Open { path: path.to_owned(), source }),
    }
}

/// As in `/proc/PID/ns`.
const fn name(flag: libc::c_int) -> &'static str {
    match flag {
        libc::CLONE_NEWCGROUP => "cgroup",
        libc::CLONE_NEWIPC => "ipc",
        libc::CLONE_NEWNS => "mnt",
        libc::CLONE_NEWPID => "pid",
        libc::CLONE_NEWUSER => "user",
        libc::CLONE_NEWUTS => "uts",
        _ => "another",
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn only_a_network_namespace_is_one() {
        let of = |path: &str| expect_network(&File::open(path).unwrap(), Path::new(path));
        assert!(of("/proc/self/ns/net").is_ok());
        for kind in ["cgroup", "ipc", "mnt", "pid", "user", "uts"] {
            let path = format!("/proc/self/ns/{kind}");
            let complaint = of(&path).unwrap_err().to_string();
            assert!(complaint.contains(&path) && complaint.contains(&format!("`{kind}`")), "{complaint}");
        }
        assert!(matches!(of("/proc/self/status"), Err(Error::NotANamespace(_))));
    }
}
