//! Files of /proc: short, and without a size before they are read.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// What fits into one read(2); the file of a process's state, the longest read here, has some 400 bytes.
const USUAL: usize = 1024;
/// More than any of them has.
const MOST: u64 = 64 << 10;

/// Reads the file at `path`.
pub fn read(path: impl AsRef<Path>) -> io::Result<String> {
    read_open(File::open(path)?)
}

/// Reads an open file. The kernel writes most of them anew for each read(2), so the fewer the better.
pub(crate) fn read_open(file: File) -> io::Result<String> {
    let mut text = String::with_capacity(USUAL);
    file.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_size_is_read_whole() {
        let text = read("/proc/self/status").unwrap();
        assert!(text.len() > USUAL && text.ends_with('\n'), "{text}");
    }
}
