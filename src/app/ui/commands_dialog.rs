//! The dialog of the command palette.

use super::dialogs::Modal;
use crate::app::command_palette::{PaletteCommand, found};
use crate::app::model::{Msg, PanelsMsg};
use crate::text;
use std::rc::Rc;
use web_sys::{Element, HtmlElement, HtmlInputElement};
use yew::prelude::*;

/// The maximum number of shown commands.
const MAX_SHOWN: usize = 60;

/// Properties of [`CommandsDialog`].
#[derive(Clone, Properties)]
pub struct CommandsDialogProps {
    /// Everything that can be done now.
    pub commands: Rc<Vec<PaletteCommand>>,
    /// Receives messages.
    pub send: Callback<Msg>,
}

impl PartialEq for CommandsDialogProps {
    fn eq(&self, other: &Self) -> bool {
        // Commands with equal labels send equal messages.
        let labels = |props: &Self| props.commands.iter().map(|command| command.label.clone()).collect::<Vec<String>>();
        labels(self) == labels(other)
    }
}

/// The dialog: a field to type in, and the commands that contain the typed words.
#[component]
pub fn CommandsDialog(props: &CommandsDialogProps) -> Html {
    let (typed, chosen, input, list) = (use_state(String::new), use_state(|| 0usize), use_node_ref(), use_node_ref());
    use_effect_with(input.clone(), |input| {
        if let Some(input) = input.cast::<HtmlElement>() {
            let _ = input.focus();
        }
    });
    use_effect_with((list.clone(), *chosen, (*typed).clone()), |(list, chosen, _)| {
        list.cast::<Element>().iter().for_each(|list| reveal(list, *chosen));
    });
    let shown: Vec<PaletteCommand> = found(&props.commands, &typed).into_iter().take(MAX_SHOWN).cloned().collect();
    let close = props.send.reform(|()| Msg::Panels(PanelsMsg::CloseCommands));
    let execute = {
        let (send, close) = (props.send.clone(), close.clone());
        move |command: &PaletteCommand| {
            close.emit(());
            command.msgs.iter().cloned().for_each(|msg| send.emit(msg));
        }
    };
    let on_input = {
        let (typed, chosen) = (typed.clone(), chosen.clone());
        Callback::from(move |event: InputEvent| {
            typed.set(event.target_dyn_into::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default());
            chosen.set(0);
        })
    };
    let on_key = {
        let (shown, chosen, execute) = (shown.clone(), chosen.clone(), execute.clone());
        Callback::from(move |event: KeyboardEvent| {
            let last = shown.len().saturating_sub(1);
            match event.key().as_str() {
                "ArrowDown" => chosen.set((*chosen + 1).min(last)),
                "ArrowUp" => chosen.set(chosen.saturating_sub(1)),
                "Enter" => shown.get(*chosen).into_iter().for_each(&execute),
                _ => return,
            }
            event.prevent_default();
        })
    };
    let row = |(index, command): (usize, &PaletteCommand)| {
        let is_chosen = index == *chosen;
        let (execute, command) = (execute.clone(), command.clone());
        let (label, keys) = (command.label.clone(), command.keys.clone());
        let onclick = Callback::from(move |_: MouseEvent| execute(&command));
        html! {
            <li key={label.clone()} id={format!("command-{index}")} role="option" aria-selected={is_chosen.to_string()} {onclick}>
                <span class="grow">{ label }</span><kbd>{ keys }</kbd>
            </li>
        }
    };
    html! {
        <Modal title={text!("Actions")} on_close={close}>
            <input ref={input} class="commands-input" role="combobox" aria-label={text!("Find an action")} aria-expanded="true" aria-controls="commands-list"
                aria-activedescendant={(!shown.is_empty()).then(|| format!("command-{}", *chosen))} autocomplete="off" spellcheck="false" placeholder={text!("Type what you want to do")}
                oninput={on_input} onkeydown={on_key} />
            <ul ref={list} id="commands-list" class="commands-list" role="listbox" aria-label={text!("Actions")}>{ for shown.iter().enumerate().map(row) }</ul>
            if shown.is_empty() { <p class="muted" role="status">{ text!("No action has this name.") }</p> }
        </Modal>
    }
}

/// Scrolls a list as far as necessary to show its row at an index.
fn reveal(list: &Element, index: usize) {
    let Some(row) = list.children().item(index as u32) else { return };
    let (row, shown) = (row.get_bounding_client_rect(), list.get_bounding_client_rect());
    let by = (row.bottom() - shown.bottom()).max(0.0) + (row.top() - shown.top()).min(0.0);
    list.set_scroll_top(list.scroll_top() + by.round() as i32);
}
