//! The language of invariants: conditions that must always be true of the data, such as `stock >= 0` or
//! `orders.status == inventory.status when quiescent`. The syntax is in `parser`.
//!
//! A key alone refers to every service that has it, each on its own; a group refers to each of its members.

mod parser;

use super::Value;
use std::fmt;

/// A parsed invariant.
#[derive(Clone, Debug, PartialEq)]
pub struct Invariant {
    /// The condition.
    pub formula: Formula,
    /// Whether it must be true only while no message is in flight and no work is pending.
    pub quiescent: bool,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// A comparison.
    Compare(Relation, Term, Term),
    /// Negation.
    Not(Box<Formula>),
    /// Conjunction.
    And(Box<Formula>, Box<Formula>),
    /// Disjunction.
    Or(Box<Formula>, Box<Formula>),
}

/// A comparison of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Equal.
    Equal,
    /// Not equal.
    Unequal,
    /// Less: numbers by value, texts by their characters.
    Less,
    /// Less than or equal.
    AtMost,
    /// Greater.
    Greater,
    /// Greater than or equal.
    AtLeast,
    /// Element of a set.
    In,
}

/// An expression that has a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// A constant; none is the value of an absent key.
    Constant(Option<Value>),
    /// The value that a read of it returns.
    Read(Variable),
    /// Number of acknowledged updates that the copy does not reflect.
    Behind(Variable),
    /// Number of elements of a set.
    Count(Box<Term>),
    /// Sum.
    Sum(Box<Term>, Box<Term>),
    /// Product.
    Product(Box<Term>, Box<Term>),
}

/// A key, and where it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Service or group; every service that has the key if absent.
    pub at: Option<String>,
    /// The key.
    pub key: String,
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) => write!(f, "{at}.{}", self.key),
            None => f.write_str(&self.key),
        }
    }
}

impl Formula {
    /// Returns the variables in the order of the text, with repetitions.
    pub fn variables(&self) -> Vec<&Variable> {
        match self {
            Formula::Compare(_, left, right) => [left.variables(), right.variables()].concat(),
            Formula::Not(inner) => inner.variables(),
            Formula::And(left, right) | Formula::Or(left, right) => [left.variables(), right.variables()].concat(),
        }
    }
}

impl Term {
    fn variables(&self) -> Vec<&Variable> {
        match self {
            Term::Constant(_) => Vec::new(),
            Term::Read(variable) | Term::Behind(variable) => vec![variable],
            Term::Count(inner) => inner.variables(),
            Term::Sum(left, right) | Term::Product(left, right) => [left.variables(), right.variables()].concat(),
        }
    }
}
