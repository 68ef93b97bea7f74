//! The bytes that cross between the page and its worker: `postcard`. Both ends are one build, so the format carries
//! neither a version nor names.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Encodes a message.
///
/// # Panics
/// Never for the types of the protocol, which all have a serialized form.
pub fn encode(message: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(message).expect("every message of the protocol has a serialized form")
}

/// Decodes a message.
///
/// # Errors
/// The bytes are not a message: a description of the first problem.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(format!("{} bytes follow the end of the message", rest.len())),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Command, Operation, Scenario, Value, examples};
    use crate::session::Session;
    use crate::session::crossing::{CrossingAnswer, CrossingRequest};
    use crate::session::protocol::{ExportKind, FromEngine, Query, Report, Request, ToEngine};
    use crate::trace::NodeId;
    use proptest::prelude::*;

    /// Requests that reach every report, with frames before and after.
    fn requests(scenario: &Scenario) -> Vec<Request> {
        let queries = [
            Query::Log { from: 0, count: 50 },
            Query::Verdicts { node: None },
            Query::Diagram { from: 0, to: 1_000_000 },
            Query::Charts,
            Query::Internals { node: NodeId(0) },
            Query::Export { kind: ExportKind::Csv, slice: 0 },
            Query::Measure { group: 9, seed: 1 },
            Query::HostEvents { from: 0 },
            Query::Describe,
        ];
        let mut all = vec![
            Request::Load { scenario: Box::new(scenario.clone()), at: 0 },
            Request::Advance { to: 2_000_000, budget: 500 },
        ];
        all.extend(queries.map(Request::Query));
        all.push(Request::Edit { scenario: Box::new(scenario.clone()) });
        all
    }

    /// Reads an answer as the page does.
    fn unpack(bytes: &[u8]) -> Result<FromEngine, String> {
        match decode(bytes)? {
            CrossingAnswer::Ready => Ok(FromEngine { epoch: 0, report: Report::Ready }),
            CrossingAnswer::Frame { epoch, frame } => Ok(FromEngine { epoch, report: Report::Frame(frame) }),
            CrossingAnswer::NotFetched { .. } => Err("not fetched".into()),
            CrossingAnswer::Other(bytes) => CrossingAnswer::read_other(&bytes),
        }
    }

    #[test]
    fn messages_of_every_example_survive_the_crossing_and_truncated_ones_are_refused() {
        for example in examples::EXAMPLES {
            let mut session = Session::default();
            for request in requests(&example.scenario()) {
                let message = ToEngine { epoch: 1, request };
                assert_eq!(decode(&encode(&message)), Ok(message.clone()), "{}", example.id);
                let answer = session.handle(message);
                let bytes = encode(&CrossingAnswer::pack(answer.clone()));
                assert_eq!(unpack(&bytes), Ok(answer), "{}", example.id);
                for length in (0..bytes.len()).step_by(1 + bytes.len() / 40) {
                    let truncated = unpack(&bytes[..length]);
                    assert!(truncated.is_err(), "{}: {length} of {} bytes", example.id, bytes.len());
                }
            }
        }
    }

    #[test]
    fn commands_and_values_survive_the_crossing() {
        let values = [
            Value::Int(i64::MIN),
            Value::from("ü"),
            [Value::Int(1), Value::from("a")].into_iter().collect(),
            Value::List([Value::Int(2), Value::Int(2)].into()),
            Value::Map(std::sync::Arc::new([("size".into(), Value::Int(3))].into())),
        ];
        for value in values {
            let operation = Operation::Write { key: "widget".into(), value };
            let command = Command::Operate { service: "inventory".into(), operation, poison: false };
            let message = ToEngine { epoch: u32::MAX, request: Request::Act { command } };
            assert_eq!(decode(&encode(&message)), Ok(message));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<CrossingAnswer>(&bytes);
            let _ = decode::<CrossingRequest>(&bytes);
            let _ = CrossingAnswer::read_other(&bytes);
            let _ = decode::<ToEngine>(&bytes);
        }

        #[test]
        fn corrupted_frames_never_panic(offset in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut session = Session::default();
            let mut bytes = encode(&session.handle(ToEngine { epoch: 1, request: Request::First }));
            let offset = offset.index(bytes.len());
            bytes[offset] = byte;
            let _ = decode::<FromEngine>(&bytes);
        }
    }
}
