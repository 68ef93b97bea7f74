//! Some inputs of every target, with a fixed seed and a fresh one. `cargo xtask fuzz` checks many more.

use converge_fuzz::campaign::{Campaign, Observer};
use converge_fuzz::targets::ALL;
use std::sync::Mutex;

#[path = "../../tests/common/random.rs"]
#[allow(dead_code, unused_imports, unused_macros, reason = "only its fresh seed is used here")]
mod random;

/// The inputs of a target for each seed.
const INPUTS: u64 = 10_000;

/// The memory of an input is that of the process, so only one campaign runs at a time.
static ONE: Mutex<()> = Mutex::new(());

struct All;

impl Observer for All {
    fn begin(&mut self, _: &str) {}

    fn end(&mut self) -> bool {
        true
    }
}

fn check(name: &str, inputs: u64) {
    let _one = ONE.lock();
    let target = ALL.iter().find(|target| target.name == name).expect("a target");
    for seed in [0x5eed, random::fresh_seed()] {
        let mut campaign = Campaign::new(target, seed);
        campaign.run(inputs, &mut All);
        assert_eq!(campaign.findings, [], "seed {seed}");
        assert!(campaign.answers() > 20, "the inputs of {name} lead to {} kinds of answers", campaign.answers());
    }
}

#[test]
fn no_link_breaks_its_reader() {
    check("links", INPUTS);
}

#[test]
fn no_document_breaks_its_reader() {
    check("scenarios", INPUTS);
}

#[test]
fn no_message_breaks_an_embed() {
    check("messages", INPUTS / 10);
}

#[test]
fn no_history_breaks_its_reader() {
    check("histories", INPUTS);
}

#[test]
fn no_lesson_breaks_its_reader() {
    check("lessons", INPUTS);
}
