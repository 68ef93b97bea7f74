//! Contrast of the page's colours in both themes, computed from the custom properties of the style sheets.

use std::collections::BTreeMap;

/// The colours of a theme by name.
type Colours = BTreeMap<String, [u8; 3]>;

/// The backgrounds of texts and marks.
const GROUNDS: [&str; 4] = ["paper", "surface", "sunken", "raised"];
/// The states of copies, each with an ink and a soft ground.
const STATES: [&str; 5] = ["ok", "stale", "conflict", "diverged", "down"];

/// Returns the colours that the rules of a selector set.
fn colours(selector: &str) -> Colours {
    let mut found = Colours::new();
    for sheet in ["style.css", "canvas.css"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("www").join(sheet);
        let css = std::fs::read_to_string(path).expect("a style sheet");
        let start = format!("{selector} {{");
        let rules = css.split(&start).skip(1);
        for rule in rules.filter_map(|rest| rest.split('}').next()) {
            for (name, value) in rule.split(';').filter_map(|line| line.trim().strip_prefix("--")?.split_once(':')) {
                let digits = value.trim().strip_prefix('#').filter(|digits| digits.len() == 6);
                let byte = |digits: &str, at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("a colour");
                if let Some(digits) = digits {
                    found.insert(name.into(), [0, 2, 4].map(|at| byte(digits, at)));
                }
            }
        }
    }
    found
}

fn themes() -> [(&'static str, Colours); 2] {
    let light = colours(":root");
    let mut dark = light.clone();
    dark.extend(colours("[data-theme=\"dark\"]"));
    assert!(light.len() > 30 && dark["paper"] != light["paper"], "the style sheets are read");
    [("light", light), ("dark", dark)]
}

/// Returns the relative luminance of a colour, as WCAG 2.2 defines it.
fn luminance(colour: [u8; 3]) -> f64 {
    let linear = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { libm::pow((part + 0.055) / 1.055, 2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Asserts that the contrast of pairs is at least `minimum` in both themes.
fn assert_contrast(pairs: &[(String, String)], minimum: f64) {
    for (theme, colours) in themes() {
        let colour = |name: &String| *colours.get(name).unwrap_or_else(|| panic!("no colour {name}"));
        let low: Vec<String> = pairs
            .iter()
            .map(|(a, b)| (a, b, contrast(colour(a), colour(b))))
            .filter(|(.., ratio)| *ratio < minimum)
            .map(|(a, b, ratio)| format!("{a} on {b}: {ratio:.2}"))
            .collect();
        assert!(low.is_empty(), "{theme}: {low:?}");
    }
}

fn pair(a: &str, b: &str) -> (String, String) {
    (a.into(), b.into())
}

#[test]
fn no_text_is_fainter_than_4_5_to_1() {
    let inks = ["ink", "ink-2", "ink-3", "accent", "fault", "stale-ink", "ok-ink", "diverged-ink"];
    let mut pairs: Vec<_> = inks.iter().flat_map(|ink| GROUNDS.map(|ground| pair(ink, ground))).collect();
    pairs.extend(STATES.map(|state| pair(&format!("{state}-ink"), &format!("{state}-soft"))));
    pairs.extend(["ink", "ink-2", "ink-3", "accent"].map(|ink| pair(ink, "accent-soft")));
    // Rows of a service that is down, primary buttons, notices, counts of faults, the mark of a difference.
    pairs.extend([pair("ink-3", "down-soft"), pair("accent-ink", "accent"), pair("surface", "ink")]);
    pairs.extend([pair("surface", "fault"), pair("surface", "diverged-ink")]);
    assert_contrast(&pairs, 4.5);
}

/// Returns the colour at the boundary of a state's mark: its own, or that of its outline.
fn boundary(state: &str) -> &str {
    if state == "conflict" { "conflict-edge" } else { state }
}

#[test]
fn conflicted_has_the_colour_of_okabe_and_ito() {
    let (_, light) = &themes()[0];
    assert_eq!(light["conflict"], [0xcc, 0x79, 0xa7]);
    // The fill differs from its outline, so that the two bars of the mark remain visible.
    assert!(contrast(light["conflict"], light["conflict-edge"]) > 1.5);
}

#[test]
fn no_mark_is_fainter_than_3_to_1() {
    let marks =
        ["edge", "accent", "fault", "u-1", "u-2", "u-3", "u-4", "u-5", "u-6"].into_iter().chain(STATES.map(boundary));
    let mut pairs: Vec<_> = marks.flat_map(|mark| GROUNDS.map(|ground| pair(mark, ground))).collect();
    pairs.extend(STATES.map(|state| pair(boundary(state), &format!("{state}-soft"))));
    assert_contrast(&pairs, 3.0);
}
