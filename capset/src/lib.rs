//! The capability sets of a thread, read and written whole.
//!
//! capget(2) and capset(2) know all three sets at once, and so what a process gives up in one stage is given up
//! in one call, with no state between. The crate `caps`, which has the names, changes one set at a time, with two
//! calls and a hash table each.

use std::{fmt, io};

use caps::Capability;
use thiserror::Error;

/// `_LINUX_CAPABILITY_VERSION_3`: 64 capabilities in two halves.
const VERSION: u32 = 0x2008_0522;
const HALF_BITS: u32 = 32;

/// The sets could not be read or changed.
#[derive(Debug, Error)]
pub enum Error {
    /// capget(2).
    #[error("cannot look at the capabilities of this thread (capget); let its sandbox allow the call")]
    Look(#[source] io::Error),
    /// capset(2).
    #[error(
        "cannot make the capabilities of this thread {wanted} (capset); start it with all of them, as the host's root"
    )]
    Change {
        /// What they were to be.
        wanted: Sets,
        /// What the kernel answered: `EPERM`, if a set was to gain what is not permitted.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// What the kernel answered.
    #[must_use]
    pub fn cause(&self) -> &io::Error {
        match self {
            Self::Look(source) | Self::Change { source, .. } => source,
        }
    }
}

/// Three sets, a bit for each capability (`linux/capability.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// What is used.
    pub effective: u64,
    /// What can be taken up.
    pub permitted: u64,
    /// What a program may inherit whose file says so.
    pub inheritable: u64,
}

/// The bits of these capabilities.
#[must_use]
pub fn mask(capabilities: &[Capability]) -> u64 {
    capabilities.iter().fold(0, |mask, capability| mask | capability.bitmask())
}

impl Sets {
    /// These are permitted and used, and none inheritable.
    #[must_use]
    pub fn only(capabilities: &[Capability]) -> Self {
        let mask = mask(capabilities);
        Self { effective: mask, permitted: mask, inheritable: 0 }
    }

    /// Those of the calling thread.
    pub fn of_this_thread() -> Result<Self, Error> {
        let mut halves = [Half::default(); 2];
        // SAFETY: this version's capget writes two of these structures, and to the header, at most, another version.
        #[expect(unsafe_code, reason = "the call has no wrapper")]
        let result = unsafe { libc::syscall(libc::SYS_capget, &mut Header::of_this_thread(), &mut halves) };
        if result == 0 { Ok(halves.into()) } else { Err(Error::Look(io::Error::last_os_error())) }
    }

    /// Makes these the sets of the calling thread. Bits for which the kernel has no capability are ignored.
    pub fn set(self) -> Result<(), Error> {
        let halves: [Half; 2] = self.into();
        // SAFETY: this version's capset reads two of these structures.
        #[expect(unsafe_code, reason = "the call has no wrapper")]
        let result = unsafe { libc::syscall(libc::SYS_capset, &mut Header::of_this_thread(), &halves) };
        if result == 0 {
            Ok(())
        } else {
            Err(Error::Change { wanted: self, source: io::Error::last_os_error() })
        }
    }
}

impl fmt::Display for Sets {
    /// As /proc/PID/status writes them, without the zeros in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { effective, permitted, inheritable } = self;
        write!(f, "effective {effective:x}, permitted {permitted:x}, inheritable {inheritable:x}")
    }
}

/// `struct __user_cap_header_struct`.
#[repr(C)]
struct Header {
    version: u32,
    thread: i32,
}

impl Header {
    const fn of_this_thread() -> Self {
        Self { version: VERSION, thread: 0 }
    }
}

/// `struct __user_cap_data_struct`: the low half of all sets comes first.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

impl From<[Half; 2]> for Sets {
    fn from([low, high]: [Half; 2]) -> Self {
        let whole = |low, high| u64::from(high) << HALF_BITS | u64::from(low);
        Self {
            effective: whole(low.effective, high.effective),
            permitted: whole(low.permitted, high.permitted),
            inheritable: whole(low.inheritable, high.inheritable),
        }
    }
}

impl From<Sets> for [Half; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "it is what cuts them in halves")]
    fn from(sets: Sets) -> Self {
        [0, HALF_BITS].map(|shift| Half {
            effective: (sets.effective >> shift) as u32,
            permitted: (sets.permitted >> shift) as u32,
            inheritable: (sets.inheritable >> shift) as u32,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const NETWORK: u64 = 1 << 12;
    /// No kernel has so many.
    const BEYOND: u64 = 1 << 63;

    /// In a thread of its own, since the sets are a thread's.
    fn apart(test: impl FnOnce() + Send + 'static) {
        thread::spawn(test).join().unwrap();
    }

    #[test]
    fn what_is_set_is_read_back() {
        apart(|| {
            let before = Sets::of_this_thread().unwrap();
            let resting = Sets { effective: 0, ..before };
            resting.set().unwrap();
            assert_eq!(Sets::of_this_thread().unwrap(), resting);
            let acting = Sets { effective: before.permitted, ..before };
            acting.set().unwrap();
            assert_eq!(Sets::of_this_thread().unwrap(), acting);
            Sets::default().set().unwrap();
            assert_eq!(Sets::of_this_thread().unwrap(), Sets::default());
        });
    }

    #[test]
    fn a_set_that_may_not_be_gained_is_refused_and_told() {
        apart(|| {
            Sets::default().set().unwrap();
            let wanted = Sets::only(&[Capability::CAP_NET_ADMIN]);
            let error = wanted.set().unwrap_err();
            assert_eq!(error.cause().raw_os_error(), Some(libc::EPERM));
            assert_eq!(
                error.to_string(),
                "cannot make the capabilities of this thread effective 1000, permitted 1000, inheritable 0 (capset); \
                 start it with all of them, as the host's root"
            );
            assert_eq!(Sets::of_this_thread().unwrap(), Sets::default());
        });
    }

    #[test]
    fn what_the_kernel_has_no_capability_for_is_ignored() {
        apart(|| {
            let before = Sets::of_this_thread().unwrap();
            Sets { permitted: before.permitted | BEYOND, ..before }.set().unwrap();
            assert_eq!(Sets::of_this_thread().unwrap(), before);
        });
    }

    #[test]
    fn the_halves_are_in_their_places() {
        let sets = Sets { effective: 1 << 31 | 1 << 32, permitted: BEYOND, inheritable: NETWORK };
        let [low, high]: [Half; 2] = sets.into();
        assert_eq!((low.effective, high.effective), (1 << 31, 1));
        assert_eq!((low.permitted, high.permitted), (0, 1 << 31));
        assert_eq!((low.inheritable, high.inheritable), (4096, 0));
        assert_eq!(Sets::from([low, high]), sets);
    }

    #[test]
    fn a_mask_has_a_bit_for_each() {
        assert_eq!(mask(&[]), 0);
        assert_eq!(mask(&[Capability::CAP_NET_ADMIN, Capability::CAP_CHECKPOINT_RESTORE]), NETWORK | 1 << 40);
    }
}
