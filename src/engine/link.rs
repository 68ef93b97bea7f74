//! One direction of a link: its delay, loss, duplication and disturbance.

use super::random::{Sampler, Stream};
use crate::scenario::{Latency, Micros};
use crate::trace::NodeId;

/// One direction of a link.
#[derive(Clone, Debug)]
pub struct Link {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// Whether messages that would arrive now are lost.
    pub cut: bool,
    /// Whether messages arrive in the order in which they were sent.
    pub fifo: bool,
    /// Whether the link carries a single message.
    pub is_ephemeral: bool,
    /// The distribution of delays.
    pub latency: Sampler,
    /// The random numbers of `latency`.
    pub delay: Stream,
    /// The time before which no later message arrives on a FIFO link.
    pub last_due: Micros,
    /// The faults; in a box, because few links have any and the hot loop reads every link.
    pub faults: Option<Box<LinkFaults>>,
}

/// Loss and duplication of messages on a link.
#[derive(Clone, Debug)]
pub struct LinkFaults {
    /// The probability of loss.
    pub loss: f64,
    /// The random numbers of `loss`.
    pub losses: Stream,
    /// The probability of a second delivery.
    pub duplicate: f64,
    /// The random numbers of `duplicate`, and of the delays of the copies.
    pub duplicates: Stream,
    /// The disturbance, while there is one.
    pub disturbance: Option<Disturbance>,
}

/// A temporary fault of a link. It has its own random numbers, so that it does not change what the link would do
/// without it.
#[derive(Clone, Debug)]
pub struct Disturbance {
    /// The probability of loss.
    pub loss: f64,
    /// The probability of a second delivery.
    pub duplicate: f64,
    /// The additional delay of each message.
    pub delay: Option<Sampler>,
    /// The probability that a message takes a second latency and may be overtaken.
    pub reorder: f64,
    /// The random numbers of all of these.
    pub stream: Stream,
}

/// The configuration of a link.
#[derive(Clone, Debug)]
pub struct LinkConfig<'a> {
    /// The sender, and its id in the scenario.
    pub from: (NodeId, &'a str),
    /// The receiver, and its id in the scenario.
    pub to: (NodeId, &'a str),
    /// The delay of a message.
    pub latency: &'a Latency,
    /// The probability of loss.
    pub loss: f64,
    /// The probability of a second delivery.
    pub duplicate: f64,
    /// Whether messages arrive in the order in which they were sent.
    pub fifo: bool,
}

impl LinkFaults {
    /// Returns faults that never happen. `name` is `from->to`, by ids of the scenario.
    pub fn none(seed: u64, name: &str) -> Self {
        let (losses, duplicates) = (Stream::named(seed, "loss", name), Stream::named(seed, "duplicate", name));
        LinkFaults { loss: 0.0, losses, duplicate: 0.0, duplicates, disturbance: None }
    }
}

impl Link {
    /// Returns a link whose random numbers are named after the ids of its two nodes.
    pub fn new(seed: u64, config: &LinkConfig) -> Self {
        let name = format!("{}->{}", config.from.1, config.to.1);
        let has_faults = config.loss > 0.0 || config.duplicate > 0.0;
        let faults = has_faults.then(|| {
            let none = LinkFaults::none(seed, &name);
            Box::new(LinkFaults { loss: config.loss, duplicate: config.duplicate, ..none })
        });
        Link {
            from: config.from.0,
            to: config.to.0,
            cut: false,
            fifo: config.fifo,
            is_ephemeral: false,
            latency: Sampler::new(config.latency),
            delay: Stream::named(seed, "latency", &name),
            last_due: 0,
            faults,
        }
    }

    /// Draws the additional delay of the next message on a disturbed link, and whether later messages may overtake it.
    pub fn draw_disturbance(&mut self) -> (Micros, bool) {
        debug_assert!(!self.is_ephemeral, "a link of the scenario is disturbed");
        let disturbance = self.faults.as_mut().and_then(|faults| faults.disturbance.as_mut());
        let Some(disturbance) = disturbance else { return (0, false) };
        let delay = disturbance.delay.as_ref().map_or(0, |delay| delay.draw(&mut disturbance.stream));
        let reordered = disturbance.stream.bernoulli(disturbance.reorder);
        debug_assert!((0.0..=1.0).contains(&disturbance.reorder), "the scenario is valid");
        let second = if reordered { self.latency.draw(&mut disturbance.stream) } else { 0 };
        (delay + second, reordered)
    }
}
