//! The sentences about groups.

use super::{Row, Text, about_update, one_node};
use crate::language::{phrase, sentence};
use crate::session::labels;
use crate::trace::{Fact, facts_about};

impl Text<'_> {
    /// Facts about writes at the members of a group.
    pub(super) fn replication(&self, fact: &Fact) -> Row {
        match fact {
            Fact::KeyPlaced { group, key: id, replicas } => {
                let holders: Vec<&str> = replicas.iter().map(|id| self.node(id)).collect();
                let text = sentence!(
                    "{} placed {} on {}",
                    "{} hat {} auf {} platziert",
                    self.node(group),
                    self.key(id),
                    holders.join(", ")
                );
                (text, None, replicas.clone())
            }
            Fact::WriteCoordinated { update, node: at, .. } => about_update(
                at,
                update,
                sentence!("{} coordinated {}", "{} hat {} koordiniert", self.node(at), self.update(update)),
            ),
            Fact::ReplicaStored { update, node: at, key: id, value, changed, .. } => {
                let version = match (update, value) {
                    (Some(update), _) => self.update(update),
                    (None, Some(value)) => format!("{} = {value}", self.key(id)),
                    (None, None) => sentence!("the absence of {}", "das Fehlen von {}", self.key(id)),
                };
                let text = match changed {
                    true => sentence!("{} applied {version}", "{} hat {version} angewendet", self.node(at)),
                    false => sentence!(
                        "{} ignored {version}: its own version is at least as new",
                        "{} hat {version} ignoriert: die eigene Version ist mindestens so neu",
                        self.node(at)
                    ),
                };
                (text, *update, vec![*at])
            }
            Fact::StateMerged { update, node: at, key: id, values, .. } => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                let values = match values.as_slice() {
                    [] => phrase("absent", "nicht vorhanden").to_string(),
                    [one] => one.clone(),
                    siblings => sentence!("{} siblings: {}", "{} Siblings: {}", siblings.len(), siblings.join(" | ")),
                };
                let text = sentence!(
                    "{} merged {}; it is now {values}",
                    "{} hat {} zusammengeführt; jetzt {values}",
                    self.node(at),
                    self.key(id)
                );
                (text, *update, vec![*at])
            }
            Fact::WriteRolledBack { update, node: at, .. } => {
                let text = sentence!(
                    "{} rolled back {}: its leader does not have it",
                    "{} hat {} zurückgerollt: der Leader hat es nicht",
                    self.node(at),
                    self.update(update)
                );
                about_update(at, update, text)
            }
            facts_about!(declarations, requests, messages, events, faults, repair, leaders, transactions) => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about repairs.
    pub(super) fn repair(&self, fact: &Fact) -> Row {
        match fact {
            Fact::TombstonePurged { node: at, key: id } => one_node(
                at,
                sentence!(
                    "{} purged the tombstone of {}",
                    "{} hat den Tombstone von {} entfernt",
                    self.node(at),
                    self.key(id)
                ),
            ),
            Fact::HintStored { node: at, replica, key: id, update } => {
                let write = update.as_ref().map_or_else(|| self.key(id).to_string(), |update| self.update(update));
                let text = sentence!(
                    "{} stored a hint for {}: {write}",
                    "{} hat einen Hint für {} gespeichert: {write}",
                    self.node(at),
                    self.node(replica)
                );
                (text, *update, vec![*at, *replica])
            }
            Fact::HintRemoved { node: at, replica, key: id, delivered } => {
                let why = if *delivered { phrase("delivered", "zugestellt") } else { phrase("expired", "abgelaufen") };
                let text = sentence!(
                    "{} removed its hint of {} for {}: {why}",
                    "{} hat den Hint zu {} für {} entfernt: {why}",
                    self.node(at),
                    self.key(id),
                    self.node(replica)
                );
                (text, None, vec![*at, *replica])
            }
            Fact::TreesCompared { node: at, peer, level, compared, differing } => {
                let (at, peer) = (*at, *peer);
                let text = sentence!(
                    "{} compared {} of level {level} with {}: {differing} different",
                    "{} hat {} der Ebene {level} mit {} verglichen: {differing} verschieden",
                    self.node(&at),
                    labels::count((*compared).into(), phrase("hash", "Hash"), phrase("hashes", "Hashes")),
                    self.node(&peer)
                );
                (text, None, vec![at, peer])
            }
            facts_about!(declarations, requests, messages, events, faults, replication, leaders, transactions) => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about leaders and transactions.
    pub(super) fn leaders_and_transactions(&self, fact: &Fact) -> Row {
        match fact {
            Fact::LeaderElected { node: at, term } => one_node(
                at,
                sentence!("{} became the leader, term {term}", "{} ist jetzt der Leader, Term {term}", self.node(at)),
            ),
            Fact::LeaderSteppedDown { node: at, term } => one_node(
                at,
                sentence!(
                    "{} stepped down as leader, term {term}",
                    "{} ist nicht mehr der Leader, Term {term}",
                    self.node(at)
                ),
            ),
            Fact::LogChanged { node: at, last, committed, term } => {
                let text = sentence!(
                    "log of {} has {}, {committed} committed, term {term}",
                    "das Log von {} hat {}, {committed} committet, Term {term}",
                    self.node(at),
                    labels::count((*last).into(), phrase("entry", "Eintrag"), phrase("entries", "Einträge"))
                );
                one_node(at, text)
            }
            Fact::WritePromised { update, node: at, key: id } => {
                let text = sentence!(
                    "{} prepared {} and locked {}",
                    "{} hat {} vorbereitet und {} gesperrt",
                    self.node(at),
                    self.update(update),
                    self.key(id)
                );
                about_update(at, update, text)
            }
            Fact::PromiseReleased { update, node: at, .. } => {
                let text = sentence!(
                    "{} released the prepared write {}",
                    "{} hat den vorbereiteten Schreibvorgang {} freigegeben",
                    self.node(at),
                    self.update(update)
                );
                about_update(at, update, text)
            }
            facts_about!(declarations, requests, messages, events, faults, replication, repair) => {
                unreachable!("another subject")
            }
        }
    }
}
