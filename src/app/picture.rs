//! A picture of a part of the page as a list of shapes, and its SVG document.

use crate::text;
use std::fmt::Write;

/// The format of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// Vector shapes.
    Svg,
    /// Pixels, two per px, or fewer if the picture is very large.
    Png,
    /// A frame of an animated picture with one pixel per px, or less if the picture is large.
    Gif {
        /// Whether it starts the picture.
        is_first: bool,
        /// Whether it ends the picture, which is saved.
        is_last: bool,
    },
}

/// Why a picture was not saved, or not as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFailure {
    /// The browser does not paint the picture.
    NotPainted,
    /// The browser does not encode a canvas of this size, px.
    NotEncoded {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// An SVG was saved without the content of a canvas, because the browser does not encode a canvas of this size, px.
    SavedWithoutCanvas {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
}

impl PictureFailure {
    /// Returns the notice for the visitor.
    pub fn notice(self) -> String {
        match self {
            PictureFailure::NotPainted => text!("The picture was not saved: the browser cannot paint it.").into(),
            PictureFailure::NotEncoded { width, height } => text!(
                "The picture was not saved: the browser cannot encode {} × {} pixels. Save it as SVG, or save fewer cards.",
                width,
                height
            ),
            PictureFailure::SavedWithoutCanvas { width, height } => text!(
                "The picture was saved without the messages: the browser cannot encode {} × {} pixels of them.",
                width,
                height
            ),
        }
    }
}

/// A shape of a picture. Lengths are in px from the picture's corner.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// An outline.
    Path {
        /// The `d` of an SVG path.
        d: String,
        /// The transformation, as in SVG's `matrix()`.
        matrix: [f64; 6],
        /// The fill as a CSS colour, or `none`.
        fill: String,
        /// The stroke as a CSS colour, or `none`.
        stroke: String,
        /// The width of the stroke, px.
        width: f64,
        /// Lengths of dashes and gaps, px; empty for a solid line.
        dashes: Vec<f64>,
        /// The opacity of fill and stroke, from 0 to 1.
        opacity: f64,
    },
    /// A line of text.
    Text {
        /// Its left end.
        x: f64,
        /// Its base line.
        y: f64,
        /// The text.
        text: String,
        /// Style, weight, size and families, as in CSS.
        font: [String; 4],
        /// The fill as a CSS colour.
        fill: String,
        /// The opacity, from 0 to 1.
        opacity: f64,
    },
    /// The content of a canvas element.
    Image {
        /// Left.
        x: f64,
        /// Top.
        y: f64,
        /// Width.
        w: f64,
        /// Height.
        h: f64,
        /// A PNG as a data URL.
        data: String,
    },
}

/// Returns the outline of a box with round corners, as the `d` of an SVG path.
pub fn box_path(x: f64, y: f64, w: f64, h: f64, radius: f64) -> String {
    let r = radius.min(w / 2.0).min(h / 2.0).max(0.0);
    format!(
        "M{} {y}h{}a{r} {r} 0 0 1 {r} {r}v{}a{r} {r} 0 0 1 {} {r}h{}a{r} {r} 0 0 1 {} {}v{}a{r} {r} 0 0 1 {r} {}z",
        x + r,
        w - 2.0 * r,
        h - 2.0 * r,
        -r,
        2.0 * r - w,
        -r,
        -r,
        2.0 * r - h,
        -r
    )
}

/// Returns the path of a box with round corners below.
pub fn foot_path(x: f64, y: f64, w: f64, h: f64, r: f64) -> String {
    let r = r.min(h);
    format!("M{x} {y}h{w}v{}a{r} {r} 0 0 1 -{r} {r}h{}a{r} {r} 0 0 1 -{r} -{r}z", h - r, 2.0 * r - w)
}

/// Returns the path of the diagonal lines over a box, 8 px apart.
pub fn hatching(x: f64, y: f64, w: f64, h: f64) -> String {
    let distance = 8.0 * std::f64::consts::SQRT_2;
    let count = ((w + h) / distance) as usize;
    let line = |n: usize| {
        // From the lower or left edge up to the upper or right edge.
        let c = n as f64 * distance;
        let (from, to) = ((c - h).max(0.0), c.min(w));
        format!("M{:.2} {:.2}L{:.2} {:.2}", x + from, y + c - from, x + to, y + c - to)
    };
    (1..=count).map(line).collect()
}

/// Returns the picture as an SVG document.
pub fn svg(shapes: &[Shape], (width, height): (f64, f64)) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n"
    );
    for shape in shapes {
        // Writing to a string does not fail.
        let _ = match shape {
            Shape::Path { d, matrix: [a, b, c, d2, e, f], fill, stroke, width, dashes, opacity } => {
                let dashes: Vec<String> = dashes.iter().map(f64::to_string).collect();
                let dashes = if dashes.is_empty() {
                    String::new()
                } else {
                    format!(" stroke-dasharray=\"{}\"", dashes.join(" "))
                };
                writeln!(
                    out,
                    "<path d=\"{}\" transform=\"matrix({a} {b} {c} {d2} {e} {f})\" fill=\"{}\" stroke=\"{}\" stroke-width=\"{width}\" opacity=\"{opacity}\"{dashes}/>",
                    escaped(d),
                    escaped(fill),
                    escaped(stroke)
                )
            }
            Shape::Text { x, y, text, font: [style, weight, size, family], fill, opacity } => writeln!(
                out,
                "<text x=\"{x}\" y=\"{y}\" font-style=\"{}\" font-weight=\"{}\" font-size=\"{}\" font-family=\"{}\" fill=\"{}\" opacity=\"{opacity}\" xml:space=\"preserve\">{}</text>",
                escaped(style),
                escaped(weight),
                escaped(size),
                escaped(family),
                escaped(fill),
                escaped(text)
            ),
            Shape::Image { x, y, w, h, data } => {
                writeln!(out, "<image x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" href=\"{}\"/>", escaped(data))
            }
        };
    }
    out + "</svg>\n"
}

/// Escapes a text for XML. Characters that XML does not permit are dropped.
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            letter if letter.is_control() => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_names_is_escaped() {
        let text = "</text><script>\"&\u{0}".to_string();
        let font = ["normal", "400", "12px", "\"DejaVu Sans\""].map(String::from);
        let shapes = [Shape::Text { x: 1.0, y: 2.0, text, font, fill: "red".into(), opacity: 1.0 }];
        let svg = svg(&shapes, (10.0, 20.0));
        assert!(svg.contains(">&lt;/text&gt;&lt;script&gt;&quot;&amp;</text>"), "{svg}");
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn a_hatching_stays_in_its_box() {
        let d = hatching(10.0, 20.0, 100.0, 29.0);
        let numbers: Vec<f64> = d
            .split(['M', 'L', ' '])
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().expect("a number"))
            .collect();
        assert!(numbers.len() >= 40, "{d}");
        for at in numbers.chunks(2) {
            assert!((10.0..=110.0).contains(&at[0]) && (20.0..=49.0).contains(&at[1]), "{at:?} in {d}");
        }
    }

    #[test]
    fn the_radius_of_corners_is_limited_by_the_box() {
        assert_eq!(box_path(0.0, 0.0, 10.0, 4.0, 999.0), box_path(0.0, 0.0, 10.0, 4.0, 2.0));
    }
}
