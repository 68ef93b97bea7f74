//! The log: opening, filtering and loading it.

use super::Model;

/// An action of the visitor on the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogMsg {
    /// Open or close the log.
    Toggle,
    /// Show only rows that contain this text.
    Filter(String),
    /// Load older rows.
    LoadOlder,
}

impl Model {
    pub(super) fn update_log(&mut self, msg: LogMsg) {
        match msg {
            LogMsg::Toggle => self.open_panel(!self.log.open, |model| &mut model.log.open),
            LogMsg::Filter(filter) => {
                self.log.set_filter(filter);
                self.redraw.page = true;
            }
            LogMsg::LoadOlder => {
                if let Some(request) = self.log.request_older() {
                    self.playback.enqueue(request);
                }
            }
        }
    }
}
