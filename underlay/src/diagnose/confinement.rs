//! What holds the helper besides its own care: a user of its own, and landlock in the kernel.
//!
//! Neither is needed, so nothing here is a failure.

use std::fs;

use super::Finding;
use crate::{
    account::{self, Account},
    message,
};

/// The security modules that are on, with commas between; not there unless securityfs is mounted.
const MODULES: &str = "/sys/kernel/security/lsm";

pub(super) fn check() -> Vec<Finding> {
    let modules = fs::read_to_string(MODULES).ok();
    judge_account(account::look_up()).into_iter().chain(modules.and_then(|on| judge_landlock(&on))).collect()
}

fn judge_account(found: Result<Option<Account>, account::Error>) -> Option<Finding> {
    let error = found.err()?;
    let found = format!("{}: the helper works as nobody (65534)", message::chain(&error));
    let advice = "take its line out of /etc/passwd; `systemd-sysusers underlay.conf` then makes it anew";
    Some(Finding::warning("account", account::NAME, found).advise(advice))
}

fn judge_landlock(modules: &str) -> Option<Finding> {
    let modules = modules.trim();
    if modules.split(',').any(|module| module == "landlock") {
        return None;
    }
    let found = format!(
        "not among the kernel's security modules ({modules}): user, capabilities and seccomp alone hold the \
         helper"
    );
    let advice = format!("start the kernel with `lsm=landlock,{modules}` if it has it (since 5.13)");
    Some(Finding::note("landlock", MODULES, found).advise(advice))
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};

    #[test]
    fn a_user_that_cannot_be_used_is_told_and_a_missing_one_is_not() {
        assert_eq!(judge_account(Ok(None)), None);
        let finding = judge_account(Err(account::Error::Privileged { uid: 0, gid: 991 })).unwrap();
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(
            finding.found.contains("the uid 0 ") && finding.found.contains("nobody"),
            "{}",
            finding.found
        );
    }

    #[test]
    fn a_kernel_without_landlock_is_worth_a_note() {
        assert_eq!(judge_landlock("capability,landlock,yama\n"), None);
        let finding = judge_landlock("capability,yama").unwrap();
        assert_eq!(finding.verdict, Verdict::Note);
        assert!(finding.advice.unwrap().contains("lsm=landlock,capability,yama"));
    }
}
