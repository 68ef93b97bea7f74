//! Fields of a node's identity.

use super::{Field, FieldsAt};
use crate::text;

/// Returns the fields of a node's name and position.
pub(super) fn fields(at: &FieldsAt, name: &str, position: Option<[i32; 2]>) -> Vec<Field> {
    let mut fields = vec![at.text("name", text!("Name"), name, text!("The name on the page; empty: the id."))];
    if let Some([x, y]) = position {
        let at = at.to("position");
        fields.push(at.number("0", text!("Left"), "", x, text!("The left edge of its card.")));
        fields.push(at.number("1", text!("Top"), "", y, text!("The upper edge of its card.")));
    }
    fields
}
