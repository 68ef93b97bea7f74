//! Clients: workloads without operations, routes and guarantees that concern no operation.

use super::Warnings;
use super::operations::no_compare_and_set;
use crate::language::{phrase, sentence};
use crate::scenario::{
    Arrivals, Client, ClientStep, Command, Group, Operation, Protocol, RaftReads, Route, SessionGuarantee, Step, Value,
    Workload, micros,
};

/// Returns whether a client reads.
fn reads(client: &Client) -> bool {
    let generates = |workload: &Workload| workload.read_share > 0.0 || workload.optimistic.is_some();
    client.script.iter().any(|step| step.operation.is_read()) || client.generate.as_ref().is_some_and(generates)
}

/// Returns whether a client writes.
pub(super) fn writes(client: &Client) -> bool {
    let generates = |workload: &Workload| workload.read_share < 1.0;
    client.script.iter().any(|step| !step.operation.is_read()) || client.generate.as_ref().is_some_and(generates)
}

/// Returns whether a session of a client may issue an operation on a key before an earlier one on it has ended.
fn overlaps(client: &Client) -> bool {
    if let Some(workload) = &client.generate {
        return !client.script.is_empty() || !matches!(workload.arrivals, Arrivals::Closed { .. });
    }
    let longest = client.timeout_ms * f64::from(client.attempts);
    let is_near = |(i, one): (usize, &ClientStep)| {
        let others = client.script[i + 1..].iter().filter(|other| other.operation.key() == one.operation.key());
        others.map(|other| (other.at_ms - one.at_ms).abs()).any(|distance| distance < longest)
    };
    client.script.iter().enumerate().any(is_near)
}

impl Warnings<'_> {
    pub(super) fn clients(&mut self) {
        let scenario = self.scenario;
        for (i, client) in scenario.clients.iter().enumerate() {
            let path = format!("clients[{i}]");
            self.closed_loop(&path, client);
            self.circle_of_writes(&path, client);
            let group = self.group(&client.target);
            for (j, step) in client.script.iter().enumerate() {
                self.operation(&format!("{path}.script[{j}].do"), &step.operation, &client.target, group);
                self.ends_before(&format!("{path}.script[{j}].at_ms"), step.at_ms);
            }
            if let Some(workload) = &client.generate {
                self.workload(&format!("{path}.generate"), workload, group);
            }
            self.sessions(&path, client);
            self.routes(&path, client, group);
            self.session_guarantees(&path, client, group);
        }
    }

    /// Warns of a time after the end of the run.
    pub(super) fn ends_before(&mut self, path: &str, at_ms: f64) {
        if at_ms > self.scenario.until_ms {
            let until = self.scenario.until_ms;
            self.no_effect(path, &sentence!("the run ends at {until} ms", "der Lauf endet bei {until} ms"));
        }
    }

    fn workload(&mut self, path: &str, workload: &Workload, group: Option<&Group>) {
        let has_writes = workload.read_share < 1.0;
        if workload.optimistic.is_some() && !has_writes {
            let why = phrase("only reads are generated", "es werden nur Lesevorgänge erzeugt");
            self.no_effect(format!("{path}.optimistic"), why);
        }
        if let Some(group) = group.filter(|group| workload.optimistic.is_some() && !group.orders_writes()) {
            self.warn(format!("{path}.optimistic"), no_compare_and_set(group));
        }
        let write = Operation::Write { key: String::new(), value: Value::Int(0) };
        if let Some(group) =
            group.filter(|group| has_writes && workload.optimistic.is_none() && !group.data.offers(&write))
        {
            let id = &group.id;
            self.no_effect(
                path,
                &sentence!(
                    "`{id}` refuses the generated writes, because its data does not offer `write`",
                    "`{id}` lehnt die erzeugten Schreibvorgänge ab, denn seine Daten bieten `write` nicht"
                ),
            );
        }
        let run_ends = self.scenario.until_ms;
        if let Some(until) = workload.until_ms.filter(|until| *until > run_ends) {
            self.ends_before(&format!("{path}.until_ms"), until);
        }
        let until = workload.until_ms.unwrap_or(run_ends).min(run_ends);
        if micros(workload.from_ms) >= micros(until) {
            let why = sentence!("the operations end at {until} ms", "die Operationen enden bei {until} ms");
            self.no_effect(format!("{path}.from_ms"), &why);
        }
        if let Arrivals::After { client: of, .. } = &workload.arrivals
            && self.scenario.clients.iter().any(|client| client.id == *of && !writes(client))
        {
            let why = sentence!("`{of}` never writes", "`{of}` schreibt nie");
            self.no_effect(format!("{path}.arrivals.after.client"), &why);
        }
    }

    fn sessions(&mut self, path: &str, client: &Client) {
        let arrivals = client.generate.as_ref().map(|workload| &workload.arrivals);
        let why = match arrivals {
            _ if client.sessions == 1 => return,
            None => phrase(
                "only generated operations are issued by several sessions",
                "nur erzeugte Operationen kommen aus mehreren Sitzungen",
            ),
            Some(Arrivals::After { .. }) => phrase(
                "one session issues the operations that follow another client",
                "die Operationen, die einem anderen Client folgen, kommen aus einer Sitzung",
            ),
            Some(Arrivals::Poisson { .. } | Arrivals::Periodic { .. } | Arrivals::Closed { .. }) => return,
        };
        self.no_effect(format!("{path}.sessions"), why);
    }

    fn routes(&mut self, path: &str, client: &Client, group: Option<&Group>) {
        let (reads, writes) = (reads(client), writes(client));
        if group.is_none() {
            let why = phrase(
                "only a client of a replica group chooses a member",
                "nur ein Client einer Replikatgruppe wählt ein Mitglied",
            );
            if client.route != Route::default() {
                self.no_effect(format!("{path}.route"), why);
            }
            if client.read_route.is_some() {
                self.no_effect(format!("{path}.read_route"), why);
            }
        }
        let set = [("read_route", client.read_route.is_some()), ("reads_from", client.reads_from.is_some())];
        for (field, _) in set.into_iter().filter(|(_, is_set)| *is_set && writes && !reads) {
            self.no_effect(format!("{path}.{field}"), phrase("the client never reads", "der Client liest nie"));
        }
        if client.route != Route::default() && client.read_route.is_some() && reads && !writes {
            let why = phrase("the client never writes", "der Client schreibt nie");
            self.no_effect(format!("{path}.route"), why);
        }
    }

    fn session_guarantees(&mut self, path: &str, client: &Client, group: Option<&Group>) {
        if group.is_none() && !client.guarantees.is_empty() {
            let why = phrase(
                "guarantees are enforced by the version tokens of a replica group's clients",
                "Garantien werden durch die Versions-Tokens der Clients einer Replikatgruppe durchgesetzt",
            );
            return self.no_effect(format!("{path}.guarantees"), why);
        }
        let (reads, writes) = (reads(client), writes(client));
        if !reads && !writes {
            return;
        }
        for (i, guarantee) in client.guarantees.iter().enumerate() {
            let (needs_reads, needs_writes) = match guarantee {
                SessionGuarantee::ReadYourWrites | SessionGuarantee::WritesFollowReads => (true, true),
                SessionGuarantee::MonotonicReads => (true, false),
                SessionGuarantee::MonotonicWrites => (false, true),
            };
            let why = match (needs_reads && !reads, needs_writes && !writes) {
                (true, _) => phrase("the client never reads", "der Client liest nie"),
                (_, true) => phrase("the client never writes", "der Client schreibt nie"),
                (false, false) if client.guarantees[..i].contains(guarantee) => {
                    phrase("it is listed twice", "sie ist doppelt aufgeführt")
                }
                (false, false) => match group.and_then(|group| self.always_holds(*guarantee, client, group)) {
                    Some(why) => why,
                    None => continue,
                },
            };
            self.no_effect(format!("{path}.guarantees[{i}]"), why);
        }
    }

    /// Returns why enforcing a guarantee changes nothing at a group, if that is certain.
    fn always_holds(&self, guarantee: SessionGuarantee, client: &Client, group: &Group) -> Option<&'static str> {
        match guarantee {
            // Versions that follow a session's token exist only where the coordinator of a write chooses them.
            SessionGuarantee::MonotonicWrites | SessionGuarantee::WritesFollowReads if group.orders_writes() => {
                Some(phrase(
                    "the protocol orders writes by their positions in a log",
                    "das Protokoll ordnet Schreibvorgänge nach ihren Positionen in einem Log",
                ))
            }
            SessionGuarantee::MonotonicWrites | SessionGuarantee::WritesFollowReads => None,
            SessionGuarantee::ReadYourWrites | SessionGuarantee::MonotonicReads => {
                let reads_index = matches!(&group.protocol, Protocol::Raft(raft) if raft.reads == RaftReads::ReadIndex);
                let loses_disk = |step: &Step| matches!(step.command, Command::Crash { lose_disk: true, .. });
                let is_linearizable = reads_index && !self.scenario.script.iter().any(loses_disk);
                (is_linearizable && !overlaps(client)).then(|| {
                    phrase(
                        "each read with `read_index` reflects all operations that ended before it",
                        "jeder Lesevorgang mit `read_index` enthält alle Operationen, die vorher endeten",
                    )
                })
            }
        }
    }
}
