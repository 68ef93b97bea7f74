//! The clock of the run: play, pause, step and seek.

use super::Model;
use crate::scenario::{Micros, micros};
use crate::session::protocol::Request;

/// Controls the clock of the run.
#[derive(Clone, Debug, PartialEq)]
pub enum PlaybackMsg {
    /// Play or pause; at the end, play again from the start.
    Toggle,
    /// Pause.
    Pause,
    /// Go to the next event.
    Step,
    /// Go to the previous event.
    StepBack,
    /// Go to the next or the previous mark of the timeline.
    Mark {
        /// Whether to go to the next one.
        forward: bool,
    },
    /// Go to a virtual time.
    Seek(Micros),
    /// Go to the end of the run.
    SeekEnd,
    /// Discard the live commands and go to the start.
    Reset,
    /// Set the speed, in virtual seconds per second.
    Speed(f64),
    /// Set the next faster or slower speed.
    ShiftSpeed {
        /// Whether to set the faster one.
        faster: bool,
    },
}

impl Model {
    pub(super) fn update_playback(&mut self, msg: PlaybackMsg) {
        match msg {
            PlaybackMsg::Toggle => self.toggle_play(),
            PlaybackMsg::Pause => self.playback.play(false),
            PlaybackMsg::Step => {
                self.playback.play(false);
                self.playback.enqueue(Request::Step);
            }
            PlaybackMsg::StepBack => {
                self.playback.play(false);
                self.playback.enqueue(Request::StepBack);
            }
            PlaybackMsg::Mark { forward } => self.seek_mark(forward),
            PlaybackMsg::Seek(to) => self.playback.enqueue(Request::Seek { to: to.min(self.end_of_run()) }),
            PlaybackMsg::SeekEnd => self.playback.enqueue(Request::Seek { to: self.end_of_run() }),
            // It changes the history, so it is an action.
            PlaybackMsg::Reset => {}
            PlaybackMsg::Speed(speed) => {
                self.playback.set_speed(speed);
                self.redraw.page = true;
            }
            PlaybackMsg::ShiftSpeed { faster } => {
                self.playback.shift_speed(faster);
                self.redraw.page = true;
            }
        }
    }

    /// Returns the end of the run, also before the engine has reported it.
    pub fn end_of_run(&self) -> Micros {
        if self.run.until > 0 { self.run.until } else { micros(self.document.scenario.until_ms) }
    }

    pub(super) fn toggle_play(&mut self) {
        if self.playback.at_end() {
            self.playback.enqueue(Request::Seek { to: 0 });
            self.playback.restart(0);
        } else {
            self.playback.play(!self.playback.playing());
        }
        self.redraw.page = true;
    }

    /// Goes to the previous mark, or runs until the next one.
    fn seek_mark(&mut self, forward: bool) {
        self.playback.play(false);
        let before = self.run.marks.iter().map(|mark| mark.at).filter(|at| *at < self.run.now).max();
        let request = if forward { Request::NextMark } else { Request::Seek { to: before.unwrap_or(0) } };
        self.playback.enqueue(request);
    }

    /// Keeps the current time inside the time view. In a loop, returns from its end to its start.
    pub(super) fn follow_time(&mut self, was_playing: bool) {
        let window = self.time_view.window(self.run.until);
        if self.time_view.looping && was_playing && self.run.now >= window.1 {
            self.playback.enqueue(Request::Seek { to: window.0 });
            self.playback.restart(window.0);
        } else {
            self.time_view.follow(self.run.now, self.run.until);
            self.redraw.page |= self.time_view.window(self.run.until) != window;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PlaybackMsg;
    use crate::app::model::test_page::ready;
    use crate::app::model::{DocumentMsg, Effect, Model, Msg, update};
    use crate::session::protocol::Request;

    #[test]
    fn the_end_key_goes_to_the_end_also_before_the_engine_has_answered() {
        let mut model = Model::default();
        update(&mut model, Msg::Document(DocumentMsg::OpenFirst));
        let end = (model.document.scenario.until_ms * 1000.0) as u64;
        update(&mut model, Msg::Playback(PlaybackMsg::SeekEnd));
        assert_eq!(model.playback.destination(), end);
        let sent = update(&mut model, ready());
        assert!(matches!(&sent[..], [Effect::Send(first)] if first.request == Request::First), "{sent:?}");
    }
}
