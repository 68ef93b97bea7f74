//! Transactions: which services may coordinate and participate.

use super::checker::{Checker, MAX_NAME_LENGTH};
use super::references::Nodes;
use crate::language::{phrase, sentence};
use crate::scenario::{Operation, PublishMode, Scenario, Service};

impl Checker {
    pub(super) fn transactions(&mut self, scenario: &Scenario, nodes: &Nodes) {
        for (i, service) in scenario.services.iter().enumerate() {
            let path = format!("services[{i}]");
            if service.store.is_some() {
                self.shared_store(&path, scenario, service);
            }
            let atomic = service.is_coordinator();
            for (j, call) in service.calls.iter().enumerate() {
                let path = format!("{path}.calls[{j}]");
                if let Some(operation) = &call.operation {
                    self.operation(&format!("{path}.do"), operation);
                    if matches!(operation, Operation::Read { .. } | Operation::Delete { .. }) {
                        self.error(
                            format!("{path}.do"),
                            phrase(
                                "must be an operation that writes; services do not support `delete`",
                                "muss eine Operation sein, die schreibt; Services unterstützen kein `delete`",
                            ),
                        );
                    }
                }
                if let Some((index, callee)) = nodes.service(&call.to).filter(|_| atomic) {
                    if !callee.calls.is_empty() {
                        let problem = sentence!(
                            "must be a service without calls, because it \
                             participates in a transaction; `{}` has calls",
                            "muss ein Service ohne Aufrufe sein, denn er \
                             nimmt an einer Transaktion teil; `{}` hat Aufrufe",
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

    /// Checks that a service whose store others use too commits each write at one instant.
    fn shared_store(&mut self, path: &str, scenario: &Scenario, service: &Service) {
        let store = service.store.as_deref().unwrap_or_default();
        self.text(&format!("{path}.store"), store, MAX_NAME_LENGTH);
        let mut problems = Vec::new();
        if scenario.groups.iter().any(|group| group.members.contains(&service.id)) {
            problems.push(phrase(
                "must be absent for a member of a replica group, which has its own replica",
                "muss bei einem Mitglied einer Replikatgruppe fehlen, das sein eigenes Replikat hat",
            ));
        }
        let is_called =
            |other: &Service| other.is_coordinator() && other.calls.iter().any(|call| call.to == service.id);
        if !service.calls.is_empty() || scenario.services.iter().any(is_called) {
            problems.push(phrase(
                "must be absent for a service that calls others \
                 before it commits, or takes part in a transaction",
                "muss bei einem Service fehlen, der vor dem Commit \
                 andere aufruft oder an einer Transaktion teilnimmt",
            ));
        }
        if service.publishes.iter().any(|publication| publication.mode == PublishMode::BeforeCommit) {
            problems.push(phrase(
                "must be absent for a service that publishes before the commit",
                "muss bei einem Service fehlen, der vor dem Commit veröffentlicht",
            ));
        }
        for problem in problems {
            self.error(format!("{path}.store"), problem);
        }
        for other in scenario.services.iter().filter(|other| other.store.as_deref() == Some(store)) {
            for (key, value) in &service.data {
                if let Some(held) = other.data.get(key).filter(|held| *held != value) {
                    let problem = sentence!(
                        "must be {held}, as at `{}` with the same store, not {value}",
                        "muss {held} sein, wie bei `{}` mit demselben Speicher, nicht {value}",
                        other.id
                    );
                    self.error(format!("{path}.data.{key}"), problem);
                }
            }
        }
    }

    fn publishes_after_commit(&mut self, i: usize, service: &Service) {
        for (j, publication) in service.publishes.iter().enumerate() {
            if publication.mode == PublishMode::BeforeCommit {
                let problem = phrase(
                    "must not be `before_commit` in a transaction, \
                     where the votes decide whether the service commits",
                    "darf in einer Transaktion nicht `before_commit` sein, \
                     denn dort entscheiden die Stimmen über den Commit",
                );
                self.error(format!("services[{i}].publishes[{j}].mode"), problem);
            }
        }
    }
}
