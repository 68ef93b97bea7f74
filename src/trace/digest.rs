use super::{Fact, NodeId, OperationKind, Record, Version};
use crate::scenario::Value;
use xxhash_rust::xxh3::Xxh3;

/// Digest of a trace: XXH3 (64 bits, seed 0) over every record in a fixed little-endian layout: the time,
/// the fact's number, then its fields in the order in which [`Fact`] declares them. The same trace has the same digest on every target; the
/// golden cases of `tests/` hold it for ever.
///
/// Records wait in a buffer until there is enough of them: the hash takes many bytes at once faster than a few.
#[derive(Clone)]
pub struct Digest {
    hash: Box<Xxh3>,
    waiting: Box<Bytes>,
}

impl Default for Digest {
    fn default() -> Self {
        Digest { hash: Box::new(Xxh3::new()), waiting: Box::new(Bytes { buffer: [0; WAITING], length: 0 }) }
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({:016x})", self.value())
    }
}

impl Digest {
    /// Takes in the next record.
    #[inline]
    pub fn update(&mut self, record: &Record) {
        if self.waiting.length > WAITING - LONGEST {
            self.flush();
        }
        self.waiting.u64(record.at);
        if let Some(value) = self.waiting.fact(&record.fact) {
            self.value_of(value);
        }
        self.lists_of(&record.fact);
    }

    fn flush(&mut self) {
        self.hash.update(&self.waiting.buffer[..self.waiting.length]);
        self.waiting.length = 0;
    }

    /// Bytes of any number.
    fn put(&mut self, bytes: &[u8]) {
        if self.waiting.length + bytes.len() > WAITING {
            self.flush();
        }
        match self.waiting.buffer[self.waiting.length..].get_mut(..bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.waiting.length += bytes.len();
            }
            None => self.hash.update(bytes),
        }
    }

    /// What a fact lists: how many, then each.
    fn lists_of(&mut self, fact: &Fact) {
        let mut numbers: Vec<u32> = Vec::new();
        match fact {
            Fact::KeyPlaced { replicas, .. } => numbers.extend(replicas.iter().map(|NodeId(node)| node)),
            Fact::ReadServed { context: Some(context), .. } | Fact::StateMerged { context, .. } => {
                numbers.extend(context.iter().flat_map(|(origin, counter)| [origin, counter]));
            }
            Fact::OperationIssued { kind: OperationKind::CompareAndSet, expected, .. } => {
                self.put(&[u8::from(expected.is_some())]);
                if let Some(expected) = expected {
                    self.value_of(expected);
                }
                return;
            }
            _ => return,
        }
        let mut bytes = (numbers.len() as u32).to_le_bytes().to_vec();
        bytes.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        self.put(&bytes);
        if let Fact::StateMerged { values, .. } = fact {
            self.put(&(values.len() as u32).to_le_bytes());
            for value in values {
                self.value_of(value);
            }
        }
    }

    fn value_of(&mut self, value: &Value) {
        match value {
            Value::Int(n) => {
                self.put(&[0]);
                self.put(&n.to_le_bytes());
            }
            Value::Text(text) => {
                self.put(&[1]);
                self.put(&(text.len() as u32).to_le_bytes());
                self.put(text.as_bytes());
            }
            Value::Set(elements) => {
                self.put(&[2]);
                self.put(&(elements.len() as u32).to_le_bytes());
                for element in elements.iter() {
                    self.value_of(element);
                }
            }
            Value::List(elements) => {
                self.put(&[3]);
                self.put(&(elements.len() as u32).to_le_bytes());
                for element in elements.iter() {
                    self.value_of(element);
                }
            }
            Value::Map(fields) => {
                self.put(&[4]);
                self.put(&(fields.len() as u32).to_le_bytes());
                for (name, value) in fields.iter() {
                    self.put(&(name.len() as u32).to_le_bytes());
                    self.put(name.as_bytes());
                    self.value_of(value);
                }
            }
        }
    }

    /// The digest of what was taken in so far.
    pub fn value(&self) -> u64 {
        let mut hash = self.hash.clone();
        hash.update(&self.waiting.buffer[..self.waiting.length]);
        hash.digest()
    }

    /// The digest as people see it: 16 hexadecimal digits.
    pub fn hex(&self) -> String {
        format!("{:016x}", self.value())
    }
}

/// Bytes that wait for the hash at most.
const WAITING: usize = 1024;
/// A record without its value and lists takes fewer bytes.
const LONGEST: usize = 80;

/// Records in their fixed layout, values and lists apart.
#[derive(Clone)]
struct Bytes {
    buffer: [u8; WAITING],
    length: usize,
}

impl Bytes {
    fn u8(&mut self, n: u8) {
        self.buffer[self.length] = n;
        self.length += 1;
    }

    fn u32(&mut self, n: u32) {
        self.buffer[self.length..self.length + 4].copy_from_slice(&n.to_le_bytes());
        self.length += 4;
    }

    fn u64(&mut self, n: u64) {
        self.buffer[self.length..self.length + 8].copy_from_slice(&n.to_le_bytes());
        self.length += 8;
    }

    fn ids(&mut self, ids: &[u32]) {
        for &id in ids {
            self.u32(id);
        }
    }

    /// A fact of numbers alone.
    fn numbers<'a>(&mut self, fact: u8, numbers: &[u32]) -> Option<&'a Value> {
        self.u8(fact);
        self.ids(numbers);
        None
    }

    fn version(&mut self, version: Version) {
        self.ids(&[version.counter, version.origin]);
        self.u64(version.time as u64);
    }

    /// An optional dense id: one more than the id, 0 for none.
    fn optional(&mut self, id: Option<u32>) {
        self.u64(id.map_or(0, |id| u64::from(id) + 1));
    }

    /// Lays out a fact and returns its value, which follows it in the digest.
    fn fact<'a>(&mut self, fact: &'a Fact) -> Option<&'a Value> {
        match fact {
            Fact::FlowDeclared { from, to } => {
                self.u8(0);
                self.u32(from.0);
                self.u32(to.0);
                None
            }
            Fact::Seeded { node, key, value, version } => {
                self.u8(1);
                self.u32(node.0);
                self.u32(key.0);
                self.version(*version);
                Some(value)
            }
            Fact::OperationIssued { operation, by, session, to, kind, key, value, .. } => {
                self.u8(2);
                self.u32(operation.0);
                self.u32(by.0);
                self.u32(*session);
                self.u32(to.0);
                self.u8(*kind as u8);
                self.u32(key.0);
                self.u8(u8::from(value.is_some()));
                value.as_ref()
            }
            Fact::ReadServed { operation, node, key, version, value, context } => {
                self.u8(3);
                self.u32(operation.0);
                self.u32(node.0);
                self.u32(key.0);
                self.version(*version);
                self.u8(u8::from(value.is_some()) | u8::from(context.is_some()) << 1);
                value.as_ref()
            }
            Fact::OperationRefused { operation, node, cause } => {
                self.u8(4);
                self.u32(operation.0);
                self.u32(node.0);
                self.u8(*cause as u8);
                None
            }
            Fact::OperationEnded { operation, outcome } => {
                self.u8(5);
                self.u32(operation.0);
                self.u8(*outcome as u8);
                None
            }
            Fact::UpdateCommitted { update, operation, node, key, version, value, clock } => {
                self.u8(6);
                self.u32(update.0);
                self.u32(operation.0);
                self.u32(node.0);
                self.u32(key.0);
                self.version(*version);
                self.u64(*clock as u64);
                Some(value)
            }
            Fact::UpdateAcknowledged { update, operation } => {
                self.u8(7);
                self.u32(update.0);
                self.u32(operation.0);
                None
            }
            Fact::UpdateApplied { update, node, key, version, value, changed, by, sum } => {
                self.u8(8);
                self.u32(update.0);
                self.u32(node.0);
                self.u32(key.0);
                self.version(*version);
                self.u8(u8::from(*changed));
                self.optional(by.map(|id| id.0));
                if let Some(sum) = sum {
                    self.u64(*sum as u64);
                }
                Some(value)
            }
            Fact::MessageSent { message, from, to, kind, update, operation, attempt, due } => {
                self.u8(9);
                self.u64(message.0);
                self.u32(from.0);
                self.u32(to.0);
                self.u8(*kind as u8);
                self.optional(update.map(|id| id.0));
                self.optional(operation.map(|id| id.0));
                self.u32(*attempt);
                self.u64(*due);
                None
            }
            Fact::MessageDuplicated { message, copy, due } => {
                self.u8(10);
                self.u64(message.0);
                self.u64(copy.0);
                self.u64(*due);
                None
            }
            Fact::MessageDelivered { message } => {
                self.u8(11);
                self.u64(message.0);
                None
            }
            Fact::MessageDropped { message, cause } => {
                self.u8(12);
                self.u64(message.0);
                self.u8(*cause as u8);
                None
            }
            Fact::EventPublished { bus, update, topic, partition, subscriptions } => {
                self.u8(13);
                self.u32(bus.0);
                self.u32(update.0);
                self.u32(*topic);
                self.u32(*partition);
                self.u32(*subscriptions);
                None
            }
            Fact::EventQueued { subscription, event, update, not_before, deliveries } => {
                self.u8(14);
                self.u32(subscription.0);
                self.u32(*event);
                self.u32(update.0);
                self.u64(*not_before);
                self.u32(*deliveries);
                None
            }
            Fact::EventSent { subscription, event, update, attempt } => {
                self.u8(15);
                self.u32(subscription.0);
                self.u32(*event);
                self.u32(update.0);
                self.u32(*attempt);
                None
            }
            Fact::EventAcknowledged { subscription, event, update } => {
                self.u8(16);
                self.u32(subscription.0);
                self.u32(*event);
                self.u32(update.0);
                None
            }
            Fact::EventDeadLettered { subscription, event, update, deliveries } => {
                self.u8(17);
                self.u32(subscription.0);
                self.u32(*event);
                self.u32(update.0);
                self.u32(*deliveries);
                None
            }
            Fact::EventDiscarded { subscription, event, update, reason } => {
                self.u8(18);
                self.u32(subscription.0);
                self.u32(*event);
                self.u32(update.0);
                self.u8(*reason as u8);
                None
            }
            Fact::HandlingFailed { subscription, update, attempt, cause } => {
                self.u8(19);
                self.u32(subscription.0);
                self.u32(update.0);
                self.u32(*attempt);
                self.u8(*cause as u8);
                None
            }
            Fact::PublishAbandoned { node, bus, update } => {
                self.u8(20);
                self.u32(node.0);
                self.u32(bus.0);
                self.u32(update.0);
                None
            }
            Fact::LinkCut { from, to } => {
                self.u8(21);
                self.u32(from.0);
                self.u32(to.0);
                None
            }
            Fact::LinkHealed { from, to } => {
                self.u8(22);
                self.u32(from.0);
                self.u32(to.0);
                None
            }
            Fact::ServiceCrashed { node, lost_disk } => {
                self.u8(23);
                self.u32(node.0);
                self.u8(u8::from(*lost_disk));
                None
            }
            Fact::ServiceRestarted { node } => {
                self.u8(24);
                self.u32(node.0);
                None
            }
            Fact::LinkDisturbed { from, to, loss, duplicate, reorder, delayed } => {
                self.u8(25);
                self.ids(&[from.0, to.0, *loss, *duplicate, *reorder]);
                self.u8(u8::from(*delayed));
                None
            }
            Fact::NodePaused { node } => {
                self.u8(26);
                self.u32(node.0);
                None
            }
            Fact::NodeResumed { node } => {
                self.u8(27);
                self.u32(node.0);
                None
            }
            Fact::ServiceSlowed { node, permille } => {
                self.u8(28);
                self.ids(&[node.0, *permille]);
                None
            }
            Fact::ClockSet { node, offset, drift } => {
                self.u8(29);
                self.u32(node.0);
                self.u64(*offset as u64);
                self.u64(*drift as u64);
                None
            }
            Fact::BusStopped { bus, lost_unflushed } => {
                self.u8(30);
                self.u32(bus.0);
                self.u8(u8::from(*lost_unflushed));
                None
            }
            Fact::BusStarted { bus } => {
                self.u8(31);
                self.u32(bus.0);
                None
            }
            Fact::EventDeduplicated { bus, update } => {
                self.u8(32);
                self.ids(&[bus.0, update.0]);
                None
            }
            Fact::EventRedriven { subscription, event, update } => {
                self.u8(33);
                self.ids(&[subscription.0, *event, update.0]);
                None
            }
            Fact::InboxHit { node, subscription, update, attempt } => {
                self.u8(34);
                self.ids(&[node.0, subscription.0, update.0, *attempt]);
                None
            }
            Fact::UpdateProposed { update, node, key, version, value } => {
                self.u8(35);
                self.ids(&[update.0, node.0, key.0]);
                self.version(*version);
                Some(value)
            }
            Fact::OutboxRowWritten { node, bus, update } => {
                self.u8(36);
                self.ids(&[node.0, bus.0, update.0]);
                None
            }
            Fact::OutboxRowPublished { node, bus, update } => {
                self.u8(37);
                self.ids(&[node.0, bus.0, update.0]);
                None
            }
            Fact::PublicationLost { node, bus, update } => {
                self.u8(38);
                self.ids(&[node.0, bus.0, update.0]);
                None
            }
            Fact::KeyPlaced { group, key, .. } => {
                self.u8(39);
                self.ids(&[group.0, key.0]);
                None
            }
            Fact::WriteCoordinated { update, operation, node, key, version, value, clock, replaces } => {
                self.u8(40);
                self.ids(&[update.0, operation.0, node.0, key.0]);
                self.version(*version);
                self.version(*replaces);
                self.u64(*clock as u64);
                self.u8(u8::from(value.is_some()));
                value.as_ref()
            }
            Fact::ReplicaStored { update, node, key, version, value, changed } => {
                self.u8(41);
                self.optional(update.map(|id| id.0));
                self.ids(&[node.0, key.0]);
                self.version(*version);
                self.u8(u8::from(*changed) | u8::from(value.is_some()) << 1);
                value.as_ref()
            }
            Fact::StateMerged { update, node, key, .. } => {
                self.u8(42);
                self.optional(update.map(|id| id.0));
                self.ids(&[node.0, key.0]);
                None
            }
            Fact::TombstonePurged { node, key } => {
                self.u8(43);
                self.ids(&[node.0, key.0]);
                None
            }
            Fact::HintStored { node, replica, key, update } => {
                self.u8(44);
                self.ids(&[node.0, replica.0, key.0]);
                self.optional(update.map(|id| id.0));
                None
            }
            Fact::HintRemoved { node, replica, key, delivered } => {
                self.u8(45);
                self.ids(&[node.0, replica.0, key.0]);
                self.u8(u8::from(*delivered));
                None
            }
            Fact::TreesCompared { node, peer, level, compared, differing } => {
                self.u8(46);
                self.ids(&[node.0, peer.0, *level, *compared, *differing]);
                None
            }
            Fact::LeaderElected { node, term } => {
                self.u8(47);
                self.ids(&[node.0, *term]);
                None
            }
            Fact::LeaderSteppedDown { node, term } => {
                self.u8(48);
                self.ids(&[node.0, *term]);
                None
            }
            Fact::LogChanged { node, last, committed, term } => {
                self.u8(49);
                self.ids(&[node.0, *last, *committed, *term]);
                None
            }
            Fact::WriteRolledBack { update, node, key } => {
                self.u8(50);
                self.ids(&[update.0, node.0, key.0]);
                None
            }
            Fact::WritePromised { update, node, key } => {
                self.u8(51);
                self.ids(&[update.0, node.0, key.0]);
                None
            }
            Fact::PromiseReleased { update, node, key } => {
                self.u8(52);
                self.ids(&[update.0, node.0, key.0]);
                None
            }
            Fact::EventWriteStarted { operation, node, subscription, update, key, version, adds, attempt } => {
                self.u8(53);
                self.ids(&[operation.0, node.0, subscription.0, update.0, key.0, *attempt]);
                self.version(*version);
                self.u8(u8::from(*adds));
                None
            }
            Fact::EventWriteEnded { operation, node, subscription, update, outcome, written } => {
                self.u8(54);
                self.ids(&[operation.0, node.0, subscription.0, update.0]);
                self.u8(*outcome as u8);
                self.optional(written.map(|id| id.0));
                None
            }
            Fact::ReaderLeft { subscription, reason } => self.numbers(55, &[subscription.0, *reason as u32]),
            Fact::ReaderJoined { subscription } => self.numbers(56, &[subscription.0]),
            Fact::BrokerChanged { bus, broker, change } => self.numbers(57, &[bus.0, *broker, *change as u32]),
            Fact::InSyncChanged { bus, brokers, replicas } => self.numbers(58, &[bus.0, *brokers, *replicas]),
            Fact::PublishRefused { bus, update, in_sync, needed } => {
                self.numbers(59, &[bus.0, update.0, *in_sync, *needed])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{MessageId, NodeId};

    fn digest_of(facts: &[Fact]) -> u64 {
        let mut digest = Digest::default();
        for fact in facts {
            digest.update(&Record { at: 5, fact: fact.clone() });
        }
        digest.value()
    }

    #[test]
    fn order_and_content_of_records_change_the_digest() {
        let a = Fact::MessageDelivered { message: MessageId(1) };
        let b = Fact::ServiceRestarted { node: NodeId(1) };
        assert_ne!(digest_of(&[a.clone(), b.clone()]), digest_of(&[b.clone(), a.clone()]));
        assert_ne!(digest_of(&[a]), digest_of(&[Fact::MessageDelivered { message: MessageId(2) }]));
        assert_ne!(digest_of(&[b]), digest_of(&[Fact::ServiceRestarted { node: NodeId(2) }]));
    }

    #[test]
    fn digest_layout_stays_as_it_was_when_links_were_first_shared() {
        let fact = Fact::MessageDelivered { message: MessageId(1) };
        // XXH3-64 of 0500000000000000 0b 0100000000000000, as the reference tool prints it.
        assert_eq!(
            digest_of(&[fact]),
            xxhash_rust::xxh3::xxh3_64(&[5, 0, 0, 0, 0, 0, 0, 0, 11, 1, 0, 0, 0, 0, 0, 0, 0])
        );
    }
}
