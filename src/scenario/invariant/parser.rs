//! Parses invariants.
//!
//! ```text
//! invariant  = formula [ "when" "quiescent" ]
//! formula    = conjunct { "or" conjunct }
//! conjunct   = atom { "and" atom }
//! atom       = "not" atom | "(" formula ")" | term relation term
//! relation   = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in"
//! term       = product { ( "+" | "-" ) product }
//! product    = factor { "*" factor }
//! factor     = number | "text" | "absent" | variable | "-" factor | "(" term ")"
//!            | "count" "(" term ")" | "behind" "(" variable ")"
//! variable   = key | service "." key | group "." key      (a key with other characters than letters, digits, _ - . in backticks)
//! ```

use super::{Formula, Invariant, Relation, Term, Variable};
use crate::language::{phrase, sentence};
use crate::scenario::{Scenario, Value};
use std::fmt;

/// The maximum number of characters of an invariant.
const MAX_LENGTH: usize = 500;
/// The maximum number of levels of nesting.
const MAX_DEPTH: u32 = 32;

impl Invariant {
    /// Parses an invariant of a scenario.
    ///
    /// # Errors
    /// A message with the column, counted in characters from 1, and what was expected.
    pub fn parse(text: &str, scenario: &Scenario) -> Result<Invariant, String> {
        if text.chars().count() > MAX_LENGTH {
            return Err(sentence!(
                "must have at most {MAX_LENGTH} characters",
                "darf höchstens {MAX_LENGTH} Zeichen haben"
            ));
        }
        let services = scenario.services.iter().map(|service| service.id.as_str());
        let holders = services.chain(scenario.groups.iter().map(|group| group.id.as_str())).collect();
        let mut parser = Parser { tokens: tokens(text)?, position: 0, holders, depth: 0 };
        let formula = parser.formula()?;
        let quiescent = parser.take_word("when");
        if quiescent && !parser.take_word("quiescent") {
            return Err(parser.expected("`quiescent`"));
        }
        if !matches!(parser.peek(), Token::End) {
            return Err(parser.expected(phrase(
                "`and`, `or`, `when quiescent` or the end",
                "`and`, `or`, `when quiescent` oder das Ende",
            )));
        }
        Ok(Invariant { formula, quiescent })
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(i64),
    Text(String),
    /// A word, and the key in backticks after its final full stop, if there is one.
    Name(String, Option<String>),
    Quoted(String),
    Symbol(&'static str),
    End,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Number(number) => write!(f, "{number}"),
            Token::Text(text) => write!(f, "\"{text}\""),
            Token::Name(name, None) => write!(f, "`{name}`"),
            Token::Name(name, Some(key)) => write!(f, "`{name}.{key}`"),
            Token::Quoted(key) => write!(f, "`{key}`"),
            Token::Symbol(symbol) => write!(f, "`{symbol}`"),
            Token::End => f.write_str(phrase("the end", "das Ende")),
        }
    }
}

const SYMBOLS: [&str; 11] = ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "(", ")"];

/// Splits a text into tokens, each with its column.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    let column_of = |rest: &str| text[..text.len() - rest.len()].chars().count() + 1;
    loop {
        rest = rest.trim_start();
        let column = column_of(rest);
        let Some(first) = rest.chars().next() else {
            found.push((column, Token::End));
            return Ok(found);
        };
        let quoted = |rest: &str, quote: char| -> Result<(String, usize), String> {
            let inner = &rest[1..];
            let end = inner.find(quote).ok_or_else(|| {
                sentence!(
                    "column {}: {quote} is not closed",
                    "Spalte {}: {quote} ist nicht geschlossen",
                    column_of(rest)
                )
            })?;
            Ok((inner[..end].to_string(), end + 2))
        };
        let (token, length) = match first {
            '"' => quoted(rest, '"').map(|(text, length)| (Token::Text(text), length))?,
            '`' => quoted(rest, '`').map(|(key, length)| (Token::Quoted(key), length))?,
            '0'..='9' => {
                let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let number = rest[..length].parse().map_err(|_| {
                    sentence!("column {column}: the number is too large", "Spalte {column}: die Zahl ist zu groß")
                })?;
                (Token::Number(number), length)
            }
            c if c.is_alphabetic() || c == '_' => {
                // A minus in a word is part of it, as in `last-item`; a subtraction needs a space before the minus.
                let is_word_char = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
                let length = rest.find(|c: char| !is_word_char(c)).unwrap_or(rest.len());
                let name = &rest[..length];
                match name.strip_suffix('.').filter(|_| rest[length..].starts_with('`')) {
                    Some(holder) => {
                        let (key, more) = quoted(&rest[length..], '`')?;
                        (Token::Name(holder.into(), Some(key)), length + more)
                    }
                    None => (Token::Name(name.into(), None), length),
                }
            }
            _ => match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
                Some(symbol) => (Token::Symbol(symbol), symbol.len()),
                None if first == '=' => {
                    return Err(sentence!(
                        "column {column}: expected `==`, not `=`",
                        "Spalte {column}: erwartet wird `==`, nicht `=`"
                    ));
                }
                None => {
                    return Err(sentence!(
                        "column {column}: unknown character `{first}`",
                        "Spalte {column}: unbekanntes Zeichen `{first}`"
                    ));
                }
            },
        };
        found.push((column, token));
        rest = &rest[length..];
    }
}

struct Parser<'a> {
    /// The tokens, each with its column.
    tokens: Vec<(usize, Token)>,
    /// The index of the next token.
    position: usize,
    /// The ids of services and groups, which hold keys.
    holders: Vec<&'a str>,
    depth: u32,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.position].1
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.position = (self.position + 1).min(self.tokens.len() - 1);
        token
    }

    fn take_symbol(&mut self, wanted: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Symbol(symbol) if *symbol == wanted);
        self.position += usize::from(is_next);
        is_next
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Name(name, None) if name == wanted);
        self.position += usize::from(is_next);
        is_next
    }

    fn expected(&self, expected: &str) -> String {
        let (column, token) = &self.tokens[self.position];
        sentence!(
            "column {column}: expected {expected}, not {token}",
            "Spalte {column}: erwartet wird {expected}, nicht {token}"
        )
    }

    fn expect_close(&mut self) -> Result<(), String> {
        if self.take_symbol(")") { Ok(()) } else { Err(self.expected("`)`")) }
    }

    fn enter_level(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(sentence!(
                "must be nested at most {MAX_DEPTH} levels deep",
                "darf höchstens {MAX_DEPTH} Ebenen tief verschachtelt sein"
            ))
        } else {
            Ok(())
        }
    }

    fn formula(&mut self) -> Result<Formula, String> {
        let mut left = self.conjunct()?;
        while self.take_word("or") {
            left = Formula::Or(Box::new(left), Box::new(self.conjunct()?));
        }
        Ok(left)
    }

    fn conjunct(&mut self) -> Result<Formula, String> {
        let mut left = self.atom()?;
        while self.take_word("and") {
            left = Formula::And(Box::new(left), Box::new(self.atom()?));
        }
        Ok(left)
    }

    fn atom(&mut self) -> Result<Formula, String> {
        self.enter_level()?;
        let found = if self.take_word("not") { Formula::Not(Box::new(self.atom()?)) } else { self.comparison()? };
        self.depth -= 1;
        Ok(found)
    }

    fn comparison(&mut self) -> Result<Formula, String> {
        // Parentheses contain a formula or a term: try a formula first.
        let (start, depth) = (self.position, self.depth);
        if self.take_symbol("(") {
            let formula = self.formula().and_then(|formula| self.expect_close().map(|()| formula));
            if let Ok(formula) = formula {
                return Ok(formula);
            }
            (self.position, self.depth) = (start, depth);
        }
        let left = self.term()?;
        let relation = match self.peek() {
            Token::Symbol("==") => Relation::Equal,
            Token::Symbol("!=") => Relation::Unequal,
            Token::Symbol("<") => Relation::Less,
            Token::Symbol("<=") => Relation::AtMost,
            Token::Symbol(">") => Relation::Greater,
            Token::Symbol(">=") => Relation::AtLeast,
            Token::Name(name, None) if name == "in" => Relation::In,
            Token::Number(_) | Token::Text(_) | Token::Name(..) | Token::Quoted(_) | Token::Symbol(_) | Token::End => {
                return Err(self.expected(phrase(
                    "a comparison (==, !=, <, <=, >, >=, in)",
                    "ein Vergleich (==, !=, <, <=, >, >=, in)",
                )));
            }
        };
        self.next();
        Ok(Formula::Compare(relation, left, self.term()?))
    }

    fn term(&mut self) -> Result<Term, String> {
        let mut left = self.product()?;
        loop {
            if self.take_symbol("+") {
                left = Term::Sum(Box::new(left), Box::new(self.product()?));
            } else if self.take_symbol("-") {
                left = Term::Sum(Box::new(left), Box::new(negated(self.product()?)));
            } else {
                return Ok(left);
            }
        }
    }

    fn product(&mut self) -> Result<Term, String> {
        let mut left = self.factor()?;
        while self.take_symbol("*") {
            left = Term::Product(Box::new(left), Box::new(self.factor()?));
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Term, String> {
        self.enter_level()?;
        let is_call = matches!(self.tokens.get(self.position + 1), Some((_, Token::Symbol("("))));
        let found = match self.peek().clone() {
            Token::Number(number) => {
                self.next();
                Term::Constant(Some(Value::Int(number)))
            }
            Token::Text(text) => {
                self.next();
                Term::Constant(Some(text.as_str().into()))
            }
            Token::Symbol("-") => {
                self.next();
                negated(self.factor()?)
            }
            Token::Symbol("(") => {
                self.next();
                let term = self.term()?;
                self.expect_close()?;
                term
            }
            Token::Name(name, None) if is_call && name == "count" => {
                self.position += 2;
                let term = self.term()?;
                self.expect_close()?;
                Term::Count(Box::new(term))
            }
            Token::Name(name, None) if is_call && name == "behind" => {
                self.position += 2;
                let variable = self.variable()?;
                self.expect_close()?;
                Term::Behind(variable)
            }
            Token::Name(_, None) if is_call => {
                return Err(self.expected(phrase(
                    "`count` or `behind` before a bracket",
                    "`count` oder `behind` vor einer Klammer",
                )));
            }
            Token::Name(name, None) if name == "absent" => {
                self.next();
                Term::Constant(None)
            }
            Token::Name(..) | Token::Quoted(_) => Term::Read(self.variable()?),
            Token::Symbol(_) | Token::End => {
                return Err(self.expected(phrase(
                    "a value, a key or a service's key",
                    "ein Wert, ein Schlüssel oder der Schlüssel eines Service",
                )));
            }
        };
        self.depth -= 1;
        Ok(found)
    }

    fn variable(&mut self) -> Result<Variable, String> {
        let column = self.tokens[self.position].0;
        let is_holder = |name: &str| self.holders.contains(&name);
        let variable = match self.peek() {
            Token::Quoted(key) => Variable { at: None, key: key.clone() },
            Token::Name(holder, Some(key)) if is_holder(holder) => {
                Variable { at: Some(holder.clone()), key: key.clone() }
            }
            Token::Name(holder, Some(_)) => return Err(self.unknown_holder(column, holder)),
            Token::Name(name, None) if ["and", "or", "not", "in", "when"].contains(&name.as_str()) => {
                return Err(
                    self.expected(phrase("a key or a service's key", "ein Schlüssel oder der Schlüssel eines Service"))
                );
            }
            Token::Name(name, None) if !name.contains('.') => Variable { at: None, key: name.clone() },
            Token::Name(name, None) => {
                // Ids may contain full stops: the longest matching id is meant.
                let key_of = |holder: &&&str| name.strip_prefix(**holder).and_then(|rest| rest.strip_prefix('.'));
                let holder =
                    self.holders.iter().filter(|holder| key_of(holder).is_some()).max_by_key(|holder| holder.len());
                match holder.and_then(|holder| Some((holder, key_of(&holder)?))) {
                    Some((holder, key)) if !key.is_empty() => Variable { at: Some((*holder).into()), key: key.into() },
                    Some(_) => {
                        return Err(sentence!(
                            "column {column}: expected a key after `{name}`",
                            "Spalte {column}: nach `{name}` wird ein Schlüssel erwartet"
                        ));
                    }
                    None => return Err(self.unknown_holder(column, name.split('.').next().unwrap_or_default())),
                }
            }
            Token::Number(_) | Token::Text(_) | Token::Symbol(_) | Token::End => {
                return Err(
                    self.expected(phrase("a key or a service's key", "ein Schlüssel oder der Schlüssel eines Service"))
                );
            }
        };
        self.next();
        Ok(variable)
    }

    fn unknown_holder(&self, column: usize, name: &str) -> String {
        let known: Vec<String> = self.holders.iter().take(8).map(|holder| format!("`{holder}`")).collect();
        sentence!(
            "column {column}: no service or group has the id `{name}`; expected \
             one of {} (put a key that contains a full stop in backticks)",
            "Spalte {column}: kein Service und keine Gruppe hat die Id `{name}`; erwartet \
             wird eines von {} (ein Schlüssel mit einem Punkt steht in Backticks)",
            known.join(", ")
        )
    }
}

fn negated(term: Term) -> Term {
    if let Term::Constant(Some(Value::Int(number))) = term {
        return Term::Constant(Some(Value::Int(-number)));
    }
    Term::Product(Box::new(Term::Constant(Some(Value::Int(-1)))), Box::new(term))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Group, Service};

    fn parse(text: &str) -> Result<Invariant, String> {
        let service = |id: &str| Service { id: id.into(), ..Service::default() };
        let services = ["orders", "inventory", "eu.orders"].map(service).to_vec();
        let groups = vec![Group { id: "cart".into(), ..Group::default() }];
        Invariant::parse(text, &Scenario { services, groups, ..Scenario::default() })
    }

    fn variable(at: Option<&str>, key: &str) -> Term {
        Term::Read(Variable { at: at.map(Into::into), key: key.into() })
    }

    fn number(n: i64) -> Term {
        Term::Constant(Some(Value::Int(n)))
    }

    #[test]
    fn invariants_are_parsed_with_the_usual_precedence() {
        let compare = |relation, left, right| Formula::Compare(relation, left, right);
        let cases = [
            ("stock >= 0", compare(Relation::AtLeast, variable(None, "stock"), number(0)), false),
            (
                "orders.status == inventory.status when quiescent",
                compare(Relation::Equal, variable(Some("orders"), "status"), variable(Some("inventory"), "status")),
                true,
            ),
            (
                "last-item != \"sold\"",
                { compare(Relation::Unequal, variable(None, "last-item"), Term::Constant(Some("sold".into()))) },
                false,
            ),
            (
                "a - 1 < -2",
                {
                    let sum = Term::Sum(Box::new(variable(None, "a")), Box::new(number(-1)));
                    compare(Relation::Less, sum, number(-2))
                },
                false,
            ),
            (
                "eu.orders.x.y==absent",
                compare(Relation::Equal, variable(Some("eu.orders"), "x.y"), Term::Constant(None)),
                false,
            ),
            (
                "orders.`order 7` in `all of them`",
                { compare(Relation::In, variable(Some("orders"), "order 7"), variable(None, "all of them")) },
                false,
            ),
            (
                "count(cart.items) <= 3",
                { compare(Relation::AtMost, Term::Count(Box::new(variable(Some("cart"), "items"))), number(3)) },
                false,
            ),
            (
                "behind(k) > 0",
                { compare(Relation::Greater, Term::Behind(Variable { at: None, key: "k".into() }), number(0)) },
                false,
            ),
        ];
        for (text, formula, quiescent) in cases {
            assert_eq!(parse(text), Ok(Invariant { formula, quiescent }), "{text}");
        }
        let parsed = |text: &str| format!("{:?}", parse(text).expect(text).formula);
        assert_eq!(parsed("a == 1 or b == 2 and not c == 3"), parsed("(a == 1) or ((b == 2) and (not (c == 3)))"));
        assert_eq!(parsed("a + 2 * 3 == (1)"), parsed("(a + (2 * 3)) == 1"));
    }

    #[test]
    fn a_syntax_error_has_its_column_and_what_was_expected() {
        let cases = [
            ("", "column 1: expected a value, a key or a service's key, not the end"),
            ("stock", "column 6: expected a comparison (==, !=, <, <=, >, >=, in), not the end"),
            ("stock = 0", "column 7: expected `==`, not `=`"),
            ("stock >= 0 when", "column 16: expected `quiescent`, not the end"),
            ("stock >= 0 0", "column 12: expected `and`, `or`, `when quiescent` or the end, not 0"),
            ("order.status == 1", "column 1: no service or group has the id `order`; expected one of `orders`"),
            ("orders. == 1", "column 1: expected a key after `orders.`"),
            ("max(a) == 1", "column 1: expected `count` or `behind` before a bracket, not `max`"),
            ("(a == 1", "expected"),
            ("a == \"x", "column 6: \" is not closed"),
            ("a == 1 ; b", "column 8: unknown character `;`"),
            ("a == 99999999999999999999", "column 6: the number is too large"),
            ("behind(3) == 1", "column 8: expected a key or a service's key, not 3"),
            ("é == 1 und", "column 8: "),
        ];
        for (text, expected) in cases {
            let error = parse(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
        let deep = format!("{}a == 1{}", "(".repeat(400), ")".repeat(400));
        assert!(parse(&deep).expect_err("deep").contains("at most"));
        let deep = format!("{}a == 1", "not ".repeat(100));
        assert!(parse(&deep).expect_err("deep").contains("nested at most"));
    }
}
