//! The map of a large drawing: where its cards are, in which state, and which part the canvas shows.

use super::camera::Camera;
use super::geometry::{Point, Rect, point};
use super::model::Model;
use super::scene::Scene;
use crate::session::protocol::CopyState;

/// Width and height of the map, px.
pub const SIZE: (f64, f64) = (168.0, 112.0);
/// The number of cards above which the page has a map.
pub const FEW_CARDS: usize = 30;
/// The minimum width and height of a card on the map, px.
const SMALLEST_CARD: f64 = 2.5;

/// Returns the part of the drawing that the map shows: everything and a margin, in the shape of the map.
pub fn extent(scene: &Scene) -> Rect {
    let bounds = scene.bounds();
    let unit = (bounds.w / SIZE.0).max(bounds.h / SIZE.1) * 1.08;
    let (w, h, middle) = (SIZE.0 * unit, SIZE.1 * unit, bounds.center());
    Rect { x: middle.x - w / 2.0, y: middle.y - h / 2.0, w, h }
}

/// Returns the part of the drawing that the canvas shows, within the map.
pub fn view(camera: &Camera, size: (f64, f64), extent: &Rect) -> Rect {
    let (from, to) = (camera.to_world(point(0.0, 0.0)), camera.to_world(point(size.0, size.1)));
    let inside = |at: Point| point(at.x.clamp(extent.x, extent.right()), at.y.clamp(extent.y, extent.bottom()));
    Rect::between(inside(from), inside(to))
}

/// Returns the cards as one path for each state, and one for cards without a state.
pub fn paths(model: &Model) -> Vec<(Option<CopyState>, String)> {
    let min_side = SMALLEST_CARD * extent(&model.scene).w / SIZE.0;
    let mut paths: Vec<(Option<CopyState>, String)> = Vec::new();
    for (index, node) in model.scene.nodes.iter().enumerate() {
        let state = model.run.services.get(index).map(|service| service.state);
        let (w, h) = (node.rect.w.max(min_side), node.rect.h.max(min_side));
        let d = format!("M{:.0} {:.0}h{w:.0}v{h:.0}h-{w:.0}z", node.rect.x, node.rect.y);
        match paths.iter_mut().find(|(other, _)| *other == state) {
            Some((_, path)) => path.push_str(&d),
            None => paths.push((state, d)),
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::scene::Layout;
    use crate::scenario::Scenario;
    use std::collections::BTreeMap;

    #[test]
    fn the_map_contains_every_card_and_the_visible_part_stays_inside() {
        let scene = Scene::new(&Scenario::first(), Layout::Free, &[1, 1], &BTreeMap::new(), Some(0));
        let extent = extent(&scene);
        assert!((extent.w / extent.h - SIZE.0 / SIZE.1).abs() < 1e-9);
        for node in &scene.nodes {
            assert!(extent.contains(point(node.rect.x, node.rect.y)), "{node:?}");
            assert!(extent.contains(point(node.rect.right(), node.rect.bottom())), "{node:?}");
        }
        let view = view(&Camera { x: 5000.0, y: -90_000.0, scale: 0.5 }, (900.0, 600.0), &extent);
        assert!(view.x >= extent.x && view.right() <= extent.right() + 1e-9 && view.bottom() <= extent.bottom() + 1e-9);
    }
}
