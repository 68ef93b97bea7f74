//! The state of a member that all protocols share: its index in the group, its durable store, and its clock.

use super::group::Group;
use super::key_state::{KeyState, Register};
use super::messages::{MessageBody, ReplicaMessage};
use super::publications::{PendingPublications, published_update};
use super::request::{ClientRequest, OperationReply, Reply};
use super::version_generator::VersionGenerator;
use super::write_metadata::{SourceEvent, WriteMetadata};
use crate::engine::context::Context;
use crate::engine::message::{About, LinkId, Payload, ReadResult, Request, Update};
use crate::scenario::{Data, Micros, Value};
use crate::trace::{Fact, KeyId, NodeId, OperationId, UpdateId, origin_of};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A member of a group.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its node id.
    pub node: NodeId,
    /// The group.
    pub group: Arc<Group>,
    /// Its index among the members.
    pub index: usize,
    /// Links to the other members, by index; `None` to itself. Empty in a group that is too large for permanent links.
    pub links: Arc<Vec<Option<LinkId>>>,
    /// The durable store.
    pub states: BTreeMap<KeyId, KeyState>,
    /// The scenario's initial states.
    pub initial_states: Arc<Vec<(KeyId, KeyState)>>,
    /// Generates the versions of the writes that it coordinates.
    pub versions: VersionGenerator,
    /// Offset of its clock, µs.
    pub clock_offset: i64,
    /// Drift of its clock, parts per million.
    pub clock_drift: f64,
    /// The number of disks that it has lost.
    pub lost_disks: u32,
    /// Writes to be published.
    pub publications: PendingPublications,
}

impl Member {
    /// Returns the reading of its clock, µs.
    pub fn clock(&self, now: Micros) -> i64 {
        now as i64 + (now as f64 * self.clock_drift / 1e6).round() as i64 + self.clock_offset
    }

    /// Sets its clock: offset in µs, drift in parts per million.
    pub fn set_clock(&mut self, now: Micros, offset: i64, drift_ppm: f64, ctx: &mut Context) {
        ctx.assert_handler(self.node, now);
        (self.clock_offset, self.clock_drift) = (offset, drift_ppm);
        let drift = (drift_ppm * 1000.0).round() as i64;
        ctx.record(Fact::ClockSet { node: self.node, offset: self.clock(now) - now as i64, drift });
    }

    /// Returns the origin of its versions and dots.
    pub fn origin(&self) -> u32 {
        origin_of(self.node, self.lost_disks)
    }

    /// Returns the indices of the other members.
    pub fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let (own, members) = (self.index, self.group.members.len());
        (0..members).filter(move |index| *index != own)
    }

    /// Sends a message to another member.
    pub fn send(&self, to: usize, body: impl Into<MessageBody>, operation: Option<OperationId>, ctx: &mut Context) {
        let body = body.into();
        match self.links.get(to) {
            Some(Some(link)) => send_over(*link, self.node, body, operation, ctx),
            Some(None) => debug_assert!(to == self.index, "a member has links to all others"),
            None => {
                let (about, sender) = (About { update: body.update(), operation, attempt: 0 }, self.node);
                let payload = Payload::Replica(Arc::new(ReplicaMessage { sender, body }));
                ctx.send_to_member(sender, self.group.members[to], payload, about);
            }
        }
    }

    /// Returns its state of a key.
    pub fn state(&self, key: KeyId) -> KeyState {
        self.states.get(&key).cloned().unwrap_or_else(|| KeyState::empty(&self.group.data))
    }

    /// Returns its value of a key.
    pub fn value(&self, key: KeyId) -> Option<Value> {
        self.state(key).value(&self.group.data)
    }

    /// Returns its states of all keys.
    pub fn all_states(&self) -> Vec<(KeyId, Arc<KeyState>)> {
        self.states.iter().map(|(key, state)| (*key, Arc::new(state.clone()))).collect()
    }

    /// Serves a read from its own store.
    pub fn read(&self, client: &ClientRequest, ctx: &mut Context) -> OperationReply {
        let key = client.request.key;
        self.group.place(key, ctx);
        let result = read_result(&self.group.data, &self.state(key));
        record_read(client.request.operation, self.node, key, &result, ctx);
        client.reply(Reply::Read(result))
    }

    /// Returns the origin of a write that it coordinates; `None` unless the group is connected.
    pub fn write_metadata(&self, now: Micros, request: &Request) -> Option<Arc<WriteMetadata>> {
        let event = request.event;
        let metadata = WriteMetadata {
            writer_clock: event.map_or_else(|| self.clock(now), |event| event.clock),
            poison: request.poison,
            source: event.map(|event| SourceEvent { update: event.update, version: event.version }),
            coordinated_at: now,
        };
        self.group.is_connected.then(|| Arc::new(metadata))
    }

    /// Adds a write that it coordinates to those to be published; `before` is the key's old value. A write that an event
    /// requested is not published again.
    pub fn note_coordinated(&mut self, key: KeyId, register: &Register, before: Option<&Value>) {
        if let Some(update) = to_publish(key, register) {
            self.publications.add_coordinated(update, before);
        }
    }

    /// Merges a state of a key into its own. Returns whether its state changed.
    pub fn merge(&mut self, key: KeyId, state: &KeyState, update: Option<UpdateId>, ctx: &mut Context) -> bool {
        self.versions.observe(self.group.clock(), key, state.version());
        let data = &self.group.data;
        let own = self.states.entry(key).or_insert_with(|| KeyState::empty(data));
        let version_before = own.version();
        let publishes = self.publications.publishes_stored();
        let value_before = if publishes { own.value(data) } else { None };
        let changed = own.merge(state);
        debug_assert!(own.version() >= version_before, "a merge never goes back to an older version");
        debug_assert!(own.version() >= state.version(), "a merge includes the received version");
        if let (true, true, KeyState::Register(register)) = (changed, publishes, state)
            && let Some(update) = to_publish(key, register)
        {
            self.publications.add_stored(update, value_before.as_ref());
        }
        self.record_stored(key, state, update, changed, ctx);
        changed
    }

    /// Sets a register, even to an older version.
    pub fn set(&mut self, key: KeyId, state: KeyState, ctx: &mut Context) {
        debug_assert!(matches!(state, KeyState::Register(_)), "only registers are rolled back");
        debug_assert!(ctx.node == self.node, "a member changes its own store");
        self.record_stored(key, &state, state.update(), true, ctx);
        self.states.insert(key, state);
    }

    /// Records its state of a key after it received a state.
    fn record_stored(
        &self,
        key: KeyId,
        received: &KeyState,
        update: Option<UpdateId>,
        changed: bool,
        ctx: &mut Context,
    ) {
        let node = self.node;
        if let KeyState::Register(register) = received {
            let (version, value) = (register.version, register.value.clone());
            let update = register.update.or(update);
            return ctx.record(Fact::ReplicaStored { update, node, key, version, value, changed });
        }
        if changed {
            let own = self.state(key);
            let (context, values) = (own.version_vector().unwrap_or_default(), own.siblings(&self.group.data));
            ctx.record(Fact::StateMerged { update, node, key, context, values });
        }
    }

    /// Records the scenario's initial state of a key that is not a register.
    pub fn record_initial(&self, key: KeyId, ctx: &mut Context) {
        let state = self.state(key);
        if state.version_vector().is_some() {
            self.record_stored(key, &state, None, true, ctx);
        }
    }

    /// Deletes the durable state.
    pub fn lose_disk(&mut self) {
        let origin = self.origin();
        debug_assert!(origin > 0, "origin 0 is that of the scenario's data");
        (self.states, self.versions) = Default::default();
        self.lost_disks += 1;
        debug_assert!(self.origin() > origin, "a member without its disk has a new identity");
    }
}

/// Returns the update to publish for a write; `None` for deletions, and for writes that an event requested.
fn to_publish(key: KeyId, register: &Register) -> Option<Update> {
    let metadata = register.metadata.as_ref().filter(|metadata| metadata.source.is_none())?;
    Some(published_update(register.update?, key, register.value.clone()?, register.version, metadata))
}

/// Returns the result of a read that found a state.
pub fn read_result(data: &Data, state: &KeyState) -> ReadResult {
    ReadResult {
        value: state.value(data),
        version: state.version(),
        origin: state.source_version().version,
        context: state.version_vector(),
    }
}

/// Records the result of a read.
pub fn record_read(operation: OperationId, node: NodeId, key: KeyId, result: &ReadResult, ctx: &mut Context) {
    let ReadResult { value, origin: version, context, .. } = result.clone();
    ctx.record(Fact::ReadServed { operation, node, key, version, value, context });
}

/// Sends a message within a group over a link.
pub fn send_over(
    link: LinkId,
    sender: NodeId,
    body: impl Into<MessageBody>,
    operation: Option<OperationId>,
    ctx: &mut Context,
) {
    let body = body.into();
    let about = About { update: body.update(), operation, attempt: 0 };
    ctx.send(link, Payload::Replica(Arc::new(ReplicaMessage { sender, body })), about);
}
