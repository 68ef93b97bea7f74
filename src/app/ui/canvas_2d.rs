//! What the painted layers share: the theme's colours and the size of a canvas in pixels of the screen.

use super::update_colour::UPDATE_COLOURS;
use crate::session::protocol::CopyState;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// The colours and the font of the theme, read from the style sheet.
#[derive(Clone, Debug, Default)]
pub struct CanvasColours {
    /// One colour per update, used in turn.
    pub updates: Vec<String>,
    /// Messages that carry no update.
    pub plain: String,
    /// Faults.
    pub fault: String,
    /// Text.
    pub ink: String,
    /// Faint text.
    pub faint: String,
    /// The background of text.
    pub surface: String,
    /// The background of the canvas.
    pub paper: String,
    /// The background of bars.
    pub sunken: String,
    /// States: consistent, diverged, conflicted, stale, down.
    pub states: [String; 5],
    /// The outline of the state conflicted, whose own colour is faint on light grounds.
    pub conflict_edge: String,
    /// The playhead.
    pub accent: String,
    /// The font family of text.
    pub font: String,
}

impl CanvasColours {
    /// Reads the custom properties of the document's root.
    pub fn read() -> CanvasColours {
        let style = web_sys::window().and_then(|window| {
            let root = window.document()?.document_element()?;
            window.get_computed_style(&root).ok()?
        });
        let property = |name: &str| {
            style.as_ref().and_then(|style| style.get_property_value(name).ok()).unwrap_or_default().trim().to_string()
        };
        CanvasColours {
            updates: (1..=UPDATE_COLOURS).map(|n| property(&format!("--u-{n}"))).collect(),
            plain: property("--edge"),
            fault: property("--fault"),
            ink: property("--ink"),
            faint: property("--ink-3"),
            surface: property("--surface"),
            paper: property("--paper"),
            sunken: property("--sunken"),
            states: ["--ok", "--diverged", "--conflict", "--stale", "--down"].map(property),
            conflict_edge: property("--conflict-edge"),
            accent: property("--accent"),
            font: property("--font"),
        }
    }

    /// Returns the colour of a state.
    pub fn state(&self, state: CopyState) -> &str {
        &self.states[match state {
            CopyState::Consistent => 0,
            CopyState::Diverged => 1,
            CopyState::Conflicted => 2,
            CopyState::Stale => 3,
            CopyState::Down => 4,
        }]
    }

    /// Returns the index of an update's colour; the last index is for messages without an update.
    pub fn index(&self, update: Option<u32>) -> usize {
        update.map_or(UPDATE_COLOURS as usize, |update| (update % UPDATE_COLOURS) as usize)
    }

    /// Returns the colour with an index.
    pub fn colour(&self, index: usize) -> &str {
        self.updates.get(index).unwrap_or(&self.plain)
    }
}

/// Returns the number of screen pixels in a CSS pixel.
pub fn pixel_ratio() -> f64 {
    web_sys::window().map_or(1.0, |window| window.device_pixel_ratio()).clamp(1.0, 3.0)
}

/// Sets the size of a canvas in CSS pixels and returns its context, cleared.
pub fn cleared(canvas: &HtmlCanvasElement, (width, height): (f64, f64)) -> Option<CanvasRenderingContext2d> {
    use wasm_bindgen::JsCast;
    let ratio = pixel_ratio();
    let (w, h) = ((width * ratio).round() as u32, (height * ratio).round() as u32);
    if canvas.width() != w || canvas.height() != h {
        canvas.set_width(w);
        canvas.set_height(h);
    }
    let pen = canvas.get_context("2d").ok()??.dyn_into::<CanvasRenderingContext2d>().ok()?;
    let _ = pen.set_transform(1.0, 0.0, 0.0, 1.0, 0.0, 0.0);
    pen.clear_rect(0.0, 0.0, f64::from(w), f64::from(h));
    let _ = pen.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
    Some(pen)
}
