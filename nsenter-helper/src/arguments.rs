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
    /// Where to write sysctls.
    pub(crate) proc: Proc,
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

/// The procfs in which a plan's sysctls are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Proc {
    /// The one at `/proc`.
    #[default]
    Hosts,
    /// One of the helper's own, where that may be.
    Own,
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
        let (words, proc) = match words {
            [words @ .., "--own-proc"] if words.first() == Some(&"attach") => (words, Proc::Own),
            words => (words, Proc::Hosts),
        };
        let errand = match words {
            ["attach" | "detach", fd] => Errand::Act(parse_fd(fd)?),
            ["detach"] => Errand::Delete,
            ["look", fd] => Errand::Look(parse_fd(fd)?),
            _ => return None,
        };
        Some(Self { errand, proc, user })
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
    use std::os::unix::ffi::OsStringExt;

    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    fn parse(line: &str) -> Option<Arguments> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn takes_what_the_hook_writes() {
        let nobody = User { uid: 65534, gid: 65534 };
        let own = User { uid: 990, gid: 991 };
        for (line, errand, proc, user) in [
            ("attach 3", Errand::Act(3), Proc::Hosts, nobody),
            ("attach 3 --own-proc", Errand::Act(3), Proc::Own, nobody),
            ("attach 3 --own-proc --user 990:991", Errand::Act(3), Proc::Own, own),
            ("detach", Errand::Delete, Proc::Hosts, nobody),
            ("detach 7 --user 990:991", Errand::Act(7), Proc::Hosts, own),
            ("look 4", Errand::Look(4), Proc::Hosts, nobody),
        ] {
            assert_eq!(parse(line), Some(Arguments { errand, proc, user }), "{line}");
        }
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
            "attach --own-proc",
            "attach 3 --own-proc --own-proc",
            "attach 3 --user 990:991 --own-proc",
            "detach --own-proc",
            "detach 3 --own-proc",
            "look 3 --own-proc",
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

    fn errand() -> impl Strategy<Value = (&'static str, Errand)> {
        let fd = FIRST_FD..=RawFd::MAX;
        prop_oneof![
            fd.clone().prop_map(|fd| ("attach", Errand::Act(fd))),
            fd.clone().prop_map(|fd| ("detach", Errand::Act(fd))),
            fd.prop_map(|fd| ("look", Errand::Look(fd))),
            Just(("detach", Errand::Delete)),
        ]
    }

    fn user() -> impl Strategy<Value = User> {
        (1..u32::MAX, 1..u32::MAX).prop_map(|(uid, gid)| User { uid, gid })
    }

    /// Words of the language, and others.
    fn word() -> impl Strategy<Value = OsString> {
        prop_oneof![
            prop_oneof![
                "attach|detach|look|--user|--own-proc",
                "-?[0-9]{1,10}",
                "[0-9]{1,2}:[0-9]{1,10}",
                "\\PC{0,8}"
            ]
            .prop_map(OsString::from),
            vec(any::<u8>(), 0..8).prop_map(OsString::from_vec),
        ]
    }

    /// To attach can be asked for with a procfs of one's own.
    fn proc(verb: &str, is_own: bool) -> (Proc, &'static str) {
        if verb == "attach" && is_own { (Proc::Own, "--own-proc") } else { (Proc::Hosts, "") }
    }

    proptest! {
        #[test]
        fn what_the_hook_prints_is_read_back(
            (verb, errand) in errand(),
            is_own in any::<bool>(),
            user in option::of(user()),
        ) {
            let fd = errand.namespace().map_or(String::new(), |fd| fd.to_string());
            let (proc, option) = proc(verb, is_own);
            let ids = user.map_or(String::new(), |User { uid, gid }| format!("--user {uid}:{gid}"));
            let user = user.unwrap_or(User { uid: NOBODY, gid: NOBODY });
            prop_assert_eq!(parse(&format!("{verb} {fd} {option} {ids}")), Some(Arguments { errand, proc, user }));
        }

        #[test]
        fn no_words_are_too_odd(words in vec(word(), 0..5)) {
            if let Some(Arguments { errand, proc, user }) = Arguments::parse(words.into_iter()) {
                prop_assert!(errand.namespace().is_none_or(|fd| fd >= FIRST_FD));
                prop_assert!(proc == Proc::Hosts || errand.namespace().is_some());
                prop_assert!([user.uid, user.gid].iter().all(|id| (1..u32::MAX).contains(id)));
            }
        }
    }
}
