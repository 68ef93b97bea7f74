//! A lesson as a static page, which is readable without the engine and printable. `www/lessons/` contains the pages; a
//! test compares them.

use super::glossary::{glossary_of, glossary_row};
use super::{Lesson, Measurements};
use crate::language::Language;
use crate::session::protocol::lesson::{LessonBlock, LessonPage, LessonQuestion, LessonSpan};
use std::fmt::Write;

/// Words of the static page: English and German.
struct Words {
    run: &'static str,
    measured: &'static str,
    answer: &'static str,
    right: &'static str,
    wrong: &'static str,
    challenge: &'static str,
    glossary: &'static str,
    glossary_file: &'static str,
    page: &'static str,
}

const ENGLISH: Words = Words {
    run: "Run this step",
    measured: "Each number on this page was measured over 200 runs with the seeds 1 to 200. The lesson with the running system measures it again in your browser.",
    answer: "Answer",
    right: "Right",
    wrong: "Wrong",
    challenge: "Challenge",
    glossary: "Glossary",
    glossary_file: "glossary.html",
    page: "The lesson with the running system",
};

const GERMAN: Words = Words {
    run: "Diesen Schritt ausführen",
    measured: "Jede Zahl auf dieser Seite wurde über 200 Läufe mit den Seeds 1 bis 200 gemessen. Die Lektion mit dem laufenden System misst sie in deinem Browser noch einmal.",
    answer: "Antwort",
    right: "Richtig",
    wrong: "Falsch",
    challenge: "Aufgabe",
    glossary: "Glossar",
    glossary_file: "glossary.de.html",
    page: "Die Lektion mit dem laufenden System",
};

impl Lesson {
    /// Returns the static page. `file` is the name of the lesson's file; `title_of` returns the title of a challenge in the
    /// lesson's language.
    pub fn html(&self, measurements: &Measurements, file: &str, title_of: &dyn Fn(&str) -> String) -> String {
        let page = self.page();
        let shown = |index: u32| {
            let measured = measurements.expression(index as usize).and_then(|measured| measured.figure);
            let text = measured.map_or_else(|| "?".into(), |figure| self.expressions[index as usize].shown(figure));
            self.localized(&text)
        };
        let words = if page.language == "de" { &GERMAN } else { &ENGLISH };
        Writer { page: &page, figure: &shown, file, words, title_of, out: String::new() }.write()
    }
}

struct Writer<'a> {
    page: &'a LessonPage,
    figure: &'a dyn Fn(u32) -> String,
    file: &'a str,
    words: &'a Words,
    title_of: &'a dyn Fn(&str) -> String,
    out: String,
}

impl Writer<'_> {
    fn write(mut self) -> String {
        let (page, words) = (self.page, self.words);
        self.out = head(&page.title, &page.language);
        let here = format!("../#lesson=lessons/{}", self.file);
        let _ = writeln!(self.out, "<header><h1>{}</h1>", escaped(&page.title));
        let _ = write!(self.out, "<p class=\"ways\"><a href=\"{here}\">{}</a>", words.page);
        let _ = write!(self.out, " <a href=\"{}\">{}</a>", words.glossary_file, words.glossary);
        for (language, file) in &page.translations {
            let file = file.replace(".md", ".html");
            let name = language.to_uppercase();
            let _ = write!(self.out, " <a href=\"{file}\" hreflang=\"{language}\" lang=\"{language}\">{name}</a>");
        }
        self.out.push_str("</p>\n<nav><ol>\n");
        for step in &page.steps {
            let _ = writeln!(self.out, "<li><a href=\"#{}\">{}</a></li>", step.id, escaped(&step.title));
        }
        self.out.push_str("</ol></nav></header>\n<main>\n");
        self.blocks(&page.introduction);
        let _ = writeln!(self.out, "<p class=\"muted\">{}</p>", words.measured);
        for step in &page.steps {
            let _ = writeln!(self.out, "<section id=\"{}\">\n<h2>{}</h2>", step.id, escaped(&step.title));
            let _ =
                writeln!(self.out, "<p class=\"run\"><a href=\"{here}&amp;step={}\">{}</a></p>", step.id, words.run);
            self.blocks(&step.blocks);
            self.out.push_str("</section>\n");
        }
        self.out.push_str("</main>\n</body>\n</html>\n");
        self.out
    }

    fn blocks(&mut self, blocks: &[LessonBlock]) {
        for block in blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &LessonBlock) {
        match block {
            LessonBlock::Heading(level, spans) => self.element(&format!("h{level}"), spans),
            LessonBlock::Paragraph(spans) => self.element("p", spans),
            LessonBlock::List(first, items) => {
                let (open, close) = match first {
                    Some(first) => (format!("<ol start=\"{first}\">"), "</ol>"),
                    None => ("<ul>".into(), "</ul>"),
                };
                let _ = writeln!(self.out, "{open}");
                for item in items {
                    self.out.push_str("<li>");
                    match item.as_slice() {
                        [LessonBlock::Paragraph(spans)] => self.spans(spans),
                        item => self.blocks(item),
                    }
                    self.out.push_str("</li>\n");
                }
                let _ = writeln!(self.out, "{close}");
            }
            LessonBlock::Quote(inner) => {
                self.out.push_str("<blockquote>\n");
                self.blocks(inner);
                self.out.push_str("</blockquote>\n");
            }
            LessonBlock::Table(head, rows) => self.table(head, rows),
            LessonBlock::Slider(slider) => {
                let label = vec![LessonSpan::Text(slider.label.clone())];
                let head: Vec<_> =
                    [label].into_iter().chain(slider.stops.iter().map(|(name, _)| name.clone())).collect();
                let row = |(name, cells): &(Vec<LessonSpan>, Vec<Vec<LessonSpan>>)| {
                    [name.clone()].into_iter().chain(cells.iter().cloned()).collect()
                };
                self.table(&head, &slider.rows.iter().map(row).collect::<Vec<_>>());
            }
            LessonBlock::Code(text) => {
                let _ = writeln!(self.out, "<pre><code>{}</code></pre>", escaped(text));
            }
            LessonBlock::Rule => self.out.push_str("<hr>\n"),
            LessonBlock::Listing(index) => self.listing(*index as usize),
            LessonBlock::Question(index) => {
                if let Some(question) = self.page.questions.get(*index as usize) {
                    self.question(question);
                }
            }
            LessonBlock::Scenario(_) => {}
            LessonBlock::Challenge(id, title) => {
                let (word, title) = (self.words.challenge, escaped(&(self.title_of)(title)));
                let _ = writeln!(self.out, "<p class=\"run\"><a href=\"../#challenge={id}\">{word}: {title}</a></p>");
            }
        }
    }

    fn element(&mut self, name: &str, spans: &[LessonSpan]) {
        let _ = write!(self.out, "<{name}>");
        self.spans(spans);
        let _ = writeln!(self.out, "</{name}>");
    }

    fn table(&mut self, head: &[Vec<LessonSpan>], rows: &[Vec<Vec<LessonSpan>>]) {
        self.out.push_str("<table>\n<thead><tr>");
        for cell in head {
            self.cell(if cell.is_empty() { ("<td>", "</td>") } else { ("<th scope=\"col\">", "</th>") }, cell);
        }
        self.out.push_str("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.out.push_str("<tr>");
            for (index, cell) in row.iter().enumerate() {
                self.cell(if index == 0 { ("<th scope=\"row\">", "</th>") } else { ("<td>", "</td>") }, cell);
            }
            self.out.push_str("</tr>\n");
        }
        self.out.push_str("</tbody>\n</table>\n");
    }

    fn cell(&mut self, (open, close): (&str, &str), spans: &[LessonSpan]) {
        self.out.push_str(open);
        self.spans(spans);
        self.out.push_str(close);
    }

    fn listing(&mut self, index: usize) {
        let Some(listing) = self.page.listings.get(index) else { return };
        let scenario = self.page.scenarios.get(listing.scenario as usize).map_or("", |scenario| scenario.id.as_str());
        let _ = writeln!(
            self.out,
            "<figure><figcaption>{}, {}</figcaption>",
            escaped(scenario),
            escaped(&listing.language)
        );
        self.out.push_str("<pre translate=\"no\"><code>");
        for (line, _) in &listing.lines {
            let _ = writeln!(self.out, "{}", escaped(line));
        }
        self.out.push_str("</code></pre></figure>\n");
    }

    fn question(&mut self, question: &LessonQuestion) {
        let words = self.words;
        let _ = writeln!(self.out, "<section class=\"question\">\n<h3>{}</h3>\n<ol>", escaped(&question.ask));
        for choice in &question.choices {
            let _ = writeln!(self.out, "<li>{}</li>", escaped(&choice.text));
        }
        let _ = writeln!(self.out, "</ol>\n<details><summary>{}</summary>\n<ol>", words.answer);
        for choice in &question.choices {
            let verdict = if choice.right { words.right } else { words.wrong };
            let (because, must) = (escaped(&choice.because), escaped(&choice.must));
            let _ = writeln!(self.out, "<li><b>{verdict}.</b> {because} <code>{must}</code></li>");
        }
        self.out.push_str("</ol></details>\n</section>\n");
    }

    fn spans(&mut self, spans: &[LessonSpan]) {
        for span in spans {
            match span {
                LessonSpan::Text(text) => self.out.push_str(&escaped(text)),
                LessonSpan::Emphasis(inner) => self.wrapped("<em>", inner, "</em>"),
                LessonSpan::Strong(inner) => self.wrapped("<strong>", inner, "</strong>"),
                LessonSpan::Code(text) => {
                    let _ = write!(self.out, "<code>{}</code>", escaped(text));
                }
                LessonSpan::Link(address, inner) => {
                    self.wrapped(&format!("<a href=\"{}\">", escaped(address)), inner, "</a>");
                }
                LessonSpan::StepLink(step, inner) => {
                    self.wrapped(&format!("<a href=\"#{}\">", escaped(step)), inner, "</a>");
                }
                LessonSpan::TermLink(term, inner) => {
                    let file = self.words.glossary_file;
                    let open = format!("<a class=\"term\" href=\"{file}#{}\">", escaped(term));
                    self.wrapped(&open, inner, "</a>");
                }
                LessonSpan::Figure(index) => {
                    let _ = write!(self.out, "<b class=\"figure\">{}</b>", escaped(&(self.figure)(*index)));
                }
                LessonSpan::Break => self.out.push_str("<br>"),
            }
        }
    }

    fn wrapped(&mut self, open: &str, inner: &[LessonSpan], close: &str) {
        self.out.push_str(open);
        self.spans(inner);
        self.out.push_str(close);
    }
}

fn head(title: &str, language: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self'; object-src 'none'; base-uri 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{} · Converge</title>\n\
         <link rel=\"icon\" href=\"../icon.svg\" type=\"image/svg+xml\">\n<link rel=\"stylesheet\" href=\"lessons.css\">\n\
         </head>\n<body>\n",
        escaped(title)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Returns the glossary of a language as a static page. Each term has the id by which lessons link to it.
pub fn glossary(language: Language) -> String {
    let (words, other) = match language {
        Language::English => (&ENGLISH, (&GERMAN, "de")),
        Language::German => (&GERMAN, (&ENGLISH, "en")),
    };
    let mut out = head(words.glossary, language.code());
    let (file, code) = (other.0.glossary_file, other.1);
    let _ = writeln!(out, "<header><h1>{}</h1>", words.glossary);
    let name = code.to_uppercase();
    let _ = writeln!(
        out,
        "<p class=\"ways\"><a href=\"{file}\" hreflang=\"{code}\" lang=\"{code}\">{name}</a></p></header>"
    );
    out.push_str("<main>\n");
    let mut is_open = false;
    for line in glossary_of(language).lines() {
        if let Some(title) = line.strip_prefix("## ") {
            let _ = writeln!(out, "{}<h2>{}</h2>\n<dl>", if is_open { "</dl>\n" } else { "" }, escaped(title));
            is_open = true;
        } else if let Some(row) = glossary_row(line, language) {
            let anchor =
                |(id, term): (&String, &String)| format!("<span id=\"{}\">{}</span>", escaped(id), escaped(term));
            let anchors: Vec<String> = row.ids.iter().zip(&row.terms).map(anchor).collect();
            let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", anchors.join(", "), in_code(&escaped(&row.meaning)));
        }
    }
    out.push_str(if is_open { "</dl>\n" } else { "" });
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Replaces pairs of backquotes by elements.
fn in_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { format!("<code>{part}</code>") } else { part.to_string() }).collect()
}
