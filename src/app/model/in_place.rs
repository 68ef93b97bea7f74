//! Values and latencies that are edited on the canvas. At the start of a run, a value is a part of the drawing; later it is
//! written to the running system. Each edit is one step of undo.

use super::{CanvasItem, Effect, Model};
use crate::app::edit;
use crate::app::fields::{self, FieldKind};
use crate::app::{drawing, latency_text};
use crate::scenario::{Command, Operation, Scenario, Value};
use crate::text;

/// A text on the canvas that can be edited there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InPlace {
    /// The value of a key at a service.
    Value {
        /// The service.
        node: String,
        /// The key.
        key: String,
    },
    /// The latency of a link.
    Latency {
        /// The node at its start.
        from: String,
        /// The node at its end.
        to: String,
    },
}

/// Edits a value or a latency on the canvas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InPlaceMsg {
    /// Start to edit.
    Start(InPlace),
    /// Start to edit the first value of the selected cards, or else of the focused one.
    StartFocused,
    /// Keep the typed text.
    Finish {
        /// The edited text.
        edited: InPlace,
        /// The text.
        text: String,
        /// The number of values by which the edit moves on; 0 ends it.
        step: i32,
        /// Whether the field has lost the focus, so that it closes even if the text is refused.
        leaves: bool,
    },
    /// Discard the typed text.
    Cancel,
}

impl Model {
    pub(super) fn update_in_place(&mut self, msg: InPlaceMsg, effects: &mut Vec<Effect>) {
        self.redraw.page = true;
        match msg {
            InPlaceMsg::Start(edited) => self.start_in_place(edited),
            InPlaceMsg::StartFocused => self.start_focused(),
            // A field that disappears loses the focus, too.
            InPlaceMsg::Finish { edited, .. } if self.selection.editing.as_ref() != Some(&edited) => {}
            InPlaceMsg::Finish { edited, text, step, leaves } => {
                match self.keep_in_place(&edited, &text, effects) {
                    Err(why) if !leaves => return self.refuse(why),
                    Err(why) => self.refuse(text!("{} Nothing was changed.", why)),
                    Ok(()) => {}
                }
                self.selection.editing = self.next_in_place(&edited, step);
                if self.selection.editing.is_none() && !leaves {
                    self.focus_after(edited, effects);
                }
            }
            InPlaceMsg::Cancel => {
                if let Some(edited) = self.selection.editing.take() {
                    self.focus_after(edited, effects);
                }
            }
        }
    }

    fn focus_after(&self, edited: InPlace, effects: &mut Vec<Effect>) {
        effects.push(match edited {
            InPlace::Value { node, .. } => Effect::Focus(node),
            InPlace::Latency { .. } => Effect::FocusCanvas,
        });
    }

    pub(super) fn start_in_place(&mut self, edited: InPlace) {
        let may = match &edited {
            InPlace::Value { node, key } if self.edits_document(node, key) => self.may_edit(),
            InPlace::Value { .. } => self.may_publish(),
            InPlace::Latency { .. } => self.may_edit(),
        };
        if may {
            let cards = match &edited {
                InPlace::Value { node, .. } => vec![node.clone()],
                InPlace::Latency { from, to } => vec![from.clone(), to.clone()],
            };
            self.reveal_cards(&cards);
            self.selection.editing = Some(edited);
            self.redraw.page = true;
        }
    }

    fn start_focused(&mut self) {
        let first = self.target_nodes().into_iter().find_map(|node| {
            let key = self.keys_on_card(&node).into_iter().next()?;
            Some(InPlace::Value { node, key })
        });
        match first {
            Some(first) => self.start_in_place(first),
            None if self.target_nodes().is_empty() => self.refuse(text!("Select a card first.").into()),
            None => self.refuse(text!("This card shows no value that could be edited.").into()),
        }
    }

    /// Returns the keys of the values that a card shows.
    fn keys_on_card(&self, id: &str) -> Vec<String> {
        let view = self.scene.find(id).and_then(|node| self.run.services.get(node));
        view.into_iter().flat_map(|view| &view.rows).map(|row| row.key.clone()).collect()
    }

    fn next_in_place(&self, edited: &InPlace, step: i32) -> Option<InPlace> {
        let InPlace::Value { node, key } = edited else { return None };
        let keys = self.keys_on_card(node);
        let at = keys.iter().position(|other| other == key)? as i32;
        let next = (step != 0).then(|| keys[(at + step).rem_euclid(keys.len() as i32) as usize].clone())?;
        Some(InPlace::Value { node: node.clone(), key: next })
    }

    /// Returns the present text of the edited field.
    pub fn text_in_place(&self, edited: &InPlace) -> String {
        match edited {
            InPlace::Value { node, key } => {
                let view = self.scene.find(node).and_then(|node| self.run.services.get(node));
                let row = view.and_then(|view| view.rows.iter().find(|row| row.key == *key));
                row.and_then(|row| row.value.as_ref()).map(ToString::to_string).unwrap_or_default()
            }
            InPlace::Latency { from, to } => latency_text::typed(self.document.scenario.latency(from, to)),
        }
    }

    /// Describes the edited field: "Value of widget at Inventory".
    pub fn label_in_place(&self, edited: &InPlace) -> String {
        let name = |id: &str| drawing::name(&self.document.scenario, id).to_string();
        match edited {
            InPlace::Value { node, key } if self.edits_document(node, key) => {
                text!("Value of {} at {} at the start", key, name(node))
            }
            InPlace::Value { node, key } => text!("Write a value of {} at {} now", key, name(node)),
            InPlace::Latency { from, to } => text!("Latency between {} and {}", name(from), name(to)),
        }
    }

    /// Returns whether the value of a key is that of the drawing: at the start of the run.
    fn edits_document(&self, node: &str, key: &str) -> bool {
        let service = self.document.scenario.services.iter().find(|service| service.id == node);
        let is_own = self.mode.edits() && !self.locked.drawing && self.document.origin == super::Origin::Own;
        is_own && self.run.now == 0 && service.is_some_and(|service| service.data.contains_key(key))
    }

    fn keep_in_place(&mut self, edited: &InPlace, text: &str, effects: &mut Vec<Effect>) -> Result<(), String> {
        let text = text.trim();
        if text == self.text_in_place(edited) {
            return Ok(());
        }
        match edited {
            InPlace::Latency { from, to } => {
                let latency = latency_text::parsed(text, self.document.scenario.latency(from, to))?;
                let changed = latency_text::with_latency(&self.document.scenario, from, to, latency);
                let link = CanvasItem::Link { from: from.clone(), to: to.clone() };
                let change = text!("Changed the latency of {}", self.describe_items(&[link].into()));
                self.edit_and_announce(edit::validated(changed)?, change, effects);
            }
            InPlace::Value { .. } if text.is_empty() || text.chars().count() > 80 => {
                return Err(text!("Enter a value of 1 to 80 characters.").into());
            }
            InPlace::Value { node, key } if self.edits_document(node, key) => {
                let changed = self.with_value(node, key, text)?;
                self.edit_and_announce(changed, text!("Changed {}", key), effects);
            }
            InPlace::Value { node, key } => {
                let operation = Operation::Write { key: key.clone(), value: Value::from_typed(text) };
                let command = Command::Operate { service: node.clone(), operation, poison: false };
                let change = self.describe_command(&command);
                self.notices.announcer.announce(change.clone());
                self.execute_live([command], change);
            }
        }
        Ok(())
    }

    /// Returns the drawing with another value of a key. Where copies must start with the same value, all of them change.
    fn with_value(&self, node: &str, key: &str, text: &str) -> Result<Scenario, String> {
        let scenario = &self.document.scenario;
        let value = fields::parse(&FieldKind::Value, text)?;
        let value: Value = serde_json::from_value(value).map_err(|problem| problem.to_string())?;
        let changed = |includes: &dyn Fn(&str) -> bool| {
            let mut changed = Scenario::clone(scenario);
            for service in changed.services.iter_mut().filter(|service| includes(&service.id)) {
                if let Some(data) = service.data.get_mut(key) {
                    *data = value.clone();
                }
            }
            edit::validated(changed)
        };
        changed(&|id| id == node).or_else(|_| changed(&|_| true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::test_page::TestPage;
    use crate::app::model::{DocumentMsg, Msg, PlaybackMsg};
    use crate::scenario::Latency;

    fn value() -> InPlace {
        InPlace::Value { node: "inventory".into(), key: "widget".into() }
    }

    fn finish(page: &mut TestPage, text: &str) {
        let edited = page.model.selection.editing.clone().expect("something is edited");
        page.update(Msg::InPlace(InPlaceMsg::Finish { edited, text: text.into(), step: 0, leaves: false }));
    }

    fn shown(page: &TestPage) -> String {
        page.model.text_in_place(&value())
    }

    #[test]
    fn a_value_is_edited_in_the_drawing_at_the_start_and_written_later() {
        let mut page = TestPage::new();
        page.update(Msg::InPlace(InPlaceMsg::Start(value())));
        finish(&mut page, "60");
        assert!(page.model.document.scenario.services.iter().all(|service| service.data["widget"] == Value::Int(60)));
        assert_eq!((shown(&page), page.model.selection.editing.clone()), ("60".into(), None));
        assert!(page.effects.contains(&Effect::Focus("inventory".into())));
        page.update(Msg::Playback(PlaybackMsg::Seek(1_000_000)));
        page.update(Msg::InPlace(InPlaceMsg::Start(value())));
        finish(&mut page, "70");
        assert_eq!(page.model.document.scenario.services[0].data["widget"], Value::Int(60));
        let live = &page.model.branches.list[page.model.branches.current as usize].script;
        assert!(matches!(
            &live[0].command,
            Command::Operate { operation: Operation::Write { value: Value::Int(70), .. }, .. }
        ));
        page.update(Msg::Document(DocumentMsg::Undo));
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!(page.model.document.scenario.services[0].data["widget"], Value::Int(50));
    }

    #[test]
    fn a_refused_latency_stays_in_the_field_with_the_reason() {
        let mut page = TestPage::new();
        let edited = InPlace::Latency { from: "inventory".into(), to: "stock_updated".into() };
        page.update(Msg::InPlace(InPlaceMsg::Start(edited.clone())));
        finish(&mut page, "fast");
        assert_eq!(page.model.selection.editing, Some(edited.clone()));
        assert!(page.model.notices.notice.as_ref().is_some_and(|why| why.contains("300–600 ms")));
        finish(&mut page, "1–2 s");
        let expected = Latency::Uniform { low_ms: 1000.0, high_ms: 2000.0 };
        assert_eq!(*page.model.document.scenario.latency("inventory", "stock_updated"), expected);
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!(page.model.text_in_place(&edited), "150–250 ms");
    }

    #[test]
    fn escape_changes_nothing() {
        let mut page = TestPage::new();
        let before = page.model.document.scenario.clone();
        page.update(Msg::InPlace(InPlaceMsg::Start(value())));
        page.update(Msg::InPlace(InPlaceMsg::Cancel));
        assert_eq!((page.model.selection.editing.clone(), &page.model.document.scenario), (None, &before));
        assert!(!page.model.document.can_undo());
    }
}
