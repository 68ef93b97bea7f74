//! The terms of `docs/glossary.md`, to which lessons link.

/// The glossary.
pub(super) const GLOSSARY: &str = include_str!("../../../docs/glossary.md");

/// Whether the glossary has a term, whose spaces are written as `-`.
pub(super) fn is_term(id: &str) -> bool {
    glossary_term(id).is_some()
}

/// Returns a term of the glossary and its meaning. Its id has `-` for spaces.
pub(super) fn glossary_term(id: &str) -> Option<(String, String)> {
    let wanted = id.replace('-', " ");
    let simple = |term: &str| term.split(" (").next().unwrap_or(term).replace('-', " ");
    GLOSSARY.lines().find_map(|line| {
        let (terms, meaning) = line.strip_prefix("| ")?.split_once(" | ")?;
        let term = terms.split(", ").find(|term| simple(term) == wanted)?;
        Some((term.to_string(), meaning.trim_end_matches('|').trim().to_string()))
    })
}
