//! The command line.

use std::path::PathBuf;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// How often every contender has its turn, where nothing else is said.
    pub(crate) rounds: usize,
    /// The sections to run; all, if none is named.
    only: Vec<String>,
    /// A netavark to be measured besides Debian's.
    pub(crate) netavark: Option<PathBuf>,
    pub(crate) format: Format,
}

/// How the report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Markdown.
    Table,
    /// One JSON document.
    Json,
}

impl Options {
    /// Parses the words after the program's name; a complaint if they make no sense.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { rounds: 60, only: Vec::new(), netavark: None, format: Format::Table };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                // What cargo adds by itself.
                "--bench" => {}
                "--rounds" => {
                    let text = value()?;
                    let rounds = text.parse().ok().filter(|rounds| *rounds > 0);
                    options.rounds = rounds.ok_or(format!("`{text}` is no number of rounds"))?;
                }
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--netavark" => options.netavark = Some(value()?.into()),
                "--format" => options.format = format(&value()?)?,
                _ => return Err(format!("unknown argument `{word}`")),
            }
        }
        Ok(options)
    }

    /// Whether a section is to be run.
    pub(crate) fn wants(&self, section: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == section)
    }
}

fn format(text: &str) -> Result<Format, String> {
    match text {
        "table" => Ok(Format::Table),
        "json" => Ok(Format::Json),
        _ => Err(format!("`{text}` is neither `table` nor `json`")),
    }
}
