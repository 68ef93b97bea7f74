//! The tasks of the document: what to do, the goals, hints, and the grade of the answer.

use crate::app::browser::address;
use crate::app::model::{LessonMsg, Model, Msg, TaskMsg};
use crate::app::playback::clock;
use crate::app::task_view::{Grading, TaskRecord, figure_text};
use crate::app::texts::{language, of_document};
use crate::app::titles::shown_title;
use crate::app::ui::icons::{Icon, icon};
use crate::app::{drawing, fields};
use crate::scenario::{Goal, Scenario, Task, TaskNode, challenges, micros};
use crate::session::first_halt::FirstHalt;
use crate::session::protocol::grade::{FailedRun, GoalGrade, TaskGrade};
use crate::text;
use std::rc::Rc;
use yew::prelude::*;

/// The data from which the parts of the panel are drawn.
#[derive(Clone, Copy)]
struct View<'a> {
    model: &'a Model,
    document: &'a Scenario,
    task: &'a Task,
    record: TaskRecord,
    send: &'a Callback<Msg>,
}

/// Draws the tasks of the document.
pub fn draw(model: &Model, send: &Callback<Msg>) -> Html {
    let Some(task) = model.task() else { return html! {} };
    let document = &*model.document.scenario;
    let record = model.tasks.record(task);
    View { model, document, task, record, send }.draw()
}

impl View<'_> {
    fn on(self, msg: TaskMsg) -> Callback<MouseEvent> {
        self.send.reform(move |_| Msg::Task(msg.clone()))
    }

    fn draw(self) -> Html {
        let title = if self.task.title.is_empty() { &self.document.title } else { &self.task.title };
        let text = of_document(&self.task.text, language());
        let paragraphs = text.split("\n\n").filter(|text| !text.trim().is_empty());
        html! {
            <section class={classes!("lesson", "task", self.model.lesson.is_large.then_some("large"))} aria-labelledby="task-heading">
                <header>
                    <h2 id="task-heading" tabindex="-1">{ shown_title(title) }</h2>
                    <span class="grow"></span>
                    { super::enlarge_button(self.model.lesson.is_large, (text!("Show more of the text"), text!("Show less of the text")), self.send.reform(|_| Msg::Lesson(LessonMsg::Enlarge))) }
                    <button class="icon small" title={text!("Close the task")} aria-label={text!("Close the task")} onclick={self.on(TaskMsg::Toggle)}>{ icon(Icon::Close) }</button>
                </header>
                { self.tabs() }
                <div class="lesson-text">
                    { for paragraphs.map(|text| html! { <p>{ text.to_string() }</p> }) }
                    <h3>{ text!("Goals") }</h3>
                    <ul class="task-goals">{ for self.task.goals.iter().map(|goal| self.goal(goal)) }</ul>
                    { self.check() }
                    { self.result() }
                    <h3>{ text!("You may change") }</h3>
                    { self.permitted() }
                    { self.hints() }
                    { self.further_actions() }
                </div>
            </section>
        }
    }

    fn tabs(self) -> Html {
        if self.document.tasks.len() < 2 {
            return html! {};
        }
        let tab = |(index, task): (usize, &Task)| {
            let is_current = task.id == self.task.id;
            let title = if task.title.is_empty() { &task.id } else { &task.title };
            html! { <button key={index} role="tab" aria-selected={is_current.to_string()} onclick={self.on(TaskMsg::GoTo(index))}>{ shown_title(title) }</button> }
        };
        html! { <div class="lesson-tabs" role="tablist" aria-label={text!("Tasks")}>{ for self.document.tasks.iter().enumerate().map(tab) }</div> }
    }

    fn goal(self, goal: &Goal) -> Html {
        let judged = match &self.model.tasks.grading {
            Grading::Graded(grade, _) => {
                grade.goals.iter().find(|judged| judged.id == goal.id).map(|judged| (judged, grade))
            }
            Grading::None | Grading::Running { .. } | Grading::Impossible(_) => None,
        };
        let (class, mark, word) = match judged {
            None => ("open", "○", text!("not checked")),
            Some((judged, _)) if judged.met => ("met", "✓", text!("met")),
            Some(_) => ("missed", "✗", text!("not met")),
        };
        let points = if goal.points == 1 { text!("1 point").to_string() } else { text!("{} points", goal.points) };
        let text = if goal.text.is_empty() { &goal.must } else { of_document(&goal.text, language()) };
        html! {
            <li key={goal.id.clone()} class={class} data-goal={goal.id.clone()}>
                <span class="mark" aria-hidden="true">{ mark }</span><span class="sr">{ format!("{word}: ") }</span>
                <div>
                    <span>{ text }</span>{ " " }<span class="muted small">{ points }</span>
                    <code>{ &goal.must }</code>
                    if let Some((judged, grade)) = judged {
                        if grade.not_permitted.is_empty() { <span class="small">{ figure_text(judged, grade, self.document) }</span> }
                        { failed_run(judged) }
                    }
                </div>
            </li>
        }
    }

    fn check(self) -> Html {
        if let Grading::Running { runs, of } = self.model.tasks.grading {
            let text = if of == 0 { text!("Checking…").to_string() } else { text!("Run {} of {}", runs, of) };
            return html! {
                <p class="task-check" id="task-result" tabindex="-1">
                    <label>{ text }<progress max={of.max(1).to_string()} value={runs.to_string()}></progress></label>
                    <button class="line" onclick={self.on(TaskMsg::Cancel)}>{ text!("Cancel") }</button>
                </p>
            };
        }
        if !self.model.mode.edits() && !self.model.document.can_undo() {
            return html! {
                <p class="task-check">
                    <span>{ text!("Nothing can be changed here: this embed has no editor.") }</span>
                    <a href={address::playground()} target="_blank" rel="noopener">{ text!("Open the task in the playground") }</a>
                </p>
            };
        }
        let best = (self.record.attempts > 0).then(|| {
            let all: u32 = self.task.goals.iter().map(|goal| goal.points).sum();
            text!("Best so far: {} of {} points", self.record.best, all)
        });
        let attempts = self.task.attempts.map(|granted| {
            let left = granted.saturating_sub(self.record.attempts);
            text!("{} of {} attempts left", left, granted)
        });
        html! {
            <p class="task-check">
                <button id="task-check" class="primary" disabled={!self.model.may_grade()} onclick={self.on(TaskMsg::Grade)}>{ text!("Check the answer") }</button>
                <span class="muted small">{ text!("{} runs with different seeds", self.task.runs) }if let Some(attempts) = attempts { { ". " }{ attempts }{ "." } }if let Some(best) = best { { " " }{ best }{ "." } }</span>
            </p>
        }
    }

    fn result(self) -> Html {
        match &self.model.tasks.grading {
            Grading::None | Grading::Running { .. } => html! {},
            Grading::Impossible(why) => {
                html! { <p id="task-result" tabindex="-1" class="err" role="alert">{ text!("The answer was not graded: {}", why) }</p> }
            }
            Grading::Graded(grade, answer) => self.graded(grade, answer),
        }
    }

    fn graded(self, grade: &TaskGrade, answer: &Rc<Scenario>) -> Html {
        let is_of_another = !Rc::ptr_eq(answer, &self.model.document.scenario) && **answer != *self.document;
        let (class, word) = if grade.passed { ("right", text!("Passed")) } else { ("wrong", text!("Not passed yet")) };
        html! {
            <div class="task-result">
                if let Some(FirstHalt { seed, why }) = &grade.first_halt {
                    <p class="err" role="alert">{ text!("Halted: {} of {} runs, so no goal is met. With seed {}, {}", grade.halted, grade.runs, seed, why) }</p>
                }
                <p id="task-result" tabindex="-1" class={classes!("verdict-line", class)}>{ text!("{}: {} of {} points", word, grade.points, grade.of) }</p>
                if is_of_another { <p class="small">{ text!("The drawing has changed since. Check it again.") }</p> }
                if !grade.not_permitted.is_empty() {
                    <p>{ text!("No run was made, because the task does not permit these changes:") }</p>
                    <ul>{ for grade.not_permitted.iter().map(|refused| html! { <li><code>{ &refused.path }</code>{ ": " }{ &refused.expected }</li> }) }</ul>
                }
                <p><button class="small line" onclick={self.on(TaskMsg::CopyAnswer)}>{ text!("Copy a link to the answer") }</button></p>
                <p class="muted small">{ text!("The command line gives the same grade; LINK is the link to the answer:") }{ " " }<code>{ self.command() }</code>{ ". " }{ text!("Digest of all runs:") }{ " " }<code>{ &grade.digest }</code></p>
            </div>
        }
    }

    /// Returns the command that grades the answer. Another document is a file, as the visitor saves it.
    fn command(self) -> String {
        match challenges::start_of(self.document) {
            Some(start) => format!("converge grade challenge={} --answer 'LINK'", start.tasks[0].id),
            None => format!("converge grade FILE --answer 'LINK' --task {}", self.task.id),
        }
    }

    /// Draws the list of the permitted changes, with the names of the nodes.
    fn permitted(self) -> Html {
        let rule = |rule: &String| {
            let (id, field) = rule.split_once('.').unwrap_or((rule, ""));
            let is_node = self.document.ids().any(|known| known == id);
            let name = if is_node { drawing::name(self.document, id).to_string() } else { rule.replace('_', " ") };
            match (is_node, field.is_empty()) {
                (true, true) => html! { <li>{ name }{ ": " }{ text!("everything") }</li> },
                (true, false) => {
                    html! { <li>{ name }{ ": " }{ fields::names_of(self.document, id, rule).join(", ") }{ " " }<code>{ field.to_string() }</code></li> }
                }
                (false, _) => html! { <li><code>{ name }</code></li> },
            }
        };
        let added = self.task.palette.iter().map(|kind| match kind {
            TaskNode::Service => text!("Services may be added"),
            TaskNode::Bus => text!("Event buses may be added"),
            TaskNode::Client => text!("Clients may be added"),
            TaskNode::Group => text!("Replica groups may be added"),
        });
        html! {
            <ul>
                { for self.task.change.iter().map(rule) }
                { for added.map(|text| html! { <li>{ text }</li> }) }
                if self.task.faults { <li>{ text!("Faults may be added to the script") }</li> }
                <li>{ text!("Names and positions") }</li>
            </ul>
        }
    }

    fn hints(self) -> Html {
        if self.task.hints.is_empty() {
            return html! {};
        }
        let (shown, all) = (self.record.hints as usize, self.task.hints.len());
        html! {
            <>
                <h3>{ text!("Hints") }</h3>
                <ol class="task-hints" aria-live="polite">{ for self.task.hints.iter().take(shown).map(|hint| html! { <li>{ of_document(hint, language()) }</li> }) }</ol>
                if shown < all { <button class="line" onclick={self.on(TaskMsg::Hint)}>{ text!("Show hint {} of {}", shown + 1, all) }</button> }
            </>
        }
    }

    fn further_actions(self) -> Html {
        if !self.model.mode.edits() {
            return html! {};
        }
        let is_kept = self.record != TaskRecord::default();
        html! {
            <p class="actions task-ways">
                <button class="line" onclick={self.on(TaskMsg::StartOver)}>{ text!("Start over") }</button>
                if !self.model.mode.is_embed() {
                    <button class="line" title={text!("Remove the task from this drawing, so that everything may be changed")} onclick={self.on(TaskMsg::Leave)}>{ text!("Edit freely") }</button>
                    if is_kept { <button class="line" title={text!("Forget the attempts and hints that this browser keeps")} onclick={self.on(TaskMsg::Forget)}>{ text!("Forget attempts") }</button> }
                }
            </p>
        }
    }
}

/// Draws why a goal is not met, with a link to the run that shows it.
fn failed_run(goal: &GoalGrade) -> Html {
    let Some(FailedRun { seed, at_ms, because, link }) = &goal.failure else { return html! {} };
    let text = text!("Seed {} at {}: {}", seed, clock(micros(*at_ms)), because);
    html! {
        <span class="small failed-run">
            { text }
            if let Some(link) = link { { " " }<a href={format!("{}#{link}", address::page())} target="_blank" rel="noopener">{ text!("See this run") }<span class="sr">{ " (" }{ text!("opens a new tab") }{ ")" }</span></a> }
        </span>
    }
}
