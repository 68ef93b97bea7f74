//! Links and the messages on them. Whether a message is lost is decided at the instant at which it would arrive.

mod ephemeral_links;

use super::link::{Disturbance, Link, LinkConfig, LinkFaults};
use super::message::{LinkId, Payload};
use super::random::Stream;
use crate::scenario::Micros;
use crate::trace::{DropCause, MessageId, NodeId};
use ephemeral_links::EphemeralLinks;
pub use ephemeral_links::UnlistedLinks;
use std::collections::{BTreeMap, BTreeSet};

/// A message in flight.
#[derive(Clone, Debug)]
pub struct Message {
    /// The message.
    pub id: MessageId,
    /// The link.
    pub link: LinkId,
    /// The content.
    pub payload: Payload,
    /// Whether the link made it as a duplicate of another message.
    pub is_duplicate: bool,
}

/// Numbers of messages by their fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct MessageCounts {
    /// Sent by nodes.
    pub sent: u64,
    /// Copies made by links.
    pub duplicated: u64,
    /// Delivered.
    pub delivered: u64,
    /// Lost by a link's loss probability.
    pub dropped_loss: u64,
    /// Lost because the link was disturbed on arrival.
    pub dropped_disturbance: u64,
    /// Lost because the link was cut on arrival.
    pub dropped_link_cut: u64,
    /// Lost because the receiver was down on arrival.
    pub dropped_receiver_down: u64,
    /// Messages in flight.
    pub in_flight: u64,
}

impl MessageCounts {
    /// Returns whether messages are conserved: sent + duplicated = delivered + dropped + in flight.
    pub fn conserved(&self) -> bool {
        let dropped = self.dropped_loss + self.dropped_disturbance + self.dropped_link_cut + self.dropped_receiver_down;
        self.sent + self.duplicated == self.delivered + dropped + self.in_flight
    }
}

/// All links, and the messages in flight in a table whose slots are reused.
#[derive(Clone, Debug, Default)]
pub struct Network {
    links: Vec<Link>,
    slots: Vec<Option<Message>>,
    free_slots: Vec<u32>,
    counts: MessageCounts,
    /// Elements of data in the messages in flight, see [`Payload::elements`].
    elements: u64,
    seed: u64,
    ephemeral_links: EphemeralLinks,
    /// The arrival time of the last message of a stream, by link.
    stream_due: BTreeMap<u32, Micros>,
}

/// The planned arrival of a message.
#[derive(Clone, Copy, Debug)]
pub struct PlannedArrival {
    /// The message.
    pub id: MessageId,
    /// Its slot.
    pub slot: u32,
    /// The time of arrival.
    pub due: Micros,
}

impl Network {
    /// Adds a link.
    pub fn add(&mut self, seed: u64, config: &LinkConfig) -> LinkId {
        debug_assert!(self.slots.is_empty(), "links are added before messages are sent");
        debug_assert!(self.links.is_empty() || self.seed == seed, "all links have the scenario's seed");
        self.links.push(Link::new(seed, config));
        self.seed = seed;
        LinkId(self.links.len() as u32 - 1)
    }

    /// Sets the properties of links that the scenario does not list.
    pub fn set_unlisted_links(&mut self, unlisted: UnlistedLinks) {
        self.ephemeral_links.set_unlisted(unlisted);
    }

    /// Returns a link.
    #[inline]
    pub fn link(&self, id: LinkId) -> &Link {
        &self.links[id.0 as usize]
    }

    /// Returns a link, to cut or heal it.
    pub fn link_mut(&mut self, id: LinkId) -> &mut Link {
        &mut self.links[id.0 as usize]
    }

    /// Returns the permanent link between two nodes.
    pub fn find(&self, from: NodeId, to: NodeId) -> Option<LinkId> {
        let is_wanted = |link: &Link| link.from == from && link.to == to && !link.is_ephemeral;
        self.links.iter().position(is_wanted).map(|index| LinkId(index as u32))
    }

    /// Returns the link for one message between two members of a large group: the permanent one, or a new ephemeral one.
    /// `ids` are their ids in the scenario.
    pub fn link_between(&mut self, now: Micros, from: NodeId, to: NodeId, ids: (&str, &str)) -> LinkId {
        self.ephemeral_links.link_between(&mut self.links, now, (from, to), ids)
    }

    /// Returns all links.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Cuts ephemeral links that are created from now on between the sides of a partition.
    pub fn partition(&mut self, sides: &[BTreeSet<NodeId>]) {
        self.ephemeral_links.partition(sides);
    }

    /// Ends all partitions.
    pub fn heal_partitions(&mut self) {
        self.ephemeral_links.heal_partitions();
    }

    /// Begins or ends the disturbance of a link, and returns whether that changed anything. `name` is `from->to`, by ids
    /// of the scenario.
    pub fn disturb(&mut self, id: LinkId, name: &str, disturbance: Option<Disturbance>) -> bool {
        debug_assert!(disturbance.is_none() || !self.link(id).is_ephemeral, "a link of the scenario is disturbed");
        let is_probability = |p: f64| (0.0..=1.0).contains(&p);
        debug_assert!(disturbance.as_ref().is_none_or(|disturbance| {
            [disturbance.loss, disturbance.duplicate, disturbance.reorder].into_iter().all(is_probability)
        }));
        let seed = self.seed;
        let faults = &mut self.links[id.0 as usize].faults;
        if disturbance.is_none() {
            return faults.as_mut().is_some_and(|faults| faults.disturbance.take().is_some());
        }
        faults.get_or_insert_with(|| Box::new(LinkFaults::none(seed, name))).disturbance = disturbance;
        true
    }

    /// Returns the random numbers for the disturbances of a link.
    pub fn disturbance_stream(&self, name: &str) -> Stream {
        Stream::named(self.seed, "disturbance", name)
    }

    /// Returns the numbers of messages by their fate.
    pub fn counts(&self) -> MessageCounts {
        self.counts
    }

    /// Returns the number of elements of data in the messages in flight.
    #[inline]
    pub fn elements_in_flight(&self) -> u64 {
        self.elements
    }

    /// Puts a message on a link.
    #[inline]
    pub fn send(&mut self, now: Micros, id: LinkId, payload: Payload) -> PlannedArrival {
        debug_assert!(self.counts.conserved(), "messages are conserved: {:?}", self.counts);
        self.counts.sent += 1;
        let link = &mut self.links[id.0 as usize];
        let mut due = now + link.latency.draw(&mut link.delay);
        let mut in_order = true;
        if link.faults.is_some() {
            let (delay, reordered) = link.draw_disturbance();
            due += delay;
            in_order = !reordered;
        }
        debug_assert!(due >= now, "no message arrives before it was sent");
        self.put_on_link(Message { id: self.newest_id(), link: id, payload, is_duplicate: false }, due, in_order)
    }

    /// Decides whether the link duplicates a message that was just sent. If so, puts the copy on the link, with its own
    /// delay.
    #[inline]
    pub fn duplicate(&mut self, now: Micros, slot: u32) -> Option<PlannedArrival> {
        let message = self.slots[slot as usize].as_ref()?;
        let id = message.link;
        let link = &mut self.links[id.0 as usize];
        let faults = link.faults.as_mut()?;
        // Both numbers are always drawn, so that a disturbance does not shift later draws.
        let by_link = faults.duplicates.bernoulli(faults.duplicate);
        let by_disturbance =
            faults.disturbance.as_mut().is_some_and(|disturbance| disturbance.stream.bernoulli(disturbance.duplicate));
        if !by_link && !by_disturbance {
            return None;
        }
        let due = now + link.latency.draw(&mut faults.duplicates);
        debug_assert!(due >= now, "no copy arrives before it was made");
        let payload = message.payload.clone();
        self.counts.duplicated += 1;
        debug_assert!(self.counts.duplicated <= self.counts.sent, "a message is duplicated at most once");
        Some(self.put_on_link(Message { id: self.newest_id(), link: id, payload, is_duplicate: true }, due, true))
    }

    /// Returns the id of the message that was counted last.
    #[inline]
    fn newest_id(&self) -> MessageId {
        MessageId(self.counts.sent + self.counts.duplicated - 1)
    }

    #[inline]
    fn put_on_link(&mut self, message: Message, due: Micros, in_order: bool) -> PlannedArrival {
        let id = message.id;
        let link = &mut self.links[message.link.0 as usize];
        let mut due = if link.fifo && in_order { due.max(link.last_due) } else { due };
        if in_order {
            link.last_due = due;
        }
        if message.payload.is_in_stream() {
            let last = self.stream_due.entry(message.link.0).or_default();
            due = due.max(*last);
            *last = due;
        }
        self.counts.in_flight += 1;
        self.elements += message.payload.elements();
        debug_assert!(self.counts.conserved(), "messages are conserved: {:?}", self.counts);
        let slot = if let Some(slot) = self.free_slots.pop() {
            debug_assert!(self.slots[slot as usize].is_none(), "a free slot is empty");
            self.slots[slot as usize] = Some(message);
            slot
        } else {
            self.slots.push(Some(message));
            self.slots.len() as u32 - 1
        };
        PlannedArrival { id, slot, due }
    }

    /// Returns the receiver of the message in a slot.
    pub fn receiver(&self, slot: u32) -> NodeId {
        let message = self.slots[slot as usize].as_ref().expect("an arrival refers to a message in flight");
        self.links[message.link.0 as usize].to
    }

    /// Takes a message off its link at its time of arrival, and returns whether it is delivered: the link may lose it or be
    /// cut, or the receiver may be down.
    #[inline]
    pub fn arrive(&mut self, slot: u32, is_up: impl FnOnce(NodeId) -> bool) -> (Message, Result<(), DropCause>) {
        debug_assert!(self.counts.in_flight > 0, "a message that arrives is in flight");
        let message = self.slots[slot as usize].take().expect("an arrival refers to a message in flight");
        self.free_slots.push(slot);
        self.counts.in_flight -= 1;
        self.elements -= message.payload.elements();
        let link = &mut self.links[message.link.0 as usize];
        // The numbers are drawn first, so that a cut does not shift which later messages are lost.
        let lost = link.faults.as_mut().is_some_and(|faults| faults.losses.bernoulli(faults.loss));
        let disturbance = link.faults.as_mut().and_then(|faults| faults.disturbance.as_mut());
        let disturbed = disturbance.is_some_and(|disturbance| disturbance.stream.bernoulli(disturbance.loss));
        let fate = if link.cut {
            self.counts.dropped_link_cut += 1;
            Err(DropCause::LinkCut)
        } else if lost {
            self.counts.dropped_loss += 1;
            Err(DropCause::Loss)
        } else if disturbed {
            self.counts.dropped_disturbance += 1;
            Err(DropCause::Disturbance)
        } else if !is_up(link.to) {
            self.counts.dropped_receiver_down += 1;
            Err(DropCause::ReceiverDown)
        } else {
            self.counts.delivered += 1;
            Ok(())
        };
        debug_assert!(self.counts.conserved(), "messages are conserved: {:?}", self.counts);
        debug_assert!(self.counts.in_flight > 0 || self.elements == 0, "only messages in flight contain data");
        if link.is_ephemeral {
            self.ephemeral_links.release(message.link);
        }
        (message, fate)
    }
}
