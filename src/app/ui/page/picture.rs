//! Saves a picture of the drawing: its layers are placed for the picture, captured, and placed back.

use super::painter::{Painter, place_layers, show_detail};
use crate::app::camera::Camera;
use crate::app::detail::{Detail, Level};
use crate::app::model::Model;
use crate::app::picture::{PictureFailure, PictureFormat};
use crate::app::ui::lazy_views;
use crate::app::ui::message_layer::CanvasView;
use std::collections::BTreeSet;
use web_sys::{Element, HtmlCanvasElement, HtmlElement};
use yew::Callback;

/// Distance between the drawing and the edge of the picture.
const MARGIN: f64 = 40.0;

impl Painter {
    /// Saves a picture of the whole drawing or of some cards, at 100 %, also of parts that are not visible.
    pub(super) fn save_picture(
        &mut self,
        model: &Model,
        format: PictureFormat,
        only: Option<&BTreeSet<usize>>,
        name: &str,
        on_failure: Callback<PictureFailure>,
    ) {
        let (Some(canvas), Some(messages)) =
            (self.refs.canvas.cast::<HtmlElement>(), self.refs.layers.messages.cast::<HtmlCanvasElement>())
        else {
            return;
        };
        let bounds = model.scene.bounds_of(only).grown(MARGIN);
        let camera = Camera { x: -bounds.x, y: -bounds.y, scale: 1.0 };
        let size = (bounds.w.ceil(), bounds.h.ceil());
        // A picture shows what the canvas shows, but never less than the values.
        let shown = model.viewport.detail();
        show_detail(&canvas, if shown.level < Level::Values { Detail::default() } else { shown });
        let _ = canvas.class_list().add_1("in-picture");
        place_layers(&self.refs.layers, camera);
        let style = messages.style();
        let _ = style.set_property("width", &format!("{}px", size.0));
        let _ = style.set_property("height", &format!("{}px", size.1));
        let view = CanvasView::new(model, &model.run, &model.scene).for_picture(camera, size, only);
        self.messages.paint(&messages, &view, &self.colours);
        if let Some(root) = self.refs.canvas.cast::<Element>() {
            lazy_views::save_picture(&root, size, only, &model.scene, (name, format), on_failure);
        }
        for length in ["width", "height"] {
            let _ = style.remove_property(length);
        }
        let _ = canvas.class_list().remove_1("in-picture");
        self.forget();
    }
}
