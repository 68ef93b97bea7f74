//! The recording of an animated picture: the instants that its frames show.

use crate::language::decimal;
use crate::scenario::Micros;
use crate::text;

/// Frames a second of the picture.
pub const FRAME_RATE: u32 = 10;
/// The maximum number of frames of a picture, before the one that shows its end: 30 s.
pub const MAX_FRAMES: u64 = 300;

/// An animated picture that is being recorded, frame by frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The name of the file, without its extension.
    pub name: String,
    /// The virtual time to return to afterwards, µs.
    pub back_to: Micros,
    from: Micros,
    to: Micros,
    /// Virtual time between two frames, µs.
    step: Micros,
    next: u64,
}

impl Recording {
    /// Returns a recording of the interval from `from` to `to`, in µs of virtual time, as it looks at a speed in virtual seconds
    /// per second.
    ///
    /// # Errors
    /// The interval is empty, or longer than a picture can be; the text states what was expected.
    pub fn new((from, to): (Micros, Micros), speed: f64, back_to: Micros, name: String) -> Result<Recording, String> {
        let step = ((speed * 1e6 / f64::from(FRAME_RATE)) as Micros).max(1);
        if to <= from {
            return Err(text!("The end of the interval must be later than its start.").into());
        }
        let recording = Recording { name, back_to, from, to, step, next: 0 };
        if recording.frames() > MAX_FRAMES + 1 {
            let longest = MAX_FRAMES as f64 * step as f64 / 1e6;
            let given = (to - from) as f64 / 1e6;
            return Err(text!(
                "At this speed, a picture can show {} s, not {} s. Choose a shorter interval or a higher speed.",
                decimal(longest),
                decimal(given)
            ));
        }
        Ok(recording)
    }

    /// Returns the virtual time of the next frame, µs; `None` after the last one.
    pub fn instant(&self) -> Option<Micros> {
        (self.next < self.frames()).then(|| (self.from + self.next * self.step).min(self.to))
    }

    /// Continues to the next frame.
    pub fn advance(&mut self) {
        self.next += 1;
    }

    /// Returns the number of recorded frames.
    pub fn recorded(&self) -> u64 {
        self.next
    }

    /// Returns the number of all frames. The last one shows the end of the interval.
    pub fn frames(&self) -> u64 {
        (self.to - self.from).div_ceil(self.step) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_show_the_interval_at_the_speed_of_playback() {
        let mut recording = Recording::new((1_000_000, 1_250_000), 1.0, 0, "a".into()).expect("a recording");
        let mut instants = Vec::new();
        while let Some(instant) = recording.instant() {
            instants.push(instant);
            recording.advance();
        }
        assert_eq!(instants, [1_000_000, 1_100_000, 1_200_000, 1_250_000]);
        assert_eq!((recording.recorded(), recording.frames()), (4, 4));
        let slow = Recording::new((0, 1_000_000), 0.1, 0, "a".into()).expect("a recording");
        assert_eq!(slow.frames(), 101);
    }

    #[test]
    fn an_interval_that_is_empty_or_too_long_is_refused_with_what_is_possible() {
        let refused = |interval| Recording::new(interval, 1.0, 0, String::new()).expect_err("no recording");
        assert!(refused((5, 5)).contains("later than its start"));
        assert!(refused((0, 60_000_000)).contains("30 s, not 60 s"), "{}", refused((0, 60_000_000)));
        assert!(Recording::new((0, 30_000_000), 1.0, 0, String::new()).is_ok());
        assert!(Recording::new((0, 60_000_000), 10.0, 0, String::new()).is_ok());
    }
}
