//! The animation frames of the page.

use super::Page;
use crate::app::model::Msg;
use wasm_bindgen::prelude::*;

impl Page {
    /// Advances the page to the time of a frame, in ms, and paints the layers that have changed.
    pub(super) fn show_frame(&mut self, time: f64) {
        self.frame_is_requested = false;
        self.frame_time = time;
        self.update_model(Msg::Tick(time));
        let paints = std::mem::take(&mut self.model.redraw.paint);
        if paints {
            self.painter.paint(&self.model, time);
        }
        self.record_frame();
        self.last_focus.borrow_mut().is_checked_again = paints;
        self.keep_focus();
    }

    /// Requests an animation frame if a layer has to be painted or the focus to be checked.
    pub(super) fn request_frame(&mut self) {
        let is_needed = self.model.redraw.paint || self.model.is_moving() || self.last_focus.borrow().is_checked_again;
        if self.frame_is_requested || !self.is_visible || !is_needed {
            return;
        }
        if let Some(window) = web_sys::window() {
            self.frame_is_requested = window.request_animation_frame(self.on_frame.as_ref().unchecked_ref()).is_ok();
        }
    }
}
