//! The language of invariants: what must be true of the data whatever happens, as in `stock >= 0` or
//! `orders.status == inventory.status when quiescent`.
//!
//! ```text
//! invariant  = formula [ "when" "quiescent" ]
//! formula    = conjunct { "or" conjunct }
//! conjunct   = atom { "and" atom }
//! atom       = "not" atom | "(" formula ")" | term relation term
//! relation   = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in"
//! term       = product { ( "+" | "-" ) product }
//! product    = factor { "*" factor }
//! factor     = number | "text" | "absent" | place | "-" factor | "(" term ")"
//!            | "count" "(" term ")" | "behind" "(" place ")"
//! place      = key | service "." key | group "." key; a key with other signs than letters, digits, _ - . in backticks
//! ```
//!
//! A key alone means every service that holds it, one after the other; a group means each of its members.

use super::{Scenario, Value};
use std::fmt;

/// An invariant, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Invariant {
    /// What must be true.
    pub formula: Formula,
    /// Only while nothing is under way.
    pub quiescent: bool,
}

/// What is true or not.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// A comparison.
    Compare(Relation, Term, Term),
    /// Not that.
    Not(Box<Formula>),
    /// Both.
    And(Box<Formula>, Box<Formula>),
    /// One of them at least.
    Or(Box<Formula>, Box<Formula>),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Equal.
    Equal,
    /// Not equal.
    Unequal,
    /// Less: numbers, or texts by their signs.
    Less,
    /// Less or equal.
    AtMost,
    /// Greater.
    Greater,
    /// Greater or equal.
    AtLeast,
    /// An element of a set.
    In,
}

/// What has a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// That value; none is what an absent key has.
    Constant(Option<Value>),
    /// What a read there would return.
    Read(Place),
    /// How many acknowledged updates are not reflected there.
    Behind(Place),
    /// How many elements a set has.
    Count(Box<Term>),
    /// The sum.
    Sum(Box<Term>, Box<Term>),
    /// The product.
    Product(Box<Term>, Box<Term>),
}

/// Where a key is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The service or group; every service that holds the key where there is none.
    pub at: Option<String>,
    /// The key.
    pub key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) => write!(f, "{at}.{}", self.key),
            None => f.write_str(&self.key),
        }
    }
}

/// The longest text that is read.
const LONGEST: usize = 500;
/// How deep it may nest.
const DEEPEST: u32 = 32;

impl Invariant {
    /// Reads an invariant of a scenario.
    ///
    /// # Errors
    /// Where it goes wrong, counted in characters from 1, and what was expected.
    pub fn parse(text: &str, scenario: &Scenario) -> Result<Invariant, String> {
        if text.chars().count() > LONGEST {
            return Err(format!("at most {LONGEST} characters"));
        }
        let services = scenario.services.iter().map(|service| service.id.as_str());
        let holders = services.chain(scenario.groups.iter().map(|group| group.id.as_str())).collect();
        let mut reader = Reader { tokens: tokens(text)?, at: 0, holders, depth: 0 };
        let formula = reader.formula()?;
        let quiescent = reader.word("when");
        if quiescent && !reader.word("quiescent") {
            return Err(reader.expected("`quiescent`"));
        }
        match reader.peek() {
            Token::End => Ok(Invariant { formula, quiescent }),
            _ => Err(reader.expected("`and`, `or`, `when quiescent` or the end")),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(i64),
    Text(String),
    /// A word, and a key in backticks right behind its full stop.
    Name(String, Option<String>),
    Quoted(String),
    Sign(&'static str),
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
            Token::Sign(sign) => write!(f, "`{sign}`"),
            Token::End => f.write_str("the end"),
        }
    }
}

const SIGNS: [&str; 11] = ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "(", ")"];

/// The words and signs of a text, each with where it begins.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    let column = |rest: &str| text[..text.len() - rest.len()].chars().count() + 1;
    loop {
        rest = rest.trim_start();
        let at = column(rest);
        let Some(first) = rest.chars().next() else {
            found.push((at, Token::End));
            return Ok(found);
        };
        let quoted = |rest: &str, quote: char| -> Result<(String, usize), String> {
            let inner = &rest[1..];
            let end = inner.find(quote).ok_or_else(|| format!("column {}: {quote} is not closed", column(rest)))?;
            Ok((inner[..end].to_string(), end + 2))
        };
        let (token, length) = match first {
            '"' => quoted(rest, '"').map(|(text, length)| (Token::Text(text), length))?,
            '`' => quoted(rest, '`').map(|(key, length)| (Token::Quoted(key), length))?,
            '0'..='9' => {
                let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let number = rest[..length].parse().map_err(|_| format!("column {at}: the number is too large"))?;
                (Token::Number(number), length)
            }
            c if c.is_alphabetic() || c == '_' => {
                // A minus inside a word is part of it, as in `last-item`; between two values it has room around it.
                let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
                let length = rest.find(|c: char| !inside(c)).unwrap_or(rest.len());
                let name = &rest[..length];
                match name.strip_suffix('.').filter(|_| rest[length..].starts_with('`')) {
                    Some(holder) => {
                        let (key, more) = quoted(&rest[length..], '`')?;
                        (Token::Name(holder.into(), Some(key)), length + more)
                    }
                    None => (Token::Name(name.into(), None), length),
                }
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None if first == '=' => return Err(format!("column {at}: `==` compares, `=` means nothing here")),
                None => return Err(format!("column {at}: `{first}` means nothing here")),
            },
        };
        found.push((at, token));
        rest = &rest[length..];
    }
}

struct Reader<'a> {
    tokens: Vec<(usize, Token)>,
    at: usize,
    holders: Vec<&'a str>,
    depth: u32,
}

impl Reader<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].1
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let there = matches!(self.peek(), Token::Sign(sign) if *sign == wanted);
        self.at += usize::from(there);
        there
    }

    fn word(&mut self, wanted: &str) -> bool {
        let there = matches!(self.peek(), Token::Name(name, None) if name == wanted);
        self.at += usize::from(there);
        there
    }

    fn expected(&self, what: &str) -> String {
        let (column, token) = &self.tokens[self.at];
        format!("column {column}: {what} is expected, not {token}")
    }

    fn close(&mut self) -> Result<(), String> {
        if self.sign(")") { Ok(()) } else { Err(self.expected("`)`")) }
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEEPEST { Err(format!("nested deeper than {DEEPEST}")) } else { Ok(()) }
    }

    fn formula(&mut self) -> Result<Formula, String> {
        let mut left = self.conjunct()?;
        while self.word("or") {
            left = Formula::Or(Box::new(left), Box::new(self.conjunct()?));
        }
        Ok(left)
    }

    fn conjunct(&mut self) -> Result<Formula, String> {
        let mut left = self.atom()?;
        while self.word("and") {
            left = Formula::And(Box::new(left), Box::new(self.atom()?));
        }
        Ok(left)
    }

    fn atom(&mut self) -> Result<Formula, String> {
        self.deeper()?;
        let found = if self.word("not") { Formula::Not(Box::new(self.atom()?)) } else { self.comparison()? };
        self.depth -= 1;
        Ok(found)
    }

    fn comparison(&mut self) -> Result<Formula, String> {
        // A bracket may hold a formula or a term; what follows tells.
        let start = self.at;
        if self.sign("(") {
            let formula = self.formula().and_then(|formula| self.close().map(|()| formula));
            if let Ok(formula) = formula {
                return Ok(formula);
            }
            self.at = start;
        }
        let left = self.term()?;
        let relation = match self.peek() {
            Token::Sign("==") => Relation::Equal,
            Token::Sign("!=") => Relation::Unequal,
            Token::Sign("<") => Relation::Less,
            Token::Sign("<=") => Relation::AtMost,
            Token::Sign(">") => Relation::Greater,
            Token::Sign(">=") => Relation::AtLeast,
            Token::Name(name, None) if name == "in" => Relation::In,
            _ => return Err(self.expected("a comparison (==, !=, <, <=, >, >=, in)")),
        };
        self.next();
        Ok(Formula::Compare(relation, left, self.term()?))
    }

    fn term(&mut self) -> Result<Term, String> {
        let mut left = self.product()?;
        loop {
            if self.sign("+") {
                left = Term::Sum(Box::new(left), Box::new(self.product()?));
            } else if self.sign("-") {
                left = Term::Sum(Box::new(left), Box::new(negative(self.product()?)));
            } else {
                return Ok(left);
            }
        }
    }

    fn product(&mut self) -> Result<Term, String> {
        let mut left = self.factor()?;
        while self.sign("*") {
            left = Term::Product(Box::new(left), Box::new(self.factor()?));
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Term, String> {
        self.deeper()?;
        let called = matches!(self.tokens.get(self.at + 1), Some((_, Token::Sign("("))));
        let found = match self.peek().clone() {
            Token::Number(number) => {
                self.next();
                Term::Constant(Some(Value::Int(number)))
            }
            Token::Text(text) => {
                self.next();
                Term::Constant(Some(text.as_str().into()))
            }
            Token::Sign("-") => {
                self.next();
                negative(self.factor()?)
            }
            Token::Sign("(") => {
                self.next();
                let term = self.term()?;
                self.close()?;
                term
            }
            Token::Name(name, None) if called && name == "count" => {
                self.at += 2;
                let term = self.term()?;
                self.close()?;
                Term::Count(Box::new(term))
            }
            Token::Name(name, None) if called && name == "behind" => {
                self.at += 2;
                let place = self.place()?;
                self.close()?;
                Term::Behind(place)
            }
            Token::Name(name, None) if called => {
                return Err(self.expected(&format!("`count` or `behind` before a bracket (there is no `{name}`)")));
            }
            Token::Name(name, None) if name == "absent" => {
                self.next();
                Term::Constant(None)
            }
            Token::Name(..) | Token::Quoted(_) => Term::Read(self.place()?),
            Token::Sign(_) | Token::End => return Err(self.expected("a value, a key or a service's key")),
        };
        self.depth -= 1;
        Ok(found)
    }

    fn place(&mut self) -> Result<Place, String> {
        let column = self.tokens[self.at].0;
        let known = |name: &str| self.holders.contains(&name);
        let place = match self.peek() {
            Token::Quoted(key) => Place { at: None, key: key.clone() },
            Token::Name(holder, Some(key)) if known(holder) => Place { at: Some(holder.clone()), key: key.clone() },
            Token::Name(holder, Some(_)) => return Err(self.nobody(column, holder)),
            Token::Name(name, None) if ["and", "or", "not", "in", "when"].contains(&name.as_str()) => {
                return Err(self.expected("a key or a service's key"));
            }
            Token::Name(name, None) if !name.contains('.') => Place { at: None, key: name.clone() },
            Token::Name(name, None) => {
                // Ids may hold full stops, so the longest that fits is meant.
                let behind = |holder: &&&str| name.strip_prefix(**holder).and_then(|rest| rest.strip_prefix('.'));
                let holder = self.holders.iter().filter(|it| behind(it).is_some()).max_by_key(|it| it.len());
                match holder.and_then(|holder| Some((holder, behind(&holder)?))) {
                    Some((holder, key)) if !key.is_empty() => Place { at: Some((*holder).into()), key: key.into() },
                    Some(_) => return Err(format!("column {column}: a key is expected behind `{name}`")),
                    None => return Err(self.nobody(column, name.split('.').next().unwrap_or_default())),
                }
            }
            _ => return Err(self.expected("a key or a service's key")),
        };
        self.next();
        Ok(place)
    }

    fn nobody(&self, column: usize, name: &str) -> String {
        let known: Vec<String> = self.holders.iter().take(8).map(|holder| format!("`{holder}`")).collect();
        format!(
            "column {column}: no service or group has the id `{name}` (there are {}); a key with a full stop stands in backticks",
            known.join(", ")
        )
    }
}

fn negative(term: Term) -> Term {
    match term {
        Term::Constant(Some(Value::Int(number))) => Term::Constant(Some(Value::Int(-number))),
        other => Term::Product(Box::new(Term::Constant(Some(Value::Int(-1)))), Box::new(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Group, Service};

    fn read(text: &str) -> Result<Invariant, String> {
        let service = |id: &str| Service { id: id.into(), ..Service::default() };
        let services = ["orders", "inventory", "eu.orders"].map(service).to_vec();
        let groups = vec![Group { id: "cart".into(), ..Group::default() }];
        Invariant::parse(text, &Scenario { services, groups, ..Scenario::default() })
    }

    fn place(at: Option<&str>, key: &str) -> Term {
        Term::Read(Place { at: at.map(Into::into), key: key.into() })
    }

    fn number(n: i64) -> Term {
        Term::Constant(Some(Value::Int(n)))
    }

    #[test]
    fn invariants_are_read_as_they_are_meant() {
        let compare = |relation, left, right| Formula::Compare(relation, left, right);
        let cases = [
            ("stock >= 0", compare(Relation::AtLeast, place(None, "stock"), number(0)), false),
            (
                "orders.status == inventory.status when quiescent",
                compare(Relation::Equal, place(Some("orders"), "status"), place(Some("inventory"), "status")),
                true,
            ),
            (
                "last-item != \"sold\"",
                { compare(Relation::Unequal, place(None, "last-item"), Term::Constant(Some("sold".into()))) },
                false,
            ),
            (
                "a - 1 < -2",
                {
                    let sum = Term::Sum(Box::new(place(None, "a")), Box::new(number(-1)));
                    compare(Relation::Less, sum, number(-2))
                },
                false,
            ),
            (
                "eu.orders.x.y==absent",
                compare(Relation::Equal, place(Some("eu.orders"), "x.y"), Term::Constant(None)),
                false,
            ),
            (
                "orders.`order 7` in `all of them`",
                { compare(Relation::In, place(Some("orders"), "order 7"), place(None, "all of them")) },
                false,
            ),
            (
                "count(cart.items) <= 3",
                { compare(Relation::AtMost, Term::Count(Box::new(place(Some("cart"), "items"))), number(3)) },
                false,
            ),
            (
                "behind(k) > 0",
                { compare(Relation::Greater, Term::Behind(Place { at: None, key: "k".into() }), number(0)) },
                false,
            ),
        ];
        for (text, formula, quiescent) in cases {
            assert_eq!(read(text), Ok(Invariant { formula, quiescent }), "{text}");
        }
        let bound = |text: &str| format!("{:?}", read(text).expect(text).formula);
        assert_eq!(bound("a == 1 or b == 2 and not c == 3"), bound("(a == 1) or ((b == 2) and (not (c == 3)))"));
        assert_eq!(bound("a + 2 * 3 == (1)"), bound("(a + (2 * 3)) == 1"));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_column_and_what_was_expected() {
        let cases = [
            ("", "column 1: a value, a key or a service's key is expected, not the end"),
            ("stock", "column 6: a comparison (==, !=, <, <=, >, >=, in) is expected, not the end"),
            ("stock = 0", "column 7: `==` compares"),
            ("stock >= 0 when", "column 16: `quiescent` is expected, not the end"),
            ("stock >= 0 0", "column 12: `and`, `or`, `when quiescent` or the end is expected, not 0"),
            ("order.status == 1", "column 1: no service or group has the id `order` (there are `orders`"),
            ("orders. == 1", "column 1: a key is expected behind `orders.`"),
            ("max(a) == 1", "there is no `max`"),
            ("(a == 1", "is expected"),
            ("a == \"x", "column 6: \" is not closed"),
            ("a == 1 ; b", "column 8: `;` means nothing here"),
            ("a == 99999999999999999999", "column 6: the number is too large"),
            ("behind(3) == 1", "column 8: a key or a service's key is expected, not 3"),
            ("é == 1 und", "column 8: "),
        ];
        for (text, said) in cases {
            let error = read(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
        let deep = format!("{}a == 1{}", "(".repeat(400), ")".repeat(400));
        assert!(read(&deep).expect_err("deep").contains("at most"));
        let deep = format!("{}a == 1", "not ".repeat(100));
        assert!(read(&deep).expect_err("deep").contains("nested deeper"));
    }
}
