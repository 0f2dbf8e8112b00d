//! Trials: tests that say what they need.

use crate::{Lab, Machine, Need, Result};

/// A test on a host of its own.
pub struct Trial {
    /// What is expected, in words.
    pub name: String,
    /// What it cannot do without.
    pub needs: Vec<Need>,
    machine: Machine,
    body: Box<dyn FnOnce(&Lab) -> Result + Send>,
}

/// A trial of that name, with those needs. It runs on a lab of its own, and fails, too, if it leaves anything
/// behind.
pub fn trial(
    name: impl Into<String>,
    needs: &[Need],
    body: impl FnOnce(&Lab) -> Result + Send + 'static,
) -> Trial {
    Trial { name: name.into(), needs: needs.to_vec(), machine: Machine::This, body: Box::new(body) }
}

impl Trial {
    /// Makes it run on a host with other programs than this machine's. The programs that it needs must be those of the
    /// machine's tree.
    #[must_use]
    pub fn on(mut self, machine: Machine) -> Self {
        self.needs.push(Need::Machine(machine));
        self.machine = machine;
        self
    }

    /// What this machine lacks of its needs.
    #[must_use]
    pub fn lacks(&self) -> Vec<Need> {
        self.needs.iter().copied().filter(|need| !need.is_met()).collect()
    }

    /// Runs it on a new host.
    pub fn run(self) -> Result {
        let lab = Lab::new(self.machine)?;
        (self.body)(&lab)?;
        lab.close()
    }
}
