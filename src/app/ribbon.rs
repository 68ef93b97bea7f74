//! The timeline's arithmetic: segments of a ribbon in px, ticks of the axis, the instant at a point.

use crate::language::decimal;
use crate::scenario::Micros;
use crate::session::protocol::CopyState;

/// The map from virtual time to px.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The start of the axis.
    pub from: Micros,
    /// The end of the axis.
    pub until: Micros,
    /// Its width, px.
    pub width: f64,
}

impl Scale {
    /// Returns the position of an instant, px.
    pub fn x(&self, at: Micros) -> f64 {
        if self.until == self.from { 0.0 } else { (at as f64 - self.from as f64) / self.length() * self.width }
    }

    /// Returns the instant at a position.
    pub fn instant(&self, x: f64) -> Micros {
        if self.width <= 0.0 { 0 } else { self.from + ((x / self.width).clamp(0.0, 1.0) * self.length()) as Micros }
    }

    /// Returns the length of the axis, µs.
    fn length(&self) -> f64 {
        self.until.saturating_sub(self.from) as f64
    }
}

/// A segment of a ribbon: a time during which a service keeps its state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// The start, px.
    pub from: f64,
    /// The end, px.
    pub to: f64,
    /// The state of the service's copies.
    pub state: CopyState,
}

/// Returns the segments of a ribbon up to `now`. Segments shorter than a pixel are merged into one with the worst state,
/// so a short inconsistency remains visible, and there are never more segments than pixels.
pub fn segments(changes: &[(Micros, CopyState)], now: Micros, scale: Scale) -> Vec<Segment> {
    let mut all: Vec<Segment> = Vec::new();
    let mut add = |from: Micros, to: Micros, state: CopyState| {
        if to < scale.from || from > scale.until {
            return;
        }
        let next = Segment { from: scale.x(from.max(scale.from)), to: scale.x(to.min(scale.until)), state };
        match all.last_mut() {
            Some(last) if last.state == state => last.to = next.to,
            Some(last) if next.to - last.from < 1.0 => {
                last.state = last.state.max(state);
                last.to = next.to;
            }
            Some(_) | None => all.push(next),
        }
    };
    let (mut from, mut state) = (0, CopyState::Consistent);
    for (at, next) in changes.iter().filter(|(at, _)| *at <= now) {
        if *at > from {
            add(from, *at, state);
        }
        (from, state) = (*at, *next);
    }
    if now > from {
        add(from, now, state);
    }
    all
}

/// A part of an axis, from and to in px, with the number of ribbons in each state, in the order of [`CopyState::ALL`].
pub type Share = (f64, f64, [u32; 5]);

/// Returns how many of several ribbons are in each state, for each part of the axis up to `now` in which the numbers do not
/// change.
pub fn shares<'a>(ribbons: impl Iterator<Item = &'a [(Micros, CopyState)]>, now: Micros, scale: Scale) -> Vec<Share> {
    let width = scale.width.max(0.0) as usize + 1;
    let mut counts = vec![[0u32; 5]; width];
    for ribbon in ribbons {
        for Segment { from, to, state } in segments(ribbon, now, scale) {
            let to = (to.ceil() as usize).min(width);
            for count in counts.get_mut(from as usize..to).into_iter().flatten() {
                count[state as usize] += 1;
            }
        }
    }
    let mut parts: Vec<Share> = Vec::new();
    for (x, count) in counts.into_iter().enumerate().filter(|(_, count)| count.iter().any(|count| *count > 0)) {
        let from = x as f64;
        match parts.last_mut() {
            Some((_, to, same)) if *to == from && *same == count => *to = from + 1.0,
            Some(_) | None => parts.push((from, from + 1.0, count)),
        }
    }
    parts
}

/// Returns the ticks of the axis: position in px, and text.
pub fn ticks(scale: Scale) -> Vec<(f64, String)> {
    if scale.until <= scale.from || scale.width <= 0.0 {
        return Vec::new();
    }
    let raw = scale.length() * 64.0 / scale.width.max(64.0);
    let mut decade = 1.0;
    while decade * 10.0 <= raw {
        decade *= 10.0;
    }
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * decade).find(|step| *step >= raw).unwrap_or(raw);
    let text = |at: f64| {
        if at == 0.0 {
            "0".to_string()
        } else if step >= 1e6 {
            format!("{} s", (at / 1e6).round())
        } else if step >= 1e5 || (step >= 1e3 && scale.from >= 10_000_000) {
            let decimals = if step >= 1e5 { 1 } else { if step >= 1e4 { 2 } else { 3 } };
            decimal(format_args!("{:.decimals$} s", at / 1e6))
        } else if step >= 1e3 {
            format!("{} ms", (at / 1e3).round())
        } else {
            format!("{} µs", at.round())
        }
    };
    let first = (scale.from as f64 / step - 0.0001).ceil();
    let count = ((scale.until as f64 / step * 1.0001) - first).max(0.0) as u32;
    let instants = (0..=count).map(|n| (first + f64::from(n)) * step);
    instants.map(|at| ((at - scale.from as f64) / scale.length() * scale.width, text(at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = Scale { from: 0, until: 10_000_000, width: 1000.0 };

    #[test]
    fn a_ribbon_shows_past_states_up_to_now() {
        let changes = [(0, CopyState::Consistent), (2_000_000, CopyState::Stale), (3_000_000, CopyState::Consistent)];
        let all = segments(&changes, 5_000_000, SCALE);
        let stale = Segment { from: 200.0, to: 300.0, state: CopyState::Stale };
        assert_eq!((all.len(), all[1], all[2].to), (3, stale, 500.0));
        assert_eq!(segments(&changes, 2_500_000, SCALE)[1].to, 250.0);
    }

    #[test]
    fn a_short_inconsistency_is_visible() {
        let changes = [(5_000_000, CopyState::Stale), (5_000_100, CopyState::Consistent)];
        let all = segments(&changes, 9_000_000, SCALE);
        assert!(all.iter().any(|segment| segment.state == CopyState::Stale), "{all:?}");
    }

    #[test]
    fn there_are_at_most_two_segments_a_pixel() {
        let changes: Vec<_> = (0..100_000)
            .map(|i| (i * 100, if i % 2 == 0 { CopyState::Stale } else { CopyState::Consistent }))
            .collect();
        assert!(segments(&changes, 10_000_000, SCALE).len() <= 2_001);
    }

    #[test]
    fn the_axis_has_round_numbers_that_do_not_touch() {
        let texts: Vec<String> =
            ticks(Scale { from: 0, until: 5_000_000, width: 1120.0 }).into_iter().map(|t| t.1).collect();
        assert_eq!(texts[..3], ["0", "0.5 s", "1.0 s"]);
        for width in [120.0, 390.0, 1280.0] {
            for until in [1_000, 250_000, 5_000_000, 60_000_000, 3_600_000_000] {
                let ticks = ticks(Scale { from: 0, until, width });
                assert!(ticks.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 48.0), "{until} {width} {ticks:?}");
            }
        }
    }

    #[test]
    fn a_position_on_the_timeline_is_an_instant() {
        assert_eq!(SCALE.instant(250.0), 2_500_000);
        assert_eq!(SCALE.instant(-5.0), 0);
        assert_eq!(SCALE.instant(5000.0), 10_000_000);
    }
}
