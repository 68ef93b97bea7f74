//! Points, rectangles and curves of the canvas, in its own units (CSS pixels at 100 %).

/// A point of the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// The distance from the left.
    pub x: f64,
    /// The distance from the top.
    pub y: f64,
}

/// Returns a point.
pub const fn point(x: f64, y: f64) -> Point {
    Point { x, y }
}

impl Point {
    /// Returns the distance to another point.
    pub fn distance(self, other: Point) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// Returns the point at a share (0 to 1) of the way to another point.
    pub fn mix(self, other: Point, share: f64) -> Point {
        point(self.x + (other.x - self.x) * share, self.y + (other.y - self.y) * share)
    }
}

/// A rectangle, by its upper left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Rect {
    /// Returns the rectangle with two opposite corners.
    pub fn between(a: Point, b: Point) -> Rect {
        Rect { x: a.x.min(b.x), y: a.y.min(b.y), w: (a.x - b.x).abs(), h: (a.y - b.y).abs() }
    }

    /// Returns the right edge.
    pub fn right(&self) -> f64 {
        self.x + self.w
    }

    /// Returns the lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.h
    }

    /// Returns the middle.
    pub fn center(&self) -> Point {
        point(self.x + self.w / 2.0, self.y + self.h / 2.0)
    }

    /// Returns whether the two share more than an edge.
    pub fn overlaps(&self, other: &Rect) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// Returns whether the point is inside.
    pub fn contains(&self, p: Point) -> bool {
        p.x >= self.x && p.x <= self.right() && p.y >= self.y && p.y <= self.bottom()
    }

    /// Returns the smallest rectangle around both.
    pub fn union(&self, other: &Rect) -> Rect {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Rect { x, y, w: self.right().max(other.right()) - x, h: self.bottom().max(other.bottom()) - y }
    }

    /// Returns the rectangle moved as little as possible to be inside another; `None` if it is larger.
    pub fn moved_into(&self, outer: &Rect) -> Option<Rect> {
        let fits = self.w <= outer.w && self.h <= outer.h;
        let place = |at: f64, lowest: f64, highest: f64| at.min(highest).max(lowest);
        fits.then(|| Rect {
            x: place(self.x, outer.x, outer.right() - self.w),
            y: place(self.y, outer.y, outer.bottom() - self.h),
            ..*self
        })
    }

    /// Returns the rectangle with a margin on each side.
    pub fn grown(&self, by: f64) -> Rect {
        Rect { x: self.x - by, y: self.y - by, w: self.w + 2.0 * by, h: self.h + 2.0 * by }
    }
}

impl Rect {
    /// Returns whether a straight line crosses the rectangle (Liang and Barsky, 1984).
    pub fn is_crossed(&self, a: Point, b: Point) -> bool {
        let (mut enter, mut leave) = (0.0f64, 1.0f64);
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        for (p, q) in [(-dx, a.x - self.x), (dx, self.right() - a.x), (-dy, a.y - self.y), (dy, self.bottom() - a.y)] {
            if p == 0.0 {
                if q < 0.0 {
                    return false;
                }
            } else if p < 0.0 {
                enter = enter.max(q / p);
            } else {
                leave = leave.min(q / p);
            }
        }
        enter < leave
    }
}

/// Number of points in a curve's table.
const TABLE: usize = 33;
/// Number of points at which the length of a Bézier curve is measured.
const FINE: usize = 129;

/// Radius of the corners of a bent line.
const CORNER: f64 = 16.0;

/// A line on the canvas with points at equal distances: a cubic Bézier curve, or a bent line.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The `d` of an SVG path.
    path: Box<str>,
    /// Points at equal distances along the line.
    table: Box<[Point; TABLE]>,
}

impl Curve {
    /// Returns the Bézier curve with these control points.
    pub fn new(handles: [Point; 4]) -> Curve {
        let fine: [Point; FINE] = std::array::from_fn(|i| bezier(&handles, i as f64 / (FINE - 1) as f64));
        let [a, b, c, d] = handles;
        let path = format!("M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}", a.x, a.y, b.x, b.y, c.x, c.y, d.x, d.y);
        Curve { path: path.into(), table: evenly(&fine) }
    }

    /// Returns the line through these points, with round corners.
    ///
    /// # Panics
    /// There are fewer than two points.
    pub fn through(points: &[Point]) -> Curve {
        let (first, last) = (points[0], points[points.len() - 1]);
        let mut path = format!("M{:.1} {:.1}", first.x, first.y);
        let mut fine = vec![first];
        for corner in points.windows(3) {
            let [before, at, after] = [corner[0], corner[1], corner[2]];
            let towards = |other: Point| at.mix(other, (CORNER / at.distance(other).max(1.0)).min(0.5));
            let (from, to) = (towards(before), towards(after));
            path.push_str(&format!("L{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}", from.x, from.y, at.x, at.y, to.x, to.y));
            fine.extend((0..=8).map(|i| {
                let share = f64::from(i) / 8.0;
                from.mix(at, share).mix(at.mix(to, share), share)
            }));
        }
        fine.push(last);
        path.push_str(&format!("L{:.1} {:.1}", last.x, last.y));
        Curve { path: path.into(), table: evenly(&fine) }
    }

    /// Returns points at equal distances along the line.
    pub fn points(&self) -> &[Point] {
        &*self.table
    }

    /// Returns the point at a share (0 to 1) of the length.
    pub fn at(&self, share: f64) -> Point {
        let place = share.clamp(0.0, 1.0) * (TABLE - 1) as f64;
        let i = (place as usize).min(TABLE - 2);
        self.table[i].mix(self.table[i + 1], place - i as f64)
    }

    /// Returns the direction at a share of the length, as a vector of length 1.
    pub fn direction(&self, share: f64) -> Point {
        let i = ((share.clamp(0.0, 1.0) * (TABLE - 1) as f64) as usize).min(TABLE - 2);
        let (a, b) = (self.table[i], self.table[i + 1]);
        let length = a.distance(b);
        if length > 0.0 { point((b.x - a.x) / length, (b.y - a.y) / length) } else { point(1.0, 0.0) }
    }

    /// Returns the length.
    pub fn length(&self) -> f64 {
        self.table.windows(2).map(|pair| pair[0].distance(pair[1])).sum()
    }

    /// Returns the distance of a point from the curve.
    pub fn distance(&self, p: Point) -> f64 {
        self.table.windows(2).map(|pair| distance_to_segment(p, pair[0], pair[1])).fold(f64::MAX, f64::min)
    }

    /// Returns whether a straight line crosses the curve.
    pub fn crosses(&self, a: Point, b: Point) -> bool {
        self.table.windows(2).any(|pair| segments_cross(a, b, pair[0], pair[1]))
    }

    /// Returns the `d` of an SVG path.
    pub fn svg(&self) -> &str {
        &self.path
    }
}

/// Returns points at equal distances along a line that is given by close points.
fn evenly(fine: &[Point]) -> Box<[Point; TABLE]> {
    let mut lengths = vec![0.0; fine.len()];
    for i in 1..fine.len() {
        lengths[i] = lengths[i - 1] + fine[i].distance(fine[i - 1]);
    }
    let total = lengths[fine.len() - 1];
    let mut piece = 0;
    Box::new(std::array::from_fn(|i| {
        let wanted = total * i as f64 / (TABLE - 1) as f64;
        while piece + 2 < fine.len() && lengths[piece + 1] < wanted {
            piece += 1;
        }
        let length = lengths[piece + 1] - lengths[piece];
        let share = if length > 0.0 { ((wanted - lengths[piece]) / length).clamp(0.0, 1.0) } else { 0.0 };
        fine[piece].mix(fine[piece + 1], share)
    }))
}

fn bezier([a, b, c, d]: &[Point; 4], t: f64) -> Point {
    let u = 1.0 - t;
    let (ka, kb, kc, kd) = (u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t);
    point(ka * a.x + kb * b.x + kc * c.x + kd * d.x, ka * a.y + kb * b.y + kc * c.y + kd * d.y)
}

fn distance_to_segment(p: Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let square = dx * dx + dy * dy;
    let share = if square > 0.0 { (((p.x - a.x) * dx + (p.y - a.y) * dy) / square).clamp(0.0, 1.0) } else { 0.0 };
    p.distance(a.mix(b, share))
}

fn segments_cross(a: Point, b: Point, c: Point, d: Point) -> bool {
    let side = |p: Point, q: Point, r: Point| (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
    (side(a, b, c) > 0.0) != (side(a, b, d) > 0.0) && (side(c, d, a) > 0.0) != (side(c, d, b) > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_moves_at_even_speed_along_a_curve() {
        let curve = Curve::new([point(0.0, 0.0), point(200.0, 0.0), point(0.0, 300.0), point(200.0, 300.0)]);
        let steps: Vec<f64> =
            (0..20).map(|i| curve.at(f64::from(i) / 20.0).distance(curve.at(f64::from(i + 1) / 20.0))).collect();
        let (shortest, longest) =
            (steps.iter().copied().fold(f64::MAX, f64::min), steps.iter().copied().fold(0.0, f64::max));
        assert!(longest < 1.15 * shortest, "{steps:?}");
        assert_eq!(curve.at(0.0), point(0.0, 0.0));
        assert_eq!(curve.at(1.0), point(200.0, 300.0));
    }

    #[test]
    fn a_label_at_the_edge_of_the_window_is_moved_inside() {
        let window = Rect { x: 0.0, y: 0.0, w: 390.0, h: 500.0 };
        let label = |x: f64, w: f64| Rect { x, y: 100.0, w, h: 15.0 };
        assert_eq!(label(-50.0, 110.0).moved_into(&window), Some(label(0.0, 110.0)));
        assert_eq!(label(350.0, 110.0).moved_into(&window), Some(label(280.0, 110.0)));
        assert_eq!(label(20.0, 110.0).moved_into(&window), Some(label(20.0, 110.0)));
        assert_eq!(label(20.0, 400.0).moved_into(&window), None);
    }

    #[test]
    fn a_curve_without_length_has_a_position_and_a_direction() {
        let curve = Curve::new([point(5.0, 5.0); 4]);
        assert_eq!(curve.at(0.5), point(5.0, 5.0));
        assert_eq!(curve.direction(0.5), point(1.0, 0.0));
    }

    #[test]
    fn a_message_moves_at_even_speed_along_a_bent_line() {
        let bent = Curve::through(&[point(0.0, 0.0), point(100.0, 0.0), point(100.0, 200.0)]);
        let steps: Vec<f64> =
            (0..16).map(|i| bent.at(f64::from(i) / 16.0).distance(bent.at(f64::from(i + 1) / 16.0))).collect();
        let (shortest, longest) =
            (steps.iter().copied().fold(f64::MAX, f64::min), steps.iter().copied().fold(0.0, f64::max));
        assert!(longest < 1.6 * shortest, "{steps:?}");
        assert_eq!((bent.at(0.0), bent.at(1.0)), (point(0.0, 0.0), point(100.0, 200.0)));
    }

    #[test]
    fn a_line_crosses_a_rectangle_only_inside_of_it() {
        let rect = Rect { x: 10.0, y: 10.0, w: 20.0, h: 10.0 };
        assert!(rect.is_crossed(point(0.0, 15.0), point(40.0, 15.0)));
        assert!(rect.is_crossed(point(15.0, 15.0), point(16.0, 15.0)));
        assert!(!rect.is_crossed(point(0.0, 10.0), point(5.0, 15.0)));
        assert!(!rect.is_crossed(point(0.0, 0.0), point(0.0, 40.0)));
    }

    #[test]
    fn scissors_cross_only_curves_in_their_way() {
        let curve = Curve::new([point(0.0, 0.0), point(30.0, 0.0), point(70.0, 0.0), point(100.0, 0.0)]);
        assert!(curve.crosses(point(50.0, -10.0), point(50.0, 10.0)));
        assert!(!curve.crosses(point(50.0, -10.0), point(50.0, -1.0)));
        assert!(!curve.crosses(point(150.0, -10.0), point(150.0, 10.0)));
    }
}
