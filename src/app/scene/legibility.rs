//! Every example is legible: measured on the scene, as the page shows it when it opens.

use super::{Area, Layout, Scene, SceneLink};
use crate::app::camera::Camera;
use crate::app::cut_mark::{CUT_MARK, CUT_MARK_RADIUS};
use crate::app::detail::{Detail, Level, SMALLEST};
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

/// The scenes of an example in the column of a phone.
fn columns(scenario: &Scenario) -> Vec<Scene> {
    let rows: Vec<usize> = scenario.services.iter().map(|service| service.data.len()).collect();
    let grown: Vec<usize> = rows.iter().map(|rows| (rows + 2).min(6)).collect();
    let scene = |(rows, width): (&[usize], f64)| {
        let mut scene = Scene::new(scenario, Layout::Column(width), rows, &BTreeMap::new(), None);
        scene.place_labels(Detail::at(1.0));
        scene
    };
    let widths = [390.0, 320.0];
    widths.iter().flat_map(|width| [(&rows[..], *width), (&grown[..], *width)]).map(scene).collect()
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

/// Returns the links that cross a card which is not their end, and the labels that cover a card.
fn crossings(scene: &Scene, detail: Detail) -> Vec<String> {
    let mut found = Vec::new();
    for link in &scene.links {
        let (from, to) = (&scene.nodes[link.from].id, &scene.nodes[link.to].id);
        let others = scene.nodes.iter().enumerate().filter(|(node, _)| *node != link.from && *node != link.to);
        let crossed = others.filter(|(_, node)| link.curve.points().iter().any(|at| node.rect.contains(*at)));
        found.extend(crossed.map(|(_, node)| format!("{from} to {to} crosses {}", node.id)));
        // In the narrow gaps of a column, a name may have no place without a link, and interrupts it.
        let names = scene.areas.iter().filter(|_| !scene.is_column()).map(|area| (area, area.name_rect(detail)));
        let behind =
            names.filter(|(_, name)| link.curve.points().windows(2).any(|line| name.is_crossed(line[0], line[1])));
        found.extend(behind.map(|(area, _)| format!("{from} to {to} passes behind the name {}", area.name)));
        let Some(label) = link.label_rect(detail) else { continue };
        let words = [(true, true), (true, false), (false, true), (false, false)].map(|cut| link.faulty_label(cut));
        let longest = words.iter().chain([&&*link.label]).map(|text| text.chars().count()).max();
        assert!(longest <= Some(link.label_letters), "{} has room for {}", link.label, link.label_letters);
        let covered = scene.nodes.iter().filter(|node| node.rect.overlaps(&label));
        found.extend(covered.map(|node| format!("{} covers {}", link.label, node.id)));
        let named = scene.areas.iter().filter(|area| area.name_rect(detail).overlaps(&label));
        found.extend(named.map(|area| format!("{} covers the name {}", link.label, area.name)));
        let labels = scene.links.iter().filter(|other| *other != link).filter_map(|other| other.label_rect(detail));
        found.extend(labels.filter(|other| other.overlaps(&label)).map(|_| format!("{} covers a label", link.label)));
    }
    found
}

#[test]
fn no_link_of_an_example_crosses_a_card_and_no_label_covers_one() {
    for example in examples::EXAMPLES {
        for mut scene in scenes(&example.scenario()) {
            let (_, detail) = shown(&mut scene, CANVASES[0]);
            assert_eq!(crossings(&scene, detail), Vec::<String>::new(), "{}", example.id);
        }
    }
}

#[test]
fn no_link_and_no_label_of_a_column_on_a_phone_crosses_a_card_or_leaves_the_window() {
    let mut found = Vec::new();
    for example in examples::EXAMPLES {
        for (scene, width) in columns(&example.scenario()).iter().zip([390.0, 390.0, 320.0, 320.0]) {
            let crossings = crossings(scene, Detail::at(1.0)).into_iter();
            found.extend(crossings.map(|crossing| format!("{} at {width} px: {crossing}", example.id)));
            let points = scene.links.iter().flat_map(|link| link.curve.points());
            let outside = points.filter(|at| at.x < 1.0 || at.x > width - 1.0 || at.y < 0.0).count();
            let labels = scene.links.iter().filter_map(|link| Some((link, link.label_rect(Detail::at(1.0))?)));
            let cut = labels.filter(|(_, label)| label.x < 0.0 || label.right() > width);
            found.extend(cut.map(|(link, _)| format!("{} at {width} px: {} is cut", example.id, link.label)));
            found.extend((outside > 0).then(|| format!("{} at {width} px: {outside} points outside", example.id)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_names_of_groups_and_regions_of_a_column_are_inside_the_window_and_below_the_verdict_chips() {
    for example in examples::EXAMPLES {
        for (scene, width) in columns(&example.scenario()).iter().zip([390.0, 390.0, 320.0, 320.0]) {
            for (i, area) in scene.areas.iter().enumerate() {
                let name = area.name_rect(Detail::at(1.0));
                assert!(name.x >= 0.0 && name.y >= 36.0, "{}: {} at {name:?}", example.id, area.name);
                assert!(name.right() <= width + 40.0, "{}: {} at {name:?} of {width}", example.id, area.name);
                let covered = scene.nodes.iter().find(|node| node.rect.overlaps(&name));
                assert!(covered.is_none(), "{}: {} and {:?}", example.id, area.name, covered.map(|node| &node.id));
                let met = scene.areas[i + 1..].iter().find(|other| other.name_rect(scene.detail).overlaps(&name));
                assert!(met.is_none(), "{}: {} and {:?}", example.id, area.name, met.map(|other| &other.name));
            }
        }
    }
}

#[test]
fn no_name_of_a_group_or_region_covers_the_mark_of_a_cut_link() {
    let mut found = Vec::new();
    for example in examples::EXAMPLES {
        let scenario = example.scenario();
        for scene in scenes(&scenario).iter().chain(&columns(&scenario)) {
            for link in &scene.links {
                let at = link.curve.at(CUT_MARK);
                let covers = |area: &&Area| {
                    let name = area.name_rect(scene.detail);
                    // A name that is about as wide as its area has one place.
                    let has_room = name.w + 2.0 * CUT_MARK_RADIUS < area.rect.w;
                    has_room && name.grown(CUT_MARK_RADIUS - 1.0).contains(at)
                };
                let covering = scene.areas.iter().find(covers);
                let (from, to) = (&scene.nodes[link.from].id, &scene.nodes[link.to].id);
                found.extend(covering.map(|area| format!("{}: {} and {from} to {to}", example.id, area.name)));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The canvas beside a lesson on a phone of 390×844.
const BESIDE_LESSON: (f64, f64) = (390.0, 290.0);

#[test]
fn a_lesson_on_a_phone_shows_the_values_of_each_system_of_up_to_six_cards() {
    let mut without = Vec::new();
    for example in examples::EXAMPLES.iter().filter(|example| example.scenario().services.len() < 100) {
        let scenario = example.scenario();
        let scene = |layout| Scene::new(&scenario, layout, &[], &BTreeMap::new(), None);
        let scale = |scene: &Scene| Camera::fitting_with(scene.bounds(), BESIDE_LESSON, 36.0, 10.0, 1.0).scale;
        let mut grid = scene(Layout::Grid);
        grid.place_labels(Detail::at(scale(&grid)));
        let beyond = (-10.0 / scale(&grid), 390.0 / scale(&grid) - 10.0 / scale(&grid));
        let labels = grid.links.iter().filter_map(|link| link.label_rect(grid.detail));
        let left = grid.bounds().x;
        for label in labels {
            let (from, to) = (label.x - left, label.right() - left);
            assert!(from >= beyond.0 && to <= beyond.1, "{}: a label from {from} to {to} of {beyond:?}", example.id);
        }
        for (i, a) in grid.nodes.iter().enumerate() {
            let covered = grid.nodes[i + 1..].iter().find(|b| a.rect.overlaps(&b.rect));
            assert!(covered.is_none(), "{}: {} and {:?}", example.id, a.id, covered.map(|node| &node.id));
        }
        let shows_values = |scene: Scene| Detail::at(scale(&scene)).level >= Level::Values;
        let is_large = scenario.services.len() + scenario.buses.len() + scenario.clients.len() > 6;
        if !is_large && !shows_values(scene(Layout::Free)) && !shows_values(grid) {
            without.push(example.id);
        }
    }
    assert_eq!(without, Vec::<&str>::new());
}

#[test]
fn no_link_of_an_example_passes_behind_the_publish_button_of_any_service() {
    let mut found = Vec::new();
    for example in examples::EXAMPLES {
        let scenario = example.scenario();
        // A member of a large group has its button beside the group.
        for writer in 0..scenario.services.len().min(40) {
            let scene = Scene::new(&scenario, Layout::Free, &[], &BTreeMap::new(), Some(writer));
            let button = scene.publish.as_ref().expect("a button");
            let sizes = [1.0, 0.8, 0.6, 0.5].map(|scale| button.rect_at(Detail::at(scale)));
            let is_crossed = |link: &&SceneLink| {
                let points = link.curve.points();
                sizes.iter().any(|size| points.windows(2).any(|pair| size.is_crossed(pair[0], pair[1])))
            };
            let name = |node: usize| &scene.nodes[node].id;
            let crossing = scene.links.iter().filter(is_crossed).map(|link| (name(link.from), name(link.to)));
            found.extend(crossing.map(|ends| format!("{}: {ends:?} at {}", example.id, name(writer))));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_name_of_a_group_or_region_covers_a_card_or_another_name() {
    for example in examples::EXAMPLES {
        for mut scene in scenes(&example.scenario()) {
            let (_, detail) = shown(&mut scene, CANVASES[0]);
            for (i, area) in scene.areas.iter().enumerate() {
                let name = area.name_rect(detail);
                let covered = scene.nodes.iter().find(|node| node.rect.overlaps(&name));
                assert!(covered.is_none(), "{}: {} and {:?}", example.id, area.name, covered.map(|node| &node.id));
                let met = scene.areas[i + 1..].iter().find(|other| other.name_rect(detail).overlaps(&name));
                assert!(met.is_none(), "{}: {} and {:?}", example.id, area.name, met.map(|other| &other.name));
            }
        }
    }
}

/// Returns how far a link is covered by another, in canvas units.
fn shared_length(link: &SceneLink, other: &SceneLink) -> f64 {
    let steps = 200;
    let points = (0..=steps).map(|step| link.curve.at(f64::from(step) / f64::from(steps)));
    let shared = points.filter(|at| other.curve.distance(*at) < 1.0).count();
    link.curve.length() * shared as f64 / f64::from(steps)
}

#[test]
fn each_link_of_an_example_can_be_distinguished_from_the_others_for_most_of_its_way() {
    let mut found = Vec::new();
    for example in examples::EXAMPLES {
        let scenario = example.scenario();
        for scene in scenes(&scenario).iter().chain(&columns(&scenario)[..2]) {
            for (i, link) in scene.links.iter().enumerate() {
                for other in &scene.links[i + 1..] {
                    let shared = shared_length(link, other);
                    let name = |node: usize| &*scene.nodes[node].id;
                    let ends = [link.from, link.to, other.from, other.to].map(name);
                    found.extend(
                        (shared > 60.0).then(|| {
                            format!("{}: {ends:?} share {shared:.0} of {:.0}", example.id, link.curve.length())
                        }),
                    );
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
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

#[test]
fn every_link_of_the_first_page_has_its_label() {
    let mut scene = Scene::new(&Scenario::first(), Layout::Free, &[1, 1], &BTreeMap::new(), Some(0));
    scene.place_labels(Detail::at(1.0));
    assert!(scene.links.iter().all(|link| link.label_at.is_some()), "{:?}", scene.links);
}
