//! The timeline: one ribbon per service, solid while consistent, hatched while stale or diverged, split while
//! conflicted, dotted while down. Updates are above, faults below; the playhead crosses all rows.

use super::canvas_2d::{CanvasColours, cleared};
use crate::app::model::Model;
use crate::app::ribbon::{Scale, Segment, segments};
use crate::app::run_view::RunView;
use crate::scenario::Micros;
use crate::session::protocol::{CopyState, MarkKind};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// Height of a row, px.
pub const ROW: f64 = 22.0;
/// Margin at both ends for marks and the playhead, px.
pub const MARGIN: f64 = 8.0;
/// Maximum height of the visible part, px: on a wide page, and on a narrow one.
const TALLEST: (f64, f64) = (198.0, 132.0);

/// Returns the height of the visible part, px: marks, services, faults.
pub fn height(model: &Model) -> f64 {
    let tallest = if model.viewport.narrow { TALLEST.1 } else { TALLEST.0 };
    tallest.min(ROW * (model.document.scenario.services.len() + 2) as f64)
}

/// Returns the scale from virtual time to px, without the margin.
pub fn scale(model: &Model, width: f64) -> Scale {
    model.time_view.scale(model.run.until, width - 2.0 * MARGIN)
}

/// Paints the visible rows: those from `scrolled` px on.
pub fn paint(canvas: &HtmlCanvasElement, model: &Model, colours: &CanvasColours, size: (f64, f64), scrolled: f64) {
    let Some(pen) = cleared(canvas, size) else { return };
    let run = &model.run;
    let scale = scale(model, size.0);
    let services = model.document.scenario.services.len();
    let first = ((scrolled / ROW) as usize).saturating_sub(1);
    let rows = (size.1 / ROW) as usize + 2;
    let _ = pen.translate(MARGIN, -scrolled);
    for service in first.saturating_sub(1)..(first + rows).min(services) {
        let y = ROW * (service + 1) as f64 + 5.0;
        match &model.compared {
            None => ribbon(&pen, changes(run, service), run.now, scale, (y, BAR), colours),
            // Two branches share the row: the current one is above the compared one.
            Some(compared) => {
                ribbon(&pen, changes(run, service), run.now, scale, (y, BAR / 2.0 - 0.5), colours);
                ribbon(
                    &pen,
                    changes(compared, service),
                    compared.now,
                    scale,
                    (y + BAR / 2.0 + 0.5, BAR / 2.0 - 0.5),
                    colours,
                );
            }
        }
    }
    marks(&pen, model, scale, colours);
    faults(&pen, model, scale, ROW * (services + 1) as f64 + 5.0, colours);
    proof(&pen, model, scale, services, colours);
    let _ = pen.translate(0.0, scrolled);
    playhead(&pen, scale.x(run.now), size.1, colours);
}

fn changes(run: &RunView, service: usize) -> &[(Micros, CopyState)] {
    run.ribbons.get(service).map_or(&[], Vec::as_slice)
}

/// Height of a ribbon, px.
const BAR: f64 = 12.0;

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
    let colour = &colours.states[match state {
        CopyState::Consistent => 0,
        CopyState::Diverged => 1,
        CopyState::Conflicted => 2,
        CopyState::Stale => 3,
        CopyState::Down => 4,
    }];
    pen.set_fill_style_str(colour);
    match state {
        CopyState::Consistent => pen.fill_rect(from, y, width, bar),
        CopyState::Conflicted => {
            pen.fill_rect(from, y, width, bar * 0.4);
            pen.fill_rect(from, y + bar * 0.6, width, bar * 0.4);
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

fn marks(pen: &CanvasRenderingContext2d, model: &Model, scale: Scale, colours: &CanvasColours) {
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
    let services = model.document.scenario.services.len();
    pen.begin_path();
    for mark in model.run.marks.iter().filter(|mark| mark.kind == MarkKind::Lost) {
        let row = Some(mark.node.index() + 1).filter(|row| *row <= services).unwrap_or(0);
        let (x, y) = (scale.x(mark.at), ROW * row as f64 + 5.0 + BAR / 2.0);
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

fn faults(pen: &CanvasRenderingContext2d, model: &Model, scale: Scale, y: f64, colours: &CanvasColours) {
    for fault in &model.run.faults {
        let from = scale.x(fault.from);
        let to = scale.x(fault.to.unwrap_or(model.run.now)).max(from + 2.0);
        pen.begin_path();
        let _ = pen.round_rect_with_f64(from + 0.5, y + 0.5, to - from - 1.0, BAR - 1.0, 3.0);
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
fn proof(pen: &CanvasRenderingContext2d, model: &Model, scale: Scale, services: usize, colours: &CanvasColours) {
    pen.set_fill_style_str(&colours.fault);
    for step in model.verdicts.marked() {
        let x = scale.x(step.at);
        pen.fill_rect(x - 0.5, ROW, 1.0, ROW * services as f64);
        for node in step.nodes.iter().map(|node| node.index()).filter(|node| *node < services) {
            let y = ROW * (node + 1) as f64 + 5.0 + BAR / 2.0;
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
