//! The camera: which part of the canvas is visible, and how large.

use super::geometry::{Point, Rect, point};

/// The minimum and the maximum zoom.
pub const ZOOM: (f64, f64) = (0.1, 3.0);

/// The map from canvas units to px of the window: scale, then translate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// The canvas's origin in the window: from the left, px.
    pub x: f64,
    /// The canvas's origin in the window: from the top, px.
    pub y: f64,
    /// Pixels per canvas unit.
    pub scale: f64,
}

impl Default for Camera {
    fn default() -> Self {
        Camera { x: 0.0, y: 0.0, scale: 1.0 }
    }
}

impl Camera {
    /// Returns the canvas point below a window point.
    pub fn to_world(&self, p: Point) -> Point {
        point((p.x - self.x) / self.scale, (p.y - self.y) / self.scale)
    }

    /// Returns the window point of a canvas point.
    pub fn to_window(&self, p: Point) -> Point {
        point(p.x * self.scale + self.x, p.y * self.scale + self.y)
    }

    /// Returns the window points of the first and the last corner of a part of the canvas.
    pub fn corners(&self, part: Rect) -> (Point, Point) {
        (self.to_window(point(part.x, part.y)), self.to_window(point(part.right(), part.bottom())))
    }

    /// Returns the camera moved by a distance in px.
    pub fn panned(&self, dx: f64, dy: f64) -> Camera {
        Camera { x: self.x + dx, y: self.y + dy, ..*self }
    }

    /// Returns the camera zoomed by a factor. The canvas point below the window point `at` stays there.
    pub fn zoomed(&self, factor: f64, at: Point) -> Camera {
        let scale = (self.scale * factor).clamp(ZOOM.0, ZOOM.1);
        let fixed = self.to_world(at);
        Camera { x: at.x - fixed.x * scale, y: at.y - fixed.y * scale, scale }
    }

    /// Returns a camera that shows all of `bounds` in the middle of a window, at a scale of at most `largest`. The uppermost
    /// `top` px stay free.
    pub fn fitting(bounds: Rect, width: f64, height: f64, top: f64, largest: f64) -> Camera {
        Camera::fitting_with(bounds, (width, height), top, 24.0, largest)
    }

    /// Returns the camera of [`fitting`](Camera::fitting) with another margin around the drawing, px.
    pub fn fitting_with(bounds: Rect, (width, height): (f64, f64), top: f64, margin: f64, largest: f64) -> Camera {
        let available = ((width - 2.0 * margin).max(80.0), (height - top - 2.0 * margin).max(80.0));
        let scale = (available.0 / bounds.w.max(1.0)).min(available.1 / bounds.h.max(1.0)).clamp(ZOOM.0, largest);
        let center = bounds.center();
        // Text is sharp at whole pixels.
        let x = (width / 2.0 - center.x * scale).round();
        let y = (top + (height - top) / 2.0 - center.y * scale).round();
        Camera { x, y, scale }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_point_below_the_pointer_keeps_its_place_while_zooming() {
        let camera = Camera { x: 31.0, y: -7.0, scale: 0.8 };
        let at = point(200.0, 120.0);
        let before = camera.to_world(at);
        let after = camera.zoomed(1.7, at).to_world(at);
        assert!(before.distance(after) < 1e-9);
    }

    #[test]
    fn a_fitted_drawing_is_inside_the_window() {
        let bounds = Rect { x: -500.0, y: 40.0, w: 2400.0, h: 900.0 };
        let camera = Camera::fitting(bounds, 390.0, 500.0, 40.0, 1.0);
        let (a, b) =
            (camera.to_window(point(bounds.x, bounds.y)), camera.to_window(point(bounds.right(), bounds.bottom())));
        assert!(a.x >= 0.0 && a.y >= 40.0 && b.x <= 390.0 && b.y <= 500.0, "{a:?} {b:?}");
    }
}
