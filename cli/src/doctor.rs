//! `underlay doctor`.

mod engine;
mod hooks;

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Serialize;
use underlay::{
    diagnose::{Finding, Verdict, diagnose},
    layout::Layout,
    message,
    network::NetworkName,
};

use crate::{
    outcome::{Failure, answer},
    table,
};

/// The worst verdict is a warning.
const WARNINGS: u8 = 3;
/// The worst verdict is a failure.
const FAILURES: u8 = 4;

/// For the helper's start and for locks that a hook may hold right now; routers are asked for a second or
/// two.
const PATIENCE: Duration = Duration::from_secs(10);

const HEAD: [&str; 4] = ["VERDICT", "CHECK", "SUBJECT", "FOUND"];

pub(crate) const HELP: &str = "\
Nothing is changed: no link is made, no container touched. Routers are asked
for by ARP or neighbour discovery, and a missing driver's module is loaded.
Routes can be seen only inside a container's namespace: the helper looks there.

Verdicts:
  ok       as it should be
  note     worth knowing, or not to be told from here
  warning  works less well than it looks, or only sometimes
  failure  does not work

Examples:
  underlay doctor
  underlay doctor voice
  underlay doctor --format json | jq '.findings[] | select(.verdict != \"ok\")'

Exit codes:
  0  nothing worse than notes
  1  the diagnosis failed, or there is no such network
  2  what was typed is wrong
  3  warnings
  4  failures";

/// What may be typed behind `underlay doctor`.
#[derive(Args, Debug)]
pub(crate) struct Words {
    /// The network to look at; all if not given
    #[arg(value_name = "NETWORK")]
    network: Option<NetworkName>,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line a finding, with what to do about it below
    Table,
    /// The findings and the worst verdict
    Json,
}

/// All findings as JSON.
#[derive(Serialize)]
struct Diagnosis<'a> {
    verdict: Verdict,
    findings: &'a [Finding],
}

/// Prints what was found. The exit code says the worst verdict.
pub(crate) fn doctor(layout: &Layout, words: &Words) -> Result<(), Failure> {
    let mut findings = diagnose(layout, words.network.as_ref(), Instant::now() + PATIENCE)?;
    findings.extend(hooks::check(&engine::read()));
    let verdict = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok);
    match words.format {
        Format::Json => {
            answer(&serde_json::to_string_pretty(&Diagnosis { verdict, findings: &findings })?);
        }
        Format::Table => lines(&findings).iter().for_each(|line| answer(line)),
    }
    match verdict {
        Verdict::Ok | Verdict::Note => Ok(()),
        Verdict::Warning => Err(Failure::told(WARNINGS)),
        Verdict::Failure => Err(Failure::told(FAILURES)),
    }
}

/// A table, with advice between its lines, and the sums.
fn lines(findings: &[Finding]) -> Vec<String> {
    let rows: Vec<_> = [HEAD.map(str::to_owned)].into_iter().chain(findings.iter().map(row)).collect();
    let advices = [None].into_iter().chain(findings.iter().map(|finding| finding.advice.as_deref()));
    let advised = table::lines(&rows).into_iter().zip(advices).flat_map(|(line, advice)| {
        let advice = advice.map(|advice| format!("         {}", message::escape(advice)));
        [Some(line), advice].into_iter().flatten()
    });
    advised.chain([String::new(), sums(findings)]).collect()
}

fn row(finding: &Finding) -> [String; 4] {
    let cells = [word(finding.verdict), finding.check, &finding.subject, &finding.found];
    cells.map(message::escape)
}

fn sums(findings: &[Finding]) -> String {
    let verdicts = [Verdict::Failure, Verdict::Warning, Verdict::Note, Verdict::Ok];
    let counted = verdicts.map(|verdict| {
        let count = findings.iter().filter(|finding| finding.verdict == verdict).count();
        let plural = if count == 1 || verdict == Verdict::Ok { "" } else { "s" };
        format!("{count} {}{plural}", word(verdict))
    });
    counted.join(", ")
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Note => "note",
        Verdict::Warning => "warning",
        Verdict::Failure => "failure",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_stands_below_its_finding_and_sums_at_the_end() {
        let findings = [
            Finding::ok("helper", "/usr/x", "answers"),
            Finding::failure("parent", "eth0 of lan", "bad\u{1b}[2J").advise("mend it"),
        ];
        assert_eq!(
            lines(&findings),
            [
                "VERDICT  CHECK   SUBJECT      FOUND",
                "ok       helper  /usr/x       answers",
                "failure  parent  eth0 of lan  bad\\u{1b}[2J",
                "         mend it",
                "",
                "1 failure, 0 warnings, 0 notes, 1 ok",
            ]
        );
    }
}
