//! The layer of moving messages: one Canvas 2D over the cards, painted at every frame of the screen, a path
//! for each colour and shape. Where a message is follows from the engine's own times alone.

use super::card::UPDATE_COLOURS;
use crate::app::camera::Camera;
use crate::app::geometry::{Point, Rect, point};
use crate::app::model::Model;
use crate::app::playback::short;
use crate::app::run_view::{Lost, RunView, loss_reason, short_label};
use crate::app::scene::Scene;
use crate::session::protocol::MessageView;
use crate::trace::MessageKind;
use std::f64::consts::TAU;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// More messages than this, and all are drawn as small squares.
const DETAILED: usize = 1_200;
/// More than this, and none is labelled but the one under the pointer.
const LABELLED: usize = 14;
/// Size of a message, in the canvas's units.
const SIZE: f64 = 14.0;

/// Colours of the theme, read from the style sheet.
#[derive(Clone, Debug, Default)]
pub struct Inks {
    /// By update.
    pub updates: Vec<String>,
    /// Messages that are about no update.
    pub plain: String,
    /// Faults.
    pub fault: String,
    /// Text.
    pub ink: String,
    /// Faint text.
    pub faint: String,
    /// What text stands on.
    pub surface: String,
    /// The canvas.
    pub paper: String,
    /// Sunken ground of bars.
    pub sunken: String,
    /// States, in the order of the enum: consistent, diverged, conflicted, stale, down.
    pub states: [String; 5],
    /// The playhead.
    pub accent: String,
    /// The family of text.
    pub font: String,
}

impl Inks {
    /// Reads them from the document's root.
    pub fn read() -> Inks {
        let style = web_sys::window().and_then(|window| {
            let root = window.document()?.document_element()?;
            window.get_computed_style(&root).ok()?
        });
        let of = |name: &str| {
            style.as_ref().and_then(|s| s.get_property_value(name).ok()).unwrap_or_default().trim().to_string()
        };
        Inks {
            updates: (1..=UPDATE_COLOURS).map(|n| of(&format!("--u-{n}"))).collect(),
            plain: of("--edge"),
            fault: of("--fault"),
            ink: of("--ink"),
            faint: of("--ink-3"),
            surface: of("--surface"),
            paper: of("--paper"),
            sunken: of("--sunken"),
            states: ["--ok", "--diverged", "--conflict", "--stale", "--down"].map(of),
            accent: of("--accent"),
            font: of("--font"),
        }
    }

    fn of(&self, update: Option<u32>) -> usize {
        update.map_or(UPDATE_COLOURS as usize, |update| (update % UPDATE_COLOURS) as usize)
    }

    fn colour(&self, index: usize) -> &str {
        self.updates.get(index).unwrap_or(&self.plain)
    }
}

/// Shapes by kind: rounded square, arrow head, hollow arrow head, ring, crossed ring, dot, plus.
const SHAPES: usize = 7;

fn shape(kind: MessageKind) -> usize {
    match kind {
        MessageKind::Publish | MessageKind::Delivery => 0,
        MessageKind::Call => 1,
        MessageKind::Reply => 2,
        MessageKind::Acknowledgement => 3,
        MessageKind::Refusal => 4,
        MessageKind::Token => 5,
        MessageKind::Replication => 0,
        MessageKind::Repair => 6,
        MessageKind::Election | MessageKind::Comparison | MessageKind::Heartbeat => 5,
    }
}

/// What a kind is called.
fn word(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Publish => "event",
        MessageKind::Delivery => "delivery",
        MessageKind::Call => "call",
        MessageKind::Reply => "reply",
        MessageKind::Acknowledgement => "acknowledgement",
        MessageKind::Refusal => "refusal",
        MessageKind::Token => "token",
        MessageKind::Replication => "write",
        MessageKind::Repair => "repair",
        MessageKind::Election => "heartbeat or vote",
        MessageKind::Comparison => "comparison",
        MessageKind::Heartbeat => "heartbeat",
    }
}

/// A run as the canvas shows it.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    /// What moves.
    pub run: &'a RunView,
    scene: &'a Scene,
    camera: Camera,
    size: (f64, f64),
    hover: Option<Point>,
    reduced_motion: bool,
}

impl<'a> Sight<'a> {
    /// A run, looked at as the visitor looks at the drawing.
    pub fn of(model: &'a Model, run: &'a RunView) -> Self {
        let Model { ref scene, camera, size, hover, reduced_motion, .. } = *model;
        Sight { run, scene, camera, size, hover, reduced_motion }
    }
}

/// A message on its way: where, and where it heads.
type Mark = (Point, Point);

/// Paints messages; keeps its buffers from frame to frame.
#[derive(Default)]
pub struct Messages {
    /// By shape, then colour.
    batches: Vec<Vec<Mark>>,
    painted: bool,
}

impl Messages {
    /// Paints what is on its way now.
    pub fn paint(&mut self, canvas: &HtmlCanvasElement, sight: &Sight, inks: &Inks) {
        let run = sight.run;
        if run.flights.is_empty() && run.lost.is_empty() && !self.painted {
            return;
        }
        let Some(pen) = sized(canvas, sight.size) else { return };
        self.painted = !run.flights.is_empty() || !run.lost.is_empty();
        let camera = sight.camera;
        let dpr = pixel_ratio();
        let _ = pen.set_transform(dpr * camera.scale, 0.0, 0.0, dpr * camera.scale, dpr * camera.x, dpr * camera.y);
        let colours = UPDATE_COLOURS as usize + 1;
        self.batches.resize_with(SHAPES * colours, Vec::new);
        self.batches.iter_mut().for_each(Vec::clear);
        let detailed = run.flights.len() <= DETAILED;
        let (corner, end) = (camera.to_world(point(0.0, 0.0)), camera.to_world(point(sight.size.0, sight.size.1)));
        let seen = Rect::between(corner, end).grown(SIZE);
        for message in run.flights.values() {
            if let Some(place) = place(sight, message).filter(|(at, _)| seen.contains(*at)) {
                let shape = if detailed { shape(message.kind) } else { 0 };
                self.batches[shape * colours + inks.of(message.update)].push(place);
            }
        }
        // Zoomed out, messages stay large enough to be seen.
        let size = SIZE.max(7.0 / camera.scale) * if detailed { 1.0 } else { 0.6 };
        for (i, batch) in self.batches.iter().enumerate() {
            if !batch.is_empty() {
                paint_batch(&pen, i / colours, inks.colour(i % colours), batch, size, detailed);
            }
        }
        if run.flights.len() <= LABELLED {
            for message in run.flights.values() {
                label(&pen, sight, message, inks, size);
            }
        }
        for (i, lost) in run.lost.iter().enumerate() {
            let ends = |lost: &Lost| (lost.message.from, lost.message.to);
            let place = run.lost.iter().skip(i + 1).filter(|newer| ends(newer) == ends(lost)).count();
            if place < 3 {
                paint_lost(&pen, sight, lost, place, inks);
            }
        }
        hovered(&pen, sight, inks);
    }
}

/// Pixels of the screen a CSS pixel.
pub fn pixel_ratio() -> f64 {
    web_sys::window().map_or(1.0, |window| window.device_pixel_ratio()).clamp(1.0, 3.0)
}

/// The context of a canvas that has that many CSS pixels, cleared.
pub fn sized(canvas: &HtmlCanvasElement, (width, height): (f64, f64)) -> Option<CanvasRenderingContext2d> {
    use wasm_bindgen::JsCast;
    let dpr = pixel_ratio();
    let (w, h) = ((width * dpr).round() as u32, (height * dpr).round() as u32);
    if canvas.width() != w || canvas.height() != h {
        canvas.set_width(w);
        canvas.set_height(h);
    }
    let pen = canvas.get_context("2d").ok()??.dyn_into::<CanvasRenderingContext2d>().ok()?;
    let _ = pen.set_transform(1.0, 0.0, 0.0, 1.0, 0.0, 0.0);
    pen.clear_rect(0.0, 0.0, f64::from(w), f64::from(h));
    let _ = pen.set_transform(dpr, 0.0, 0.0, dpr, 0.0, 0.0);
    Some(pen)
}

/// Where a message is now.
fn place(sight: &Sight, message: &MessageView) -> Option<Mark> {
    let whole = message.due.saturating_sub(message.sent).max(1) as f64;
    let mut share = (sight.run.now.saturating_sub(message.sent) as f64 / whole).clamp(0.0, 1.0);
    if sight.reduced_motion {
        // In steps, not sliding.
        share = (share * 4.0).floor() / 4.0 + 0.125;
    }
    let (at, along) = sight.scene.on_way(message.from, message.to, share)?;
    // A second copy does not hide the first.
    let at = if message.duplicate { point(at.x + 5.0, at.y - 5.0) } else { at };
    Some((at, along))
}

fn paint_batch(pen: &CanvasRenderingContext2d, shape: usize, colour: &str, batch: &[Mark], size: f64, detailed: bool) {
    let r = size / 2.0;
    pen.begin_path();
    for (at, along) in batch {
        match shape {
            0 if detailed => {
                let _ = pen.round_rect_with_f64(at.x - r, at.y - r, size, size, size * 0.28);
            }
            0 => pen.rect(at.x - r, at.y - r, size, size),
            1 | 2 => {
                let (dx, dy) = (along.x * r, along.y * r);
                pen.move_to(at.x + dx, at.y + dy);
                pen.line_to(at.x - dx - dy, at.y - dy + dx);
                pen.line_to(at.x - dx * 0.4, at.y - dy * 0.4);
                pen.line_to(at.x - dx + dy, at.y - dy - dx);
                pen.close_path();
            }
            3 | 4 => {
                pen.move_to(at.x + r * 0.62, at.y);
                let _ = pen.arc(at.x, at.y, r * 0.62, 0.0, TAU);
                if shape == 4 {
                    pen.move_to(at.x - r * 0.44, at.y + r * 0.44);
                    pen.line_to(at.x + r * 0.44, at.y - r * 0.44);
                }
            }
            6 => {
                pen.rect(at.x - r, at.y - r * 0.34, size, size * 0.34);
                pen.rect(at.x - r * 0.34, at.y - r, size * 0.34, size);
            }
            _ => pen.rect(at.x - r * 0.4, at.y - r * 0.4, r * 0.8, r * 0.8),
        }
    }
    if matches!(shape, 2..=4) {
        pen.set_stroke_style_str(colour);
        pen.set_line_width(size / 7.0);
        pen.stroke();
    } else {
        pen.set_fill_style_str(colour);
        pen.fill();
    }
}

/// The version beside a message.
fn label(pen: &CanvasRenderingContext2d, sight: &Sight, message: &MessageView, inks: &Inks, size: f64) {
    if matches!(
        message.kind,
        MessageKind::Acknowledgement
            | MessageKind::Token
            | MessageKind::Election
            | MessageKind::Comparison
            | MessageKind::Heartbeat
    ) {
        return;
    }
    let Some((at, _)) = place(sight, message) else { return };
    let short = short_label(&message.label);
    let mut text = short.to_string();
    if message.duplicate {
        text.push_str(" again");
    } else if message.attempt > 1 {
        text.push_str(&format!(", try {}", message.attempt));
    }
    pen.set_font(&format!("600 11px {}", inks.font));
    let (x, y) = (at.x + size / 2.0 + 6.0, at.y + 4.0);
    pen.set_line_join("round");
    pen.set_line_width(4.0);
    pen.set_stroke_style_str(&inks.paper);
    let _ = pen.stroke_text(&text, x, y);
    pen.set_fill_style_str(&inks.ink);
    let _ = pen.fill_text(&text, x, y);
}

/// A cross where the message was lost, and its reason beside it. `place` counts the reasons that stand at
/// the same wire already.
fn paint_lost(pen: &CanvasRenderingContext2d, sight: &Sight, lost: &Lost, place: usize, inks: &Inks) {
    let message = &lost.message;
    let Some((at, along)) = sight.scene.on_way(message.from, message.to, 0.88) else { return };
    let Some((middle, _)) = sight.scene.on_way(message.from, message.to, 0.5) else { return };
    pen.set_stroke_style_str(&inks.fault);
    pen.set_line_width(2.2);
    pen.set_line_cap("round");
    pen.begin_path();
    for (x, y) in [(-6.0, -6.0), (6.0, -6.0)] {
        pen.move_to(at.x + x, at.y + y);
        pen.line_to(at.x - x, at.y - y);
    }
    pen.stroke();
    let reason = loss_reason(lost.cause);
    let text = match message.update {
        Some(_) => format!("{} {reason}", short_label(&message.label)),
        None => reason.to_string(),
    };
    pen.set_font(&format!("11px {}", inks.font));
    let width = pen.measure_text(&text).map_or(80.0, |metrics| metrics.width()) + 16.0;
    // Below a wire that lies, left of one that stands: there is no label.
    let (x, y) = if along.x.abs() >= along.y.abs() {
        (middle.x - width / 2.0, middle.y.max(at.y) + 18.0)
    } else {
        (at.x - 14.0 - width, at.y - 11.0)
    };
    let y = y + 26.0 * place as f64;
    pen.set_line_width(1.0);
    pen.set_fill_style_str(&inks.surface);
    pen.begin_path();
    let _ = pen.round_rect_with_f64(x, y, width, 22.0, 6.0);
    pen.fill();
    pen.stroke();
    pen.set_fill_style_str(&inks.fault);
    let _ = pen.fill_text(&text, x + 8.0, y + 15.0);
}

/// What the message under the pointer says.
fn hovered(pen: &CanvasRenderingContext2d, sight: &Sight, inks: &Inks) {
    let Some(pointer) = sight.hover else { return };
    let pointer = sight.camera.to_world(pointer);
    let near = sight.run.flights.values().filter_map(|message| {
        let (at, _) = place(sight, message)?;
        let far = at.distance(pointer);
        (far <= 14.0 / sight.camera.scale).then_some((far, at, message))
    });
    let Some((_, at, message)) = near.min_by(|a, b| a.0.total_cmp(&b.0)) else { return };
    let mut text = format!("{} {}", word(message.kind), message.label);
    if message.attempt > 1 {
        text.push_str(&format!(", delivery {}", message.attempt));
    }
    if message.duplicate {
        text.push_str(", a duplicate");
    }
    text.push_str(&format!(", due in {}", short(message.due.saturating_sub(sight.run.now))));
    pen.set_font(&format!("12px {}", inks.font));
    let width = pen.measure_text(&text).map_or(120.0, |metrics| metrics.width()) + 20.0;
    let (x, y) = (at.x - width / 2.0, at.y - 44.0);
    pen.set_fill_style_str(&inks.ink);
    pen.begin_path();
    let _ = pen.round_rect_with_f64(x, y, width, 28.0, 8.0);
    pen.fill();
    pen.set_fill_style_str(&inks.surface);
    let _ = pen.fill_text(&text, x + 10.0, y + 18.0);
}
