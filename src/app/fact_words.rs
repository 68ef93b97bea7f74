//! The names of facts in German. A lesson's code shows them beside the lines that wait for a fact.

use crate::language::Language;

/// The facts by their names in lesson files, in German.
const GERMAN: &[(&str, &str)] = &[
    ("acknowledgement_expired", "Bestätigung ignoriert"),
    ("broker_changed", "Broker geändert"),
    ("bus_started", "Bus gestartet"),
    ("bus_stopped", "Bus angehalten"),
    ("clock_set", "Uhr gestellt"),
    ("consumer_attached", "Consumer angebunden"),
    ("consumer_detached", "Consumer nicht mehr angebunden"),
    ("delivery_discarded", "Zustellung verworfen"),
    ("event_acknowledged", "Event bestätigt"),
    ("event_dead_lettered", "Event als unzustellbar abgelegt"),
    ("event_deduplicated", "Event als Duplikat erkannt"),
    ("event_discarded", "Event verworfen"),
    ("event_published", "Event veröffentlicht"),
    ("event_queued", "Event eingereiht"),
    ("event_redriven", "Event erneut eingereiht"),
    ("event_sent", "Event gesendet"),
    ("event_write_ended", "Schreibvorgang eines Events beendet"),
    ("event_write_started", "Schreibvorgang eines Events begonnen"),
    ("flow_declared", "Fluss deklariert"),
    ("handling_failed", "Verarbeitung fehlgeschlagen"),
    ("hint_removed", "Hint entfernt"),
    ("hint_stored", "Hint gespeichert"),
    ("in_sync_changed", "In-Sync-Replikate geändert"),
    ("inbox_hit", "in der Inbox gefunden"),
    ("key_placed", "Schlüssel zugeteilt"),
    ("leader_elected", "Leader gewählt"),
    ("leader_stepped_down", "Leader zurückgetreten"),
    ("link_cut", "Verbindung getrennt"),
    ("link_disturbed", "Verbindung gestört"),
    ("link_healed", "Verbindung geheilt"),
    ("log_changed", "Log geändert"),
    ("message_delivered", "Nachricht zugestellt"),
    ("message_dropped", "Nachricht verworfen"),
    ("message_duplicated", "Nachricht verdoppelt"),
    ("message_sent", "Nachricht gesendet"),
    ("node_paused", "Knoten angehalten"),
    ("node_resumed", "Knoten fortgesetzt"),
    ("operation_ended", "Operation beendet"),
    ("operation_issued", "Operation begonnen"),
    ("operation_refused", "Operation abgelehnt"),
    ("outbox_row_published", "Outbox-Zeile veröffentlicht"),
    ("outbox_row_written", "Outbox-Zeile geschrieben"),
    ("partitions_released", "Partitionen zurückgegeben"),
    ("position_lost", "Position verloren"),
    ("promise_released", "vorbereiteter Schreibvorgang freigegeben"),
    ("publication_lost", "Veröffentlichung verloren"),
    ("publication_skipped", "Veröffentlichung ausgelassen"),
    ("publish_abandoned", "Veröffentlichen aufgegeben"),
    ("publish_refused", "Veröffentlichen abgelehnt"),
    ("queue_shared", "Warteschlange geteilt"),
    ("read_served", "Lesevorgang beantwortet"),
    ("reader_joined", "Leser beigetreten"),
    ("reader_left", "Leser ausgetreten"),
    ("replica_stored", "Replikat gespeichert"),
    ("seeded", "Anfangswert gesetzt"),
    ("service_crashed", "Service abgestürzt"),
    ("service_restarted", "Service neu gestartet"),
    ("service_slowed", "Service verlangsamt"),
    ("state_merged", "Zustand zusammengeführt"),
    ("store_shared", "Speicher geteilt"),
    ("tombstone_purged", "Tombstone entfernt"),
    ("trees_compared", "Bäume verglichen"),
    ("update_acknowledged", "Änderung bestätigt"),
    ("update_applied", "Änderung angewendet"),
    ("update_committed", "Änderung committet"),
    ("update_proposed", "Änderung vorgeschlagen"),
    ("worker_declared", "Worker deklariert"),
    ("write_coordinated", "Schreibvorgang koordiniert"),
    ("write_promised", "Schreibvorgang vorbereitet"),
    ("write_rolled_back", "Schreibvorgang zurückgerollt"),
];

/// Returns the name of a fact as people read it, in a language: `message sent`.
pub fn fact_words(name: &str, language: Language) -> String {
    let german = || GERMAN.iter().find(|(fact, _)| *fact == name).map(|(_, german)| (*german).to_string());
    let translated = match language {
        Language::English => None,
        Language::German => german(),
    };
    translated.unwrap_or_else(|| name.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Fact;
    use strum::VariantNames;

    #[test]
    fn beside_the_code_of_a_german_lesson_no_fact_is_english() {
        let names: Vec<&str> = GERMAN.iter().map(|(name, _)| *name).collect();
        let mut facts = Fact::VARIANTS.to_vec();
        facts.sort_unstable();
        assert_eq!(names, facts);
        assert_eq!(fact_words("update_committed", Language::German), "Änderung committet");
        assert_eq!(fact_words("update_committed", Language::English), "update committed");
    }
}
