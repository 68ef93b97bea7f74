//! The state that was reported to the host page. The differences from the model are the events.

use super::event::{self, HostEventName};
use crate::app::model::Model;
use crate::scenario::{Micros, Scenario};
use crate::session::protocol::{HostEvent, ServiceView};
use serde_json::{Value, json};
use std::rc::Rc;

/// Least time between two `timeUpdate`, ms of real time.
const INTERVAL: f64 = 250.0;

/// The state that was reported to the host page.
#[derive(Debug, Default)]
pub(super) struct Reported {
    document: u32,
    scenario: Option<Rc<Scenario>>,
    playing: bool,
    jumps: u32,
    at_end: bool,
    halted: bool,
    marks: usize,
    services: Vec<Rc<ServiceView>>,
    verdicts: Vec<(Value, Value)>,
    time: Option<Micros>,
    time_reported: f64,
    height: f64,
}

impl Reported {
    /// Forgets the document, so that it is reported as loaded once the engine has it.
    pub fn forget_document(&mut self) {
        self.document = 0;
    }

    /// Takes the present document with its run as reported.
    pub fn set_document(&mut self, model: &Model) {
        let (time_reported, height) = (self.time_reported, self.height);
        *self = Reported {
            document: model.document.number(),
            scenario: Some(model.document.scenario.clone()),
            playing: model.playback.playing(),
            jumps: model.playback.jumps(),
            at_end: model.playback.at_end(),
            halted: model.run.halted.is_some(),
            marks: model.run.marks.len(),
            services: model.run.services.clone(),
            verdicts: Vec::new(),
            time: Some(model.run.now),
            time_reported,
            height,
        };
    }

    /// Returns whether a height is another one than the last.
    pub fn is_new_height(&mut self, height: f64) -> bool {
        let is_new = (height - self.height).abs() >= 1.0;
        if is_new {
            self.height = height;
        }
        is_new
    }

    /// Returns the events since the last call.
    pub fn differences(&mut self, model: &Model, wall: f64, run_events: Vec<HostEvent>) -> Vec<(HostEventName, Value)> {
        let mut events = Vec::new();
        if self.document != model.document.number() {
            if !model.playback.is_settled() {
                return events;
            }
            self.set_document(model);
            events.push(("loaded", event::loaded(model)));
        }
        if self.jumps != model.playback.jumps() && model.playback.is_settled() {
            self.jumps = model.playback.jumps();
            self.marks = model.run.marks.len();
            self.at_end = model.playback.at_end();
            events.push(("seek", json!({ "t": model.run.now as f64 / 1e3 })));
        }
        if !self.scenario.as_ref().is_some_and(|seen| Rc::ptr_eq(seen, &model.document.scenario)) {
            self.scenario = Some(model.document.scenario.clone());
            events.push(("edited", json!({ "change": model.document.history.undoable() })));
        }
        if self.playing != model.playback.playing() {
            self.playing = model.playback.playing();
            events.push((if self.playing { "play" } else { "pause" }, event::clock(model)));
        }
        events.extend(run_events.iter().map(|happened| event::run_event(happened, model)));
        self.states(model, &mut events);
        self.verdicts(model, &mut events);
        self.time(model, wall, &mut events);
        events
    }

    /// Marks of the timeline, and states of replicas.
    fn states(&mut self, model: &Model, events: &mut Vec<(HostEventName, Value)>) {
        let new = model.run.marks.get(self.marks..).unwrap_or_default();
        events.extend(new.iter().filter_map(|mark| event::mark(mark, model)));
        self.marks = model.run.marks.len();
        for (index, view) in model.run.services.iter().enumerate() {
            let before = self.services.get(index);
            if before.is_some_and(|before| Rc::ptr_eq(before, view)) {
                continue;
            }
            let is_same = before.is_some_and(|before| before.state == view.state && before.behind == view.behind);
            if !is_same {
                events.push(("replicaState", event::replica_state(view, model)));
            }
        }
        self.services.clone_from(&model.run.services);
    }

    fn verdicts(&mut self, model: &Model, events: &mut Vec<(HostEventName, Value)>) {
        for verdict in model.verdicts.findings.iter().filter_map(event::verdict) {
            let (guarantee, result) = (verdict["guarantee"].clone(), verdict["result"].clone());
            match self.verdicts.iter_mut().find(|(known, _)| *known == guarantee) {
                Some((_, before)) if *before == result => continue,
                Some((_, before)) => *before = result,
                None => self.verdicts.push((guarantee, result)),
            }
            events.push(("verdict", verdict));
        }
    }

    /// The clock, at most four times a second, and the end of the run.
    fn time(&mut self, model: &Model, wall: f64, events: &mut Vec<(HostEventName, Value)>) {
        let is_due = wall - self.time_reported >= INTERVAL || !model.playback.playing();
        if self.time != Some(model.run.now) && is_due && model.playback.is_settled() {
            (self.time, self.time_reported) = (Some(model.run.now), wall);
            events.push(("timeUpdate", event::clock(model)));
        }
        if self.at_end != model.playback.at_end() {
            self.at_end = model.playback.at_end();
            if self.at_end {
                events.push(("ended", event::clock(model)));
            }
        }
        if self.halted != model.run.halted.is_some() {
            self.halted = model.run.halted.is_some();
            if self.halted {
                events.push(("halted", json!({ "t": model.run.now as f64 / 1e3, "text": model.run.halted })));
            }
        }
    }
}
