//! What of a document crosses.

use crate::scenario::json;
use crate::scenario::{Scenario, ScenarioError, Value};
use crate::wire::{Bytes, Wire};
use std::sync::Arc;

/// A scenario as it is written, as JSON: so what only hands it on need not know how documents are read.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct ScenarioJson(String);

impl ScenarioJson {
    /// The scenario.
    ///
    /// # Errors
    /// What of it does not have the right shape, with its path.
    pub fn read(&self) -> Result<Scenario, Vec<ScenarioError>> {
        Scenario::read(&self.0)
    }
}

impl From<&Scenario> for ScenarioJson {
    fn from(scenario: &Scenario) -> Self {
        ScenarioJson(json::compact(scenario))
    }
}

impl Wire for Value {
    fn put(&self, bytes: &mut Vec<u8>) {
        match self {
            Value::Int(n) => (0u8, *n).put(bytes),
            Value::Text(text) => {
                1u8.put(bytes);
                text.to_string().put(bytes);
            }
            Value::Set(elements) => {
                2u8.put(bytes);
                elements.iter().cloned().collect::<Vec<_>>().put(bytes);
            }
            Value::List(elements) => {
                3u8.put(bytes);
                elements.to_vec().put(bytes);
            }
            Value::Map(fields) => {
                4u8.put(bytes);
                fields.iter().map(|(name, value)| (name.to_string(), value.clone())).collect::<Vec<_>>().put(bytes);
            }
        }
    }

    fn take(bytes: &mut Bytes<'_>) -> Self {
        match bytes.number() {
            0 => Value::Int(Wire::take(bytes)),
            1 => Value::from(String::take(bytes).as_str()),
            2 => Vec::<Value>::take(bytes).into_iter().collect(),
            3 => Value::List(Vec::take(bytes).into()),
            _ => {
                let fields = Vec::<(String, Value)>::take(bytes).into_iter();
                Value::Map(Arc::new(fields.map(|(name, value)| (name.into(), value)).collect()))
            }
        }
    }
}

impl Wire for ScenarioError {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.path.put(bytes);
        self.problem.put(bytes);
    }

    fn take(bytes: &mut Bytes<'_>) -> Self {
        ScenarioError { path: Wire::take(bytes), problem: Wire::take(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::ScenarioJson;
    use crate::scenario::examples;
    use crate::session::Session;
    use crate::session::protocol::{FromEngine, Query, Report, Request, ToEngine};
    use crate::trace::NodeId;
    use crate::wire;

    #[test]
    fn every_message_crosses_as_it_is_and_a_cut_one_is_refused() {
        for example in examples::EXAMPLES {
            let mut session = Session::default();
            let scenario = ScenarioJson::from(&example.scenario());
            let requests = [
                Request::Load { scenario: scenario.clone(), at: 0 },
                Request::Advance { to: 2_000_000, budget: 500 },
                Request::Query(Query::Log { from: 0, count: 50 }),
                Request::Query(Query::Verdicts { node: None }),
                Request::Query(Query::Diagram { from: 0, to: 1_000_000 }),
                Request::Query(Query::Charts),
                Request::Query(Query::Internals { node: NodeId(0) }),
                Request::Query(Query::Describe),
                Request::Edit { scenario },
            ];
            for request in requests {
                let asked = ToEngine { epoch: 1, request };
                let bytes = wire::written(&asked);
                assert_eq!(wire::read(&bytes), (asked.clone(), None), "{}", example.id);
                let answer = session.handle(asked);
                let bytes = wire::written(&answer);
                assert_eq!(wire::read(&bytes), (answer, None), "{}", example.id);
                for length in (0..bytes.len()).step_by(1 + bytes.len() / 40) {
                    let (_, problem) = wire::read::<FromEngine>(&bytes[..length]);
                    assert!(problem.is_some(), "{}: {length} of {} bytes", example.id, bytes.len());
                }
            }
        }
    }

    #[test]
    fn a_document_that_makes_no_sense_is_refused_with_its_place() {
        let scenario = ScenarioJson("{\"converge\": 1, \"seed\": []}".into());
        let said = Session::default().handle(ToEngine { epoch: 7, request: Request::Load { scenario, at: 0 } });
        let Report::Refused { errors } = &said.report else { panic!("{said:?}") };
        assert_eq!(
            (said.epoch, errors[0].to_string().as_str()),
            (7, "seed: must be a whole number from 0 to 18446744073709551615, not a list")
        );
    }
}
