//! Writes: sent to all replicas, and acknowledged at the W-th acknowledgement.

use super::{Coordinator, PendingOperation, Phase, QuorumWrite};
use crate::engine::context::Context;
use crate::engine::replica::event_rules;
use crate::engine::replica::key_state::{KeyState, Register};
use crate::engine::replica::member::{Member, record_read};
use crate::engine::replica::messages::{QuorumMessage, WritePurpose};
use crate::engine::replica::request::{ClientRequest, OperationReply, Reply};
use crate::scenario::{Micros, Value, VersionClock};
use crate::trace::{Fact, Version, origin_of};
use std::sync::Arc;

impl Coordinator {
    /// Begins the write of a register. `read_version` is the newest version that the operation has read.
    pub(super) fn begin_register_write(
        &mut self,
        now: Micros,
        client: ClientRequest,
        value: Option<Value>,
        read_version: Version,
        mut local: Option<&mut Member>,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        debug_assert!(local.is_some() == self.own_index.is_some(), "a member has a store");
        let request = &client.request;
        let (key, operation, session_version) = (request.key, request.operation, request.token.version);
        let after = if self.config.write_back { read_version.max(session_version) } else { session_version };
        let replaces = local.as_deref().map_or(read_version, |member| read_version.max(member.state(key).version()));
        let clock = local.as_deref().map_or(now as i64, |member| member.clock(now));
        let origin = local.as_deref().map_or(origin_of(self.node, 0), Member::origin);
        let versions = local.as_deref_mut().map_or(&mut self.versions, |member| &mut member.versions);
        let carried = request.event.as_ref().and_then(event_rules::carried_version);
        let order = self.group.clock();
        let version = carried.unwrap_or_else(|| {
            let next = versions.next(order, clock, key, after, origin);
            if order == VersionClock::Wall { ctx.break_tie(key, next, value.as_ref(), after) } else { next }
        });
        debug_assert!(carried.is_some() || version > after, "a write is ordered after the version it depends on");
        let update = ctx.next_update();
        let metadata = local.as_deref().and_then(|member| member.write_metadata(now, request));
        let deleted_at = value.is_none().then_some(now);
        let register = Register { version, value: value.clone(), update: Some(update), metadata, deleted_at };
        if let Some(member) = local.as_deref_mut() {
            let before = member.value(key);
            member.note_coordinated(key, &register, before.as_ref());
        }
        self.group.place(key, ctx);
        ctx.record(Fact::WriteCoordinated { update, operation, node: self.node, key, version, value, clock, replaces });
        let write = QuorumWrite { state: Arc::new(KeyState::Register(register)), update, version };
        self.begin_write(now, client, write, local, ctx)
    }

    /// Begins the write of a key that is not a register: the coordinator changes its own state, and sends the result.
    pub(super) fn begin_state_write(
        &mut self,
        now: Micros,
        client: ClientRequest,
        local: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        debug_assert!(Some(local.index) == self.own_index, "a member has a store");
        debug_assert!(ctx.node == self.node, "a coordinator begins its own operations");
        let request = &client.request;
        let (key, operation) = (request.key, request.operation);
        let mut state = local.state(key);
        let change = state.execute(&self.group.data, local.origin(), &request.action, request.token.context.as_ref());
        let change = match change {
            Ok(change) => change,
            Err(cause) => return vec![client.refuse(cause)],
        };
        let (update, version) = (ctx.next_update(), Version::counted(change.dot.1, change.dot.0));
        let (node, value, clock, replaces) = (self.node, change.value, local.clock(now), Version::default());
        self.group.place(key, ctx);
        ctx.record(Fact::WriteCoordinated { update, operation, node, key, version, value, clock, replaces });
        self.begin_write(now, client, QuorumWrite { state: Arc::new(state), update, version }, Some(local), ctx)
    }

    fn begin_write(
        &mut self,
        now: Micros,
        client: ClientRequest,
        write: QuorumWrite,
        local: Option<&mut Member>,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        debug_assert!(local.is_some() == self.own_index.is_some(), "a member has a store");
        let (key, operation) = (client.request.key, client.request.operation);
        let preference_list = self.group.preference_list(key, ctx);
        let replicas = preference_list[..self.group.replicas].to_vec();
        let stand_ins = self.stand_ins(&preference_list);
        let number = self.next_request();
        let pending = PendingOperation {
            client,
            preference_list,
            phase: Phase::Writing(write.clone()),
            contacted: replicas.clone(),
            responses: Vec::new(),
            needed: self.config.write as usize,
            has_replied: false,
            stand_ins: Vec::new(),
        };
        debug_assert!(pending.needed <= replicas.len(), "W is at most N");
        self.pending.insert(number, pending);
        let QuorumWrite { state, update, .. } = write;
        for &replica in replicas.iter().filter(|replica| Some(**replica) != self.own_index) {
            let (state, purpose) = (state.clone(), WritePurpose::Operation);
            let message = QuorumMessage::Write { request: Some(number), key, state, update: Some(update), purpose };
            self.send(replica, message, Some(operation), ctx);
        }
        let mut replies = self.write_to_stand_ins(now, number, &stand_ins, ctx);
        if let (Some(own), Some(member)) = (self.own_index.filter(|own| replicas.contains(own)), local) {
            member.merge(key, &state, Some(update), ctx);
            replies.extend(self.on_write_ack(number, own, ctx));
        }
        replies
    }

    /// Asks members to keep a write as hints for replicas, and waits for their acknowledgements.
    pub(super) fn write_to_stand_ins(
        &mut self,
        now: Micros,
        number: u32,
        stand_ins: &[(usize, usize)],
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        debug_assert!(stand_ins.iter().all(|(stand_in, replica)| stand_in != replica), "others stand in for a replica");
        let Some(pending) = self.pending.get_mut(&number) else { return Vec::new() };
        let Phase::Writing(QuorumWrite { state, update, .. }) = pending.phase.clone() else { return Vec::new() };
        let (key, operation) = (pending.client.request.key, pending.client.request.operation);
        debug_assert!(
            stand_ins.iter().all(|(stand_in, _)| !pending.contacted.contains(stand_in)),
            "a member is contacted once"
        );
        pending.contacted.extend(stand_ins.iter().map(|(stand_in, _)| *stand_in));
        pending.stand_ins.extend(stand_ins);
        for (stand_in, replica) in stand_ins.iter().filter(|(stand_in, _)| Some(*stand_in) != self.own_index) {
            let purpose = WritePurpose::Hint(self.group.members[*replica]);
            let (state, update) = (state.clone(), Some(update));
            let message = QuorumMessage::Write { request: Some(number), key, state, update, purpose };
            self.send(*stand_in, message, Some(operation), ctx);
        }
        self.set_timeout(now, number, ctx);
        let own = stand_ins.iter().find(|(stand_in, _)| Some(*stand_in) == self.own_index);
        let Some((own, replica)) = own.copied() else { return Vec::new() };
        self.keep_hint(now, replica, key, state, Some(update), ctx);
        self.on_write_ack(number, own, ctx)
    }

    /// Handles a member's acknowledgement.
    pub fn on_write_ack(&mut self, number: u32, from: usize, ctx: &mut Context) -> Vec<OperationReply> {
        debug_assert!(number < self.next_request, "the acknowledgement is of a request of this coordinator");
        self.on_sign_of_life(from);
        let Some(pending) = self.pending.get_mut(&number) else { return Vec::new() };
        if pending.has_response_of(from) {
            return Vec::new();
        }
        let reply = match &pending.phase {
            Phase::Writing(write) => Reply::Written(write.update, write.version),
            Phase::WritingBack(result) => Reply::Read(result.clone()),
            Phase::Reading | Phase::ReadingForUpdate => unreachable!("a read is not acknowledged"),
        };
        pending.responses.push((from, None));
        debug_assert!(pending.responses.len() <= pending.contacted.len(), "only contacted members respond");
        let replies = !pending.has_replied && pending.responses.len() >= pending.needed;
        pending.has_replied |= replies;
        let (is_complete, client) = (pending.has_all_responses(), pending.client.clone());
        if is_complete {
            self.pending.remove(&number);
        }
        if !replies {
            return Vec::new();
        }
        if let Reply::Read(result) = &reply {
            record_read(client.request.operation, self.node, client.request.key, result, ctx);
        }
        vec![client.reply(reply)]
    }
}
