//! What a command ends with: lines for people, and an exit code for scripts.

use std::{error::Error, io, process::ExitCode};

use underlay::message;

/// Done.
pub(crate) const OK: u8 = 0;
/// Something failed.
const FAILED: u8 = 1;
/// What was typed is wrong, and nothing was done. clap ends with the same.
const USAGE: u8 = 2;

/// Why a command did not do, or not wholly do, what it was told.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    lines: Vec<String>,
}

impl Failure {
    /// What was typed is wrong in these respects.
    pub(crate) fn usage<E: Error>(faults: impl IntoIterator<Item = E>) -> Self {
        Self { code: USAGE, lines: faults.into_iter().map(|fault| message::chain(&fault)).collect() }
    }

    /// The command line is none. clap shows what was typed as it is, so control characters are escaped here.
    pub(crate) fn typed(error: &clap::Error) -> Self {
        let text = error.to_string();
        let lines =
            text.strip_prefix("error: ").unwrap_or(&text).lines().filter(|line| !line.trim().is_empty());
        Self { code: USAGE, lines: lines.map(message::escape).collect() }
    }

    /// These things failed, if any did.
    pub(crate) fn unless_empty<E: Error>(errors: impl IntoIterator<Item = E>) -> Result<(), Self> {
        Self::of_lines(errors.into_iter().map(|error| message::chain(&error)).collect())
    }

    /// These things failed, if any did; a line each, as [`message::chain`] makes them.
    pub(crate) fn of_lines(lines: Vec<String>) -> Result<(), Self> {
        if lines.is_empty() { Ok(()) } else { Err(Self { code: FAILED, lines }) }
    }

    /// All was told already; only the exit code is left to say.
    pub(crate) const fn told(code: u8) -> Self {
        Self { code, lines: Vec::new() }
    }

    /// The same, with an exit code that says more.
    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// Writes one line a reason to stderr.
    pub(crate) fn report(self) -> ExitCode {
        for line in self.lines {
            write_line(io::stderr(), &format!("underlay: {line}"));
        }
        ExitCode::from(self.code)
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { code: FAILED, lines: vec![message::chain(&error)] }
    }
}

/// One line of the answer, to stdout.
pub(crate) fn answer(line: &str) {
    write_line(io::stdout(), line);
}

/// One line that the administrator should read but no script, to stderr.
pub(crate) fn note(line: &str) {
    write_line(io::stderr(), &format!("underlay: {}", message::escape(line)));
}

/// Whoever reads may have gone (`| head`): what was to be done is done, so that is no failure.
fn write_line(mut stream: impl io::Write, line: &str) {
    let _ = writeln!(stream, "{line}");
}
