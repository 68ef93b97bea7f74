//! The layer of moving messages: one Canvas 2D over the cards, painted at every animation frame with one path per
//! colour and shape. The position of a message follows from the times that the engine reports.

use super::canvas_2d::{CanvasColours, cleared, pixel_ratio};
use super::update_colour::UPDATE_COLOURS;
use crate::app::camera::Camera;
use crate::app::cut_mark;
use crate::app::detail::SMALLEST;
use crate::app::geometry::{Point, Rect, point};
use crate::app::model::{Mode, Model};
use crate::app::playback::short;
use crate::app::run_view::{LOST_VISIBLE, Lost, RunView};
use crate::app::scene::{LabelPlaces, Scene};
use crate::session::labels;
use crate::session::protocol::{MessageContent, MessageView};
use crate::text;
use crate::trace::{DropCause, MessageKind};
use std::collections::BTreeSet;
use std::f64::consts::TAU;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// Above this number of messages, all are drawn as small squares.
const DETAILED: usize = 1_200;
/// Above this number of messages other than background traffic, only the one under the pointer has a label.
const LABELLED: usize = 14;
/// Size of a message, in the canvas's units.
const SIZE: f64 = 14.0;

/// The number of shapes: rounded square, arrow head, hollow arrow head, ring, crossed ring, dot, plus.
const SHAPES: usize = 7;

/// Returns the shape of a kind of messages, as an index into the list of [`SHAPES`].
fn shape(kind: MessageKind) -> usize {
    match kind {
        MessageKind::Publish | MessageKind::Delivery => 0,
        MessageKind::Call => 1,
        MessageKind::Reply => 2,
        MessageKind::Acknowledgement => 3,
        MessageKind::Refusal => 4,
        MessageKind::Replication => 0,
        MessageKind::Repair => 6,
        MessageKind::Election
        | MessageKind::Comparison
        | MessageKind::Heartbeat
        | MessageKind::Poll
        | MessageKind::Connection => 5,
    }
}

/// Returns whether a message is background traffic, which is painted small and pale.
fn is_quiet(kind: MessageKind) -> bool {
    matches!(
        kind,
        MessageKind::Election
            | MessageKind::Comparison
            | MessageKind::Heartbeat
            | MessageKind::Poll
            | MessageKind::Connection
    )
}

/// What messages of replication in flight carry: sender, receiver, kind and update. A leader resends an entry until it is
/// acknowledged; the repetitions are painted like background traffic.
#[derive(Default)]
struct ReplicatedContents(BTreeSet<(u32, u32, u8, Option<u32>)>);

impl ReplicatedContents {
    /// Returns whether a message repeats an earlier one in flight, and remembers what it carries.
    fn is_repeated_by(&mut self, message: &MessageView) -> bool {
        let is_replication =
            matches!(message.kind, MessageKind::Replication | MessageKind::Repair | MessageKind::Acknowledgement);
        let update = message.content.update().map(|update| update.update);
        let is_same = update.is_some() || matches!(message.content, MessageContent::Empty);
        is_replication && is_same && !self.0.insert((message.from.0, message.to.0, message.kind as u8, update))
    }
}

/// Least distance between two painted messages of background traffic, px.
const QUIET_DISTANCE: f64 = 12.0;

/// A run and the visible part of the drawing.
#[derive(Clone, Copy)]
pub struct CanvasView<'a> {
    /// The run whose messages are painted.
    pub run: &'a RunView,
    scene: &'a Scene,
    camera: Camera,
    size: (f64, f64),
    hover: Option<Point>,
    reduced_motion: bool,
    /// The kinds of messages that the visitor has hidden, as bits.
    hidden: u16,
    /// The cards between which messages are painted; all cards if absent.
    only: Option<&'a BTreeSet<usize>>,
    /// Whether the publish button is beside its service.
    has_publish_button: bool,
}

impl<'a> CanvasView<'a> {
    /// Returns a view of a run on its scene, with the camera of the page.
    pub fn new(model: &'a Model, run: &'a RunView, scene: &'a Scene) -> Self {
        let (camera, size) = (model.viewport.camera, model.viewport.size);
        let (hover, reduced_motion) = (model.pointer.hover, model.preferences.reduced_motion);
        let hidden = model.viewport.hidden_messages;
        let has_publish_button = !model.viewport.narrow && model.mode != Mode::View;
        CanvasView { run, scene, camera, size, hover, reduced_motion, hidden, only: None, has_publish_button }
    }

    /// Returns the view for a picture: another camera and size, nothing under the pointer, and only messages between some
    /// cards.
    pub fn for_picture(self, camera: Camera, size: (f64, f64), only: Option<&'a BTreeSet<usize>>) -> Self {
        CanvasView { camera, size, hover: None, only, has_publish_button: false, ..self }
    }

    /// Returns the size of the smallest text, in canvas units.
    fn text_size(&self) -> f64 {
        SMALLEST.max(SMALLEST / self.camera.scale)
    }

    /// Returns the part of the drawing in the window.
    fn visible(&self) -> Rect {
        let to_world = |x: f64, y: f64| self.camera.to_world(point(x, y));
        Rect::between(to_world(0.0, 0.0), to_world(self.size.0, self.size.1))
    }

    /// Returns the place of the publish button beside its service.
    fn publish_button(&self) -> Option<Rect> {
        self.scene.publish.as_ref().filter(|_| self.has_publish_button).map(|button| button.rect_at(self.scene.detail))
    }

    fn includes(&self, message: &MessageView) -> bool {
        let is_hidden = self.hidden & (1 << message.kind as u8) != 0;
        !is_hidden
            && self.only.is_none_or(|only| only.contains(&message.from.index()) && only.contains(&message.to.index()))
    }
}

/// The position and the direction of a message in flight.
type Heading = (Point, Point);

/// Paints messages. It reuses its buffers from frame to frame.
#[derive(Default)]
pub struct MessageLayer {
    /// Messages by shape, then by colour.
    batches: Vec<Vec<Heading>>,
    /// Background traffic.
    quiet: Vec<Heading>,
    /// Whether the last frame has painted something.
    painted: bool,
}

impl MessageLayer {
    /// Paints the messages in flight and those lost recently.
    pub fn paint(&mut self, canvas: &HtmlCanvasElement, view: &CanvasView, colours: &CanvasColours) {
        let run = view.run;
        if run.messages.is_empty() && run.lost.is_empty() && !self.painted {
            return;
        }
        let Some(pen) = cleared(canvas, view.size) else { return };
        self.painted = !run.messages.is_empty() || !run.lost.is_empty();
        let camera = view.camera;
        let ratio = pixel_ratio();
        let _ =
            pen.set_transform(ratio * camera.scale, 0.0, 0.0, ratio * camera.scale, ratio * camera.x, ratio * camera.y);
        let columns = UPDATE_COLOURS as usize + 1;
        self.batches.resize_with(SHAPES * columns, Vec::new);
        self.batches.iter_mut().for_each(Vec::clear);
        let detailed = run.messages.len() <= DETAILED;
        let visible = view.visible().grown(SIZE);
        self.quiet.clear();
        let mut quiet_places: BTreeSet<(i32, i32)> = BTreeSet::new();
        let mut contents = ReplicatedContents::default();
        let mut prominent = Vec::new();
        for message in run.messages.values().filter(|message| view.includes(message)) {
            let Some(heading) = heading(view, message).filter(|(at, _)| visible.contains(*at)) else { continue };
            if is_quiet(message.kind) || (detailed && contents.is_repeated_by(message)) {
                // Of many heartbeats on a link, few are painted.
                let place = |x: f64| (x * camera.scale / QUIET_DISTANCE) as i32;
                if quiet_places.insert((place(heading.0.x), place(heading.0.y))) {
                    self.quiet.push(heading);
                }
            } else {
                if prominent.len() <= LABELLED {
                    prominent.push(message);
                }
                let shape = if detailed { shape(message.kind) } else { 0 };
                self.batches[shape * columns + colours.index(message.content.update().map(|update| update.update))]
                    .push(heading);
            }
        }
        if !self.quiet.is_empty() {
            pen.set_global_alpha(0.45);
            paint_batch(&pen, 5, &colours.plain, &self.quiet, SIZE.max(9.0 / camera.scale), detailed);
            pen.set_global_alpha(1.0);
        }
        // Messages have a minimum size on the screen, at every zoom.
        let size = SIZE.max(7.0 / camera.scale) * if detailed { 1.0 } else { 0.6 };
        for (i, batch) in self.batches.iter().enumerate() {
            if !batch.is_empty() {
                paint_batch(&pen, i / columns, colours.colour(i % columns), batch, size, detailed);
            }
        }
        let mut places = view.scene.label_places(view.visible(), view.publish_button());
        if prominent.len() <= LABELLED {
            for message in prominent {
                label(&mut places, &pen, view, message, colours, size);
            }
        }
        for (i, lost) in run.lost.iter().enumerate().filter(|(_, lost)| view.includes(&lost.message)) {
            let ends = |lost: &Lost| (lost.message.from, lost.message.to);
            let row = run.lost.iter().skip(i + 1).filter(|newer| ends(newer) == ends(lost)).count();
            if row < 3 {
                paint_lost(&mut places, &pen, view, lost, colours);
            }
        }
        paint_hovered(&pen, view, colours);
    }
}

/// Returns the position of a message now.
fn heading(view: &CanvasView, message: &MessageView) -> Option<Heading> {
    let duration = message.due.saturating_sub(message.sent).max(1) as f64;
    let mut share = (view.run.now.saturating_sub(message.sent) as f64 / duration).clamp(0.0, 1.0);
    if view.reduced_motion {
        // With reduced motion, messages move in steps.
        share = (share * 4.0).floor() / 4.0 + 0.125;
    }
    share = share.min(stop(view, message).unwrap_or(1.0));
    let (at, along) = view.scene.message_position(message.from, message.to, share)?;
    // A duplicate is offset, so it does not hide the original.
    let at = if message.duplicate { point(at.x + 5.0, at.y - 5.0) } else { at };
    Some((at, along))
}

/// Returns where a message on a link that is cut in its direction stops, as a share of its way.
fn stop(view: &CanvasView, message: &MessageView) -> Option<f64> {
    view.run.cut.contains(&(message.from, message.to)).then(|| stop_at_cut(view, message))
}

fn stop_at_cut(view: &CanvasView, message: &MessageView) -> f64 {
    let link = view.scene.link_between(message.from, message.to);
    let length = link.map_or(f64::MAX, |(link, _)| view.scene.links[link].curve.length());
    let cut = view.run.cut_since(message.from, message.to, message.due);
    cut_mark::stop(length, (message.sent, message.due), cut)
}

fn paint_batch(
    pen: &CanvasRenderingContext2d,
    shape: usize,
    colour: &str,
    batch: &[Heading],
    size: f64,
    detailed: bool,
) {
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

/// Writes the update or operation of a message beside it, if a place is free.
fn label(
    places: &mut LabelPlaces,
    pen: &CanvasRenderingContext2d,
    view: &CanvasView,
    message: &MessageView,
    colours: &CanvasColours,
    size: f64,
) {
    if message.kind == MessageKind::Acknowledgement {
        return;
    }
    let Some((at, _)) = heading(view, message) else { return };
    let mut text = match &message.content {
        MessageContent::Update(update) => labels::short_update(update),
        MessageContent::Operation(operation) | MessageContent::Response(operation) => labels::operation(operation),
        content @ (MessageContent::NoEvents | MessageContent::EndOfPolling | MessageContent::Empty) => {
            labels::short_content(content).unwrap_or(labels::message_kind(message.kind)).into()
        }
    };
    if message.duplicate {
        text.push_str(&format!(" {}", text!("again")));
    } else if message.attempt > 1 {
        text.push_str(&format!(", {}", text!("attempt {}", message.attempt)));
    }
    let text_size = view.text_size();
    pen.set_font(&format!("600 {text_size}px {}", colours.font));
    let w = pen.measure_text(&text).map_or(40.0, |metrics| metrics.width());
    let (h, gap) = (1.3 * text_size, size / 2.0 + 5.0);
    let middle = at.y - h / 2.0;
    let (right, left) = (at.x + gap, at.x - gap - w);
    let near = [(right, middle), (at.x - w / 2.0, at.y - gap - h), (at.x - w / 2.0, at.y + gap), (left, middle)];
    // Between two cards, a label beside its message may be a little higher or lower.
    let shifted = [-4.0, 4.0, -8.0, 8.0].into_iter().flat_map(|by| [(right, middle + by), (left, middle + by)]);
    let candidates: Vec<Rect> = near.into_iter().chain(shifted).map(|(x, y)| Rect { x, y, w, h }).collect();
    let Some(place) = places.take(at, SIZE, &candidates) else { return };
    let (x, y) = (place.x, place.y + 0.75 * h);
    pen.set_line_join("round");
    pen.set_line_width(4.0);
    pen.set_stroke_style_str(&colours.paper);
    let _ = pen.stroke_text(&text, x, y);
    pen.set_fill_style_str(&colours.ink);
    let _ = pen.fill_text(&text, x, y);
}

/// Paints a cross where a message was lost, and the reason beside it, if a place is free.
fn paint_lost(
    places: &mut LabelPlaces,
    pen: &CanvasRenderingContext2d,
    view: &CanvasView,
    lost: &Lost,
    colours: &CanvasColours,
) {
    let message = &lost.message;
    let share = match lost.cause {
        DropCause::LinkCut => stop_at_cut(view, message),
        DropCause::Loss | DropCause::Disturbance | DropCause::ReceiverDown => 0.88,
    };
    let Some((at, along)) = view.scene.message_position(message.from, message.to, share) else { return };
    let Some((middle, _)) = view.scene.message_position(message.from, message.to, 0.5) else { return };
    // The cross fades.
    let age = view.run.now.saturating_sub(lost.at) as f64 / LOST_VISIBLE as f64;
    pen.set_global_alpha((1.6 - 1.6 * age).clamp(0.15, 1.0));
    pen.set_stroke_style_str(&colours.fault);
    pen.set_line_width(2.2);
    pen.set_line_cap("round");
    pen.begin_path();
    for (x, y) in [(-6.0, -6.0), (6.0, -6.0)] {
        pen.move_to(at.x + x, at.y + y);
        pen.line_to(at.x - x, at.y - y);
    }
    pen.stroke();
    // That its link is cut is written beside the link.
    if lost.cause == DropCause::LinkCut && message.content.update().is_none() {
        pen.set_global_alpha(1.0);
        return;
    }
    let reason = labels::drop_cause(lost.cause);
    let text = match message.content.update() {
        Some(update) => format!("{}: {reason}", labels::short_update(update)),
        None => reason.to_string(),
    };
    let text_size = view.text_size();
    pen.set_font(&format!("{text_size}px {}", colours.font));
    let (width, h) = (pen.measure_text(&text).map_or(80.0, |metrics| metrics.width()) + 16.0, 2.0 * text_size);
    let sides = [(at.x - 18.0 - width, at.y - h / 2.0), (at.x + 18.0, at.y - h / 2.0)];
    let below = (middle.x - width / 2.0, middle.y.max(at.y) + 18.0);
    let above = (middle.x - width / 2.0, middle.y.min(at.y) - 18.0 - h);
    // Link labels are above horizontal links and right of vertical ones; the other side comes first.
    let order = match along.x.abs() >= along.y.abs() {
        true => [below, above, sides[0], sides[1]],
        false => [sides[0], sides[1], below, above],
    };
    // Reasons on the same link are stacked in rows.
    let rows = [0.0, 1.0, 2.0].map(|row| (h + 4.0) * row);
    let candidates = rows.iter().flat_map(|row| order.map(|(x, y)| Rect { x, y: y + row, w: width, h }));
    let Some(place) = places.take(at, SIZE, &candidates.collect::<Vec<Rect>>()) else {
        pen.set_global_alpha(1.0);
        return;
    };
    let (x, y) = (place.x, place.y);
    pen.set_line_width(1.0);
    pen.set_fill_style_str(&colours.surface);
    pen.begin_path();
    let _ = pen.round_rect_with_f64(x, y, width, h, 6.0);
    pen.fill();
    pen.stroke();
    pen.set_fill_style_str(&colours.fault);
    let _ = pen.fill_text(&text, x + 8.0, y + 0.68 * h);
    pen.set_global_alpha(1.0);
}

/// Describes the message under the pointer.
fn paint_hovered(pen: &CanvasRenderingContext2d, view: &CanvasView, colours: &CanvasColours) {
    let Some(pointer) = view.hover else { return };
    let pointer = view.camera.to_world(pointer);
    let near = view.run.messages.values().filter(|message| view.includes(message)).filter_map(|message| {
        let (at, _) = heading(view, message)?;
        let distance = at.distance(pointer);
        (distance <= 14.0 / view.camera.scale).then_some((distance, at, message))
    });
    let Some((_, at, message)) = near.min_by(|a, b| a.0.total_cmp(&b.0)) else { return };
    let mut text = labels::message(message.kind, &message.content);
    if message.attempt > 1 {
        text.push_str(&format!(", {}", text!("delivery attempt {}", message.attempt)));
    }
    if message.duplicate {
        text.push_str(&format!(", {}", text!("a duplicate")));
    }
    text.push_str(&format!(", {}", text!("due in {}", short(message.due.saturating_sub(view.run.now)))));
    let text_size = 1.1 * view.text_size();
    pen.set_font(&format!("{text_size}px {}", colours.font));
    let (width, h) = (pen.measure_text(&text).map_or(120.0, |metrics| metrics.width()) + 20.0, 2.3 * text_size);
    let above = Rect { x: at.x - width / 2.0, y: at.y - h - 16.0, w: width, h };
    let below = Rect { y: at.y + 16.0, ..above };
    let visible = view.visible();
    let Rect { x, y, .. } = if above.y >= visible.y { above } else { below }.moved_into(&visible).unwrap_or(above);
    pen.set_fill_style_str(&colours.ink);
    pen.begin_path();
    let _ = pen.round_rect_with_f64(x, y, width, h, 8.0);
    pen.fill();
    pen.set_fill_style_str(&colours.surface);
    let _ = pen.fill_text(&text, x + 10.0, y + 0.64 * h);
}
