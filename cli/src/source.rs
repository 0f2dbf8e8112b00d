//! Texts from files, or from stdin where `-` is typed.

use std::{
    fs::File,
    io::{self, Read},
};

use thiserror::Error;

/// Much more than the definitions of all networks of a host.
const MAX_BYTES: u64 = 16 << 20;

/// A file, or stdin.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    word: &'a str,
}

/// Why there is no text.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("cannot read {name}")]
    Read {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("{name} is longer than {MAX_BYTES} bytes, so it cannot be what is wanted")]
    TooLong { name: String },
}

impl<'a> Source<'a> {
    pub(crate) const fn new(word: &'a str) -> Self {
        Self { word }
    }

    /// What to call it in a message.
    pub(crate) fn name(&self) -> &'a str {
        if self.word == "-" { "stdin" } else { self.word }
    }

    /// All of it.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Error> {
        let name = || self.name().to_owned();
        let text =
            if self.word == "-" { read(io::stdin().lock()) } else { File::open(self.word).and_then(read) };
        match text {
            Err(source) => Err(Error::Read { name: name(), source }),
            Ok(text) if text.len() as u64 > MAX_BYTES => Err(Error::TooLong { name: name() }),
            Ok(text) => Ok(text),
        }
    }
}

fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    Ok(text)
}
