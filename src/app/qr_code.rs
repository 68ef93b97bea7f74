//! QR codes of addresses, as drawings of our own.

use qrcodegen::QrCodeEcc;
use std::fmt::Write;

/// Modules of the light margin on each side, which readers need.
const MARGIN: i32 = 4;
/// The maximum number of bytes that a QR code holds.
pub const MAX_LENGTH: usize = 2953;

/// A QR code with its margin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QrCode {
    /// Modules on a side, with the margin.
    pub size: i32,
    /// The dark modules, as the data of an SVG path whose unit is one module.
    pub path: String,
}

/// Returns the QR code of a text; none if the text is longer than [`MAX_LENGTH`].
pub fn encode(text: &str) -> Option<QrCode> {
    // The level of error correction is the highest one that needs no more modules.
    let code = qrcodegen::QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let length = (x..code.size()).take_while(|x| code.get_module(*x, y)).count() as i32;
            if length > 0 {
                let _ = write!(path, "M{} {}h{length}v1h-{length}z", x + MARGIN, y + MARGIN);
            }
            x += length.max(1);
        }
    }
    Some(QrCode { size: code.size() + 2 * MARGIN, path })
}

impl QrCode {
    /// Returns an SVG document: black on white in every theme.
    pub fn svg(&self) -> String {
        let QrCode { size, path } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
             <path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path d=\"{path}\"/></svg>\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_has_a_code_with_a_margin_and_a_longer_one_has_none() {
        let code = encode("https://a.example/#ex=first-update").expect("a code");
        assert!(code.size >= 21 + 8, "{}", code.size);
        // The first module is the corner of a finder pattern, which is 7 modules wide.
        assert!(code.path.starts_with("M4 4h7v1h-7z"), "{}", code.path);
        assert!(code.svg().contains(&code.path));
        assert_eq!(encode(&"x".repeat(MAX_LENGTH)).map(|code| code.size), Some(177 + 8));
        assert_eq!(encode(&"x".repeat(MAX_LENGTH + 1)), None);
    }
}
