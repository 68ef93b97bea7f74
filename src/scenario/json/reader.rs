//! Where reading stands in a document, and what was wrong so far.

use super::super::ScenarioError;
use super::Document;
use serde_json::{Map, Value as Json};

/// What stands where nothing could be read.
static NOTHING: Json = Json::Null;

/// An object's fields; none where something else stands.
pub type Object<'a> = Option<&'a Map<String, Json>>;

/// Reads a document.
pub struct Reader<'a> {
    at: &'a Json,
    way: Vec<Step<'a>>,
    errors: Vec<ScenarioError>,
    /// What is read only stands for something that could not be: its own errors are none.
    silent: bool,
}

/// A step from the whole document to a part of it.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Item(usize),
    Field(&'a str),
}

/// Where a reader stood.
pub struct Before<'a> {
    at: &'a Json,
    depth: usize,
    silent: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(at: &'a Json) -> Self {
        Reader { at, way: Vec::new(), errors: Vec::new(), silent: false }
    }

    pub(super) fn errors(self) -> Vec<ScenarioError> {
        self.errors
    }

    /// What it stands at.
    pub fn at(&self) -> &'a Json {
        self.at
    }

    /// Notes what is wrong here.
    pub fn error(&mut self, problem: &str) {
        if self.silent {
            return;
        }
        let mut path = String::new();
        for step in &self.way {
            match step {
                Step::Item(index) => path.push_str(&format!("[{index}]")),
                Step::Field(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
            }
        }
        self.errors.push(ScenarioError::new(path, problem));
    }

    /// Notes that something else is expected here.
    pub fn expected(&mut self, what: &str) {
        let found = match self.at {
            Json::Null => "null".into(),
            Json::Bool(value) => format!("boolean `{value}`"),
            Json::Number(number) if number.is_f64() => format!("floating point `{number}`"),
            Json::Number(number) => format!("integer `{number}`"),
            Json::String(text) => format!("string {text:?}"),
            Json::Array(_) => "list".into(),
            Json::Object(_) => "object".into(),
        };
        self.error(&format!("invalid type: {found}, expected {what}"));
    }

    /// Reads a part.
    pub(super) fn part<T: Document>(&mut self, step: Step<'a>, at: &'a Json) -> T {
        let before = self.stand(Some(step), at);
        let part = T::read(self);
        self.leave(before);
        part
    }

    /// Reads what stands for something that could not be read.
    pub(super) fn stand_in<T: Document>(&mut self) -> T {
        let before = self.stand(None, &NOTHING);
        self.silent = true;
        let part = T::read(self);
        self.leave(before);
        part
    }

    fn stand(&mut self, step: Option<Step<'a>>, at: &'a Json) -> Before<'a> {
        let before = Before { at: self.at, depth: self.way.len(), silent: self.silent };
        self.way.extend(step);
        self.at = at;
        before
    }

    /// Stands where it stood before.
    pub fn leave(&mut self, before: Before<'a>) {
        self.at = before.at;
        self.way.truncate(before.depth);
        self.silent = before.silent;
    }

    /// The object here, which may have these fields and no others.
    pub fn object(&mut self, names: &[&str]) -> Object<'a> {
        let Json::Object(object) = self.at else {
            self.expected("an object");
            return None;
        };
        for (name, value) in object.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
            let before = self.stand(Some(Step::Field(name)), value);
            self.error(&format!("unknown field `{name}`, {}", one_of(names.iter().copied())));
            self.leave(before);
        }
        Some(object)
    }

    /// A field, if it is there.
    pub fn present<T: Document>(&mut self, object: Object<'a>, name: &'static str) -> Option<T> {
        let value = object?.get(name)?;
        Some(self.part(Step::Field(name), value))
    }

    /// A field that may be absent.
    pub fn optional<T: Document>(&mut self, object: Object<'a>, name: &'static str, otherwise: fn() -> T) -> T {
        self.present(object, name).unwrap_or_else(otherwise)
    }

    /// A field that has to be there, if its type does.
    pub fn required<T: Document>(&mut self, object: Object<'a>, name: &'static str) -> T {
        self.present(object, name).or_else(T::absent).unwrap_or_else(|| {
            if object.is_some() {
                self.error(&format!("missing field `{name}`"));
            }
            self.stand_in()
        })
    }

    /// Which variant is here: its place in the list, whose entries say whether a variant is a name alone. Reading then stands
    /// at what it has; [`Reader::leave`] leads back.
    pub fn enter(&mut self, variants: &[(&str, bool)]) -> (usize, Before<'a>) {
        let (step, name, value) = match self.at {
            Json::String(name) => (None, name, &NOTHING),
            Json::Object(object) if object.len() == 1 => {
                let (name, value) = object.iter().next().expect("there is one");
                (Some(Step::Field(name)), name, value)
            }
            Json::Object(_) => {
                self.error(&format!("an object with one field is expected, {}", names(variants)));
                return self.lost();
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => {
                self.expected(&format!("a variant, {}", names(variants)));
                return self.lost();
            }
        };
        let (alone, before) = (step.is_none(), self.stand(step, value));
        let problem = match variants.iter().position(|(variant, _)| variant == name) {
            None => format!("unknown variant `{name}`, {}", names(variants)),
            Some(index) if alone && !variants[index].1 => {
                format!("`{name}` has settings: expected an object, as in {{\"{name}\": {{…}}}}")
            }
            Some(index) if variants[index].1 && !value.is_null() => format!("`{name}` stands alone, as a text"),
            Some(index) => return (index, before),
        };
        self.error(&problem);
        (self.at, self.silent) = (&NOTHING, true);
        (0, before)
    }

    fn lost(&mut self) -> (usize, Before<'a>) {
        let before = self.stand(None, &NOTHING);
        self.silent = true;
        (0, before)
    }
}

fn names(variants: &[(&str, bool)]) -> String {
    one_of(variants.iter().map(|(name, _)| *name))
}

fn one_of<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let mut said = String::from(if names.len() > 1 { "expected one of " } else { "expected " });
    for (i, name) in names.enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        said.push_str(&format!("{comma}`{name}`"));
    }
    said
}
