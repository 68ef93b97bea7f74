//! What is part of a document crosses as the text of a document: there is one reader of it then, not two.

use crate::scenario::json::{self, Document};
use crate::scenario::{Branch, Command, Scenario, ScenarioError, Value};
use crate::wire::{Bytes, Wire};
use std::sync::Arc;

macro_rules! as_text {
    ($($part:ident),*) => {$(
        impl Wire for $part {
            fn put(&self, bytes: &mut Vec<u8>) {
                json::compact(self).put(bytes);
            }

            fn take(bytes: &mut Bytes<'_>) -> Self {
                read(bytes)
            }
        }
    )*};
}

as_text!(Branch, Command, Scenario);

fn read<T: Document>(bytes: &mut Bytes<'_>) -> T {
    let text = String::take(bytes);
    let (part, errors) = match json::parse(&text) {
        Ok(json) => json::read_all(&json),
        Err(error) => (json::read_all(&serde_json::Value::Null).0, vec![error]),
    };
    if !errors.is_empty() {
        bytes.refuse(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    }
    part
}

// Values are in every row of every frame: text would cost time.
impl Wire for Value {
    fn put(&self, bytes: &mut Vec<u8>) {
        match self {
            Value::Int(n) => (0u8, *n as u64).put(bytes),
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
            0 => Value::Int(bytes.number() as i64),
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
    use crate::scenario::examples;
    use crate::session::Session;
    use crate::session::protocol::{FromEngine, Request, ToEngine};
    use crate::wire;

    #[test]
    fn every_message_crosses_as_it_is_and_a_cut_one_is_refused() {
        for example in examples::EXAMPLES {
            let mut session = Session::default();
            let scenario = Box::new(example.scenario());
            let requests = [
                Request::Load { scenario: scenario.clone(), at: 0 },
                Request::Advance { to: 2_000_000, budget: 500 },
                Request::Log { from: 0, count: 50 },
                Request::Examine { node: None },
                Request::Diagram { from: 0, to: 1_000_000 },
                Request::Charts,
                Request::Describe,
                Request::Edit { scenario },
            ];
            for request in requests {
                let asked = ToEngine { epoch: 1, request };
                let bytes = wire::written(&asked);
                assert_eq!(wire::read(&bytes), (asked.clone(), None), "{}", example.id);
                for answer in session.handle(asked) {
                    let bytes = wire::written(&answer);
                    assert_eq!(wire::read(&bytes), (answer, None), "{}", example.id);
                    for length in (0..bytes.len()).step_by(1 + bytes.len() / 40) {
                        let (_, problem) = wire::read::<FromEngine>(&bytes[..length]);
                        assert!(problem.is_some(), "{}: {length} of {} bytes", example.id, bytes.len());
                    }
                }
            }
        }
    }

    #[test]
    fn a_document_that_makes_no_sense_is_told_and_the_epoch_is_still_known() {
        let mut bytes = vec![7, 0];
        wire::Wire::put(&"{\"converge\": 1, \"seed\": []}".to_string(), &mut bytes);
        bytes.push(0);
        let (asked, problem) = wire::read::<ToEngine>(&bytes);
        assert_eq!(asked.epoch, 7);
        assert_eq!(problem.as_deref(), Some("seed: invalid type: list, expected u64"));
    }
}
