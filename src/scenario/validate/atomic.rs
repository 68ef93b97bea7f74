//! Services that commit together: who may take part, and with what.

use super::Checker;
use crate::scenario::{Operation, PublishMode, Scenario, Service};

impl Checker {
    pub(super) fn transactions(&mut self, scenario: &Scenario) {
        for (i, service) in scenario.services.iter().enumerate() {
            let path = format!("services[{i}]");
            let atomic = service.is_coordinator();
            for (j, call) in service.calls.iter().enumerate() {
                let path = format!("{path}.calls[{j}]");
                if let Some(operation) = &call.operation {
                    self.operation(&format!("{path}.do"), operation);
                    if matches!(operation, Operation::Read { .. } | Operation::Delete { .. }) {
                        self.error(format!("{path}.do"), "an operation that writes; services delete nothing");
                    }
                }
                let callee = scenario.services.iter().position(|other| other.id == call.to).filter(|_| atomic);
                if let Some(at) = callee {
                    let callee = &scenario.services[at];
                    if !callee.calls.is_empty() {
                        let problem = format!(
                            "a service that calls no other, as a participant of a transaction; `{}` does",
                            call.to
                        );
                        self.error(format!("{path}.to"), problem);
                    }
                    self.publishes_after(at, callee);
                }
            }
            if atomic {
                self.publishes_after(i, service);
            }
        }
    }

    fn publishes_after(&mut self, i: usize, service: &Service) {
        for (j, publication) in service.publishes.iter().enumerate() {
            if publication.mode == PublishMode::BeforeCommit {
                let problem =
                    "another mode, for a service that commits with others: only their votes say whether it commits";
                self.error(format!("services[{i}].publishes[{j}].mode"), problem);
            }
        }
    }
}
