//! The user as whom the helper works: one of its own, where packages or the administrator have made one.
//!
//! /etc/passwd itself is read, not NSS: a static program has none, and users of the system are in that file
//! (sysusers.d(5)).

use std::{
    fmt,
    fs::File,
    io::{self, Read},
};

use thiserror::Error;

/// Its name, that of `packaging/sysusers.d/underlay.conf`.
pub const NAME: &str = "underlay";
/// Where users are.
pub const PASSWD: &str = "/etc/passwd";

/// So far it is read, in bytes: some ten thousand users.
const MAX_BYTES: u64 = 1 << 20;
/// Usually all of the file, and one page.
const CHUNK: usize = 4096;

/// A user and its group. Neither is root's, nor the number that setresuid(2) takes for "as it is". Prints as
/// `UID:GID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    uid: u32,
    gid: u32,
}

/// Why the user is none to be.
#[derive(Debug, Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {}", PASSWD)]
    Read(#[source] io::Error),
    /// A line with its name has not the form of passwd(5).
    #[error("the line of `{}` in {} is not one of passwd(5)", NAME, PASSWD)]
    Malformed,
    /// The helper gives up its privileges, and would keep some.
    #[error(
        "`{}` in {} has the uid {uid} and the gid {gid}, of which neither may be 0 or {}",
        NAME,
        PASSWD,
        u32::MAX
    )]
    Privileged {
        /// Its user number.
        uid: u32,
        /// Its group's number.
        gid: u32,
    },
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uid, self.gid)
    }
}

/// Looks the helper's user up; none if there is none.
pub fn look_up() -> Result<Option<Account>, Error> {
    match File::open(PASSWD) {
        Ok(file) => find(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Read(error)),
    }
}

/// The first line counts that has the name, as for getpwnam(3).
fn find(passwd: impl Read) -> Result<Option<Account>, Error> {
    let mut text = Vec::with_capacity(CHUNK);
    passwd.take(MAX_BYTES).read_to_end(&mut text).map_err(Error::Read)?;
    text.split(|byte| *byte == b'\n').find_map(parse).transpose()
}

/// What a line says; none if it is another user's. One that was cut short lacks fields.
fn parse(line: &[u8]) -> Option<Result<Account, Error>> {
    let fields = line.strip_prefix(NAME.as_bytes())?.strip_prefix(b":")?;
    let fields: Vec<_> = fields.split(|byte| *byte == b':').collect();
    let [_password, uid, gid, _comment, _home, _shell] = fields.as_slice() else {
        return Some(Err(Error::Malformed));
    };
    Some(number(uid).zip(number(gid)).ok_or(Error::Malformed).and_then(admit))
}

fn admit((uid, gid): (u32, u32)) -> Result<Account, Error> {
    if [uid, gid].iter().any(|id| matches!(*id, 0 | u32::MAX)) {
        return Err(Error::Privileged { uid, gid });
    }
    Ok(Account { uid, gid })
}

/// `u32::from_str` would take a sign, too.
fn number(digits: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROOT: &str = "root:x:0:0:root:/root:/bin/bash\n";

    fn found(passwd: &str) -> Result<Option<Account>, Error> {
        find(passwd.as_bytes())
    }

    #[test]
    fn the_first_line_with_the_name_counts() {
        let passwd = format!(
            "{ROOT}underlay2:x:1:1::/:\n:underlay:x:2:2::/:\nunderlay:x:990:991:Underlay helper:/:/usr/sbin/nologin\n\
             underlay:x:3:3::/:\n"
        );
        assert_eq!(found(&passwd).unwrap(), Some(Account { uid: 990, gid: 991 }));
        let last = format!("{ROOT}underlay:!:990:991:::");
        assert_eq!(found(&last).unwrap().unwrap().to_string(), "990:991");
    }

    #[test]
    fn where_it_is_not_there_is_none() {
        for passwd in ["", "\n\n", ROOT, "underlay", "Underlay:x:990:991::/:\n", "+::::::\n"] {
            assert!(matches!(found(passwd), Ok(None)), "{passwd:?}");
        }
    }

    #[test]
    fn a_broken_line_is_told_and_not_guessed_at() {
        for line in [
            "underlay:",
            "underlay:x:990:991",
            "underlay:x:990:991::/",
            "underlay:x:990:991::/:/bin/sh:more",
            "underlay:x::991::/:",
            "underlay:x:+990:991::/:",
            "underlay:x:-1:991::/:",
            "underlay:x: 990:991::/:",
            "underlay:x:990:4294967296::/:",
            "underlay:x:990:x::/:",
        ] {
            assert!(matches!(found(&format!("{ROOT}{line}\n")), Err(Error::Malformed)), "{line}");
        }
    }

    #[test]
    fn root_is_nobody_to_become() {
        for ids in ["0:991", "990:0", "00:991", "4294967295:991", "990:4294967295"] {
            let line = format!("underlay:x:{ids}::/:\n");
            assert!(matches!(found(&line), Err(Error::Privileged { .. })), "{ids}");
        }
    }

    #[test]
    fn reading_ends_somewhere() {
        let endless = io::repeat(b'a').chain("\nunderlay:x:990:991::/:\n".as_bytes());
        assert!(matches!(find(endless), Ok(None)));
    }

    proptest! {
        #[test]
        fn no_file_is_too_strange(before in any::<Vec<u8>>(), ids in "[0-9:x+-]{0,24}", after in any::<Vec<u8>>()) {
            let line = format!("\nunderlay:x:{ids}::/:\n");
            let passwd = [before, line.into_bytes(), after].concat();
            if let Ok(Some(account)) = find(passwd.as_slice()) {
                prop_assert!(account.uid != 0 && account.gid != 0);
            }
        }

        #[test]
        fn every_user_but_root_is_found(uid in 1..u32::MAX, gid in 1..u32::MAX, comment in "[^:\n]*") {
            let passwd = format!("{ROOT}underlay:x:{uid}:{gid}:{comment}:/:/usr/sbin/nologin\n");
            prop_assert_eq!(find(passwd.as_bytes()).unwrap(), Some(Account { uid, gid }));
        }
    }
}
