//! Reads: sent to all replicas, and answered at the R-th response; then read repair.

use super::{Coordinator, PendingOperation, Phase};
use crate::engine::context::Context;
use crate::engine::replica::key_state::KeyState;
use crate::engine::replica::key_state::operations::register_after;
use crate::engine::replica::member::{Member, read_result, record_read};
use crate::engine::replica::messages::{QuorumMessage, WritePurpose};
use crate::engine::replica::request::{ClientRequest, OperationReply, Reply};
use crate::scenario::{Data, Micros, ReadRepair};
use std::sync::Arc;

impl Coordinator {
    /// Begins a read, or the read of an operation that changes the value.
    pub(super) fn begin_read(
        &mut self,
        now: Micros,
        client: ClientRequest,
        phase: Phase,
        local: Option<&mut Member>,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        debug_assert!(local.is_some() == self.own_index.is_some(), "a member has a store");
        let (key, operation) = (client.request.key, client.request.operation);
        let preference_list = self.group.preference_list(key, ctx);
        let number = self.next_request();
        let mut contacted: Vec<usize> = preference_list[..self.group.replicas].to_vec();
        let stand_ins = self.stand_ins(&preference_list);
        for &replica in contacted.iter().filter(|replica| Some(**replica) != self.own_index) {
            let message = QuorumMessage::Read { request: number, key, stand_in_for: None };
            self.send(replica, message, Some(operation), ctx);
        }
        for (stand_in, replica) in stand_ins.iter().filter(|(stand_in, _)| Some(*stand_in) != self.own_index) {
            let stand_in_for = Some(self.group.members[*replica]);
            self.send(*stand_in, QuorumMessage::Read { request: number, key, stand_in_for }, Some(operation), ctx);
            contacted.push(*stand_in);
        }
        let own = self.own_index.filter(|own| contacted.contains(own));
        let needed = self.config.read as usize;
        let (responses, has_replied) = (Vec::new(), false);
        let pending =
            PendingOperation { client, preference_list, phase, contacted, responses, needed, has_replied, stand_ins };
        debug_assert!(pending.needed <= self.group.replicas, "R is at most N");
        self.pending.insert(number, pending);
        self.set_timeout(now, number, ctx);
        match (own, local) {
            (Some(own), Some(member)) => {
                let state = Arc::new(member.state(key));
                self.on_read_reply(now, number, own, state, Some(member), ctx)
            }
            (Some(_) | None, _) => Vec::new(),
        }
    }

    /// Handles a member's response to a read.
    pub fn on_read_reply(
        &mut self,
        now: Micros,
        number: u32,
        from: usize,
        state: Arc<KeyState>,
        local: Option<&mut Member>,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        debug_assert!(number < self.next_request, "the response is to a request of this coordinator");
        self.on_sign_of_life(from);
        let Some(pending) = self.pending.get_mut(&number) else { return Vec::new() };
        let is_reading = match pending.phase {
            Phase::Reading | Phase::ReadingForUpdate => true,
            Phase::Writing(_) | Phase::WritingBack(_) => false,
        };
        if !is_reading || pending.has_response_of(from) {
            return Vec::new();
        }
        pending.responses.push((from, Some(state)));
        debug_assert!(pending.responses.len() <= pending.contacted.len(), "only contacted members respond");
        if pending.responses.len() == pending.needed && !pending.has_replied {
            return self.conclude_read(now, number, local, ctx);
        }
        if pending.has_all_responses() && pending.has_replied {
            self.finish_read(number, local, ctx);
        }
        Vec::new()
    }

    /// Handles the R-th response: replies, writes back, or continues with the write.
    fn conclude_read(
        &mut self,
        now: Micros,
        number: u32,
        mut local: Option<&mut Member>,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        let Some(pending) = self.pending.get_mut(&number) else { return Vec::new() };
        debug_assert!(!pending.has_replied, "an operation has one reply");
        debug_assert!(pending.responses.len() == pending.needed, "R members have responded");
        let client = pending.client.clone();
        let (key, operation) = (client.request.key, client.request.operation);
        let newest = Arc::new(merge_responses(&self.group.data, pending));
        let versions = local.as_deref_mut().map_or(&mut self.versions, |member| &mut member.versions);
        versions.observe(self.group.clock(), key, newest.version());
        if matches!(pending.phase, Phase::ReadingForUpdate) {
            self.pending.remove(&number);
            let present = newest.value(&self.group.data);
            return match register_after(present.as_ref(), &client.request.action) {
                Err(cause) => vec![client.refuse(cause)],
                Ok(value) => self.begin_register_write(now, client, value, newest.version(), local, ctx),
            };
        }
        let result = read_result(&self.group.data, &newest);
        let write_back_to: Vec<usize> = match (self.config.write_back, self.config.read_repair) {
            (true, _) => pending.preference_list[..self.group.replicas].to_vec(),
            (false, ReadRepair::Blocking) => stale_members(pending, &newest),
            (false, ReadRepair::None | ReadRepair::Async) => Vec::new(),
        };
        // An absent key is not written back.
        if write_back_to.is_empty() || *newest == KeyState::empty(&self.group.data) {
            pending.has_replied = true;
            let is_complete = pending.has_all_responses();
            record_read(operation, self.node, key, &result, ctx);
            if is_complete {
                self.finish_read(number, local, ctx);
            }
            return vec![client.reply(Reply::Read(result))];
        }
        pending.needed = if self.config.write_back { self.config.write as usize } else { write_back_to.len() };
        pending.phase = Phase::WritingBack(result);
        (pending.contacted, pending.responses) = (write_back_to.clone(), Vec::new());
        let update = newest.update();
        for &replica in write_back_to.iter().filter(|replica| Some(**replica) != self.own_index) {
            let (state, purpose) = (newest.clone(), WritePurpose::Repair);
            let message = QuorumMessage::Write { request: Some(number), key, state, update, purpose };
            self.send(replica, message, Some(operation), ctx);
        }
        match (self.own_index.filter(|own| write_back_to.contains(own)), local) {
            (Some(own), Some(member)) => {
                member.merge(key, &newest, update, ctx);
                self.on_write_ack(number, own, ctx)
            }
            (Some(_) | None, _) => Vec::new(),
        }
    }

    /// Ends a read that was answered; asynchronous read repair sends the newest state to all members that responded
    /// with an older one.
    pub(super) fn finish_read(&mut self, number: u32, mut local: Option<&mut Member>, ctx: &mut Context) {
        debug_assert!(local.is_some() == self.own_index.is_some(), "a member has a store");
        let Some(pending) = self.pending.remove(&number) else { return };
        debug_assert!(pending.has_replied, "the reply comes before the repair");
        if self.config.read_repair != ReadRepair::Async {
            return;
        }
        let newest = Arc::new(merge_responses(&self.group.data, &pending));
        let (key, update, operation) = (pending.client.request.key, newest.update(), pending.client.request.operation);
        for member in stale_members(&pending, &newest) {
            if Some(member) == self.own_index {
                if let Some(local) = local.as_deref_mut() {
                    local.merge(key, &newest, update, ctx);
                }
            } else {
                let (state, purpose) = (newest.clone(), WritePurpose::Repair);
                let message = QuorumMessage::Write { request: None, key, state, update, purpose };
                self.send(member, message, Some(operation), ctx);
            }
        }
    }
}

/// Returns the merge of all states in the responses.
fn merge_responses(data: &Data, pending: &PendingOperation) -> KeyState {
    let mut newest = KeyState::empty(data);
    for state in pending.responses.iter().filter_map(|(_, state)| state.as_ref()) {
        newest.merge(state);
    }
    newest
}

/// Returns the members whose responses miss updates that the newest state includes.
fn stale_members(pending: &PendingOperation, newest: &KeyState) -> Vec<usize> {
    let is_stale = |state: &Option<Arc<KeyState>>| state.as_ref().is_some_and(|state| !state.includes(newest));
    pending.responses.iter().filter(|(_, state)| is_stale(state)).map(|(member, _)| *member).collect()
}
