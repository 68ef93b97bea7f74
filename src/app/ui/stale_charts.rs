//! Charts of staleness: the inconsistency windows, and the latency of reads against their staleness.

use super::chart_frame::{FOOT, HEIGHT as LINE, TITLE, frame};
use super::update_colour::update_class;
use crate::app::playback::{clock, short};
use crate::app::ribbon::Scale;
use crate::scenario::Micros;
use crate::session::labels;
use crate::session::protocol::{Charts, TimedOperation, WindowBar};
use crate::text;
use std::ops::Range;
use yew::prelude::*;

/// Height of the chart of latency against staleness with its title and its axis, px.
pub const HEIGHT: f64 = 236.0;
/// Height of its axis, px.
const AXIS: f64 = 40.0;
/// The decades of the axis, µs.
const DECADES: [Micros; 6] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
/// The fraction of its width for fresh reads.
const FRESH: f64 = 0.2;

/// A logarithmic axis for durations from 1 ms, so a long timeout does not hide differences between short ones.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    /// The duration at the end of the axis.
    pub most: Micros,
    /// The position of zero, px.
    pub from: f64,
    /// The distance from zero to the end, px; negative for upwards.
    pub length: f64,
}

impl Log {
    /// Returns the position of a duration, px.
    pub fn place(self, duration: Micros) -> f64 {
        let height = |duration: Micros| libm::log2(1.0 + duration as f64 / 1000.0);
        self.from + height(duration) / height(self.most).max(1e-9) * self.length
    }

    /// Returns the decades (1 ms, 10 ms, …) that are at least `room` px from each other and from both ends.
    fn decades(self, room: f64) -> Vec<(f64, String)> {
        let mut placed: Vec<(f64, String)> = Vec::new();
        let (first, end) = (self.from, self.from + self.length);
        for duration in DECADES.into_iter().filter(|decade| *decade < self.most) {
            let position = self.place(duration);
            let previous = placed.last().map_or(first, |(position, _)| *position);
            if (position - previous).abs() > room && (position - end).abs() > room {
                placed.push((position, short(duration)));
            }
        }
        placed
    }

    /// Draws faint lines at the decades of a vertical axis.
    pub fn rows(self, room: f64, width: f64) -> Html {
        let row = |(y, text): (f64, String)| {
            html! {
                <g key={text.clone()}>
                    <path class="grid" d={format!("M{room} {y:.1}h{width:.1}")} />
                    <text class="tick" x={format!("{}", room - 6.0)} y={format!("{:.1}", y + 4.0)} text-anchor="end">{ text }</text>
                </g>
            }
        };
        self.decades(14.0).into_iter().map(row).collect()
    }
}

/// Describes both charts in words.
pub fn descriptions(charts: &Charts) -> impl Iterator<Item = String> {
    let longest = charts.windows.iter().map(|window| window.took).max();
    let open = charts.windows.iter().filter(|window| window.open).count();
    let missed_again = charts.windows.iter().filter(|window| window.missed_again).count();
    let windows = longest.map(|took| {
        let count = charts.windows.len();
        let text = text!("{} inconsistency windows, the longest {}, {} of them open", count, short(took), open);
        if missed_again == 0 { text } else { format!("{text}; {}", text!("✗ {} lost again", missed_again)) }
    });
    let stale = || charts.operations.iter().filter(|read| read.behind > 0);
    let reads = charts.operations.iter().filter(|operation| operation.read).count();
    let oldest = stale().map(|read| read.stale_for).max();
    let reads = (reads > 0).then(|| match oldest {
        Some(oldest) => text!("{} of {} reads stale, by {} at most", stale().count(), reads, short(oldest)),
        None => text!("none of {} reads stale", reads),
    });
    windows.into_iter().chain(reads)
}

/// Draws a line of text below a chart's title.
fn note(top: f64, line: f64, text: String) -> Html {
    html! { <text class="tick" x="14" y={format!("{}", top + 46.0 + 16.0 * line)}>{ text }</text> }
}

/// Returns the axis of the lengths of inconsistency windows.
fn window_axis(windows: &[WindowBar], top: f64) -> Log {
    let maximum = windows.iter().map(|window| window.took).max().unwrap_or_default();
    Log { most: maximum, from: top + LINE - FOOT, length: -(LINE - TITLE - FOOT) }
}

/// Draws inconsistency windows as bars from the acknowledgement to their ends. The height of a bar is its length.
pub fn bars(windows: &[WindowBar], indices: &Range<usize>, scale: Scale, room: f64, top: f64) -> Html {
    let log = window_axis(windows, top);
    let bar = |(i, window): (usize, &WindowBar)| {
        let (from, to) = (scale.x(window.since), scale.x(window.since + window.took));
        if to < 0.0 || from > scale.width {
            return html! {};
        }
        let (from, to, y) = (room + from.max(0.0), room + to.min(scale.width), log.place(window.took));
        let state = if window.open { text!("open for") } else { text!("reached every copy in") };
        let lost = if window.missed_again { format!(", {}", text!("a copy lost it again")) } else { String::new() };
        let (since, update) = (clock(window.since), labels::update(&window.update));
        let title = format!("{since}, {update}: {state} {}{lost}", short(window.took));
        let class = classes!("bar", update_class(window.update.update), window.open.then_some("unclosed"));
        let to = to.max(from + 0.1);
        html! {
            <g key={i}>
                <path class={class} d={format!("M{from:.1} {y:.1}H{to:.1}")}><title>{ title.clone() }</title></path>
                if window.missed_again { <path class="missed" d={format!("M{to:.1} {y:.1}m-4 -4l8 8m0 -8l-8 8")}><title>{ title }</title></path> }
            </g>
        }
    };
    windows[indices.clone()].iter().enumerate().map(bar).collect()
}

/// Draws the chart of inconsistency windows without its bars.
pub fn windows(windows: &[WindowBar], scale: Scale, room: f64, top: f64) -> Html {
    let log = window_axis(windows, top);
    let open = windows.iter().filter(|window| window.open).count();
    let missed_again = windows.iter().filter(|window| window.missed_again).count();
    html! {
        <g key="windows">
            { frame(text!("Inconsistency windows, one bar per update (log)"), short(log.most), room, scale.width, top) }
            { log.rows(room, scale.width) }
            if windows.is_empty() { { note(top, 0.0, text!("none yet").into()) } }
            if open > 0 { { note(top, 0.0, text!("{} open", open)) } }
            if missed_again > 0 { { note(top, 1.0, text!("✗ {} lost", missed_again)) } }
        </g>
    }
}

/// Returns the axes of the chart of reads: of their latencies, and of the ages of the oldest missing updates.
fn read_axes(operations: &[TimedOperation], room: f64, width: f64, top: f64) -> (Log, Log) {
    let reads = || operations.iter().filter(|operation| operation.read);
    let slowest = reads().map(|read| read.took).max().unwrap_or_default();
    let oldest = reads().map(|read| read.stale_for).max().unwrap_or_default();
    let (above, below) = (top + TITLE, top + HEIGHT - AXIS);
    let fresh = width * FRESH;
    let up = Log { most: slowest, from: below, length: above - below };
    (up, Log { most: oldest, from: room + fresh + 12.0, length: width - fresh - 24.0 })
}

/// Draws reads as dots: the age of the oldest missing update, and the latency.
pub fn reads(operations: &[TimedOperation], indices: &Range<usize>, room: f64, width: f64, top: f64) -> Html {
    let (up, across) = read_axes(operations, room, width, top);
    let fresh = width * FRESH;
    let dot = |(i, read): (usize, &TimedOperation)| {
        let y = up.place(read.took);
        if read.behind == 0 {
            // The golden ratio spreads reads of equal latency.
            let x = room + 8.0 + (i as f64 * 0.618_033_988_7).fract() * (fresh - 16.0);
            let title = text!("{}: fresh, {}", clock(read.at), short(read.took));
            return html! { <path key={i} class="dot ok" d={format!("M{x:.1} {y:.1}m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0")}><title>{ title }</title></path> };
        }
        let (x, r) = (across.place(read.stale_for), 3.5 + f64::from(read.behind.min(8)));
        let missing =
            if read.behind == 1 { text!("1 update missing").into() } else { text!("{} updates missing", read.behind) };
        let title =
            text!("{}: {}, the oldest {} old, {}", clock(read.at), missing, short(read.stale_for), short(read.took));
        let d = format!("M{x:.1} {:.1}l{r:.1} {:.1}h{:.1}z", y - r, 1.75 * r, -2.0 * r);
        html! { <path key={i} class="dot stale" d={d}><title>{ title }</title></path> }
    };
    let reads = operations.iter().filter(|operation| operation.read).enumerate();
    reads.skip(indices.start).take(indices.len()).map(dot).collect()
}

/// Draws the chart of reads without its dots.
pub fn latencies(operations: &[TimedOperation], room: f64, width: f64, top: f64) -> Html {
    let reads = || operations.iter().filter(|operation| operation.read);
    let (up, across) = read_axes(operations, room, width, top);
    let (above, below, fresh) = (top + TITLE, top + HEIGHT - AXIS, width * FRESH);
    let (slowest, oldest) = (up.most, across.most);
    let tick = |(x, text): (f64, String)| html! { <text key={text.clone()} class="tick" x={format!("{x:.1}")} y={format!("{}", below + 16.0)} text-anchor="middle">{ text }</text> };
    let stale = reads().filter(|read| read.behind > 0).count();
    let caption = match width > 600.0 {
        true => text!("age of the oldest missing update; size: number of missing updates"),
        false => text!("age of the oldest missing update"),
    };
    html! {
        <g key="latencies">
            <path class="band" d={format!("M{room} {above}h{fresh:.1}V{below}H{room}z")} />
            <text class="title" x="14" y={format!("{}", top + 20.0)}>{ text!("Latency of reads against their staleness (log)") }</text>
            <text class="tick" x={format!("{}", room - 6.0)} y={format!("{}", above + 4.0)} text-anchor="end">{ short(slowest) }</text>
            <text class="tick" x={format!("{}", room - 6.0)} y={format!("{}", below + 4.0)} text-anchor="end">{ "0" }</text>
            { up.rows(room, width) }
            <path class="lane" d={format!("M{room} {below}h{width:.1}")} />
            { note(top, 0.0, text!("● {} fresh", reads().count() - stale)) }
            { note(top, 1.0, text!("▲ {} stale", stale)) }
            <text class="tick" x={format!("{:.1}", room + fresh / 2.0)} y={format!("{}", below + 16.0)} text-anchor="middle">{ text!("fresh") }</text>
            if stale > 0 {
                { for across.decades(46.0).into_iter().map(tick) }
                <text class="tick" x={format!("{:.1}", across.place(oldest))} y={format!("{}", below + 16.0)} text-anchor="end">{ short(oldest) }</text>
            }
            <text class="caption" x={format!("{:.1}", room + width)} y={format!("{}", below + 32.0)} text-anchor="end">{ caption }</text>
        </g>
    }
}
