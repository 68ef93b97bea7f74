//! The gallery of examples and challenges: pictures by subject, with search and filters.

use super::areas::outlines;
use super::dialogs::Modal;
use crate::app::actions::ActionId;
use crate::app::gallery::{Entry, Search, Section};
use crate::app::geometry::Rect;
use crate::app::model::{DocumentMsg, Msg, PanelsMsg};
use crate::app::scene::{Layout, NodeKind, Scene, SceneNode};
use crate::app::task_view::best_points;
use crate::app::texts::translated;
use crate::app::titles::shown_title;
use crate::scenario::examples::Difficulty;
use crate::scenario::{Scenario, Task};
use crate::text;
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// Distance between the drawing and the edge of its picture.
const MARGIN: f64 = 30.0;

/// Properties of [`Gallery`].
#[derive(Clone, PartialEq, Properties)]
pub struct GalleryProps {
    /// What the browser keeps of tasks.
    pub tasks: Option<String>,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// Title, picture and tasks of an example.
type Picture = (String, Html, Vec<Task>);

/// The dialog with all examples and challenges.
#[component]
pub fn Gallery(props: &GalleryProps) -> Html {
    let (search, field) = (use_state(Search::default), use_node_ref());
    // The field keeps the focus while the sections below it come and go.
    use_effect_with((search.text.clone(), field.clone()), |(_, field)| {
        if let Some(field) = field.cast::<HtmlElement>() {
            let _ = field.focus();
        }
    });
    let pictures: Rc<BTreeMap<String, Picture>> = use_memo((), |()| {
        let picture = |entry: Entry| {
            let scenario = entry.scenario();
            (entry.fragment(), (scenario.title.clone(), picture(&scenario), scenario.tasks))
        };
        Entry::all().map(picture).collect()
    });
    let close = props.send.reform(|()| Msg::Panels(PanelsMsg::CloseExamples));
    let open = |msg: Msg| {
        let (send, close) = (props.send.clone(), close.clone());
        Callback::from(move |_: MouseEvent| {
            close.emit(());
            send.emit(msg.clone());
        })
    };
    let card = |entry: &Entry| {
        let fragment = entry.fragment();
        let (title, picture, tasks) = &pictures[&fragment];
        let best = best_points(props.tasks.as_deref(), tasks);
        let onclick = open(Msg::Document(DocumentMsg::OpenNamed(fragment.clone())));
        let name = match entry {
            Entry::Example(example) => example.id.to_string(),
            Entry::Challenge(_) => fragment.clone(),
        };
        html! {
            <li key={fragment}><button class="example" data-open={name} {onclick}>
                { picture.clone() }
                <b>{ shown_title(title) }</b><span>{ entry.promise() }</span>
                <small>{ format!("{} · {}", translated(entry.level().name()), entry.id()) }</small>
                if let Some((best, of)) = best { <small class="best">{ text!("Best so far: {} of {} points", best, of) }</small> }
            </button></li>
        }
    };
    let found = search.found();
    let count: usize = found.iter().map(|(_, entries)| entries.len()).sum();
    let section = |(section, entries): &(Section, Vec<Entry>)| {
        html! { <section key={section.name()}><h3>{ section.name() }</h3><ul>{ for entries.iter().map(card) }</ul></section> }
    };
    // A nested list. In a flat one, Yew compares elements by their place from the end, and replaces the field when the number
    // of sections changes.
    let sections: Html = found.iter().map(section).collect();
    html! {
        <Modal title={text!("Examples")} on_close={close.clone()}>
            <div class="gallery" onkeydown={Callback::from(move_between_cards)}>
                <div class="row" role="search">
                    { filters(&search, &field) }
                    <span class="grow"></span>
                    <button class="line" data-open="-" onclick={open(ActionId::NewDrawing.msg())}>{ text!("New drawing") }</button>
                    <button class="line" data-open="~" onclick={open(ActionId::OtherDrawing.msg())}>{ ActionId::OtherDrawing.action().label() }</button>
                </div>
                <p class="muted small" role="status">{ match count {
                    0 => text!("Nothing matches. Use fewer words, or all subjects.").to_string(),
                    count => text!("{} found", count),
                } }</p>
                { sections }
            </div>
        </Modal>
    }
}

/// Draws the search field, and the choices of subject and level.
fn filters(search: &UseStateHandle<Search>, field: &NodeRef) -> Html {
    let oninput = {
        let search = search.clone();
        Callback::from(move |event: InputEvent| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            search.set(Search { text: input.value(), ..(*search).clone() });
        })
    };
    let choice = |label: &'static str,
                  all: &'static str,
                  names: Vec<&'static str>,
                  chosen: Option<&'static str>,
                  change: fn(Search, usize) -> Search| {
        let search = search.clone();
        let onchange = Callback::from(move |event: Event| {
            let Some(select) = event.target_dyn_into::<HtmlSelectElement>() else { return };
            // The first option is "all".
            search.set(change((*search).clone(), select.selected_index().max(0) as usize));
        });
        let option = |name: &'static str| html! { <option selected={name == chosen.unwrap_or(all)}>{ name }</option> };
        html! { <select aria-label={label} {onchange}>{ for [all].into_iter().chain(names).map(option) }</select> }
    };
    let sections = Section::all();
    let subjects = sections.iter().map(|section| section.name()).collect();
    let levels = Difficulty::ALL.map(|level| translated(level.name())).to_vec();
    html! {
        <>
            <input ref={field.clone()} type="search" aria-label={text!("Find an example")} placeholder={text!("Find: retry, quorum, cart…")} autofocus=true {oninput} />
            { choice(text!("Subject"), text!("All subjects"), subjects, search.section.map(Section::name), |search, at| Search { section: at.checked_sub(1).map(|at| Section::all()[at]), ..search }) }
            { choice(text!("Level"), text!("All levels"), levels, search.level.map(|level| translated(level.name())), |search, at| Search { level: at.checked_sub(1).map(|at| Difficulty::ALL[at]), ..search }) }
        </>
    }
}

/// Moves the focus from card to card by the arrow keys, and from the search to the first card, which Enter opens.
fn move_between_cards(event: KeyboardEvent) {
    let key = event.key();
    let step: i32 = match key.as_str() {
        "ArrowDown" | "ArrowRight" | "Enter" => 1,
        "ArrowUp" | "ArrowLeft" => -1,
        _ => return,
    };
    let Some(focused) = event.target_dyn_into::<Element>() else { return };
    let Some(cards) =
        focused.closest(".gallery").ok().flatten().and_then(|all| all.query_selector_all(".example").ok())
    else {
        return;
    };
    let is_in_search = focused.matches("input").unwrap_or(false);
    let moves = match key.as_str() {
        "ArrowDown" => is_in_search || !focused.matches("select").unwrap_or(false),
        "Enter" => is_in_search,
        _ => !focused.matches("input, select").unwrap_or(false),
    };
    if !moves {
        return;
    }
    let at = (0..cards.length()).find(|at| cards.get(*at).is_some_and(|card| card.is_same_node(Some(&focused))));
    let next = at.map_or(0, |at| (at as i32 + step).max(0) as u32);
    if let Some(card) = cards.get(next).and_then(|card| card.dyn_into::<HtmlElement>().ok()) {
        match key.as_str() {
            "Enter" => card.click(),
            _ => drop(card.focus()),
        }
        event.prevent_default();
    }
}

/// Draws a scenario as the canvas lays it out, without its texts.
fn picture(scenario: &Scenario) -> Html {
    let rows: Vec<usize> = scenario.services.iter().map(|service| service.data.len()).collect();
    let scene = Scene::new(scenario, Layout::Free, &rows, &BTreeMap::new(), None);
    let Rect { x, y, w, h } = scene.bounds().grown(MARGIN);
    let link = |curve: &str| html! { <path class="link" d={curve.to_string()} marker-end="url(#arrow)" /> };
    html! {
        <svg viewBox={format!("{x:.0} {y:.0} {w:.0} {h:.0}")} aria-hidden="true">
            { outlines(&scene) }
            { for scene.links.iter().map(|found| link(found.curve.svg())) }
            { for scene.nodes.iter().map(node) }
        </svg>
    }
}

/// Draws a card: its outline, and a bar where the name is.
fn node(node: &SceneNode) -> Html {
    let Rect { x, y, w, h } = node.rect;
    let kind = match node.kind {
        NodeKind::Service => "service",
        NodeKind::Bus => "bus",
        NodeKind::Client => "client",
        NodeKind::Group => "group",
    };
    let text = |value: f64| format!("{value:.0}");
    html! {
        <g class={kind}>
            <rect class="box" x={text(x)} y={text(y)} width={text(w)} height={text(h)} rx="12" />
            if node.group.is_none() { <rect class="bar" x={text(x + 14.0)} y={text(y + 14.0)} width={text(w * 0.5)} height="12" rx="6" /> }
        </g>
    }
}
