//! Where results are written: a file, or standard output for `-`.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Result, Write};
use std::path::PathBuf;

/// The name of standard output.
pub const STANDARD: &str = "-";

/// Returns the path of a file without relative parts, to compare it with others; `None` if it has no name.
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
    write_to(file, open(file)?, text)
}

/// Returns the name of a file for an error.
pub fn source(file: &str) -> &str {
    match file {
        "" => "a file with an empty name",
        STANDARD => "standard input",
        _ => file,
    }
}

/// Writes a text to an open file, or to standard output for `-`.
pub fn write_to(file: &str, mut out: Box<dyn Write>, text: &str) -> Result<()> {
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        // `head` closes the pipe when it has seen enough.
        Err(error) if file == STANDARD && error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Returns whether a terminal would execute a character, break a line at it, or reverse the text after it.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escaped(text: &str, is_hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_hidden) {
        return Cow::Borrowed(text);
    }
    let show = |character: char| {
        if is_hidden(character) { character.escape_default().to_string() } else { character.to_string() }
    };
    Cow::Owned(text.chars().map(show).collect())
}

/// Escapes control characters, which a terminal would execute. A scenario may come from a stranger.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |character| is_hidden(character) && !matches!(character, '\n' | '\t'))
}

/// Escapes control characters in a text that is one line, also breaks of lines: a name or value must not forge a line of a report.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden)
}

/// Joins lines, whose control characters are escaped.
pub fn lines(lines: &[impl AsRef<str>]) -> String {
    lines.iter().map(|text| format!("{}\n", line(text.as_ref()))).collect()
}
