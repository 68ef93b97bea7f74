//! How a type crosses as bytes: its fields one after the other, a variant's place before them.

use crate::attributes;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result};

pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let (take, put) = match &input.data {
        Data::Struct(data) => {
            let (take, pattern, put) = parts(&data.fields, &quote!(Self));
            (take, quote!(let #pattern = self; #put))
        }
        Data::Enum(data) => {
            let (mut takes, mut puts) = (Vec::new(), Vec::new());
            for (index, variant) in data.variants.iter().enumerate() {
                let ident = &variant.ident;
                let (take, pattern, put) = parts(&variant.fields, &quote!(Self::#ident));
                takes.push(take);
                puts.push(quote!(#pattern => { crate::wire::put_number(bytes, #index as u64); #put }));
            }
            let last = takes.pop().ok_or_else(|| Error::new_spanned(name, "there is no variant"))?;
            let indices = 0..takes.len() as u64;
            (quote!(match bytes.number() { #(#indices => #takes,)* _ => #last }), quote!(match self { #(#puts)* }))
        }
        Data::Union(_) => return Err(Error::new_spanned(name, "a union does not cross")),
    };
    Ok(quote! {
        impl crate::wire::Wire for #name {
            fn put(&self, bytes: &mut Vec<u8>) {
                #put
            }

            fn take(bytes: &mut crate::wire::Bytes<'_>) -> Self {
                #take
            }
        }
    })
}

/// The expression that takes fields from bytes, the pattern that takes a value apart, and the statements that put the fields.
fn parts(fields: &Fields, own: &TokenStream) -> (TokenStream, TokenStream, TokenStream) {
    let bindings = attributes::bindings(fields);
    let take = quote!(crate::wire::Wire::take(bytes));
    let put = quote!(#(crate::wire::Wire::put(#bindings, bytes);)*);
    match fields {
        Fields::Unit => (quote!(#own), quote!(#own), put),
        Fields::Named(_) => (quote!(#own { #(#bindings: #take),* }), quote!(#own { #(#bindings),* }), put),
        Fields::Unnamed(_) => {
            let takes = bindings.iter().map(|_| &take);
            (quote!(#own(#(#takes),*)), quote!(#own(#(#bindings),*)), put)
        }
    }
}
