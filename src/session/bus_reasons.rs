//! Reasons about buses: why their brokers accept and deliver nothing any more, and which events are delivered once more.

use super::labels::{broker_numbers, count};
use super::log_text;
use crate::analysis::{BusBrokers, RepeatedEvent, RunContext};
use crate::language::{Language, language, phrase, sentence};
use crate::trace::NodeId;

/// Describes why no broker of a bus is elected; none if the bus is down for another reason.
pub(super) fn without_leader(bus: NodeId, context: &RunContext) -> Option<String> {
    let brokers = context.analysis.brokers.get(bus).filter(|brokers| brokers.stopped_at.is_none())?;
    context.analysis.faults.down(bus)?;
    let (name, replicas) = (context.names.label(bus), brokers.replicas);
    if replicas == 1 {
        return Some(sentence!(
            "{name} has no leader: its only broker is down, and nothing starts it",
            "{name} hat keinen Leader: der einzige Broker ist ausgefallen und wird nicht gestartet"
        ));
    }
    if brokers.needs_majority() {
        let missing = unstarted(brokers, !brokers.up);
        return Some(sentence!(
            "{name} has no leader: no majority of its {replicas} brokers is up, and {missing}",
            "{name} hat keinen Leader: keine Mehrheit seiner {replicas} Broker läuft, und {missing}"
        ));
    }
    if brokers.elects_uncleanly() {
        return Some(sentence!(
            "{name} has no leader: none of its {replicas} brokers is up, and nothing starts one",
            "{name} hat keinen Leader: keiner seiner {replicas} Broker läuft, und nichts startet einen"
        ));
    }
    let in_sync = list(brokers, brokers.in_sync & !brokers.up);
    Some(sentence!(
        "{name} has no leader: only a broker in sync may lead ({in_sync}), and nothing starts one",
        "{name} hat keinen Leader: nur ein synchroner Broker darf führen ({in_sync}), und nichts startet einen"
    ))
}

/// Describes why a bus refuses publications.
pub(super) fn out_of_sync(bus: NodeId, context: &RunContext) -> String {
    let Some(brokers) = context.analysis.brokers.get(bus) else { return String::new() };
    let (name, needed) = (context.names.label(bus), brokers.min_insync());
    let replicas = count(brokers.replicas.into(), phrase("broker", "Broker"), phrase("brokers", "Brokern"));
    let missing = unstarted(brokers, !brokers.up);
    let must = if needed == 1 { phrase("must", "muss") } else { phrase("must", "müssen") };
    sentence!(
        "{name} refuses it: {needed} of {replicas} {must} be in sync, and {missing}",
        "{name} lehnt das Event ab: {needed} von {replicas} {must} synchron sein, und {missing}"
    )
}

/// States that the script does not start enough of these brokers.
fn unstarted(brokers: &BusBrokers, bits: u32) -> String {
    let missing = list(brokers, bits);
    match broker_numbers(bits, brokers.replicas).len() > 1 {
        true => sentence!("nothing starts enough of {missing}", "nichts startet genug von {missing}"),
        false => sentence!("nothing starts {missing}", "nichts startet {missing}"),
    }
}

/// Describes an event that changes a consistent copy once more.
pub(super) fn repeated(event: &RepeatedEvent, context: &RunContext) -> String {
    let update = log_text::update(event.update, context.analysis, context.names);
    let (node, from) = (context.names.label(event.node), context.names.label(event.from));
    let is_published = context.scenario.services.get(event.from.index()).is_some();
    match (event.adds, is_published) {
        (true, true) => sentence!(
            "Every copy is consistent, but {from} publishes {update} once more, and {node} adds it again.",
            "Jede Kopie ist konsistent, aber {from} veröffentlicht {update} noch einmal, und {node} addiert die Änderung erneut."
        ),
        (true, false) => sentence!(
            "Every copy is consistent, but {from} delivers {update} to {node} once more, which adds it again.",
            "Jede Kopie ist konsistent, aber {from} stellt {update} noch einmal zu, und {node} addiert die Änderung erneut."
        ),
        (false, true) => sentence!(
            "Every copy is consistent, but {from} publishes {update} once more, and {node} overwrites a newer value with it.",
            "Jede Kopie ist konsistent, aber {from} veröffentlicht {update} noch einmal, und {node} überschreibt damit einen neueren Wert."
        ),
        (false, false) => sentence!(
            "Every copy is consistent, but {from} delivers {update} to {node}, which overwrites a newer value with it.",
            "Jede Kopie ist konsistent, aber {from} stellt {update} zu, und {node} überschreibt damit einen neueren Wert."
        ),
    }
}

/// Lists those of these brokers that exist: "broker 1", "brokers 2 and 3".
fn list(brokers: &BusBrokers, bits: u32) -> String {
    let numbers = broker_numbers(bits, brokers.replicas);
    let noun = match (numbers.len(), language()) {
        (1, Language::English) => "broker",
        (_, Language::English) => "brokers",
        (_, Language::German) => "Broker",
    };
    match numbers.split_last() {
        None => String::new(),
        Some((last, [])) => format!("{noun} {last}"),
        Some((last, first)) => format!("{noun} {} {} {last}", first.join(", "), phrase("and", "und")),
    }
}
