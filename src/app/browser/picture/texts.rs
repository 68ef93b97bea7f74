//! The texts of a picture: each line at its position, and the marks that a style adds before a text.

use super::{Capture, property};
use crate::app::picture::Shape;
use wasm_bindgen::JsCast;
use web_sys::{CssStyleDeclaration, DomRect, Element, Node, SvgGraphicsElement};

/// Returns the text that the style adds before the content of an element, such as the cross before the number of lost updates.
fn generated_before(element: &Element) -> Option<String> {
    let window = web_sys::window()?;
    let style = window.get_computed_style_with_pseudo_elt(element, "::before").ok()??;
    // A text for screen readers may follow: `"✗" / ""`.
    let content = property(&style, "content");
    let mark = content.split('"').nth(1)?;
    (!mark.is_empty()).then(|| mark.to_string())
}

impl Capture {
    /// Adds the lines of a text at their positions.
    pub(super) fn capture_text(&mut self, parent: &Element, node: &Node, style: &CssStyleDeclaration, opacity: f64) {
        let content = node.text_content().unwrap_or_default();
        let Some(range) = node.owner_document().and_then(|document| document.create_range().ok()) else { return };
        let is_svg = parent.dyn_ref::<SvgGraphicsElement>().is_some();
        let fill = property(style, if is_svg { "fill" } else { "color" });
        let font = ["font-style", "font-weight", "font-size", "font-family"].map(|name| property(style, name));
        // Words on one line are one text.
        let mut lines: Vec<(DomRect, f64, String)> = Vec::new();
        let units: Vec<u16> = content.encode_utf16().collect();
        let is_space = |unit: &u16| matches!(*unit, 0x20 | 0x0a | 0x0d | 0x09);
        let mut from = 0;
        while let Some(start) = units[from..].iter().position(|unit| !is_space(unit)).map(|at| from + at) {
            let end = units[start..].iter().position(is_space).map_or(units.len(), |at| start + at);
            from = end;
            let set = range.set_start(node, start as u32).and_then(|()| range.set_end(node, end as u32));
            let rect = range.get_bounding_client_rect();
            let right = rect.right();
            if set.is_err() || rect.width() == 0.0 {
                continue;
            }
            let word = String::from_utf16_lossy(&units[start..end]);
            match lines.last_mut().filter(|(line, ..)| (line.top() - rect.top()).abs() < 1.0) {
                Some((_, end, line)) => (*end, *line) = (right, format!("{line} {word}")),
                None => lines.push((rect, right, word)),
            }
        }
        // The mark before the text begins where its element does.
        if let Some(first) = lines.first().map(|(rect, ..)| rect).filter(|_| node.previous_sibling().is_none())
            && let Some(mark) = generated_before(parent)
        {
            let (x, width) = (parent.get_bounding_client_rect().x(), first.width());
            let place = DomRect::new_with_x_and_y_and_width_and_height(x, first.y(), width, first.height());
            lines.extend(place.ok().map(|place| (place, x, mark)));
        }
        // Text that overflows a hidden box ends with an ellipsis, as on the page.
        let is_hidden = property(style, "overflow-x") == "hidden";
        let edge = parent.get_bounding_client_rect().right();
        for (rect, right, mut text) in lines {
            if is_hidden && right > edge + 1.0 {
                let share = (edge - rect.left()) / (right - rect.left());
                let kept = (text.chars().count() as f64 * share) as usize;
                text = text.chars().take(kept.saturating_sub(1)).chain(['…']).collect();
            }
            let (x, y, _, h) = self.bounds_in_picture(&rect);
            // In common fonts, the baseline is at four fifths of the line's height.
            let (font, fill) = (font.clone(), fill.clone());
            self.add(Shape::Text { x, y: y + 0.8 * h, text, font, fill, opacity });
        }
    }
}
