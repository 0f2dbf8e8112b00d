//! Trials: tests that say what they need.

use crate::{Lab, Need, Result};

/// A test on a host of its own.
pub struct Trial {
    /// What is expected, in words.
    pub name: String,
    /// What it cannot do without.
    pub needs: Vec<Need>,
    body: Box<dyn FnOnce(&Lab) -> Result + Send>,
}

/// A trial of that name, with those needs. It runs on a lab of its own, and fails, too, if it leaves anything
/// behind.
pub fn trial(
    name: impl Into<String>,
    needs: &[Need],
    body: impl FnOnce(&Lab) -> Result + Send + 'static,
) -> Trial {
    Trial { name: name.into(), needs: needs.to_vec(), body: Box::new(body) }
}

impl Trial {
    /// What this machine lacks of its needs.
    #[must_use]
    pub fn lacks(&self) -> Vec<Need> {
        self.needs.iter().copied().filter(|need| !need.is_met()).collect()
    }

    /// Runs it on a new host.
    pub fn run(self) -> Result {
        let lab = Lab::new()?;
        (self.body)(&lab)?;
        lab.close()
    }
}
