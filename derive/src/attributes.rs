//! What serde's attributes say of a type, a variant or a field.

use quote::format_ident;
use syn::{Attribute, Field, Ident, LitStr, Path, Result, Token};

/// What is said of one of them.
#[derive(Default)]
pub struct Said {
    /// Its name in a document, where that is another.
    pub rename: Option<String>,
    /// Names of variants are in snake case.
    pub snake_case: bool,
    /// What an absent field is.
    pub default: Default,
    /// When a field is left out.
    pub skip_if: Option<Path>,
}

/// What an absent field is.
#[derive(Default)]
pub enum Default {
    /// An error.
    #[default]
    None,
    /// The default of its type; of a type: its fields are those of its default.
    OfType,
    /// What this function gives.
    By(Path),
}

/// Reads the attributes.
pub fn said(attributes: &[Attribute]) -> Result<Said> {
    let mut said = Said::default();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| {
            let is = |name: &str| meta.path.is_ident(name);
            if is("rename") {
                said.rename = Some(meta.value()?.parse::<LitStr>()?.value());
            } else if is("rename_all") {
                let case = meta.value()?.parse::<LitStr>()?;
                if case.value() != "snake_case" {
                    return Err(syn::Error::new(case.span(), "documents are in snake_case"));
                }
                said.snake_case = true;
            } else if is("default") {
                said.default = if meta.input.peek(Token![=]) {
                    Default::By(meta.value()?.parse::<LitStr>()?.parse()?)
                } else {
                    Default::OfType
                };
            } else if is("skip_serializing_if") {
                said.skip_if = Some(meta.value()?.parse::<LitStr>()?.parse()?);
            } else if !is("deny_unknown_fields") {
                return Err(meta.error("not known to Document"));
            }
            Ok(())
        })?;
    }
    Ok(said)
}

/// A variant's or a type's name as `snake_case`.
pub fn snake_case(name: &Ident) -> String {
    let mut snake = String::new();
    for (i, letter) in name.to_string().char_indices() {
        if letter.is_uppercase() && i > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// What fields are called where they are taken apart: their own names, or `field_0`.
pub fn bindings<'a>(fields: impl IntoIterator<Item = &'a Field>) -> Vec<Ident> {
    let name = |(i, field): (usize, &Field)| field.ident.clone().unwrap_or_else(|| format_ident!("field_{i}"));
    fields.into_iter().enumerate().map(name).collect()
}
