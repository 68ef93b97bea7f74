//! What not every scenario has: clients, members of replica groups, transactions of services, sessions of readers, brokers,
//! faults. The engine reaches them through what stands here alone, so that the page fetches their code when a scenario first
//! needs it.

use super::Engine;
use super::build::Builder;
use super::bus::Bus;
use super::handling::Handling;
use super::message::{Heartbeat, LinkId, Payload, Publication, Request};
use super::outbox::Outbox;
use super::queue::Timer;
use super::replica::Group;
use super::replica::raft::View;
use super::service::{TOGETHER, Together};
use crate::scenario::{Command, Micros, ScenarioError};
use crate::trace::KeyId;
use std::fmt::Debug;
use std::sync::Arc;

/// A client, or a member of a group.
pub trait Actor: Debug + Send + Sync {
    /// Sets its first timers.
    fn start(&mut self, now: Micros, out: &mut Outbox);

    /// A message arrived over the link whose other direction is `back`.
    fn on_message(&mut self, now: Micros, payload: Payload, back: Option<LinkId>, out: &mut Outbox);

    /// A timer ran out; if its reason is gone, nothing happens.
    fn on_timer(&mut self, now: Micros, timer: Timer, out: &mut Outbox);

    /// Workers that are busy, work that waits, and operations under way.
    fn load(&self) -> (u32, u32, u32);

    /// The same once more, for a snapshot.
    fn copy(&self) -> Box<dyn Actor>;
}

/// A member of a replica group.
pub trait Replicates: Actor {
    /// Whether it runs.
    fn is_up(&self) -> bool;

    /// The person at the page asks it on the spot.
    fn on_person(&mut self, now: Micros, request: Request, out: &mut Outbox);

    /// Stops at once. What is under way is gone; the person whose request it was cannot know how it ended.
    fn crash(&mut self, lose_disk: bool, out: &mut Outbox);

    /// Starts again with what the disk holds.
    fn restart(&mut self, now: Micros, out: &mut Outbox);

    /// Makes its work take so many times as long as configured.
    fn slow_down(&mut self, factor: f64, out: &mut Outbox);

    /// Sets its clock: offset in µs, drift in parts in a million.
    fn set_clock(&mut self, now: Micros, offset: i64, drift_ppm: f64, out: &mut Outbox);

    /// How far its clock is ahead of true time, µs; negative if it is behind.
    fn clock_ahead(&self, now: Micros) -> i64;

    /// Moves its clock, µs.
    fn jump_clock(&mut self, now: Micros, by: i64, out: &mut Outbox);

    /// Says where a key's replicas are, if that was not said yet.
    fn place(&self, key: KeyId, out: &mut Outbox);

    /// Records what stood in the document, of data without a total order.
    fn tell_seed(&self, key: KeyId, out: &mut Outbox);

    /// What a Raft member's durable and volatile state is, for the five safety properties.
    fn raft(&self) -> Option<View<'_>>;

    /// The same once more, for a snapshot.
    fn copy_member(&self) -> Box<dyn Replicates>;
}

impl Clone for Box<dyn Actor> {
    fn clone(&self) -> Self {
        self.copy()
    }
}

impl Clone for Box<dyn Replicates> {
    fn clone(&self) -> Self {
        self.copy_member()
    }
}

/// What buses and consumers do for readers with sessions, and buses whose events several brokers keep.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// A bus: a reader's heartbeat came over the link whose other direction is given.
    pub(super) heartbeat: fn(&mut Bus, Micros, &Heartbeat, LinkId, &mut Outbox),
    /// A bus: the session of a subscription may be over.
    pub(super) session: fn(&mut Bus, Micros, u32, &mut Outbox),
    /// A bus: the broker that leads takes a publication in, for a publisher on the link that is given.
    pub(super) append: fn(&mut Bus, Micros, &Publication, Option<LinkId>, &mut Outbox),
    /// A bus: a timer of its brokers ran out.
    pub(super) broker: fn(&mut Bus, Micros, u32, &mut Outbox),
    /// A consumer.
    pub(super) reading: Reading,
}

/// What a consumer does whose readers have sessions.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// A handler's reader is to say that it is there.
    pub(super) beat: fn(&mut Handling, Micros, usize, &mut Outbox),
    /// A handler's reader joins its group anew.
    pub(super) rejoin: fn(&mut Handling, Micros, usize, &mut Outbox),
    /// A handler's reader goes on.
    pub(super) poll: fn(&mut Handling, Micros, u32, &mut Outbox),
}

/// The groups of a scenario.
type Groups = [Arc<Group>];

/// All of them. Whoever names [`Repertoire::new`] brings their code along.
#[derive(Clone, Copy, Debug)]
pub struct Repertoire {
    /// A service, by its place in the document, that is a member of a group.
    pub(super) member: fn(&mut Builder<'_>, usize, &Arc<Group>) -> Box<dyn Replicates>,
    /// A client, by its place in the document.
    pub(super) client: fn(&Builder<'_>, usize, &Groups) -> Box<dyn Actor>,
    /// Checks what such a command sets.
    pub(super) check: fn(&Command) -> Result<(), Vec<ScenarioError>>,
    /// What a service needs that commits with others, or asks others for writes of their own.
    pub(super) together: Together,
    /// Carries out a command that is a fault or its cure.
    pub(super) fault: fn(&mut Engine, &Command),
    /// Sessions and brokers.
    pub(super) keeping: Keeping,
}

impl Repertoire {
    /// Knows all of them.
    pub fn new() -> Self {
        Repertoire {
            member: |builder, index, group| builder.member(index, group),
            client: |builder, index, groups| builder.client(index, groups),
            check: Command::check,
            together: TOGETHER,
            fault: Engine::carry_out_fault,
            keeping: Keeping {
                heartbeat: Bus::on_heartbeat,
                session: Bus::on_session,
                append: Bus::append,
                broker: Bus::on_broker,
                reading: Reading { beat: Handling::beat, rejoin: Handling::rejoin, poll: Handling::poll },
            },
        }
    }
}

impl Default for Repertoire {
    fn default() -> Self {
        Repertoire::new()
    }
}
