//! Derives how the types of Converge are read and written: [`Document`](derive@Document) as the JSON that people write,
//! [`Wire`](derive@Wire) as the bytes that cross between the page and its worker.
//!
//! Why not serde's derives: they make code for every field of every type and every way in, and that was a third of what
//! the page weighed. What is derived here is one call for each field. The attributes are serde's own, for the JSON
//! Schema is generated from the same types by a library that knows those.

mod attributes;
mod document;
mod wire;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Reads and writes a type as JSON. Of serde's attributes it knows, of a type `rename_all = "snake_case"`,
/// `deny_unknown_fields` (which is so in any case) and, where its fields are named, `default`; of a field `rename`,
/// `default`, `default = "path"` and `skip_serializing_if = "path"`. Any other is an error.
#[proc_macro_derive(Document, attributes(serde))]
pub fn document(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    document::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Reads and writes a type as bytes, field by field.
#[proc_macro_derive(Wire)]
pub fn wire(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    wire::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
