//! The places of the labels of moving messages.

use super::Scene;
use crate::app::geometry::{Point, Rect};

/// Distance between a label and the card off which it was moved.
const OFF: f64 = 0.5;

/// Where labels of messages can be: never beyond the window, over a card, the name of a group or region, the publish button
/// or another message's label, and over a link's label only if no other place is free.
pub struct LabelPlaces {
    visible: Rect,
    cards: Vec<Rect>,
    links: Vec<Rect>,
    taken: Vec<Rect>,
}

impl Scene {
    /// Returns the places for labels in the visible part of the drawing, of which `publish` is the publish button.
    pub fn label_places(&self, visible: Rect, publish: Option<Rect>) -> LabelPlaces {
        let is_near = |card: &Rect| card.overlaps(&visible);
        LabelPlaces {
            visible,
            cards: self.nodes.iter().map(|node| node.rect).filter(is_near).collect(),
            links: self.links.iter().filter_map(|link| link.label_rect(self.detail)).collect(),
            taken: self.names_of_areas().chain(publish).collect(),
        }
    }
}

impl LabelPlaces {
    /// Takes the first of the candidates for the label of what is at a point that covers nothing, or else nothing more
    /// important than a link's label. Candidates are moved into the window, and up or down off the cards that they touch.
    /// The label keeps a distance of `size` / 2 from the point.
    pub fn take(&mut self, at: Point, size: f64, candidates: &[Rect]) -> Option<Rect> {
        let marked = Rect { x: at.x, y: at.y, w: 0.0, h: 0.0 }.grown(size / 2.0);
        let mut places: Vec<Rect> = candidates.iter().filter_map(|place| place.moved_into(&self.visible)).collect();
        for index in 0..places.len() {
            let place = places[index];
            let touched = self.cards.iter().filter(|card| card.overlaps(&place));
            let ways = touched.flat_map(|card| [card.bottom() + OFF, card.y - place.h - OFF]);
            let moved = ways.filter(|y| (y - place.y).abs() < place.h).map(|y| Rect { y, ..place });
            places.extend(moved.filter_map(|moved| moved.moved_into(&self.visible)).collect::<Vec<Rect>>());
        }
        let covers = |others: &[Rect], place: &Rect| others.iter().any(|other| other.overlaps(place));
        places.retain(|place| !place.overlaps(&marked) && !covers(&self.cards, place) && !covers(&self.taken, place));
        let place = places.iter().find(|place| !covers(&self.links, place)).or(places.first()).copied()?;
        self.taken.push(place);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::geometry::point;

    fn places(cards: &[Rect], taken: &[Rect]) -> LabelPlaces {
        let visible = Rect { x: 0.0, y: 0.0, w: 390.0, h: 500.0 };
        LabelPlaces { visible, cards: cards.into(), links: Vec::new(), taken: taken.into() }
    }

    #[test]
    fn the_label_of_a_message_in_a_narrow_gap_is_moved_off_both_cards() {
        let card = |y: f64| Rect { x: 14.0, y, w: 362.0, h: 100.0 };
        let mut places = places(&[card(0.0), card(116.0)], &[]);
        let label = Rect { x: 60.0, y: 98.0, w: 110.0, h: 14.3 };
        let place = places.take(point(50.0, 103.0), 14.0, &[label]).expect("a place");
        assert!(place.y >= 100.0 && place.bottom() <= 116.0, "{place:?}");
        assert_eq!(places.take(point(50.0, 103.0), 14.0, &[label]), None, "it is taken");
    }

    #[test]
    fn the_label_of_a_message_covers_no_name_and_is_not_cut_at_the_edge() {
        let name = Rect { x: 0.0, y: 90.0, w: 100.0, h: 24.0 };
        let mut places = places(&[], &[name]);
        let [left, right] = [-40.0, 120.0].map(|x| Rect { x, y: 95.0, w: 90.0, h: 14.0 });
        assert_eq!(places.take(point(110.0, 102.0), 14.0, &[left, right]), Some(right));
        let cut = Rect { x: -40.0, y: 200.0, w: 90.0, h: 14.0 };
        assert_eq!(places.take(point(110.0, 207.0), 14.0, &[cut]), Some(Rect { x: 0.0, ..cut }));
    }
}
