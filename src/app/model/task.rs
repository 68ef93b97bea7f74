//! Tasks: what the learner may change, hints, and the grading of the answer.

use super::{Effect, KEPT_TASKS, Model, Msg, NoticeAction, Redraw};
use crate::app::chrome::Hidden;
use crate::app::scene::NodeKind;
use crate::app::task_view::{Grading, JudgedGoal, RecordChange, TaskRecord};
use crate::scenario::{ReadOut, Scenario, Task, TaskNode, challenges};
use crate::session::protocol::grade::{GradingReport, TaskGrade};
use crate::text;
use std::rc::Rc;

/// An action of the learner on the tasks of the document.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskMsg {
    /// Show or hide the panel.
    Toggle,
    /// Go to a task, by its index.
    GoTo(usize),
    /// Show the next hint.
    Hint,
    /// Grade the drawing.
    Grade,
    /// Stop grading.
    Cancel,
    /// The engine has answered a request about the grading.
    Received(Box<GradingReport>),
    /// Return to the drawing as it was given.
    StartOver,
    /// Remove the tasks from the drawing, so that everything may be changed.
    Leave,
    /// Forget the attempts and hints of the current task.
    Forget,
    /// Bring the forgotten attempts and hints of the current task back.
    BringBack(TaskRecord),
    /// The records that the browser keeps now: another tab has changed them, or this one is about to.
    Kept(Option<String>),
    /// Copy the answer as a link.
    CopyAnswer,
    /// Use the records that the host page of an embed has kept.
    Restore(String),
}

impl Model {
    /// Returns the current task.
    pub fn task(&self) -> Option<&Task> {
        let tasks = &self.document.scenario.tasks;
        tasks.get(self.tasks.current).or(tasks.first())
    }

    /// Returns whether the panel with the tasks is visible.
    pub fn shows_task(&self) -> bool {
        let is_open = self.tasks.is_open && !self.lesson.is_open && self.failure.is_none();
        is_open && self.task().is_some() && !self.covers_text()
    }

    /// Returns whether the current task has attempts left.
    pub fn may_grade(&self) -> bool {
        self.task().is_some_and(|task| {
            let record = self.tasks.record(task);
            task.attempts.is_none_or(|granted| record.attempts < granted)
        })
    }

    /// Returns whether pasting is not allowed.
    pub(super) fn paste_is_locked(&self) -> bool {
        self.locked.paste || self.task().is_some_and(|task| !task.paste)
    }

    pub(super) fn update_task(&mut self, msg: TaskMsg, effects: &mut Vec<Effect>) {
        self.redraw = Redraw { page: true, paint: true };
        // The records may arrive before the document.
        let Some(msg) = self.receive_records(msg, effects) else { return };
        let Some(task) = self.task().cloned() else { return };
        match msg {
            TaskMsg::Toggle => {
                self.tasks.is_open = !self.shows_task();
                self.lesson.is_open &= !self.tasks.is_open;
                if self.tasks.is_open {
                    self.uncover_text();
                }
                effects.push(match self.tasks.is_open {
                    true => Effect::FocusElement("task-heading".into()),
                    false => Effect::FocusCanvas,
                });
            }
            TaskMsg::GoTo(index) => {
                self.cancel_grading();
                (self.tasks.current, self.tasks.grading) = (index, Grading::None);
            }
            TaskMsg::Hint => {
                let hint_count = task.hints.len() as u32;
                self.change_task_record(&task, effects, RecordChange::Hint { of: hint_count });
            }
            TaskMsg::Grade => {
                let start = self.task_start().filter(|_| self.may_grade() && !self.tasks.is_running());
                if let Some(start) = start {
                    self.tasks.begin(&start, self.document.scenario.clone(), &task.id);
                    effects.push(Effect::FocusElement("task-result".into()));
                }
            }
            TaskMsg::Cancel => {
                self.cancel_grading();
                self.notices.announcer.announce(text!("Grading was cancelled").into());
                effects.push(Effect::FocusElement("task-check".into()));
            }
            TaskMsg::Received(report) => {
                if let Some(grade) = self.tasks.receive(*report) {
                    self.receive_grade(&task, &grade, effects);
                }
            }
            TaskMsg::StartOver => {
                if let Some(start) = self.tasks.starts.get(&self.document.number()).cloned()
                    && self.may_edit()
                {
                    self.edit_and_announce(Scenario::clone(&start), text!("Started over").into(), effects);
                }
            }
            TaskMsg::Leave => {
                if self.may_edit() {
                    let scenario = Scenario { tasks: Vec::new(), ..Scenario::clone(&self.document.scenario) };
                    self.cancel_grading();
                    self.tasks.grading = Grading::None;
                    self.edit_and_announce(scenario, text!("Left the task").into(), effects);
                    effects.push(Effect::FocusCanvas);
                }
            }
            TaskMsg::Forget => self.forget_record(&task, effects),
            TaskMsg::BringBack(record) => self.change_task_record(&task, effects, RecordChange::Replace(record)),
            TaskMsg::Restore(_) | TaskMsg::Kept(_) => {}
            TaskMsg::CopyAnswer => effects.push(Effect::CopyAnswer(self.document.scenario.clone())),
        }
    }

    /// Receives the records of the host page or of the browser. Returns any other message.
    fn receive_records(&mut self, msg: TaskMsg, effects: &mut Vec<Effect>) -> Option<TaskMsg> {
        match msg {
            TaskMsg::Restore(records) => (self.tasks.kept, self.tasks.is_hosted) = (Some(records), true),
            TaskMsg::Kept(kept) => {
                effects.extend(self.tasks.receive_kept(kept).map(|text| Effect::Keep(KEPT_TASKS, text)));
            }
            msg => return Some(msg),
        }
        None
    }

    fn forget_record(&mut self, task: &Task, effects: &mut Vec<Effect>) {
        let forgotten = self.tasks.record(task);
        self.change_task_record(task, effects, RecordChange::Replace(TaskRecord::default()));
        self.notify(text!("The attempts and hints were forgotten.").into());
        let msg = Box::new(Msg::Task(TaskMsg::BringBack(forgotten)));
        self.notices.action = Some(NoticeAction { label: text!("Undo"), msg });
    }

    /// Returns whether the current task permits to add a node of a kind.
    pub fn may_add(&self, kind: NodeKind) -> bool {
        let node = match kind {
            NodeKind::Service => TaskNode::Service,
            NodeKind::Bus => TaskNode::Bus,
            NodeKind::Client => TaskNode::Client,
            NodeKind::Group => TaskNode::Group,
        };
        self.task().is_none_or(|task| task.palette.contains(&node))
    }

    fn cancel_grading(&mut self) {
        if let Some(request) = self.tasks.cancel() {
            self.playback.enqueue(request);
        }
    }

    /// Changes the record of a task. Another tab may have changed those that the browser keeps, so they are read first.
    fn change_task_record(&mut self, task: &Task, effects: &mut Vec<Effect>, change: RecordChange) {
        self.tasks.change_record(task, change);
        effects.push(Effect::ReadKept(KEPT_TASKS));
    }

    fn receive_grade(&mut self, task: &Task, grade: &TaskGrade, effects: &mut Vec<Effect>) {
        let judged = grade.goals.iter();
        let judged = judged.map(|goal| JudgedGoal { task: task.id.clone(), goal: goal.id.clone(), met: goal.met });
        self.tasks.judged.extend(judged);
        self.tasks.score = Some((grade.points, grade.of));
        // An answer that breaks the rules is not run, so it is no attempt.
        if grade.not_permitted.is_empty() {
            let points = grade.points;
            self.change_task_record(task, effects, RecordChange::Graded { points });
        }
        let verdict = if grade.passed { text!("Passed") } else { text!("Not passed") };
        self.notices.announcer.announce(text!("{}: {} of {} points", verdict, grade.points, grade.of));
        effects.push(Effect::FocusElement("task-result".into()));
    }

    /// Returns the drawing with which the learner began: that of the challenge, or the first one that was opened with these
    /// tasks and differs only by what they permit.
    fn task_start(&self) -> Option<Rc<Scenario>> {
        let opened = self.tasks.starts.get(&self.document.number())?;
        let is_start = |start: &&Rc<Scenario>| {
            start.tasks == opened.tasks && start.tasks.iter().all(|task| breaches(task, start, opened).is_empty())
        };
        let challenge = challenges::start_of(opened).map(Rc::new);
        let candidates = challenge.iter().chain(self.tasks.starts.values());
        Some(candidates.into_iter().find(is_start).unwrap_or(opened).clone())
    }

    /// Returns whether the current task permits an edit; if not, notifies the visitor of the reason.
    pub(super) fn task_permits(&mut self, edited: &Scenario) -> bool {
        // An edit that removes the tasks leaves them.
        let Some(task) = self.task().filter(|_| !edited.tasks.is_empty()) else { return true };
        let Some(start) = self.task_start() else { return true };
        let before = breaches(task, &start, &self.document.scenario);
        let new = breaches(task, &start, edited).into_iter().find(|breach| !before.contains(breach));
        if let Some(breach) = &new {
            self.refuse(text!("Not permitted in this task: {}.", breach));
        }
        new.is_none()
    }

    /// Adapts the page to the tasks of another document.
    pub(super) fn follow_task(&mut self) {
        self.cancel_grading();
        let (scenario, tasks) = (self.document.scenario.clone(), &mut self.tasks);
        (tasks.current, tasks.grading, tasks.score) = (0, Grading::None, None);
        tasks.is_open = !scenario.tasks.is_empty();
        if tasks.is_open {
            tasks.starts.entry(self.document.number()).or_insert(scenario);
            self.lesson.is_open = false;
        }
        self.hide_for_tasks();
    }

    /// Hides the parts of the page that the tasks of the drawing hide, and shows those that the tasks of the previous drawing
    /// hid.
    pub(super) fn hide_for_tasks(&mut self) {
        if let Some(hidden) = self.tasks.hidden_without_tasks.take() {
            self.hidden = hidden;
        }
        let scenario = self.document.scenario.clone();
        if !scenario.tasks.is_empty() {
            self.tasks.hidden_without_tasks = Some(self.hidden);
            scenario.tasks.iter().flat_map(|task| &task.hide).for_each(|part| hide(&mut self.hidden, *part));
        }
    }
}

fn hide(hidden: &mut Hidden, part: ReadOut) {
    *match part {
        ReadOut::Verdicts => &mut hidden.verdicts,
        ReadOut::Why => &mut hidden.why,
        ReadOut::Inspector => &mut hidden.inspector,
        ReadOut::Log => &mut hidden.log,
    } = true;
}

/// Returns what a drawing changed without permission, as sentences without their full stops.
fn breaches(task: &Task, start: &Scenario, drawing: &Scenario) -> Vec<String> {
    match (start.of_branch(None), drawing.of_branch(None)) {
        (Ok(start), Ok(drawing)) => task.not_permitted(&start, &drawing).iter().map(ToString::to_string).collect(),
        (Err(_), _) | (_, Err(_)) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::test_page::TestPage;
    use crate::app::model::{DocumentMsg, Msg, Opening, PanelsMsg, Sizes, ViewportMsg, update};
    use crate::app::task_view::best_points;
    use crate::scenario::PublishMode;
    use crate::scenario::challenges::find;

    const OUTBOX: PublishMode = PublishMode::Outbox { poll_ms: 100.0, batch: 10 };

    fn challenge(id: &str) -> TestPage {
        let mut page = TestPage::new();
        let scenario = find(id).expect("a challenge").scenario();
        page.update(Msg::Document(DocumentMsg::Open(Box::new(Opening::own(scenario)))));
        page
    }

    fn edit(page: &mut TestPage, change: impl FnOnce(&mut Scenario)) {
        let mut scenario = Scenario::clone(&page.model.document.scenario);
        change(&mut scenario);
        page.update(Msg::Document(DocumentMsg::Edit(Box::new(scenario))));
    }

    #[test]
    fn an_edit_that_the_task_does_not_permit_changes_nothing_and_states_the_reason() {
        let mut page = challenge("lost-event");
        let before = page.model.document.scenario.clone();
        let steps = page.model.document.history.undoable().map(String::from);
        edit(&mut page, |scenario| scenario.script.clear());
        edit(&mut page, |scenario| scenario.services[1].concurrency = 9);
        page.update(Msg::Document(DocumentMsg::Extend));
        assert_eq!(page.model.document.scenario, before);
        assert_eq!(page.model.document.history.undoable().map(String::from), steps);
        let notice = page.model.notices.notice.clone().expect("a notice");
        assert!(notice.contains("until_ms") && notice.contains("inventory.publishes"), "{notice}");
        edit(&mut page, |scenario| scenario.services[0].publishes[0].mode = OUTBOX);
        edit(&mut page, |scenario| scenario.services[1].name = "Shop".into());
        assert_eq!(page.model.document.scenario.services[0].publishes[0].mode, OUTBOX);
        assert_eq!(page.model.document.scenario.services[1].name, "Shop");
    }

    #[test]
    fn leaving_the_task_permits_everything() {
        let mut page = challenge("lost-event");
        page.update(Msg::Task(TaskMsg::Leave));
        assert!(!page.model.shows_task());
        // What the task has hidden is visible again, until undo brings the task back.
        let mut hidden = challenge("hidden-latency");
        hidden.update(Msg::Task(TaskMsg::Leave));
        assert_eq!(hidden.model.hidden, Hidden::default());
        hidden.update(Msg::Document(DocumentMsg::Undo));
        assert!(hidden.model.hidden.inspector && hidden.model.shows_task());
        edit(&mut page, |scenario| scenario.script.clear());
        assert!(page.model.document.scenario.script.is_empty());
    }

    #[test]
    fn a_task_hides_what_gives_the_answer_away_and_the_next_document_shows_it() {
        let mut page = challenge("hidden-latency");
        assert!(page.model.hidden.inspector && page.model.hidden.log && !page.model.hidden.verdicts);
        page.update(Msg::Document(DocumentMsg::OpenEmpty));
        assert_eq!(page.model.hidden, Hidden::default());
        assert!(!page.model.shows_task());
    }

    #[test]
    fn a_restored_answer_starts_from_the_challenge() {
        let mut page = challenge("lost-event");
        let mut answer = find("lost-event").expect("a challenge").scenario();
        let start = answer.clone();
        answer.services[0].publishes[0].mode = OUTBOX;
        page.update(Msg::Document(DocumentMsg::Open(Box::new(Opening::own(answer.clone())))));
        assert_eq!(page.model.task_start().as_deref(), Some(&start));
        // Another author's document with the same tasks is another start.
        answer.until_ms = 9_000.0;
        page.update(Msg::Document(DocumentMsg::Open(Box::new(Opening::own(answer.clone())))));
        assert_eq!(page.model.task_start().as_deref(), Some(&answer));
    }

    #[test]
    fn attempts_are_counted_and_their_limit_is_kept() {
        let mut page = challenge("lost-event");
        let granted = page.model.task().and_then(|task| task.attempts).expect("a limit");
        for _ in 0..granted {
            assert!(page.model.may_grade());
            page.grade();
        }
        assert!(!page.model.may_grade());
        page.update(Msg::Task(TaskMsg::Grade));
        assert!(!page.model.tasks.is_running());
        page.update(Msg::Task(TaskMsg::Forget));
        assert!(page.model.may_grade());
    }

    #[test]
    fn an_attempt_in_one_tab_does_not_remove_one_of_another_and_forgotten_ones_are_brought_back() {
        let (mut first, mut second) = (challenge("lost-event"), challenge("lost-event"));
        second.storage = first.storage.clone();
        let record = |page: &TestPage| page.model.tasks.record(page.model.task().expect("a task"));
        second.grade();
        first.update(Msg::Task(TaskMsg::Hint));
        let best = record(&second).best;
        assert_eq!(record(&first), TaskRecord { attempts: 1, hints: 1, best });
        first.update(Msg::Task(TaskMsg::Forget));
        assert_eq!(record(&first), TaskRecord::default());
        let undo = first.model.notices.action.take().expect("an action");
        first.update(*undo.msg);
        assert_eq!(record(&first), TaskRecord { attempts: 1, hints: 1, best });
        let tasks = &first.model.document.scenario.tasks;
        let of = tasks[0].goals.iter().map(|goal| goal.points).sum();
        assert_eq!(best_points(first.model.tasks.kept.as_deref(), tasks), Some((best, of)));
        assert_eq!(best_points(Some("{}"), tasks), None);
    }

    #[test]
    fn only_the_nodes_that_the_task_permits_may_be_added() {
        let mut page = challenge("lost-event");
        assert!(!page.model.may_add(NodeKind::Service));
        page.update(Msg::Task(TaskMsg::Leave));
        assert!(page.model.may_add(NodeKind::Service));
    }

    #[test]
    fn on_a_phone_task_and_inspector_close_each_other() {
        let mut page = challenge("jammed-queue");
        let sizes = Sizes { canvas: (390.0, 400.0), room: (390.0, 400.0), unit: 1.0, narrow: true, ..Sizes::default() };
        page.update(Msg::Viewport(ViewportMsg::Resized(sizes)));
        assert!(page.model.shows_task());
        page.update(Msg::Panels(PanelsMsg::InspectScenario));
        assert!(page.model.inspector_open() && !page.model.shows_task());
        page.update(Msg::Task(TaskMsg::Toggle));
        assert!(!page.model.inspector_open() && page.model.shows_task());
        page.update(Msg::Task(TaskMsg::Toggle));
        assert!(!page.model.shows_task());
    }

    #[test]
    fn a_cancelled_grading_is_no_attempt_and_its_answers_are_ignored() {
        let mut page = challenge("lost-event");
        // The engine answers the first request only after the learner has cancelled.
        let begun = update(&mut page.model, Msg::Task(TaskMsg::Grade));
        let sent = update(&mut page.model, Msg::Tick(0.0));
        page.update(Msg::Task(TaskMsg::Cancel));
        page.answer_all(begun.into_iter().chain(sent).collect());
        page.update(Msg::Tick(0.0));
        assert_eq!(page.model.tasks.grading, Grading::None);
        let task = page.model.task().cloned().expect("a task");
        assert_eq!(page.model.tasks.record(&task).attempts, 0);
        page.grade();
        let Grading::Graded(grade, _) = &page.model.tasks.grading else { panic!("{:?}", page.model.tasks.grading) };
        assert!(!grade.passed && grade.complete);
        assert_eq!(page.model.tasks.judged.len(), grade.goals.len());
    }
}
