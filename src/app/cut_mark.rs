//! Where a message stops on a link that is cut in its direction.

use crate::scenario::Micros;

/// Where a cut link shows its mark, as a share of its length.
pub const CUT_MARK: f64 = 0.5;
/// The radius of the mark, in canvas units.
pub const CUT_MARK_RADIUS: f64 = 10.0;
/// Distance of a stopped message from the middle of the mark, in canvas units.
const DISTANCE: f64 = 19.0;
/// The end of the way for a message that had passed the mark when the link was cut.
const LAST: f64 = 0.95;

/// Returns where a message stops, as a share of its way: at the mark, or where it was when the link was cut. Whether it is lost
/// is decided when it is due; if the link is healed before, it continues. `length` is that of the link.
pub fn stop(length: f64, (sent, due): (Micros, Micros), cut: Option<Micros>) -> f64 {
    let mark = (CUT_MARK - DISTANCE / length.max(1.0)).max(0.1);
    let duration = due.saturating_sub(sent).max(1) as f64;
    let passed = cut.map_or(0.0, |cut| cut.saturating_sub(sent) as f64 / duration);
    if passed > mark { passed.min(LAST) } else { mark }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stops_before_the_mark_of_a_cut_link() {
        let stop = stop(200.0, (1_000, 2_000), Some(500));
        assert!((0.3..0.5).contains(&stop), "{stop}");
    }

    #[test]
    fn a_message_beyond_the_mark_does_not_jump_back_when_the_link_is_cut() {
        assert_eq!(stop(200.0, (1_000, 2_000), Some(1_800)), 0.8);
        assert_eq!(stop(200.0, (1_000, 2_000), Some(2_000)), LAST, "it never seems to arrive");
    }

    #[test]
    fn on_a_short_link_a_message_stops_after_its_start() {
        assert_eq!(stop(10.0, (0, 100), Some(0)), 0.1);
    }
}
