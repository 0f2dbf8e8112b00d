//! Compiles `seccomp.json` into tables of BPF instructions, `$OUT_DIR/calls.rs`: the helper starts with every
//! container, and need not do it then.
//!
//! seccompiler compares a call's number with one after the other of its list, and answers for each by itself. Putting a
//! filter on costs by its length, which the kernel translates twice, and by the steps that it takes to an answer, since
//! the kernel goes through it for every call that there is (`seccomp_cache_prepare`). So a search takes the place of the
//! list. It leads to what is left of an entry, the conditions on its arguments, or to one of two answers that all share:
//! 53 instructions for ACT in place of 84, or of 109 with the search before the list.
//!
//! And what runs when a container starts is linked beside each other.

#[path = "../start/order.rs"]
mod order;

use std::{collections::BTreeMap, env, error::Error, fmt::Write as _, fs, ops::Range, path::Path};

use seccompiler::{BpfProgramRef, TargetArch, sock_filter};

const SOURCE: &str = "seccomp.json";

/// `BPF_JMP` with `BPF_JEQ`, `BPF_JGE` and `BPF_JA`, comparing with a constant (`linux/bpf_common.h`).
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_NOT_LESS: u16 = 0x35;
const JUMP: u16 = 0x05;
/// `BPF_RET` with a constant.
const ANSWER: u16 = 0x06;
/// Before the list: is it this architecture, and what is the call's number?
const HEAD: usize = 4;
/// Of an entry: is it this number, and two jumps.
const BEFORE_CONDITIONS: usize = 3;
/// Above the last number that the kernel has (`__NR_syscalls`), and will have for a while. It only decides which
/// comparison comes first.
const NUMBERS: u32 = 512;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A call of the list.
struct Entry<'a> {
    number: u32,
    /// The conditions on its arguments, with their answers; nothing, if there are none.
    conditions: BpfProgramRef<'a>,
}

/// The entries, and the answers to a call that is granted and to one that is not.
struct List<'a> {
    entries: Vec<Entry<'a>>,
    granted: sock_filter,
    refused: sock_filter,
}

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed={SOURCE}");
    // Not the architecture that this program is built for: that is the builder's own.
    let architecture: TargetArch = env::var("CARGO_CFG_TARGET_ARCH")?.as_str().try_into()?;
    let programs = seccompiler::compile_from_json(fs::File::open(SOURCE)?, architecture)?;
    let programs: BTreeMap<_, _> = programs.into_iter().collect();
    let mut tables = String::new();
    for (name, program) in &programs {
        write_table(&mut tables, name, &with_search(program)?)?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("calls.rs"), tables)?;
    Ok(order::ask_for()?)
}

/// The program with a search in place of its list: head, search, what is left of the entries, and the two answers.
fn with_search(program: BpfProgramRef) -> Result<Vec<sock_filter>> {
    let (head, list) = program.split_at_checked(HEAD).ok_or("a program without a head")?;
    let List { entries, granted, refused } = List::of(list)?;
    let conditions: Vec<_> = entries.iter().flat_map(|entry| entry.conditions).cloned().collect();
    let search = Search::over(&entries, conditions.len());
    let steps = search.of(&search.entries, 0, 0..NUMBERS)?;
    Ok([head, &steps, &conditions, &[granted, refused]].concat())
}

impl<'a> List<'a> {
    /// Follows it to its end.
    fn of(list: BpfProgramRef<'a>) -> Result<Self> {
        let mut entries = Vec::new();
        let mut rest = list;
        let mut granted = None;
        while let [sock_filter { code: JUMP_IF_EQUAL, jt: 0, jf: 1, k: number }, _, ..] = rest {
            let end = end_of_entry(rest).ok_or("an entry of another form")?;
            let (entry, behind) = rest.split_at(end);
            let conditions = match entry.get(BEFORE_CONDITIONS..).ok_or("an empty entry")? {
                [yes, _] if yes.code == ANSWER => {
                    granted = Some(yes.clone());
                    &[]
                }
                conditions => conditions,
            };
            entries.push(Entry { number: *number, conditions });
            rest = behind;
        }
        match (rest, granted) {
            ([refused], Some(granted)) if refused.code == ANSWER => {
                Ok(Self { entries, granted, refused: refused.clone() })
            }
            _ => Err("a list of another form".into()),
        }
    }
}

/// "If it is this number, go on; else jump over what follows." Where there are several conditions of which one must hold,
/// that is another jump, over the next of them.
fn end_of_entry(list: BpfProgramRef) -> Option<usize> {
    let mut end = BEFORE_CONDITIONS - 1;
    while let sock_filter { code: JUMP, k: skipped, .. } = list.get(end)? {
        end += 1 + usize::try_from(*skipped).ok()?;
    }
    Some(end)
}

/// A search for a number.
struct Search {
    entries: Vec<Aim>,
    /// Of its instructions.
    length: usize,
    /// What is between it and the two answers.
    conditions: usize,
}

/// A number, and where it leads to, counted from the search's end.
struct Aim {
    number: u32,
    place: usize,
}

impl Search {
    fn over(entries: &[Entry<'_>], conditions: usize) -> Self {
        let mut used = 0;
        let aim = |entry: &Entry<'_>| {
            let place = if entry.conditions.is_empty() { conditions } else { used };
            used += entry.conditions.len();
            Aim { number: entry.number, place }
        };
        Self { entries: entries.iter().map(aim).collect(), length: 2 * entries.len() - 1, conditions }
    }

    /// The instructions from `position` on that find one of these entries in a range of numbers. The range is halved, not
    /// the list: nearly all numbers are on none.
    fn of(&self, entries: &[Aim], position: usize, range: Range<u32>) -> Result<Vec<sock_filter>> {
        let to = |place: usize| u8::try_from(self.length - position - 1 + place);
        if let [Aim { number, place }] = entries {
            let (jt, jf) = (to(*place)?, to(self.conditions + 1)?);
            return Ok(vec![sock_filter { code: JUMP_IF_EQUAL, jt, jf, k: *number }]);
        }
        let middle = range.start.midpoint(range.end);
        let distance = |n: &usize| entries.get(*n).map(|entry| entry.number.abs_diff(middle));
        let split = (1..entries.len()).min_by_key(distance).ok_or("an empty list")?;
        let (low, high) = entries.split_at(split);
        let first = high.first().map(|entry| entry.number).unwrap_or_default();
        let lower = self.of(low, position + 1, range.start..first)?;
        let higher = self.of(high, position + 1 + lower.len(), first..range.end)?;
        let fork = sock_filter { code: JUMP_IF_NOT_LESS, jt: u8::try_from(lower.len())?, jf: 0, k: first };
        Ok([vec![fork], lower, higher].concat())
    }
}

fn write_table(tables: &mut String, name: &str, program: BpfProgramRef) -> std::fmt::Result {
    let name = name.to_uppercase();
    writeln!(tables, "pub(super) static {name}: [seccompiler::sock_filter; {}] = [", program.len())?;
    for sock_filter { code, jt, jf, k } in program {
        writeln!(tables, "seccompiler::sock_filter {{ code: {code}, jt: {jt}, jf: {jf}, k: {k} }},")?;
    }
    writeln!(tables, "];")
}
