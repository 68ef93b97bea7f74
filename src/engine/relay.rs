//! A relay: passes each token on to one of its peers, drawn uniformly. It is load without meaning, for
//! benchmarks and for tests of the network; scenarios cannot name it.

use super::chance::Stream;
use super::message::{About, LinkId, Payload};
use super::outbox::Outbox;

/// A relay at run time.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Links to its peers.
    pub peers: Vec<LinkId>,
    /// Which peer is next.
    pub choices: Stream,
}

impl Relay {
    /// A token arrived: pass it on.
    #[inline]
    pub fn on_token(&mut self, out: &mut Outbox) {
        let peer = self.peers[self.choices.below(self.peers.len() as u32) as usize];
        out.send(peer, Payload::Token, About::default());
    }
}
