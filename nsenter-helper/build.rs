//! Compiles `seccomp.json` into tables of BPF instructions, `$OUT_DIR/calls.rs`: the helper starts with every
//! container, and need not do it then.
//!
//! seccompiler compares a call's number with one after the other of its list. When a filter is put on, the
//! kernel goes through it for every call that there is (`seccomp_cache_prepare`), which took 47 µs of 77 with
//! the list's 16; so a binary search is put before it.

use std::{collections::BTreeMap, env, error::Error, fmt::Write as _, fs, path::Path};

use seccompiler::{BpfProgramRef, TargetArch, sock_filter};

const SOURCE: &str = "seccomp.json";

/// `BPF_JMP` with `BPF_JEQ`, `BPF_JGE` and `BPF_JA`, comparing with a constant (`linux/bpf_common.h`).
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_NOT_LESS: u16 = 0x35;
const JUMP: u16 = 0x05;
/// Before the list: is it this architecture, and what is the call's number?
const HEAD: usize = 4;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A call of the list, and where its instructions are.
struct Entry {
    number: u32,
    position: usize,
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
    Ok(())
}

/// The program with a search for the call's entry between its head and its list.
fn with_search(program: BpfProgramRef) -> Result<Vec<sock_filter>> {
    let (head, list) = program.split_at_checked(HEAD).ok_or("a program without a head")?;
    let (entries, end) = entries(list)?;
    let search = Search { length: 2 * entries.len() - 1, end };
    Ok([head, &search.of(&entries, 0)?, list].concat())
}

/// Follows the list to its end: at each entry "if it is this number, go on; else jump over what follows".
fn entries(list: BpfProgramRef) -> Result<(Vec<Entry>, usize)> {
    let mut entries = Vec::new();
    let mut position = 0;
    while let Some(&sock_filter { code: JUMP_IF_EQUAL, jt: 0, jf: 1, k: number }) = list.get(position) {
        let Some(&sock_filter { code: JUMP, k: skipped, .. }) = list.get(position + 2) else {
            return Err("an entry of another form".into());
        };
        entries.push(Entry { number, position });
        position += 3 + usize::try_from(skipped)?;
    }
    if entries.is_empty() { Err("an empty list".into()) } else { Ok((entries, position)) }
}

/// A binary search over a list.
struct Search {
    /// Of its instructions.
    length: usize,
    /// Where the list ends: what happens to calls that are not on it.
    end: usize,
}

impl Search {
    /// The instructions from `position` on that find one of the entries.
    fn of(&self, entries: &[Entry], position: usize) -> Result<Vec<sock_filter>> {
        let to = |place: usize| u8::try_from(self.length - position - 1 + place);
        if let [Entry { number, position: place }] = entries {
            let (jt, jf) = (to(*place)?, to(self.end)?);
            return Ok(vec![sock_filter { code: JUMP_IF_EQUAL, jt, jf, k: *number }]);
        }
        let (low, high) = entries.split_at(entries.len() / 2);
        let lower = self.of(low, position + 1)?;
        let higher = self.of(high, position + 1 + lower.len())?;
        let k = high.first().map(|entry| entry.number).unwrap_or_default();
        let fork = sock_filter { code: JUMP_IF_NOT_LESS, jt: u8::try_from(lower.len())?, jf: 0, k };
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
