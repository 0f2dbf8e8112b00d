//! Whether the helper works, and whether the run directory is what it should be.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::Instant,
};

use nix::{
    sys::statfs::{TMPFS_MAGIC, statfs},
    unistd::Uid,
};
use plan::Plan;

use super::{Finding, Verdict};
use crate::{
    account,
    helper::{self, Helper},
    layout::Layout,
    message,
};

const HELPER: &str = "helper";
const RUN_DIRECTORY: &str = "run directory";

const GROUP_AND_OTHERS_WRITE: u32 = 0o022;

/// A file or directory as far as trust goes.
#[derive(Clone, Copy, Debug)]
struct Access {
    owner: u32,
    /// Permission bits.
    mode: u32,
}

pub(super) fn check(layout: &Layout, deadline: Instant) -> Vec<Finding> {
    let uid = Uid::effective();
    let user = (!uid.is_root()).then(|| {
        let found = format!("running as user {uid}: much cannot be seen");
        Finding::warning("user", uid.to_string(), found).advise("run this command as root")
    });
    user.into_iter().chain([helper(&layout.helper, deadline), run_directory(layout.run())]).collect()
}

/// Whether the helper may be started for what else is to be looked at.
pub(super) fn has_working_helper(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.check == HELPER && finding.verdict == Verdict::Ok)
}

/// The helper sheds its privilege before it reads its plan, and ends with an error if it cannot: an empty
/// plan that is carried out proves both.
fn helper(program: &Path, deadline: Instant) -> Finding {
    if !Uid::effective().is_root() {
        let found = "not tried: it has privileges to drop only if root starts it";
        return Finding::note(HELPER, program.display().to_string(), found);
    }
    let metadata = fs::metadata(program).map(|metadata| Access::of(&metadata));
    let carried_out = || {
        let plan = Plan { patience_ms: 0, steps: Vec::new() };
        Helper::detach(program, None, deadline)?.apply(&plan).map(drop)
    };
    // Something that others can write is not started, not even to see whether it would.
    let is_trusted = metadata.as_ref().is_ok_and(|access| access.is_trusted());
    judge_helper(program, metadata, is_trusted.then(carried_out), &whom())
}

/// As whom it works, in words. What is wrong with a user of its own is another finding.
fn whom() -> String {
    match account::look_up() {
        Ok(Some(account)) => format!("{} ({account})", account::NAME),
        Ok(None) | Err(_) => "nobody (65534)".to_owned(),
    }
}

fn judge_helper(
    program: &Path,
    access: io::Result<Access>,
    trial: Option<Result<(), helper::Error>>,
    whom: &str,
) -> Finding {
    let subject = program.display().to_string();
    match (access, trial) {
        (Err(error), _) => Finding::failure(HELPER, subject, format!("cannot look at it: {error}"))
            .advise("install underlay's packages again, or say where it is with --helper"),
        (Ok(access), None) => Finding::failure(HELPER, &subject, access.distrust())
            .advise(format!("`chown root: {subject} && chmod 755 {subject}`, if it is the right program")),
        (Ok(_), Some(Err(error))) => Finding::failure(HELPER, subject, message::chain(&error))
            .advise("it needs root with CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SETUID, CAP_SETGID and CAP_SETPCAP, and a file system without noexec"),
        (Ok(_), Some(Ok(()))) => {
            Finding::ok(HELPER, subject, format!("starts, becomes {whom}, drops its privileges and answers"))
        }
    }
}

fn run_directory(path: &Path) -> Finding {
    let access = match fs::metadata(path) {
        Ok(metadata) => Some(Access::of(&metadata)),
        Err(_) => None,
    };
    // Where it is not there yet, what it will be in counts.
    let there = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(path);
    let is_tmpfs = statfs(there).is_ok_and(|filesystem| filesystem.filesystem_type() == TMPFS_MAGIC);
    judge_run_directory(path, access, is_tmpfs)
}

fn judge_run_directory(path: &Path, access: Option<Access>, is_tmpfs: bool) -> Finding {
    let subject = path.display().to_string();
    match access {
        Some(access) if !access.is_trusted() => Finding::failure(RUN_DIRECTORY, &subject, access.distrust())
            .advise(format!(
                "`chown root: {subject} && chmod 700 {subject}`: whoever writes there directs root"
            )),
        Some(access) if access.mode & 0o077 != 0 => {
            let found = format!("others can look into it: its mode is {:04o}, not 0700", access.mode);
            Finding::warning(RUN_DIRECTORY, &subject, found).advise(format!("`chmod 700 {subject}`"))
        }
        _ if !is_tmpfs => {
            let found =
                "it is on a disk: leases and records outlive a reboot, which their kernel state does not";
            Finding::warning(RUN_DIRECTORY, subject, found)
                .advise("mount a tmpfs there, or use one below /run")
        }
        None => Finding::ok(RUN_DIRECTORY, subject, "not there yet; it is made with the first container"),
        Some(_) => Finding::ok(RUN_DIRECTORY, subject, "a tmpfs, and root's alone"),
    }
}

impl Access {
    fn of(metadata: &Metadata) -> Self {
        Self { owner: metadata.uid(), mode: metadata.mode() & 0o7777 }
    }

    /// Root's, or our own when somebody runs this for himself, and writable by no one else.
    fn is_trusted(self) -> bool {
        (self.owner == 0 || self.owner == Uid::effective().as_raw())
            && self.mode & GROUP_AND_OTHERS_WRITE == 0
    }

    fn distrust(self) -> String {
        format!(
            "others than root can write it: it belongs to user {}, its mode is {:04o}",
            self.owner, self.mode
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(access: Option<Access>, is_tmpfs: bool) -> Verdict {
        judge_run_directory(Path::new("/run/underlay"), access, is_tmpfs).verdict
    }

    #[test]
    fn the_run_directory_is_a_tmpfs_of_roots_alone() {
        let access = |mode| Some(Access { owner: 0, mode });
        assert_eq!(run(access(0o700), true), Verdict::Ok);
        assert_eq!(run(None, true), Verdict::Ok);
        assert_eq!(run(access(0o755), true), Verdict::Warning);
        assert_eq!(run(access(0o770), true), Verdict::Failure);
        assert_eq!(run(access(0o700), false), Verdict::Warning);
        assert_eq!(run(Some(Access { owner: 4_000_000, mode: 0o700 }), true), Verdict::Failure);
    }

    #[test]
    fn a_helper_that_others_can_write_is_not_tried() {
        let program = Path::new("/usr/libexec/underlay/underlay-nsenter");
        let access = |mode| Ok(Access { owner: 0, mode });
        let judge = |access, trial| judge_helper(program, access, trial, "nobody");
        let untried = judge(access(0o775), None);
        assert_eq!(untried.verdict, Verdict::Failure);
        assert!(untried.found.contains("0775"), "{}", untried.found);
        assert_eq!(judge(access(0o755), Some(Ok(()))).verdict, Verdict::Ok);
        let missing = judge(Err(io::ErrorKind::NotFound.into()), None);
        assert_eq!(missing.verdict, Verdict::Failure);
        let late = helper::Error::Deadline { program: program.to_owned() };
        assert_eq!(judge(access(0o755), Some(Err(late))).verdict, Verdict::Failure);
    }
}
