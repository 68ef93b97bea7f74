//! The level of detail of the canvas: what a card shows at a zoom, and how large its text is. Text on the screen is never
//! smaller than [`SMALLEST`]: below 100 %, text grows within its card, and then the card shows less.

/// The smallest text on the screen, px.
pub const SMALLEST: f64 = 11.0;
/// The ratio of two successive text sizes. Between them the size in canvas units does not change, so zooming rarely changes
/// the layout of cards.
const STEP: f64 = 1.08;
/// The greatest steps at which a card shows everything, its values, and its name.
const LAST_STEPS: [u8; 3] = [3, 9, 17];

/// The content that a card shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Its state, by shape and colour.
    Shape,
    /// Its name and its state.
    Name,
    /// Its name, its state, and its values.
    Values,
    /// Everything.
    #[default]
    Full,
}

impl Level {
    /// Returns the word for the style sheet.
    pub fn word(self) -> &'static str {
        match self {
            Level::Shape => "shape",
            Level::Name => "name",
            Level::Values => "values",
            Level::Full => "full",
        }
    }
}

/// The level of detail at a zoom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// The content that a card shows.
    pub level: Level,
    /// The number of steps by which the text is larger, in canvas units, than at 100 %.
    pub step: u8,
}

impl Detail {
    /// Returns the level of detail at a zoom, in px per canvas unit.
    pub fn at(scale: f64) -> Detail {
        let mut step = 0;
        while step < LAST_STEPS[2] && factor(step) * scale < 0.999 {
            step += 1;
        }
        let level = match LAST_STEPS.iter().position(|last| step <= *last) {
            Some(0) => Level::Full,
            Some(1) => Level::Values,
            Some(_) if factor(step) * scale >= 0.999 => Level::Name,
            Some(_) | None => Level::Shape,
        };
        Detail { level, step }
    }

    /// Returns the size of the smallest text, in canvas units.
    pub fn text(self) -> f64 {
        SMALLEST * self.factor()
    }

    /// Returns by how much the smallest text is larger, in canvas units, than at 100 %.
    pub fn factor(self) -> f64 {
        factor(self.step)
    }
}

fn factor(step: u8) -> f64 {
    (0..step).fold(1.0, |factor, _| factor * STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_text_is_legible_at_every_zoom() {
        for percent in 10..=300 {
            let scale = f64::from(percent) / 100.0;
            let detail = Detail::at(scale);
            if detail.level > Level::Shape {
                assert!(detail.text() * scale >= SMALLEST - 0.02, "{percent} %: {detail:?}");
            }
        }
    }

    #[test]
    fn a_card_shows_less_at_a_lower_zoom() {
        let levels = [1.5, 1.0, 0.8, 0.7, 0.51, 0.49, 0.28, 0.2].map(|scale| Detail::at(scale).level);
        use Level::{Full, Name, Shape, Values};
        assert_eq!(levels, [Full, Full, Full, Values, Values, Name, Name, Shape]);
    }
}
