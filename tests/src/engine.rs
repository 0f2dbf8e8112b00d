//! Which engines and runtimes really ran, for the one line that is printed at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{Lab, Machine, Result};

/// What the whole run used.
pub static ENGINES: Engines = Engines(Mutex::new(BTreeMap::new()));

/// What programs call themselves, by machine and program.
#[derive(Debug)]
pub struct Engines(Mutex<BTreeMap<(Machine, &'static str), String>>);

impl Engines {
    /// A lab uses this program, which is asked for its version once.
    pub(crate) fn saw(&self, lab: &Lab, program: &'static str) -> Result {
        if self.known().contains_key(&(lab.machine(), program)) {
            return Ok(());
        }
        let name = program.rsplit('/').next().unwrap_or(program);
        let text = lab.host().ok(&format!("{program} --version"))?;
        self.known().insert((lab.machine(), program), format!("{name} {}", version(&text)));
        Ok(())
    }

    /// Something was used.
    #[must_use]
    pub fn is_used(&self) -> bool {
        !self.known().is_empty()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(Machine, &'static str), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engines: BTreeSet<_> = self.known().values().cloned().collect();
        write!(f, "engines: {}", engines.into_iter().collect::<Vec<_>>().join(", "))
    }
}

/// The first word that begins with a digit, without what a distribution adds to it.
fn version(text: &str) -> &str {
    let words = text.split_whitespace();
    let mut versions = words.filter(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    versions.next().unwrap_or("of unknown version").split(['+', '~']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (text, expected) in [
            ("runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1", "1.1.5"),
            ("crun version 1.8.1\ncommit: f8a096be060b22ccd3d5f3ebe44108517fbf6c30", "1.8.1"),
            ("podman version 4.3.1", "4.3.1"),
            ("youki version 0.7.0", "0.7.0"),
            ("containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-6+b4", "1.7.24"),
            ("a program without", "of unknown version"),
        ] {
            assert_eq!(version(text), expected);
        }
    }
}
