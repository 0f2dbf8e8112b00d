//! Soak: thousands of random operations, each followed by a look at everything, against a model of what should be there.
//!
//! The operations come from a seed, which a failure names together with the fewest operations that still fail;
//! `UNDERLAY_SEED=N` runs the same again.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    time::{Duration, Instant, SystemTime},
};

use lab::{Fault, Harm, Inside, Lab, Need, Program, Replica, Result, TALLY, Tally, Trial, trial};
use proptest::{
    collection, prop_assert, prop_assert_eq,
    strategy::{Just, Strategy},
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("soak: one network", &[Need::MACVLAN], |lab| soak(lab, &["--ip-range=10.0.0.0/25 n0"])),
        trial("soak: three networks on one subnet", &[Need::MACVLAN], |lab| {
            soak(
                lab,
                &["--ip-range=10.0.0.0/26 n0", "--ip-range=10.0.0.64/26 n1", "--ip-range=10.0.0.128/26 n2"],
            )
        }),
    ]
}

/// So many operations, or so long: what comes first.
const OPERATIONS: usize = 5000;
const TIME: Duration = Duration::from_secs(60);
/// A case starts and ends with nothing.
const OPERATIONS_A_CASE: usize = 100;
/// Containers that may be there at once.
const SLOTS: usize = 6;

/// What may happen to the container of a slot; where there is none, or one already, nothing does.
#[derive(Clone, Debug)]
enum Operation {
    /// It starts, on a network; in the namespace of another slot's container if that one lives.
    Attach { slot: usize, network: usize, beside: Option<usize> },
    /// It starts, and its hook or helper is killed on the way.
    KilledAttach { slot: usize, network: usize, victim: Program, call: usize },
    /// It ends as it should.
    Detach { slot: usize },
    /// Its process is killed, and nobody says so.
    Kill { slot: usize },
    /// gc runs.
    Collect,
}

fn operations(networks: usize) -> impl Strategy<Value = Vec<Operation>> {
    let victim = proptest::prop_oneof![Just(Program::Hook), Just(Program::Helper)];
    let operation = proptest::prop_oneof![
        6 => (0..SLOTS, 0..networks, proptest::option::of(0..SLOTS))
            .prop_map(|(slot, network, beside)| Operation::Attach { slot, network, beside }),
        2 => (0..SLOTS, 0..networks, victim, 0..130_usize)
            .prop_map(|(slot, network, victim, call)| Operation::KilledAttach { slot, network, victim, call }),
        4 => (0..SLOTS).prop_map(|slot| Operation::Detach { slot }),
        2 => (0..SLOTS).prop_map(|slot| Operation::Kill { slot }),
        2 => Just(Operation::Collect),
    ];
    collection::vec(operation, OPERATIONS_A_CASE)
}

fn soak(lab: &Lab, networks: &[&str]) -> Result {
    for network in networks {
        lab.network(&format!(
            "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.254 -o parent=eth0 {network}"
        ))?;
    }
    let seed = seed();
    lab.inside(|inside| {
        let config = Config {
            cases: u32::try_from(OPERATIONS / OPERATIONS_A_CASE).unwrap_or(1),
            failure_persistence: None,
            max_shrink_iters: 200,
            ..Config::default()
        };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let end = Instant::now() + TIME;
        let result = runner.run(&operations(networks.len()), |operations| {
            if Instant::now() > end { Ok(()) } else { run(inside, &operations) }
        });
        match result {
            Ok(()) => Ok(()),
            Err(TestError::Fail(why, operations)) => {
                panic!("UNDERLAY_SEED={seed}: {why}\nthe fewest operations that fail: {operations:#?}")
            }
            Err(TestError::Abort(why)) => panic!("UNDERLAY_SEED={seed}: {why}"),
        }
    })
}

fn seed() -> u64 {
    let given = env::var("UNDERLAY_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs()))
}

fn run(inside: &Inside, operations: &[Operation]) -> std::result::Result<(), TestCaseError> {
    let mut model = Model { inside, slots: BTreeMap::new(), unsaid: false, started: 0 };
    // A case that failed before this one did not come to its end.
    inside.gc().map_err(|error| TestCaseError::fail(error.chain()))?;
    for operation in operations {
        model
            .step(operation)
            .map_err(|error| TestCaseError::fail(format!("{operation:?}: {}", error.chain())))?;
        model.check().map_err(|error| TestCaseError::fail(format!("after {operation:?}: {error}")))?;
        Tally::count(&TALLY.operations);
    }
    model.end()
}

/// What should be there.
struct Model<'a> {
    inside: &'a Inside,
    /// The containers that live, with their networks.
    slots: BTreeMap<usize, (Replica, usize)>,
    /// Something died without a word since gc ran: there may be more than there should.
    unsaid: bool,
    started: usize,
}

impl Model<'_> {
    fn step(&mut self, operation: &Operation) -> Result {
        match operation {
            Operation::Attach { slot, network, beside } if !self.slots.contains_key(slot) => {
                let replica = self.start(*network, beside.as_ref())?;
                replica.attach()?;
                self.slots.insert(*slot, (replica, *network));
            }
            Operation::KilledAttach { slot, network, victim, call } if !self.slots.contains_key(slot) => {
                let replica = self.start(*network, None)?;
                let fault = Fault { victim: *victim, call: *call, harm: Harm::Kill };
                let traced = replica.trace_hook("createRuntime", Some(fault))?;
                if traced.struck.is_some() {
                    Tally::count(&TALLY.crashes);
                }
                if traced.code == Some(0) {
                    self.slots.insert(*slot, (replica, *network));
                } else {
                    self.unsaid = true;
                }
            }
            Operation::Detach { slot } => {
                if let Some((mut replica, _)) = self.slots.remove(slot) {
                    replica.kill();
                    replica.detach()?;
                }
            }
            Operation::Kill { slot } => self.unsaid |= self.slots.remove(slot).is_some(),
            Operation::Collect => {
                self.inside.gc()?;
                self.unsaid = false;
            }
            Operation::Attach { .. } | Operation::KilledAttach { .. } => {}
        }
        Ok(())
    }

    fn start(&mut self, network: usize, beside: Option<&usize>) -> Result<Replica> {
        self.started += 1;
        let (name, networks) = (format!("s{}", self.started), format!("n{network}"));
        match beside.and_then(|slot| self.slots.get(slot)) {
            Some((other, _)) => self.inside.replica_beside(&name, &networks, other),
            None => self.inside.replica(&name, &networks),
        }
    }

    /// Every living container has the interfaces of its namespace's networks, every one of these has one lease, and nothing else has
    /// any, once gc has run.
    fn check(&self) -> std::result::Result<(), String> {
        let records = self.inside.records().map_err(|error| error.chain())?;
        let owners: Vec<_> = records
            .iter()
            .filter_map(|line| Some(line.strip_prefix("leases/")?.split_once(" -> ")?.1))
            .collect();
        let mut expected: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
        for (replica, network) in self.slots.values() {
            expected.entry(namespace(replica)).or_default().insert(*network);
        }
        for (replica, _) in self.slots.values() {
            let wanted = expected.get(&namespace(replica)).map_or(0, BTreeSet::len);
            let links = replica.links().len();
            if links < wanted || !self.unsaid && links != wanted {
                return Err(format!("{} has {links} interfaces and should have {wanted}", replica.name));
            }
        }
        let wanted: usize = expected.values().map(BTreeSet::len).sum();
        if owners.len() < wanted || !self.unsaid && owners.len() != wanted {
            return Err(format!("there are {} leases and should be {wanted}: {records:#?}", owners.len()));
        }
        Ok(())
    }

    /// All end without a word; then gc has it all.
    fn end(mut self) -> std::result::Result<(), TestCaseError> {
        self.slots.clear();
        let failed = |error: lab::Error| TestCaseError::fail(error.chain());
        self.inside.gc().map_err(failed)?;
        let records = self.inside.records().map_err(failed)?;
        prop_assert!(records.is_empty(), "left at the end: {records:#?}");
        prop_assert_eq!(self.inside.gc().map_err(failed)?, "", "the second gc took something");
        Ok(())
    }
}

/// The identity of a container's namespace.
fn namespace(replica: &Replica) -> Option<std::path::PathBuf> {
    std::fs::read_link(replica.namespace()).ok()
}
