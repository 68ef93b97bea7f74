//! Lessons.

use super::{Target, hostile};
use crate::random::Random;
use crate::text;
use converge::lessons::LESSONS;
use converge::lessons::lesson::{Lesson, LessonDesk, Measurements};
use converge::session::protocol::lesson::{LessonQuery, LessonReport};

pub const TARGET: Target = Target { name: "lessons", seeds, change, check, memory: 64 << 20 };

const HEAD: &str = "---\nlesson: 1\nid: a\ntitle: A\n---\n";

const WORDS: &[&str] = &[
    "---\n",
    "lesson: 1\n",
    "id: ",
    "language: de\n",
    "translations: de=a.md",
    "\n## A {#a}\n",
    "\n# ",
    "```scenario a ex=outbox\n```\n",
    "```json scenario a\n{\"converge\": 1}\n```\n",
    "```question q\n",
    "```challenge\noversold-item\n```\n",
    "```python of=a\n",
    "# @message_sent a",
    "{{a: ",
    " <= 1}}",
    " %}}",
    "{{",
    "}}",
    "[x](#term-stale)",
    "[x](#a)",
    "[x](javascript:alert(1))",
    "![x](y)",
    "<b onclick=x>",
    "| a | b |\n|---|---|\n",
    "> ",
    "- ",
    "1. ",
    "* * *\n",
    "**",
    "_",
    "`",
    "\\",
    "&lt;",
    "branch=",
    "seed=",
    "until=",
    "opens",
    "compare=",
    "step=",
];

/// Elements and attributes of the static page. Anything else was written by the lesson.
const ELEMENTS: &[&str] = &[
    "!doctype",
    "html",
    "head",
    "meta",
    "title",
    "link",
    "body",
    "header",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "p",
    "a",
    "nav",
    "ol",
    "ul",
    "li",
    "main",
    "section",
    "blockquote",
    "table",
    "thead",
    "tbody",
    "tr",
    "td",
    "th",
    "pre",
    "code",
    "hr",
    "figure",
    "figcaption",
    "details",
    "summary",
    "b",
    "em",
    "strong",
    "br",
];

fn seeds() -> Vec<String> {
    let mut seeds = hostile("lesson");
    for (_, lesson) in LESSONS {
        // Each part becomes a lesson, because a whole one needs more time. Its scenarios come first.
        let (before, _) = lesson.split_once("\n## ").unwrap_or((lesson, ""));
        let body = before.splitn(3, "---").nth(2).unwrap_or_default();
        for part in lesson.split("\n## ").skip(1) {
            let scenarios = body.find("```").map_or("", |start| &body[start..]);
            let seed = format!("{HEAD}{scenarios}\n## {part}");
            // Long texts and many scenarios need more time.
            seeds.extend((seed.len() < 2000).then_some(seed));
        }
    }
    seeds.push(format!("{HEAD}\n## A {{#a}}\n\ntext\n"));
    seeds.push(format!(
        "{HEAD}\n```scenario a ex=first-update until=400\n```\n\n## A {{#a}}\n\n*One* of {{{{a: messages}}}} and \
         {{{{a: runs(converged) <= 1 %}}}}, [x](#a).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python of=a\nf()  # @message_sent inventory\n```\n"
    ));
    seeds
}

fn change(lesson: &str, donor: &str, random: &mut Random) -> String {
    text::changed(lesson, donor, WORDS, random)
}

fn check(input: &str) -> Result<String, String> {
    let lesson = match Lesson::parse(input) {
        Ok(lesson) => lesson,
        Err(errors) => {
            let first = errors.first().ok_or("it is refused without an error")?;
            return match (1..=input.lines().count().max(1)).contains(&first.line) {
                true => Ok(first.problem.clone()),
                false => Err(format!("the error is in line {}, which does not exist", first.line)),
            };
        }
    };
    let measurements = Measurements::default();
    let text = lesson.text(&measurements);
    let html = lesson.html(&measurements, "a.md", &|title| title.to_string());
    only_known_elements(&html)?;
    let opened = LessonDesk::default().answer(LessonQuery::Open { text: input.into() }, &mut || false);
    let LessonReport::Opened(page) = opened else { return Err("the page refuses it".into()) };
    if page.steps.len() != lesson.steps.len() {
        return Err("the page has other steps".into());
    }
    let kinds = [page.scenarios.len(), page.figures.len(), page.questions.len(), page.listings.len(), page.terms.len()];
    let kinds: Vec<&str> = kinds.iter().map(|count| if *count > 0 { "some" } else { "no" }).collect();
    Ok(format!("valid {} {}", kinds.join(" "), text.lines().count().min(1)))
}

fn only_known_elements(html: &str) -> Result<(), String> {
    for part in html.split('<').skip(1) {
        let part = part.trim_start_matches('/');
        let name: String = part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '!').collect();
        let attributes = part.split('>').next().unwrap_or_default().to_ascii_lowercase();
        if !ELEMENTS.contains(&name.as_str()) {
            return Err(format!("the static page has an element \"{name}\""));
        }
        if attributes.contains("\"javascript:") || attributes.contains("\" on") {
            return Err(format!("the static page has the attributes \"{}\"", attributes.replace('"', "'")));
        }
    }
    Ok(())
}
