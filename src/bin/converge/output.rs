//! Where results are written: a file, or standard output for `-`.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Result, Write};
use std::path::PathBuf;

/// The name of standard output.
pub const STANDARD: &str = "-";

/// Returns the path of a file without relative parts, to compare it with others; none if it has no name.
pub fn path(file: &str) -> Option<PathBuf> {
    let absolute = std::path::absolute(file).ok()?;
    Some(absolute.canonicalize().unwrap_or(absolute))
}

/// Opens a file for writing, or standard output for `-`.
pub fn open(file: &str) -> Result<Box<dyn Write>> {
    Ok(if file == STANDARD {
        Box::new(BufWriter::new(std::io::stdout()))
    } else {
        Box::new(BufWriter::new(File::create(file)?))
    })
}

/// Writes a text to a file, or to standard output for `-`.
pub fn write(file: &str, text: &str) -> Result<()> {
    let written = open(file).and_then(|mut out| {
        out.write_all(text.as_bytes())?;
        out.flush()
    });
    match written {
        // `head` closes the pipe when it has seen enough.
        Err(error) if file == STANDARD && error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Escapes control characters, which a terminal would execute. A scenario may come from a stranger.
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_hidden = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let show = |character: char| {
        if is_hidden(character) { character.escape_default().to_string() } else { character.to_string() }
    };
    Cow::Owned(text.chars().map(show).collect())
}
