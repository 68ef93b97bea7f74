//! The page's clock, and the queue of requests to the engine.
//!
//! The page asks the engine to advance to a virtual time; the engine answers with what happened until then. One request
//! is pending at a time. Meanwhile others (act, edit, seek) wait in a queue, and only the newest time to reach counts.
//! Nothing is sent before the engine is ready, and answers about an older run are dropped.

use crate::language::decimal;
use crate::scenario::{Command, Micros};
use crate::session::protocol::{FromEngine, Report, Request, ToEngine};
use std::collections::VecDeque;

/// The speeds to choose from, in virtual seconds per second.
pub const SPEEDS: [f64; 7] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];
/// The maximum number of events in one request, so that the engine answers often enough.
const BUDGET: u32 = 100_000;
/// How far the engine may lag before the clock waits for it, ms of real time.
const MAX_LAG: f64 = 250.0;

/// The clock and the queue of requests.
#[derive(Clone, Debug)]
pub struct Playback {
    ready: bool,
    epoch: u32,
    pending: bool,
    /// Whether the pending request advances the run, as the clock requests in each frame while it runs.
    advancing: bool,
    /// The number of requests so far that moved the run to another time.
    jumps: u32,
    /// A live command without an answer yet.
    unanswered_command: Option<Command>,
    /// The virtual time to which the last request advances the run.
    requested_until: Micros,
    queue: VecDeque<ToEngine>,
    playing: bool,
    speed: f64,
    /// A real time (ms) and the virtual time at that moment. The clock runs from there.
    anchor: Option<(f64, Micros)>,
    /// The virtual time that the engine should reach.
    goal: Micros,
    /// Whether the run moves to another time, or another run is loaded; until the engine has reported it, the clock waits.
    moving: bool,
    /// Whether the run moves by a jump, which reports nothing that happens on its way.
    jumping: bool,
    /// Whether the newest frame is one on the way of a jump, or at its end.
    shows_jump: bool,
    /// Whether the request that moves the run is the one for the next mark, which must be repeated until there is one.
    seeks_mark: bool,
    now: Micros,
    until: Micros,
    /// Whether the last request has used up its budget before it reached its goal.
    more: bool,
}

impl Default for Playback {
    fn default() -> Self {
        Playback {
            ready: false,
            epoch: 0,
            pending: false,
            advancing: false,
            jumps: 0,
            unanswered_command: None,
            requested_until: 0,
            queue: VecDeque::new(),
            playing: false,
            speed: 1.0,
            anchor: None,
            goal: 0,
            moving: false,
            jumping: false,
            shows_jump: false,
            seeks_mark: false,
            now: 0,
            until: 0,
            more: false,
        }
    }
}

impl Playback {
    /// Returns whether the clock runs.
    pub fn playing(&self) -> bool {
        self.playing
    }

    /// Returns the speed, in virtual seconds per second.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Returns the virtual time of the run.
    pub fn now(&self) -> Micros {
        self.now
    }

    /// Returns the present time, or that to which a request is still moving the run.
    pub fn destination(&self) -> Micros {
        if self.moving { self.goal.max(self.now) } else { self.now }
    }

    /// Returns whether the run is at its end, and no request leads away from there.
    pub fn at_end(&self) -> bool {
        self.until > 0 && self.now >= self.until && !(self.moving && self.goal < self.until)
    }

    /// Returns whether the engine is ready.
    pub fn ready(&self) -> bool {
        self.ready
    }

    /// Returns whether the engine has executed all requests, apart from those of the running clock.
    pub fn is_settled(&self) -> bool {
        self.ready && self.queue.is_empty() && !self.moving && (!self.pending || self.advancing)
    }

    /// Returns the number of requests so far that moved the run to another time.
    pub fn jumps(&self) -> u32 {
        self.jumps
    }

    /// Returns whether the newest frame is one on the way of a jump in time, or at its end.
    pub fn shows_jump(&self) -> bool {
        self.shows_jump
    }

    /// Starts or stops the clock.
    pub fn play(&mut self, playing: bool) {
        self.playing = playing && !self.at_end();
        self.anchor = None;
        if !self.playing {
            (self.goal, self.seeks_mark) = (self.now, false);
        }
    }

    /// Starts the clock at a virtual time to which a queued seek leads.
    pub fn restart(&mut self, at: Micros) {
        self.now = at;
        self.playing = true;
        self.anchor = None;
    }

    /// Moves the end of the run, before the engine reports it.
    pub fn lengthen(&mut self, by: Micros) {
        self.until += by;
    }

    /// Sets the speed from the current time on.
    pub fn set_speed(&mut self, speed: f64) {
        self.speed = speed;
        self.anchor = None;
    }

    /// Sets the next faster or slower speed of [`SPEEDS`].
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

    /// Appends a request to the queue. A new run (load, edit) begins a new epoch, so answers about the old one are dropped.
    pub fn enqueue(&mut self, request: Request) {
        match &request {
            Request::First => self.begin_epoch(0),
            Request::Load { at, .. } => self.begin_epoch(*at),
            Request::Edit { .. } => self.begin_epoch(self.destination()),
            Request::Seek { to } => {
                // Of consecutive seeks, only the newest matters.
                if matches!(self.queue.back(), Some(ToEngine { request: Request::Seek { .. }, .. })) {
                    self.queue.pop_back();
                }
                self.move_to(*to);
            }
            Request::Branch(_) => self.move_to(self.now),
            Request::NextMark => {
                self.move_to(0);
                self.seeks_mark = true;
            }
            Request::Reset | Request::StepBack | Request::NextFact(_) => self.move_to(0),
            Request::Query(_)
            | Request::Lesson(_)
            | Request::Grade(_)
            | Request::Act { .. }
            | Request::Step
            | Request::Advance { .. } => {}
        }
        self.queue.push_back(ToEngine { epoch: self.epoch, request });
    }

    fn begin_epoch(&mut self, at: Micros) {
        self.epoch += 1;
        self.move_to(at);
    }

    /// Gives the clock another goal, because a request moves the run there.
    fn move_to(&mut self, goal: Micros) {
        self.jumps += 1;
        self.anchor = None;
        self.goal = goal;
        self.more = false;
        (self.moving, self.jumping, self.seeks_mark) = (true, true, false);
    }

    /// Advances the clock to `wall` ms of real time.
    pub fn tick(&mut self, wall: f64) {
        if !self.playing || !self.ready || self.moving || !self.queue.is_empty() {
            return;
        }
        let (since, from) = *self.anchor.get_or_insert((wall, self.now));
        let target = from + ((wall - since).max(0.0) * 1000.0 * self.speed) as Micros;
        let lag = target.saturating_sub(self.now) as f64 / 1000.0 / self.speed;
        if lag > MAX_LAG {
            // The engine is too slow, or the page was hidden. The clock continues at the time of the run.
            self.anchor = Some((wall, self.now));
            self.goal = self.goal.max(self.now + (MAX_LAG * 1000.0 * self.speed) as Micros / 4);
        } else {
            self.goal = target;
        }
        self.goal = self.goal.min(self.until);
    }

    /// Returns whether a queued request moves the run to another time.
    fn is_moved_by_queue(&self) -> bool {
        self.queue.iter().any(|waiting| waiting.request.moves_run())
    }

    /// Returns the live commands that the engine has not executed yet, oldest first.
    pub fn pending_commands(&self) -> impl Iterator<Item = &Command> {
        let queued = self
            .queue
            .iter()
            .filter_map(|waiting| if let Request::Act { command } = &waiting.request { Some(command) } else { None });
        self.unanswered_command.iter().chain(queued)
    }

    /// Returns the live command that the engine has not answered yet.
    pub fn unanswered_command(&self) -> Option<&Command> {
        self.unanswered_command.as_ref()
    }

    /// Returns the virtual time to which the last request advances the run.
    pub fn requested_until(&self) -> Micros {
        self.requested_until
    }

    /// Pauses and discards all requests. A new engine reports when it is ready.
    pub fn reconnect(&mut self) {
        (self.ready, self.pending, self.moving, self.jumping) = (false, false, false, false);
        self.unanswered_command = None;
        self.queue.clear();
        self.play(false);
    }

    /// Returns the request to send now, if there is one.
    pub fn next_request(&mut self) -> Option<ToEngine> {
        if !self.ready || self.pending {
            return None;
        }
        // A command is executed where the run moves to.
        let waits = |request: &ToEngine| matches!(request.request, Request::Act { .. } | Request::Step);
        let is_unfinished = self.moving && self.more;
        let queued = if is_unfinished && self.queue.front().is_some_and(waits) { None } else { self.queue.pop_front() };
        let request = queued.or_else(|| {
            let wanted = self.more || (self.playing && self.goal > self.now);
            let to = self.goal.max(self.now);
            let request = match self.seeks_mark && self.more {
                true => Request::NextMark,
                false => Request::Advance { to, budget: BUDGET },
            };
            wanted.then_some(ToEngine { epoch: self.epoch, request })
        })?;
        self.pending = true;
        self.advancing = matches!(request.request, Request::Advance { .. });
        self.unanswered_command = None;
        self.requested_until = match &request.request {
            Request::Advance { to, .. } | Request::Seek { to } => *to,
            Request::Load { at, .. } => *at,
            Request::Step | Request::NextMark | Request::NextFact(_) => self.until,
            Request::Act { command } => {
                self.unanswered_command = Some(command.clone());
                self.now
            }
            Request::First
            | Request::Edit { .. }
            | Request::StepBack
            | Request::Reset
            | Request::Branch(_)
            | Request::Lesson(_)
            | Request::Grade(_)
            | Request::Query(_) => self.now,
        };
        Some(request)
    }

    /// Receives an answer and returns its report if it is about the current run.
    pub fn receive(&mut self, answer: FromEngine) -> Option<Report> {
        if matches!(answer.report, Report::Ready) {
            self.ready = true;
            return None;
        }
        self.pending = false;
        let is_command = self.unanswered_command.take().is_some();
        // Lessons and grades are not about a run.
        let is_about_course = matches!(answer.report, Report::Lesson(_) | Report::Grade(_));
        if answer.epoch != self.epoch && !is_about_course {
            return None;
        }
        self.moving &= !matches!(answer.report, Report::Refused { .. });
        self.jumping &= self.moving;
        if let Report::Frame(frame) = &answer.report {
            self.now = frame.now;
            self.until = frame.until;
            self.more = frame.more;
            // In the past, the engine may need several requests to execute a command.
            self.moving |= is_command && frame.more;
            self.moving &= frame.more || self.is_moved_by_queue();
            self.shows_jump = self.jumping;
            self.jumping &= self.moving;
            self.seeks_mark &= frame.more && frame.marks.is_empty();
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

/// Formats a virtual time for the clock: `3.300 s`.
pub fn clock(now: Micros) -> String {
    decimal(format_args!("{}.{:03} s", now / 1_000_000, now / 1000 % 1000))
}

/// Formats a duration with about two digits: `0.6 s`, `45 ms`.
pub fn short(duration: Micros) -> String {
    match duration {
        0..1_000 => format!("{duration} µs"),
        1_000..100_000 => format!("{} ms", (duration + 500) / 1000),
        100_000..60_000_000 => decimal(format_args!("{:.1} s", duration as f64 / 1e6)),
        60_000_000.. => format!("{} min {} s", duration / 60_000_000, duration / 1_000_000 % 60),
    }
}

/// Formats a duration with two decimals, for results.
pub fn exact(duration: Micros) -> String {
    match duration {
        0..100_000 => decimal(format_args!("{:.1} ms", duration as f64 / 1e3)),
        100_000.. => decimal(format_args!("{:.2} s", duration as f64 / 1e6)),
    }
}

#[cfg(test)]
mod tests;
