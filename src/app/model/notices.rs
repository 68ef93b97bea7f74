//! Messages to the visitor: the visible notice, and announcements for screen readers.

use super::{Model, Msg, Redraw};
use crate::app::announce::Announcer;

/// How long a notice is shown that only confirms or refuses an action: a time, and an addition for each character, ms.
const SHOWN_FOR: (f64, f64) = (6_000.0, 60.0);

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
    /// The visible notice.
    pub notice: Option<String>,
    /// Whether the notice reports a problem, and so is shown until it is closed. Others disappear after a time, or at the next
    /// change.
    is_problem: bool,
    /// The real time since which the notice is shown, ms.
    since: Option<f64>,
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
    /// Returns whether the notice disappears after a time. One that offers an action stays: the visitor may need time to decide.
    pub(super) fn is_notice_temporary(&self) -> bool {
        let Notices { notice, action, is_problem, .. } = &self.notices;
        notice.is_some() && action.is_none() && !is_problem
    }

    /// Removes the notice after its time.
    pub(super) fn dismiss_expired_notice(&mut self, wall: f64) {
        if !self.is_notice_temporary() {
            return;
        }
        let letters = self.notices.notice.as_ref().map_or(0, String::len) as f64;
        if wall - *self.notices.since.get_or_insert(wall) > SHOWN_FOR.0 + SHOWN_FOR.1 * letters {
            self.dismiss_notice();
            self.redraw.page = true;
        }
    }

    /// Removes the notice before the next change, unless it reports a problem.
    pub(super) fn dismiss_former_notice(&mut self) {
        if !self.notices.is_problem {
            self.dismiss_notice();
        }
    }

    pub(super) fn dismiss_notice(&mut self) {
        (self.notices.notice, self.notices.action) = (None, None);
    }

    /// Shows a notice of a problem, and announces it.
    pub(super) fn report_problem(&mut self, text: String) {
        self.notify(text);
        self.notices.is_problem = true;
    }

    /// Shows a notice that confirms or refuses an action, and announces it.
    pub(super) fn notify(&mut self, text: String) {
        (self.notices.is_problem, self.notices.since) = (false, None);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::kept_drawings::StorageProblem;
    use crate::app::model::test_page::{TestPage, write};
    use crate::app::model::{DocumentMsg, DrawingsMsg, PlaybackMsg};

    fn reset() -> TestPage {
        let mut page = TestPage::new();
        page.update(write(7));
        page.update(Msg::Playback(PlaybackMsg::Reset));
        page
    }

    #[test]
    fn a_notice_about_an_action_disappears_after_a_time() {
        let mut page = reset();
        page.update(Msg::Tick(1_000.0));
        page.update(Msg::Tick(6_000.0));
        assert!(page.model.notices.notice.is_some() && page.model.is_moving(), "there is time to read it");
        page.update(Msg::Tick(20_000.0));
        assert_eq!((&page.model.notices.notice, page.model.is_moving()), (&None, false));
    }

    #[test]
    fn a_notice_about_an_action_disappears_at_the_next_change() {
        let mut page = reset();
        page.update(Msg::Document(DocumentMsg::Tidy));
        assert_eq!(page.model.notices.notice, None);
    }

    #[test]
    fn a_notice_of_a_problem_stays_until_it_is_closed() {
        let mut page = TestPage::new();
        page.update(Msg::Drawings(DrawingsMsg::NotSaved(StorageProblem::Full)));
        for msg in [Msg::Tick(0.0), Msg::Tick(100_000.0), Msg::Document(DocumentMsg::Tidy), Msg::Tick(200_000.0)] {
            page.update(msg);
            assert!(page.model.notices.notice.is_some());
        }
        page.update(Msg::Notify("The link could not be opened.".into()));
        page.update(Msg::Tick(300_000.0));
        page.update(Msg::Tick(400_000.0));
        assert!(page.model.notices.notice.is_some() && !page.model.is_moving());
    }
}
