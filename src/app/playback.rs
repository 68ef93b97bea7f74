//! The clock on the page's side, and what is asked of the engine when.
//!
//! The engine alone knows what happens; the page only says up to which instant of virtual time it wants
//! to see. One request is under way at a time. While it is, queue (act, edit, seek) wait in a queue, and
//! of instants to reach only the newest counts. Nothing is sent before the engine is ready, and answers
//! about an older run are dropped.

use crate::scenario::Micros;
use crate::session::protocol::{FromEngine, Report, Request, ToEngine};
use std::collections::VecDeque;

/// Speeds that people choose from, virtual seconds a second.
pub const SPEEDS: [f64; 7] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];
/// Events that one request runs at most, so that the page hears from the engine often enough.
const BUDGET: u32 = 100_000;
/// How far, in ms of true time, the engine may lag before the clock waits for it.
const PATIENCE: f64 = 250.0;

/// The clock and the queue of queue.
#[derive(Clone, Debug)]
pub struct Playback {
    ready: bool,
    epoch: u32,
    under_way: bool,
    queue: VecDeque<ToEngine>,
    playing: bool,
    speed: f64,
    /// True time (ms) and the virtual instant that belongs to it.
    anchor: Option<(f64, Micros)>,
    goal: Micros,
    now: Micros,
    until: Micros,
    more: bool,
}

impl Default for Playback {
    fn default() -> Self {
        Playback {
            ready: false,
            epoch: 0,
            under_way: false,
            queue: VecDeque::new(),
            playing: false,
            speed: 1.0,
            anchor: None,
            goal: 0,
            now: 0,
            until: 0,
            more: false,
        }
    }
}

impl Playback {
    /// Whether virtual time goes on.
    pub fn playing(&self) -> bool {
        self.playing
    }

    /// Virtual seconds a second.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Where the run stands.
    pub fn now(&self) -> Micros {
        self.now
    }

    /// Whether the run stands at its end.
    pub fn at_end(&self) -> bool {
        self.until > 0 && self.now >= self.until
    }

    /// Whether the engine listens.
    pub fn ready(&self) -> bool {
        self.ready
    }

    /// Lets time go on, or stops it.
    pub fn play(&mut self, playing: bool) {
        self.playing = playing && !self.at_end();
        self.anchor = None;
        if !self.playing {
            self.goal = self.now;
        }
    }

    /// Lets time go on from an instant, once a seek that was ordered has brought the run there.
    pub fn restart(&mut self, at: Micros) {
        self.now = at;
        self.playing = true;
        self.anchor = None;
    }

    /// The run will be longer; the answer to the edit says so too.
    pub fn lengthen(&mut self, by: Micros) {
        self.until += by;
    }

    /// Another speed, from here on.
    pub fn set_speed(&mut self, speed: f64) {
        self.speed = speed;
        self.anchor = None;
    }

    /// The next faster or slower of [`SPEEDS`].
    pub fn shift_speed(&mut self, faster: bool) {
        let next = if faster {
            SPEEDS.iter().copied().find(|speed| *speed > self.speed)
        } else {
            SPEEDS.iter().copied().rev().find(|speed| *speed < self.speed)
        };
        if let Some(speed) = next {
            self.set_speed(speed);
        }
    }

    /// Puts a request behind those that wait. A new run (load, edit) makes the answers of the old one stale.
    pub fn enqueue(&mut self, request: Request) {
        match &request {
            Request::First | Request::Load { .. } | Request::Edit { .. } => {
                self.epoch += 1;
                self.settle();
            }
            Request::Seek { to } => {
                // Of seeks that wait one behind the other, only the newest matters.
                if matches!(self.queue.back(), Some(ToEngine { request: Request::Seek { .. }, .. })) {
                    self.queue.pop_back();
                }
                self.settle();
                self.goal = *to;
            }
            Request::NextMark | Request::Reset | Request::StepBack | Request::Branch(_) => self.settle(),
            Request::Query(_) | Request::Step | Request::Act { .. } | Request::Advance { .. } => {}
        }
        self.queue.push_back(ToEngine { epoch: self.epoch, request });
    }

    fn settle(&mut self) {
        self.anchor = None;
        self.goal = 0;
        self.more = false;
    }

    /// A frame of the screen, at `wall` ms of true time: how far virtual time should have come.
    pub fn tick(&mut self, wall: f64) {
        if !self.playing || !self.ready || !self.queue.is_empty() {
            return;
        }
        let (since, from) = *self.anchor.get_or_insert((wall, self.now));
        let target = from + ((wall - since).max(0.0) * 1000.0 * self.speed) as Micros;
        let lag = target.saturating_sub(self.now) as f64 / 1000.0 / self.speed;
        if lag > PATIENCE {
            // The engine cannot keep up, or the page was hidden: go on from where the run is.
            self.anchor = Some((wall, self.now));
            self.goal = self.goal.max(self.now + (PATIENCE * 1000.0 * self.speed) as Micros / 4);
        } else {
            self.goal = target;
        }
        self.goal = self.goal.min(self.until);
    }

    /// The request to send now, if any.
    pub fn next_request(&mut self) -> Option<ToEngine> {
        if !self.ready || self.under_way {
            return None;
        }
        let request = self.queue.pop_front().or_else(|| {
            let wanted = self.more || (self.playing && self.goal > self.now);
            let to = self.goal.max(self.now);
            wanted.then_some(ToEngine { epoch: self.epoch, request: Request::Advance { to, budget: BUDGET } })
        })?;
        self.under_way = true;
        Some(request)
    }

    /// Takes an answer; what remains of it concerns the run that is on the page.
    pub fn receive(&mut self, answer: FromEngine) -> Option<Report> {
        if matches!(answer.report, Report::Ready) {
            self.ready = true;
            return None;
        }
        self.under_way = false;
        if answer.epoch != self.epoch {
            return None;
        }
        if let Report::Frame(frame) = &answer.report {
            self.now = frame.now;
            self.until = frame.until;
            self.more = frame.more;
            if frame.whole {
                self.anchor = None;
            }
            if self.at_end() {
                self.playing = false;
            }
        }
        Some(answer.report)
    }
}

/// Virtual time as the clock shows it.
pub fn clock(now: Micros) -> String {
    format!("{}.{:03} s", now / 1_000_000, now / 1000 % 1000)
}

/// A duration for people, as short as it can be said: `0.6 s`, `45 ms`.
pub fn short(duration: Micros) -> String {
    match duration {
        0..1_000 => format!("{duration} µs"),
        1_000..100_000 => format!("{} ms", (duration + 500) / 1000),
        100_000..60_000_000 => format!("{:.1} s", duration as f64 / 1e6),
        60_000_000.. => format!("{} min {} s", duration / 60_000_000, duration / 1_000_000 % 60),
    }
}

/// A duration that is a result: two decimals.
pub fn exact(duration: Micros) -> String {
    if duration < 100_000 {
        format!("{:.1} ms", duration as f64 / 1e3)
    } else {
        format!("{:.2} s", duration as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::session::protocol::{Frame, ScenarioJson};

    fn ready() -> Playback {
        let mut playback = Playback::default();
        playback.enqueue(Request::Load { scenario: ScenarioJson::from(&Scenario::default()), at: 0 });
        assert_eq!(playback.next_request(), None, "nothing is sent before Ready");
        playback.receive(FromEngine { epoch: 0, report: Report::Ready });
        let load = playback.next_request().expect("the load");
        answer(&mut playback, load.epoch, 0);
        playback
    }

    fn answer(playback: &mut Playback, epoch: u32, now: Micros) -> bool {
        let frame = Frame { now, until: 10_000_000, ..Frame::default() };
        playback.receive(FromEngine { epoch, report: Report::Frame(Box::new(frame)) }).is_some()
    }

    #[test]
    fn newest_target_wins_while_a_request_is_under_way() {
        let mut playback = ready();
        playback.play(true);
        playback.tick(1000.0);
        playback.tick(1016.0);
        let first = playback.next_request().expect("an advance");
        assert_eq!(first.request, Request::Advance { to: 16_000, budget: BUDGET });
        playback.tick(1032.0);
        assert_eq!(playback.next_request(), None, "one at a time");
        playback.tick(1048.0);
        answer(&mut playback, first.epoch, 16_000);
        assert_eq!(
            playback.next_request().expect("an advance").request,
            Request::Advance { to: 48_000, budget: BUDGET }
        );
    }

    #[test]
    fn clock_stands_while_paused() {
        let mut playback = ready();
        playback.tick(1000.0);
        playback.tick(9000.0);
        assert_eq!(playback.next_request(), None);
    }

    #[test]
    fn answers_about_an_older_run_are_dropped() {
        let mut playback = ready();
        playback.play(true);
        playback.tick(0.0);
        playback.tick(20.0);
        let advance = playback.next_request().expect("an advance");
        playback.enqueue(Request::Edit { scenario: ScenarioJson::from(&Scenario::default()) });
        assert!(!answer(&mut playback, advance.epoch, 20_000));
        let edit = playback.next_request().expect("the edit");
        assert!(answer(&mut playback, edit.epoch, 0));
    }

    #[test]
    fn scrubbing_sends_only_where_the_hand_is_now() {
        let mut playback = ready();
        playback.enqueue(Request::Seek { to: 1 });
        let under_way = playback.next_request().expect("the first");
        for to in 2..50 {
            playback.enqueue(Request::Seek { to });
        }
        answer(&mut playback, under_way.epoch, 1);
        assert_eq!(playback.next_request().expect("the last").request, Request::Seek { to: 49 });
    }

    #[test]
    fn page_that_was_hidden_goes_on_where_it_was() {
        let mut playback = ready();
        playback.play(true);
        playback.tick(0.0);
        playback.tick(60_000.0);
        let Some(ToEngine { request: Request::Advance { to, .. }, .. }) = playback.next_request() else {
            panic!("no advance")
        };
        assert!(to < 500_000, "jumped to {to}");
    }

    #[test]
    fn run_stops_at_its_end() {
        let mut playback = ready();
        playback.play(true);
        playback.tick(0.0);
        playback.tick(16.0);
        let advance = playback.next_request().expect("an advance");
        answer(&mut playback, advance.epoch, 10_000_000);
        assert!(playback.at_end() && !playback.playing());
    }

    #[test]
    fn speed_is_changed_without_a_jump() {
        let mut playback = ready();
        playback.play(true);
        playback.tick(0.0);
        playback.tick(100.0);
        let advance = playback.next_request().expect("an advance");
        answer(&mut playback, advance.epoch, 100_000);
        playback.set_speed(10.0);
        playback.tick(110.0);
        playback.tick(120.0);
        assert_eq!(
            playback.next_request().expect("an advance").request,
            Request::Advance { to: 200_000, budget: BUDGET }
        );
    }

    #[test]
    fn durations_are_said_shortly() {
        assert_eq!(clock(3_300_000), "3.300 s");
        assert_eq!(short(420_000), "0.4 s");
        assert_eq!(short(45_400), "45 ms");
        assert_eq!(exact(612_345), "0.61 s");
    }
}
