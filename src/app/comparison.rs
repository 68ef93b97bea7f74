//! How the drawings of two compared branches share the canvas.

use super::geometry::Rect;

/// The minimum width and height of a drawing, px at the usual size of the font.
const MIN_SIZE: (f64, f64) = (240.0, 200.0);
/// The minimum height of a narrow page's column, which is not made smaller to fit: two cards and the link between them.
const MIN_COLUMN: f64 = 320.0;

/// The places of the two drawings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ComparisonLayout {
    /// Side by side.
    #[default]
    Beside,
    /// One above the other.
    Stacked,
    /// One place for both: tabs choose which one is shown.
    Tabs,
}

impl ComparisonLayout {
    /// Returns the layout for a canvas with this room, px at the usual size of the font. A wide drawing, and the column of a
    /// narrow page, prefer one above the other. Where half of the room is too little for a drawing, each gets all of it.
    pub fn of(room: (f64, f64), bounds: Rect, narrow: bool) -> ComparisonLayout {
        let min_height = if narrow { MIN_COLUMN } else { MIN_SIZE.1 };
        let is_usable = |width: f64, height: f64| width >= MIN_SIZE.0 && height >= min_height;
        let (beside, stacked) = (is_usable(room.0 / 2.0, room.1), is_usable(room.0, room.1 / 2.0));
        let prefers_stacked = narrow || bounds.w > 1.5 * bounds.h;
        match (prefers_stacked, beside, stacked) {
            (true, _, true) | (false, false, true) => ComparisonLayout::Stacked,
            (_, true, _) => ComparisonLayout::Beside,
            (_, false, false) => ComparisonLayout::Tabs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Rect = Rect { x: 0.0, y: 0.0, w: 900.0, h: 300.0 };
    const SQUARE: Rect = Rect { x: 0.0, y: 0.0, w: 600.0, h: 600.0 };

    #[test]
    fn a_lesson_on_a_phone_leaves_no_drawing_a_slit_of_60_px() {
        assert_eq!(ComparisonLayout::of((390.0, 250.0), WIDE, true), ComparisonLayout::Tabs);
        // A phone in landscape, with the lesson beside the canvas.
        assert_eq!(ComparisonLayout::of((460.0, 254.0), WIDE, false), ComparisonLayout::Tabs);
    }

    #[test]
    fn each_drawing_is_large_enough_unless_the_canvas_is_smaller() {
        for (w, h) in [(1216.0, 540.0), (794.0, 540.0), (390.0, 520.0), (700.0, 210.0), (320.0, 250.0), (460.0, 150.0)]
        {
            for (bounds, narrow) in [(WIDE, false), (SQUARE, false), (WIDE, true)] {
                let (width, height) = match ComparisonLayout::of((w, h), bounds, narrow) {
                    ComparisonLayout::Beside => (w / 2.0, h),
                    ComparisonLayout::Stacked => (w, h / 2.0),
                    ComparisonLayout::Tabs => (w, h),
                };
                assert!(width >= MIN_SIZE.0.min(w) && height >= MIN_SIZE.1.min(h), "{w} × {h}: {width} × {height}");
            }
        }
    }

    #[test]
    fn a_wide_drawing_is_above_the_other_and_a_high_one_beside_it() {
        assert_eq!(ComparisonLayout::of((1216.0, 540.0), WIDE, false), ComparisonLayout::Stacked);
        assert_eq!(ComparisonLayout::of((1216.0, 540.0), SQUARE, false), ComparisonLayout::Beside);
        assert_eq!(ComparisonLayout::of((390.0, 520.0), WIDE, true), ComparisonLayout::Tabs);
        assert_eq!(ComparisonLayout::of((700.0, 680.0), WIDE, true), ComparisonLayout::Stacked);
    }
}
