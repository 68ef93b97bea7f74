//! The timeline: one ribbon per service, solid while consistent, hatched while stale or diverged, split while
//! conflicted, dotted while down. Updates and operations of the script are above, faults below; the playhead crosses all rows.

use super::canvas_2d::{CanvasColours, cleared};
use crate::app::model::Model;
use crate::app::ribbon::{Scale, Segment, segments, shares};
use crate::app::run_view::RunView;
use crate::app::timeline_rows::{Row, TimelineRows};
use crate::scenario::Micros;
use crate::session::protocol::{CopyState, MarkKind};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// Margin at both ends for marks and the playhead, px.
pub const MARGIN: f64 = 8.0;

/// Returns the height of the visible part, px: marks, services, faults.
pub fn height(model: &Model, rows: &TimelineRows) -> f64 {
    rows.visible_height(model.time_view.height, model.viewport.narrow, model.viewport.unit)
}

/// Returns the scale from virtual time to px, without the margin.
pub fn scale(model: &Model, width: f64) -> Scale {
    model.time_view.scale(model.run.until, width - 2.0 * MARGIN)
}

/// Paints the rows that are visible when the timeline is scrolled by `scrolled` px.
pub fn paint(
    canvas: &HtmlCanvasElement,
    model: &Model,
    rows: &TimelineRows,
    colours: &CanvasColours,
    size: (f64, f64),
    scrolled: f64,
) {
    let Some(pen) = cleared(canvas, size) else { return };
    let run = &model.run;
    let scale = scale(model, size.0);
    let bar = 0.55 * rows.height;
    let first = ((scrolled / rows.height) as usize).saturating_sub(2);
    let last = first + (size.1 / rows.height) as usize + 4;
    let _ = pen.translate(MARGIN, -scrolled);
    for (index, row) in rows.rows.iter().enumerate().take(last).skip(first) {
        let y = top(rows, index);
        let paint_row = |run: &RunView, extent: (f64, f64)| match row {
            Row::Service(service) => ribbon(&pen, changes(run, *service), run.now, scale, extent, colours),
            Row::Group { members, .. } => group(&pen, run, members, scale, extent, colours),
        };
        match &model.compared {
            None => paint_row(run, (y, bar)),
            // Two branches share the row: the current one is above the compared one.
            Some(compared) => {
                paint_row(run, (y, bar / 2.0 - 0.5));
                paint_row(compared, (y + bar / 2.0 + 0.5, bar / 2.0 - 0.5));
            }
        }
    }
    marks(&pen, model, rows, scale, colours);
    faults(&pen, model, scale, (top(rows, rows.rows.len()), bar), colours);
    proof(&pen, model, rows, scale, colours);
    let _ = pen.translate(0.0, scrolled);
    playhead(&pen, scale.x(run.now), size.1, colours);
}

/// Returns the upper edge of a row's ribbon, px. The first row is below the marks.
fn top(rows: &TimelineRows, index: usize) -> f64 {
    rows.height * (index as f64 + 1.0 + 0.22)
}

/// Paints the states of many members as shares of their number, the worst state at the bottom.
fn group(
    pen: &CanvasRenderingContext2d,
    run: &RunView,
    members: &[usize],
    scale: Scale,
    (y, bar): (f64, f64),
    colours: &CanvasColours,
) {
    pen.set_fill_style_str(&colours.sunken);
    pen.fill_rect(0.0, y, scale.width, bar);
    for (from, to, counts) in shares(members.iter().map(|member| changes(run, *member)), run.now, scale) {
        let total: u32 = counts.iter().sum();
        let mut bottom = y + bar;
        for (state, count) in counts.into_iter().enumerate().rev().filter(|(_, count)| *count > 0) {
            // A single member among many remains visible.
            let height = (bar * f64::from(count) / f64::from(total.max(1))).max(1.0);
            pen.set_fill_style_str(colours.state(CopyState::ALL[state]));
            pen.fill_rect(from, (bottom - height).max(y), to - from, height);
            bottom -= height;
        }
    }
}

fn changes(run: &RunView, service: usize) -> &[(Micros, CopyState)] {
    run.ribbons.get(service).map_or(&[], Vec::as_slice)
}

fn ribbon(
    pen: &CanvasRenderingContext2d,
    changes: &[(Micros, CopyState)],
    now: Micros,
    scale: Scale,
    (y, bar): (f64, f64),
    colours: &CanvasColours,
) {
    pen.set_fill_style_str(&colours.sunken);
    pen.begin_path();
    let _ = pen.round_rect_with_f64(0.0, y, scale.width, bar, 3.0);
    pen.fill();
    for part in segments(changes, now, scale) {
        segment(pen, part, (y, bar), colours);
    }
}

fn segment(
    pen: &CanvasRenderingContext2d,
    Segment { from, to, state }: Segment,
    (y, bar): (f64, f64),
    colours: &CanvasColours,
) {
    let to = to.max(from + 1.0);
    let width = to - from;
    pen.set_fill_style_str(colours.state(state));
    match state {
        CopyState::Consistent => pen.fill_rect(from, y, width, bar),
        CopyState::Conflicted => {
            pen.fill_rect(from, y, width, bar * 0.4);
            pen.fill_rect(from, y + bar * 0.6, width, bar * 0.4);
            pen.set_fill_style_str(&colours.conflict_edge);
            pen.fill_rect(from, y, width, 1.0);
            pen.fill_rect(from, y + bar - 1.0, width, 1.0);
        }
        CopyState::Down => {
            let mut x = from;
            while x < to {
                pen.fill_rect(x, y, 1.0, bar);
                x += 5.0;
            }
        }
        CopyState::Stale | CopyState::Diverged => {
            pen.fill_rect(from, y, width, bar);
            hatch(pen, (from, to), (y, bar), if state == CopyState::Stale { 4.0 } else { -4.0 }, colours);
        }
    }
}

/// Paints slanted lines in the background's colour over a segment.
fn hatch(
    pen: &CanvasRenderingContext2d,
    (from, to): (f64, f64),
    (y, bar): (f64, f64),
    slant: f64,
    colours: &CanvasColours,
) {
    pen.save();
    pen.begin_path();
    pen.rect(from, y, to - from, bar);
    pen.clip();
    pen.set_global_alpha(0.42);
    pen.set_stroke_style_str(&colours.surface);
    pen.set_line_width(2.5);
    pen.begin_path();
    // The lines have fixed positions on the axis, so a growing segment does not shimmer.
    let mut x = (from / 8.0).floor() * 8.0 - 8.0;
    while x < to + 8.0 {
        pen.move_to(x + slant, y - 1.0);
        pen.line_to(x - slant, y + bar + 1.0);
        x += 8.0;
    }
    pen.stroke();
    pen.restore();
}

fn marks(pen: &CanvasRenderingContext2d, model: &Model, rows: &TimelineRows, scale: Scale, colours: &CanvasColours) {
    let mut last = f64::MIN;
    for mark in model.run.marks.iter().filter(|mark| mark.kind == MarkKind::Update) {
        let x = scale.x(mark.at);
        // Marks closer than 3 px would overlap.
        if x - last < 3.0 {
            continue;
        }
        last = x;
        let colour = mark.update.and_then(|u| colours.updates.get(u as usize % colours.updates.len().max(1)));
        pen.set_fill_style_str(colour.unwrap_or(&colours.plain));
        pen.begin_path();
        pen.move_to(x, 6.0);
        pen.line_to(x + 5.5, 15.5);
        pen.line_to(x - 5.5, 15.5);
        pen.close_path();
        pen.fill();
    }
    // A cross marks a lost update on the ribbon of the service that accepted it; above the ribbons for a client.
    pen.begin_path();
    for mark in model.run.marks.iter().filter(|mark| mark.kind == MarkKind::Lost) {
        let row = rows.of_service(mark.node.index()).map_or(0.0, |row| row as f64 + 1.0);
        let (x, y) = (scale.x(mark.at), rows.height * (row + 0.5));
        for side in [-1.0, 1.0] {
            pen.move_to(x - 5.0, y - 5.0 * side);
            pen.line_to(x + 5.0, y + 5.0 * side);
        }
    }
    for (width, ink) in [(5.0, &colours.surface), (2.0, &colours.fault)] {
        pen.set_line_width(width);
        pen.set_stroke_style_str(ink);
        pen.stroke();
    }
}

fn faults(pen: &CanvasRenderingContext2d, model: &Model, scale: Scale, (y, bar): (f64, f64), colours: &CanvasColours) {
    for fault in &model.run.faults {
        let from = scale.x(fault.from);
        let to = scale.x(fault.to.unwrap_or(model.run.now)).max(from + 2.0);
        pen.begin_path();
        let _ = pen.round_rect_with_f64(from + 0.5, y + 0.5, to - from - 1.0, bar - 1.0, 3.0);
        pen.set_fill_style_str(&colours.fault);
        pen.set_global_alpha(0.2);
        pen.fill();
        pen.set_global_alpha(1.0);
        pen.set_stroke_style_str(&colours.fault);
        pen.set_line_width(1.0);
        pen.stroke();
    }
}

/// Paints the steps of the marked verdict: a line each, and a diamond in the row of each service in the step.
fn proof(pen: &CanvasRenderingContext2d, model: &Model, rows: &TimelineRows, scale: Scale, colours: &CanvasColours) {
    pen.set_fill_style_str(&colours.fault);
    for step in model.verdicts.marked() {
        let x = scale.x(step.at);
        pen.fill_rect(x - 0.5, rows.height, 1.0, rows.height * rows.rows.len() as f64);
        for row in step.nodes.iter().filter_map(|node| rows.of_service(node.index())) {
            let y = rows.height * (row as f64 + 1.5);
            pen.begin_path();
            pen.move_to(x, y - 7.0);
            pen.line_to(x + 7.0, y);
            pen.line_to(x, y + 7.0);
            pen.line_to(x - 7.0, y);
            pen.close_path();
            pen.fill();
        }
    }
}

fn playhead(pen: &CanvasRenderingContext2d, x: f64, height: f64, colours: &CanvasColours) {
    pen.set_fill_style_str(&colours.accent);
    pen.fill_rect(x - 1.0, 0.0, 2.0, height);
    pen.begin_path();
    pen.move_to(x - 6.0, 0.0);
    pen.line_to(x + 6.0, 0.0);
    pen.line_to(x, 7.0);
    pen.close_path();
    pen.fill();
}
