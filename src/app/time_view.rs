//! The time view: the part of the run that the timeline and the space-time diagram show.

use super::ribbon::Scale;
use crate::scenario::Micros;

/// The shortest time view, µs.
const MIN_DURATION: f64 = 1_000.0;
/// The share of the view before the current time after the view has followed it.
const SHARE_BEFORE: f64 = 0.1;

/// An action of the visitor on the time axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TimeMsg {
    /// Show a part that is longer by this factor. The instant keeps its place.
    Zoom(f64, Micros),
    /// Show the part from an instant to another.
    Show(Micros, Micros),
    /// Move the view by a share of its length.
    Pan(f64),
    /// Start or stop to play the view in a loop.
    Loop,
    /// Show the timeline with this height, px; with the height that its rows need if absent.
    Height(Option<f64>),
}

/// The part of the run that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimeView {
    /// Whether playback returns from the end of the view to its start.
    pub looping: bool,
    /// The height of the timeline that the visitor has chosen, px.
    pub height: Option<f64>,
    /// Start and length, µs; absent for the whole run.
    part: Option<(Micros, Micros)>,
}

impl TimeView {
    /// Returns the view of another run, which is whole.
    pub fn of_another_run(&self) -> TimeView {
        TimeView { height: self.height, ..TimeView::default() }
    }

    /// Returns start and end in a run of this length, µs.
    pub fn window(&self, until: Micros) -> (Micros, Micros) {
        match self.part {
            Some((from, length)) if length < until => {
                let from = from.min(until - length);
                (from, from + length)
            }
            Some(_) | None => (0, until.max(1)),
        }
    }

    /// Returns the map from virtual time to px.
    pub fn scale(&self, until: Micros, width: f64) -> Scale {
        let (from, until) = self.window(until);
        Scale { from, until, width }
    }

    /// Returns whether only a part of the run is shown.
    pub fn is_part(&self) -> bool {
        self.part.is_some()
    }

    /// Executes a message.
    pub fn update(&mut self, msg: TimeMsg, until: Micros) {
        let (from, to) = self.window(until);
        let length = (to - from) as f64;
        match msg {
            TimeMsg::Loop => self.looping = !self.looping,
            TimeMsg::Height(height) => self.height = height,
            TimeMsg::Zoom(factor, at) => {
                let wanted = (length * factor).max(MIN_DURATION.min(until as f64));
                let share = (at.clamp(from, to) - from) as f64 / length;
                let start = (from as f64 + share * (length - wanted)).max(0.0);
                self.part = (wanted < until as f64).then_some((start as Micros, wanted as Micros));
            }
            TimeMsg::Show(from, to) => {
                let wanted = (to.saturating_sub(from) as f64).max(MIN_DURATION);
                self.part = (wanted < until as f64).then_some((from, wanted as Micros));
            }
            TimeMsg::Pan(by) => {
                if let Some((start, _)) = &mut self.part {
                    *start = (from as f64 + by * length).clamp(0.0, until as f64 - length) as Micros;
                }
            }
        }
    }

    /// Moves the view if the current time has left it.
    pub fn follow(&mut self, now: Micros, until: Micros) {
        let (from, to) = self.window(until);
        if let Some((start, length)) = &mut self.part
            && !(from..=to).contains(&now)
        {
            *start = now.saturating_sub((*length as f64 * SHARE_BEFORE) as Micros);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_an_instant_in_its_place_and_ends_at_the_whole_run() {
        let mut view = TimeView::default();
        assert_eq!(view.window(10_000), (0, 10_000));
        view.update(TimeMsg::Zoom(0.5, 8_000), 10_000);
        assert_eq!(view.window(10_000), (4_000, 9_000), "8,000 is at four fifths, before and after");
        view.update(TimeMsg::Pan(-0.2), 10_000);
        assert_eq!(view.window(10_000), (3_000, 8_000));
        view.update(TimeMsg::Pan(9.0), 10_000);
        assert_eq!(view.window(10_000), (5_000, 10_000));
        view.update(TimeMsg::Zoom(4.0, 0), 10_000);
        assert_eq!((view.window(10_000), view.is_part()), ((0, 10_000), false));
        view.update(TimeMsg::Zoom(1e-9, 500), 10_000);
        assert_eq!(view.window(10_000), (450, 1_450), "no shorter than a millisecond");
    }

    #[test]
    fn the_view_follows_the_current_time() {
        let mut view = TimeView::default();
        view.update(TimeMsg::Zoom(0.1, 0), 100_000);
        view.follow(9_000, 100_000);
        assert_eq!(view.window(100_000), (0, 10_000));
        view.follow(10_500, 100_000);
        assert_eq!(view.window(100_000), (9_500, 19_500));
        view.follow(200, 100_000);
        assert_eq!(view.window(100_000), (0, 10_000));
        view.follow(100_000, 100_000);
        assert_eq!(view.window(100_000), (90_000, 100_000), "not beyond the end");
    }
}
