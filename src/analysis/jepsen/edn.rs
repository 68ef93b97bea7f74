//! Reads EDN, the notation in which Jepsen writes histories, into the values of JSON.
//!
//! Keywords, symbols and characters become strings, sets and lists arrays. Tags are dropped. Map keys other than strings
//! become their text.

use serde_json::{Map, Number, Value};

/// A syntax error.
pub struct EdnError {
    /// The line, from 1.
    pub line: usize,
    /// What was expected.
    pub expected: String,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
    depth: usize,
}

/// The deepest nesting that is accepted, so that no input overflows the stack.
const MAX_DEPTH: usize = 64;

/// Parses all top-level forms, each with its line. A single list is replaced by its elements.
pub fn forms(text: &str) -> Result<Vec<(usize, Value)>, EdnError> {
    let mut reader = Reader { text: text.as_bytes(), at: 0, line: 1, depth: 0 };
    let mut found = Vec::new();
    reader.skip_space()?;
    if matches!(reader.peek(), Some(b'[' | b'(')) {
        let close = if reader.peek() == Some(b'[') { b']' } else { b')' };
        reader.next();
        loop {
            reader.skip_space()?;
            if reader.peek() == Some(close) {
                reader.next();
                reader.skip_space()?;
                return match reader.peek() {
                    None => Ok(found),
                    Some(_) => Err(reader.error("no text is expected after the list of operations")),
                };
            }
            let line = reader.line;
            found.push((line, reader.form()?));
        }
    }
    while reader.peek().is_some() {
        let line = reader.line;
        found.push((line, reader.form()?));
        reader.skip_space()?;
    }
    Ok(found)
}

impl Reader<'_> {
    fn error(&self, expected: impl Into<String>) -> EdnError {
        EdnError { line: self.line, expected: expected.into() }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b'\n' {
            self.line += 1;
        }
        Some(byte)
    }

    /// Skips white space, commas, comments and discarded forms.
    fn skip_space(&mut self) -> Result<(), EdnError> {
        loop {
            match self.peek() {
                Some(byte) if byte.is_ascii_whitespace() || byte == b',' => {
                    self.next();
                }
                Some(b';') => while self.next().is_some_and(|byte| byte != b'\n') {},
                Some(b'#') if self.text.get(self.at + 1) == Some(&b'_') => {
                    self.at += 2;
                    self.form()?;
                }
                _ => return Ok(()),
            }
        }
    }

    fn form(&mut self) -> Result<Value, EdnError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("nested too deeply: at most {MAX_DEPTH} levels are expected")));
        }
        self.skip_space()?;
        let value = match self.peek() {
            None => Err(self.error("a value is expected, not the end of the text")),
            Some(b'{') => self.map(),
            Some(b'[') => self.list(b']'),
            Some(b'(') => self.list(b')'),
            Some(b'"') => self.string(),
            Some(b'#') => {
                self.next();
                if self.peek() == Some(b'{') {
                    self.list(b'}')
                } else {
                    // The tag.
                    self.word();
                    self.form()
                }
            }
            Some(b'\\') => {
                self.next();
                let first = self.next();
                let rest = self.word();
                let first = first.map(|byte| (byte as char).to_string()).unwrap_or_default();
                Ok(Value::String(first + &rest))
            }
            Some(b'}' | b']' | b')') => Err(self.error("a closing bracket without an opening one")),
            Some(_) => Ok(atom(&self.word())),
        };
        self.depth -= 1;
        value
    }

    fn word(&mut self) -> String {
        let start = self.at;
        let ends = |byte: u8| byte.is_ascii_whitespace() || b",;\"()[]{}".contains(&byte);
        while self.peek().is_some_and(|byte| !ends(byte)) {
            self.next();
        }
        String::from_utf8_lossy(&self.text[start..self.at]).into_owned()
    }

    fn list(&mut self, close: u8) -> Result<Value, EdnError> {
        self.next();
        let mut elements = Vec::new();
        loop {
            self.skip_space()?;
            if self.peek() == Some(close) {
                self.next();
                return Ok(Value::Array(elements));
            }
            elements.push(self.form()?);
        }
    }

    fn map(&mut self) -> Result<Value, EdnError> {
        self.next();
        let mut entries = Map::new();
        loop {
            self.skip_space()?;
            if self.peek() == Some(b'}') {
                self.next();
                return Ok(Value::Object(entries));
            }
            let key = match self.form()? {
                Value::String(key) => key,
                other => other.to_string(),
            };
            self.skip_space()?;
            if self.peek() == Some(b'}') {
                return Err(self.error(format!("a value is expected for `{key}`")));
            }
            let value = self.form()?;
            entries.insert(key, value);
        }
    }

    fn string(&mut self) -> Result<Value, EdnError> {
        self.next();
        let mut bytes = Vec::new();
        loop {
            match self.next() {
                None => return Err(self.error("a closing quotation mark is expected")),
                Some(b'"') => return Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned())),
                Some(b'\\') => match self.next() {
                    Some(b'n') => bytes.push(b'\n'),
                    Some(b't') => bytes.push(b'\t'),
                    Some(b'r') => bytes.push(b'\r'),
                    Some(b'u') => {
                        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
                        let code =
                            std::str::from_utf8(digits).ok().and_then(|digits| u32::from_str_radix(digits, 16).ok());
                        let Some(c) = code.and_then(char::from_u32) else {
                            return Err(self.error("four hexadecimal digits are expected after \\u"));
                        };
                        self.at += 4;
                        bytes.extend(c.to_string().bytes());
                    }
                    Some(other) => bytes.push(other),
                    None => return Err(self.error("a closing quotation mark is expected")),
                },
                Some(byte) => bytes.push(byte),
            }
        }
    }
}

fn atom(word: &str) -> Value {
    match word {
        "nil" => return Value::Null,
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    if let Some(keyword) = word.strip_prefix(':') {
        return Value::String(keyword.into());
    }
    let digits = word.strip_suffix(['N', 'M']).unwrap_or(word);
    if let Ok(number) = digits.parse::<i64>() {
        return Value::Number(number.into());
    }
    let starts = digits.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit());
    if let (true, Ok(number)) = (starts, digits.parse::<f64>())
        && let Some(number) = Number::from_f64(number)
    {
        return Value::Number(number);
    }
    Value::String(word.into())
}
