//! The text of a lesson as elements of our own, for the page and for the static file.

use super::glossary::glossary_term;
use super::markdown;
use super::{Expression, Lesson, measure};
use crate::language::Language;
use crate::scenario::Scenario;
use crate::scenario::challenges;
use crate::session::protocol::lesson::{
    FactMark, LessonBlock, LessonChoice, LessonFigure, LessonListing, LessonPage, LessonQuestion, LessonScenario,
    LessonSlider, LessonSpan, LessonStepPage, LessonTerm,
};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd};

/// Characters around the placeholder of a number in the text, which Markdown does not interpret.
const FIGURE: (char, char) = ('\u{e000}', '\u{e001}');

impl Lesson {
    /// Returns the index of a scenario in the lesson.
    pub fn scenario_index(&self, id: &str) -> u32 {
        self.scenarios.keys().position(|other| other == id).unwrap_or_default() as u32
    }

    /// Returns the lesson as the page shows it.
    pub fn page(&self) -> LessonPage {
        let text = self.with_placeholders();
        let events: Vec<Event> = Parser::new_ext(&text, markdown::options()).collect();
        let mut builder =
            Builder { events: &events, next: 0, lesson: self, listings: 0, questions: 0, terms: Vec::new() };
        builder.skip_front_matter();
        let introduction = builder.blocks(None);
        let mut steps = Vec::new();
        for step in &self.steps {
            builder.skip_heading();
            let blocks = builder.blocks(None);
            let scenario = self.opening_scenario(&step.id).map(|id| self.scenario_index(&id));
            steps.push(LessonStepPage { id: step.id.clone(), title: step.title.clone(), scenario, blocks });
        }
        let terms = builder.terms;
        LessonPage {
            id: self.id.clone(),
            title: self.title.clone(),
            language: self.language.clone(),
            translations: self.translations.clone(),
            introduction,
            steps,
            scenarios: self.scenarios.iter().map(|(id, scenario)| self.scenario_page(id, scenario)).collect(),
            figures: self.expressions.iter().map(|expression| self.figure_page(expression)).collect(),
            questions: self.questions_page(),
            listings: self.listings_page(),
            terms,
            runs: measure::RUNS.into(),
        }
    }

    /// Returns the scenario that opens with a step: the one marked so, or else the first that the step contains or measures.
    fn opening_scenario(&self, step: &str) -> Option<String> {
        let index = self.steps.iter().position(|other| other.id == step)?;
        let end = self.steps.get(index + 1).map_or(usize::MAX, |next| next.line);
        let lines = self.steps[index].line..end;
        let within = self.scenario_blocks.iter().filter(|block| lines.contains(&block.line));
        let opens = within.clone().find(|block| block.opens).or(within.clone().next()).map(|block| block.id.clone());
        let listed = self.listings.iter().find(|listing| lines.contains(&listing.line));
        let measured = self.expressions.iter().find(|expression| lines.contains(&expression.line));
        opens
            .or_else(|| listed.map(|listing| listing.scenario.clone()))
            .or_else(|| measured.map(|expression| expression.scenario.clone()))
    }

    /// Returns the text with a placeholder for each measured number.
    fn with_placeholders(&self) -> String {
        let mut lines = self.lines.clone();
        for (index, expression) in self.expressions.iter().enumerate().rev() {
            let line = &mut lines[expression.line - 1];
            line.replace_range(expression.span.0..expression.span.1, &format!("{}{index}{}", FIGURE.0, FIGURE.1));
        }
        lines.join("\n") + "\n"
    }

    fn scenario_page(&self, id: &str, scenario: &Scenario) -> LessonScenario {
        let block = self.scenario_blocks.iter().find(|block| block.id == id);
        LessonScenario {
            id: id.into(),
            title: match block.and_then(|block| block.branch.as_ref()) {
                Some(branch) => format!("{} ({branch})", scenario.title),
                None => scenario.title.clone(),
            },
            document: scenario.to_json(),
            compare: block.and_then(|block| block.compare.clone()),
        }
    }

    fn figure_page(&self, expression: &Expression) -> LessonFigure {
        let claim = expression.is_claim.then(|| expression.goal.clone());
        LessonFigure { scenario: self.scenario_index(&expression.scenario), claim }
    }

    fn questions_page(&self) -> Vec<LessonQuestion> {
        let choice = |choice: &super::Choice| LessonChoice {
            text: choice.text.clone(),
            right: choice.right,
            because: choice.because.clone(),
            scenario: self.scenario_index(&choice.shown_by.scenario),
            must: choice.shown_by.must.clone(),
        };
        let question = |question: &super::Question| LessonQuestion {
            id: question.id.clone(),
            level: question.level,
            ask: question.ask.clone(),
            choices: question.choices.iter().map(choice).collect(),
        };
        self.questions.iter().map(question).collect()
    }

    fn listings_page(&self) -> Vec<LessonListing> {
        let mark = |mark: &FactMark| mark.clone();
        let listing = |listing: &super::Listing| LessonListing {
            language: listing.language.clone(),
            scenario: self.scenario_index(&listing.scenario),
            lines: listing.code.iter().map(|(text, fact)| (text.clone(), fact.as_ref().map(mark))).collect(),
        };
        self.listings.iter().map(listing).collect()
    }
}

/// Makes elements of the events of the Markdown parser.
struct Builder<'a> {
    events: &'a [Event<'a>],
    next: usize,
    lesson: &'a Lesson,
    listings: u32,
    questions: u32,
    terms: Vec<LessonTerm>,
}

impl<'a> Builder<'a> {
    fn take(&mut self) -> Option<&'a Event<'a>> {
        let event = self.events.get(self.next)?;
        self.next += 1;
        Some(event)
    }

    fn skip_front_matter(&mut self) {
        while let Some(event) = self.events.get(self.next) {
            if !matches!(
                event,
                Event::Start(Tag::MetadataBlock(_)) | Event::Text(_) | Event::End(TagEnd::MetadataBlock(_))
            ) {
                break;
            }
            self.next += 1;
        }
    }

    /// Skips the heading of a step, whose title is known.
    fn skip_heading(&mut self) {
        while let Some(event) = self.take() {
            if matches!(event, Event::End(TagEnd::Heading(HeadingLevel::H2))) {
                return;
            }
        }
    }

    /// Reads blocks up to the end of the block around them, or up to the next step.
    fn blocks(&mut self, end: Option<TagEnd>) -> Vec<LessonBlock> {
        let mut blocks = Vec::new();
        while let Some(event) = self.events.get(self.next) {
            match event {
                Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }) if end.is_none() => break,
                Event::End(_) => {
                    self.next += 1;
                    break;
                }
                Event::Start(tag) if !is_inline(tag) => {
                    self.next += 1;
                    blocks.extend(self.block(tag));
                }
                Event::Rule => {
                    self.next += 1;
                    blocks.push(LessonBlock::Rule);
                }
                _ => {
                    let spans = self.spans();
                    if !spans.is_empty() {
                        blocks.push(LessonBlock::Paragraph(spans));
                    }
                }
            }
        }
        blocks
    }

    fn block(&mut self, tag: &Tag<'a>) -> Option<LessonBlock> {
        Some(match tag {
            Tag::Paragraph => LessonBlock::Paragraph(self.closed_spans()),
            Tag::Heading { level, .. } => LessonBlock::Heading((*level as u8).max(3), self.closed_spans()),
            Tag::BlockQuote(_) => LessonBlock::Quote(self.blocks(Some(tag.to_end()))),
            Tag::List(first) => {
                let mut items = Vec::new();
                while let Some(Event::Start(Tag::Item)) = self.take() {
                    items.push(self.blocks(Some(TagEnd::Item)));
                }
                LessonBlock::List(*first, items)
            }
            Tag::Table(_) => self.table(),
            Tag::CodeBlock(kind) => {
                let mut body = String::new();
                while let Some(Event::Text(text)) = self.take() {
                    body.push_str(text);
                }
                let info = if let CodeBlockKind::Fenced(info) = kind { info.to_string() } else { String::new() };
                return self.code(&info, body);
            }
            _ => return None,
        })
    }

    fn table(&mut self) -> LessonBlock {
        let (mut head, mut rows) = (Vec::new(), Vec::new());
        while let Some(event) = self.take() {
            match event {
                Event::Start(Tag::TableHead) => head = self.cells(),
                Event::Start(Tag::TableRow) => rows.push(self.cells()),
                Event::End(TagEnd::Table) => break,
                _ => {}
            }
        }
        match head.first().map(Vec::as_slice) {
            Some([LessonSpan::Text(first)]) if first.starts_with(markdown::SLIDER) => self.slider(first, &head, rows),
            Some(_) | None => LessonBlock::Table(head, rows),
        }
    }

    /// Makes a slider of a table: each column after the first is a stop.
    fn slider(&self, first: &str, head: &[Vec<LessonSpan>], rows: Vec<Vec<Vec<LessonSpan>>>) -> LessonBlock {
        let scenario = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column)).flatten();
            let mut figures =
                cells.filter_map(|span| if let LessonSpan::Figure(index) = span { Some(*index) } else { None });
            let expression = self.lesson.expressions.get(figures.next()? as usize)?;
            Some(self.lesson.scenario_index(&expression.scenario))
        };
        let stops = head.iter().enumerate().skip(1).map(|(column, name)| (name.clone(), scenario(column))).collect();
        let label = first[markdown::SLIDER.len()..].trim().to_string();
        let rows = rows.into_iter().map(|mut row| (row.remove(0), row)).collect();
        LessonBlock::Slider(LessonSlider { label, stops, rows })
    }

    fn cells(&mut self) -> Vec<Vec<LessonSpan>> {
        let mut cells = Vec::new();
        while let Some(Event::Start(Tag::TableCell)) = self.take() {
            cells.push(self.closed_spans());
        }
        cells
    }

    fn code(&mut self, info: &str, body: String) -> Option<LessonBlock> {
        let words: Vec<&str> = info.split_whitespace().filter(|word| *word != "json").collect();
        match words.as_slice() {
            ["scenario", id, ..] => {
                let block = self.lesson.scenario_blocks.iter().find(|block| block.id == *id);
                let is_offered = block.is_some_and(|block| block.opens || block.is_offered);
                is_offered.then(|| LessonBlock::Scenario(self.lesson.scenario_index(id)))
            }
            ["question"] => {
                self.questions += 1;
                Some(LessonBlock::Question(self.questions - 1))
            }
            ["challenge", id] => {
                let title = challenges::find(id).map(|challenge| challenge.scenario().title).unwrap_or_default();
                Some(LessonBlock::Challenge((*id).into(), title))
            }
            [_, of] if of.starts_with("of=") => {
                self.listings += 1;
                Some(LessonBlock::Listing(self.listings - 1))
            }
            _ => Some(LessonBlock::Code(body)),
        }
    }

    /// Reads the spans of a block that is open, and its end.
    fn closed_spans(&mut self) -> Vec<LessonSpan> {
        let spans = self.spans();
        if matches!(self.events.get(self.next), Some(Event::End(_))) {
            self.next += 1;
        }
        spans
    }

    /// Reads spans up to something else.
    fn spans(&mut self) -> Vec<LessonSpan> {
        let mut spans = Vec::new();
        while let Some(event) = self.events.get(self.next) {
            match event {
                Event::Start(tag) if is_inline(tag) => {
                    self.next += 1;
                    let inner = self.closed_spans();
                    spans.extend(self.span(tag, inner));
                }
                Event::Text(text) => text_spans(text, &mut spans),
                Event::Code(text) => spans.push(LessonSpan::Code(text.to_string())),
                Event::SoftBreak => push_text(&mut spans, " "),
                Event::HardBreak => spans.push(LessonSpan::Break),
                Event::Start(_) | Event::End(_) | Event::Rule => break,
                _ => {}
            }
            if !matches!(event, Event::Start(_)) {
                self.next += 1;
            }
        }
        spans
    }

    fn span(&mut self, tag: &Tag<'a>, inner: Vec<LessonSpan>) -> Option<LessonSpan> {
        Some(match tag {
            Tag::Emphasis => LessonSpan::Emphasis(inner),
            Tag::Strong => LessonSpan::Strong(inner),
            Tag::Link { dest_url, .. } => match dest_url.strip_prefix('#') {
                Some(step) => match step.strip_prefix("term-") {
                    Some(term) => {
                        self.add_term(term);
                        LessonSpan::TermLink(term.into(), inner)
                    }
                    None => LessonSpan::StepLink(step.into(), inner),
                },
                None => LessonSpan::Link(dest_url.to_string(), inner),
            },
            _ => return None,
        })
    }

    fn add_term(&mut self, id: &str) {
        if !self.terms.iter().any(|term| term.id == id)
            && let Some((term, meaning)) =
                glossary_term(id, Language::from_code(&self.lesson.language).unwrap_or_default())
        {
            self.terms.push(LessonTerm { id: id.into(), term, meaning });
        }
    }
}

fn is_inline(tag: &Tag) -> bool {
    matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Link { .. })
}

fn push_text(spans: &mut Vec<LessonSpan>, text: &str) {
    match spans.last_mut() {
        Some(LessonSpan::Text(before)) => before.push_str(text),
        _ => spans.push(LessonSpan::Text(text.into())),
    }
}

/// Splits text at the placeholders of numbers.
fn text_spans(text: &str, spans: &mut Vec<LessonSpan>) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(FIGURE.0) {
        if !before.is_empty() {
            push_text(spans, before);
        }
        let (index, after) = after.split_once(FIGURE.1).unwrap_or((after, ""));
        spans.extend(index.parse().ok().map(LessonSpan::Figure));
        rest = after;
    }
    if !rest.is_empty() {
        push_text(spans, rest);
    }
}
