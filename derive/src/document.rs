//! How a type is read from JSON and written as JSON.

use crate::attributes::{self, Default, Said};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, FieldsNamed, Ident, Result};

pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let said = attributes::said(&input.attrs)?;
    let name = &input.ident;
    let (read, write) = match &input.data {
        Data::Struct(data) => {
            let Fields::Named(fields) = &data.fields else {
                return Err(Error::new_spanned(name, "a part of a document has fields with names"));
            };
            let (names, read) = reading(fields, &said, &quote!(Self))?;
            let (bindings, write) = writing(fields)?;
            let read = quote! {
                let object = reader.object(&[#(#names),*]);
                #read
            };
            let write = quote! {
                let Self { #(#bindings),* } = self;
                writer.open('{');
                #write
                writer.close('}');
            };
            (read, write)
        }
        Data::Enum(data) => variants(&said, data)?,
        Data::Union(_) => return Err(Error::new_spanned(name, "a union is no part of a document")),
    };
    Ok(quote! {
        impl crate::scenario::json::Document for #name {
            fn read(reader: &mut crate::scenario::json::Reader<'_>) -> Self {
                #read
            }

            fn write(&self, writer: &mut crate::scenario::json::Writer) {
                #write
            }
        }
    })
}

fn variants(said: &Said, data: &syn::DataEnum) -> Result<(TokenStream, TokenStream)> {
    let (mut names, mut reads, mut writes) = (Vec::new(), Vec::new(), Vec::new());
    for variant in &data.variants {
        let own = attributes::said(&variant.attrs)?;
        let ident = &variant.ident;
        let name = own
            .rename
            .unwrap_or_else(|| if said.snake_case { attributes::snake_case(ident) } else { ident.to_string() });
        let (read, write) = match &variant.fields {
            Fields::Unit => (quote!(Self::#ident), quote!(Self::#ident => writer.text(#name),)),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => (
                quote!(Self::#ident(crate::scenario::json::Document::read(reader))),
                quote!(Self::#ident(inner) => writer.variant(#name, inner),),
            ),
            Fields::Unnamed(fields) => {
                return Err(Error::new_spanned(fields, "a variant has one part, or fields with names"));
            }
            Fields::Named(fields) => {
                let (names, read) = reading(fields, &Said::default(), &quote!(Self::#ident))?;
                let (bindings, write) = writing(fields)?;
                (
                    quote!({
                        let object = reader.object(&[#(#names),*]);
                        #read
                    }),
                    quote!(Self::#ident { #(#bindings),* } => {
                        writer.open('{');
                        writer.key(#name);
                        writer.open('{');
                        #write
                        writer.close('}');
                        writer.close('}');
                    }),
                )
            }
        };
        let is_unit = matches!(variant.fields, Fields::Unit);
        names.push(quote!((#name, #is_unit)));
        reads.push(read);
        writes.push(write);
    }
    let last = reads.pop().ok_or_else(|| Error::new_spanned(&data.variants, "there is no variant"))?;
    let indices = 0..reads.len();
    let read = quote! {
        let (index, before) = reader.enter(&[#(#names),*]);
        let read = match index {
            #(#indices => #reads,)*
            _ => #last,
        };
        reader.leave(before);
        read
    };
    Ok((read, quote!(match self { #(#writes)* })))
}

/// The names of fields in a document, and the expression that reads them from `object`.
fn reading(fields: &FieldsNamed, container: &Said, own: &TokenStream) -> Result<(Vec<String>, TokenStream)> {
    let (mut names, mut reads) = (Vec::new(), Vec::new());
    for field in &fields.named {
        let said = attributes::said(&field.attrs)?;
        let (name, ident) = named(field, &said);
        let read = match (said.default, &container.default) {
            (Default::By(path), _) => quote!(reader.optional(object, #name, #path)),
            (Default::OfType, _) => quote!(reader.optional(object, #name, ::std::default::Default::default)),
            (Default::None, Default::None) => quote!(reader.required(object, #name)),
            (Default::None, _) => quote!(reader.present(object, #name).unwrap_or(default.#ident)),
        };
        reads.push(quote!(#ident: #read));
        names.push(name);
    }
    let default = match &container.default {
        Default::None => quote!(),
        Default::OfType => quote!(let default = Self::default();),
        Default::By(path) => quote!(let default: Self = #path();),
    };
    Ok((names, quote! { #default #own { #(#reads),* } }))
}

/// What the fields are called where a value is taken apart, and the statements that write them.
fn writing(fields: &FieldsNamed) -> Result<(Vec<Ident>, TokenStream)> {
    let mut writes = Vec::new();
    for field in &fields.named {
        let said = attributes::said(&field.attrs)?;
        let (name, ident) = named(field, &said);
        writes.push(match said.skip_if {
            None => quote!(writer.field(#name, #ident);),
            Some(skip) => quote!(if !#skip(#ident) { writer.field(#name, #ident); }),
        });
    }
    Ok((attributes::bindings(&fields.named), quote!(#(#writes)*)))
}

fn named<'a>(field: &'a syn::Field, said: &Said) -> (String, &'a Ident) {
    let ident = field.ident.as_ref().expect("a named field has a name");
    (said.rename.clone().unwrap_or_else(|| ident.to_string()), ident)
}
