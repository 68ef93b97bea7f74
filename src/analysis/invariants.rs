//! Invariants that the user writes over the data. They are evaluated at the end of each instant, since everything that
//! happens at one instant happens together.

use super::run_state::Analysis;
use super::staleness::KeyCopy;
use crate::language::{Texts, phrase, sentence};
use crate::scenario::{Formula, Invariant, Micros, Relation, Scenario, Term, Value, Variable};
use crate::trace::{Names, NodeId};

/// The status of an invariant.
#[derive(Clone, Debug, PartialEq)]
pub enum InvariantStatus {
    /// It was never evaluated: no copy of its keys exists, or the run was never quiescent.
    Unknown,
    /// It was true at each evaluation.
    Holds,
    /// It was false at some evaluation.
    Violated {
        /// The first time that it was false.
        at: Micros,
        /// The values that violate it, with their keys and nodes.
        values: Texts,
        /// The nodes that hold these values.
        nodes: Vec<NodeId>,
        /// Whether it was true at the last evaluation.
        recovered: bool,
    },
}

/// The values that violate an invariant, and the nodes that hold them.
type Violation = (Texts, Vec<NodeId>);

/// The invariants of a scenario, evaluated over a run.
#[derive(Clone, Debug, Default)]
pub struct Invariants {
    invariants: Vec<(Invariant, InvariantStatus)>,
    /// Members of each group, by the group's id.
    groups: Vec<(String, Vec<String>)>,
    /// The current instant, which is not over.
    now: Option<Micros>,
    /// The revision of the copies at the last evaluation, and whether the run was quiet then; false if no invariant needs to
    /// know.
    evaluated: Option<(u64, bool)>,
}

impl Invariants {
    /// Creates the invariants of a valid scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let read = scenario.invariants.iter().filter_map(|text| Invariant::parse(text, scenario).ok());
        let groups = scenario.groups.iter().map(|group| (group.id.clone(), group.members.clone())).collect();
        let invariants = read.map(|invariant| (invariant, InvariantStatus::Unknown)).collect();
        Invariants { invariants, groups, now: None, evaluated: None }
    }

    /// Iterates over the status of each, in the order of the document.
    pub fn statuses(&self) -> impl Iterator<Item = &InvariantStatus> {
        self.invariants.iter().map(|(_, status)| status)
    }

    /// Advances the clock to `now`. Evaluates the invariants if an instant is over.
    pub fn advance_to(&mut self, now: Micros, analysis: &Analysis, names: &Names) {
        if let Some(over) = self.now.replace(now).filter(|before| *before < now) {
            // Most instants change no copy, so they need no evaluation.
            let needs_quiet = self.invariants.iter().any(|(invariant, _)| invariant.quiescent);
            let state = (analysis.staleness.revision(), needs_quiet && analysis.is_quiet());
            if self.evaluated.replace(state) != Some(state) {
                self.evaluate(over, analysis, names);
            }
        }
    }

    /// Evaluates the invariants as if the current instant were over.
    pub fn evaluate_pending(&mut self, analysis: &Analysis, names: &Names) {
        self.evaluate(self.now.unwrap_or_default(), analysis, names);
    }

    /// Evaluates the invariants at the end of an instant.
    pub fn evaluate(&mut self, at: Micros, analysis: &Analysis, names: &Names) {
        let mut quiet = None;
        for (invariant, status) in &mut self.invariants {
            if invariant.quiescent && !*quiet.get_or_insert_with(|| analysis.is_quiet()) {
                continue;
            }
            let evaluator = Evaluator { analysis, names, groups: &self.groups };
            let (applies, violation) = evaluator.evaluate(&invariant.formula);
            match (&mut *status, violation) {
                (InvariantStatus::Violated { recovered, .. }, violation) => *recovered = violation.is_none(),
                (_, Some((values, nodes))) => {
                    *status = InvariantStatus::Violated { at, values, nodes, recovered: false }
                }
                (_, None) if applies => *status = InvariantStatus::Holds,
                (_, None) => {}
            }
        }
    }
}

/// Evaluates formulas over the current state of a run.
struct Evaluator<'a> {
    analysis: &'a Analysis,
    names: &'a Names,
    groups: &'a [(String, Vec<String>)],
}

/// The service bound to each quantified holder: a group, or `None` for keys without a holder.
type Bindings<'a> = Vec<(Option<&'a str>, NodeId)>;

impl<'a> Evaluator<'a> {
    /// Evaluates a formula for every binding, up to the first violation. Returns whether any copy that it names exists, and the
    /// violation.
    fn evaluate(&self, formula: &'a Formula) -> (bool, Option<Violation>) {
        let variables = formula.variables();
        let mut quantified: Vec<(Option<&str>, Vec<NodeId>)> = Vec::new();
        for variable in &variables {
            let holder = variable.at.as_deref();
            let group = holder.and_then(|at| self.groups.iter().find(|(id, _)| id == at));
            if (holder.is_some() && group.is_none()) || quantified.iter().any(|(other, _)| *other == holder) {
                continue;
            }
            let nodes: Vec<NodeId> = match group {
                Some((_, members)) => members.iter().filter_map(|id| self.names.find_node(id)).collect(),
                None => {
                    let free: Vec<&str> = variables
                        .iter()
                        .filter(|variable| variable.at.is_none())
                        .map(|variable| variable.key.as_str())
                        .collect();
                    let all = (0..self.names.node_count() as u32).map(NodeId);
                    all.filter(|node| free.iter().any(|key| self.copy(*node, key).is_some())).collect()
                }
            };
            quantified.push((holder, nodes));
        }
        let mut applies = false;
        let mut bound = Bindings::new();
        let violation = self.find_binding(&quantified, &mut bound, &mut |bound| {
            let exists = variables.iter().any(|variable| self.copy_at(variable, bound).is_some());
            applies |= exists;
            if !exists || self.is_true(formula, bound) {
                return None;
            }
            let value = |variable: &&Variable| {
                let values: Vec<String> = self.values(variable, bound).iter().map(display).collect();
                let node = self.node(variable, bound);
                let label = node.map_or("?", |node| self.names.label(node));
                let behind = match self.copy_at(variable, bound).map_or(0, KeyCopy::behind) {
                    0 => String::new(),
                    n => sentence!(" ({n} behind)", " ({n} zurück)"),
                };
                let values = values.join(phrase(" and ", " und "));
                sentence!("{} at {label} is {values}{behind}", "{} bei {label} ist {values}{behind}", variable.key)
            };
            let values = Texts::new(|| {
                let mut values: Vec<String> = variables.iter().map(value).collect();
                values.dedup();
                values.join(", ")
            });
            let mut nodes: Vec<NodeId> = variables.iter().filter_map(|variable| self.node(variable, bound)).collect();
            nodes.dedup();
            Some((values, nodes))
        });
        (applies, violation)
    }

    /// Tries every binding of the quantified holders. Returns the first result of `test` that is not none.
    fn find_binding<T>(
        &self,
        quantified: &[(Option<&'a str>, Vec<NodeId>)],
        bound: &mut Bindings<'a>,
        test: &mut impl FnMut(&Bindings<'a>) -> Option<T>,
    ) -> Option<T> {
        let Some(((holder, nodes), rest)) = quantified.split_first() else { return test(bound) };
        nodes.iter().find_map(|node| {
            bound.push((*holder, *node));
            let result = self.find_binding(rest, bound, test);
            bound.pop();
            result
        })
    }

    fn node(&self, variable: &Variable, bound: &Bindings) -> Option<NodeId> {
        let holder = variable.at.as_deref();
        let bound = bound.iter().find(|(other, _)| *other == holder).map(|(_, node)| *node);
        bound.or_else(|| self.names.find_node(holder?))
    }

    fn copy(&self, node: NodeId, key: &str) -> Option<&KeyCopy> {
        let key = self.names.find_key(self.names.scope(node), key)?;
        self.analysis.staleness.copy(node, key)
    }

    fn copy_at(&self, variable: &Variable, bound: &Bindings) -> Option<&KeyCopy> {
        self.copy(self.node(variable, bound)?, &variable.key)
    }

    /// Returns the values that a read of the copy returns: every sibling.
    fn values(&self, variable: &Variable, bound: &Bindings) -> Vec<Option<Value>> {
        let node = self.node(variable, bound);
        let copy = node.and_then(|node| Some((node, self.copy(node, &variable.key)?)));
        match copy {
            Some((_, copy)) if copy.siblings().len() > 1 => copy.siblings().iter().cloned().map(Some).collect(),
            copy => vec![copy.and_then(|(node, copy)| copy.held_at(node)?.value.clone())],
        }
    }

    fn is_true(&self, formula: &Formula, bound: &Bindings) -> bool {
        match formula {
            Formula::Not(inner) => !self.is_true(inner, bound),
            Formula::And(left, right) => self.is_true(left, bound) && self.is_true(right, bound),
            Formula::Or(left, right) => self.is_true(left, bound) || self.is_true(right, bound),
            Formula::Compare(relation, left, right) => {
                let (left, right) = (self.term(left, bound), self.term(right, bound));
                // The relation must hold for every sibling.
                left.iter().all(|left| right.iter().all(|right| compare(*relation, left, right)))
            }
        }
    }

    /// Returns the values of a term, one for each sibling; an absent value is `None`.
    fn term(&self, term: &Term, bound: &Bindings) -> Vec<Option<Value>> {
        let numbers = |left: &Term, right: &Term, of: fn(i64, i64) -> i64| {
            let (left, right) = (self.term(left, bound), self.term(right, bound));
            let pairs = left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
            let of = pairs.map(|pair| match pair {
                (Some(Value::Int(a)), Some(Value::Int(b))) => Some(Value::Int(of(*a, *b))),
                _ => None,
            });
            of.collect()
        };
        match term {
            Term::Constant(value) => vec![value.clone()],
            Term::Read(variable) => self.values(variable, bound),
            Term::Behind(variable) => {
                vec![self.copy_at(variable, bound).map(|copy| Value::Int(copy.behind().into()))]
            }
            Term::Count(inner) => {
                let count = |value: Option<Value>| match value {
                    Some(Value::Set(elements)) => Some(Value::Int(elements.len() as i64)),
                    Some(Value::List(elements)) => Some(Value::Int(elements.len() as i64)),
                    Some(Value::Map(fields)) => Some(Value::Int(fields.len() as i64)),
                    Some(Value::Int(_) | Value::Text(_)) => Some(Value::Int(1)),
                    None => Some(Value::Int(0)),
                };
                self.term(inner, bound).into_iter().map(count).collect()
            }
            Term::Sum(left, right) => numbers(left, right, i64::saturating_add),
            Term::Product(left, right) => numbers(left, right, i64::saturating_mul),
        }
    }
}

fn display(value: &Option<Value>) -> String {
    value.as_ref().map_or("absent".into(), ToString::to_string)
}

/// Evaluates a relation. An order between values of different types, or with an absent value, counts as true.
fn compare(relation: Relation, left: &Option<Value>, right: &Option<Value>) -> bool {
    let order = match (left, right) {
        (Some(Value::Int(a)), Some(Value::Int(b))) => Some(a.cmp(b)),
        (Some(Value::Text(a)), Some(Value::Text(b))) => Some(a.cmp(b)),
        _ => None,
    };
    match relation {
        Relation::Equal => left == right,
        Relation::Unequal => left != right,
        Relation::Less => order.is_none_or(|order| order.is_lt()),
        Relation::AtMost => order.is_none_or(|order| order.is_le()),
        Relation::Greater => order.is_none_or(|order| order.is_gt()),
        Relation::AtLeast => order.is_none_or(|order| order.is_ge()),
        Relation::In => match (left, right) {
            (Some(left), Some(Value::Set(elements))) => elements.contains(left),
            (Some(left), Some(Value::List(elements))) => elements.contains(left),
            (Some(Value::Text(left)), Some(Value::Map(fields))) => fields.contains_key(left),
            _ => false,
        },
    }
}
