//! What a trial needs of the kernel and of the machine.

use std::{
    collections::BTreeMap,
    fmt,
    process::{Command, Stdio},
    sync::Mutex,
};

use crate::{Machine, host::built};

/// Something that a machine may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The kernel makes links of this type on another link.
    Link(&'static str),
    /// The kernel makes links of this type on nothing.
    FreeLink(&'static str),
    /// A program is installed.
    Program(&'static str),
    /// A program was built for the tests.
    Built(&'static str),
    /// A Debian for labs.
    Machine(Machine),
    /// A clock that may be set: the second kernel's machine (`tests/vm.sh`), which ends with the tests.
    Clock,
}

impl Need {
    /// Macvlan links.
    pub const MACVLAN: Self = Self::Link("macvlan");
    /// Ipvlan links.
    pub const IPVLAN: Self = Self::Link("ipvlan");
    /// 802.1Q links.
    pub const VLAN: Self = Self::Link("vlan id 2");
    /// Dummy links.
    pub const DUMMY: Self = Self::FreeLink("dummy");

    /// Whether the machine has it. Tried once: only a link that was made proves that it can be.
    #[must_use]
    pub fn is_met(self) -> bool {
        static TRIED: Mutex<BTreeMap<Need, bool>> = Mutex::new(BTreeMap::new());
        let mut tried = TRIED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *tried.entry(self).or_insert_with(|| self.try_it())
    }

    fn try_it(self) -> bool {
        match self {
            Self::Link(kind) => works(&format!(
                "unshare --net sh -c 'ip link add p0 type veth peer name p1 && ip link add link p0 name p2 type {kind}'"
            )),
            Self::FreeLink(kind) => works(&format!("unshare --net ip link add p0 type {kind}")),
            Self::Built(name) => built(name).is_ok_and(|path| path.exists()),
            Self::Machine(machine) => machine.tree().is_none_or(|tree| tree.is_dir()),
            Self::Program(name) => works(&format!("command -v {name}")),
            // The directory that this machine alone has. On any other the clock is somebody's.
            Self::Clock => works("test -e /.vm/run"),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(kind) | Self::FreeLink(kind) => {
                f.write_str(kind.split_whitespace().next().unwrap_or(kind))
            }
            Self::Program(name) | Self::Built(name) => f.write_str(name),
            Self::Machine(machine) => write!(f, "a tree of {}", machine.name()),
            Self::Clock => f.write_str("a clock to set"),
        }
    }
}

fn works(line: &str) -> bool {
    let status = Command::new("sh").args(["-c", line]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
