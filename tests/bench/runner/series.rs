//! Measurements of one thing, and what is told of them.

use std::time::Duration;

/// One run of a command, from before its start to after its end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time of all its processes.
    pub(crate) cpu: Duration,
}

/// As many runs as there were rounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(Vec<Cost>);

/// The middle one of the values, and the one that a twentieth exceeds, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary {
    pub(crate) runs: usize,
    pub(crate) wall: f64,
    pub(crate) wall_p95: f64,
    pub(crate) cpu: f64,
}

impl Series {
    pub(crate) fn push(&mut self, cost: Cost) {
        self.0.push(cost);
    }

    pub(crate) fn summary(&self) -> Summary {
        let wall = sorted(self.0.iter().map(|cost| cost.wall));
        let cpu = sorted(self.0.iter().map(|cost| cost.cpu));
        Summary {
            runs: self.0.len(),
            wall: quantile(&wall, 50),
            wall_p95: quantile(&wall, 95),
            cpu: quantile(&cpu, 50),
        }
    }
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { wall: self.wall + other.wall, cpu: self.cpu + other.cpu }
    }
}

fn sorted(values: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    values
}

/// The nearest rank.
fn quantile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).map_or(f64::NAN, |value| value.as_secs_f64() * 1e6)
}
