//! Reads a lesson's Markdown with pulldown-cmark. The result is text and elements of our own; HTML is an error.

use super::{Expression, Lesson, LessonError, LessonStep, Listing, ScenarioBlock, question};
use crate::scenario::challenges;
use crate::scenario::goal::Requirement;
use crate::scenario::{Scenario, examples, json, number};
use crate::session::protocol::lesson::FactMark;
use crate::trace::Fact;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::ops::Range;
use strum::VariantNames;

/// Bytes of a lesson at most.
const LONGEST: usize = 256 * 1024;
/// Steps, and scenarios, of a lesson at most.
const MOST_PARTS: usize = 100;
/// Settings of a scenario's block at most: each is checked with the whole scenario.
const MOST_SETTINGS: usize = 50;
/// Lists, quotes and emphasized text inside of each other at most: readers of the text recur.
const DEEPEST: usize = 32;
/// Errors at most.
const MOST_ERRORS: usize = 50;

/// Kinds of blocks that are data, not code to show.
const DATA: [&str; 3] = ["scenario", "question", "challenge"];

/// How the first head cell of a table begins that is a slider.
pub(super) const SLIDER: &str = "slider:";

/// Whether the info string of a block marks data.
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
    if text.len() > LONGEST {
        let problem = format!("a lesson has at most {} KiB, not {}", LONGEST / 1024, text.len().div_ceil(1024));
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
        reader.error(1, "at least one heading `## Title {#id}` is expected");
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
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(LessonError::new(line, problem));
        }
    }

    fn line_at(&self, offset: usize) -> usize {
        self.line_ends.partition_point(|end| *end < offset) + 1
    }

    /// Reads the lines between `---` at the start.
    fn front_matter(&mut self) {
        let lines = self.lesson.lines.clone();
        let end = lines.iter().skip(1).position(|line| line.trim_end() == "---").map(|index| index + 1);
        let (Some("---"), Some(end)) = (lines.first().map(|line| line.trim_end()), end) else {
            return self
                .error(1, "front matter between two lines `---` is expected, with `lesson: 1`, `id` and `title`");
        };
        let mut version = None;
        for (index, line) in lines[1..end].iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (name, value) = line.split_once(':').map_or((line.as_str(), ""), |(name, value)| (name, value.trim()));
            match name.trim() {
                "lesson" => version = Some(value.to_string()),
                "id" => self.lesson.id = value.into(),
                "title" => self.lesson.title = value.into(),
                "language" => self.lesson.language = value.into(),
                "translations" => self.translations(value, index + 2),
                other => {
                    let expected = "`lesson`, `id`, `title`, `language` or `translations` is expected";
                    self.error(index + 2, format!("unknown field `{other}`; {expected}"));
                }
            }
        }
        if version.as_deref() != Some("1") {
            self.error(1, "`lesson: 1`, the version of the format, is expected in the front matter");
        }
        let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.lesson.id.is_empty() || !self.lesson.id.chars().all(is_id) {
            self.error(1, "`id` of lower-case letters, digits and `-` is expected in the front matter");
        }
        if self.lesson.language.is_empty() {
            self.lesson.language = "en".into();
        } else if !self.lesson.language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            self.error(1, "`language` is a tag such as `en` or `pt-BR`");
        }
        if self.lesson.title.is_empty() {
            self.error(1, "`title` is expected in the front matter");
        }
    }

    /// Reads the list `de=FILE, fr=FILE` of the same lesson in other languages.
    fn translations(&mut self, list: &str, line: usize) {
        for entry in list.split(',').map(str::trim) {
            let file = entry.split_once('=').filter(|(language, file)| {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
                language.len() == 2 && !file.is_empty() && file.chars().all(is_plain)
            });
            match file {
                Some((language, file)) => self.lesson.translations.push((language.into(), file.into())),
                None => {
                    self.error(line, format!("`LANGUAGE=FILE` is expected, as in `de=lesson.de.md`, not `{entry}`"))
                }
            }
        }
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
            if depth > DEEPEST {
                return self.error(
                    line,
                    format!("at most {DEEPEST} lists, quotes and emphases inside of each other are expected"),
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
                    self.error(line, "HTML is not permitted; use Markdown, and \\< for the character");
                }
                Event::Start(Tag::Link { dest_url, .. }) => self.link(&dest_url, line),
                Event::Start(Tag::Image { .. }) => self.error(line, "images are not permitted; show a scenario"),
                _ => {}
            }
        }
        self.links_to_steps();
    }

    fn step(&mut self, step: Option<LessonStep>) {
        let Some(step) = step else { return };
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.lesson.steps.len() == MOST_PARTS {
            return self.error(step.line, format!("at most {MOST_PARTS} headings of this level are expected"));
        }
        if step.id.is_empty() {
            self.error(step.line, format!("a heading needs an id, as in `## {} {{#id}}`", step.title));
        } else if !step.id.chars().all(is_id) {
            self.error(step.line, format!("an id has letters, digits, `-`, `_` and `.`, unlike `{}`", step.id));
        } else if self.lesson.steps.iter().any(|other| other.id == step.id) {
            self.error(step.line, format!("another heading has the id `{}`", step.id));
        }
        self.lesson.steps.push(step);
    }

    fn link(&mut self, address: &str, line: usize) {
        let permitted = ["https://", "#"].iter().any(|start| address.starts_with(start));
        if !permitted {
            let expected = "a link starts with https://, with # and the id of a step, or with #term- and a term";
            self.error(line, format!("{expected}; not `{address}`"));
        }
        if let Some(term) = address.strip_prefix("#term-")
            && !is_term(term)
        {
            self.error(line, format!("docs/glossary.md has no term `{}`", term.replace('-', " ")));
        }
    }

    fn links_to_steps(&mut self) {
        let lines = self.lesson.lines.clone();
        for (index, line) in lines.iter().enumerate() {
            for (_, rest) in line.match_indices("](#").map(|(at, it)| (at, &line[at + it.len()..])) {
                let id = rest.split(')').next().unwrap_or_default();
                let is_known = id.starts_with("term-") || self.lesson.steps.iter().any(|step| step.id == id);
                if !is_known {
                    self.error(index + 1, format!("no step has the id `{id}`"));
                }
            }
        }
    }

    fn block(&mut self, info: &str, body: &str, line: usize) {
        let words: Vec<&str> = info.split_whitespace().filter(|word| *word != "json").collect();
        match words.as_slice() {
            ["scenario", id, options @ ..] => self.scenario(id, options, body, line),
            ["scenario"] => self.error(line, "an id is expected after `scenario`"),
            ["question"] => match question::parse(body, &self.lesson.scenarios) {
                Ok(question) if self.lesson.questions.iter().any(|other| other.id == question.id) => {
                    self.error(line, format!("another question has the id `{}`", question.id));
                }
                Ok(question) => self.lesson.questions.push(question),
                Err(errors) => {
                    for (at, problem) in errors {
                        self.error(line + at.unwrap_or(0), problem);
                    }
                }
            },
            ["challenge", id] if challenges::find(id).is_some() => self.lesson.challenges.push((*id).into()),
            ["challenge", ..] => self.error(line, "`challenge` is followed by the id of a challenge"),
            [language, of] if of.starts_with("of=") => self.listing(language, &of[3..], body, line),
            [_] | [] => {}
            [_, ..] => self.error(line, format!("unknown block `{info}`; scenario, question or challenge is expected")),
        }
    }

    /// Reads a scenario: an example or a challenge with other settings, or a whole document.
    fn scenario(&mut self, id: &str, options: &[&str], body: &str, line: usize) {
        if self.lesson.scenarios.len() == MOST_PARTS {
            return self.error(line, format!("at most {MOST_PARTS} scenarios are expected"));
        }
        if self.lesson.scenarios.contains_key(id) {
            return self.error(line, format!("another scenario has the id `{id}`"));
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
                    None => return self.error(line, format!("no example has the id `{id}`")),
                },
                Some(("branch", name)) => branch = Some(name),
                Some(("until", ms)) if number(ms).is_some_and(|ms| ms > 0.0) => until = number(ms),
                _ => {
                    let expected = "ex=ID, branch=NAME, compare=NAME, until=MS, opens or offered is expected";
                    return self.error(line, format!("{expected}, not `{option}`"));
                }
            }
        }
        match build(base, branch, until, body) {
            Ok(scenario) => {
                block.branch = branch.map(String::from);
                let names = |name: &String| scenario.branches.iter().any(|branch| branch.name == *name);
                if let Some(name) = block.compare.as_ref().filter(|name| !names(name)) {
                    self.error(line, format!("the scenario has no branch `{name}` to compare"));
                }
                self.lesson.scenarios.insert(id.into(), scenario);
                self.lesson.scenario_blocks.push(block);
            }
            Err(problems) => problems.into_iter().for_each(|problem| self.error(line, problem)),
        }
    }

    /// Reads code whose lines end in `@fact_name` where they wait for a fact.
    fn listing(&mut self, language: &str, scenario: &str, body: &str, line: usize) {
        if !self.lesson.scenarios.contains_key(scenario) {
            self.error(line, format!("no scenario above has the id `{scenario}`"));
        }
        let mut code = Vec::new();
        for (index, text) in body.lines().enumerate() {
            let mark = text.rsplit_once('@').and_then(|(before, mark)| Some((before, fact_mark(mark)?)));
            let Some((before, mark)) = mark else {
                code.push((text.to_string(), None));
                continue;
            };
            if !Fact::VARIANTS.contains(&mark.name.as_str()) {
                self.error(line + 1 + index, format!("no fact has the name `{}`", mark.name));
            }
            let nodes = self.lesson.scenarios.get(scenario).map(node_ids).unwrap_or_default();
            if let Some(node) = mark.node.as_ref().filter(|node| !nodes.contains(node)) {
                self.error(line + 1 + index, format!("the scenario `{scenario}` has no node `{node}`"));
            }
            let text = before.trim_end().trim_end_matches(['#', '/']).trim_end();
            code.push((text.to_string(), Some(mark)));
        }
        self.lesson.listings.push(Listing { line, language: language.into(), scenario: scenario.into(), code });
    }

    /// Finds `{{scenario: figure}}` outside of blocks.
    fn expressions(&mut self) {
        let mut is_in_block = false;
        for (index, line) in self.lesson.lines.clone().iter().enumerate() {
            if line.starts_with("```") {
                is_in_block = !is_in_block;
            }
            if is_in_block {
                continue;
            }
            let mut from = 0;
            while let Some(start) = line[from..].find("{{").map(|at| at + from) {
                let Some(end) = line[start..].find("}}").map(|at| start + at + 2) else {
                    self.error(index + 1, "{{ is not closed by }} on the same line");
                    break;
                };
                self.expression(index + 1, (start, end), &line[start + 2..end - 2]);
                from = end;
            }
        }
    }

    /// Checks that each stop of a slider has a number, whose scenario it opens.
    fn sliders(&mut self) {
        let lines = self.lesson.lines.clone();
        let cells = |line: &str| -> Vec<String> {
            line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_string()).collect()
        };
        for (index, line) in lines.iter().enumerate() {
            let head = cells(line);
            if !line.trim_start().starts_with('|') || !head[0].starts_with(SLIDER) {
                continue;
            }
            if head[0][SLIDER.len()..].trim().is_empty() {
                self.error(
                    index + 1,
                    "the name of what the slider sets is expected, as in `slider: Latency of the link`",
                );
            }
            if head.len() < 3 {
                self.error(index + 1, "a slider needs at least two stops: columns after the first");
            }
            let rows = lines[index + 1..].iter().take_while(|line| line.trim_start().starts_with('|'));
            let rows: Vec<Vec<String>> = rows.skip(1).map(|line| cells(line)).collect();
            for (column, stop) in head.iter().enumerate().skip(1) {
                if !rows.iter().any(|row| row.get(column).is_some_and(|cell| cell.contains("{{"))) {
                    self.error(index + 1, format!("the stop `{stop}` has no number, as in `{{{{scenario: figure}}}}`"));
                }
            }
        }
    }

    fn expression(&mut self, line: usize, span: (usize, usize), text: &str) {
        let Some((scenario, goal)) = text.split_once(':') else {
            return self.error(line, format!("`{{{{scenario: figure}}}}` is expected, not `{text}`"));
        };
        let (scenario, goal) = (scenario.trim().to_string(), goal.trim());
        let Some(of) = self.lesson.scenarios.get(&scenario) else {
            return self.error(line, format!("no scenario has the id `{scenario}`"));
        };
        let (goal, is_percentage) = goal.strip_suffix('%').map_or((goal, false), |goal| (goal.trim_end(), true));
        let is_claim = Requirement::parse(goal, of).is_ok();
        // A figure alone is measured like a goal that is always met.
        let whole = if is_claim { goal.to_string() } else { format!("{goal} >= -1") };
        match Requirement::parse(&whole, of) {
            Ok(requirement) if requirement.needs_curve() => self.error(line, "error(…) needs a task's curve"),
            Ok(_) => {
                self.lesson.expressions.push(Expression { line, span, scenario, goal: whole, is_claim, is_percentage })
            }
            Err(problem) => self.error(line, problem),
        }
    }
}

/// Builds a scenario from a base and the settings in a block, or from the document in it.
fn build(
    base: Option<Scenario>,
    branch: Option<&str>,
    until: Option<f64>,
    body: &str,
) -> Result<Scenario, Vec<String>> {
    let texts =
        |errors: Vec<crate::scenario::ScenarioError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut scenario = match base {
        None => Scenario::from_json(body).map_err(texts)?,
        Some(mut scenario) => {
            if branch.is_some() || !body.trim().is_empty() {
                scenario = scenario.of_branch(branch).map_err(|error| vec![error.to_string()])?;
            }
            if !body.trim().is_empty() {
                let settings = json::parse(body).map_err(|error| vec![error.to_string()])?;
                let settings = settings.as_object().ok_or(vec!["an object of settings is expected".to_string()])?;
                if settings.len() > MOST_SETTINGS {
                    return Err(vec![format!("at most {MOST_SETTINGS} settings are expected, not {}", settings.len())]);
                }
                for (path, value) in settings {
                    let changed = scenario.with_setting(path, &value.to_string());
                    scenario = changed.map_err(|problem| vec![format!("{path}: {problem}")])?;
                }
            }
            scenario
        }
    };
    scenario.until_ms = until.unwrap_or(scenario.until_ms);
    scenario.promises.clear();
    scenario.validate().map_err(texts)?;
    Ok(scenario)
}

/// Reads the mark of a line of code: the name of a fact, and the id of the node that it is about.
fn fact_mark(text: &str) -> Option<FactMark> {
    let mut words = text.split_whitespace();
    let name = words.next().filter(|name| text.starts_with(name))?;
    let node = words.next().map(String::from);
    let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    (is_name && words.next().is_none()).then(|| FactMark { name: name.into(), node })
}

/// The ids of all nodes of a scenario.
fn node_ids(scenario: &Scenario) -> Vec<&String> {
    let services = scenario.services.iter().map(|node| &node.id);
    let buses = scenario.buses.iter().map(|node| &node.id);
    services.chain(buses).chain(scenario.clients.iter().map(|node| &node.id)).collect()
}

/// The glossary.
pub(in crate::lessons) const GLOSSARY: &str = include_str!("../../../docs/glossary.md");

/// Whether the glossary has a term, whose spaces are written as `-`.
fn is_term(id: &str) -> bool {
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
