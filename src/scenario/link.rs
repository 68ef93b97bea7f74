//! Scenario links: `1r.<base64url>e`, in a page's fragment, for ever.
//!
//! Format version, codec, a dot, the payload in base64url, and a last letter, since chat programs cut a trailing `-` or `_`.
//! The codec is `r`, raw: what the packing leaves has no redundancy that deflating would find. Links with `d`, deflated, come
//! from before there was that packing; they are read for ever (`tables`). The payload is its own length in bytes, the number
//! of the simulation's semantics (both variable-length integers), the packed document (`pack`), and a CRC-32 of all before it. Behind
//! it may follow `&t=` (ms), `&seed=`, `&digest=` and `&set.<node>.<field>=<value>`.

mod coder;
mod decimal;
mod dictionary;
mod pack;
mod tables;

use super::{Micros, Scenario, ScenarioError, examples, micros};
use crate::wire::put_number;
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::fmt;

/// The number of the simulation's semantics: one more whenever the same scenario and seed would run otherwise
/// than before. It travels in every link.
pub const SEMANTICS: u32 = 1;

/// Longer links are refused before they are decoded.
pub const LONGEST: usize = 16_384;
const MOST_NODES: usize = 100;
const MOST_LINKS: usize = 200;
const MOST_STEPS: usize = 1_000;
const RAW: &str = "r";
const DEFLATED: &str = "d";
const LAST_LETTER: char = 'e';

/// The last character of a block may carry bits beyond the payload; they must be 0, so that every change of a link shows.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(false),
);

/// CRC-32 as of zip and PNG, of the codec's letter, then the payload.
fn checksum(codec: &str, bytes: &[u8]) -> u32 {
    let crc = crc::Crc::<u32, crc::NoTable>::new(&crc::CRC_32_ISO_HDLC);
    let mut digest = crc.digest();
    digest.update(codec.as_bytes());
    digest.update(bytes);
    digest.finalize()
}

/// What a link opens.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The scenario, with the link's variations.
    pub scenario: Scenario,
    /// Where to stand.
    pub at: Option<Micros>,
    /// Digest of the shared run where it stood, 16 hexadecimal digits.
    pub digest: Option<String>,
    /// The semantics under which the link was made.
    pub semantics: u32,
    /// The example, where the link names one.
    pub example: Option<&'static str>,
}

/// Why a link does not open, or a scenario does not fit into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// It is not a link of this kind.
    NotALink,
    /// Its end is missing.
    CutShort {
        /// Characters that are there.
        have: usize,
        /// Characters of the whole link, if so much is there that it is known.
        of: Option<usize>,
    },
    /// Something in it was changed.
    Damaged,
    /// Its format is newer than this program.
    Newer,
    /// It is too long, inflates to too much, or describes too much.
    TooLarge(String),
    /// No example has that id.
    NoSuchExample(String),
    /// Something behind the payload cannot be read or applied.
    BadVariation {
        /// As in `set.inventory.concurrency`.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// It decodes to a scenario that is not sound.
    Unsound(Vec<ScenarioError>),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::NotALink => f.write_str("not a scenario link: one begins with 1d. or 1r."),
            LinkError::CutShort { have, of: Some(of) } => write!(f, "cut short ({have} of {of} characters)"),
            LinkError::CutShort { have, of: None } => write!(f, "cut short ({have} characters)"),
            LinkError::Damaged => f.write_str("damaged"),
            LinkError::Newer => f.write_str("made by a newer version"),
            LinkError::TooLarge(what) => write!(f, "too large: {what}"),
            LinkError::NoSuchExample(id) => write!(f, "no example has the id `{id}`"),
            LinkError::BadVariation { name, problem } => write!(f, "{name}: {problem}"),
            LinkError::Unsound(errors) => {
                f.write_str("not a sound scenario")?;
                errors.iter().try_for_each(|error| write!(f, "; {error}"))
            }
        }
    }
}

impl std::error::Error for LinkError {}

/// The link of a sound scenario.
///
/// # Errors
/// It does not fit; a file carries any size.
pub fn encode(scenario: &Scenario) -> Result<String, LinkError> {
    check_size(scenario)?;
    let packed = pack::pack(&scenario.to_value());
    let packed =
        packed.ok_or_else(|| too_large("more text or values than a link carries; a file carries it".into()))?;
    let link = format!("1{RAW}.{}{LAST_LETTER}", BASE64.encode(payload(SEMANTICS, &packed)));
    if link.len() > LONGEST {
        return Err(too_large(format!("{} characters of at most {LONGEST}; a file carries it", link.len())));
    }
    Ok(link)
}

fn payload(semantics: u32, body: &[u8]) -> Vec<u8> {
    let mut rest = Vec::new();
    put_number(&mut rest, u64::from(semantics));
    rest.extend_from_slice(body);
    // The length counts itself, so it is found by trying.
    let mut bytes = Vec::new();
    for digits in 1..=5 {
        bytes.clear();
        let length = digits + rest.len() + 4;
        put_number(&mut bytes, length as u64);
        if bytes.len() == digits {
            break;
        }
    }
    bytes.extend_from_slice(&rest);
    let crc = checksum(RAW, &bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// What a link opens: a bare link, one behind a `#`, or a whole address.
///
/// # Errors
/// It is not whole, not sound, too large or too new; never a silent default.
pub fn decode(text: &str) -> Result<Opened, LinkError> {
    // As people paste it: with the full stop or the bracket that stood behind it, or as a mail program encoded it.
    let text = text.trim().trim_matches(['<', '>', '"', '\'', '(', ')', '[', ']', ',', ';', '.', '“', '”']);
    let decoded = if text.contains('#') { None } else { Some(percent_decoded(text)).filter(|text| text.contains('#')) };
    let text = decoded.as_deref().unwrap_or(text);
    let text = text.split_once('#').map_or(text, |(_, fragment)| fragment);
    let mut parts = text.split('&');
    let link = parts.next().unwrap_or_default();
    if link.len() > LONGEST || text.len() > 2 * LONGEST {
        return Err(too_large(format!("{} characters of at most {LONGEST}", link.len())));
    }
    let mut opened = match link.strip_prefix("ex=") {
        Some(id) => {
            let example = examples::find(id).ok_or_else(|| LinkError::NoSuchExample(id.into()))?;
            let scenario = example.scenario();
            Opened { scenario, at: None, digest: None, semantics: SEMANTICS, example: Some(example.id) }
        }
        None => decode_payload(link)?,
    };
    for part in parts.filter(|part| !part.is_empty()) {
        vary(&mut opened, part)?;
    }
    opened.scenario.validate().map_err(LinkError::Unsound)?;
    Ok(opened)
}

fn decode_payload(link: &str) -> Result<Opened, LinkError> {
    let (head, rest) = link.split_once('.').ok_or(LinkError::NotALink)?;
    let digits = head.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let version: u32 = digits.parse().map_err(|_| LinkError::NotALink)?;
    let codec = &head[digits.len()..];
    if version == 0 {
        return Err(LinkError::NotALink);
    }
    if version > 1 || !matches!(codec, RAW | DEFLATED) {
        return Err(LinkError::Newer);
    }
    let bytes = whole_payload(head.len() + 1, rest)?;
    let (content, crc) = bytes.split_at(bytes.len() - 4);
    if crc != checksum(codec, content).to_le_bytes() {
        return Err(LinkError::Damaged);
    }
    let (_, content) = pack::varint(content).ok_or(LinkError::Damaged)?;
    let (semantics, packed) = pack::varint(content).ok_or(LinkError::Damaged)?;
    let semantics = u32::try_from(semantics).map_err(|_| LinkError::Damaged)?;
    // It is whole, as its checksum says: what cannot be read was written by a version that knows more.
    let json = match codec {
        DEFLATED => tables::unpack(packed).map_err(|why| match why {
            tables::Unpacked::TooLarge => too_large("it inflates to more than 64 KiB".into()),
            tables::Unpacked::Nothing => LinkError::Newer,
        })?,
        _ => pack::unpack(packed).ok_or(LinkError::Newer)?,
    };
    if json["converge"].as_u64().is_some_and(|format| format > u64::from(super::FORMAT)) {
        return Err(LinkError::Newer);
    }
    let newer = semantics > SEMANTICS;
    let unread = |errors| if newer { LinkError::Newer } else { LinkError::Unsound(errors) };
    let scenario = Scenario::from_value(&json).map_err(unread)?;
    check_size(&scenario)?;
    Ok(Opened { scenario, at: None, digest: None, semantics, example: None })
}

/// The payload's bytes, if all of its characters are there.
fn whole_payload(before: usize, rest: &str) -> Result<Vec<u8>, LinkError> {
    let have = before + rest.chars().count();
    // The length stands in the first characters: eight of them hold five bytes and more.
    let start: String = rest.chars().take(8).filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true);
    let start = &start[..start.len() - usize::from(start.len() % 4 == 1)];
    let first = GeneralPurpose::new(&URL_SAFE, lenient).decode(start).map_err(|_| LinkError::Damaged)?;
    let Some((length, _)) = pack::varint(&first) else {
        return Err(if have < before + 8 { LinkError::CutShort { have, of: None } } else { LinkError::Damaged });
    };
    let length =
        usize::try_from(length).ok().filter(|length| (6..=LONGEST).contains(length)).ok_or(LinkError::Damaged)?;
    let of = before + (length * 4).div_ceil(3) + 1;
    if have < of {
        return Err(LinkError::CutShort { have, of: Some(of) });
    }
    let encoded = rest.strip_suffix(LAST_LETTER).filter(|_| have == of).ok_or(LinkError::Damaged)?;
    let bytes = BASE64.decode(encoded).map_err(|_| LinkError::Damaged)?;
    if bytes.len() == length { Ok(bytes) } else { Err(LinkError::Damaged) }
}

fn check_size(scenario: &Scenario) -> Result<(), LinkError> {
    let nodes = scenario.services.len() + scenario.buses.len() + scenario.clients.len();
    let steps = scenario.script.len() + scenario.clients.iter().map(|client| client.script.len()).sum::<usize>();
    let sizes = [
        (nodes, MOST_NODES, "services, buses and clients"),
        (scenario.links.len(), MOST_LINKS, "links"),
        (steps, MOST_STEPS, "faults and scripted operations"),
    ];
    match sizes.into_iter().find(|(count, most, _)| count > most) {
        Some((count, most, what)) => {
            Err(too_large(format!("{count} {what}, of at most {most} in a link; a file carries more")))
        }
        None => Ok(()),
    }
}

fn too_large(what: String) -> LinkError {
    LinkError::TooLarge(what)
}

/// Applies one of the parts behind the payload.
fn vary(opened: &mut Opened, part: &str) -> Result<(), LinkError> {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    let bad = |problem: &str| LinkError::BadVariation { name: name.into(), problem: problem.into() };
    let value = percent_decoded(value);
    match name {
        "t" => {
            let ms = super::number(&value).ok_or_else(|| bad("a time in ms"))?;
            if !(0.0..=1e9).contains(&ms) {
                return Err(bad("a time from 0 to 1e9 ms"));
            }
            opened.at = Some(micros(ms));
        }
        "seed" => opened.scenario.seed = value.parse().map_err(|_| bad("a whole number"))?,
        "digest" => {
            if value.len() != 16 || !value.chars().all(|c| c.is_ascii_hexdigit()) {
                return Err(bad("16 hexadecimal digits"));
            }
            opened.digest = Some(value.to_ascii_lowercase());
        }
        _ => {
            if let Some(path) = name.strip_prefix("set.") {
                opened.scenario = opened.scenario.with_setting(path, &value).map_err(|problem| bad(&problem))?;
            }
            // Other names belong to embeds, or to a later version.
        }
    }
    Ok(())
}

/// Text with `%41` as browsers write it.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let hex = (*first == b'%').then(|| after.get(..2)).flatten();
        match hex.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
