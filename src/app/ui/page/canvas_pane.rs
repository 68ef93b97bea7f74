//! The canvas: links, cards, messages, and the controls over them.

use super::{Page, PageMsg, input};
use crate::app::actions::ActionId;
use crate::app::browser::address;
use crate::app::geometry::{Point, Rect, point};
use crate::app::gesture::Gesture;
use crate::app::lesson_view::LessonState;
use crate::app::model::{CanvasItem, LiveMsg, Mode, Msg, Origin, PointerMsg, Tool, new_card};
use crate::app::scene::Scene;
use crate::app::ui::action_button::action_button;
use crate::app::ui::areas::outlines;
use crate::app::ui::card::Card;
use crate::app::ui::lazy_views::LazyView;
use crate::app::ui::links::Links;
use crate::app::ui::parts::{chips, notice, publish_hint};
use crate::text;
use wasm_bindgen::JsCast;
use yew::prelude::*;

/// The description of the canvas for screen readers.
const DESCRIPTION: &str = "Arrow keys go from card to card. Enter selects a card, Enter again renames it. V edits a value, C crashes, F freezes, H heals. Arrow keys \
                           move the selection. Space plays, full stop steps, P publishes, question mark opens the help.";

impl Page {
    pub(super) fn canvas_pane(&self, ctx: &Context<Self>) -> Html {
        let (model, refs) = (&self.model, &self.painter.refs);
        let is_cutting = model.pointer.tool == Tool::Cut;
        let classes = classes!(
            "canvas",
            is_cutting.then_some("cut-tool"),
            matches!(model.pointer.tool, Tool::Connect { .. }).then_some("connect-tool"),
            matches!(model.pointer.gesture, Gesture::Pan { .. }).then_some("panning"),
            model.pointer.space.is_some().then_some("may-pan"),
        );
        let (link, single_keys, is_embed) = (ctx.link(), model.preferences.single_keys, model.mode.is_embed());
        let at = |event: &MouseEvent, canvas: &NodeRef| input::position(canvas, event);
        let canvas = refs.canvas.clone();
        let on_down = link.batch_callback(move |event: PointerEvent| input::pointer_down(&event, at(&event, &canvas)));
        let canvas = refs.canvas.clone();
        let on_move = link.callback(move |event: PointerEvent| {
            let control = event.ctrl_key() || event.meta_key();
            PageMsg::Model(Msg::Pointer(PointerMsg::Move { id: event.pointer_id(), at: at(&event, &canvas), control }))
        });
        let canvas = refs.canvas.clone();
        let on_up = link.callback(move |event: PointerEvent| {
            PageMsg::Model(Msg::Pointer(PointerMsg::Up { id: event.pointer_id(), at: at(&event, &canvas) }))
        });
        let canvas = refs.canvas.clone();
        let on_wheel =
            link.batch_callback(move |event: WheelEvent| input::wheel(&event, at(&event, &canvas), is_embed));
        let canvas = refs.canvas.clone();
        let on_menu = link.batch_callback(move |event: MouseEvent| input::context_menu(&event, at(&event, &canvas)));
        html! {
            <main ref={&refs.canvas} id="canvas" class={classes} inert={model.outline.open} tabindex={if model.scene.nodes.is_empty() { "0" } else { "-1" }} aria-label={text!("Canvas")}
                aria-description={DESCRIPTION}
                onkeydown={link.batch_callback(move |event| input::key_down(&event, single_keys))}
                onkeyup={link.batch_callback(|event| input::key_up(&event))}
                onpointerdown={on_down} onpointermove={on_move} onpointerup={on_up}
                onpointercancel={self.send.reform(|_: PointerEvent| Msg::Pointer(PointerMsg::Cancel))}
                onpointerleave={self.send.reform(|_: PointerEvent| Msg::Pointer(PointerMsg::Leave))}
                onwheel={on_wheel} oncontextmenu={on_menu}
                ondblclick={link.batch_callback(|event| input::double_click(&event))}>
                <h2 class="sr">{ text!("Canvas") }</h2>
                <svg class="links" aria-hidden="true">
                    { markers() }
                    <g ref={&refs.layers.links}>
                        { outlines(&model.scene) }
                        <Links scene={model.scene.clone()} cut={model.run.cut.clone()} active_faults={model.run.active_faults.clone()} selection={model.selection.items.clone()} cutting={is_cutting} />
                    </g>
                </svg>
                <div class="world" ref={&refs.layers.world}>
                    { self.lazy(LazyView::Areas) }
                    { (0..model.scene.nodes.len()).map(|node| self.card(node)).collect::<Html>() }
                    { self.lazy(LazyView::CardTools) }
                    { self.publish_button() }
                    { self.lazy(LazyView::InPlace) }
                </div>
                <canvas class="messages" ref={&refs.layers.messages} aria-hidden="true"></canvas>
                <svg class="drafts" aria-hidden="true"><g ref={&refs.drafts}>{ draft(&model.pointer.gesture, &model.scene) }{ self.ghost() }{ guide_lines(&model.guides()) }</g></svg>
                { self.overlay() }
            </main>
        }
    }

    /// Draws the controls over the drawing.
    fn overlay(&self) -> Html {
        let model = &self.model;
        if let Some(failure) = &model.failure {
            return html! {
                <section class="failure" role="alert">
                    <h2>{ text!("This scenario does not open") }</h2>
                    <p>{ failure }</p>
                    <p><a href={address::page()} target="_blank" rel="noopener">{ text!("Open the playground") }</a></p>
                </section>
            };
        }
        html! {
            <>
                { chips(model, &self.send) }
                if !self.has_tabs_below() { { self.pane_name() } }
                { self.far_publish_button() }
                if !(model.drawings.open || model.sharing.open) { { notice(model, &self.send) } }
                if model.viewport.wheel_hint { <div class="hint">{ text!("Ctrl+wheel zooms (⌘ on a Mac). Drag to pan.") }</div> }
                <div class="zoom" role="group" aria-label={text!("Zoom")}>
                    { action_button(ActionId::ZoomOut, "", "−".into(), model, &self.send) }
                    <button ref={&self.painter.refs.zoom} title={ActionId::ZoomActual.action().tooltip()} onclick={self.on(ActionId::ZoomActual.msg())}></button>
                    { action_button(ActionId::ZoomIn, "", "+".into(), model, &self.send) }
                    { action_button(ActionId::Fit, "", ActionId::Fit.action().label().into(), model, &self.send) }
                    { action_button(ActionId::Legend, "", ActionId::Legend.action().label().into(), model, &self.send) }
                </div>
                { self.lazy(LazyView::FirstSteps) }
                { self.lazy(LazyView::Menu) }
                { self.lazy(LazyView::Minimap) }
                { self.lazy(LazyView::Legend) }
                if model.mode.is_embed() && !model.viewport.narrow { { self.playground_link() }{ self.reopen_button() } }
            </>
        }
    }

    /// Renews the address of the playground before it is opened, so that it carries edits, live commands and time.
    fn on_playground<E: AsRef<web_sys::Event> + 'static>(&self) -> Callback<E> {
        self.link.batch_callback(|event: E| {
            // The current target is the root of the page, where Yew listens.
            let target = event.as_ref().target()?.dyn_into::<web_sys::Element>().ok()?;
            Some(PageMsg::PlaygroundNear(target.closest("a").ok()??))
        })
    }

    /// Notifies of the reason where a link to a new window may do nothing: in a frame without an origin.
    fn on_open_playground(&self) -> Callback<MouseEvent> {
        let send = self.send.clone();
        Callback::from(move |event: MouseEvent| {
            let anchor = event.target_dyn_into::<web_sys::Element>().and_then(|target| target.closest("a").ok()?);
            let Some(href) = anchor.filter(|_| !address::has_origin()).and_then(|anchor| anchor.get_attribute("href"))
            else {
                return;
            };
            event.prevent_default();
            let opened = web_sys::window().and_then(|window| window.open_with_url_and_target(&href, "_blank").ok()?);
            if opened.is_none() {
                send.emit(Msg::Notify(
                    text!("The host page does not allow this frame to open a window (its sandbox lacks allow-popups).")
                        .into(),
                ));
            }
        })
    }

    fn card(&self, node: usize) -> Html {
        let model = &self.model;
        let placed = model.scene.nodes[node].clone();
        let id = placed.id.to_string();
        let tab = match &model.selection.focus {
            Some(focus) if model.scene.find(focus).is_some() => *focus == id,
            Some(_) | None => node == 0,
        };
        let aimed = match (&model.pointer.gesture, &model.pointer.tool) {
            (Gesture::Connect { over: Some(over), .. }, _) => *over == id,
            (_, Tool::Connect { from: Some(from) }) => *from == id,
            _ => false,
        };
        let proof = model.verdicts.marked().iter().any(|step| step.nodes.iter().any(|other| other.index() == node));
        html! {
            <Card key={id.clone()} view={self.card_views.get(node)}
                active_faults={AttrValue::from(model.run.faults_of(node))}
                selected={model.selection.items.contains(&CanvasItem::Node(id.clone()))} {proof} {aimed} {tab}
                renaming={model.selection.renaming.as_deref() == Some(&*id)}
                editable={model.mode.edits() && model.document.origin == Origin::Own && !model.viewport.narrow}
                differs={self.differs(node)} {placed} send={self.send.clone()} />
        }
    }

    /// Draws the outline of an item of the palette that is dragged over the canvas.
    fn ghost(&self) -> Html {
        let Some((_, at)) = self.model.pointer.placing else { return html! {} };
        let r = new_card(self.model.viewport.camera.to_world(at));
        html! { <rect class="draft" x={r.x.to_string()} y={r.y.to_string()} width={r.w.to_string()} height={r.h.to_string()} rx="10" /> }
    }

    fn publish_button(&self) -> Html {
        if self.model.scene.publish.is_none() || self.model.viewport.narrow || self.model.mode == Mode::View {
            return html! {};
        }
        html! {
            <button ref={&self.painter.refs.publish} class="primary publish" title={publish_hint(&self.model)} onclick={self.on(Msg::Live(LiveMsg::Publish))}>
                { text!("Publish update") }<kbd>{ "P" }</kbd>
            </button>
        }
    }

    /// Draws what is below the canvas of a narrow page, where it covers no card: the tabs of two compared branches, the
    /// publish button, and in an embed the link to the playground.
    pub(super) fn narrow_controls(&self) -> Html {
        let model = &self.model;
        let publishes = !model.document.scenario.services.is_empty() && model.mode != Mode::View;
        if !model.viewport.narrow
            || model.failure.is_some()
            || !(publishes || model.mode.is_embed() || self.has_tabs_below())
        {
            return html! {};
        }
        html! {
            <div class="below">
                if self.has_tabs_below() { { self.pane_name() } }
                if publishes { <button class="primary publish-wide" title={publish_hint(model)} onclick={self.on(Msg::Live(LiveMsg::Publish))}>{ text!("Publish update") }</button> }
                if model.mode.is_embed() { { self.reopen_button() }{ self.playground_link() } }
            </div>
        }
    }

    /// Draws the button that opens the lesson or the task of an embed again, which has no bar above.
    fn reopen_button(&self) -> Html {
        let model = &self.model;
        let id = match model.task() {
            _ if model.shows_lesson() || model.shows_task() => return html! {},
            Some(_) => ActionId::Task,
            None if model.lesson.state != LessonState::None => ActionId::Lesson,
            None => return html! {},
        };
        action_button(id, "line reopen", id.action().label().into(), model, &self.send)
    }

    /// Draws an embed's link to the playground.
    fn playground_link(&self) -> Html {
        html! { <a class="open" href={address::playground()} onpointerenter={self.on_playground()} onfocus={self.on_playground()} onclick={self.on_open_playground()} target="_blank" rel="noopener">{ text!("Open in playground") }</a> }
    }

    /// Draws the publish button of a drawing that is too small for a button beside its service.
    fn far_publish_button(&self) -> Html {
        if self.model.scene.publish.is_none() || self.model.viewport.narrow || self.model.mode == Mode::View {
            return html! {};
        }
        html! { <button class="primary publish-far" title={publish_hint(&self.model)} onclick={self.on(Msg::Live(LiveMsg::Publish))}>{ text!("Publish update") }</button> }
    }
}

/// Draws the outline of an unfinished gesture.
fn draft(gesture: &Gesture, scene: &Scene) -> Html {
    let line = |class: &'static str, a: Point, b: Point| {
        html! { <path {class} d={format!("M{} {}L{} {}", a.x, a.y, b.x, b.y)} /> }
    };
    match gesture {
        Gesture::Box { from, to, .. } => {
            let r = Rect::between(*from, *to);
            html! { <rect class="lasso" x={r.x.to_string()} y={r.y.to_string()} width={r.w.to_string()} height={r.h.to_string()} /> }
        }
        Gesture::Connect { from, to, .. } => match scene.find(from) {
            Some(node) => {
                let rect = scene.nodes[node].rect;
                line("draft", point(rect.right(), rect.center().y), *to)
            }
            None => html! {},
        },
        Gesture::Cut { from, to } => line("scissor-line", *from, *to),
        Gesture::Move { ids, by, copies: true, .. } => {
            let rects = ids.iter().filter_map(|id| Some(scene.nodes[scene.find(id)?].rect));
            let outline = |r: Rect| format!("M{} {}h{}v{}h{}z", r.x + by.0, r.y + by.1, r.w, r.h, -r.w);
            html! { <path class="draft" d={rects.map(outline).collect::<String>()} /> }
        }
        Gesture::None | Gesture::Pressed(_) | Gesture::Pan { .. } | Gesture::Pinch { .. } | Gesture::Move { .. } => {
            html! {}
        }
    }
}

/// Draws the lines along which a dragged card meets others.
fn guide_lines(guides: &[(Point, Point)]) -> Html {
    let line = |(a, b): &(Point, Point)| {
        html! { <path class="guide" d={format!("M{} {}L{} {}", a.x, a.y, b.x, b.y)} /> }
    };
    guides.iter().map(line).collect()
}

/// Draws the arrowheads of links.
fn markers() -> Html {
    let arrow = |id: &'static str| {
        html! {
            <marker {id} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                <path d="M0 .5 7 4 0 7.5z" />
            </marker>
        }
    };
    html! { <defs>{ arrow("arrow") }{ arrow("arrow-cut") }</defs> }
}
