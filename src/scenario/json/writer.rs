//! Writes a document as JSON text.

use super::Document;
use serde_json::Value as Json;

/// The text so far.
pub struct Writer {
    text: String,
    /// Spaces that a line begins with; none where all is on one line.
    indent: Option<usize>,
    /// Nothing is written yet in the list or object that is open.
    is_first: bool,
}

impl Writer {
    pub(super) fn pretty(part: &dyn Document) -> String {
        Writer::written(part, Some(0))
    }

    pub(super) fn compact(part: &dyn Document) -> String {
        Writer::written(part, None)
    }

    fn written(part: &dyn Document, indent: Option<usize>) -> String {
        let mut writer = Writer { text: String::new(), indent, is_first: true };
        part.write(&mut writer);
        writer.text
    }

    /// A number, a truth or a text.
    pub fn scalar(&mut self, value: impl Into<Json>) {
        self.text.push_str(&value.into().to_string());
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.scalar(text);
    }

    /// Opens a list or an object.
    pub fn open(&mut self, bracket: char) {
        self.text.push(bracket);
        self.indent = self.indent.map(|indent| indent + 2);
        self.is_first = true;
    }

    /// Closes it.
    pub fn close(&mut self, bracket: char) {
        self.indent = self.indent.map(|indent| indent - 2);
        if !self.is_first {
            self.line();
        }
        self.text.push(bracket);
        self.is_first = false;
    }

    fn line(&mut self) {
        if let Some(indent) = self.indent {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n(' ', indent));
        }
    }

    /// Begins an item of a list.
    pub fn item(&mut self) {
        if !self.is_first {
            self.text.push(',');
        }
        self.is_first = false;
        self.line();
    }

    /// Begins a field of an object.
    pub fn key(&mut self, name: &str) {
        self.item();
        self.text(name);
        self.text.push(':');
        if self.indent.is_some() {
            self.text.push(' ');
        }
    }

    /// A field of an object.
    pub fn field(&mut self, name: &str, value: &dyn Document) {
        self.key(name);
        value.write(self);
    }

    /// A variant that has one part.
    pub fn variant(&mut self, name: &str, inner: &dyn Document) {
        self.open('{');
        self.field(name, inner);
        self.close('}');
    }
}
