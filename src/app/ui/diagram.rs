//! The space-time diagram: one lane a node, time to the right, a line for each message; lost ones end in a cross.

use super::card::update_class;
use super::charts;
use super::icons::{Icon, icon};
use crate::app::browser::picture::{self, Kind};
use crate::app::diagram::{self, Diagram as State, DiagramMsg};
use crate::app::model::{Model, Msg, SharingMsg, VerdictsMsg};
use crate::app::playback::clock;
use crate::app::ribbon::ticks;
use crate::scenario::Micros;
use crate::session::protocol::{DiagramMessage, ExportKind};
use web_sys::{Element, HtmlInputElement, HtmlSelectElement, KeyboardEvent};
use yew::prelude::*;

/// Room for names, px, and for the axis.
const NAMES: f64 = 120.0;
const TOP: f64 = 24.0;
/// Height of a lane, px.
const LANE: (f64, f64) = (36.0, 84.0);
/// Height of what stands above and below the lanes, px.
const AROUND: f64 = 104.0;

/// The diagram over the canvas.
pub fn view(model: &Model, send: &Callback<Msg>) -> Html {
    let state = &model.diagram;
    let (width, nodes) = (model.viewport.size.0.max(320.0), model.scene.nodes.len());
    let scale = model.time_view.scale(model.run.until, width - NAMES - 24.0);
    let lane_height = ((model.viewport.size.1 - AROUND - TOP) / nodes.max(1) as f64).clamp(LANE.0, LANE.1);
    let height = TOP + lane_height * nodes as f64;
    let x = |at: Micros| NAMES + scale.x(at).clamp(-8.0, scale.width + 8.0);
    let y = |node: usize| TOP + lane_height * (node as f64 + 0.5);
    let all = state.arrows.read::<Vec<DiagramMessage>>().unwrap_or_default();
    let (past, future) = diagram::related(&all, state.highlighted);
    let arrows = diagram::filtered(&all, &state.filter, |node| model.name_of(node));
    let arrow = |arrow: &&DiagramMessage| {
        let class = match state.highlighted {
            None => "",
            Some(lit) if lit == arrow.id => "lit",
            Some(_) if past.contains(&arrow.id) => "past",
            Some(_) if future.contains(&arrow.id) => "future",
            Some(_) => "dim",
        };
        let end = arrow.end.unwrap_or(model.run.now);
        let (x1, y1, x2, y2) = (x(arrow.sent), y(arrow.from.index()), x(end), y(arrow.to.index()));
        // What is under way or lost has not got all the way.
        let far = if arrow.dropped || arrow.end.is_none() { 0.8 } else { 1.0 };
        let (x2, y2) = (x1 + (x2 - x1) * far, y1 + (y2 - y1) * far);
        let colour = arrow.update.map_or("none".to_string(), update_class);
        html! {
            <g key={arrow.id} class={classes!("arrow", class, colour, arrow.dropped.then_some("lost"), arrow.late.then_some("late"))} data-m={arrow.id.to_string()}>
                <path class="reach" d={format!("M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}")} />
                <path d={format!("M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}")} marker-end={(!arrow.dropped).then_some("url(#tip)")} />
                if arrow.dropped { <path class="cross" d={format!("M{:.1} {:.1}l8 8m0-8l-8 8", x2 - 4.0, y2 - 4.0)} /> }
            </g>
        }
    };
    let right = NAMES + scale.width;
    let lane = |(i, placed): (usize, &crate::app::scene::SceneNode)| {
        let at = y(i);
        html! {
            <g key={i}>
                <text x="14" y={format!("{:.1}", at + 4.0)}>{ short(&placed.name) }</text>
                <path class="lane" d={format!("M{NAMES} {at:.1}H{right:.1}")} />
            </g>
        }
    };
    // The steps of the finding that is marked, on the lanes of who had part in them.
    let proof = model.verdicts.marked().iter().flat_map(|step| step.nodes.iter().map(|node| (step.at, node.index())));
    let diamond = |(at, node): (Micros, usize)| html! { <path class="proof" d={format!("M{:.1} {:.1}l6 6-6 6-6-6z", x(at), y(node) - 6.0)} /> };
    let tick = |(at, text): (f64, String)| html! { <text class="tick" x={format!("{:.1}", NAMES + at)} y="15" text-anchor="middle">{ text }</text> };
    let on_click = send.reform(|event: MouseEvent| {
        let arrow = event.target_dyn_into::<Element>().and_then(|it| it.closest("[data-m]").ok().flatten());
        let id = arrow.and_then(|it| it.get_attribute("data-m")).and_then(|id| id.parse().ok());
        Msg::Diagram(DiagramMsg::Highlight(id))
    });
    let (back, forth) =
        (diagram::next(&arrows, state.highlighted, false), diagram::next(&arrows, state.highlighted, true));
    let light = send.clone();
    let on_key = Callback::from(move |event: KeyboardEvent| {
        let lit = match event.key().as_str() {
            "ArrowLeft" => back,
            "ArrowRight" => forth,
            "Escape" => None,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        light.emit(Msg::Diagram(DiagramMsg::Highlight(lit)));
    });
    let on_filter = send.reform(|event: InputEvent| {
        let input = event.target_dyn_into::<HtmlInputElement>();
        Msg::Diagram(DiagramMsg::Filter(input.map(|input| input.value()).unwrap_or_default()))
    });
    let now = x(model.run.now);
    if state.charting {
        return html! {
            <section class="diagram" aria-label="Charts">
                { header(state, send, html! {}) }
                <div class="scroll" tabindex="0" role="group" aria-label="Charts over time">{ charts::view(&state.charts, scale, NAMES, model.run.now) }</div>
            </section>
        };
    }
    let filter = html! {
        <>
            <input type="search" placeholder="Filter" aria-label="Filter the messages" value={state.filter.to_string()} oninput={on_filter} />
            <span class="muted small">{ format!("{} messages", arrows.len()) }</span>
        </>
    };
    html! {
        <section class="diagram" aria-label="Space-time diagram">
            { header(state, send, filter) }
            <div class="scroll">
                <svg width={width.to_string()} height={height.to_string()} role="application" tabindex="0" onclick={on_click} onkeydown={on_key}
                    aria-label="Messages between nodes over time; the arrow keys go from one to the next">
                    <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 .5 7 4 0 7.5z" /></marker></defs>
                    { for model.scene.nodes.iter().enumerate().map(lane) }
                    { for arrows.iter().map(arrow) }
                    { for proof.map(diamond) }
                    <path class="now" d={format!("M{now:.1} {TOP}V{height:.1}")} />
                    { for ticks(scale).into_iter().map(tick) }
                </svg>
            </div>
            <footer role="status">{ told(model, &all, state.highlighted, past.len(), future.len(), send) }</footer>
        </section>
    }
}

/// What both views of the run have above them.
fn header(state: &State, send: &Callback<Msg>, filter: Html) -> Html {
    let view = |charting: bool, text: &'static str| {
        let on = state.charting == charting;
        html! { <button class={classes!(on.then_some("on"))} aria-pressed={on.to_string()} onclick={send.reform(move |_: MouseEvent| Msg::Diagram(DiagramMsg::Charts(charting)))}>{ text }</button> }
    };
    let (export, charting) = (send.clone(), state.charting);
    let save = Callback::from(move |event: Event| {
        let Some(select) = event.target_dyn_into::<HtmlSelectElement>() else { return };
        let chosen = select.value();
        if let Some((_, kind)) = SAVES.iter().find(|(name, _)| *name == chosen) {
            export.emit(Msg::Sharing(SharingMsg::Export(*kind)));
        } else if let Some((_, kind)) = PICTURES.iter().find(|(name, _)| *name == chosen) {
            picture::save(".diagram .scroll > svg", if charting { "charts" } else { "diagram" }, *kind);
        }
        select.set_value("");
    });
    html! {
        <header>
            <span class="seg" role="group" aria-label="View">{ view(false, "Messages") }{ view(true, "Charts") }</span>
            { filter }
            <span class="grow"></span>
            <select aria-label="Save the run as" onchange={save}>
                <option value="" selected=true>{ "Save as…" }</option>
                { for SAVES.iter().map(|(name, _)| *name).chain(PICTURES.map(|(name, _)| name)).map(|name| html! { <option value={name}>{ name }</option> }) }
            </select>
            <button class="icon small" aria-label="Close the diagram" onclick={send.reform(|_: MouseEvent| Msg::Diagram(DiagramMsg::Toggle))}>{ icon(Icon::Close) }</button>
        </header>
    }
}

/// What the run can be saved as.
const SAVES: [(&str, ExportKind); 4] = [
    ("Metrics (CSV)", ExportKind::Csv),
    ("Sequence diagram (Mermaid)", ExportKind::Mermaid),
    ("ShiViz log", ExportKind::Shiviz),
    ("History (Jepsen)", ExportKind::History),
];

/// What is in sight as a picture.
const PICTURES: [(&str, Kind); 2] = [("Picture (SVG)", Kind::Svg), ("Picture (PNG)", Kind::Png)];

fn short(name: &str) -> String {
    if name.chars().count() <= 15 { name.into() } else { name.chars().take(14).chain(['…']).collect() }
}

/// The lit message in words.
fn told(
    model: &Model,
    all: &[DiagramMessage],
    lit: Option<u64>,
    past: usize,
    future: usize,
    send: &Callback<Msg>,
) -> Html {
    let Some(arrow) = all.iter().find(|arrow| Some(arrow.id) == lit) else {
        return html! { <span class="muted">{ "Choose a message to see what may have led to it, and what it may have led to." }</span> };
    };
    let ends = format!("{} → {}", model.name_of(arrow.from.index()), model.name_of(arrow.to.index()));
    let fate = match (arrow.end, arrow.dropped) {
        (Some(end), true) => format!("lost at {}", clock(end)),
        (Some(end), false) if arrow.late => format!("arrived at {}, late: enough others had answered", clock(end)),
        (Some(end), false) => format!("arrived at {}", clock(end)),
        (None, _) => "under way".into(),
    };
    let (at, nodes) = (arrow.sent, vec![arrow.from, arrow.to]);
    html! {
        <>
            <span>{ format!("{ends}: {}, sent at {}, {fate}. {past} before it, {future} after it.", arrow.label, clock(arrow.sent)) }</span>
            <button class="line small" onclick={send.reform(move |_: MouseEvent| Msg::Verdicts(VerdictsMsg::Jump(at, nodes.clone())))}>{ "Go there" }</button>
        </>
    }
}
