//! The command line: written by the hook, never by a person.

use std::{ffi::OsString, os::fd::RawFd};

/// `nobody` and `nogroup` nearly everywhere; no names are looked up.
const NOBODY: u32 = 65534;
/// Below are stdin, stdout and stderr.
const FIRST_FD: RawFd = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// What to do.
    pub(crate) errand: Errand,
    /// Who to be after the privileged part.
    pub(crate) user: User,
}

/// What the helper is started for; a descriptor is that of the namespace to enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Carry out a plan inside.
    Act(RawFd),
    /// Delete links, for which no namespace needs to be entered.
    Delete,
    /// Look at routes.
    Look(RawFd),
}

impl Errand {
    /// The descriptor that the parent has left open for it.
    pub(crate) const fn namespace(self) -> Option<RawFd> {
        match self {
            Self::Act(fd) | Self::Look(fd) => Some(fd),
            Self::Delete => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Arguments {
    /// None if the arguments make no sense; root as the user makes none.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let words: Option<Vec<String>> = arguments.map(|word| word.into_string().ok()).collect();
        let words = words?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (words, user) = match words.as_slice() {
            [words @ .., "--user", user] => (words, parse_user(user)?),
            words => (words, User { uid: NOBODY, gid: NOBODY }),
        };
        let errand = match words {
            ["attach" | "detach", fd] => Errand::Act(parse_fd(fd)?),
            ["detach"] => Errand::Delete,
            ["look", fd] => Errand::Look(parse_fd(fd)?),
            _ => return None,
        };
        Some(Self { errand, user })
    }
}

fn parse_fd(text: &str) -> Option<RawFd> {
    text.parse().ok().filter(|fd| *fd >= FIRST_FD)
}

fn parse_user(text: &str) -> Option<User> {
    let (uid, gid) = text.split_once(':')?;
    let user = User { uid: uid.parse().ok()?, gid: gid.parse().ok()? };
    // u32::MAX is "leave as it is" to setresuid(2).
    (![user.uid, user.gid].iter().any(|id| matches!(*id, 0 | u32::MAX))).then_some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Arguments> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn takes_what_the_hook_writes() {
        let nobody = User { uid: 65534, gid: 65534 };
        assert_eq!(parse("attach 3"), Some(Arguments { errand: Errand::Act(3), user: nobody }));
        assert_eq!(parse("detach"), Some(Arguments { errand: Errand::Delete, user: nobody }));
        let user = User { uid: 990, gid: 991 };
        assert_eq!(parse("detach 7 --user 990:991"), Some(Arguments { errand: Errand::Act(7), user }));
        assert_eq!(parse("look 4"), Some(Arguments { errand: Errand::Look(4), user: nobody }));
    }

    #[test]
    fn refuses_root_standard_descriptors_and_everything_else() {
        for line in [
            "",
            "attach",
            "attach 2",
            "attach -1",
            "attach x",
            "attach 3 4",
            "enter 3",
            "look",
            "detach --user 0:0",
            "detach --user 990:0",
            "detach --user 4294967295:990",
            "detach --user 990",
            "--user 990:990",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
