//! Every example is legible: measured on the scene, as the page shows it when it opens.

use super::{Layout, Scene};
use crate::app::camera::Camera;
use crate::app::detail::{Detail, Level, SMALLEST};
use crate::app::geometry::Rect;
use crate::scenario::{Scenario, examples};
use std::collections::BTreeMap;

/// The canvas of a window of 1280×800 and of one of 1024×768, px, without what lies over it.
const CANVASES: [(f64, f64); 2] = [(1216.0, 540.0), (960.0, 508.0)];

/// All scenes of an example: as the document has it, and with a row more on each card that receives data.
fn scenes(scenario: &Scenario) -> Vec<Scene> {
    let rows: Vec<usize> = scenario.services.iter().map(|service| service.data.len()).collect();
    let grown: Vec<usize> = rows.iter().map(|rows| (rows + 2).min(6)).collect();
    [rows, grown].map(|rows| Scene::new(scenario, Layout::Free, &rows, &BTreeMap::new(), Some(0))).into()
}

fn shown(scene: &mut Scene, (width, height): (f64, f64)) -> (f64, Detail) {
    let scale = Camera::fitting(scene.bounds(), width, height - 34.0, 36.0, 1.0).scale;
    let detail = Detail::at(scale);
    scene.place_labels(detail);
    (scale, detail)
}

#[test]
fn no_text_of_an_example_is_smaller_than_11_px_on_the_screen() {
    for example in examples::EXAMPLES {
        for canvas in CANVASES {
            for mut scene in scenes(&example.scenario()) {
                let (scale, detail) = shown(&mut scene, canvas);
                assert!(detail.level >= Level::Name, "{}: cards have no text at {scale}", example.id);
                assert!(detail.text() * scale >= SMALLEST - 0.02, "{}: {} px", example.id, detail.text() * scale);
            }
        }
    }
}

#[test]
fn most_examples_show_their_values_as_they_open() {
    let shows_values = |example: &&examples::Example| {
        scenes(&example.scenario()).iter_mut().all(|scene| shown(scene, CANVASES[0]).1.level >= Level::Values)
    };
    let without: Vec<&str> =
        examples::EXAMPLES.iter().filter(|example| !shows_values(example)).map(|example| example.id).collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn no_card_of_an_example_covers_another_even_with_more_data() {
    for example in examples::EXAMPLES {
        for scene in scenes(&example.scenario()) {
            for (i, a) in scene.nodes.iter().enumerate() {
                for b in &scene.nodes[i + 1..] {
                    assert!(!a.rect.overlaps(&b.rect), "{}: {} and {}", example.id, a.id, b.id);
                }
            }
        }
    }
}

#[test]
fn no_link_of_an_example_crosses_a_card_and_no_label_covers_one() {
    for example in examples::EXAMPLES {
        for mut scene in scenes(&example.scenario()) {
            let (_, detail) = shown(&mut scene, CANVASES[0]);
            for link in &scene.links {
                let is_other = |node: usize| node != link.from && node != link.to;
                let others = scene.nodes.iter().enumerate().filter(|(node, _)| is_other(*node));
                for (_, node) in others {
                    let crossed = link.curve.points().iter().any(|at| node.rect.contains(*at));
                    assert!(!crossed, "{}: a link crosses {}", example.id, node.id);
                }
                if let Some(at) = link.label_at {
                    let (w, h) = super::labels::text_size(&link.label, detail);
                    let label = Rect { x: at.x - w / 2.0, y: at.y - 0.75 * h, w, h };
                    let covered = scene.nodes.iter().find(|node| node.rect.overlaps(&label));
                    assert_eq!(covered.map(|node| &node.id), None, "{}: {} covers a card", example.id, link.label);
                }
            }
        }
    }
}

#[test]
fn a_column_on_a_phone_shows_everything_and_nothing_beside_the_window() {
    for example in examples::EXAMPLES {
        for width in [320.0, 390.0] {
            let scenario = example.scenario();
            let scene = Scene::new(&scenario, Layout::Column(width), &[], &BTreeMap::new(), None);
            let right = scene.nodes.iter().map(|node| node.rect.right()).fold(0.0, f64::max);
            assert!(right <= width, "{}: {right} of {width} px", example.id);
        }
    }
}
