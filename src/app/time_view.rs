//! The stretch of virtual time that the timeline and the space-time diagram show.

use super::ribbon::Scale;
use crate::scenario::Micros;

/// The shortest stretch, µs.
const SHORTEST: f64 = 1_000.0;
/// How much of it is behind the playhead after a page is turned.
const BEHIND: f64 = 0.1;

/// What the visitor does to the time axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TimeMsg {
    /// Show so many times as long a stretch; the instant stays where it is.
    Zoom(f64, Micros),
    /// Move on by a share of what is view.
    Pan(f64),
    /// Play what is shown again and again, or no longer.
    Loop,
}

/// The stretch that is view.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimeView {
    /// Playback goes from its end back to its start.
    pub looping: bool,
    /// Its start and length, µs; none shows the whole run.
    part: Option<(Micros, Micros)>,
}

impl TimeView {
    /// From when to when, in a run of this length.
    pub fn window(&self, until: Micros) -> (Micros, Micros) {
        match self.part {
            Some((from, length)) if length < until => {
                let from = from.min(until - length);
                (from, from + length)
            }
            Some(_) | None => (0, until.max(1)),
        }
    }

    /// From virtual time to px.
    pub fn scale(&self, until: Micros, width: f64) -> Scale {
        let (from, until) = self.window(until);
        Scale { from, until, width }
    }

    /// Whether a part alone is view.
    pub fn is_part(&self) -> bool {
        self.part.is_some()
    }

    /// Does what the visitor asks.
    pub fn update(&mut self, msg: TimeMsg, until: Micros) {
        let (from, to) = self.window(until);
        let length = (to - from) as f64;
        match msg {
            TimeMsg::Loop => self.looping = !self.looping,
            TimeMsg::Zoom(factor, at) => {
                let wanted = (length * factor).max(SHORTEST.min(until as f64));
                let share = (at.clamp(from, to) - from) as f64 / length;
                let start = (from as f64 + share * (length - wanted)).max(0.0);
                self.part = (wanted < until as f64).then_some((start as Micros, wanted as Micros));
            }
            TimeMsg::Pan(by) => {
                if let Some((start, _)) = &mut self.part {
                    *start = (from as f64 + by * length).clamp(0.0, until as f64 - length) as Micros;
                }
            }
        }
    }

    /// Turns the page when the playhead has left it.
    pub fn follow(&mut self, now: Micros, until: Micros) {
        let (from, to) = self.window(until);
        if let Some((start, length)) = &mut self.part
            && !(from..=to).contains(&now)
        {
            *start = now.saturating_sub((*length as f64 * BEHIND) as Micros);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_the_instant_in_its_place_and_zooming_out_ends_at_the_whole() {
        let mut view = TimeView::default();
        assert_eq!(view.window(10_000), (0, 10_000));
        view.update(TimeMsg::Zoom(0.5, 8_000), 10_000);
        assert_eq!(view.window(10_000), (4_000, 9_000), "8,000 stands at four fifths, before and after");
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
    fn the_page_turns_when_the_playhead_leaves_it() {
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
