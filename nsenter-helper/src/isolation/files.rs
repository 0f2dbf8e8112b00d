//! The files that are left: landlock(7).

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope,
};

use super::Work;
use crate::error::Cause;

/// The youngest version whose rights are all named here. An older kernel denies what it knows of them.
const KNOWN: ABI = ABI::V6;

/// Leaves nothing of the file system but writing the interfaces' sysctls, no TCP, and no signals or abstract
/// sockets of others. Without landlock in the kernel, the user's own few rights remain.
pub(super) fn restrict(work: &Work<'_>) -> Result<(), Cause> {
    restrict_to(work).map_err(|error| Cause::Call { call: "landlock", source: std::io::Error::other(error) })
}

fn restrict_to(work: &Work<'_>) -> Result<(), RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        // Done before, by `renounce`.
        .no_new_privs(false);
    if let Work::Act(sysctls) = work
        && let Some(directory) = sysctls.directory()
    {
        ruleset = ruleset.add_rule(PathBeneath::new(directory, AccessFs::WriteFile))?;
    }
    ruleset.restrict_self().map(drop)
}
