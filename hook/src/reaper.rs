//! Whether a process that the hook leaves behind disturbs nobody.
//!
//! Such a process falls to the nearest child subreaper above the hook, else to init. Those reap whoever comes;
//! but a runtime may be one itself, while it waits for a container in the foreground. crun then waits for its
//! hook by SIGCHLD (sigtimedwait(2) in `run_process_with_stdin_timeout_envp`), of which the kernel keeps one of
//! two that come at once: with the other's alone, it takes the hook for hung, and kills it after its timeout.
//!
//! While it deletes a container no runtime is a subreaper: crun and runc become one in `run`, `exec` and
//! `restore` alone (`libcrun_container_run_internal`, `runner.run`).

use std::path::Path;

use nix::unistd::getppid;
use underlay::{helper::Parting, proc_file};

/// The verb under which a runtime is no subreaper and has still to run poststop.
const DELETE: &str = "delete";
/// Those under which it may be one. An option's value or a container's name may also be `delete`.
const FOREGROUND: [&str; 5] = ["run", "exec", "restore", "create", "start"];

/// What may become of a helper: it is waited for wherever it is not sure that nobody minds.
pub(crate) fn parting() -> Parting {
    // A runtime that is gone already leaves the hook to somebody else, whose verbs are no runtime's.
    let path = Path::new("/proc").join(getppid().to_string()).join("cmdline");
    proc_file::read(path).map_or(Parting::Wait, |line| judge(&line))
}

/// Of a command line, each word of which ends with a zero byte.
fn judge(line: &str) -> Parting {
    let mut words = line.split('\0').skip(1);
    let has = |verb: &str| words.clone().any(|word| word == verb);
    if has(DELETE) && !words.any(|word| FOREGROUND.contains(&word)) { Parting::Leave } else { Parting::Wait }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_while_it_deletes_is_a_runtime_sure_to_be_no_subreaper() {
        for line in ["runc\0delete\0web\0", "/usr/bin/crun\0--root=/r\0--log\0/l\0delete\0--force\0web\0"] {
            assert_eq!(judge(line), Parting::Leave, "{line}");
        }
        for line in [
            "crun\0run\0web\0",
            // A container of that name.
            "crun\0run\0delete\0",
            "crun\0create\0delete\0",
            "delete\0",
            "/usr/bin/podman\0container\0cleanup\0web\0",
            "perl\0subreaper.pl\0underlay-hook\0poststop\0",
            "runc\0--root=delete\0run\0web\0",
            "",
        ] {
            assert_eq!(judge(line), Parting::Wait, "{line}");
        }
    }
}
