//! Names of fields.

use quote::format_ident;
use syn::{Field, Ident};

/// What fields are called where they are taken apart: their own names, or `field_0`.
pub fn bindings<'a>(fields: impl IntoIterator<Item = &'a Field>) -> Vec<Ident> {
    let name = |(i, field): (usize, &Field)| field.ident.clone().unwrap_or_else(|| format_ident!("field_{i}"));
    fields.into_iter().enumerate().map(name).collect()
}
