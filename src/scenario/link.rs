//! Scenario links, `1r.<base64url>e`, for the fragment of the page's address. A link opens forever.
//!
//! A link consists of the format version, the codec, a dot, the payload in base64url, and a last letter, because chat
//! programs cut off a trailing `-` or `_`. The codec is `r` (raw) for documents compressed by `pack`. Older links with the
//! codec `d` (deflated) are still read (`tables`). The payload consists of its length in bytes, the version of the simulation's
//! semantics (both variable-length integers), the packed document, and a CRC-32 of everything before it. Options may
//! follow: `&t=` (ms), `&seed=`, `&digest=` and `&set.<node>.<field>=<value>`.

mod coder;
mod decimal;
mod dictionary;
mod pack;
mod parts;
mod tables;
mod varint;

pub use parts::{Parts, split};

use super::error::shortened;
use super::{Micros, Scenario, ScenarioError, challenges, examples, micros};
use crate::language::{phrase, sentence};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::fmt;

/// Version of the simulation's semantics, part of every link. It increases whenever a scenario with the same seed would
/// run differently than before.
pub const SEMANTICS_VERSION: u32 = 8;

/// The maximum number of characters of a link. A longer one is not decoded.
pub const MAX_LENGTH: usize = 16_384;
const MAX_NODES: usize = 100;
const MAX_LINKS: usize = 200;
const MAX_STEPS: usize = 1_000;
/// The maximum number of settings of branches; those in options have `MAX_OPTIONS`. Each is checked with the whole scenario.
const MAX_BRANCH_SETTINGS: usize = 200;
const MAX_OPTIONS: usize = 50;
const RAW: &str = "r";
const DEFLATED: &str = "d";
const LAST_LETTER: char = 'e';

/// Unused bits of the last character must be 0, so that every change of a link is detected.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(false),
);

/// Returns the CRC-32 (as in zip and PNG) of the codec's letter and the payload.
fn checksum(codec: &str, bytes: &[u8]) -> u32 {
    let crc = crc::Crc::<u32, crc::NoTable>::new(&crc::CRC_32_ISO_HDLC);
    let mut digest = crc.digest();
    digest.update(codec.as_bytes());
    digest.update(bytes);
    digest.finalize()
}

/// A decoded link.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The scenario, with the link's options applied.
    pub scenario: Scenario,
    /// Time at which the run opens.
    pub at: Option<Micros>,
    /// Digest of the shared run at that time, 16 hexadecimal digits.
    pub digest: Option<String>,
    /// Version of the semantics with which the link was made.
    pub semantics: u32,
    /// Id of the example, if the link names one.
    pub example: Option<&'static str>,
    /// Id of the challenge, if the link names one.
    pub challenge: Option<&'static str>,
}

impl Opened {
    fn new(scenario: Scenario, semantics: u32) -> Opened {
        Opened { scenario, at: None, digest: None, semantics, example: None, challenge: None }
    }
}

/// Why a link cannot be decoded, or a scenario cannot be encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// The text is not a scenario link.
    NotALink,
    /// The end of the link is missing.
    CutShort {
        /// Characters of the text.
        have: usize,
        /// Characters of the whole link, if the length is included.
        of: Option<usize>,
    },
    /// Characters of the link have changed.
    Damaged,
    /// The format of the link is newer than this program.
    Newer,
    /// The link or the scenario exceeds a limit, which the text names.
    TooLarge(String),
    /// No example has this id.
    NoSuchExample(String),
    /// No challenge has this id.
    NoSuchChallenge(String),
    /// An option after the payload is not valid.
    BadOption {
        /// Name of the option, such as `set.inventory.concurrency`.
        name: String,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// The decoded scenario is not valid.
    Invalid(Vec<ScenarioError>),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::NotALink => f.write_str(phrase(
                "not a scenario link; one starts with 1r. or 1d.",
                "kein Link eines Szenarios; ein solcher beginnt mit 1r. oder 1d.",
            )),
            LinkError::CutShort { have, of: Some(of) } => f.write_str(&sentence!(
                "cut short ({have} of {of} characters)",
                "abgeschnitten ({have} von {of} Zeichen)"
            )),
            LinkError::CutShort { have, of: None } => {
                f.write_str(&sentence!("cut short ({have} characters)", "abgeschnitten ({have} Zeichen)"))
            }
            LinkError::Damaged => f.write_str(phrase("damaged", "beschädigt")),
            LinkError::Newer => f.write_str(phrase("made by a newer version", "von einer neueren Version gemacht")),
            LinkError::TooLarge(what) => f.write_str(&sentence!("too large: {what}", "zu groß: {what}")),
            LinkError::NoSuchExample(id) => {
                f.write_str(&sentence!("no example has the id `{}`", "kein Beispiel hat die Id `{}`", shortened(id)))
            }
            LinkError::NoSuchChallenge(id) => {
                let ids: Vec<&str> = challenges::CHALLENGES.iter().map(|challenge| challenge.id).collect();
                f.write_str(&sentence!(
                    "no challenge has the id `{}`; there are {}",
                    "keine Aufgabe hat die Id `{}`; es gibt {}",
                    shortened(id),
                    ids.join(", ")
                ))
            }
            LinkError::BadOption { name, problem } => write!(f, "{}: {}", shortened(name), problem),
            LinkError::Invalid(errors) => {
                f.write_str(phrase("not a valid scenario", "kein gültiges Szenario"))?;
                errors.iter().try_for_each(|error| write!(f, "; {error}"))
            }
        }
    }
}

impl std::error::Error for LinkError {}

/// Encodes a valid scenario as a link.
///
/// # Errors
/// The scenario is too large for a link.
pub fn encode(scenario: &Scenario) -> Result<String, LinkError> {
    check_size(scenario)?;
    let packed = pack::pack(&scenario.to_value());
    let packed = packed.ok_or_else(|| {
        too_large(
            phrase(
                "more text or values than fit into a link; use a file",
                "mehr Text oder Werte, als in einen Link passen; nimm eine Datei",
            )
            .into(),
        )
    })?;
    let link = format!("1{RAW}.{}{LAST_LETTER}", BASE64.encode(payload(SEMANTICS_VERSION, &packed)));
    if link.len() > MAX_LENGTH {
        return Err(too_large(sentence!(
            "{} characters, at most {MAX_LENGTH} are allowed; use a file",
            "{} Zeichen, höchstens {MAX_LENGTH} sind erlaubt; nimm eine Datei",
            link.len()
        )));
    }
    Ok(link)
}

fn payload(semantics: u32, body: &[u8]) -> Vec<u8> {
    let mut rest = Vec::new();
    varint::write(&mut rest, u64::from(semantics));
    rest.extend_from_slice(body);
    // The length includes its own bytes, so try each number of bytes.
    let mut bytes = Vec::new();
    for length_bytes in 1..=5 {
        bytes.clear();
        let length = length_bytes + rest.len() + 4;
        varint::write(&mut bytes, length as u64);
        if bytes.len() == length_bytes {
            break;
        }
    }
    bytes.extend_from_slice(&rest);
    let crc = checksum(RAW, &bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// Decodes a link: the link alone, after a `#`, or as part of a whole address.
///
/// # Errors
/// The link is incomplete, damaged, too large, too new, or its scenario is not valid.
pub fn decode(text: &str) -> Result<Opened, LinkError> {
    if text.len() > 3 * MAX_LENGTH {
        return Err(too_large(sentence!(
            "{} characters, at most {MAX_LENGTH} are allowed",
            "{} Zeichen, höchstens {MAX_LENGTH} sind erlaubt",
            text.len()
        )));
    }
    let parts = split(text);
    let link = parts.drawing.unwrap_or_default();
    if link.len() > MAX_LENGTH {
        return Err(too_large(sentence!(
            "{} characters, at most {MAX_LENGTH} are allowed",
            "{} Zeichen, höchstens {MAX_LENGTH} sind erlaubt",
            link.len()
        )));
    }
    let mut opened = match link.split_once('=') {
        Some(("ex", id)) => {
            let example = examples::find(id).ok_or_else(|| LinkError::NoSuchExample(id.into()))?;
            Opened { example: Some(example.id), ..Opened::new(example.scenario(), SEMANTICS_VERSION) }
        }
        Some(("challenge", id)) => {
            let challenge = challenges::find(id).ok_or_else(|| LinkError::NoSuchChallenge(id.into()))?;
            Opened { challenge: Some(challenge.id), ..Opened::new(challenge.scenario(), SEMANTICS_VERSION) }
        }
        Some(_) | None => decode_payload(&link).or_else(|error| {
            // Chat programs append characters that may also belong to a payload. The last letter never does.
            let whole = link.trim_end_matches(parts::APPENDED);
            let is_whole = whole.len() < link.len() && whole.ends_with(LAST_LETTER);
            if is_whole { decode_payload(whole).map_err(|_| error) } else { Err(error) }
        })?,
    };
    let settings = parts.options.iter().filter(|(name, _)| name.starts_with("set.")).count();
    if settings > MAX_OPTIONS {
        return Err(too_large(sentence!(
            "{settings} parts `set.`, at most {MAX_OPTIONS} are allowed",
            "{settings} Teile `set.`, höchstens {MAX_OPTIONS} sind erlaubt"
        )));
    }
    for (name, value) in &parts.options {
        apply_option(&mut opened, name, value)?;
    }
    opened.scenario.validate().map_err(LinkError::Invalid)?;
    let until = opened.scenario.until_ms;
    if opened.at.is_some_and(|at| at > micros(until)) {
        let problem = sentence!(
            "must be at most {until} ms, the end of the run",
            "darf höchstens {until} ms sein, das Ende des Laufs"
        );
        return Err(LinkError::BadOption { name: "t".into(), problem });
    }
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
    let (_, content) = varint::read(content).ok_or(LinkError::Damaged)?;
    let (semantics, packed) = varint::read(content).ok_or(LinkError::Damaged)?;
    let semantics = u32::try_from(semantics).map_err(|_| LinkError::Damaged)?;
    // The checksum matches, so content that cannot be read was written by a newer version.
    let json = match codec {
        DEFLATED => tables::unpack(packed).map_err(|why| match why {
            tables::UnpackError::TooLarge => {
                too_large(phrase("more than 64 KiB after inflation", "mehr als 64 KiB nach dem Entpacken").into())
            }
            tables::UnpackError::Invalid => LinkError::Newer,
        })?,
        _ => pack::unpack(packed).ok_or(LinkError::Newer)?,
    };
    if json["converge"].as_u64().is_some_and(|format| format > u64::from(super::FORMAT)) {
        return Err(LinkError::Newer);
    }
    let is_newer = semantics > SEMANTICS_VERSION;
    let invalid = |errors| if is_newer { LinkError::Newer } else { LinkError::Invalid(errors) };
    let scenario = Scenario::from_value(&json).map_err(invalid)?;
    check_size(&scenario)?;
    Ok(Opened::new(scenario, semantics))
}

/// Returns the lengths that the first characters of a payload declare: the bytes of the payload, and the characters of the whole
/// link. `before` is the number of characters before `rest`, which begins with the payload.
fn declared_length(before: usize, rest: &str) -> Result<(usize, usize), LinkError> {
    let have = before + rest.chars().count();
    // The length is in the first five bytes, which eight characters contain.
    let start: String = rest.chars().take(8).filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true);
    let start = &start[..start.len() - usize::from(start.len() % 4 == 1)];
    let first = GeneralPurpose::new(&URL_SAFE, lenient).decode(start).map_err(|_| LinkError::Damaged)?;
    let Some((length, _)) = varint::read(&first) else {
        return Err(if have < before + 8 { LinkError::CutShort { have, of: None } } else { LinkError::Damaged });
    };
    let length =
        usize::try_from(length).ok().filter(|length| (6..=MAX_LENGTH).contains(length)).ok_or(LinkError::Damaged)?;
    Ok((length, before + (length * 4).div_ceil(3) + 1))
}

/// Decodes the payload and checks its length.
fn whole_payload(before: usize, rest: &str) -> Result<Vec<u8>, LinkError> {
    let have = before + rest.chars().count();
    let (length, of) = declared_length(before, rest)?;
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
    let settings = scenario.branches.iter().map(|branch| branch.set.len()).sum();
    let sizes = [
        (settings, MAX_BRANCH_SETTINGS, phrase("settings of branches", "Einstellungen von Zweigen")),
        (nodes, MAX_NODES, phrase("services, buses and clients", "Services, Busse und Clients")),
        (scenario.links.len(), MAX_LINKS, phrase("links", "Verbindungen")),
        (steps, MAX_STEPS, phrase("faults and scripted operations", "Fehler und Operationen in Skripten")),
    ];
    match sizes.into_iter().find(|(count, limit, _)| count > limit) {
        Some((count, limit, what)) => Err(too_large(sentence!(
            "{count} {what}, at most {limit} fit into a link; use a file",
            "{count} {what}, höchstens {limit} passen in einen Link; nimm eine Datei"
        ))),
        None => Ok(()),
    }
}

fn too_large(problem: String) -> LinkError {
    LinkError::TooLarge(problem)
}

/// Applies an option after the payload.
fn apply_option(opened: &mut Opened, name: &str, value: &str) -> Result<(), LinkError> {
    let bad = |problem: &str| LinkError::BadOption { name: name.into(), problem: problem.into() };
    match name {
        "t" => {
            let ms =
                super::number(value).ok_or_else(|| bad(phrase("must be a time in ms", "muss eine Zeit in ms sein")))?;
            if !(0.0..=1e9).contains(&ms) {
                return Err(bad(phrase("must be a time from 0 to 1e9 ms", "muss eine Zeit von 0 bis 1e9 ms sein")));
            }
            opened.at = Some(micros(ms));
        }
        "seed" => {
            opened.scenario.seed =
                value.parse().map_err(|_| bad(phrase("must be a whole number", "muss eine ganze Zahl sein")))?
        }
        "digest" => {
            if value.len() != 16 || !value.chars().all(|c| c.is_ascii_hexdigit()) {
                return Err(bad(phrase("must have 16 hexadecimal digits", "muss 16 hexadezimale Ziffern haben")));
            }
            opened.digest = Some(value.to_ascii_lowercase());
        }
        _ => {
            if let Some(path) = name.strip_prefix("set.") {
                opened.scenario = opened.scenario.with_setting(path, value).map_err(|problem| bad(&problem))?;
            }
            // Other options belong to host pages or to a later version.
        }
    }
    Ok(())
}

/// Decodes percent-encoded text.
fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}
