//! Messages to the visitor: the visible notice, and announcements for screen readers.

use super::{Model, Msg, Redraw};
use crate::app::announce::Announcer;

/// The action that a notice offers.
#[derive(Clone, Debug)]
pub struct NoticeAction {
    /// The text of the button.
    pub label: &'static str,
    /// The message that it sends.
    pub msg: Box<Msg>,
}

/// The current messages.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    /// The visible notice, until it is closed.
    pub notice: Option<String>,
    /// The action that the notice offers.
    pub action: Option<NoticeAction>,
    /// The number of notices so far.
    pub count: u32,
    /// The number of those that state why something was not executed.
    pub refusals: u32,
    /// The text of the live region for screen readers.
    pub announcement: String,
    pub(super) announcer: Announcer,
}

impl Model {
    pub(super) fn dismiss_notice(&mut self) {
        (self.notices.notice, self.notices.action) = (None, None);
    }

    /// Shows a notice and announces it.
    pub(super) fn notify(&mut self, text: String) {
        self.notices.announcer.announce(text.clone());
        self.notices.notice = Some(text);
        self.notices.count += 1;
        self.notices.action = None;
        self.redraw = Redraw { page: true, paint: true };
    }

    /// Shows a notice that states why what the visitor or the host page wants is not executed.
    pub(super) fn refuse(&mut self, reason: String) {
        self.notices.refusals += 1;
        self.notify(reason);
    }

    /// Puts pending announcements into the live region, at most once a second.
    pub(super) fn speak(&mut self, wall: f64) {
        if let Some(text) = self.notices.announcer.due(wall) {
            self.notices.announcement = text;
            self.redraw.page = true;
        }
    }
}
