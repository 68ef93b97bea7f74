//! Charts over the shown stretch of time: missing updates, messages in flight, latency of operations.

use super::chart_frame::{FOOT, HEIGHT, TITLE, frame};
use super::gradual::{Gradual, GradualPart};
use super::stale_charts::{self, Log};
use crate::app::playback::{clock, short};
use crate::app::ribbon::Scale;
use crate::scenario::Micros;
use crate::session::protocol::{Charts, TimedOperation};
use crate::text;
use std::ops::Range;
use std::rc::Rc;
use yew::prelude::*;

/// Number of colours for lines.
const COLOURS: usize = 6;

/// Draws all charts, with `room` px on the left for the legends.
pub fn view(charts: &Rc<Charts>, scale: Scale, room: f64, now: Micros) -> Html {
    // The engine has not answered yet.
    let count = charts.counts.len();
    let over_time = HEIGHT * (count + 2) as f64;
    let height = over_time + stale_charts::HEIGHT;
    let (width, playhead) = (room + scale.width + 24.0, room + scale.x(now).clamp(0.0, scale.width));
    let reads = charts.operations.iter().filter(|operation| operation.read).count();
    let pieces = |count: usize| {
        (0..count.div_ceil(MARKS_PER_PART))
            .map(move |piece| piece * MARKS_PER_PART..count.min((piece + 1) * MARKS_PER_PART))
    };
    let contents = (0..count)
        .map(Content::Counts)
        .chain([Content::Windows, Content::Operations, Content::Latencies])
        .chain(pieces(charts.windows.len()).map(Content::Bars))
        .chain(pieces(charts.operations.len()).map(Content::Dots))
        .chain(pieces(reads).map(Content::Reads));
    let part = |(key, content): (usize, Content)| {
        let part = ChartPart { charts: charts.clone(), content, scale, room };
        html! { <Gradual<ChartPart> {key} {part} /> }
    };
    // The playhead leaves the headings legible.
    let now_in = |chart: usize| {
        let top = HEIGHT * chart as f64;
        format!("M{playhead:.1} {}V{}", top + TITLE, top + HEIGHT - FOOT)
    };
    html! {
        <svg class="charts" width={width.to_string()} height={height.to_string()} role="img" aria-label={description(charts)}>
            { contents.enumerate().map(part).collect::<Html>() }
            <path class="now" d={(0..count + 2).map(now_in).collect::<String>()} />
        </svg>
    }
}

/// Number of bars or dots that are drawn together.
const MARKS_PER_PART: usize = 128;

/// The content of a part of the charts.
#[derive(Clone, PartialEq)]
enum Content {
    /// A chart of counts, by its index.
    Counts(usize),
    /// The chart of inconsistency windows without its bars.
    Windows,
    /// Bars of it, by their indices.
    Bars(Range<usize>),
    /// The chart of operations without its dots.
    Operations,
    /// Dots of it, by their indices.
    Dots(Range<usize>),
    /// The chart of reads without its dots.
    Latencies,
    /// Dots of it, by their indices among the reads.
    Reads(Range<usize>),
}

/// A part of the charts.
#[derive(Clone)]
struct ChartPart {
    charts: Rc<Charts>,
    content: Content,
    scale: Scale,
    room: f64,
}

impl PartialEq for ChartPart {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.charts, &other.charts)
            && self.content == other.content
            && self.scale == other.scale
            && self.room == other.room
    }
}

impl GradualPart for ChartPart {
    fn draw(&self) -> Html {
        let ChartPart { charts, scale, room, .. } = self;
        let (scale, room, count) = (*scale, *room, charts.counts.len());
        let top = |index: usize| HEIGHT * index as f64;
        match &self.content {
            Content::Counts(index) => {
                let (title, lines) = &charts.counts[*index];
                counts(charts, title, lines, scale, room, top(*index))
            }
            Content::Windows => stale_charts::windows(&charts.windows, scale, room, top(count)),
            Content::Bars(indices) => stale_charts::bars(&charts.windows, indices, scale, room, top(count)),
            Content::Operations => operations(charts, scale, room, top(count + 1)),
            Content::Dots(indices) => dots(charts, indices, scale, room, top(count + 1)),
            Content::Latencies => stale_charts::latencies(&charts.operations, room, scale.width, top(count + 2)),
            Content::Reads(indices) => {
                stale_charts::reads(&charts.operations, indices, room, scale.width, top(count + 2))
            }
        }
    }
}

/// Describes the charts in words.
fn description(charts: &Charts) -> String {
    let maximum = |values: &[u32]| values.iter().copied().max().unwrap_or_default();
    let lines = charts.counts.iter().flat_map(|(title, lines)| {
        lines.iter().map(move |(name, values)| text!("{}, {}: at most {}", title, name, maximum(values)))
    });
    let slowest = charts.operations.iter().map(|operation| operation.took).max();
    let operations = slowest.map(|took| text!("operations: {}, the slowest {}", charts.operations.len(), short(took)));
    lines.chain(operations).chain(stale_charts::descriptions(charts)).collect::<Vec<_>>().join("; ")
}

fn counts(charts: &Charts, title: &str, lines: &[(String, Vec<u32>)], scale: Scale, room: f64, top: f64) -> Html {
    let maximum = lines.iter().flat_map(|(_, values)| values).copied().max().unwrap_or_default();
    let (below, high) = (top + HEIGHT - FOOT, HEIGHT - TITLE - FOOT);
    let line = |(i, (name, values)): (usize, &(String, Vec<u32>))| {
        let mut path = String::new();
        let mut previous = None;
        for (at, value) in charts.at.iter().zip(values) {
            let x = scale.x(*at);
            if !(-1.0..=scale.width + 1.0).contains(&x) {
                previous = Some(*value);
                continue;
            }
            let y = |value: u32| below - f64::from(value) / f64::from(maximum.max(1)) * high;
            if path.is_empty() {
                path = format!("M{:.1} {:.1}", room + x, y(previous.unwrap_or(*value)));
            }
            // A count is constant until it changes.
            path.push_str(&format!("H{:.1}V{:.1}", room + x, y(*value)));
        }
        let colour = format!("u{}", i % COLOURS + 1);
        let (x, y) = (14.0, top + 46.0 + 16.0 * i as f64);
        html! {
            <g key={i} class={classes!("line", colour)}>
                <path d={path} />
                if y < below {
                    <path class="swatch" d={format!("M{x} {}h10", y - 4.0)} /><text x={format!("{}", x + 16.0)} y={y.to_string()}>{ short_name(name) }</text>
                }
            </g>
        }
    };
    html! {
        <g key={title.to_string()}>
            { frame(title, maximum.to_string(), room, scale.width, top) }
            { for lines.iter().enumerate().rev().map(line) }
        </g>
    }
}

fn short_name(name: &str) -> String {
    if name.chars().count() <= 14 { name.into() } else { name.chars().take(13).chain(['…']).collect() }
}

/// Returns the axis of the latency of operations.
fn latency_axis(charts: &Charts, top: f64) -> Log {
    let maximum = charts.operations.iter().map(|operation| operation.took).max().unwrap_or_default();
    Log { most: maximum, from: top + HEIGHT - FOOT, length: -(HEIGHT - TITLE - FOOT) }
}

/// Draws operations as dots: their starts and their latencies.
fn dots(charts: &Charts, indices: &Range<usize>, scale: Scale, room: f64, top: f64) -> Html {
    let log = latency_axis(charts, top);
    let dot = |(i, &TimedOperation { at, took, ok, behind, .. }): (usize, &TimedOperation)| {
        let (x, y) = (scale.x(at), log.place(took));
        if !(0.0..=scale.width).contains(&x) {
            return html! {};
        }
        let (class, result, d) = match (ok, behind) {
            (false, _) => ("bad", text!("not ok"), "m-3.500 -3.500l7 7m0 -7l-7 7"),
            (true, 1..) => ("stale", text!("a stale read"), "m0 -4.500l4.500 8h-9z"),
            (true, 0) => ("ok", text!("ok"), "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0"),
        };
        let title = format!("{}: {result}, {}", clock(at), short(took));
        html! { <path key={i} class={classes!("dot", class)} d={format!("M{:.1} {y:.1}{d}", room + x)}><title>{ title }</title></path> }
    };
    charts.operations[indices.clone()].iter().enumerate().map(dot).collect()
}

/// Draws the chart of operations without its dots.
fn operations(charts: &Charts, scale: Scale, room: f64, top: f64) -> Html {
    let log = latency_axis(charts, top);
    html! {
        <g key="operations">
            { frame(text!("Latency of operations (log)"), short(log.most), room, scale.width, top) }
            { log.rows(room, scale.width) }
            <text class="tick" x="14" y={format!("{}", top + 46.0)}>{ text!("● ok") }</text>
            <text class="tick" x="14" y={format!("{}", top + 62.0)}>{ text!("▲ stale read") }</text>
            <text class="tick" x="14" y={format!("{}", top + 78.0)}>{ text!("× not ok") }</text>
        </g>
    }
}
