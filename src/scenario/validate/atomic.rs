//! Transactions: which services may coordinate and participate.

use super::checker::Checker;
use super::references::Nodes;
use crate::scenario::{Operation, PublishMode, Scenario, Service};

impl Checker {
    pub(super) fn transactions(&mut self, scenario: &Scenario, nodes: &Nodes) {
        for (i, service) in scenario.services.iter().enumerate() {
            let path = format!("services[{i}]");
            let atomic = service.is_coordinator();
            for (j, call) in service.calls.iter().enumerate() {
                let path = format!("{path}.calls[{j}]");
                if let Some(operation) = &call.operation {
                    self.operation(&format!("{path}.do"), operation);
                    if matches!(operation, Operation::Read { .. } | Operation::Delete { .. }) {
                        self.error(
                            format!("{path}.do"),
                            "must be an operation that writes; services do not support `delete`",
                        );
                    }
                }
                if let Some((index, callee)) = nodes.service(&call.to).filter(|_| atomic) {
                    if !callee.calls.is_empty() {
                        let problem = format!(
                            "must be a service without calls, because it participates in a transaction; `{}` has calls",
                            call.to
                        );
                        self.error(format!("{path}.to"), problem);
                    }
                    self.publishes_after_commit(index, callee);
                }
            }
            if atomic {
                self.publishes_after_commit(i, service);
            }
        }
    }

    fn publishes_after_commit(&mut self, i: usize, service: &Service) {
        for (j, publication) in service.publishes.iter().enumerate() {
            if publication.mode == PublishMode::BeforeCommit {
                let problem =
                    "must not be `before_commit` in a transaction, where the votes decide whether the service commits";
                self.error(format!("services[{i}].publishes[{j}].mode"), problem);
            }
        }
    }
}
