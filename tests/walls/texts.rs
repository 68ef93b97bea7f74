//! The texts that the simulator writes in both languages, found in the sources: `phrase("…", "…")` and
//! `sentence!("…", "…", …)`; and those that a source has in English alone.
//!
//! Why this does not use `syn`: it keeps the arguments of macros as tokens, and most of these texts are in them, so the calls
//! would be found among tokens, as here among characters.

use std::collections::BTreeSet;

/// A text in both languages.
#[derive(Debug, PartialEq)]
pub struct Bilingual {
    /// Where it is, as `file:line`.
    pub location: String,
    /// The English text.
    pub english: String,
    /// The German text.
    pub german: String,
}

impl Bilingual {
    /// Returns what differs between the languages although it should not: named values, punctuation, spaces at the ends. A text
    /// that is the same in both languages is reported too, unless it `may_be_equal`.
    pub fn faults(&self, may_be_equal: &[&str]) -> Option<String> {
        let Bilingual { location, english, german } = self;
        let end = |text: &str| text.chars().last().filter(|last| ".;:?!".contains(*last));
        let is_same = english == german && !may_be_equal.contains(&english.as_str());
        let fault = match () {
            () if english.is_empty() || german.is_empty() => "is empty",
            () if is_same => "is not translated",
            () if placeholders(english) != placeholders(german) => "shows other values",
            () if end(english) != end(german) => "ends differently",
            () if english.starts_with(' ') != german.starts_with(' ') => "begins differently",
            () => return None,
        };
        Some(format!("{location}: “{english}” – “{german}” {fault}"))
    }
}

/// Returns the names of the values that a text shows.
fn placeholders(text: &str) -> BTreeSet<&str> {
    let placeholders = text.split('{').skip(1).filter_map(|after| Some(after.split_once('}')?.0));
    placeholders
        .map(|placeholder| placeholder.split(':').next().unwrap_or_default())
        .filter(|name| name.parse::<u8>().is_err())
        .collect()
}

/// A literal in a source: where it begins and ends, its line, and its text.
struct Literal {
    from: usize,
    to: usize,
    line: usize,
    text: String,
}

/// Returns the literals of a source up to its unit tests, without those in comments.
fn literals(source: &str) -> Vec<Literal> {
    let code = source.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(source);
    let (mut found, mut at, bytes) = (Vec::new(), 0, code.as_bytes());
    while at < bytes.len() {
        match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => at += code[at..].find('\n').unwrap_or(code.len() - at),
            // The literal of a character, which may be a quote.
            b'\'' if code[at..].starts_with("'\"'") => at += 3,
            b'"' => {
                let from = at;
                at += 1;
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                // A backslash at the end of a line joins it with the next one.
                let mut lines = code[from + 1..at - 1].split("\\\n");
                let first = lines.next().unwrap_or_default().to_string();
                let text = lines.fold(first, |text, line| text + line.trim_start());
                found.push(Literal { from, to: at, line: code[..from].lines().count().max(1), text });
            }
            _ => at += 1,
        }
    }
    found
}

fn is_call(before: &str) -> bool {
    let before = before.trim_end();
    before.ends_with("sentence!(") || before.ends_with("phrase(")
}

/// Returns the texts that a source has in both languages.
pub fn bilingual(name: &str, source: &str) -> Vec<Bilingual> {
    let literals = literals(source);
    let pairs = literals
        .windows(2)
        .filter(|pair| is_call(&source[..pair[0].from]) && source[pair[0].to..pair[1].from].trim() == ",");
    let text = |pair: &[Literal]| Bilingual {
        location: format!("{name}:{}", pair[0].line),
        english: pair[0].text.clone(),
        german: pair[1].text.clone(),
    };
    pairs.map(text).collect()
}

/// Returns the locations of literals of several words that are in one language alone. Messages of panics and assertions are for
/// developers.
pub fn in_one_language(name: &str, source: &str, no_texts: &[&str]) -> Vec<String> {
    let literals = literals(source);
    let mut untranslated = Vec::new();
    for (at, literal) in literals.iter().enumerate() {
        let before = source[..literal.from].trim_end();
        let is_second = at > 0 && is_call(&source[..literals[at - 1].from]) && before.ends_with(',');
        let ends = [";\n", "{\n", "}\n", ",\n"].map(|end| before.rfind(end).map_or(0, |at| at + end.len()));
        let statement = &before[ends.into_iter().max().unwrap_or_default()..];
        let is_for_developers = ["expect(", "panic!(", "unreachable!(", "assert", "unwrap_or_else(|"]
            .iter()
            .any(|call| statement.contains(call));
        let words = literal.text.split(' ').filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1);
        let has_words = words.filter(|word| !word.contains('{')).count() > 1;
        let is_text = has_words && !no_texts.contains(&literal.text.as_str());
        if is_text && !is_second && !is_call(before) && !is_for_developers {
            untranslated.push(format!("{name}:{}: {}", literal.line, literal.text));
        }
    }
    untranslated
}

#[test]
fn texts_in_both_languages_are_found_and_compared() {
    let source = "\
fn f() {
    // \"a comment of words\"
    sentence!(\"{} has \\\n        {key}\", \"{} hat {key}\", x);
    phrase(\"no read returned\", \"kein Lesen\");
    g('\"').expect(\"a message of words\");
    g(\"English words alone\");
    g(\"word\") + g(\"no text\");
}
";
    let found = bilingual("a.rs", source);
    let texts: Vec<_> =
        found.iter().map(|text| (text.location.as_str(), text.english.as_str(), text.german.as_str())).collect();
    assert_eq!(texts, [("a.rs:3", "{} has {key}", "{} hat {key}"), ("a.rs:5", "no read returned", "kein Lesen")]);
    assert_eq!(in_one_language("a.rs", source, &["no text"]), ["a.rs:7: English words alone"]);
    let fault = |english: &str, german: &str| {
        Bilingual { location: String::new(), english: english.into(), german: german.into() }.faults(&["Raft"])
    };
    assert_eq!((fault("Raft", "Raft"), fault("{a} is lost.", "{a} ist verloren.")), (None, None));
    for (english, german) in [("lost", "lost"), ("{a} lost", "verloren"), ("Lost.", "Verloren"), (" lost", "verloren")]
    {
        assert!(fault(english, german).is_some(), "{english}");
    }
}
