//! Gossip, or epidemic replication (Demers et al. 1987): the member that receives a write stores it and replies at once.
//! In each round members exchange states with random others (push, pull, push-pull), or spread rumors.
//!
//! With a constant interval the rounds of all members begin together, and every exchange of a round carries the states
//! from its beginning.

use super::event_rules;
use super::key_state::operations::register_after;
use super::key_state::{KeyState, Register};
use super::member::Member;
use super::messages::GossipMessage;
use super::request::{ClientRequest, OperationReply, Reply};
use crate::engine::context::Context;
use crate::engine::message::Request;
use crate::engine::queue::Timer;
use crate::engine::random::{Sampler, Stream};
use crate::scenario::{Gossip as GossipConfig, GossipStyle, Latency, Micros, Operation, Value, VersionClock};
use crate::trace::{Fact, KeyId, Refusal, UpdateId, Version};
use std::collections::BTreeMap;
use std::sync::Arc;

type States = Arc<Vec<(KeyId, Arc<KeyState>)>>;

/// A rumor that a member still spreads.
#[derive(Clone, Debug)]
struct HotRumor {
    key: KeyId,
    state: Arc<KeyState>,
    /// Consecutive contacts that already knew the rumor.
    unnecessary_contacts: u32,
}

/// A synchronous round.
#[derive(Clone, Debug, Default)]
struct Round {
    began_at: Micros,
    /// The states at the beginning.
    states: States,
}

/// A write that a member executed.
struct ExecutedWrite {
    state: KeyState,
    version: Version,
    value: Option<Value>,
}

/// The gossip state of a member.
#[derive(Clone, Debug)]
pub struct Gossip {
    style: GossipStyle,
    interval: Sampler,
    random: Stream,
    fan_out: u32,
    /// The current round; `None` unless rounds are synchronous.
    round: Option<Round>,
    hot_rumors: BTreeMap<UpdateId, HotRumor>,
    /// When each rumor was first received. Durable.
    known_rumors: BTreeMap<UpdateId, Micros>,
    /// Counts restarts, so that a timer set before a crash is ignored.
    incarnation: u32,
}

impl Gossip {
    /// Returns a member that has nothing to spread.
    pub fn new(config: &GossipConfig, random: Stream) -> Self {
        Gossip {
            style: config.style,
            interval: Sampler::new(&config.every),
            random,
            fan_out: config.fan_out,
            round: matches!(config.every, Latency::Constant { .. }).then(Round::default),
            hot_rumors: BTreeMap::new(),
            known_rumors: BTreeMap::new(),
            incarnation: 0,
        }
    }

    /// Starts or restarts the member's rounds.
    pub fn start(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(self.hot_rumors.is_empty(), "a crash forgets the rumors that a member spreads");
        debug_assert!(now == ctx.now, "a member starts now");
        self.incarnation += 1;
        self.schedule_round(now, ctx);
    }

    fn schedule_round(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(self.incarnation > 0, "a member has started");
        let interval = self.interval.draw(&mut self.random).max(1);
        // Synchronous rounds stay synchronous after a restart.
        let at = if self.round.is_some() { (now / interval + 1) * interval } else { now + interval };
        debug_assert!(at > now, "the next round is in the future");
        ctx.wake(at, Timer::Protocol(self.incarnation));
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self) {
        assert!(self.hot_rumors.len() <= self.known_rumors.len(), "a member spreads rumors that it knows");
        assert!(self.incarnation > 0, "a member has started");
    }

    /// Stops spreading rumors. If the disk is lost, the member also forgets which rumors it knew.
    pub fn crash(&mut self, lose_disk: bool) {
        debug_assert!(self.hot_rumors.len() <= self.known_rumors.len(), "a member spreads rumors that it knows");
        debug_assert!(self.incarnation > 0, "a member has started");
        self.hot_rumors.clear();
        if lose_disk {
            self.known_rumors.clear();
        }
    }

    /// Executes a client's request on the member's own store.
    pub fn execute(
        &mut self,
        now: Micros,
        client: &ClientRequest,
        member: &mut Member,
        ctx: &mut Context,
    ) -> OperationReply {
        ctx.assert_handler(member.node, now);
        if client.is_read() {
            return member.read(client, ctx);
        }
        let (key, operation) = (client.request.key, client.request.operation);
        member.group.place(key, ctx);
        let ExecutedWrite { mut state, version, value } = match execute_write(now, &client.request, member, ctx) {
            Ok(write) => write,
            Err(cause) => return client.refuse(cause),
        };
        let (replaces, before) = (member.state(key).version(), member.value(key));
        let update = ctx.next_update();
        let (node, clock) = (member.node, member.clock(now));
        ctx.record(Fact::WriteCoordinated { update, operation, node, key, version, value, clock, replaces });
        if let KeyState::Register(register) = &mut state {
            register.update = Some(update);
            member.note_coordinated(key, register, before.as_ref());
        }
        member.merge(key, &state, Some(update), ctx);
        self.add_rumor(now, update, key, Arc::new(state));
        client.reply(Reply::Written(update, version))
    }

    fn add_rumor(&mut self, now: Micros, update: UpdateId, key: KeyId, state: Arc<KeyState>) {
        if matches!(self.style, GossipStyle::Rumor { .. }) {
            let is_known = self.known_rumors.insert(update, now).is_some();
            let rumor = HotRumor { key, state, unnecessary_contacts: 0 };
            let is_spread = self.hot_rumors.insert(update, rumor).is_some();
            debug_assert!(!is_known, "a rumor is new once");
            debug_assert!(!is_spread, "a member spreads rumors that it knows");
        }
    }

    /// Begins a round: contacts random members.
    pub fn on_timer(&mut self, now: Micros, number: u32, member: &Member, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a timer is handled when it expires");
        debug_assert!(number <= self.incarnation, "only timers that were set fire");
        if number != self.incarnation {
            return;
        }
        if let Some(round) = &mut self.round {
            *round = Round { began_at: now, states: Arc::new(member.all_states()) };
        }
        let others = member.group.members.len() as u32 - 1;
        for _ in 0..self.fan_out.min(others) {
            let peer = self.random.below(others) as usize;
            let peer = if peer >= member.index { peer + 1 } else { peer };
            self.contact(peer, member, ctx);
        }
        self.schedule_round(now, ctx);
    }

    fn contact(&self, peer: usize, member: &Member, ctx: &mut Context) {
        debug_assert!(peer != member.index, "a member contacts others");
        let states = self.states(member);
        match self.style {
            GossipStyle::Push if states.is_empty() => {}
            GossipStyle::Push => {
                member.send(peer, GossipMessage::Push { states, reply_requested: false }, None, ctx);
            }
            GossipStyle::Pull => member.send(peer, GossipMessage::Pull, None, ctx),
            GossipStyle::PushPull => {
                member.send(peer, GossipMessage::Push { states, reply_requested: true }, None, ctx);
            }
            GossipStyle::Rumor { .. } => {
                for (update, rumor) in &self.hot_rumors {
                    let (update, key, state) = (*update, rumor.key, rumor.state.clone());
                    member.send(peer, GossipMessage::Rumor { update, key, state }, None, ctx);
                }
            }
        }
    }

    /// Returns the states that an exchange carries.
    fn states(&self, member: &Member) -> States {
        match &self.round {
            Some(round) => round.states.clone(),
            None => Arc::new(member.all_states()),
        }
    }

    /// Handles a message from another member.
    pub fn on_message(
        &mut self,
        now: Micros,
        from: usize,
        message: &GossipMessage,
        member: &mut Member,
        ctx: &mut Context,
    ) {
        ctx.assert_handler(member.node, now);
        debug_assert!(from != member.index, "a member contacts others");
        match message {
            GossipMessage::Push { states, reply_requested } => {
                if *reply_requested {
                    let own = self.states(member);
                    member.send(from, GossipMessage::Push { states: own, reply_requested: false }, None, ctx);
                }
                for (key, state) in states.iter() {
                    // States that are already included are not recorded.
                    if !member.state(*key).includes(state) {
                        member.merge(*key, state, None, ctx);
                    }
                }
            }
            GossipMessage::Pull => {
                let states = self.states(member);
                member.send(from, GossipMessage::Push { states, reply_requested: false }, None, ctx);
            }
            GossipMessage::Rumor { update, key, state } => {
                let known_since = self.known_rumors.get(update).copied();
                // In a synchronous round a rumor counts as known if it was known at the beginning.
                let already_known =
                    known_since.is_some_and(|at| self.round.as_ref().is_none_or(|round| at < round.began_at));
                if known_since.is_none() {
                    member.merge(*key, state, Some(*update), ctx);
                    self.add_rumor(now, *update, *key, state.clone());
                }
                member.send(from, GossipMessage::Feedback { update: *update, already_known }, None, ctx);
            }
            GossipMessage::Feedback { update, already_known } => self.on_feedback(*update, *already_known),
        }
    }

    /// Loses interest in a rumor after several unnecessary contacts (Demers et al. 1987, 1.4: feedback and counter).
    fn on_feedback(&mut self, update: UpdateId, already_known: bool) {
        let GossipStyle::Rumor { lose_interest_after } = self.style else { return };
        let Some(rumor) = self.hot_rumors.get_mut(&update) else { return };
        debug_assert!(rumor.unnecessary_contacts < lose_interest_after, "a member spreads what it is interested in");
        debug_assert!(self.known_rumors.contains_key(&update), "a member knows the rumors that it spreads");
        rumor.unnecessary_contacts = if already_known { rumor.unnecessary_contacts + 1 } else { 0 };
        if rumor.unnecessary_contacts >= lose_interest_after {
            self.hot_rumors.remove(&update);
        }
    }
}

/// Executes a write on the member's state of the key, without storing the result.
///
/// # Errors
/// Returns why the protocol does not offer the operation, or why it does not fit the key's value.
fn execute_write(
    now: Micros,
    request: &Request,
    member: &mut Member,
    ctx: &mut Context,
) -> Result<ExecutedWrite, Refusal> {
    ctx.assert_handler(member.node, now);
    let (key, origin) = (request.key, member.origin());
    let mut state = member.state(key);
    let (version, value) = match (&mut state, &request.action) {
        (KeyState::Register(_), Operation::CompareAndSet { .. }) => return Err(Refusal::NotOffered),
        (KeyState::Register(register), action) => {
            let value = register_after(register.value.as_ref(), action)?;
            let (clock, reading) = (member.group.clock(), member.clock(now));
            let carried = request.event.as_ref().and_then(event_rules::carried_version);
            let after = request.token.version;
            let version = carried.unwrap_or_else(|| {
                let next = member.versions.next(clock, reading, key, after, origin);
                if clock == VersionClock::Wall { ctx.break_tie(key, next, value.as_ref(), after) } else { next }
            });
            let metadata = member.write_metadata(now, request);
            *register = Register { version, value: value.clone(), update: None, metadata, deleted_at: None };
            (version, value)
        }
        (KeyState::Dotted(_) | KeyState::Counter(_) | KeyState::Sequence(_), action) => {
            let change = state.execute(&member.group.data, origin, action, request.token.context.as_ref())?;
            (Version::counted(change.dot.1, change.dot.0), change.value)
        }
    };
    Ok(ExecutedWrite { state, version, value })
}
