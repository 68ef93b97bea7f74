//! Reads a document with serde's derives and collects every error with its path, instead of stopping at the first.
//!
//! A part of the wrong shape is reported and replaced by a placeholder (0, an empty text, an empty list, the first
//! variant), so that reading continues after it. After two kinds of errors, a missing field and a value that a hand-written
//! `Deserialize` refuses, the visitor cannot be used again. The collector keeps these errors and reads the document again with
//! placeholders in their places.
//!
//! Why this is not a library: `eserde` 0.1 loses its place in the text behind an unknown field or variant, reports syntax
//! errors that are not there, and has no `#[serde(default)]` for structs; `deserr` 0.6 reads no enum in serde's external
//! representation; `serde_path_to_error` stops at the first error. All of them accept a list for a struct.

use super::expectations::{
    a_list, an_object, description, not_as_expected, one_of, unknown_field, unknown_value, whole_number,
};
use crate::language::{phrase, sentence};
use crate::scenario::ScenarioError;
use crate::scenario::error::shortened;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value as Json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// The maximum number of errors that are reported.
pub(super) const MAX_ERRORS: usize = 50;

/// Reads a document, or a part of one, from a JSON value.
///
/// # Errors
/// The first 50 errors of shape, each with its path and what was expected.
pub fn read<T: DeserializeOwned>(json: &Json) -> Result<T, Vec<ScenarioError>> {
    read_in_ranges(json, |_: &T| BTreeMap::new())
}

/// Reads as [`read`] does. `ranges` returns what is expected at the paths of a document's whole numbers where the type permits
/// more.
///
/// # Errors
/// As [`read`].
pub fn read_in_ranges<T: DeserializeOwned>(
    json: &Json,
    ranges: impl Fn(&T) -> BTreeMap<String, String>,
) -> Result<T, Vec<ScenarioError>> {
    let state = RefCell::new(State::default());
    loop {
        let refused_before = state.borrow().refused.len();
        let result = T::deserialize(DocumentPart::new(Some(json), Path::Root, &state));
        let mut errors = std::mem::take(&mut state.borrow_mut().errors);
        let numbers = std::mem::take(&mut state.borrow_mut().numbers);
        if let (Ok(document), false) = (&result, numbers.is_empty()) {
            let ranges = ranges(document);
            for (at, found) in numbers {
                let Some(error) = errors.get_mut(at) else { continue };
                if let Some(expected) = ranges.get(&error.path) {
                    error.problem = not_as_expected(expected, &found);
                }
            }
        }
        match result {
            Ok(document) if errors.is_empty() => return Ok(document),
            Err(_) if errors.len() <= MAX_ERRORS && state.borrow().refused.len() > refused_before => {}
            Ok(_) | Err(_) => {
                assert!(!errors.is_empty(), "every type reads a placeholder");
                if errors.len() > MAX_ERRORS {
                    errors.truncate(MAX_ERRORS);
                    errors.push(ScenarioError::new(
                        "",
                        sentence!("there are more than {MAX_ERRORS} errors", "es gibt mehr als {MAX_ERRORS} Fehler"),
                    ));
                }
                return Err(errors);
            }
        }
    }
}

#[derive(Default)]
struct State {
    /// The errors of this pass, in the order of the document.
    errors: Vec<ScenarioError>,
    /// The errors of this pass that are about whole numbers, by index, each with what was found.
    numbers: Vec<(usize, String)>,
    /// What cannot be read, each with its error: a part, by its address (the document stays where it is), or a missing field
    /// of it. The next pass reads a placeholder there.
    refused: BTreeMap<(usize, Option<&'static str>), ScenarioError>,
}

/// Why a pass stopped.
#[derive(Debug)]
enum Stop {
    MissingField(&'static str),
    Refused(String),
    /// The error is remembered with its path.
    Remembered,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Stop {}

impl de::Error for Stop {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Stop::Refused(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Stop::MissingField(field)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Stop::Refused(unknown_field(field, expected))
    }
}

/// The way from the document to a part.
#[derive(Clone, Copy)]
enum Path<'p> {
    Root,
    Field(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Field(Path::Root, name) => f.write_str(&shortened(name)),
            Path::Field(parent, name) => write!(f, "{parent}.{}", shortened(name)),
            Path::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A part of the document. Without JSON it reads as a placeholder, and nothing is reported.
#[derive(Clone, Copy)]
struct DocumentPart<'p, 'de> {
    json: Option<&'de Json>,
    path: Path<'p>,
    state: &'p RefCell<State>,
}

impl<'p, 'de> DocumentPart<'p, 'de> {
    /// A part; a placeholder, with its error, where an earlier pass could not read it.
    fn new(json: Option<&'de Json>, path: Path<'p>, state: &'p RefCell<State>) -> Self {
        let State { errors, refused, .. } = &mut *state.borrow_mut();
        let error = json.and_then(|json| refused.get(&(address(json), None)));
        errors.extend(error.cloned());
        DocumentPart { json: json.filter(|_| error.is_none()), path, state }
    }

    fn report(&self, problem: impl Into<String>) {
        let errors = &mut self.state.borrow_mut().errors;
        if self.json.is_some() && errors.len() <= MAX_ERRORS {
            errors.push(ScenarioError::new(self.path.to_string(), problem));
        }
    }

    /// Reports that something else is expected.
    fn report_expected(&self, expected: &dyn fmt::Display) {
        if let Some(found) = self.json {
            let found = description(found);
            self.report(not_as_expected(expected, &found));
        }
    }

    /// Reports that a whole number in a range is expected.
    fn report_number(&self, expected: &dyn fmt::Display) {
        let at = self.state.borrow().errors.len();
        self.report_expected(expected);
        let State { errors, numbers, .. } = &mut *self.state.borrow_mut();
        if let Some(found) = self.json.filter(|_| errors.len() > at) {
            numbers.push((at, description(found)));
        }
    }

    /// Remembers an error of a visitor.
    fn remember(self, stop: Stop) -> Stop {
        let (field, problem) = match &stop {
            Stop::MissingField(name) => (Some(*name), sentence!("missing field `{name}`", "das Feld `{name}` fehlt")),
            Stop::Refused(problem) => (None, problem.clone()),
            Stop::Remembered => return stop,
        };
        if let Some(json) = self.json {
            let error = ScenarioError::new(self.path.to_string(), problem);
            self.state.borrow_mut().refused.insert((address(json), field), error);
        }
        Stop::Remembered
    }

    /// The fields of a struct, each with its JSON; placeholders have none, nor have fields that an earlier pass missed.
    fn fields(&self, names: &'static [&'static str]) -> Vec<(&'de str, Option<&'de Json>)> {
        let placeholders = || names.iter().map(|name| (*name, None));
        let Some(json) = self.json else { return placeholders().collect() };
        let Json::Object(object) = json else {
            self.report_expected(&an_object());
            return placeholders().collect();
        };
        let mut fields = Vec::with_capacity(object.len());
        for (name, json) in object {
            if names.contains(&name.as_str()) {
                fields.push((name.as_str(), Some(json)));
            } else {
                let unknown = DocumentPart { json: Some(json), path: Path::Field(&self.path, name), state: self.state };
                unknown.report(unknown_field(name, names));
            }
        }
        let State { errors, refused, .. } = &mut *self.state.borrow_mut();
        for (name, placeholder) in placeholders() {
            if let Some(error) = refused.get(&(address(json), Some(name))) {
                errors.push(error.clone());
                fields.push((name, placeholder));
            }
        }
        fields
    }
}

fn address(json: &Json) -> usize {
    std::ptr::from_ref(json).addr()
}

/// Reads a number, a text or a truth.
macro_rules! scalar {
    ($($deserialize:ident $visit:ident $report:ident $from:expr, $expected:expr;)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
            let value = self.json.and_then($from);
            if value.is_none() {
                self.$report(&$expected);
            }
            visitor.$visit(value.unwrap_or_default()).map_err(|stop| self.remember(stop))
        }
    )*};
}

fn whole<T: TryFrom<u64>>(json: &Json) -> Option<T> {
    json.as_u64().and_then(|number| number.try_into().ok())
}

fn signed<T: TryFrom<i64>>(json: &Json) -> Option<T> {
    json.as_i64().and_then(|number| number.try_into().ok())
}

impl<'de> Deserializer<'de> for DocumentPart<'_, 'de> {
    type Error = Stop;

    scalar! {
        deserialize_bool visit_bool report_expected Json::as_bool, phrase("true or false", "true oder false");
        deserialize_u32 visit_u32 report_number whole, whole_number(0, u64::from(u32::MAX));
        deserialize_u64 visit_u64 report_number whole, whole_number(0, u64::MAX);
        deserialize_i32 visit_i32 report_number signed, whole_number(i64::from(i32::MIN), i32::MAX as u64);
        deserialize_i64 visit_i64 report_number signed, whole_number(i64::MIN, i64::MAX as u64);
        deserialize_f64 visit_f64 report_expected Json::as_f64, phrase("a number", "eine Zahl");
        deserialize_str visit_borrowed_str report_expected Json::as_str, phrase("a text", "ein Text");
        deserialize_string visit_borrowed_str report_expected Json::as_str, phrase("a text", "ein Text");
    }

    /// Reads a type that accepts several kinds of values; ours accept all but null, true and false.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.json {
            Some(Json::Number(number)) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(whole), _, _) => visitor.visit_i64(whole),
                (None, Some(whole), _) => visitor.visit_u64(whole),
                (None, None, float) => visitor.visit_f64(float.unwrap_or_default()),
            },
            Some(Json::String(text)) => visitor.visit_borrowed_str(text),
            Some(Json::Array(_)) => return self.deserialize_seq(visitor),
            Some(Json::Object(_)) => return self.deserialize_map(visitor),
            Some(Json::Null | Json::Bool(_)) => {
                self.report_expected(&(&visitor as &dyn de::Expected));
                visitor.visit_i64(0)
            }
            None => visitor.visit_i64(0),
        }
        .map_err(|stop| self.remember(stop))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        if self.json.is_none_or(Json::is_null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let items = self.json.and_then(Json::as_array);
        if items.is_none() {
            self.report_expected(&a_list());
        }
        let items = items.map(Vec::as_slice).unwrap_or_default().iter().map(Some);
        visitor.visit_seq(Items { list: self, items: items.enumerate() }).map_err(|stop| self.remember(stop))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Stop> {
        let items = self.json.and_then(Json::as_array).filter(|items| items.len() == length);
        match self.json {
            Some(Json::Array(found)) if items.is_none() => {
                self.report(sentence!(
                    "must be a list of {length} items, not of {}",
                    "erwartet wird eine Liste mit {length} Elementen, nicht mit {}",
                    found.len()
                ));
            }
            Some(Json::Array(_)) => {}
            Some(_) | None => {
                self.report_expected(&sentence!("a list of {length} items", "eine Liste mit {length} Elementen"))
            }
        }
        let items = (0..length).map(|index| items.map(|items| &items[index]));
        visitor.visit_seq(Items { list: self, items: items.enumerate() }).map_err(|stop| self.remember(stop))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let object = self.json.and_then(Json::as_object);
        if object.is_none() {
            self.report_expected(&an_object());
        }
        let fields = object.into_iter().flatten().map(|(name, json)| (name.as_str(), Some(json)));
        visitor.visit_map(Fields { object: self, fields, next: None }).map_err(|stop| self.remember(stop))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let fields = self.fields(names).into_iter();
        visitor.visit_map(Fields { object: self, fields, next: None }).map_err(|stop| self.remember(stop))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let (name, settings) = match self.json {
            Some(Json::String(name)) => (Some(name.as_str()), None),
            Some(Json::Object(object)) if object.len() == 1 => {
                object.iter().next().map_or((None, None), |(name, json)| (Some(name.as_str()), Some(json)))
            }
            Some(Json::Object(_)) => {
                self.report(sentence!(
                    "must be an object with one field; {}",
                    "erwartet wird ein Objekt mit einem Feld; {}",
                    one_of(variants)
                ));
                (None, None)
            }
            Some(_) | None => {
                self.report_expected(&sentence!(
                    "a text or an object ({})",
                    "ein Text oder ein Objekt ({})",
                    one_of(variants)
                ));
                (None, None)
            }
        };
        let known = name.filter(|name| variants.contains(name));
        let mut settings = match (name, settings) {
            (Some(name), Some(json)) => DocumentPart::new(Some(json), Path::Field(&self.path, name), self.state),
            (_, _) => self,
        };
        if let (Some(name), None) = (name, known) {
            let is_text = matches!(self.json, Some(Json::String(_)));
            settings.report(if is_text { unknown_value(name, variants) } else { unknown_field(name, variants) });
        }
        if known.is_none() {
            settings.json = None;
        }
        let is_bare = matches!(self.json, Some(Json::String(_)));
        let variant = Variant { name: known.unwrap_or(variants[0]), settings, is_bare };
        visitor.visit_enum(variant).map_err(|stop| self.remember(stop))
    }

    forward_to_deserialize_any! {
        i8 i16 u8 u16 f32 char bytes byte_buf unit unit_struct tuple_struct newtype_struct identifier ignored_any
    }
}

/// The items of a list.
struct Items<'p, 'de, I> {
    list: DocumentPart<'p, 'de>,
    items: std::iter::Enumerate<I>,
}

impl<'de, I: Iterator<Item = Option<&'de Json>>> de::SeqAccess<'de> for Items<'_, 'de, I> {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Stop> {
        let Some((index, json)) = self.items.next() else { return Ok(None) };
        seed.deserialize(DocumentPart::new(json, Path::Item(&self.list.path, index), self.list.state)).map(Some)
    }
}

/// The fields of an object.
struct Fields<'p, 'de, I> {
    object: DocumentPart<'p, 'de>,
    fields: I,
    /// The field whose name was read last.
    next: Option<(&'de str, Option<&'de Json>)>,
}

impl<'de, I: Iterator<Item = (&'de str, Option<&'de Json>)>> de::MapAccess<'de> for Fields<'_, 'de, I> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Stop> {
        self.next = self.fields.next();
        let name = self.next.map(|(name, _)| IntoDeserializer::<Stop>::into_deserializer(name));
        name.map(|name: StrDeserializer<'_, Stop>| seed.deserialize(name)).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        let (name, json) = self.next.take().expect("serde reads a field's name before its value");
        seed.deserialize(DocumentPart::new(json, Path::Field(&self.object.path, name), self.object.state))
    }
}

/// A variant in serde's external representation: `"name"`, or `{ "name": settings }`.
struct Variant<'p, 'de> {
    name: &'p str,
    settings: DocumentPart<'p, 'de>,
    /// Whether the variant has a name and no settings.
    is_bare: bool,
}

impl<'p, 'de> de::EnumAccess<'de> for Variant<'p, 'de> {
    type Error = Stop;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Stop> {
        let name: StrDeserializer<'_, Stop> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'p, 'de> Variant<'p, 'de> {
    fn settings(mut self) -> DocumentPart<'p, 'de> {
        if self.is_bare {
            let name = self.name;
            self.settings.report(sentence!(
                "`{name}` has settings: it must be an object, as in {{\"{name}\": {{…}}}}",
                "`{name}` hat Einstellungen: erwartet wird ein Objekt, wie in {{\"{name}\": {{…}}}}"
            ));
            self.settings.json = None;
        }
        self.settings
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        if !self.is_bare {
            let name = self.name;
            self.settings.report(sentence!(
                "`{name}` has no settings: it must be the text \"{name}\"",
                "`{name}` hat keine Einstellungen: erwartet wird der Text \"{name}\""
            ));
        }
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Stop> {
        seed.deserialize(self.settings())
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Stop> {
        self.settings().deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, names: &'static [&'static str], visitor: V) -> Result<V::Value, Stop> {
        self.settings().deserialize_struct("", names, visitor)
    }
}
