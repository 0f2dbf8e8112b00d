//! Manual pages of section 1, one a command.

use std::io::{self, Write as _};

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

const MANUAL: &str = "Underlay";

/// Adds the pages of a command that has been built and of all that is below it, with their file names.
pub(super) fn all(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    pages.push((format!("{}.1", name(command)), page(command)?));
    shown(command).try_for_each(|below| all(below, pages))
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut text = Vec::new();
    // Not clap_mangen's title, which leaves the empty date out, so that all behind it moves up.
    writeln!(text, ".TH {} 1 \"\" \"underlay {}\" \"{MANUAL}\"", name(command), env!("CARGO_PKG_VERSION"))?;
    man.render_name_section(&mut text)?;
    synopsis(command).to_writer(&mut text)?;
    man.render_description_section(&mut text)?;
    if shown(command).next().is_some() {
        commands(command).to_writer(&mut text)?;
    }
    man.render_options_section(&mut text)?;
    if let Some(help) = command.get_after_help() {
        sections(&help.to_string()).to_writer(&mut text)?;
    }
    see_also(command).to_writer(&mut text)?;
    Ok(text)
}

/// A command's name as its page has it: `underlay-network-create`.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|below| !below.is_hide_set())
}

/// The usage as `--help` has it. `clap_mangen` would list every option, without its value.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([bold(usage.trim_start_matches("Usage:").trim())]);
    roff
}

fn commands(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for below in shown(command) {
        let about = below.get_about().map(ToString::to_string).unwrap_or_default();
        roff.control("TP", []);
        roff.text([bold(name(below)), roman("(1)")]);
        roff.text([roman(about)]);
    }
    roff
}

/// What stands behind the options in `--help`, paragraph by paragraph: a title with indented lines below it,
/// or sentences, which come last. `clap_mangen` would fill all of it.
fn sections(help: &str) -> Roff {
    let mut roff = Roff::new();
    let (titled, sentences): (Vec<_>, Vec<_>) =
        help.split("\n\n").partition(|paragraph| paragraph.contains(":\n  "));
    for paragraph in titled {
        let mut lines = paragraph.lines();
        roff.control("SH", [title(lines.next().unwrap_or_default()).as_str()]);
        let lines: Vec<_> = lines.map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
        match lines.iter().map(|line| row(line)).collect::<Option<Vec<_>>>() {
            Some(rows) => list(&rows, &mut roff),
            None => verbatim(&lines, &mut roff),
        }
    }
    for (position, paragraph) in sentences.into_iter().enumerate() {
        if position == 0 {
            roff.control("SH", ["NOTES"]);
        } else {
            roff.control("PP", []);
        }
        paragraph.lines().for_each(|line| {
            roff.text([roman(line)]);
        });
    }
    roff
}

/// A word and its meaning, if that is what a line has.
fn row(line: &str) -> Option<(&str, &str)> {
    line.split_once("  ").filter(|(word, _)| !word.is_empty())
}

/// A title as manual pages have them: in capitals, but for options.
fn title(text: &str) -> String {
    let text = text.trim_end_matches(':');
    if text == "Exit codes" {
        return "EXIT STATUS".to_owned();
    }
    let word = |word: &str| if word.starts_with(['-', '/']) { word.to_owned() } else { word.to_uppercase() };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn list(rows: &[(&str, &str)], roff: &mut Roff) {
    for (word, meaning) in rows {
        roff.control("TP", []);
        roff.text([bold(*word)]);
        roff.text([roman(meaning.trim())]);
    }
}

fn verbatim(lines: &[&str], roff: &mut Roff) {
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(*line)]);
    }
    roff.control("fi", []);
}

fn see_also(command: &Command) -> Roff {
    let pages = [("underlay", "1"), ("underlay-network", "5"), ("underlay-hook", "8")];
    let mut line = Vec::new();
    for (page, section) in pages {
        if (page, section) == (name(command), "1") {
            continue;
        }
        if !line.is_empty() {
            line.push(roman(", "));
        }
        line.extend([bold(page), roman(format!("({section})"))]);
    }
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    roff.text(line);
    roff
}
