//! RELRO in the programs as they run: their files ask for it, and a static program has no linker that would
//! see to it.

use std::ops::Range;

use lab::{Inside, Lab, Need, Probe, Result, SHOWN, Trial, trial};

use crate::{hook::run_to_open, rights::helper};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("rights: relocated pages are read-only in hook and helper", &[Need::MACVLAN], relocated)]
}

const PAGE: u64 = 4096;

fn relocated(lab: &Lab) -> Result {
    lab.network("-d macvlan --subnet=10.0.0.0/24 -o parent=eth0 lan")?;
    lab.inside(|inside| {
        let replica = inside.replica("a", "lan")?;
        let mut hook = replica.probe_hook("createRuntime", &[])?;
        // The first file that strangers wrote.
        assert!(run_to_open(&mut hook, "/config.json")?);
        expect_read_only(inside, &hook, "underlay-hook")?;
        for (errand, namespace) in
            [("attach", Some(replica.namespace())), ("look", Some(replica.namespace())), ("detach", None)]
        {
            let mut probe = Probe::start(&helper(errand, namespace.as_deref()), None)?;
            // The end of its first stage.
            assert!(probe.run_to_call(libc::SYS_setgroups)?);
            expect_read_only(inside, &probe, "underlay-nsenter")?;
        }
        Ok(())
    })
}

fn expect_read_only(inside: &Inside, probe: &Probe, program: &str) -> Result {
    let maps = probe.proc("maps")?;
    let mappings: Vec<_> = maps.lines().filter_map(Mapping::parse).collect();
    let first = mappings.iter().find(|mapping| mapping.is_start_of(program)).expect("a mapped program");
    let relro = relro(inside, program)?;
    let pages = first.pages.start + relro.start..first.pages.start + relro.end;
    let covering: Vec<_> = mappings
        .iter()
        .filter(|mapping| mapping.pages.start < pages.end && pages.start < mapping.pages.end)
        .collect();
    SHOWN.add(format!(
        "{program}: {} KiB of relocated pages are {}",
        (relro.end - relro.start) >> 10,
        covering.iter().map(|mapping| mapping.rights).collect::<Vec<_>>().join(", ")
    ));
    assert!(!covering.is_empty() && covering.iter().all(|mapping| mapping.rights == "r--p"), "{covering:x?}");
    // Nothing else is taken from it.
    assert!(mappings.iter().any(|mapping| mapping.pages.start == pages.end && mapping.rights == "rw-p"));
    Ok(())
}

/// The whole pages that the file wants to be read-only, from where the program is loaded.
fn relro(inside: &Inside, program: &str) -> Result<Range<u64>> {
    let header = format!("readelf --wide --segments /run/bin/{program} | grep GNU_RELRO");
    let header = inside.host().sh(&header)?;
    let number = |column| {
        let word: Option<&str> = header.split_whitespace().nth(column);
        u64::from_str_radix(word.expect("a column").trim_start_matches("0x"), 16).expect("a number")
    };
    // Type, offset, address, physical address, size in the file, size in memory.
    let (start, end) = (number(2), number(2) + number(5));
    Ok(start / PAGE * PAGE..end / PAGE * PAGE)
}

/// A line of /proc/PID/maps.
#[derive(Debug)]
struct Mapping<'a> {
    pages: Range<u64>,
    rights: &'a str,
    offset: &'a str,
    file: &'a str,
}

impl<'a> Mapping<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let address = |text| u64::from_str_radix(text, 16).ok();
        Some(Self {
            pages: address(start)?..address(end)?,
            rights: words.next()?,
            offset: words.next()?,
            file: words.nth(2).unwrap_or_default(),
        })
    }

    fn is_start_of(&self, program: &str) -> bool {
        self.offset == "00000000" && self.file.ends_with(program)
    }
}
