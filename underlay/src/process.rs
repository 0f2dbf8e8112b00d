//! A process that can be told from a later one with the same number.

use std::{fs::File, io, path::Path};

use nix::{
    fcntl::{OFlag, openat},
    sys::stat::Mode,
};
use serde::{Deserialize, Serialize};

use crate::proc_file;

/// A process: its number alone is used again, number and start time together are not within one boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number in the host's pid namespace.
    pub pid: i32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub start_time: u64,
}

impl Process {
    /// Whether this very process still runs; a zombie does not. One that cannot be looked at is not known to be
    /// dead, and nothing of it may be taken.
    #[must_use]
    pub fn is_alive(self) -> bool {
        let stat = File::open(Path::new("/proc").join(self.pid.to_string()))
            .and_then(|directory| read_stat(&directory));
        match stat {
            Ok(stat) => stat.start_time == self.start_time && stat.is_alive(),
            // ESRCH: it ended between the two calls.
            Err(error) => {
                error.kind() != io::ErrorKind::NotFound && error.raw_os_error() != Some(libc::ESRCH)
            }
        }
    }
}

struct Stat {
    state: char,
    parent: i32,
    start_time: u64,
}

impl Stat {
    const fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

/// The process whose `/proc` directory is open as `directory`, and its parent's number. One that is dead, and may not
/// have been waited for yet, is an error.
pub(crate) fn read(directory: &File, pid: i32) -> io::Result<(Process, i32)> {
    match read_stat(directory)? {
        stat if stat.is_alive() => Ok((Process { pid, start_time: stat.start_time }, stat.parent)),
        _ => Err(io::Error::from_raw_os_error(libc::ESRCH)),
    }
}

fn read_stat(directory: &File) -> io::Result<Stat> {
    let fd = openat(directory, "stat", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    parse_stat(&proc_file::read_open(File::from(fd))?)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/PID/stat has an unknown form"))
}

/// The second field is the program's name in parentheses, which may itself hold spaces and parentheses: the
/// fields after it are counted from the last closing one.
fn parse_stat(text: &str) -> Option<Stat> {
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    // Field 3 is the state, 4 the parent; 22 is the start time, 18 fields after field 4.
    let parent = fields.next()?.parse().ok()?;
    let start_time = fields.nth(17)?.parse().ok()?;
    Some(Stat { state, parent, start_time })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let text = "7 (a) b) (c) S 4 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 9315 0 0";
        let stat = parse_stat(text).unwrap();
        assert_eq!((stat.state, stat.parent, stat.start_time), ('S', 4, 9315));
    }

    #[test]
    fn this_process_is_alive_and_one_with_another_start_time_is_not() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let (me, parent) = read(&File::open("/proc/self").unwrap(), pid).unwrap();
        assert_eq!(parent, nix::unistd::getppid().as_raw());
        assert!(me.is_alive());
        assert!(!Process { start_time: me.start_time + 1, ..me }.is_alive());
    }

    #[test]
    fn a_dead_process_that_nobody_waited_for_is_none() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let directory = File::open(format!("/proc/{pid}")).unwrap();
        let id = nix::sys::wait::Id::Pid(nix::unistd::Pid::from_raw(pid));
        let flags = nix::sys::wait::WaitPidFlag::WEXITED | nix::sys::wait::WaitPidFlag::WNOWAIT;
        nix::sys::wait::waitid(id, flags).unwrap();
        assert_eq!(read(&directory, pid).unwrap_err().raw_os_error(), Some(libc::ESRCH));
        child.wait().unwrap();
    }
}
