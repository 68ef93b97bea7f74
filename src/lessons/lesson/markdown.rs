//! Reads a lesson's Markdown with pulldown-cmark. The result is text and elements of our own; HTML is an error.

use super::{Expression, Lesson, LessonError, LessonStep, Listing, question};
use crate::lessons::challenges;
use crate::scenario::goal::Requirement;
use crate::scenario::{Scenario, examples, json, number};
use crate::trace::Fact;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::ops::Range;
use strum::VariantNames;

/// Kinds of blocks that are data, not code to show.
const DATA: [&str; 3] = ["scenario", "question", "challenge"];

/// Whether the info string of a block marks data.
pub(super) fn is_data(info: &str) -> bool {
    let mut words = info.split_whitespace();
    let first = words.next();
    let kind = if first == Some("json") { words.next() } else { first };
    kind.is_some_and(|kind| DATA.contains(&kind))
}

pub(super) fn parse(text: &str) -> Result<Lesson, Vec<LessonError>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader { text, lesson: Lesson::default(), errors: Vec::new() };
    reader.lesson.lines = text.lines().map(str::to_string).collect();
    reader.front_matter();
    reader.blocks();
    reader.expressions();
    if reader.lesson.steps.is_empty() && reader.errors.is_empty() {
        reader.error(1, "at least one heading `## Title {#id}` is expected");
    }
    reader.errors.sort_by_key(|error| error.line);
    if reader.errors.is_empty() { Ok(reader.lesson) } else { Err(reader.errors) }
}

struct Reader<'a> {
    text: &'a str,
    lesson: Lesson,
    errors: Vec<LessonError>,
}

impl Reader<'_> {
    fn error(&mut self, line: usize, problem: impl Into<String>) {
        self.errors.push(LessonError::new(line, problem));
    }

    fn line_at(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
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
                other => {
                    self.error(index + 2, format!("unknown field `{other}`; `lesson`, `id` or `title` is expected"));
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
        if self.lesson.title.is_empty() {
            self.error(1, "`title` is expected in the front matter");
        }
    }

    fn blocks(&mut self) {
        let options =
            Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
        let text = self.text;
        let mut heading: Option<LessonStep> = None;
        let mut code: Option<(String, Range<usize>, String)> = None;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            let line = self.line_at(range.start);
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
        if step.id.is_empty() {
            self.error(step.line, format!("a heading needs an id, as in `## {} {{#id}}`", step.title));
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
        if self.lesson.scenarios.contains_key(id) {
            return self.error(line, format!("another scenario has the id `{id}`"));
        }
        let (mut base, mut branch, mut until) = (None, None, None);
        for option in options {
            match option.split_once('=') {
                Some(("ex", id)) => match examples::find(id) {
                    Some(example) => base = Some(example.scenario()),
                    None => return self.error(line, format!("no example has the id `{id}`")),
                },
                Some(("branch", name)) => branch = Some(name),
                Some(("until", ms)) if number(ms).is_some_and(|ms| ms > 0.0) => until = number(ms),
                _ => {
                    let expected = "ex=ID, branch=NAME or until=MS is expected";
                    return self.error(line, format!("{expected}, not `{option}`"));
                }
            }
        }
        match build(base, branch, until, body) {
            Ok(scenario) => drop(self.lesson.scenarios.insert(id.into(), scenario)),
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
            match text.rsplit_once('@') {
                Some((before, fact))
                    if !fact.is_empty() && fact.chars().all(|c| c.is_ascii_lowercase() || c == '_') =>
                {
                    if !Fact::VARIANTS.contains(&fact) {
                        self.error(line + 1 + index, format!("no fact has the name `{fact}`"));
                    }
                    let text = before.trim_end().trim_end_matches(['#', '/']).trim_end();
                    code.push((text.to_string(), Some(fact.to_string())));
                }
                _ => code.push((text.to_string(), None)),
            }
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
        Some(scenario) => {
            let mut scenario = scenario.of_branch(branch).map_err(|error| vec![error.to_string()])?;
            if !body.trim().is_empty() {
                let settings = json::parse(body).map_err(|error| vec![error.to_string()])?;
                let settings = settings.as_object().ok_or(vec!["an object of settings is expected".to_string()])?;
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

/// Whether the glossary has a term, whose spaces are written as `-`.
fn is_term(term: &str) -> bool {
    let wanted = term.replace('-', " ");
    let glossary = include_str!("../../../docs/glossary.md");
    let terms = glossary.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let simple = |term: &str| term.split(" (").next().unwrap_or(term).replace('-', " ");
    terms.flat_map(|terms| terms.split(", ")).any(|term| simple(term) == wanted)
}
