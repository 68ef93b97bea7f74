//! The viewport: the size of the canvas and the visible part of it.

use super::{CanvasItem, Model, Redraw};
use crate::app::camera::Camera;
use crate::app::comparison::ComparisonLayout;
use crate::app::detail::Detail;
use crate::app::geometry::{Point, Rect, point};
use crate::app::scene::Scene;
use crate::app::texts::Text;
use crate::trace::MessageKind;
use std::rc::Rc;

/// Height at the top of the canvas that is kept free for one row of verdict chips, px.
const TOP: f64 = 36.0;
/// Height of one row of verdict chips, px.
const CHIP_ROW: f64 = 28.0;
/// Height at the bottom of the canvas that is kept free for the zoom buttons and a description of one line, px.
const BOTTOM: f64 = 34.0;
/// Maximum height that is kept free in addition for more rows of chips, px.
const MAX_CHIPS: f64 = 36.0;
/// Maximum height that is kept free in addition for a longer description, and for one above the zoom buttons, px.
const MAX_CAPTION: f64 = 84.0;

/// The share of the scale at which a drawing fits from which it stays as it is.
const LEAST_SHARE: f64 = 0.9;
/// Minimum distance between the focused card and the edge of the canvas, px.
const EDGE: f64 = 8.0;
/// Minimum scale, as a share of 100 %, at which a narrow page shows a whole drawing instead of a column that scrolls.
const OVERVIEW: f64 = 0.4;
/// The same on a phone, whose columns are narrow, for drawings without areas: elsewhere, the texts of cards would be cut.
const PHONE_OVERVIEW: f64 = 0.6;
/// Width of a canvas below which it is that of a phone, px.
const PHONE: f64 = 480.0;
/// Distance between a drawing and the edge of the canvas of a narrow page, px.
const NARROW_MARGIN: f64 = 10.0;

/// The visible part of the canvas.
#[derive(Clone, Debug, PartialEq)]
pub struct Viewport {
    /// The visible part of the canvas, and its scale.
    pub camera: Camera,
    /// Whether the camera shows the whole drawing, until the visitor moves it.
    pub fitted: bool,
    /// Width and height of the canvas, px.
    pub size: (f64, f64),
    /// Width and height of the canvas together with that of a compared branch, px.
    pub room: (f64, f64),
    /// Width of the timeline's axis, px.
    pub axis_width: f64,
    /// Height of the verdict chips and of the description over the canvas, px. The height of the chips is the greatest one since
    /// the drawing was opened or the canvas changed its size, so that the drawing does not move whenever a chip appears or
    /// disappears.
    pub overlays: (f64, f64),
    /// The number of the document whose chips were measured.
    overlays_of: u32,
    /// The number of the document that was fitted into a window of this size; 0 if it is fitted again in any case.
    pub(super) fitted_of: u32,
    /// Whether the drawing has changed since the camera was fitted. It is fitted once, after the whole message.
    pub(super) must_refit: bool,
    /// Whether the page has one column.
    pub narrow: bool,
    /// The size of the visitor's font, relative to 16 px: the size of the canvas at 100 %.
    pub unit: f64,
    /// The kinds of messages that the visitor has hidden: the bit of each [`MessageKind`].
    pub hidden_messages: u16,
    /// Whether the hint about the wheel is shown.
    pub wheel_hint: bool,
}

/// Kinds of messages that are shown and hidden together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageGroup {
    /// The name.
    pub name: Text,
    /// The number of their shape on the canvas.
    pub shape: u8,
    pub(crate) kinds: &'static [MessageKind],
}

const fn group(name: &str, shape: u8, kinds: &'static [MessageKind]) -> MessageGroup {
    MessageGroup { name: Text::new(name), shape, kinds }
}

/// The kinds of messages in the legend.
pub const MESSAGE_GROUPS: [MessageGroup; 9] = [
    group("Events", 0, &[MessageKind::Publish, MessageKind::Delivery]),
    group("Calls", 1, &[MessageKind::Call]),
    group("Replies", 2, &[MessageKind::Reply]),
    group("Acknowledgements", 3, &[MessageKind::Acknowledgement, MessageKind::Refusal]),
    group("Writes to replicas", 0, &[MessageKind::Replication]),
    group("Repairs", 6, &[MessageKind::Repair]),
    group("Heartbeats and votes", 5, &[MessageKind::Election, MessageKind::Heartbeat]),
    group("Comparisons", 5, &[MessageKind::Comparison]),
    group("Polls and connections", 5, &[MessageKind::Poll, MessageKind::Connection]),
];

impl MessageGroup {
    fn bits(self) -> u16 {
        self.kinds.iter().fold(0, |bits, kind| bits | 1 << *kind as u8)
    }
}

impl Default for Viewport {
    fn default() -> Self {
        let camera = Camera::default();
        Viewport {
            camera,
            fitted: false,
            size: (0.0, 0.0),
            room: (0.0, 0.0),
            axis_width: 0.0,
            overlays: (0.0, 0.0),
            overlays_of: 0,
            fitted_of: 0,
            must_refit: false,
            narrow: false,
            unit: 1.0,
            hidden_messages: 0,
            wheel_hint: false,
        }
    }
}

impl Viewport {
    /// Returns the zoom in percent.
    pub fn percent(&self) -> u32 {
        (self.camera.scale / self.unit * 100.0).round() as u32
    }

    /// Returns whether the messages of one of [`MESSAGE_GROUPS`] are hidden.
    pub fn hides_group(&self, index: usize) -> bool {
        MESSAGE_GROUPS.get(index).is_some_and(|group| self.hidden_messages & group.bits() != 0)
    }

    /// Returns the level of detail of the cards.
    pub fn detail(&self) -> Detail {
        Detail::at(self.camera.scale / self.unit)
    }

    /// Returns the camera that shows all of a scene without a column on a narrow page.
    pub(super) fn narrow_fit(&self, scene: &Scene) -> Camera {
        Camera::fitting_with(scene.bounds_of(None), self.size, TOP * self.unit, NARROW_MARGIN, self.unit)
    }

    /// Returns the minimum scale at which a narrow page shows a whole drawing.
    pub(super) fn least_overview(&self, scene: &Scene) -> f64 {
        let is_phone = self.size.0 < PHONE * self.unit;
        let share = match (is_phone, scene.areas.is_empty()) {
            (false, _) => OVERVIEW,
            (true, true) => PHONE_OVERVIEW,
            (true, false) => 1.0,
        };
        share * self.unit
    }

    /// Returns the middle of the canvas, px.
    pub fn middle(&self) -> Point {
        point(self.size.0 / 2.0, self.size.1 / 2.0)
    }
}

/// The sizes that the page has measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sizes {
    /// Width and height of the canvas, px.
    pub canvas: (f64, f64),
    /// Width and height of the canvas together with that of a compared branch, px.
    pub room: (f64, f64),
    /// Width of the timeline's axis, px.
    pub axis_width: f64,
    /// Height of the verdict chips and of the description over the canvas, px.
    pub overlays: (f64, f64),
    /// Whether the window is narrower than 720 px, so that the page has one column.
    pub narrow: bool,
    /// The size of the visitor's font, relative to 16 px.
    pub unit: f64,
}

/// Changes the viewport.
#[derive(Clone, Debug, PartialEq)]
pub enum ViewportMsg {
    /// The page has these sizes.
    Resized(Sizes),
    /// The wheel turned over the canvas.
    Wheel {
        /// Where, in px from the canvas's corner.
        at: Point,
        /// The distance to the right, px.
        dx: f64,
        /// Down, px.
        dy: f64,
        /// Whether Ctrl is held, or a touchpad is pinched.
        zoom: bool,
    },
    /// The wheel turned over an embed, where it scrolls the host page.
    WheelPassed,
    /// Show or hide the messages of one of [`MESSAGE_GROUPS`].
    ToggleMessages(usize),
    /// Zoom by a factor about the middle.
    Zoom(f64),
    /// Zoom to 100 %.
    ZoomActual,
    /// Show the whole drawing.
    Fit,
    /// Show the selected cards.
    FitSelection,
    /// Move this point of the canvas to the middle.
    CenterAt(Point),
}

impl Model {
    pub(super) fn update_viewport(&mut self, msg: ViewportMsg) {
        match msg {
            ViewportMsg::Resized(sizes) => self.resize(sizes),
            ViewportMsg::Wheel { at, dx, dy, zoom } => {
                let camera = if zoom {
                    self.viewport.camera.zoomed(libm::exp((-dy * 0.01).clamp(-0.5, 0.5)), at)
                } else {
                    self.viewport.camera.panned(-dx, -dy)
                };
                self.set_camera(camera);
                self.hide_wheel_hint();
            }
            ViewportMsg::WheelPassed => {
                self.redraw.page |= !std::mem::replace(&mut self.viewport.wheel_hint, true);
            }
            ViewportMsg::ToggleMessages(index) => {
                if let Some(group) = MESSAGE_GROUPS.get(index) {
                    self.viewport.hidden_messages ^= group.bits();
                    self.redraw = Redraw { page: true, paint: true };
                }
            }
            ViewportMsg::Zoom(factor) => self.zoom(factor),
            ViewportMsg::ZoomActual => self.zoom(self.viewport.unit / self.viewport.camera.scale),
            ViewportMsg::Fit => self.fit(),
            ViewportMsg::CenterAt(at) => {
                let (middle, at) = (self.viewport.middle(), self.viewport.camera.to_window(at));
                self.set_camera(self.viewport.camera.panned(middle.x - at.x, middle.y - at.y));
            }
            ViewportMsg::FitSelection => self.fit_selection(),
        }
    }

    fn resize(&mut self, mut sizes: Sizes) {
        let Viewport { size, room, axis_width, overlays, overlays_of, narrow, unit, .. } = self.viewport;
        let number = self.document.number();
        if (size, overlays_of) == (sizes.canvas, number) {
            sizes.overlays.0 = sizes.overlays.0.max(overlays.0);
        }
        if sizes == (Sizes { canvas: size, room, axis_width, overlays, narrow, unit }) {
            return;
        }
        let is_smaller = sizes.canvas.0 < size.0;
        let shown = &mut self.viewport;
        // Panels change the size of the canvas only. In another window, the drawing is in the middle again.
        if axis_width != sizes.axis_width {
            shown.fitted_of = 0;
        }
        (shown.size, shown.room, shown.axis_width) = (sizes.canvas, sizes.room, sizes.axis_width);
        (shown.overlays, shown.overlays_of) = (sizes.overlays, number);
        (shown.narrow, shown.unit) = (sizes.narrow, sizes.unit);
        self.update_scene();
        self.refit_changed();
        // A panel that opens does not cover its subject.
        if let Some(CanvasItem::Node(id)) = self.inspected().filter(|_| is_smaller && !self.viewport.fitted) {
            self.reveal_cards(&[id]);
        }
        self.redraw = Redraw { page: true, paint: true };
    }

    pub(super) fn hide_wheel_hint(&mut self) {
        self.redraw.page |= std::mem::take(&mut self.viewport.wheel_hint);
    }

    /// Moves the camera by hand.
    pub(super) fn set_camera(&mut self, camera: Camera) {
        self.viewport.camera = camera;
        (self.viewport.fitted, self.viewport.must_refit) = (false, false);
        self.redraw.paint = true;
        self.follow_zoom();
    }

    fn zoom(&mut self, factor: f64) {
        self.set_camera(self.viewport.camera.zoomed(factor, self.viewport.middle()));
    }

    /// Shows the whole drawing, also when it changes later.
    pub(super) fn fit(&mut self) {
        self.viewport.fitted_of = 0;
        self.refit();
    }

    /// Shows the whole drawing again if it, or the canvas, has changed.
    pub(super) fn refit_changed(&mut self) {
        if std::mem::take(&mut self.viewport.must_refit) {
            self.refit();
        }
    }

    /// Shows the whole drawing. It stays where it is if it has room there at about the same scale.
    fn refit(&mut self) {
        self.viewport.fitted = true;
        self.redraw.paint = true;
        let Viewport { camera, size: (width, height), unit, narrow, .. } = self.viewport;
        let number = self.document.number();
        let is_same = std::mem::replace(&mut self.viewport.fitted_of, number) == number;
        let bounds = self.scene.bounds();
        self.viewport.camera = if narrow {
            let whole = self.viewport.narrow_fit(&self.scene);
            // A column of many cards begins at its first card.
            let is_long = whole.scale < self.viewport.least_overview(&self.scene) && !self.has_text();
            let has_room = bounds.bottom() * unit <= height;
            let starts_at_top = self.scene.is_column() && (is_long || has_room);
            if starts_at_top { Camera { scale: unit, ..Camera::default() } } else { whole }
        } else {
            let (top, bottom) = self.covered_height();
            let fitting = |bounds| Camera::fitting(bounds, width, height - bottom, top, unit);
            // Where the drawing is smaller, the button is larger in it.
            let detail = Detail::at(fitting(bounds).scale / unit);
            let with_button = self.scene.publish.iter().fold(bounds, |all, button| all.union(&button.rect_at(detail)));
            let (fitted, best) = (fitting(with_button), fitting(bounds).scale);
            let free = Rect { x: 0.0, y: top, w: width, h: height - bottom - top }.grown(-EDGE);
            let (start, end) = camera.corners(bounds);
            let has_scale = camera.scale <= best && camera.scale >= best * LEAST_SHARE;
            let stays = is_same && has_scale && free.contains(start) && free.contains(end);
            if stays { camera } else { fitted }
        };
        self.follow_zoom();
    }

    /// Returns the height of what is over the canvas of a wide page: at its top and at its bottom, px.
    fn covered_height(&self) -> (f64, f64) {
        let Viewport { overlays: (chips, caption), unit, .. } = self.viewport;
        // The tabs of two branches are as high as a row of chips with its margin.
        let tabs = if self.comparison() == Some(ComparisonLayout::Tabs) { TOP } else { 0.0 };
        let more_chips = (chips - CHIP_ROW * unit).clamp(0.0, MAX_CHIPS * unit);
        let more_caption = (caption - BOTTOM * unit - 6.0).clamp(0.0, MAX_CAPTION * unit);
        ((TOP + tabs) * unit + more_chips, BOTTOM * unit + more_caption)
    }

    /// Returns whether the canvas shows the middle of a card.
    pub(super) fn shows_middle(&self, id: &str) -> bool {
        let Viewport { camera, size: (w, h), .. } = self.viewport;
        let middle = self.scene.find(id).map(|node| camera.to_window(self.scene.nodes[node].rect.center()));
        middle.is_some_and(|middle| Rect { x: 0.0, y: 0.0, w, h }.contains(middle))
    }

    /// Moves the camera as little as possible until it shows these cards, or the first one if there is no room for all.
    pub(super) fn reveal_cards(&mut self, ids: &[String]) {
        self.refit_changed();
        let rects = || ids.iter().filter_map(|id| Some(self.scene.nodes[self.scene.find(id)?].rect));
        let Some((first, all)) = rects().next().zip(rects().reduce(|a, b| a.union(&b))) else { return };
        let Viewport { camera, size: (width, height), unit, narrow, .. } = self.viewport;
        let bottom = if narrow { 0.0 } else { BOTTOM * unit };
        let free = Rect { x: 0.0, y: TOP * unit, w: width, h: height - bottom - TOP * unit }.grown(-EDGE);
        let has_room = all.w * camera.scale <= free.w && all.h * camera.scale <= free.h;
        let (start, end) = camera.corners(if has_room { all } else { first });
        // Of a card that is too large, its start is shown.
        let dx = (free.right() - end.x).min(0.0).max(free.x - start.x);
        let dy = (free.bottom() - end.y).min(0.0).max(free.y - start.y);
        if width > 0.0 && (dx, dy) != (0.0, 0.0) {
            self.set_camera(camera.panned(dx, dy));
        }
    }

    /// Returns how the two drawings share the canvas while branches are compared.
    pub fn comparison(&self) -> Option<ComparisonLayout> {
        let Viewport { room, unit, narrow, .. } = self.viewport;
        let is_compared = self.compared.is_some();
        is_compared.then(|| ComparisonLayout::of((room.0 / unit, room.1 / unit), self.scene.bounds(), narrow))
    }

    /// Places the labels of links again if text has another size now.
    pub(super) fn follow_zoom(&mut self) {
        let detail = self.viewport.detail();
        if self.scene.detail != detail {
            Rc::make_mut(&mut self.scene).place_labels(detail);
            self.redraw.page = true;
        }
    }

    fn fit_selection(&mut self) {
        let is_selected = |id: &str| self.selection.items.contains(&CanvasItem::Node(id.to_string()));
        let rects = self.scene.nodes.iter().filter(|node| is_selected(&node.id)).map(|node| node.rect);
        if let Some(bounds) = rects.reduce(|a, b| a.union(&b)) {
            let (width, height) = self.viewport.size;
            self.set_camera(Camera::fitting(Rect::grown(&bounds, 40.0), width, height, 36.0, self.viewport.unit));
        }
    }
}
