//! Explanations: why a copy has its state, and whether the copies converge.

use super::expectations::expectation;
use super::holders::holder;
use super::run::{Run, halted_early};
use super::{bus_reasons, labels, log_text, under_way};
use crate::analysis::{
    Convergence, CopyState, Explanation, LossCause, LostUpdate, Prospect, RepeatedEvent, RunContext,
};
use crate::language::{phrase, sentence};
use crate::scenario::{Effect, Micros, Subscription};
use crate::trace::{DropReason, Fact, NodeId, Record, SubscriptionId, facts_about};

/// Returns why the status of an invariant of a run is unknown.
pub fn unknown_invariant(run: &Run) -> &'static str {
    match run.engine().halt() {
        Some(_) => halted_early(),
        None => phrase(
            "no service has its keys, or the run was never quiescent",
            "kein Service hat die Schlüssel, oder der Lauf war nie in Ruhe",
        ),
    }
}

/// A step of an explanation.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplanationStep {
    /// Number of the record.
    pub record: u64,
    /// The time of the record.
    pub at: Micros,
    /// The sentence of the log.
    pub text: String,
}

/// Describes what is expected of a copy.
pub fn prospect(prospect: Prospect, context: &RunContext) -> String {
    let name = |node| context.names.label(node);
    let at = |at: Micros| labels::duration(at);
    match prospect {
        Prospect::Queued { not_before, deliveries, delivered } => queued(not_before, deliveries, delivered, context),
        Prospect::Unpublished(node) => unpublished(name(node)),
        Prospect::BeingHandled(node) => being_handled(name(node)),
        Prospect::Handled(node) => handled(name(node)),
        Prospect::Storing(node) => storing(name(node)),
        Prospect::DeadLettered(subscription) => dead_lettered(subscription, context),
        Prospect::Redriven(when) => redriven(when),
        Prospect::Poison(subscription) => poison(subscription, context),
        Prospect::Rejected(subscription) => rejected(subscription, context),
        Prospect::Discarded(reason) => discarded(reason).into(),
        Prospect::Expiring { at } => expiring(at),
        Prospect::UsedUp(bus, service) => used_up(bus, service, context),
        Prospect::NeverPublished(node) => never_published(name(node)),
        Prospect::Arriving { due } => sentence!(
            "a message that carries it is due at {}",
            "eine Nachricht mit der Änderung ist bei {} fällig",
            at(due)
        ),
        Prospect::Promised(node) => sentence!(
            "the update is prepared, and the key stays locked until {} sends its decision",
            "die Änderung ist vorbereitet, und der Schlüssel bleibt gesperrt, bis {} die Entscheidung sendet",
            name(node)
        ),
        Prospect::Hinted(node) => sentence!(
            "{} keeps it as a hint and will deliver it",
            "{} bewahrt die Änderung als Hint auf und wird sie zustellen",
            name(node)
        ),
        Prospect::Repairing => phrase(
            "the members compare their data, or retry, until each has it",
            "die Mitglieder vergleichen ihre Daten oder senden erneut, bis jedes die Änderung hat",
        )
        .into(),
        Prospect::ReadRepair => {
            phrase("the next read of this replica repairs it", "der nächste Lesevorgang dieses Replikats repariert es")
                .into()
        }
        Prospect::Superseded(newer) => sentence!(
            "{} is under way and supersedes it",
            "{} ist unterwegs und ersetzt den älteren Stand",
            log_text::update(newer, context.analysis, context.names)
        ),
        Prospect::RollingBack(node) => {
            sentence!("the primary rolls it back at {}", "der Primary rollt die Änderung bei {} zurück", name(node))
        }
        Prospect::AfterHealing(when) => sentence!(
            "a fault prevents it until the script heals the fault at {}",
            "ein Fehler verhindert es, bis das Skript ihn bei {} heilt",
            at(when)
        ),
        Prospect::Down(node) => bus_reasons::without_leader(node, context).unwrap_or_else(|| down(node, context)),
        Prospect::OutOfSync(bus) => bus_reasons::out_of_sync(bus, context),
        Prospect::Cut(from, to) => cut(from, to, context),
        Prospect::CutOff => phrase(
            "no member that still has it can reach this replica",
            "kein Mitglied, das die Änderung noch hat, kann dieses Replikat erreichen",
        )
        .into(),
        Prospect::Applied => value_differs().into(),
        Prospect::Siblings => siblings().into(),
        Prospect::Lost => {
            phrase("nothing that carries it is in flight", "keine Nachricht mit der Änderung ist unterwegs").into()
        }
        Prospect::Uncertain(why) => why.text().into(),
    }
}

fn siblings() -> &'static str {
    phrase(
        "concurrent writes left siblings: a write after a read of all of them resolves them",
        "nebenläufige Schreibvorgänge haben Siblings hinterlassen: wer alle liest und dann schreibt, löst sie auf",
    )
}

/// Describes the event of an update in a queue.
fn queued(not_before: Micros, deliveries: u32, delivered: bool, context: &RunContext) -> String {
    if delivered {
        sentence!(
            "delivery attempt {deliveries} is in flight or being handled; without an acknowledgement it is redelivered",
            "Zustellversuch {deliveries} ist unterwegs oder wird verarbeitet; ohne Bestätigung wird das Event erneut \
             zugestellt"
        )
    } else if deliveries > 0 && not_before > context.now {
        sentence!(
            "it waits in the queue for delivery attempt {} at {}",
            "das Event wartet in der Warteschlange auf Zustellversuch {} bei {}",
            deliveries + 1,
            labels::duration(not_before)
        )
    } else {
        phrase("it waits in the queue to be delivered", "das Event wartet in der Warteschlange auf seine Zustellung")
            .into()
    }
}

fn unpublished(node: &str) -> String {
    sentence!("{node} has not published its event yet", "{node} hat das Event dazu noch nicht veröffentlicht")
}

fn being_handled(node: &str) -> String {
    sentence!(
        "{node} is handling its event and waits for its group to write it",
        "{node} verarbeitet das Event und wartet, bis die Gruppe es geschrieben hat"
    )
}

fn handled(node: &str) -> String {
    sentence!(
        "{node} has received its event and handles it next",
        "{node} hat das Event empfangen und verarbeitet es als Nächstes"
    )
}

fn storing(node: &str) -> String {
    sentence!(
        "{node} has received it and stores it next",
        "{node} hat die Änderung empfangen und speichert sie als Nächstes"
    )
}

fn dead_lettered(subscription: SubscriptionId, context: &RunContext) -> String {
    sentence!(
        "it is in the dead-letter queue at {}: only a redrive delivers it",
        "das Event liegt in der Dead-Letter-Queue von {}: nur von dort erneut zugestellt kommt es an",
        context.names.label(context.names.subscription(subscription).bus)
    )
}

fn redriven(at: Micros) -> String {
    sentence!(
        "the script redrives it at {} from the dead-letter queue",
        "das Skript stellt das Event bei {} aus der Dead-Letter-Queue erneut zu",
        labels::duration(at)
    )
}

fn poison(subscription: SubscriptionId, context: &RunContext) -> String {
    let consumer = context.names.label(context.names.subscription(subscription).service);
    match fails_always(subscription, context) {
        true => sentence!("every handling at {consumer} fails", "jede Verarbeitung bei {consumer} schlägt fehl"),
        false => sentence!(
            "it is a poison message: every delivery to {consumer} fails",
            "das Event ist vergiftet: jede Zustellung an {consumer} schlägt fehl"
        ),
    }
}

fn rejected(subscription: SubscriptionId, context: &RunContext) -> String {
    sentence!(
        "every further delivery to {} fails in the same way",
        "jede weitere Zustellung an {} schlägt ebenso fehl",
        context.names.label(context.names.subscription(subscription).service)
    )
}

fn never_published(node: &str) -> String {
    sentence!(
        "{node} never published its event and will not",
        "{node} hat das Event dazu nie veröffentlicht und wird es nicht tun"
    )
}

fn expiring(at: Micros) -> String {
    sentence!(
        "its retention time ends at {}, before the script ends the fault that keeps it back",
        "die Aufbewahrungszeit des Events endet bei {}, bevor das Skript den Fehler beendet, der es aufhält",
        labels::duration(at)
    )
}

fn used_up(bus: NodeId, service: NodeId, context: &RunContext) -> String {
    sentence!(
        "its deliveries are used up before the script heals the link from {} to {}",
        "seine Zustellungen sind verbraucht, bevor das Skript die Verbindung von {} nach {} heilt",
        context.names.label(bus),
        context.names.label(service)
    )
}

/// Returns whether a consumer fails at every event of a bus.
fn fails_always(subscription: SubscriptionId, context: &RunContext) -> bool {
    let ends = context.names.subscription(subscription);
    let service = context.scenario.services.get(ends.service.index());
    let mut subscribes = service.into_iter().flat_map(|service| &service.subscribes);
    subscribes
        .any(|subscription| context.names.find_node(&subscription.to) == Some(ends.bus) && subscription.fails >= 1.0)
}

fn cut(from: NodeId, to: NodeId, context: &RunContext) -> String {
    let is_cut = context.analysis.faults.cut(from, to).is_some();
    let (from, to) = (context.names.label(from), context.names.label(to));
    match is_cut {
        true => sentence!(
            "the link from {from} to {to} is cut, and nothing heals it",
            "die Verbindung von {from} nach {to} ist getrennt, und nichts heilt sie"
        ),
        false => sentence!(
            "the link from {from} to {to} loses every message, and nothing heals it",
            "die Verbindung von {from} nach {to} verliert jede Nachricht, und nichts heilt sie"
        ),
    }
}

fn down(node: NodeId, context: &RunContext) -> String {
    let name = context.names.label(node);
    match context.analysis.faults.down(node) {
        None => {
            sentence!("{name} is frozen, and nothing unfreezes it", "{name} ist eingefroren und wird nicht aufgetaut")
        }
        Some(_) => {
            sentence!("{name} is down, and nothing restarts it", "{name} ist ausgefallen und wird nicht neu gestartet")
        }
    }
}

fn value_differs() -> &'static str {
    phrase(
        "all updates were applied, but the value differs: one was applied twice, out of order, or without being \
         committed at its origin",
        "alle Änderungen wurden angewendet, aber der Wert weicht ab: eine wurde doppelt, in falscher Reihenfolge oder \
         ohne Commit an ihrem Ursprung angewendet",
    )
}

/// Describes how a bus lost an event.
fn discarded(reason: DropReason) -> &'static str {
    match reason {
        DropReason::DeliveriesUsedUp => phrase(
            "the bus discarded it after its last delivery",
            "der Bus hat das Event nach der letzten Zustellung verworfen",
        ),
        DropReason::Expired => phrase(
            "the bus discarded it at the end of its retention time",
            "der Bus hat das Event am Ende der Aufbewahrungszeit verworfen",
        ),
        DropReason::NotFlushed => phrase(
            "the bus lost it, because it was not flushed",
            "der Bus hat das Event verloren, weil es nicht auf der Platte war",
        ),
        DropReason::Purged => phrase(
            "it was purged from the dead-letter queue",
            "das Event wurde beim Leeren der Dead-Letter-Queue verworfen",
        ),
        DropReason::NotReplicated => phrase(
            "the bus lost it: the new leader never had it",
            "der Bus hat das Event verloren: der neue Leader hatte es nie",
        ),
        DropReason::NotConnected => phrase(
            "the bus discarded it, because no consumer was connected",
            "der Bus hat das Event verworfen, weil kein Consumer verbunden war",
        ),
    }
}

/// Describes the fault that keeps a missing update away: a link that is cut on its way, or else the failure of its last
/// message.
fn cause(explanation: &Explanation, context: &RunContext) -> Option<String> {
    explanation.update?;
    let records = || explanation.steps.iter().filter_map(|number| context.trace.get(*number));
    let ends = |record: &Record| match &record.fact {
        Fact::EventSent { subscription, .. } => {
            let ends = context.names.subscription(*subscription);
            Some((ends.bus, ends.service))
        }
        Fact::MessageSent { from, to, .. } => Some((*from, *to)),
        Fact::MessageDropped { message, .. } => {
            context.analysis.messages.recall(*message).map(|message| (message.from, message.to))
        }
        facts_about!(declarations, requests, publishers, publications, handling, attachments, faults, groups)
        | Fact::MessageDuplicated { .. }
        | Fact::MessageDelivered { .. }
        | Fact::EventQueued { .. }
        | Fact::EventAcknowledged { .. }
        | Fact::AcknowledgementExpired { .. }
        | Fact::EventDeadLettered { .. }
        | Fact::EventDiscarded { .. }
        | Fact::EventRedriven { .. } => None,
    };
    let name = |node| context.names.label(node);
    let cut = records()
        .filter_map(ends)
        .find_map(|(from, to)| context.analysis.faults.cut(from, to).map(|number| (from, to, number)));
    if let Some((from, to, number)) = cut {
        let since =
            context.trace.get(number).map(|record| sentence!(" since {}", " seit {}", labels::duration(record.at)));
        let since = since.unwrap_or_default();
        return Some(sentence!(
            "the link {} → {} has been cut{since}",
            "die Verbindung {} → {} ist{since} getrennt",
            name(from),
            name(to)
        ));
    }
    let is_failure = |record: &&Record| {
        matches!(
            record.fact,
            Fact::MessageDropped { .. }
                | Fact::HandlingFailed { .. }
                | Fact::PublishAbandoned { .. }
                | Fact::PublicationLost { .. }
        )
    };
    let last = records().rfind(is_failure)?;
    let text = log_text::sentence(last, context.analysis, context.names).text;
    Some(sentence!("at {} {text}", "bei {}: {text}", labels::duration(last.at)))
}

/// Describes how the group of a copy discarded the update that it lacks, if that is why nothing can deliver the update.
fn discarded_by_group(explanation: &Explanation, context: &RunContext) -> Option<String> {
    if !matches!(explanation.prospect, Prospect::CutOff | Prospect::Lost | Prospect::Applied) {
        return None;
    }
    let (analysis, key) = (context.analysis, explanation.key);
    let copy = analysis.staleness.copy(explanation.node, key)?;
    let (_, newest) = copy.newest_missing()?;
    let update = explanation.update.or(newest)?;
    let text = |lost| log_text::lost_update(lost, analysis, context.names);
    match analysis.lost.of(update) {
        Some(lost @ LostUpdate { at, cause: LossCause::RolledBack, .. }) => {
            let at = labels::duration(*at);
            Some(match explanation.update {
                Some(_) => sentence!("its group rolled it back at {at}", "seine Gruppe hat sie bei {at} zurückgerollt"),
                None => sentence!("{} at {at}", "{} bei {at}", text(lost)),
            })
        }
        Some(lost @ LostUpdate { cause: LossCause::Resurrected(_), .. }) => Some(text(lost)),
        Some(LostUpdate { cause: LossCause::Overwritten(_) | LossCause::DiskLost, .. }) | None => {
            let info = analysis.updates.get(update).filter(|info| info.value.is_none())?;
            analysis.lost.is_purged(key, info.version, &analysis.staleness).then(|| {
                phrase(
                    "each member that had it has purged its tombstone",
                    "jedes Mitglied, das sie hatte, hat den Tombstone entfernt",
                )
                .into()
            })
        }
    }
}

/// Describes why a copy has another value than the newest update, if its service orders updates by their clocks.
fn lost_by_clock(explanation: &Explanation, context: &RunContext) -> Option<String> {
    let service = context.scenario.services.get(explanation.node.index())?;
    let is_by_clock = |subscription: &Subscription| subscription.effect == Effect::LastWriterWins;
    let is_ordered = !service.subscribes.is_empty() && service.subscribes.iter().all(is_by_clock);
    (explanation.prospect == Prospect::Applied && is_ordered).then(|| {
        phrase(
            "all updates were handled, but the value differs: a newer update has an earlier timestamp, or one was never \
             committed at its origin",
            "alle Änderungen wurden verarbeitet, aber der Wert weicht ab: eine neuere hat einen früheren Zeitstempel, oder \
             eine wurde an ihrem Ursprung nie festgeschrieben",
        )
        .into()
    })
}

/// Describes what a copy lacks, and what is expected of it, in one sentence.
pub fn sentence(explanation: &Explanation, context: &RunContext) -> String {
    let (node, key) = (holder(explanation.node, explanation.key, context), context.names.key(explanation.key));
    let state =
        context.analysis.staleness.copy(explanation.node, explanation.key).map(|copy| copy.state()).unwrap_or_default();
    let discarded = discarded_by_group(explanation, context).or_else(|| lost_by_clock(explanation, context));
    let cause = cause(explanation, context);
    let prospect = expectation(explanation.prospect, state, cause.as_deref(), context)
        .unwrap_or_else(|| prospect(explanation.prospect, context));
    let mut expected = match (&discarded, &cause) {
        (Some(discarded), _) => discarded.clone(),
        (None, Some(cause)) => format!("{cause}; {prospect}"),
        (None, None) => prospect,
    };
    if let (Prospect::Lost, None, None, Some(last)) =
        (explanation.prospect, &discarded, &cause, steps(explanation, context).pop())
    {
        expected = sentence!("{}, and {expected}", "{}, und {expected}", last.text);
    }
    if let (CopyState::Diverged, Some(lacking), Some(update)) = (state, explanation.lacking, explanation.update) {
        return sentence!(
            "{key} at {node} has diverged: {}, which was never acknowledged, is missing at {}: {expected}.",
            "{key} bei {node} ist divergiert: {}, nie bestätigt, fehlt bei {}: {expected}.",
            log_text::update(update, context.analysis, context.names),
            context.names.label(lacking)
        );
    }
    match (state, explanation.update) {
        (CopyState::Conflicted, _) => {
            sentence!("{key} at {node} is conflicted: {expected}.", "{key} bei {node} ist im Konflikt: {expected}.")
        }
        (CopyState::Diverged, _) => {
            sentence!("{key} at {node} has diverged: {expected}.", "{key} bei {node} ist divergiert: {expected}.")
        }
        (CopyState::Stale | CopyState::Down | CopyState::Consistent, Some(update)) => {
            sentence!(
                "{node} lacks {}: {expected}.",
                "{node} fehlt {}: {expected}.",
                log_text::update(update, context.analysis, context.names)
            )
        }
        (CopyState::Stale | CopyState::Down | CopyState::Consistent, None) => {
            sentence!("{key} at {node} is stale: {expected}.", "{key} bei {node} ist veraltet: {expected}.")
        }
    }
}

/// Returns the steps of an explanation.
pub fn steps(explanation: &Explanation, context: &RunContext) -> Vec<ExplanationStep> {
    let steps = explanation.steps.iter().filter_map(|number| {
        let record = context.trace.get(*number)?;
        let text = log_text::sentence(record, context.analysis, context.names).text;
        Some(ExplanationStep { record: *number, at: record.at, text })
    });
    steps.collect()
}

/// Returns the verdict's name and its reasons, a sentence each.
pub fn convergence(verdict: &Convergence, context: &RunContext) -> (&'static str, Vec<String>) {
    convergence_with(verdict, &[], context)
}

/// Returns the same; `repeated` are the events that change consistent copies.
pub(crate) fn convergence_with(
    verdict: &Convergence,
    repeated: &[RepeatedEvent],
    context: &RunContext,
) -> (&'static str, Vec<String>) {
    let sentences =
        |explanations: &[Explanation]| explanations.iter().map(|explanation| sentence(explanation, context)).collect();
    match verdict {
        Convergence::Converged => (phrase("converged", "konvergiert"), repetitions(context)),
        Convergence::Converging(explanations) if explanations.is_empty() => {
            let why = under_way::text(context.analysis, context.names);
            (phrase("converging", "konvergiert gerade"), vec![format!("{}.", labels::capitalized(&why))])
        }
        Convergence::Converging(explanations) => (phrase("converging", "konvergiert gerade"), sentences(explanations)),
        Convergence::WillNotConverge(explanations) => {
            (phrase("will not converge", "konvergiert nicht"), sentences(explanations))
        }
        Convergence::Unknown(why) if repeated.is_empty() => unknown_convergence(why),
        Convergence::Unknown(_) => (
            phrase("unknown", "unbekannt"),
            repeated.iter().map(|event| bus_reasons::repeated(event, context)).collect(),
        ),
    }
}

/// Describes work that continues and changes no copy.
fn repetitions(context: &RunContext) -> Vec<String> {
    let text = phrase(
        "A publication that its bus has not acknowledged is sent again; every copy has it already, and ignores it.",
        "Eine Veröffentlichung, die ihr Bus nicht bestätigt hat, wird erneut gesendet; jede Kopie hat sie schon und \
         ignoriert sie.",
    );
    context.analysis.repeats_publications().then(|| text.into()).into_iter().collect()
}

/// Returns the name of an unknown verdict on convergence and its reason.
pub fn unknown_convergence(why: &str) -> (&'static str, Vec<String>) {
    let reason = sentence!("Neither was proven: {why}.", "Keines von beiden ist bewiesen: {why}.");
    (phrase("unknown", "unbekannt"), vec![reason])
}
