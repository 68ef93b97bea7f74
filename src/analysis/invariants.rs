//! Whether the data is as the user says that it must be. Looked at whenever an instant is over, since what happens at
//! one instant happens together.

use super::Analysis;
use crate::scenario::{Formula, Invariant, Micros, Place, Relation, Scenario, Term, Value};
use crate::trace::{Names, NodeId};

/// How an invariant stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Stands {
    /// There was nothing to look at yet: no such key, or never quiescent.
    Unknown,
    /// It was true whenever it was looked at.
    Holds,
    /// It was broken, first at that instant.
    Violated {
        /// When.
        at: Micros,
        /// Where, and by which values.
        said: String,
        /// Whose values these are.
        nodes: Vec<NodeId>,
        /// It is true again.
        mended: bool,
    },
}

/// Looks at an invariant: whether there was anything to look at, and what breaks it.
type Judge = fn(&Look<'_>, &Formula) -> (bool, Option<(String, Vec<NodeId>)>);

/// The invariants of a scenario over a run; by default there are none.
#[derive(Clone, Debug, Default)]
pub struct Invariants {
    /// Kept with them, so that where there are none there is no such code.
    judge: Option<Judge>,
    watched: Vec<(Invariant, Stands)>,
    /// Members of each group, by the group's id.
    groups: Vec<(String, Vec<String>)>,
    last: Option<Micros>,
}

impl Invariants {
    /// Those of a valid scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let read = scenario.invariants.iter().filter_map(|text| Invariant::parse(text, scenario).ok());
        let groups = scenario.groups.iter().map(|group| (group.id.clone(), group.members.clone())).collect();
        let watched = read.map(|invariant| (invariant, Stands::Unknown)).collect();
        Invariants { judge: Some(|look, formula| look.judge(formula)), watched, groups, last: None }
    }

    /// How each stands, in the order of the document.
    pub fn stand(&self) -> impl Iterator<Item = &Stands> {
        self.watched.iter().map(|(_, stands)| stands)
    }

    /// The clock has come to `now`: if an instant is over, looks at how it left the data.
    pub fn pass(&mut self, now: Micros, analysis: &Analysis, names: &Names) {
        if let Some(last) = self.last.replace(now).filter(|last| *last < now) {
            self.look(last, analysis, names);
        }
    }

    /// Looks at the data as an instant leaves it.
    pub fn look(&mut self, at: Micros, analysis: &Analysis, names: &Names) {
        let Some(judge) = self.judge else { return };
        let mut quiet = None;
        for (invariant, stands) in &mut self.watched {
            if invariant.quiescent && !*quiet.get_or_insert_with(|| analysis.is_quiet()) {
                continue;
            }
            let look = Look { analysis, names, groups: &self.groups };
            let (found, broken) = judge(&look, &invariant.formula);
            match (&mut *stands, broken) {
                (Stands::Violated { mended, .. }, broken) => *mended = broken.is_none(),
                (_, Some((said, nodes))) => *stands = Stands::Violated { at, said, nodes, mended: false },
                (_, None) if found => *stands = Stands::Holds,
                (_, None) => {}
            }
        }
    }
}

struct Look<'a> {
    analysis: &'a Analysis,
    names: &'a Names,
    groups: &'a [(String, Vec<String>)],
}

/// Which service each holder that is several stands for: none is that of keys alone.
type Bound<'a> = Vec<(Option<&'a str>, NodeId)>;

impl<'a> Look<'a> {
    /// Whether there was anything to look at, and what breaks the formula.
    fn judge(&self, formula: &'a Formula) -> (bool, Option<(String, Vec<NodeId>)>) {
        let mut places = Vec::new();
        places_of(formula, &mut places);
        // Each holder that is several is bound to one service after the other.
        let mut several: Vec<(Option<&str>, Vec<NodeId>)> = Vec::new();
        for place in &places {
            let holder = place.at.as_deref();
            let group = holder.and_then(|at| self.groups.iter().find(|(id, _)| id == at));
            if (holder.is_some() && group.is_none()) || several.iter().any(|(other, _)| *other == holder) {
                continue;
            }
            let nodes: Vec<NodeId> = match group {
                Some((_, members)) => members.iter().filter_map(|id| self.names.find_node(id)).collect(),
                None => {
                    let alone: Vec<&str> =
                        places.iter().filter(|place| place.at.is_none()).map(|place| place.key.as_str()).collect();
                    let all = (0..self.names.node_count() as u32).map(NodeId);
                    all.filter(|node| alone.iter().any(|key| self.copy(*node, key).is_some())).collect()
                }
            };
            several.push((holder, nodes));
        }
        let mut found = false;
        let mut bound = Bound::new();
        let broken = self.each(&several, &mut bound, &mut |bound| {
            let there = places.iter().any(|place| self.copy_at(place, bound).is_some());
            found |= there;
            if !there || self.is_true(formula, bound) {
                return None;
            }
            let said = places.iter().map(|place| {
                let values: Vec<String> = self.values(place, bound).iter().map(written).collect();
                let node = self.node(place, bound);
                let label = node.map_or("?", |node| self.names.label(node));
                let behind = match self.copy_at(place, bound).map_or(0, super::Copy::behind) {
                    0 => String::new(),
                    n => format!(" ({n} behind)"),
                };
                format!("{} at {label} is {}{behind}", place.key, values.join(" and "))
            });
            let mut said: Vec<String> = said.collect();
            said.dedup();
            let mut nodes: Vec<NodeId> = places.iter().filter_map(|place| self.node(place, bound)).collect();
            nodes.dedup();
            Some((said.join(", "), nodes))
        });
        (found, broken)
    }

    /// Every way to bind what is several; the first that `look` has something to say of.
    fn each<T>(
        &self,
        several: &[(Option<&'a str>, Vec<NodeId>)],
        bound: &mut Bound<'a>,
        look: &mut impl FnMut(&Bound<'a>) -> Option<T>,
    ) -> Option<T> {
        let Some(((holder, nodes), rest)) = several.split_first() else { return look(bound) };
        nodes.iter().find_map(|node| {
            bound.push((*holder, *node));
            let said = self.each(rest, bound, look);
            bound.pop();
            said
        })
    }

    fn node(&self, place: &Place, bound: &Bound) -> Option<NodeId> {
        let holder = place.at.as_deref();
        let several = bound.iter().find(|(other, _)| *other == holder).map(|(_, node)| *node);
        several.or_else(|| self.names.find_node(holder?))
    }

    fn copy(&self, node: NodeId, key: &str) -> Option<&super::Copy> {
        let key = self.names.find_key(self.names.scope(node), key)?;
        self.analysis.staleness.at(node, key)
    }

    fn copy_at(&self, place: &Place, bound: &Bound) -> Option<&super::Copy> {
        self.copy(self.node(place, bound)?, &place.key)
    }

    /// What a read there returns: of siblings each.
    fn values(&self, place: &Place, bound: &Bound) -> Vec<Option<Value>> {
        match self.copy_at(place, bound) {
            Some(copy) if copy.siblings().len() > 1 => copy.siblings().iter().cloned().map(Some).collect(),
            copy => vec![copy.and_then(|copy| copy.held()?.value.clone())],
        }
    }

    fn is_true(&self, formula: &Formula, bound: &Bound) -> bool {
        match formula {
            Formula::Not(inner) => !self.is_true(inner, bound),
            Formula::And(left, right) => self.is_true(left, bound) && self.is_true(right, bound),
            Formula::Or(left, right) => self.is_true(left, bound) || self.is_true(right, bound),
            Formula::Compare(relation, left, right) => {
                let (left, right) = (self.term(left, bound), self.term(right, bound));
                // Of siblings it must be true of each.
                left.iter().all(|left| right.iter().all(|right| compare(*relation, left, right)))
            }
        }
    }

    fn term(&self, term: &Term, bound: &Bound) -> Vec<Option<Value>> {
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
            Term::Read(place) => self.values(place, bound),
            Term::Behind(place) => {
                vec![self.copy_at(place, bound).map(|copy| Value::Int(copy.behind().into()))]
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

fn written(value: &Option<Value>) -> String {
    value.as_ref().map_or("absent".into(), ToString::to_string)
}

/// Where one side is absent, or the two are of different types, no order can be broken: there is nothing to compare.
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

fn places_of<'a>(formula: &'a Formula, out: &mut Vec<&'a Place>) {
    match formula {
        Formula::Not(inner) => places_of(inner, out),
        Formula::And(left, right) | Formula::Or(left, right) => {
            places_of(left, out);
            places_of(right, out);
        }
        Formula::Compare(_, left, right) => {
            places_in(left, out);
            places_in(right, out);
        }
    }
}

fn places_in<'a>(term: &'a Term, out: &mut Vec<&'a Place>) {
    match term {
        Term::Constant(_) => {}
        Term::Read(place) | Term::Behind(place) => out.push(place),
        Term::Count(inner) => places_in(inner, out),
        Term::Sum(left, right) | Term::Product(left, right) => {
            places_in(left, out);
            places_in(right, out);
        }
    }
}
