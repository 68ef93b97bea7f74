//! What documents are made of: numbers, texts, lists, maps.

use super::reader::Step;
use super::{Document, Reader, Writer};
use serde_json::Value as Json;
use std::collections::BTreeMap;

macro_rules! whole {
    ($($number:ident by $as:ident),*) => {$(
        impl Document for $number {
            fn read(reader: &mut Reader<'_>) -> Self {
                reader.at().$as().and_then(|number| number.try_into().ok()).unwrap_or_else(|| {
                    reader.expected(stringify!($number));
                    0
                })
            }

            fn write(&self, writer: &mut Writer) {
                writer.scalar(*self);
            }
        }
    )*};
}

whole!(u32 by as_u64, u64 by as_u64, i32 by as_i64, i64 by as_i64);

impl Document for f64 {
    fn read(reader: &mut Reader<'_>) -> Self {
        reader.at().as_f64().unwrap_or_else(|| {
            reader.expected("a number");
            0.0
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.scalar(*self);
    }
}

impl Document for bool {
    fn read(reader: &mut Reader<'_>) -> Self {
        reader.at().as_bool().unwrap_or_else(|| {
            reader.expected("true or false");
            false
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.scalar(*self);
    }
}

impl Document for String {
    fn read(reader: &mut Reader<'_>) -> Self {
        reader.at().as_str().map(Into::into).unwrap_or_else(|| {
            reader.expected("a text");
            String::new()
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.text(self);
    }
}

impl<T: Document + 'static> Document for Option<T> {
    fn read(reader: &mut Reader<'_>) -> Self {
        if reader.at().is_null() { None } else { Some(T::read(reader)) }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            None => writer.scalar(Json::Null),
            Some(part) => part.write(writer),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Document + 'static> Document for Box<T> {
    fn read(reader: &mut Reader<'_>) -> Self {
        Box::new(T::read(reader))
    }

    fn write(&self, writer: &mut Writer) {
        (**self).write(writer);
    }
}

impl<T: Document + 'static> Document for Vec<T> {
    fn read(reader: &mut Reader<'_>) -> Self {
        let Json::Array(items) = reader.at() else {
            reader.expected("a list");
            return Vec::new();
        };
        items.iter().enumerate().map(|(index, item)| reader.part(Step::Item(index), item)).collect()
    }

    fn write(&self, writer: &mut Writer) {
        writer.open('[');
        for item in self {
            writer.item();
            item.write(writer);
        }
        writer.close(']');
    }
}

impl<T: Document + Copy + 'static, const N: usize> Document for [T; N] {
    fn read(reader: &mut Reader<'_>) -> Self {
        let items = Vec::<T>::read(reader);
        items.try_into().unwrap_or_else(|items: Vec<T>| {
            reader.error(&format!("a list of {N} is expected, not of {}", items.len()));
            [(); N].map(|()| reader.stand_in())
        })
    }

    fn write(&self, writer: &mut Writer) {
        self.to_vec().write(writer);
    }
}

impl<V: Document + 'static> Document for BTreeMap<String, V> {
    fn read(reader: &mut Reader<'_>) -> Self {
        let Json::Object(entries) = reader.at() else {
            reader.expected("an object");
            return BTreeMap::new();
        };
        entries.iter().map(|(key, value)| (key.clone(), reader.part(Step::Field(key), value))).collect()
    }

    fn write(&self, writer: &mut Writer) {
        writer.open('{');
        for (key, value) in self {
            writer.field(key, value);
        }
        writer.close('}');
    }
}
