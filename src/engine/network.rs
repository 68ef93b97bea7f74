//! Links and the messages on them. What becomes of a message is decided when it would arrive.

mod wide;

use super::chance::{Sampler, Stream};
use super::message::{LinkId, Payload};
use crate::scenario::{Latency, Micros};
use crate::trace::{DropCause, MessageId, NodeId};
pub use wide::Unlisted;
use wide::Wide;

/// One direction of a link.
#[derive(Clone, Debug)]
pub struct Link {
    /// Who sends.
    pub from: NodeId,
    /// Who receives.
    pub to: NodeId,
    /// Whatever would arrive now is lost.
    pub cut: bool,
    fifo: bool,
    /// It is for one message alone.
    pub once: bool,
    latency: Sampler,
    delay: Stream,
    /// Where order is kept: nothing may arrive before this.
    last_due: Micros,
    /// Apart from the rest, since most links have none and the hot loop reads every link.
    flaws: Option<Box<Flaws>>,
}

/// What a link does to messages beside delaying them.
#[derive(Clone, Debug)]
struct Flaws {
    loss: f64,
    losses: Stream,
    duplicate: f64,
    duplicates: Stream,
    disturbance: Option<Disturbance>,
}

/// A fault that makes a link bad, beside its own settings. Its chance is its own, so that it changes nothing of what
/// the link would do without it.
#[derive(Clone, Debug)]
pub struct Disturbance {
    /// Chance of loss.
    pub loss: f64,
    /// Chance of a second delivery.
    pub duplicate: f64,
    /// How much longer each message is under way.
    pub delay: Option<Sampler>,
    /// Chance that a message is under way for a second latency, and out of order.
    pub reorder: f64,
    /// Its chance.
    pub stream: Stream,
}

/// What a link is made from.
#[derive(Clone, Debug)]
pub struct LinkPlan<'a> {
    /// Who sends, and its id in the document.
    pub from: (NodeId, &'a str),
    /// Who receives, and its id in the document.
    pub to: (NodeId, &'a str),
    /// How long a message is under way.
    pub latency: &'a Latency,
    /// Chance of loss.
    pub loss: f64,
    /// Chance of a second delivery.
    pub duplicate: f64,
    /// Whether order is kept.
    pub fifo: bool,
}

/// A message under way.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// The link that it is on.
    pub link: LinkId,
    /// What it carries.
    pub payload: Payload,
}

/// How many messages there were, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct MessageCounts {
    /// Sent by nodes.
    pub sent: u64,
    /// Second copies made by links.
    pub duplicated: u64,
    /// Arrived.
    pub delivered: u64,
    /// Lost by a link's loss probability.
    pub dropped_loss: u64,
    /// Lost because the link was disturbed on arrival.
    pub dropped_disturbance: u64,
    /// Lost because the link was cut on arrival.
    pub dropped_link_cut: u64,
    /// Lost because the receiver was down on arrival.
    pub dropped_receiver_down: u64,
    /// Under way.
    pub in_flight: u64,
}

impl MessageCounts {
    /// Message conservation: sent + duplicated = delivered + dropped + in flight.
    pub fn conserved(&self) -> bool {
        let dropped = self.dropped_loss + self.dropped_disturbance + self.dropped_link_cut + self.dropped_receiver_down;
        self.sent + self.duplicated == self.delivered + dropped + self.in_flight
    }
}

/// All links, and the messages on them in a table of slots that are used again.
#[derive(Clone, Debug, Default)]
pub struct Network {
    links: Vec<Link>,
    slots: Vec<Option<Message>>,
    free: Vec<u32>,
    counts: MessageCounts,
    seed: u64,
    wide: Wide,
}

/// A message's planned arrival.
#[derive(Clone, Copy, Debug)]
pub struct Departure {
    /// Its number.
    pub id: MessageId,
    /// Its slot.
    pub slot: u32,
    /// When it would arrive.
    pub due: Micros,
}

impl Network {
    /// Adds a link. Its streams are named after the two ids in the document.
    pub fn add(&mut self, seed: u64, plan: &LinkPlan) -> LinkId {
        let name = format!("{}->{}", plan.from.1, plan.to.1);
        self.links.push(Link {
            from: plan.from.0,
            to: plan.to.0,
            cut: false,
            fifo: plan.fifo,
            once: false,
            latency: Sampler::new(plan.latency),
            delay: Stream::named(seed, "latency", &name),
            last_due: 0,
            flaws: (plan.loss > 0.0 || plan.duplicate > 0.0).then(|| {
                Box::new(Flaws {
                    loss: plan.loss,
                    losses: Stream::named(seed, "loss", &name),
                    duplicate: plan.duplicate,
                    duplicates: Stream::named(seed, "duplicate", &name),
                    disturbance: None,
                })
            }),
        });
        self.seed = seed;
        LinkId(self.links.len() as u32 - 1)
    }

    /// A link.
    #[inline]
    pub fn link(&self, id: LinkId) -> &Link {
        &self.links[id.0 as usize]
    }

    /// A link, to cut or heal it.
    pub fn link_mut(&mut self, id: LinkId) -> &mut Link {
        &mut self.links[id.0 as usize]
    }

    /// The link between two nodes, of those that are there for good.
    pub fn find(&self, from: NodeId, to: NodeId) -> Option<LinkId> {
        self.links.iter().position(|link| link.from == from && link.to == to && !link.once).map(|i| LinkId(i as u32))
    }

    /// All links.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Makes a link bad, or ends that. `name` is `from->to`, by ids of the document. Whether anything changed.
    pub fn disturb(&mut self, id: LinkId, name: &str, disturbance: Option<Disturbance>) -> bool {
        let seed = self.seed;
        let flaws = &mut self.links[id.0 as usize].flaws;
        if disturbance.is_none() {
            return flaws.as_mut().is_some_and(|flaws| flaws.disturbance.take().is_some());
        }
        let none = || {
            let (losses, duplicates) = (Stream::named(seed, "loss", name), Stream::named(seed, "duplicate", name));
            Box::new(Flaws { loss: 0.0, losses, duplicate: 0.0, duplicates, disturbance: None })
        };
        flaws.get_or_insert_with(none).disturbance = disturbance;
        true
    }

    /// The stream of a link's disturbances.
    pub fn disturbance_stream(&self, name: &str) -> Stream {
        Stream::named(self.seed, "disturbance", name)
    }

    /// How many messages there were, and what became of them.
    pub fn counts(&self) -> MessageCounts {
        self.counts
    }

    /// Puts a message on a link.
    #[inline]
    pub fn send(&mut self, now: Micros, link: LinkId, payload: Payload) -> Departure {
        self.counts.sent += 1;
        let road = &mut self.links[link.0 as usize];
        let mut due = now + road.latency.draw(&mut road.delay);
        if road.flaws.is_some() {
            let (later, overtaken) = disturbed(road);
            due += later;
            if overtaken {
                return self.board(link, due, payload, false);
            }
        }
        self.board(link, due, payload, true)
    }

    /// Decides whether the link makes a second copy of a message that it was just given, and puts it on
    /// the link if so, with a delay of its own.
    #[inline]
    pub fn duplicate(&mut self, now: Micros, slot: u32) -> Option<Departure> {
        let message = self.slots[slot as usize].as_ref()?;
        let (link, road) = (message.link, &mut self.links[message.link.0 as usize]);
        let flaws = road.flaws.as_mut()?;
        let twice = flaws.duplicates.chance(flaws.duplicate);
        let disturbed = flaws.disturbance.as_mut().is_some_and(|fault| fault.stream.chance(fault.duplicate));
        if !twice && !disturbed {
            return None;
        }
        let due = now + road.latency.draw(&mut flaws.duplicates);
        let payload = message.payload.clone();
        self.counts.duplicated += 1;
        Some(self.board(link, due, payload, true))
    }

    #[inline]
    fn board(&mut self, link: LinkId, due: Micros, payload: Payload, in_order: bool) -> Departure {
        let road = &mut self.links[link.0 as usize];
        let due = if road.fifo && in_order { due.max(road.last_due) } else { due };
        if in_order {
            road.last_due = due;
        }
        let id = MessageId(self.counts.sent + self.counts.duplicated - 1);
        self.counts.in_flight += 1;
        let message = Some(Message { id, link, payload });
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = message;
            slot
        } else {
            self.slots.push(message);
            self.slots.len() as u32 - 1
        };
        Departure { id, slot, due }
    }

    /// Who would receive the message in a slot.
    pub fn receiver(&self, slot: u32) -> NodeId {
        let message = self.slots[slot as usize].as_ref().expect("an arrival names a message under way");
        self.links[message.link.0 as usize].to
    }

    /// Takes a message off its link at the instant at which it would arrive, and says whether it does:
    /// the link may lose it, or be cut; the caller says whether the receiver is up.
    #[inline]
    pub fn arrive(&mut self, slot: u32, is_up: impl FnOnce(NodeId) -> bool) -> (Message, Result<(), DropCause>) {
        let message = self.slots[slot as usize].take().expect("an arrival names a message under way");
        self.free.push(slot);
        self.counts.in_flight -= 1;
        let road = &mut self.links[message.link.0 as usize];
        // The number is taken first, so that a cut does not shift which later messages are lost.
        let lost = road.flaws.as_mut().is_some_and(|flaws| flaws.losses.chance(flaws.loss));
        let fault = road.flaws.as_mut().and_then(|flaws| flaws.disturbance.as_mut());
        let disturbed = fault.is_some_and(|fault| fault.stream.chance(fault.loss));
        let fate = if road.cut {
            self.counts.dropped_link_cut += 1;
            Err(DropCause::LinkCut)
        } else if lost {
            self.counts.dropped_loss += 1;
            Err(DropCause::Loss)
        } else if disturbed {
            self.counts.dropped_disturbance += 1;
            Err(DropCause::Disturbance)
        } else if !is_up(road.to) {
            self.counts.dropped_receiver_down += 1;
            Err(DropCause::ReceiverDown)
        } else {
            self.counts.delivered += 1;
            Ok(())
        };
        if road.once {
            self.release(message.link);
        }
        (message, fate)
    }
}

/// How much longer a disturbed link takes for its next message, and whether that message is out of order.
fn disturbed(road: &mut Link) -> (Micros, bool) {
    let Some(fault) = road.flaws.as_mut().and_then(|flaws| flaws.disturbance.as_mut()) else { return (0, false) };
    let delay = fault.delay.as_ref().map_or(0, |delay| delay.draw(&mut fault.stream));
    let overtaken = fault.stream.chance(fault.reorder);
    (delay + if overtaken { road.latency.draw(&mut fault.stream) } else { 0 }, overtaken)
}
