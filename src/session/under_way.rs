//! What is under way while every copy is consistent, in words.

use super::labels::{consumer_group, count};
use crate::analysis::{Analysis, Waiting};
use crate::language::{phrase, sentence};
use crate::trace::{Names, NodeId, SubscriptionId};

/// The maximum number of places that a sentence names.
const MAX: usize = 4;

/// Describes what is under way and may change a copy, where every copy is consistent: a part of a sentence.
pub fn text(analysis: &Analysis, names: &Names) -> String {
    let all = analysis.under_way();
    let mut parts: Vec<String> = all.iter().take(MAX).map(|(waiting, n)| part(*waiting, *n, names)).collect();
    if let Some(others) = all.len().checked_sub(MAX).filter(|others| *others > 0) {
        let others =
            count(others as u64, phrase("other place", "weiterer Ort"), phrase("other places", "weitere Orte"));
        parts.push(others);
    }
    let list = parts.join(", ");
    if list.is_empty() {
        // Requests and log entries that a node handles are no messages.
        phrase(
            "every copy is consistent; a node still handles a request or a write",
            "jede Kopie ist konsistent; ein Knoten bearbeitet noch eine Anfrage oder einen Schreibvorgang",
        )
        .into()
    } else if all.keys().all(|waiting| matches!(waiting, Waiting::Publication(..))) {
        sentence!(
            "every copy is consistent; sent again until the bus acknowledges it: {list}",
            "jede Kopie ist konsistent; erneut gesendet, bis der Bus bestätigt: {list}"
        )
    } else {
        sentence!(
            "every copy is consistent; still under way: {list}",
            "jede Kopie ist konsistent; noch unterwegs: {list}"
        )
    }
}

fn part(waiting: Waiting, n: u64, names: &Names) -> String {
    let of_event = |subscription: SubscriptionId, is_delivered: bool| {
        let ends = names.subscription(subscription);
        // The workers of a group share a queue; one of them has a delivery.
        let group = names.consumer_group(subscription).filter(|_| !is_delivered).map(consumer_group);
        (names.label(ends.bus), group.unwrap_or_else(|| names.label(ends.service).into()))
    };
    let name = |node: NodeId| names.label(node);
    match waiting {
        Waiting::Operation(by, to) => {
            let operations = count(n, phrase("operation", "Operation"), phrase("operations", "Operationen"));
            match by == to {
                true => sentence!("{operations} at {}", "{operations} an {}", name(to)),
                false => sentence!("{operations} of {} at {}", "{operations} von {} an {}", name(by), name(to)),
            }
        }
        Waiting::Queued(subscription) => {
            let (bus, consumer) = of_event(subscription, false);
            let events =
                count(n, phrase("queued event", "wartendes Event"), phrase("queued events", "wartende Events"));
            sentence!("{events} of {bus} for {consumer}", "{events} von {bus} für {consumer}")
        }
        Waiting::Unacknowledged(subscription) => {
            let (bus, consumer) = of_event(subscription, true);
            let events = count(
                n,
                phrase("unacknowledged event", "unbestätigtes Event"),
                phrase("unacknowledged events", "unbestätigte Events"),
            );
            sentence!("{events} of {bus} for {consumer}", "{events} von {bus} für {consumer}")
        }
        Waiting::Publication(publisher, bus) | Waiting::Delayed(publisher, bus) => {
            let publications =
                count(n, phrase("publication", "Veröffentlichung"), phrase("publications", "Veröffentlichungen"));
            let (publisher, bus) = (name(publisher), name(bus));
            sentence!("{publications} of {publisher} to {bus}", "{publications} von {publisher} an {bus}")
        }
        Waiting::Message(from, to) => {
            let messages = count(n, phrase("message", "Nachricht"), phrase("messages", "Nachrichten"));
            sentence!("{messages} from {} to {}", "{messages} von {} an {}", name(from), name(to))
        }
        Waiting::Handled(member) => {
            let events = count(n, phrase("event", "Event"), phrase("events", "Events"));
            sentence!("{events} being handled at {}", "{events} in Verarbeitung bei {}", name(member))
        }
        Waiting::Prepared(member) => {
            let writes = count(
                n,
                phrase("prepared write", "vorbereiteter Schreibvorgang"),
                phrase("prepared writes", "vorbereitete Schreibvorgänge"),
            );
            sentence!("{writes} at {}", "{writes} bei {}", name(member))
        }
    }
}
