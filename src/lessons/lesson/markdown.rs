//! Reads a lesson's Markdown with pulldown-cmark. The result is text and elements of our own; HTML is an error.

mod figures;
mod front_matter;

use super::glossary::is_term;
use super::scenario_block::build;
use super::{Lesson, LessonError, LessonStep, Listing, ScenarioBlock, question};
use crate::language::{phrase, sentence};
use crate::scenario::challenges;
use crate::scenario::{Scenario, examples, number};
use crate::session::protocol::lesson::FactMark;
use crate::trace::Fact;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::ops::Range;
use strum::VariantNames;

/// The maximum number of bytes of a lesson.
const MAX_LENGTH: usize = 256 * 1024;
/// The maximum number of steps, and of scenarios, of a lesson.
const MAX_PARTS: usize = 100;
/// The maximum depth of nested lists, quotes and emphases, because readers of the text are recursive.
const MAX_DEPTH: usize = 32;
/// The maximum number of errors.
const MAX_ERRORS: usize = 50;

/// Kinds of blocks that are data, not code to show.
const DATA: [&str; 3] = ["scenario", "question", "challenge"];

/// How the first head cell of a table begins that is a slider.
pub(super) const SLIDER: &str = "slider:";

/// Returns whether the info string of a block marks data.
pub(super) fn is_data(info: &str) -> bool {
    let mut words = info.split_whitespace();
    let first = words.next();
    let kind = if first == Some("json") { words.next() } else { first };
    kind.is_some_and(|kind| DATA.contains(&kind))
}

/// The parts of Markdown that lessons use, besides the common ones.
pub(super) fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
}

pub(super) fn parse(text: &str) -> Result<Lesson, Vec<LessonError>> {
    let text = text.trim_start_matches('\u{feff}');
    if text.len() > MAX_LENGTH {
        let problem = sentence!(
            "a lesson has at most {} KiB, not {}",
            "eine Lektion hat höchstens {} KiB, nicht {}",
            MAX_LENGTH / 1024,
            text.len().div_ceil(1024)
        );
        return Err(vec![LessonError::new(1, problem)]);
    }
    let line_ends = text.match_indices('\n').map(|(at, _)| at).collect();
    let mut reader = Reader { text, line_ends, lesson: Lesson::default(), errors: Vec::new() };
    reader.lesson.lines = text.lines().map(str::to_string).collect();
    reader.front_matter();
    reader.blocks();
    reader.expressions();
    reader.sliders();
    if reader.lesson.steps.is_empty() && reader.errors.is_empty() {
        reader.error(
            1,
            phrase(
                "at least one heading `## Title {#id}` is expected",
                "mindestens eine Überschrift `## Titel {#id}` wird erwartet",
            ),
        );
    }
    // A block that is not closed ends with the file.
    let last = reader.lesson.lines.len().max(1);
    reader.errors.iter_mut().for_each(|error| error.line = error.line.min(last));
    reader.errors.sort_by_key(|error| error.line);
    if reader.errors.is_empty() { Ok(reader.lesson) } else { Err(reader.errors) }
}

struct Reader<'a> {
    text: &'a str,
    /// Where lines end, bytes.
    line_ends: Vec<usize>,
    lesson: Lesson,
    errors: Vec<LessonError>,
}

impl Reader<'_> {
    fn error(&mut self, line: usize, problem: impl Into<String>) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(LessonError::new(line, problem));
        }
    }

    fn line_at(&self, offset: usize) -> usize {
        self.line_ends.partition_point(|end| *end < offset) + 1
    }

    fn blocks(&mut self) {
        let text = self.text;
        let mut heading: Option<LessonStep> = None;
        let mut code: Option<(String, Range<usize>, String)> = None;
        let mut depth = 0;
        for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
            let line = self.line_at(range.start);
            match &event {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                _ => {}
            }
            if depth > MAX_DEPTH {
                return self.error(
                    line,
                    sentence!(
                        "at most {MAX_DEPTH} lists, quotes and emphases inside of each other are expected",
                        "höchstens {MAX_DEPTH} Listen, Zitate und Hervorhebungen dürfen ineinander stehen"
                    ),
                );
            }
            match event {
                Event::Start(Tag::Heading { level: HeadingLevel::H2, id, .. }) => {
                    let id = id.map(|id| id.to_string()).unwrap_or_default();
                    heading = Some(LessonStep { id, title: String::new(), line });
                }
                Event::End(TagEnd::Heading(HeadingLevel::H2)) => self.step(heading.take()),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    code = Some((info.to_string(), range, String::new()));
                }
                Event::End(TagEnd::CodeBlock) => {
                    if let Some((info, range, body)) = code.take() {
                        self.block(&info, &body, self.line_at(range.start));
                    }
                }
                Event::Text(text) => match (&mut code, &mut heading) {
                    (Some((_, _, body)), _) => body.push_str(&text),
                    (None, Some(step)) => step.title.push_str(&text),
                    (None, None) => {}
                },
                Event::Html(_) | Event::InlineHtml(_) => {
                    self.error(
                        line,
                        phrase(
                            "HTML is not permitted; use Markdown, and \\< for the character",
                            "HTML ist nicht erlaubt; verwende Markdown, und \\< für das Zeichen",
                        ),
                    );
                }
                Event::Start(Tag::Link { dest_url, .. }) => self.link(&dest_url, line),
                Event::Start(Tag::Image { .. }) => self.error(
                    line,
                    phrase(
                        "images are not permitted; show a scenario",
                        "Bilder sind nicht erlaubt; zeige ein Szenario",
                    ),
                ),
                _ => {}
            }
        }
        self.links_to_steps();
    }

    fn step(&mut self, step: Option<LessonStep>) {
        let Some(step) = step else { return };
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.lesson.steps.len() == MAX_PARTS {
            return self.error(
                step.line,
                sentence!(
                    "at most {MAX_PARTS} headings of this level are expected",
                    "höchstens {MAX_PARTS} Überschriften dieser Ebene sind erlaubt"
                ),
            );
        }
        if step.id.is_empty() {
            self.error(
                step.line,
                sentence!(
                    "a heading needs an id, as in `## {} {{#id}}`",
                    "eine Überschrift braucht eine Id, wie in `## {} {{#id}}`",
                    step.title
                ),
            );
        } else if !step.id.chars().all(is_id) {
            self.error(
                step.line,
                sentence!(
                    "an id has letters, digits, `-`, `_` and `.`, unlike `{}`",
                    "eine Id besteht aus Buchstaben, Ziffern, `-`, `_` und `.`, anders als `{}`",
                    step.id
                ),
            );
        } else if self.lesson.steps.iter().any(|other| other.id == step.id) {
            self.error(
                step.line,
                sentence!("another heading has the id `{}`", "eine andere Überschrift hat die Id `{}`", step.id),
            );
        }
        self.lesson.steps.push(step);
    }

    fn link(&mut self, address: &str, line: usize) {
        let permitted = ["https://", "#"].iter().any(|start| address.starts_with(start));
        if !permitted {
            self.error(line, sentence!(
                "a link starts with https://, with # and the id of a step, or with #term- and a term; not `{address}`",
                "ein Link beginnt mit https://, mit # und der Id eines Schritts, oder mit #term- und einem Begriff; nicht `{address}`"
            ));
        }
        if let Some(term) = address.strip_prefix("#term-")
            && !is_term(term)
        {
            self.error(
                line,
                sentence!(
                    "docs/glossary.md has no term `{}`",
                    "docs/glossary.md hat keinen Begriff `{}`",
                    term.replace('-', " ")
                ),
            );
        }
    }

    fn links_to_steps(&mut self) {
        let lines = self.lesson.lines.clone();
        for (index, line) in lines.iter().enumerate() {
            for (_, rest) in line.match_indices("](#").map(|(at, start)| (at, &line[at + start.len()..])) {
                let id = rest.split(')').next().unwrap_or_default();
                let is_known = id.starts_with("term-") || self.lesson.steps.iter().any(|step| step.id == id);
                if !is_known {
                    self.error(index + 1, sentence!("no step has the id `{id}`", "kein Schritt hat die Id `{id}`"));
                }
            }
        }
    }

    fn block(&mut self, info: &str, body: &str, line: usize) {
        let words: Vec<&str> = info.split_whitespace().filter(|word| *word != "json").collect();
        match words.as_slice() {
            ["scenario", id, options @ ..] => self.scenario(id, options, body, line),
            ["scenario"] => {
                self.error(line, phrase("an id is expected after `scenario`", "nach `scenario` wird eine Id erwartet"))
            }
            ["question"] => match question::parse(body, &self.lesson.scenarios) {
                Ok(question) if self.lesson.questions.iter().any(|other| other.id == question.id) => {
                    self.error(
                        line,
                        sentence!("another question has the id `{}`", "eine andere Frage hat die Id `{}`", question.id),
                    );
                }
                Ok(question) => self.lesson.questions.push(question),
                Err(errors) => {
                    for (at, problem) in errors {
                        self.error(line + at.unwrap_or(0), problem);
                    }
                }
            },
            ["challenge", id] if challenges::find(id).is_some() => self.lesson.challenges.push((*id).into()),
            ["challenge", ..] => self.error(
                line,
                phrase(
                    "`challenge` is followed by the id of a challenge",
                    "nach `challenge` wird die Id einer Aufgabe erwartet",
                ),
            ),
            [language, of] if of.starts_with("of=") => self.listing(language, &of[3..], body, line),
            [_] | [] => {}
            [_, ..] => self.error(
                line,
                sentence!(
                    "unknown block `{info}`; scenario, question or challenge is expected",
                    "unbekannter Block `{info}`; erlaubt sind scenario, question und challenge"
                ),
            ),
        }
    }

    /// Reads a scenario: an example or a challenge with other settings, or a whole document.
    fn scenario(&mut self, id: &str, options: &[&str], body: &str, line: usize) {
        if self.lesson.scenarios.len() == MAX_PARTS {
            return self.error(
                line,
                sentence!("at most {MAX_PARTS} scenarios are expected", "höchstens {MAX_PARTS} Szenarien sind erlaubt"),
            );
        }
        if self.lesson.scenarios.contains_key(id) {
            return self.error(
                line,
                sentence!("another scenario has the id `{id}`", "ein anderes Szenario hat die Id `{id}`"),
            );
        }
        let (mut base, mut branch, mut until) = (None, None, None);
        let mut block =
            ScenarioBlock { id: id.into(), line, branch: None, opens: false, is_offered: false, compare: None };
        for option in options {
            match option.split_once('=') {
                None if *option == "opens" => block.opens = true,
                None if *option == "offered" => block.is_offered = true,
                Some(("compare", name)) => block.compare = Some(name.into()),
                Some(("ex", id)) => match examples::find(id) {
                    Some(example) => base = Some(example.scenario()),
                    None => {
                        return self
                            .error(line, sentence!("no example has the id `{id}`", "kein Beispiel hat die Id `{id}`"));
                    }
                },
                Some(("branch", name)) => branch = Some(name),
                Some(("until", ms)) if number(ms).is_some_and(|ms| ms > 0.0) => until = number(ms),
                _ => {
                    return self.error(line, sentence!(
                        "ex=ID, branch=NAME, compare=NAME, until=MS, opens or offered is expected, not `{option}`",
                        "erlaubt sind ex=ID, branch=NAME, compare=NAME, until=MS, opens und offered, nicht `{option}`"
                    ));
                }
            }
        }
        match build(base, branch, until, body) {
            Ok(scenario) => {
                block.branch = branch.map(String::from);
                let names = |name: &String| scenario.branches.iter().any(|branch| branch.name == *name);
                if let Some(name) = block.compare.as_ref().filter(|name| !names(name)) {
                    self.error(
                        line,
                        sentence!(
                            "the scenario has no branch `{name}` to compare",
                            "das Szenario hat keinen Zweig `{name}` zum Vergleichen"
                        ),
                    );
                }
                self.lesson.scenarios.insert(id.into(), scenario);
                self.lesson.scenario_blocks.push(block);
            }
            Err(problems) => {
                for (at, problem) in problems {
                    self.error(line + at.unwrap_or(0), problem);
                }
            }
        }
    }

    /// Reads code whose lines end in `@fact_name` where they wait for a fact.
    fn listing(&mut self, language: &str, scenario: &str, body: &str, line: usize) {
        if !self.lesson.scenarios.contains_key(scenario) {
            self.error(
                line,
                sentence!("no scenario above has the id `{scenario}`", "kein Szenario davor hat die Id `{scenario}`"),
            );
        }
        let mut code = Vec::new();
        for (index, text) in body.lines().enumerate() {
            let mark = text.rsplit_once('@').and_then(|(before, mark)| Some((before, fact_mark(mark)?)));
            let Some((before, mark)) = mark else {
                code.push((text.to_string(), None));
                continue;
            };
            if !Fact::VARIANTS.contains(&mark.name.as_str()) {
                self.error(
                    line + 1 + index,
                    sentence!("no fact has the name `{}`", "kein Fakt hat den Namen `{}`", mark.name),
                );
            }
            let ids = self.lesson.scenarios.get(scenario).map(node_ids).unwrap_or_default();
            let unknown: Vec<String> = mark.nodes.iter().filter(|node| !ids.contains(node)).cloned().collect();
            for node in unknown {
                self.error(
                    line + 1 + index,
                    sentence!(
                        "the scenario `{scenario}` has no node `{node}`",
                        "das Szenario `{scenario}` hat keinen Knoten `{node}`"
                    ),
                );
            }
            let text = before.trim_end().trim_end_matches(['#', '/']).trim_end();
            code.push((text.to_string(), Some(mark)));
        }
        self.lesson.listings.push(Listing { line, language: language.into(), scenario: scenario.into(), code });
    }
}

/// Reads the mark of a line of code: the name of a fact, the ids of at most two nodes that it is about, and the kind of a message
/// that is sent, or the outcome of an operation that has ended.
fn fact_mark(text: &str) -> Option<FactMark> {
    let mut words = text.split_whitespace();
    let name = words.next().filter(|name| text.starts_with(name))?;
    let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let mut nodes: Vec<String> = words.map(String::from).collect();
    let last = nodes.last().cloned().unwrap_or_default();
    let kind = (name == "message_sent").then(|| last.parse().ok()).flatten();
    let outcome = (name == "operation_ended").then(|| last.parse().ok()).flatten();
    if kind.is_some() || outcome.is_some() {
        nodes.pop();
    }
    (is_name && nodes.len() <= 2).then(|| FactMark { name: name.into(), nodes, kind, outcome })
}

/// The ids of all nodes of a scenario.
fn node_ids(scenario: &Scenario) -> Vec<&String> {
    let services = scenario.services.iter().map(|node| &node.id);
    let buses = scenario.buses.iter().map(|node| &node.id);
    services.chain(buses).chain(scenario.clients.iter().map(|node| &node.id)).collect()
}
