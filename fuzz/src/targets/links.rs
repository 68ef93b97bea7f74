//! Links: changed as chat programs change them, with options, and with changed payloads whose checksum is right.

use super::{Target, expect_same, fields, hostile};
use crate::random::Random;
use crate::text;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use converge::scenario::examples::EXAMPLES;
use converge::scenario::link;

pub const TARGET: Target = Target { name: "links", seeds, change, check, memory: 32 << 20 };

const WORDS: &[&str] = &[
    "ex=",
    "ex=lost-event",
    "EX=outbox",
    "t=",
    "seed=",
    "digest=",
    "set.",
    "set.inventory.concurrency=",
    "set.notification.name=",
    "set.inventory.data.widget=",
    "&t=1500",
    "&seed=7",
    "&mode=view",
    "&api=1",
    "#",
    "##",
    "https://a.example/#",
    "%23",
    "%26",
    "%3D",
    "&amp;",
    "1r.",
    "1d.",
    "2r.",
    "lesson=",
    "challenge=",
    "step=",
    "hide=",
    "lock=",
    "...",
    ">)",
    "\r\n ",
    "\u{200b}",
];

fn seeds() -> Vec<String> {
    let mut seeds = hostile("link");
    // The smallest examples, because the packed form of a large one needs more time.
    for example in EXAMPLES {
        if let Ok(link) = link::encode(&example.scenario())
            && link.len() < 450
        {
            seeds.push(format!("https://a.example/converge/#{link}&t=100&seed=3"));
            seeds.push(link);
        }
    }
    seeds.extend(["ex=first-update", "#theme=dark&ex=lost-event&t=5", "EX=outbox&mode=view"].map(String::from));
    // Links in the earlier encoding.
    seeds.extend(golden().filter(|link| link.starts_with("1d.") && link.len() < 900));
    seeds
}

/// Returns the golden links.
fn golden() -> impl Iterator<Item = String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/links/v1");
    let mut files: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect();
    files.sort();
    files.into_iter().filter_map(|file| {
        let case: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
        case["link"].as_str().map(String::from)
    })
}

fn change(link: &str, donor: &str, random: &mut Random) -> String {
    // Reading a whole payload takes most of the time.
    if random.once_in(64)
        && let Some(changed) = changed_payload(link, donor, random)
    {
        return changed;
    }
    text::changed(link, donor, WORDS, random)
}

/// Changes the packed document of a link, and makes its length and checksum right.
fn changed_payload(link: &str, donor: &str, random: &mut Random) -> Option<String> {
    let (codec, mut bytes) = packed(link)?;
    for _ in 0..=random.below(4) {
        let offset = random.below(bytes.len() + 1);
        match random.below(5) {
            0 => bytes.truncate(offset),
            1 => bytes.insert(offset, random.number() as u8),
            2 => bytes.extend((0..random.below(40)).map(|_| random.number() as u8)),
            3 => {
                let (_, other) = packed(donor)?;
                bytes.truncate(offset);
                bytes.extend(other.into_iter().skip(offset));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(offset) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    Some(wrapped(codec, &bytes))
}

/// Returns the codec of a link, and the content of its payload: the version of the semantics and the packed document.
fn packed(link: &str) -> Option<(char, Vec<u8>)> {
    let codec = ['r', 'd'].into_iter().find(|codec| link.starts_with(&format!("1{codec}.")))?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(link[3..].split('&').next()?.strip_suffix('e')?).ok()?;
    let start = bytes.iter().position(|byte| byte & 0x80 == 0)? + 1;
    Some((codec, bytes.get(start..bytes.len().checked_sub(4)?)?.to_vec()))
}

/// Returns the link with this content of its payload.
fn wrapped(codec: char, content: &[u8]) -> String {
    // The length is written with two bytes, also where one would suffice.
    let length = content.len() + 6;
    let mut bytes = vec![length as u8 & 0x7f | 0x80, (length >> 7) as u8 & 0x7f];
    bytes.extend_from_slice(content);
    let crc = crc::Crc::<u32, crc::NoTable>::new(&crc::CRC_32_ISO_HDLC);
    let mut digest = crc.digest();
    digest.update(codec.to_string().as_bytes());
    digest.update(&bytes);
    bytes.extend_from_slice(&digest.finalize().to_le_bytes());
    format!("1{codec}.{}e", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

fn check(text: &str) -> Result<String, String> {
    let opened = match link::decode(text) {
        Ok(opened) => opened,
        Err(error) => return Ok(error.to_string()),
    };
    // Writing and reading the packed form takes most of the time, and examples are read often.
    if opened.example.is_some() && !text.len().is_multiple_of(64) {
        return Ok(format!("example `{}`", text.len()));
    }
    opened.scenario.validate().map_err(|errors| format!("it opens an invalid scenario: {errors:?}"))?;
    match link::encode(&opened.scenario) {
        Ok(written) => {
            let reopened = link::decode(&written).map_err(|error| format!("its own link is refused: {error}"))?;
            expect_same("written and read again", &opened.scenario, &reopened.scenario)?;
        }
        Err(link::LinkError::TooLarge(_)) => {}
        Err(error) => return Err(format!("an opened scenario has no link: {error}")),
    }
    Ok(format!("opened {}", fields(&opened.scenario.to_value())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_wrapped_as_the_page_wraps_it() {
        // The length of a shorter payload has one byte.
        let links = EXAMPLES.iter().filter_map(|example| link::encode(&example.scenario()).ok());
        let mut long = links.filter(|link| link.len() > 300).peekable();
        assert!(long.peek().is_some());
        for link in long {
            let (codec, content) = packed(&link).expect("a payload");
            assert_eq!(wrapped(codec, &content), link);
        }
    }
}
