//! The links with which the keyboard reaches the parts of the page.

use super::Page;
use crate::app::model::{LessonMsg, Msg, SelectionMsg};
use crate::app::outline::OutlineMsg;
use crate::text;
use yew::prelude::*;

impl Page {
    pub(super) fn skip_links(&self) -> Html {
        let to_canvas = self.send.reform(|event: MouseEvent| {
            // The fragment of the address names the scenario.
            event.prevent_default();
            Msg::Selection(SelectionMsg::EnterCanvas)
        });
        let outline = if self.model.outline.open { text!("Close the outline") } else { text!("Open the outline") };
        html! {
            <>
                <a class="skip" href="#canvas" onclick={to_canvas}>{ text!("Skip to the canvas") }</a>
                if self.shows_lesson() || self.shows_task() {
                    <button class="skip" onclick={self.on(Msg::Lesson(LessonMsg::Enter))}>{ if self.shows_lesson() { text!("Skip to the lesson") } else { text!("Skip to the task") } }</button>
                }
                <button class="skip" onclick={self.on(Msg::Outline(OutlineMsg::Toggle))}>{ outline }</button>
            </>
        }
    }
}
