//! Fields of a node's identity.

use super::{Field, FieldsAt};

/// Returns the fields of a node's name and position.
pub(super) fn fields(at: &FieldsAt, name: &str, position: Option<[i32; 2]>) -> Vec<Field> {
    let mut fields = vec![at.text("name", "Name", name, "The name on the page; empty: the id.")];
    if let Some([x, y]) = position {
        let at = at.to("position");
        fields.push(at.number("0", "Left", "", x, "The left edge of its card."));
        fields.push(at.number("1", "Top", "", y, "The upper edge of its card."));
    }
    fields
}
