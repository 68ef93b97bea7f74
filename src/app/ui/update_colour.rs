//! The colours of updates.

/// Number of colours for updates.
pub const UPDATE_COLOURS: u32 = 6;

/// Returns the CSS class of an update's colour.
pub fn update_class(update: u32) -> String {
    format!("u{}", update % UPDATE_COLOURS + 1)
}
