//! The assertions of the engine's functions, counted in the text.
//!
//! A function changes state if it takes `&mut self` or another `&mut` parameter than its context. A function that changes only
//! its context is exempt, because the context's functions contain the assertions. Such a function must contain two assertions; a
//! call of a function named `assert_…` counts as two, since such a function contains two itself. A function is exempt if, besides
//! assertions, it has no loop and at most one statement that ends with a semicolon: it calls a function that asserts, returns a
//! part, draws a number, or sets one value.

/// A function in a file.
#[derive(Debug, PartialEq)]
pub struct Function {
    pub name: String,
    changes_state: bool,
    is_short: bool,
    assertions: usize,
}

impl Function {
    /// Returns whether the function must contain more assertions than it does.
    pub fn lacks_assertions(&self) -> bool {
        let must_assert = self.changes_state || self.name.starts_with("assert_");
        must_assert && !self.is_short && self.assertions < 2
    }
}

/// Returns the functions of a file, without those of its tests.
pub fn functions(text: &str) -> Vec<Function> {
    let code = without_comments_and_texts(text);
    let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let starts = code.match_indices("fn ").map(|(at, _)| at);
    let starts = starts.filter(|at| !code[..*at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_'));
    starts.filter_map(|at| function(&code[at + "fn ".len()..])).collect()
}

fn function(code: &str) -> Option<Function> {
    let name: String = code.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let start = end_of_head(code)?;
    let body = &code[start..start + end_of_block(&code[start..])?];
    let parameters = code[..start].split(") ->").next().unwrap_or_default().replace("ctx: &mut Context", "");
    let (assertions, rest) = assertions(body);
    Some(Function {
        changes_state: !name.is_empty() && parameters.contains("&mut "),
        is_short: rest.matches(';').count() <= 1 && !["for ", "while ", "loop "].iter().any(|word| rest.contains(word)),
        assertions,
        name,
    })
}

/// Returns where the body of a function begins; none if it has no body.
fn end_of_head(code: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, letter) in code.char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' if depth == 0 => return None,
            '{' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

/// Returns the length of the block, or of the list in parentheses, that begins here.
fn end_of_block(code: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, letter) in code.char_indices() {
        match letter {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Returns the number of assertions of a body, and the rest of the body.
fn assertions(body: &str) -> (usize, String) {
    let (mut count, mut rest, mut left) = (0, String::new(), body);
    while let Some(at) = left.find("assert") {
        let is_start = !left[..at].ends_with(|letter: char| letter.is_alphanumeric());
        let length = left[at..].find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(0);
        let (name, after) = left[at..].split_at(length);
        let worth = match after.as_bytes().first() {
            Some(b'!') if is_start => 1,
            Some(b'(') if is_start && name.starts_with("assert_") => 2,
            Some(_) | None => 0,
        };
        let arguments = after.find('(').filter(|_| worth > 0).unwrap_or(0);
        let end = if worth > 0 { arguments + end_of_block(&after[arguments..]).unwrap_or(0) } else { 0 };
        rest.push_str(if worth == 1 { left[..at].trim_end_matches("debug_") } else { &left[..at + length] });
        left = if worth == 1 { after[end..].strip_prefix(';').unwrap_or(&after[end..]) } else { &after[end..] };
        count += worth;
    }
    rest.push_str(left);
    (count, rest)
}

/// Replaces comments and the contents of texts by nothing.
fn without_comments_and_texts(text: &str) -> String {
    let (mut code, mut letters) = (String::new(), text.chars().peekable());
    while let Some(letter) = letters.next() {
        match letter {
            '/' if letters.peek() == Some(&'/') => {
                letters.by_ref().find(|letter| *letter == '\n');
                code.push('\n');
            }
            '"' => {
                while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
                    if letter == '\\' {
                        letters.next();
                    }
                }
                code.push_str("\"\"");
            }
            '\'' => {
                // A character, unless it is a lifetime.
                let rest: String = letters.clone().take(3).collect();
                let length = if rest.starts_with('\\') { 3 } else { 2 };
                if rest.chars().nth(length - 1) == Some('\'') {
                    letters.by_ref().nth(length - 1);
                } else {
                    code.push(letter);
                }
            }
            _ => code.push(letter),
        }
    }
    code
}

#[test]
fn functions_without_two_assertions_are_found() {
    let lacking = |text: &str| -> Vec<String> {
        functions(text).into_iter().filter(Function::lacks_assertions).map(|function| function.name).collect()
    };
    let body = "{\n    let a = b();\n    self.c = a;\n}\n";
    let with = |assertions: &str| body.replacen('{', &format!("{{\n{assertions}"), 1);
    assert_eq!(lacking(&format!("fn f(&mut self) {body}")), ["f"]);
    assert_eq!(lacking(&format!("fn f(a: u8, b: &mut Vec<[u8; 2]>) -> u8 {body}")), ["f"]);
    assert_eq!(lacking(&format!("fn f(&self, ctx: &mut Context) {body}")), [""; 0]);
    assert_eq!(lacking(&format!("fn f(&self) -> &mut u8 {body}")), [""; 0]);
    assert_eq!(lacking(&format!("fn f(&mut self) {}", with("debug_assert!(a, \"};\");"))), ["f"]);
    assert_eq!(lacking(&format!("fn f(&mut self) {}", with("assert!(a);\ndebug_assert!(b(c));"))), [""; 0]);
    assert_eq!(lacking(&format!("fn f(&mut self) {}", with("self.assert_valid();"))), [""; 0]);
    assert_eq!(lacking(&format!("fn f(&mut self) {}", with("// assert!(a); assert!(b);"))), ["f"]);
    assert_eq!(lacking("fn f(&mut self) {\n    debug_assert!(a == '}');\n    self.a = 1;\n}\n"), [""; 0]);
    assert_eq!(lacking("fn f(&mut self) {\n    for a in b {\n        c();\n    }\n}\n"), ["f"]);
    assert_eq!(lacking(&format!("fn assert_a(&self) {body}")), ["assert_a"]);
    assert_eq!(lacking(&format!("#[cfg(test)]\nmod tests {{\nfn f(&mut self) {body}}}\n")), [""; 0]);
}
