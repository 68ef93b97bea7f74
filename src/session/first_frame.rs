//! The engine's first frame of the first scenario, recorded: the page opens with it, and loads the engine when the visitor
//! arrives. A test compares it with the engine's own answer, so it cannot become outdated.

use super::protocol::{Frame, decode};

/// Returns the recorded frame of the first scenario ([`crate::scenario::Scenario::first`]) before its first event.
pub fn first_frame() -> Frame {
    decode(include_bytes!("first_frame.postcard")).expect("the recorded frame is one of this version")
}
