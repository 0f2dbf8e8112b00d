//! Records as every version of this program wrote them.
//!
//! Packages are upgraded under running containers: what an older version attached, a newer one takes down. So
//! each shape that was ever written is read for ever:
//!
//! - A field that may be missing (`#[serde(default)]`) is no new version, as long as nothing is left behind by
//!   a reader that does not know it: an older program skips it, and drops it when it writes the record again.
//! - Anything else is. [`VERSION`] is raised; the old shape is frozen as a type of its own in a file beside this
//!   one, with a pure function to [`Record`], and gets its arm in [`read`]; and `tests/records` gets a record as
//!   the release before the change wrote it, which is never edited again.
//! - What a newer program wrote is refused: half understood, it would be half taken down.

use serde::Deserialize;
use thiserror::Error;

use super::Record;

/// What this program writes.
pub const VERSION: u32 = 1;

/// Why a text is not a record that can be acted on.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// It is no record.
    #[error(transparent)]
    Form(#[from] serde_json::Error),
    /// A newer program's, or none's.
    #[error("version {0} is unknown to this program, which writes version {VERSION}")]
    Version(u32),
}

/// What all versions have in common.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Reads a record of any version that there was up to now.
pub fn read(text: &[u8]) -> Result<Record, Unreadable> {
    let Versioned { version } = serde_json::from_slice(text)?;
    match version {
        1 => Ok(serde_json::from_slice(text)?),
        _ => Err(Unreadable::Version(version)),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::prelude::*;

    use super::*;
    use crate::strategies;

    fn written_by_version(version: u32) -> String {
        let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/records");
        fs::read_to_string(records.join(format!("version-{version}.json"))).unwrap()
    }

    #[test]
    fn every_version_that_there_was_is_read() {
        for version in 1..=VERSION {
            let record = read(written_by_version(version).as_bytes()).unwrap();
            assert_eq!(record.namespace.cookie, 45648, "version {version}");
            assert_eq!(record.users[0].key.file_name(), "web@9c5b2df4cbd01e1a");
            let [lan, wire] = record.attachments.as_slice() else { panic!("{:?}", record.attachments) };
            assert_eq!((lan.addresses.len(), lan.interface.as_str(), lan.index), (2, "eth0", Some(2)));
            assert_eq!((wire.linkless_routes.len(), wire.parent_index), (1, 3));
            assert_eq!(wire.owner.to_string(), "vm/45648/wire/eth1");
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_bears_this_version() {
        let record = read(written_by_version(1).as_bytes()).unwrap();
        let text = serde_json::to_string(&Record { version: VERSION, ..record.clone() }).unwrap();
        assert!(text.starts_with(&format!("{{\"version\":{VERSION},")), "{text}");
        assert_eq!(read(text.as_bytes()).unwrap().attachments, record.attachments);
    }

    #[test]
    fn a_field_that_came_later_without_a_new_version_is_skipped() {
        let text = written_by_version(1);
        let later = text.replace(r#""interface":"eth0""#, r#""interface":"eth0","later":{"of":[1]}"#);
        assert_eq!(read(later.as_bytes()).unwrap(), read(text.as_bytes()).unwrap());
    }

    proptest! {
        #[test]
        fn whatever_is_on_record_is_read_back(record in strategies::record()) {
            let text = serde_json::to_vec(&record).unwrap();
            prop_assert_eq!(read(&text).unwrap(), record);
        }

        /// Cut off anywhere, as by a full disk, it is no record.
        #[test]
        fn a_part_of_a_record_is_none(record in strategies::record(), place: prop::sample::Index) {
            let text = serde_json::to_vec(&record).unwrap();
            let part = &text[..place.index(text.len())];
            prop_assert!(matches!(read(part), Err(Unreadable::Form(_))));
        }
    }

    #[test]
    fn unknown_versions_and_what_is_no_record_are_told_apart() {
        for version in ["0", "2", "4294967295"] {
            let text = format!(r#"{{"version":{version},"shape":"another"}}"#);
            assert!(matches!(read(text.as_bytes()), Err(Unreadable::Version(_))), "{text}");
        }
        for text in ["", "{}", "[1]", r#"{"version":"1"}"#, r#"{"version":1}"#] {
            assert!(matches!(read(text.as_bytes()), Err(Unreadable::Form(_))), "{text}");
        }
    }
}
