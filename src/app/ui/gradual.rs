//! Parts of a large drawing that are drawn one after another, a few in each animation frame, so that no frame takes long.

use std::cell::RefCell;
use std::collections::VecDeque;
use wasm_bindgen::prelude::*;
use yew::prelude::*;

/// The number of parts that are drawn in one animation frame.
const PARTS: usize = 3;

/// A part of an SVG drawing.
pub trait GradualPart: Clone + PartialEq + 'static {
    /// Draws the part.
    fn draw(&self) -> Html;
}

/// Properties of [`Gradual`].
#[derive(Clone, PartialEq, Properties)]
pub struct GradualProps<P: GradualPart> {
    /// What is drawn.
    pub part: P,
}

/// Draws a part when its turn comes. Until then the part stays as it was, or is empty.
pub struct Gradual<P: GradualPart> {
    is_waiting: bool,
    has_begun: bool,
    part: std::marker::PhantomData<P>,
}

impl<P: GradualPart> Component for Gradual<P> {
    type Message = ();
    type Properties = GradualProps<P>;

    fn create(ctx: &Context<Self>) -> Self {
        wait(ctx.link().callback(|()| ()));
        Gradual { is_waiting: true, has_begun: false, part: std::marker::PhantomData }
    }

    fn changed(&mut self, ctx: &Context<Self>, _: &Self::Properties) -> bool {
        if !std::mem::replace(&mut self.is_waiting, true) {
            wait(ctx.link().callback(|()| ()));
        }
        false
    }

    fn update(&mut self, _: &Context<Self>, (): ()) -> bool {
        (self.is_waiting, self.has_begun) = (false, true);
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        html! { <g>if self.has_begun { { ctx.props().part.draw() } }</g> }
    }
}

thread_local! {
    /// The parts that wait to be drawn.
    static WAITING: RefCell<VecDeque<Callback<()>>> = RefCell::default();
}

fn wait(part: Callback<()>) {
    let is_first = WAITING.with_borrow_mut(|waiting| {
        waiting.push_back(part);
        waiting.len() == 1
    });
    if is_first {
        request_turn();
    }
}

fn request_turn() {
    let turn = Closure::once_into_js(|| {
        let due: Vec<Callback<()>> = WAITING.with_borrow_mut(|waiting| {
            let count = PARTS.min(waiting.len());
            waiting.drain(..count).collect()
        });
        due.iter().for_each(|part| part.emit(()));
        if WAITING.with_borrow(|waiting| !waiting.is_empty()) {
            request_turn();
        }
    });
    if let Some(window) = web_sys::window() {
        let _ = window.request_animation_frame(turn.unchecked_ref());
    }
}
