//! The command palette: every action, example, template and card, found by typing a part of its name.

use super::actions::{ACTIONS, ActionId};
use super::canvas_item::CanvasItem;
use super::model::{DocumentMsg, Model, Msg, PanelsMsg, SelectionMsg};
use super::templates::TEMPLATES;
use super::texts::{language, of_document};
use crate::scenario::challenges::CHALLENGES;
use crate::scenario::examples::EXAMPLES;
use crate::text;

/// An entry of the command palette.
#[derive(Clone, Debug)]
pub struct PaletteCommand {
    /// Its text.
    pub label: String,
    /// Further words that find it: the label of an action's button, or what an example shows.
    pub other_words: &'static str,
    /// Its shortcuts.
    pub keys: String,
    /// The messages that it sends, in order.
    pub msgs: Vec<Msg>,
}

impl PaletteCommand {
    fn new(label: String, msg: Msg) -> PaletteCommand {
        PaletteCommand { label, other_words: "", keys: String::new(), msgs: vec![msg] }
    }
}

/// Returns the id of the element that an action opens beside the canvas.
fn panel(id: ActionId) -> Option<&'static str> {
    let panels = [ActionId::Branches, ActionId::Verdicts, ActionId::Log];
    let others = [(ActionId::EditScenario, "inspector"), (ActionId::Lesson, "lesson"), (ActionId::Diagram, "diagram")];
    let other = || others.into_iter().find_map(|(other, element)| (other == id).then_some(element));
    if panels.contains(&id) { Some("panel") } else { other() }
}

/// Returns everything that can be done now.
pub fn commands(model: &Model) -> Vec<PaletteCommand> {
    // These act on a key of the canvas, or open the palette itself.
    let is_offered = |id: ActionId| !matches!(id, ActionId::Commands | ActionId::Select | ActionId::Cancel);
    let actions = ACTIONS.iter().filter(|action| is_offered(action.id) && (action.is_enabled)(model));
    let actions = actions.map(|action| {
        let focus = panel(action.id).map(|id| Msg::Panels(PanelsMsg::Focus(id)));
        let msgs = [(action.msg)()].into_iter().chain(focus).collect();
        PaletteCommand { label: action.help().into(), other_words: action.label(), keys: action.keys(), msgs }
    });
    let templates = TEMPLATES.iter().filter(|_| model.mode.edits()).map(|template| {
        let msg = Msg::Document(DocumentMsg::AddTemplate(template.id.into()));
        PaletteCommand::new(text!("Add a template: {}", template.label.get()), msg)
    });
    let examples = EXAMPLES.iter().map(|example| {
        let msg = Msg::Document(DocumentMsg::OpenNamed(format!("ex={}", example.id)));
        let other_words = of_document(example.shows, language());
        PaletteCommand { other_words, ..PaletteCommand::new(text!("Open the example {}", example.id), msg) }
    });
    let challenges = CHALLENGES.iter().map(|challenge| {
        let msg = Msg::Document(DocumentMsg::OpenNamed(format!("challenge={}", challenge.id)));
        PaletteCommand::new(text!("Open the challenge {}", challenge.id), msg)
    });
    let cards = model.scene.nodes.iter().map(|node| {
        let select = Msg::Selection(SelectionMsg::Select(Some(CanvasItem::Node(node.id.to_string()))));
        let focus = Msg::Selection(SelectionMsg::FocusCard(node.id.to_string()));
        let mut command = PaletteCommand::new(text!("Select {}", node.name), select);
        command.msgs.push(focus);
        command
    });
    actions.chain(templates).chain(examples).chain(challenges).chain(cards).collect()
}

/// Returns the commands whose texts contain all words of a text, those that begin with it first.
pub fn found<'a>(commands: &'a [PaletteCommand], text: &str) -> Vec<&'a PaletteCommand> {
    let text = text.trim().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let matches = |command: &&PaletteCommand| {
        let (label, other_words) = (command.label.to_lowercase(), command.other_words.to_lowercase());
        words.iter().all(|word| label.contains(word) || other_words.contains(word))
    };
    let mut found: Vec<&PaletteCommand> = commands.iter().filter(matches).collect();
    let rank = |command: &&PaletteCommand| {
        let begins = |name: &str| name.to_lowercase().starts_with(&text);
        let is_in_label = command.label.to_lowercase().contains(&text);
        let is_same = command.label.to_lowercase() == text;
        (!is_same, !begins(&command.label), !begins(command.other_words), !is_in_label)
    };
    found.sort_by_key(rank);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::update;

    #[test]
    fn commands_are_found_by_parts_of_their_names() {
        let mut model = Model::default();
        update(&mut model, Msg::Document(DocumentMsg::OpenFirst));
        let all = commands(&model);
        let first = |text: &str| found(&all, text).first().map(|command| command.label.clone());
        assert_eq!(first("undo"), None, "there is nothing to undo");
        assert_eq!(first("heal all faults").as_deref(), Some("Heal all faults"), "the exact name first");
        assert_eq!(first("service add").as_deref(), Some("Add a service"));
        assert_eq!(first("example outbox").as_deref(), Some("Open the example outbox"));
        assert_eq!(first("select notif").as_deref(), Some("Select Notification"));
        assert!(found(&all, "").len() == all.len());
        assert_eq!(first("open the example lost-event").as_deref(), Some("Open the example lost-event"));
        assert!(first("a cut link only delays").is_some_and(|label| label.ends_with("inventory-notification")));
    }

    #[test]
    fn each_command_is_found_by_the_label_of_its_button() {
        let mut model = Model::default();
        update(&mut model, Msg::Document(DocumentMsg::OpenFirst));
        let all = commands(&model);
        for action in ACTIONS.iter().filter(|action| all.iter().any(|command| command.label == action.help())) {
            let labels: Vec<&str> = found(&all, action.label()).iter().take(4).map(|command| &*command.label).collect();
            assert!(labels.contains(&action.help()), "{}: {labels:?}", action.label());
        }
    }
}
