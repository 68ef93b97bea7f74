//! Charts of staleness: how long each inconsistency window was open, and what reads cost against how stale they were.

use super::card::update_class;
use super::charts::{FOOT, HEIGHT as LINE, TITLE, frame};
use crate::app::playback::{clock, short};
use crate::app::ribbon::Scale;
use crate::scenario::Micros;
use crate::session::protocol::{Charts, Timed, WindowBar};
use yew::prelude::*;

/// Height of the chart of latencies against staleness, px, with its title and its axis.
pub const HEIGHT: f64 = 236.0;
/// Room for its axis, px.
const AXIS: f64 = 40.0;
/// Share of its width for fresh reads, which have no staleness.
const FRESH: f64 = 0.2;

/// From durations to places on an axis, by the logarithm from a millisecond on: a timeout must not make all others alike.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    /// What stands at the end.
    pub most: Micros,
    /// Where nothing stands, px.
    pub from: f64,
    /// How far the end is from there, px; negative upwards.
    pub length: f64,
}

impl Log {
    /// Where a duration stands.
    pub fn place(self, duration: Micros) -> f64 {
        let height = |it: Micros| libm::log2(1.0 + it as f64 / 1000.0);
        self.from + height(duration) / height(self.most).max(1e-9) * self.length
    }

    /// 1, 10, 100 ms and so on, as far as there is so much room between them and at both ends, px.
    fn decades(self, room: f64) -> Vec<(f64, String)> {
        let mut placed: Vec<(f64, String)> = Vec::new();
        let (first, end) = (self.from, self.from + self.length);
        for it in [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000].into_iter().filter(|it| *it < self.most)
        {
            let place = self.place(it);
            let before = placed.last().map_or(first, |(place, _)| *place);
            if (place - before).abs() > room && (place - end).abs() > room {
                placed.push((place, short(it)));
            }
        }
        placed
    }

    /// Faint lines at the decades of an axis that goes upwards.
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

/// Both in words.
pub fn told(charts: &Charts) -> impl Iterator<Item = String> {
    let longest = charts.windows.iter().map(|it| it.took).max();
    let open = charts.windows.iter().filter(|it| it.open).count();
    let windows = longest.map(|took| {
        format!("{} inconsistency windows, the longest {}, {open} of them open", charts.windows.len(), short(took))
    });
    let stale = || charts.operations.iter().filter(|it| it.behind > 0);
    let reads = charts.operations.iter().filter(|it| it.read).count();
    let oldest = stale().map(|it| it.stale_for).max();
    let reads = (reads > 0).then(|| match oldest {
        Some(oldest) => format!("{} of {reads} reads stale, by {} at most", stale().count(), short(oldest)),
        None => format!("none of {reads} reads stale"),
    });
    windows.into_iter().chain(reads)
}

/// A line beside a chart, below its title.
fn note(top: f64, line: f64, text: String) -> Html {
    html! { <text class="tick" x="14" y={format!("{}", top + 46.0 + 16.0 * line)}>{ text }</text> }
}

/// Each inconsistency window as a bar from the acknowledgement to its end, as high as it is long.
pub fn windows(windows: &[WindowBar], scale: Scale, room: f64, top: f64) -> Html {
    let most = windows.iter().map(|it| it.took).max().unwrap_or_default();
    let below = top + LINE - FOOT;
    let log = Log { most, from: below, length: -(LINE - TITLE - FOOT) };
    let bar = |(i, it): (usize, &WindowBar)| {
        let (from, to) = (scale.x(it.since), scale.x(it.since + it.took));
        if to < 0.0 || from > scale.width {
            return html! {};
        }
        let (from, to, y) = (room + from.max(0.0), room + to.min(scale.width), log.place(it.took));
        let how = if it.open { "open for" } else { "reached every copy in" };
        let title = format!("{}, {}: {how} {}", clock(it.since), it.label, short(it.took));
        let class = classes!("bar", update_class(it.update), it.open.then_some("unclosed"));
        html! { <path key={i} class={class} d={format!("M{from:.1} {y:.1}H{:.1}", to.max(from + 0.1))}><title>{ title }</title></path> }
    };
    let open = windows.iter().filter(|it| it.open).count();
    html! {
        <g key="windows">
            { frame("Inconsistency windows, a bar an update (log)", short(most), room, scale.width, top) }
            { log.rows(room, scale.width) }
            if windows.is_empty() { { note(top, 0.0, "none yet".into()) } }
            if open > 0 { { note(top, 0.0, format!("{open} open")) } }
            { for windows.iter().enumerate().map(bar) }
        </g>
    }
}

/// Each read as a dot: how long the oldest update that it lacked had been acknowledged, and how long it took.
pub fn latencies(operations: &[Timed], room: f64, width: f64, top: f64) -> Html {
    let reads = || operations.iter().filter(|it| it.read);
    let slowest = reads().map(|it| it.took).max().unwrap_or_default();
    let oldest = reads().map(|it| it.stale_for).max().unwrap_or_default();
    let (above, below) = (top + TITLE, top + HEIGHT - AXIS);
    let up = Log { most: slowest, from: below, length: above - below };
    let fresh = width * FRESH;
    let along = Log { most: oldest, from: room + fresh + 12.0, length: width - fresh - 24.0 };
    let dot = |(i, it): (usize, &Timed)| {
        let y = up.place(it.took);
        if it.behind == 0 {
            // Side by side, by the golden ratio, where many took equally long.
            let x = room + 8.0 + (i as f64 * 0.618_033_988_7).fract() * (fresh - 16.0);
            let title = format!("{}: fresh, {}", clock(it.at), short(it.took));
            return html! { <path key={i} class="dot ok" d={format!("M{x:.1} {y:.1}m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0")}><title>{ title }</title></path> };
        }
        let (x, r) = (along.place(it.stale_for), 3.5 + f64::from(it.behind.min(8)));
        let lacks = if it.behind == 1 { "lacks 1 update".into() } else { format!("lacks {} updates", it.behind) };
        let title = format!("{}: {lacks}, the oldest {} old, {}", clock(it.at), short(it.stale_for), short(it.took));
        let d = format!("M{x:.1} {:.1}l{r:.1} {:.1}h{:.1}z", y - r, 1.75 * r, -2.0 * r);
        html! { <path key={i} class="dot stale" d={d}><title>{ title }</title></path> }
    };
    let tick = |(x, text): (f64, String)| html! { <text key={text.clone()} class="tick" x={format!("{x:.1}")} y={format!("{}", below + 16.0)} text-anchor="middle">{ text }</text> };
    let stale = reads().filter(|it| it.behind > 0).count();
    let caption = match width > 600.0 {
        true => "since when the oldest update that the read lacks was acknowledged; the larger, the more it lacks",
        false => "age of the oldest update that it lacks",
    };
    html! {
        <g key="latencies">
            <path class="band" d={format!("M{room} {above}h{fresh:.1}V{below}H{room}z")} />
            <text class="title" x="14" y={format!("{}", top + 20.0)}>{ "Latency of reads against their staleness (log)" }</text>
            <text class="tick" x={format!("{}", room - 6.0)} y={format!("{}", above + 4.0)} text-anchor="end">{ short(slowest) }</text>
            <text class="tick" x={format!("{}", room - 6.0)} y={format!("{}", below + 4.0)} text-anchor="end">{ "0" }</text>
            { up.rows(room, width) }
            <path class="lane" d={format!("M{room} {below}h{width:.1}")} />
            { note(top, 0.0, format!("● {} fresh", reads().count() - stale)) }
            { note(top, 1.0, format!("▲ {stale} stale")) }
            <text class="tick" x={format!("{:.1}", room + fresh / 2.0)} y={format!("{}", below + 16.0)} text-anchor="middle">{ "fresh" }</text>
            if stale > 0 {
                { for along.decades(46.0).into_iter().map(tick) }
                <text class="tick" x={format!("{:.1}", along.place(oldest))} y={format!("{}", below + 16.0)} text-anchor="end">{ short(oldest) }</text>
            }
            <text class="caption" x={format!("{:.1}", room + width)} y={format!("{}", below + 32.0)} text-anchor="end">{ caption }</text>
            { for reads().enumerate().map(dot) }
        </g>
    }
}
