//! The space-time diagram: one lane per node, time from left to right, one arrow per message. Lost messages end in a
//! cross.

use super::charts;
use super::gradual::{Gradual, GradualPart};
use super::icons::{Icon, icon};
use super::update_colour::update_class;
use crate::app::browser::picture;
use crate::app::diagram::{self, Diagram as State, DiagramMsg};
use crate::app::model::{Model, Msg, SharingMsg, VerdictsMsg};
use crate::app::picture::PictureFormat;
use crate::app::playback::clock;
use crate::app::ribbon::{Scale, ticks};
use crate::app::scene::SceneNode;
use crate::app::texts::{Language, Text};
use crate::scenario::Micros;
use crate::session::labels;
use crate::session::protocol::{DiagramMessage, ExportKind};
use crate::text;
use std::rc::Rc;
use web_sys::{Element, HtmlInputElement, HtmlSelectElement, KeyboardEvent};
use yew::prelude::*;

/// Width of the node names, px.
const NAMES: f64 = 120.0;
/// Height of the time axis, px.
const TOP: f64 = 24.0;
/// Minimum and maximum height of a lane, px.
const LANE: (f64, f64) = (36.0, 84.0);
/// Height of header and footer, px.
const AROUND: f64 = 104.0;

/// The positions of nodes and instants in the diagram.
#[derive(Clone, Copy, PartialEq)]
struct Plot {
    scale: Scale,
    lane_height: f64,
}

impl Plot {
    fn new(model: &Model) -> Plot {
        let scale = model.time_view.scale(model.run.until, model.viewport.size.0.max(320.0) - NAMES - 24.0);
        let lanes = model.scene.nodes.len().max(1) as f64;
        let lane_height = ((model.viewport.size.1 - AROUND - TOP) / lanes).clamp(LANE.0, LANE.1);
        Plot { scale, lane_height }
    }

    /// Returns the position of an instant; instants before and after the shown ones are just outside.
    fn x(&self, at: Micros) -> f64 {
        NAMES + self.scale.x(at).clamp(-8.0, self.scale.width + 8.0)
    }

    /// Returns the middle of a node's lane.
    fn y(&self, node: usize) -> f64 {
        TOP + self.lane_height * (node as f64 + 0.5)
    }

    fn height(&self, nodes: usize) -> f64 {
        TOP + self.lane_height * nodes as f64
    }
}

/// Draws the diagram over the canvas, or the charts.
pub fn view(model: &Model, send: &Callback<Msg>) -> Html {
    let (state, plot) = (&model.diagram, Plot::new(model));
    if state.charting {
        let charts = charts::view(&state.charts, plot.scale, NAMES, model.run.now);
        return html! {
            <section class="diagram" id="diagram" tabindex="-1" aria-label={text!("Charts")}>
                { header(state, send, html! {}) }
                <div id="diagram" class="scroll" tabindex="0" role="group" aria-label={text!("Charts over time")}>{ charts }</div>
            </section>
        };
    }
    let all = &state.messages;
    let (past, future) = diagram::related(all, state.highlighted);
    let shown = diagram::filtered(all, &state.filter, |node| model.name_of(node));
    let relation = |message: u64| match state.highlighted {
        None => "",
        Some(lit) if lit == message => "lit",
        Some(_) if past.contains(&message) => "past",
        Some(_) if future.contains(&message) => "future",
        Some(_) => "dim",
    };
    let on_filter = send.reform(|event: InputEvent| {
        let input = event.target_dyn_into::<HtmlInputElement>();
        Msg::Diagram(DiagramMsg::Filter(input.map(|input| input.value()).unwrap_or_default()))
    });
    let filter = html! {
        <>
            <input type="search" placeholder={text!("Filter")} aria-label={text!("Filter the messages")} value={state.filter.to_string()} oninput={on_filter} />
            <span class="muted small">{ text!("messages: {}", shown.len()) }</span>
        </>
    };
    let arrows = parts(all, &shown, plot, relation, model.run.now);
    html! {
        <section class="diagram" id="diagram" tabindex="-1" aria-label={text!("Space-time diagram")}>
            { header(state, send, filter) }
            <div class="scroll">{ drawing(model, send, &plot, &shown, arrows) }</div>
            <footer role="status">{ description(model, all, state.highlighted, past.len(), future.len(), send) }</footer>
        </section>
    }
}

/// Draws the lanes, the messages, the marked verdict, the playhead and the axis.
fn drawing(model: &Model, send: &Callback<Msg>, plot: &Plot, shown: &[&DiagramMessage], arrows: Html) -> Html {
    let (width, height) = (model.viewport.size.0.max(320.0), plot.height(model.scene.nodes.len()));
    let (lit, right) = (model.diagram.highlighted, NAMES + plot.scale.width);
    let lane = |(node, placed): (usize, &SceneNode)| {
        let y = plot.y(node);
        html! {
            <g key={node}>
                <text x="14" y={format!("{:.1}", y + 4.0)}>{ truncated(&placed.name) }</text>
                <path class="lane" d={format!("M{NAMES} {y:.1}H{right:.1}")} />
            </g>
        }
    };
    let proof = model.verdicts.marked().iter().flat_map(|step| step.nodes.iter().map(|node| (step.at, node.index())));
    let diamond = |(at, node): (Micros, usize)| html! { <path class="proof" d={format!("M{:.1} {:.1}l6 6-6 6-6-6z", plot.x(at), plot.y(node) - 6.0)} /> };
    let tick = |(x, text): (f64, String)| html! { <text class="tick" x={format!("{:.1}", NAMES + x)} y="15" text-anchor="middle">{ text }</text> };
    let on_click = send.reform(|event: MouseEvent| {
        let arrow = event.target_dyn_into::<Element>().and_then(|target| target.closest("[data-m]").ok().flatten());
        let id = arrow.and_then(|arrow| arrow.get_attribute("data-m")).and_then(|id| id.parse().ok());
        Msg::Diagram(DiagramMsg::Highlight(id))
    });
    let (previous, next) = (diagram::next(shown, lit, false), diagram::next(shown, lit, true));
    let on_key = send.clone();
    let on_key = Callback::from(move |event: KeyboardEvent| {
        let lit = match event.key().as_str() {
            "ArrowLeft" => previous,
            "ArrowRight" => next,
            "Escape" => None,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        on_key.emit(Msg::Diagram(DiagramMsg::Highlight(lit)));
    });
    let now = plot.x(model.run.now);
    html! {
        <svg id="diagram" width={width.to_string()} height={height.to_string()} role="application" tabindex="0" onclick={on_click} onkeydown={on_key}
            aria-label={text!("Messages between nodes over time. Arrow keys select the previous or next message.")}>
            <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 .5 7 4 0 7.5z" /></marker></defs>
            { for model.scene.nodes.iter().enumerate().map(lane) }
            { arrows }
            { for proof.map(diamond) }
            <path class="now" d={format!("M{now:.1} {TOP}V{height:.1}")} />
            { for ticks(plot.scale).into_iter().map(tick) }
        </svg>
    }
}

/// Maximum number of messages that are drawn together. Their numbers, divided by this, are equal.
const MESSAGES_PER_PART: u64 = 64;

/// Messages that are drawn together.
#[derive(Clone)]
struct ArrowPart {
    messages: Rc<Vec<DiagramMessage>>,
    /// The places of the messages, each with its relation to the selected message.
    shown: Vec<(usize, &'static str)>,
    plot: Plot,
    /// The present instant, if any of the messages is in flight.
    now: Option<Micros>,
}

impl ArrowPart {
    fn arrows(&self) -> impl Iterator<Item = (&DiagramMessage, &'static str)> {
        self.shown.iter().map(|(place, relation)| (&self.messages[*place], *relation))
    }
}

impl PartialEq for ArrowPart {
    fn eq(&self, other: &Self) -> bool {
        let is_same = Rc::ptr_eq(&self.messages, &other.messages) && self.shown == other.shown;
        self.plot == other.plot && self.now == other.now && (is_same || self.arrows().eq(other.arrows()))
    }
}

impl GradualPart for ArrowPart {
    fn draw(&self) -> Html {
        let arrow = |(message, relation)| arrow(&self.plot, message, relation, self.now.unwrap_or_default());
        self.arrows().map(arrow).collect()
    }
}

/// Draws the messages gradually. As the window moves on, most parts stay as they are.
fn parts(
    all: &Rc<Vec<DiagramMessage>>,
    shown: &[&DiagramMessage],
    plot: Plot,
    relation: impl Fn(u64) -> &'static str,
    now: Micros,
) -> Html {
    let mut places = 0..all.len();
    let part = |messages: &[&DiagramMessage]| {
        let is_in_flight = messages.iter().any(|message| message.end.is_none());
        let find = |message: &&DiagramMessage| {
            let place = places.find(|place| all[*place].id == message.id)?;
            Some((place, relation(message.id)))
        };
        let shown = messages.iter().filter_map(find).collect();
        let part = ArrowPart { messages: all.clone(), shown, plot, now: is_in_flight.then_some(now) };
        html! { <Gradual<ArrowPart> key={messages[0].id / MESSAGES_PER_PART} {part} /> }
    };
    shown.chunk_by(|a, b| a.id / MESSAGES_PER_PART == b.id / MESSAGES_PER_PART).map(part).collect()
}

/// Draws a message as an arrow. `relation` is its relation to the selected message.
fn arrow(plot: &Plot, message: &DiagramMessage, relation: &'static str, now: Micros) -> Html {
    let (x1, y1) = (plot.x(message.sent), plot.y(message.from.index()));
    let (x2, y2) = (plot.x(message.end.unwrap_or(now)), plot.y(message.to.index()));
    // The arrow of a lost message, or of one in flight, ends before the receiver's lane.
    let length = if message.dropped || message.end.is_none() { 0.8 } else { 1.0 };
    let (x2, y2) = (x1 + (x2 - x1) * length, y1 + (y2 - y1) * length);
    let colour = message.content.update().map(|update| update.update).map_or("none".to_string(), update_class);
    let classes =
        classes!("arrow", relation, colour, message.dropped.then_some("lost"), message.late.then_some("late"));
    html! {
        <g key={message.id} class={classes} data-m={message.id.to_string()}>
            <path class="reach" d={format!("M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}")} />
            <path d={format!("M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}")} marker-end={(!message.dropped).then_some("url(#tip)")} />
            if message.dropped { <path class="cross" d={format!("M{:.1} {:.1}l8 8m0-8l-8 8", x2 - 4.0, y2 - 4.0)} /> }
        </g>
    }
}

/// Draws the header of the diagram and the charts.
fn header(state: &State, send: &Callback<Msg>, filter: Html) -> Html {
    let view = |charting: bool, text: &'static str| {
        let on = state.charting == charting;
        html! { <button class={classes!(on.then_some("on"))} aria-pressed={on.to_string()} onclick={send.reform(move |_: MouseEvent| Msg::Diagram(DiagramMsg::Charts(charting)))}>{ text }</button> }
    };
    let (export, charting) = (send.clone(), state.charting);
    let save = Callback::from(move |event: Event| {
        let Some(select) = event.target_dyn_into::<HtmlSelectElement>() else { return };
        let chosen = select.value();
        if let Some((_, kind)) = SAVES.iter().find(|(name, _)| name.of(Language::English) == chosen) {
            export.emit(Msg::Sharing(SharingMsg::Export(*kind)));
        } else if let Some((_, kind)) = PICTURES.iter().find(|(name, _)| name.of(Language::English) == chosen) {
            let name = if charting { "charts" } else { "diagram" };
            let on_failure = export.reform(|failure| Msg::Sharing(SharingMsg::PictureFailed(failure)));
            picture::save(".diagram .scroll > svg", name, *kind, on_failure);
        }
        select.set_value("");
    });
    html! {
        <header>
            <span class="seg" role="group" aria-label={text!("View")}>{ view(false, text!("Messages")) }{ view(true, text!("Charts")) }</span>
            { filter }
            <span class="grow"></span>
            <select aria-label={text!("Save the run as")} onchange={save}>
                <option value="" selected=true>{ text!("Save as…") }</option>
                { for SAVES.iter().map(|(name, _)| *name).chain(PICTURES.map(|(name, _)| name)).map(|name| html! { <option value={name.of(Language::English)}>{ name.get() }</option> }) }
            </select>
            <button class="icon small" aria-label={text!("Close the diagram")} onclick={send.reform(|_: MouseEvent| Msg::Diagram(DiagramMsg::Toggle))}>{ icon(Icon::Close) }</button>
        </header>
    }
}

/// The formats of an exported run.
const SAVES: [(Text, ExportKind); 4] = [
    (Text::new("Metrics (CSV)"), ExportKind::Csv),
    (Text::new("Sequence diagram (Mermaid)"), ExportKind::Mermaid),
    (Text::new("ShiViz log"), ExportKind::Shiviz),
    (Text::new("History (Jepsen)"), ExportKind::History),
];

/// The formats of a picture of the view.
const PICTURES: [(Text, PictureFormat); 2] =
    [(Text::new("Picture (SVG)"), PictureFormat::Svg), (Text::new("Picture (PNG)"), PictureFormat::Png)];

/// Returns a name, truncated to 15 characters.
fn truncated(name: &str) -> String {
    if name.chars().count() <= 15 { name.into() } else { name.chars().take(14).chain(['…']).collect() }
}

/// Describes the selected message.
fn description(
    model: &Model,
    all: &[DiagramMessage],
    lit: Option<u64>,
    past: usize,
    future: usize,
    send: &Callback<Msg>,
) -> Html {
    let Some(arrow) = all.iter().find(|arrow| Some(arrow.id) == lit) else {
        return html! { <span class="muted">{ text!("Select a message to see its possible causes and effects.") }</span> };
    };
    let ends = format!("{} → {}", model.name_of(arrow.from.index()), model.name_of(arrow.to.index()));
    let fate = match (arrow.end, arrow.dropped) {
        (Some(end), true) => text!("lost at {}", clock(end)),
        (Some(end), false) if arrow.late => text!("arrived late at {}, after a quorum had answered", clock(end)),
        (Some(end), false) => text!("arrived at {}", clock(end)),
        (None, _) => text!("in flight").into(),
    };
    let (at, nodes) = (arrow.sent, vec![arrow.from, arrow.to]);
    html! {
        <>
            <span>{ text!("{}: {}, sent at {}, {}. {} possible causes, {} possible effects.", ends, labels::message(arrow.kind, &arrow.content), clock(arrow.sent), fate, past, future) }</span>
            <button class="line small" onclick={send.reform(move |_: MouseEvent| Msg::Verdicts(VerdictsMsg::Jump(at, nodes.clone())))}>{ text!("Seek to this time") }</button>
        </>
    }
}
