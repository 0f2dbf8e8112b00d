//! `underlay documents`: what follows from the command line's definition and from the table of a definition's
//! keys. Packages take it from here when they are built, so that none of it can be out of date.

mod definition;
mod page;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use underlay::network::file;

use crate::{arguments::Arguments, outcome::Failure};

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Fish, Shell::Zsh];

/// The manual pages whose sentences are written by hand.
const HOOK: &str = include_str!("../../packaging/man/underlay-hook.8");
const NETWORK: &str = include_str!("../../packaging/man/underlay-network.5");

/// A document could not be written.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot write {}", .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Writes all documents below a directory, which is made if it is not there.
pub(crate) fn write(directory: &Path) -> Result<(), Failure> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    for (name, text) in pages(&command)? {
        put(&directory.join("man").join(name), &text)?;
    }
    for shell in SHELLS {
        // Built anew: what is added for the man pages has no place here.
        let (name, text) = completion(shell, Arguments::command());
        put(&directory.join("completions").join(name), &text)?;
    }
    let mut schema = serde_json::to_vec_pretty(&file::schema())?;
    schema.push(b'\n');
    Ok(put(&directory.join("schema").join("underlay-network.schema.json"), &schema)?)
}

/// All manual pages with their file names.
fn pages(command: &Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut pages = vec![
        ("underlay-hook.8".to_owned(), HOOK.as_bytes().to_vec()),
        ("underlay-network.5".to_owned(), definition::page(NETWORK).into_bytes()),
    ];
    page::all(command, &mut pages)?;
    Ok(pages)
}

/// A completion with the file name by which its shell finds it.
fn completion(shell: Shell, mut command: Command) -> (String, Vec<u8>) {
    let name = match shell {
        Shell::Bash => "underlay".to_owned(),
        shell => clap_complete::Generator::file_name(&shell, "underlay"),
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "underlay", &mut text);
    (name, text)
}

fn put(path: &Path, text: &[u8]) -> Result<(), Error> {
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, text)
    };
    write().map_err(|source| Error::Write { path: path.to_owned(), source })
}
