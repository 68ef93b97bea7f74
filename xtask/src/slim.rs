//! Takes out of the built files what no browser reads: names of functions in what comes later, and the long names, each
//! with a hash, by which the page's wasm file and its script know each other.

use crate::Result;
use std::fs;
use std::path::Path;

const CUSTOM: u8 = 0;
const IMPORTS: u8 = 2;

/// A section of a wasm file: its number, and what is in it.
type Section<'a> = (u8, &'a [u8]);

/// Takes the names out of a file that comes later.
///
/// # Errors
/// It cannot be read or written, or is no wasm file.
pub fn unname(file: &Path) -> Result<()> {
    let bytes = read(file)?;
    let mut sections = sections(&bytes).ok_or_else(|| no_wasm(file))?;
    sections.retain(|(number, content)| {
        let name = (*number == CUSTOM).then(|| text(&mut &**content)).flatten();
        !matches!(name, Some(b"name" | b"producers"))
    });
    write(file, &joined(&sections))
}

/// Gives what the script lends to the wasm file short names, in both.
///
/// # Errors
/// One of them cannot be read or written, or is not what the bindings make.
pub fn shorten(wasm: &Path, script: &Path) -> Result<()> {
    let bytes = read(wasm)?;
    let mut sections = sections(&bytes).ok_or_else(|| no_wasm(wasm))?;
    let imports = sections.iter_mut().find(|(number, _)| *number == IMPORTS).ok_or_else(|| no_wasm(wasm))?;
    let (shorter, names) = renamed(imports.1).ok_or_else(|| no_wasm(wasm))?;
    imports.1 = &shorter;
    let mut text = fs::read_to_string(script).map_err(|error| format!("{}: {error}", script.display()))?;
    for (long, short) in &names {
        // Each stands once, as a key of the object that the script lends.
        let (key, by) = (format!(" {long}: function("), format!(" {short}: function("));
        if text.matches(&key).count() != 1 {
            return Err(format!("{}: `{long}` does not stand there once, as a function", script.display()));
        }
        text = text.replace(&key, &by);
    }
    write(wasm, &joined(&sections))?;
    write(script, text.as_bytes())
}

/// What was long and is short.
type Names = Vec<(String, String)>;

/// The imports with short names for the bindings' functions, and which they are.
fn renamed(mut imports: &[u8]) -> Option<(Vec<u8>, Names)> {
    let (mut out, mut names) = (Vec::new(), Vec::new());
    let count = number(&mut imports)?;
    put(&mut out, count);
    for _ in 0..count {
        let (module, name) = (text(&mut imports)?, text(&mut imports)?);
        let long = std::str::from_utf8(name).ok()?;
        let hashed = long.rsplit_once('_').is_some_and(|(_, hash)| hash.len() == 16);
        // A function, which has one number behind its kind.
        let is_function = imports.first() == Some(&0);
        let name = if is_function && hashed && long.starts_with("__wbg_") {
            names.push((long.to_string(), format!("i{}", names.len())));
            names[names.len() - 1].1.as_bytes()
        } else {
            name
        };
        for part in [module, name] {
            put(&mut out, part.len());
            out.extend_from_slice(part);
        }
        out.extend_from_slice(described(&mut imports)?);
    }
    Some((out, names))
}

/// What an import is, as it stands.
fn described<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let whole = *bytes;
    let kind = byte(bytes)?;
    // Of a table comes the type of its elements first, and a global ends with whether it changes.
    match kind {
        0 => _ = number(bytes)?,
        1 => {
            byte(bytes)?;
            limits(bytes)?;
        }
        2 => limits(bytes)?,
        3 => _ = (byte(bytes)?, byte(bytes)?),
        4 => _ = (byte(bytes)?, number(bytes)?),
        _ => return None,
    }
    whole.get(..whole.len() - bytes.len())
}

fn limits(bytes: &mut &[u8]) -> Option<()> {
    let has_most = byte(bytes)? & 1 == 1;
    number(bytes)?;
    if has_most {
        number(bytes)?;
    }
    Some(())
}

fn sections(bytes: &[u8]) -> Option<Vec<Section<'_>>> {
    let mut rest = bytes.strip_prefix(b"\0asm\x01\0\0\0")?;
    let mut sections = Vec::new();
    while !rest.is_empty() {
        let (id, length) = (byte(&mut rest)?, number(&mut rest)?);
        let (content, behind) = rest.split_at_checked(length)?;
        sections.push((id, content));
        rest = behind;
    }
    Some(sections)
}

fn joined(sections: &[Section<'_>]) -> Vec<u8> {
    let mut out = b"\0asm\x01\0\0\0".to_vec();
    for (id, content) in sections {
        out.push(*id);
        put(&mut out, content.len());
        out.extend_from_slice(content);
    }
    out
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

/// A whole number, seven bits at a time (LEB128).
fn number(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for shift in (0..32).step_by(7) {
        let byte = byte(bytes)?;
        number |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn put(out: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Bytes behind their length.
fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(bytes)?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(file, bytes).map_err(|error| format!("{}: {error}", file.display()))
}

fn no_wasm(file: &Path) -> String {
    format!("{}: this is no wasm file of the bindings", file.display())
}
