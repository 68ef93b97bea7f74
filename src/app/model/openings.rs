//! Every example opens at an instant that shows its point without reading.

use super::test_page::TestPage;
use super::*;
use crate::app::geometry::Rect;
use crate::scenario::examples::{self, Example};
use crate::scenario::{Promise, micros};
use crate::session::protocol::{CopyState, VerdictStatus};

/// Height of the canvas of a phone of 390 × 844 px with a caption of two lines and a timeline of four rows, px.
const PHONE_HEIGHT: f64 = 515.0;

/// Opens an example as the page does, and lets it look for verdicts.
fn opened(example: &Example, at_ms: f64) -> Model {
    opened_on(TestPage::new(), example, at_ms)
}

fn opened_on(mut page: TestPage, example: &Example, at_ms: f64) -> Model {
    let opening = Opening { at: micros(at_ms), ..Opening::own(example.scenario()).comparing() };
    page.update(Msg::Document(DocumentMsg::Open(Box::new(opening))));
    for second in 0..40 {
        page.update(Msg::Tick(f64::from(second) * 1000.0));
    }
    page.model
}

/// Returns the state of a service's copy of a key, as its card shows it.
fn state(model: &Model, service: &str, key: &str) -> Option<CopyState> {
    let service = &model.run.services[model.scene.find(service).expect("a card")];
    service.rows.iter().find(|row| row.key == key).map(|row| row.state)
}

#[test]
fn an_example_opens_when_what_it_ends_with_is_visible() {
    for example in examples::EXAMPLES {
        let (model, scenario) = (opened(example, f64::from(example.opens_at_ms)), example.scenario());
        for promise in &scenario.promises {
            let (service, key, expected) = match promise {
                Promise::Stale { service, key } => (service, key, CopyState::Stale),
                Promise::Diverged { service, key } => (service, key, CopyState::Diverged),
                Promise::Conflicted { service, key } => (service, key, CopyState::Conflicted),
                Promise::LostUpdates { count } => {
                    assert_eq!(u64::from(model.run.summary.lost), u64::from(*count), "{}", example.id);
                    continue;
                }
                _ => continue,
            };
            assert_eq!(state(&model, service, key), Some(expected), "{}: {key} at {service}", example.id);
        }
    }
}

/// The examples whose point is that all is well, and the first one, with which the visitor begins.
const QUIET: [&str; 7] = [
    "first-update",
    "retry-storm",
    "retry-storm-jitter",
    "cart-or-set",
    "oversold-strong",
    "quorum-write-back",
    "bank-transfer-strong",
];

#[test]
fn an_example_opens_with_trouble_in_sight_unless_its_point_is_that_there_is_none() {
    for example in examples::EXAMPLES {
        let model = opened(example, f64::from(example.opens_at_ms));
        let (run, summary) = (&model.run, &model.run.summary);
        let is_bad = summary.stale + summary.diverged + summary.conflicted + summary.lost + summary.down > 0
            || model.verdicts.violated().next().is_some()
            || model.verdicts.convergence() == Some(VerdictStatus::Violated);
        assert_eq!(is_bad, !QUIET.contains(&example.id), "{}: {summary:?}", example.id);
        // Not before anything has happened, and not after all is over.
        let is_begun = example.opens_at_ms == 0 || run.records > 0;
        assert!(is_begun && run.now < run.until, "{}: {} of {} µs", example.id, run.now, run.until);
    }
}

#[test]
fn the_two_branches_of_an_example_are_compared_as_it_opens() {
    let example = examples::find("before-and-after").expect("an example");
    let model = opened(example, f64::from(example.opens_at_ms));
    let compared = model.compared.as_ref().expect("the other branch");
    assert_eq!(compared.now, model.run.now);
    let states =
        |run: &crate::app::run_view::RunView| run.services.iter().map(|service| service.state).collect::<Vec<_>>();
    assert_ne!((states(compared), compared.summary.stale), (states(&model.run), model.run.summary.stale));
}

#[test]
fn reads_are_stale_where_the_caption_states_so() {
    for (id, client) in [("cassandra-hints", "Reader"), ("read-your-writes", "Dana"), ("simpledb-2010", "Readers")] {
        let example = examples::find(id).expect("an example");
        let model = opened(example, f64::from(example.opens_at_ms));
        let node = model.scene.nodes.iter().position(|node| &*node.name == client).expect("a client");
        let view = &model.run.clients[&(node as u32)];
        assert!(view.stale_reads > 0 && view.last.as_ref().is_some_and(|last| last.stale), "{id}: {view:?}");
    }
}

/// The examples with so many cards that a phone shows their column from its start.
const LONG: [&str; 5] = ["duplicate-delivery", "viewing-history", "feed-fan-out", "cassandra-hints", "raft-to-views"];

#[test]
fn the_trouble_of_an_example_is_in_sight_on_a_phone_unless_it_has_many_cards() {
    let mut hidden = Vec::new();
    for example in examples::EXAMPLES.iter().filter(|example| !QUIET.contains(&example.id)) {
        let mut page = TestPage::new();
        let canvas = (390.0, PHONE_HEIGHT);
        let sizes = Sizes { canvas, room: canvas, narrow: true, unit: 1.0, ..Sizes::default() };
        page.update(Msg::Viewport(ViewportMsg::Resized(sizes)));
        let model = opened_on(page, example, f64::from(example.opens_at_ms));
        let services = model.run.services.iter().zip(&model.scene.nodes);
        let cards = services.filter(|(service, _)| service.state != CopyState::Consistent);
        let in_sight = |rect: Rect| {
            let (start, end) = model.viewport.camera.corners(rect);
            start.x >= 0.0 && end.x <= canvas.0 && start.y >= 0.0 && end.y <= canvas.1
        };
        let seen: Vec<bool> = cards.map(|(_, node)| in_sight(node.rect)).collect();
        if !seen.is_empty() && !seen.contains(&true) {
            hidden.push(example.id);
        }
    }
    assert_eq!(hidden, LONG);
}
