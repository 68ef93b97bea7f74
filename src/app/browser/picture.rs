//! Saves a picture of a part of the page: converts its elements to shapes, and those to SVG or PNG.

mod canvas_encoding;
mod offscreen_clone;
mod texts;

use super::slices::next_task;
use super::{animation, files};
use crate::app::picture::{self, PictureFailure, PictureFormat, Shape, box_path, foot_path, hatching};
use crate::app::recording::FRAME_RATE;
use canvas_encoding::data_url;
pub use canvas_encoding::encode;
use js_sys::{Object, Reflect};
use offscreen_clone::{CARDS, OffscreenClone, set_shown};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    Blob, CanvasRenderingContext2d, CssStyleDeclaration, DomRect, Element, HtmlCanvasElement, Node, Path2d,
    SvgGeometryElement, SvgGraphicsElement,
};
use yew::Callback;

/// Elements that are not in a picture, such as controls.
const OMITTED: &str = ".zoom, .publish, .publish-far, .notice, .hint, .chips, .pane-name, .menu, .drafts, .handle, \
     .open, .sr, .why, .reach, defs, marker, title, dialog";

/// The longest side of an animated picture, pixels.
const MAX_SIDE: f64 = 1200.0;

/// Saves a picture of the first element that a selector matches. The name has no extension.
pub fn save(selector: &str, name: &str, format: PictureFormat, on_failure: Callback<PictureFailure>) {
    let document = web_sys::window().and_then(|window| window.document());
    let Some(root) = document.and_then(|document| document.query_selector(selector).ok().flatten()) else {
        return on_failure.emit(PictureFailure::NotPainted);
    };
    let frame = root.get_bounding_client_rect();
    // A scrolled element is larger than its visible part.
    let size =
        (frame.width().max(root.scroll_width().into()).ceil(), frame.height().max(root.scroll_height().into()).ceil());
    save_element(&root, size, &|_| false, (name, format), on_failure);
}

/// Saves a picture of an element, in a size that may differ from its size on the page, without the elements that `omits` selects.
/// It shows the element as it is now. An SVG or a PNG is made in several tasks of the browser; a frame of an animated picture, in
/// one, because another frame follows.
pub fn save_element(
    root: &Element,
    size: (f64, f64),
    omits: &dyn Fn(&Element) -> bool,
    (name, format): (&str, PictureFormat),
    on_failure: Callback<PictureFailure>,
) {
    match format {
        PictureFormat::Svg | PictureFormat::Png => {
            let Some(clone) = OffscreenClone::of(root, size, omits) else {
                return on_failure.emit(PictureFailure::NotPainted);
            };
            let name = name.to_string();
            spawn_local(async move {
                if let Err(failure) = save_clone(clone, size, &name, format == PictureFormat::Svg).await {
                    on_failure.emit(failure);
                }
            });
        }
        PictureFormat::Gif { is_first, is_last } => {
            if append_frame(root, size, omits, is_first, is_last.then_some(name)).is_none() {
                on_failure.emit(PictureFailure::NotPainted);
            }
        }
    }
}

/// Saves a picture of a clone as SVG or PNG.
async fn save_clone(clone: OffscreenClone, size: (f64, f64), name: &str, is_svg: bool) -> Result<(), PictureFailure> {
    // The caller restores the page before the layout of the page and of the clone is computed.
    next_task().await;
    let mut capture = Capture::of(&clone.root);
    capture.add_background(&clone.root, size);
    capture.capture_clone(&clone).await;
    drop(clone);
    if is_svg {
        let encoded = capture.encode_images().await;
        files::download(&format!("{name}.svg"), "image/svg+xml", &picture::svg(&capture.into_shapes(), size));
        encoded
    } else {
        files::download_blob(&format!("{name}.png"), &capture.to_png(size).await?);
        Ok(())
    }
}

/// Appends a frame to the animated picture, and saves it under `last` after the last frame. Returns none if the browser refuses.
fn append_frame(
    root: &Element,
    size: (f64, f64),
    omits: &dyn Fn(&Element) -> bool,
    is_first: bool,
    last: Option<&str>,
) -> Option<()> {
    let mut capture = Capture::of(root);
    capture.add_background(root, size);
    let mut waiting = steps_for_children(root);
    while let Some(step) = waiting.pop() {
        capture.execute(step, false, omits, &mut waiting);
    }
    let scale = (MAX_SIDE / size.0.max(size.1)).min(1.0);
    let pixels = (size.0 * scale, size.1 * scale);
    let painting = Painting::new(pixels, scale)?;
    capture.shapes.iter().try_for_each(|shape| painting.add(shape))?;
    let (size, delay) = ((pixels.0 as u16, pixels.1 as u16), 100 / FRAME_RATE as u16);
    animation::append(&painting.context, size, delay, is_first, last)
}

/// The shapes captured so far.
struct Capture {
    /// The upper left corner of the picture in the window, px.
    corner: (f64, f64),
    shapes: Vec<Captured>,
}

/// A captured shape.
enum Captured {
    Shape(Shape),
    /// The content of a canvas: left, top, width and height.
    Canvas(HtmlCanvasElement, [f64; 4]),
}

/// A step of a capture.
enum CaptureStep {
    Element(Element),
    /// A text, and the element that contains it.
    Text(Element, Node),
    /// Removes an element of a clone, which is no longer needed.
    Remove(Element),
}

/// Number of elements and texts that are captured in one task of the browser.
const STEPS_PER_TASK: usize = 150;
/// Number of shapes that are painted in one task.
const SHAPES_PER_TASK: usize = 200;
/// Maximum number of pixels of a picture. A larger canvas is empty in some browsers.
const MAX_PIXELS: f64 = (1 << 24) as f64;

/// Returns the steps for the children of an element, in reverse order.
fn steps_for_children(element: &Element) -> Vec<CaptureStep> {
    let children = element.child_nodes();
    let children = (0..children.length()).rev().filter_map(|i| children.get(i));
    let step = |child: Node| match child.dyn_into::<Element>() {
        Ok(child) => Some(CaptureStep::Element(child)),
        Err(child) => (child.node_type() == Node::TEXT_NODE).then(|| CaptureStep::Text(element.clone(), child)),
    };
    children.filter_map(step).collect()
}

/// Returns the style that the browser has computed for an element.
fn style_of(element: &Element) -> Option<CssStyleDeclaration> {
    web_sys::window()?.get_computed_style(element).ok()?
}

fn opacity_of(style: &CssStyleDeclaration) -> f64 {
    crate::scenario::number(&property(style, "opacity")).unwrap_or(1.0)
}

/// Returns the value of a CSS property; empty without one.
fn property(style: &CssStyleDeclaration, name: &str) -> String {
    style.get_property_value(name).unwrap_or_default()
}

/// Returns the value of a CSS length; 0 without one.
fn length_in_px(style: &CssStyleDeclaration, name: &str) -> f64 {
    crate::scenario::number(property(style, name).trim_end_matches("px")).unwrap_or(0.0)
}

/// Returns whether a colour is transparent.
fn is_transparent(colour: &str) -> bool {
    let has_no_alpha = colour.starts_with("rgba(") && colour.ends_with(", 0)");
    colour == "none" || colour == "transparent" || has_no_alpha || colour.ends_with("/ 0)")
}

/// Returns whether an element is on a line below the visible part of its parent.
fn is_on_hidden_line(element: &Element) -> bool {
    let Some(parent) = element.parent_element() else { return false };
    let hides = style_of(&parent).is_some_and(|style| property(&style, "overflow-y") == "hidden");
    hides && element.get_bounding_client_rect().top() >= parent.get_bounding_client_rect().bottom() - 1.0
}

impl Capture {
    /// Begins a capture of an element.
    fn of(root: &Element) -> Self {
        let frame = root.get_bounding_client_rect();
        Capture { corner: (frame.left(), frame.top()), shapes: Vec::new() }
    }

    fn add(&mut self, shape: Shape) {
        self.shapes.push(Captured::Shape(shape));
    }

    /// Captures the content of a clone, in several tasks.
    async fn capture_clone(&mut self, clone: &OffscreenClone) {
        let mut waiting = steps_for_children(&clone.root);
        while !waiting.is_empty() {
            for _ in 0..STEPS_PER_TASK {
                let Some(step) = waiting.pop() else { break };
                self.execute(step, true, &|_| false, &mut waiting);
            }
            next_task().await;
        }
    }

    /// Adds the background, which may be that of an ancestor.
    fn add_background(&mut self, root: &Element, (w, h): (f64, f64)) {
        let mut ancestor = Some(root.clone());
        while let Some(element) = ancestor {
            let colour = style_of(&element).map(|style| property(&style, "background-color")).unwrap_or_default();
            if !is_transparent(&colour) {
                return self.fill_path(box_path(0.0, 0.0, w, h, 0.0), colour, 1.0);
            }
            ancestor = element.parent_element();
        }
    }

    /// Adds a filled shape without a stroke.
    fn fill_path(&mut self, d: String, fill: String, opacity: f64) {
        let matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
        self.add(Shape::Path { d, matrix, fill, stroke: "none".into(), width: 0.0, dashes: Vec::new(), opacity });
    }

    /// Returns the left and upper edge of a rectangle of the window in the picture, its width and its height, px.
    fn bounds_in_picture(&self, rect: &DomRect) -> (f64, f64, f64, f64) {
        (rect.left() - self.corner.0, rect.top() - self.corner.1, rect.width(), rect.height())
    }

    fn execute(
        &mut self,
        step: CaptureStep,
        is_clone: bool,
        omits: &dyn Fn(&Element) -> bool,
        waiting: &mut Vec<CaptureStep>,
    ) {
        match step {
            CaptureStep::Element(element) => {
                if is_clone && element.matches(CARDS).unwrap_or(false) {
                    set_shown(&element, true);
                    waiting.push(CaptureStep::Remove(element.clone()));
                }
                self.capture_element(&element, omits, waiting);
            }
            CaptureStep::Text(parent, text) => {
                if let Some(style) = style_of(&parent) {
                    self.capture_text(&parent, &text, &style, opacity_of(&style));
                }
            }
            CaptureStep::Remove(element) => element.remove(),
        }
    }

    /// Adds the shapes of an element itself, and the steps for its content.
    fn capture_element(&mut self, element: &Element, omits: &dyn Fn(&Element) -> bool, waiting: &mut Vec<CaptureStep>) {
        if element.matches(OMITTED).unwrap_or(true) || omits(element) || is_on_hidden_line(element) {
            return;
        }
        let Some(style) = style_of(element) else { return };
        let opacity = opacity_of(&style);
        if property(&style, "display") == "none" || property(&style, "visibility") == "hidden" || opacity == 0.0 {
            return;
        }
        if let Some(shape) = element.dyn_ref::<SvgGraphicsElement>() {
            self.capture_svg(shape, &style, opacity);
        } else if let Some(canvas) = element.dyn_ref::<HtmlCanvasElement>() {
            let (x, y, w, h) = self.bounds_in_picture(&canvas.get_bounding_client_rect());
            self.shapes.push(Captured::Canvas(canvas.clone(), [x, y, w, h]));
        } else {
            self.capture_box(element, &style, opacity);
        }
        waiting.extend(steps_for_children(element));
    }

    /// Returns the shapes; a canvas that could not be converted is left out.
    fn into_shapes(self) -> Vec<Shape> {
        let shape = |captured| match captured {
            Captured::Shape(shape) => Some(shape),
            Captured::Canvas(..) => None,
        };
        self.shapes.into_iter().filter_map(shape).collect()
    }

    /// Converts the contents of canvases to data URLs.
    async fn encode_images(&mut self) -> Result<(), PictureFailure> {
        let mut result = Ok(());
        for shape in &mut self.shapes {
            let Captured::Canvas(canvas, [x, y, w, h]) = shape else { continue };
            let (width, height) = (canvas.width(), canvas.height());
            // A canvas without pixels has no content.
            if width == 0 || height == 0 {
                continue;
            }
            match data_url(canvas).await {
                Some(data) => *shape = Captured::Shape(Shape::Image { x: *x, y: *y, w: *w, h: *h, data }),
                None => result = Err(PictureFailure::SavedWithoutCanvas { width, height }),
            }
        }
        result
    }

    /// Adds the background and the border of an element.
    fn capture_box(&mut self, element: &Element, style: &CssStyleDeclaration, opacity: f64) {
        let (x, y, w, h) = self.bounds_in_picture(&element.get_bounding_client_rect());
        let background = property(style, "background-color");
        let borders = ["top", "bottom"].map(|side| {
            let border_width = length_in_px(style, &format!("border-{side}-width"));
            (
                border_width,
                property(style, &format!("border-{side}-color")),
                property(style, &format!("border-{side}-style")),
            )
        });
        let is_drawn =
            |border: &(f64, String, String)| border.0 > 0.0 && border.2 != "none" && !is_transparent(&border.1);
        let has_frame = is_drawn(&borders[0]) && is_drawn(&borders[1]);
        if !is_transparent(&background) || has_frame {
            let (border_width, colour) =
                if has_frame { (borders[0].0, borders[0].1.clone()) } else { (0.0, "none".into()) };
            let radius = property(style, "border-top-left-radius");
            let share = radius.strip_suffix('%').and_then(crate::scenario::number).map(|share| share / 100.0 * w);
            let radius = share.unwrap_or_else(|| length_in_px(style, "border-top-left-radius"));
            let foot_radius = length_in_px(style, "border-bottom-left-radius");
            let d = match radius == 0.0 && foot_radius > 0.0 {
                true => foot_path(x, y, w, h, foot_radius),
                false => {
                    box_path(x + border_width / 2.0, y + border_width / 2.0, w - border_width, h - border_width, radius)
                }
            };
            let fill = if is_transparent(&background) { "none".into() } else { background };
            let matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
            self.add(Shape::Path { d, matrix, fill, stroke: colour, width: border_width, dashes: Vec::new(), opacity });
            if property(style, "background-image").starts_with("repeating-linear-gradient") {
                let (d, stroke, fill) = (hatching(x, y, w, h), property(style, "color"), "none".into());
                self.add(Shape::Path {
                    d,
                    matrix,
                    fill,
                    stroke,
                    width: 2.0,
                    dashes: Vec::new(),
                    opacity: 0.2 * opacity,
                });
            }
        } else {
            // A border on one side only.
            for ((border_width, colour, _), top) in
                borders.iter().zip([true, false]).filter(|(border, _)| is_drawn(border))
            {
                let y = if top { y } else { y + h - border_width };
                self.fill_path(box_path(x, y, w, *border_width, 0.0), colour.clone(), opacity);
            }
        }
    }

    /// Adds an SVG shape.
    fn capture_svg(&mut self, shape: &SvgGraphicsElement, style: &CssStyleDeclaration, opacity: f64) {
        let number =
            |name: &str| shape.get_attribute(name).and_then(|text| crate::scenario::number(&text)).unwrap_or(0.0);
        let d = match shape.local_name().as_str() {
            "path" => shape.get_attribute("d").unwrap_or_default(),
            "circle" => {
                let r = number("r");
                box_path(number("cx") - r, number("cy") - r, 2.0 * r, 2.0 * r, r)
            }
            "rect" => box_path(number("x"), number("y"), number("width"), number("height"), number("rx")),
            "line" => format!("M{} {}L{} {}", number("x1"), number("y1"), number("x2"), number("y2")),
            _ => return,
        };
        let Some(matrix) = shape.get_screen_ctm() else { return };
        let matrix = [
            matrix.a().into(),
            matrix.b().into(),
            matrix.c().into(),
            matrix.d().into(),
            f64::from(matrix.e()) - self.corner.0,
            f64::from(matrix.f()) - self.corner.1,
        ];
        let lengths = property(style, "stroke-dasharray");
        let dashes = lengths.split([',', ' ']).filter_map(|part| crate::scenario::number(part.trim_end_matches("px")));
        let (fill, stroke) = (property(style, "fill"), property(style, "stroke"));
        let own_opacity = if fill == "none" { "stroke-opacity" } else { "fill-opacity" };
        let opacity = opacity * crate::scenario::number(&property(style, own_opacity)).unwrap_or(1.0);
        let arrowhead_path = (property(style, "marker-end") != "none").then(|| arrowhead(shape)).flatten();
        self.add(Shape::Path {
            d,
            matrix,
            fill,
            stroke: stroke.clone(),
            width: length_in_px(style, "stroke-width"),
            dashes: dashes.collect(),
            opacity,
        });
        if let Some(d) = arrowhead_path {
            let (no_stroke, width) = ("none".into(), 0.0);
            self.add(Shape::Path { d, matrix, fill: stroke, stroke: no_stroke, width, dashes: Vec::new(), opacity });
        }
    }

    /// Returns the picture as a PNG, painted in several tasks.
    async fn to_png(&self, (w, h): (f64, f64)) -> Result<Blob, PictureFailure> {
        let scale = (MAX_PIXELS / (w * h)).sqrt().min(2.0);
        let painting = Painting::new((w * scale, h * scale), scale).ok_or(PictureFailure::NotPainted)?;
        for shapes in self.shapes.chunks(SHAPES_PER_TASK) {
            shapes.iter().try_for_each(|shape| painting.add(shape)).ok_or(PictureFailure::NotPainted)?;
            next_task().await;
        }
        let (width, height) = (painting.canvas.width(), painting.canvas.height());
        encode(&painting.canvas).await.ok_or(PictureFailure::NotEncoded { width, height })
    }
}

/// A picture on a canvas.
struct Painting {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    scale: f64,
}

impl Painting {
    /// Creates an empty canvas of this size in pixels.
    fn new((w, h): (f64, f64), scale: f64) -> Option<Self> {
        let document = web_sys::window()?.document()?;
        let canvas = document.create_element("canvas").ok()?.dyn_into::<HtmlCanvasElement>().ok()?;
        canvas.set_width(w as u32);
        canvas.set_height(h as u32);
        // Otherwise the browser paints everything in the task that reads the picture.
        let options = Object::new();
        Reflect::set(&options, &"willReadFrequently".into(), &true.into()).ok()?;
        let context = canvas.get_context_with_context_options("2d", &options).ok()??;
        let context = context.dyn_into::<CanvasRenderingContext2d>().ok()?;
        Some(Painting { canvas, context, scale })
    }

    /// Paints a shape. Returns none if the browser refuses.
    fn add(&self, shape: &Captured) -> Option<()> {
        let context = &self.context;
        context.set_transform(self.scale, 0.0, 0.0, self.scale, 0.0, 0.0).ok()?;
        match shape {
            Captured::Shape(Shape::Path { d, matrix: [a, b, c, e, x, y], fill, stroke, width, dashes, opacity }) => {
                context.transform(*a, *b, *c, *e, *x, *y).ok()?;
                context.set_global_alpha(*opacity);
                let path = Path2d::new_with_path_string(d).ok()?;
                if fill != "none" {
                    context.set_fill_style_str(fill);
                    context.fill_with_path_2d(&path);
                }
                if stroke != "none" && *width > 0.0 {
                    context.set_stroke_style_str(stroke);
                    context.set_line_width(*width);
                    let dashes: js_sys::Array = dashes.iter().copied().map(JsValue::from_f64).collect();
                    context.set_line_dash(&dashes).ok()?;
                    context.stroke_with_path(&path);
                }
            }
            Captured::Shape(Shape::Text { x, y, text, font, fill, opacity }) => {
                context.set_global_alpha(*opacity);
                context.set_font(&font.join(" "));
                context.set_fill_style_str(fill);
                context.fill_text(text, *x, *y).ok()?;
            }
            Captured::Shape(Shape::Image { .. }) => {}
            Captured::Canvas(canvas, [x, y, w, h]) => {
                context.set_global_alpha(1.0);
                context.draw_image_with_html_canvas_element_and_dw_and_dh(canvas, *x, *y, *w, *h).ok()?;
            }
        }
        Some(())
    }
}

/// Returns the arrowhead at the end of a line.
fn arrowhead(line: &SvgGraphicsElement) -> Option<String> {
    let line = line.dyn_ref::<SvgGeometryElement>()?;
    let length = line.get_total_length();
    let (end, before) =
        (line.get_point_at_length(length).ok()?, line.get_point_at_length((length - 8.0).max(0.0)).ok()?);
    let (x, y) = (f64::from(end.x()), f64::from(end.y()));
    let (dx, dy) = (x - f64::from(before.x()), y - f64::from(before.y()));
    let (bx, by) = (x - dx, y - dy);
    Some(format!("M{x} {y}L{} {}L{} {}z", bx - dy / 2.0, by + dx / 2.0, bx + dy / 2.0, by - dx / 2.0))
}
