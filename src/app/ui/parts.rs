//! Small parts of the page: the chips over the canvas, the preview banner, the transport.

use super::action_button::{action_button, icon_button};
use super::icons::{Icon, icon};
use super::update_colour::update_class;
use crate::app::actions::ActionId;
use crate::app::model::{DocumentMsg, Model, Msg, PanelsMsg, PlaybackMsg, VerdictsMsg};
use crate::app::playback::{SPEEDS, exact};
use crate::app::texts::filled;
use crate::language::decimal;
use crate::session::labels;
use crate::session::protocol::{MarkKind, NO_LOST_UPDATE, VerdictStatus};
use crate::text;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// The maximum number of violated guarantees with a chip each, on a wide page.
const MAX_VIOLATED: usize = 3;

/// Returns a text about a number: `one` for 1, otherwise `many` with the number in its gap.
fn count(n: u32, one: &str, many: &str) -> String {
    if n == 1 { one.to_string() } else { filled(many, &[&n]) }
}

/// Draws the notice, if there is one.
pub fn notice(model: &Model, send: &Callback<Msg>) -> Html {
    let Some(notice) = &model.notices.notice else { return html! {} };
    let dismiss = |then: Option<&Msg>| {
        let (send, then) = (send.clone(), then.cloned());
        Callback::from(move |_: MouseEvent| {
            send.emit(Msg::Panels(PanelsMsg::DismissNotice));
            then.iter().for_each(|msg| send.emit(msg.clone()));
        })
    };
    html! {
        <div class="notice"><span>{ notice }</span>
            if let Some(action) = &model.notices.action {
                <button id="notice-action" class="line small" onclick={dismiss(Some(&*action.msg))}>{ action.label }</button>
            }
            <button class="icon small" aria-label={text!("Close")} onclick={dismiss(None)}>{ icon(Icon::Close) }</button>
        </div>
    }
}

/// Draws the chips: the verdict on convergence, violated guarantees, active faults, and facts about the run.
pub fn chips(model: &Model, send: &Callback<Msg>) -> Html {
    if model.hidden.verdicts {
        return html! {};
    }
    let summary = &model.run.summary;
    let on = |msg: Msg| send.reform(move |_: MouseEvent| msg.clone());
    let bad = |key: String, symbol: Icon, text: String, msg: Msg| {
        html! { <button {key} class="chip bad" onclick={on(msg)}>{ icon(symbol) }{ text }</button> }
    };
    let verdict = |id: &str| Msg::Verdicts(VerdictsMsg::Show(id.to_string()));
    let mut broken = Vec::new();
    if summary.lost > 0 {
        let text = count(summary.lost, text!("1 acknowledged write lost"), text!("{} acknowledged writes lost"));
        broken.push(bad("lost".into(), Icon::Fault, text, verdict(NO_LOST_UPDATE)));
    }
    // The number of lost updates is shown instead of this guarantee.
    let violated: Vec<_> = model.verdicts.violated().filter(|finding| finding.id != NO_LOST_UPDATE).collect();
    let shown = if violated.len() > MAX_VIOLATED { MAX_VIOLATED - 1 } else { violated.len() };
    let shown = if model.viewport.narrow { shown.min(1) } else { shown };
    for finding in &violated[..shown] {
        let text = text!("{} violated", finding.title);
        broken.push(bad(finding.id.clone(), Icon::Fault, text, verdict(&finding.id)));
    }
    if let Some(finding) = violated.get(shown) {
        let text = text!("{} more violated", violated.len() - shown);
        broken.push(bad("more".into(), Icon::Fault, text, verdict(&finding.id)));
    }
    let cut = model.scene.links.iter().filter(|link| model.run.is_cut(link.from, link.to)).count() as u32;
    if cut > 0 {
        broken.push(bad("cut".into(), Icon::Cut, count(cut, text!("1 link cut"), text!("{} links cut")), verdict("")));
    }
    if summary.down > 0 {
        let text = count(summary.down, text!("1 service down"), text!("{} services down"));
        broken.push(bad("down".into(), Icon::Fault, text, verdict("")));
    }
    let window = summary.window.as_ref().map(|window| {
        html! {
            <span class="chip window">
                <b class={classes!("swatch", update_class(window.update.update))}></b>
                <span><b>{ labels::short_update(&window.update) }</b>{ " " }if window.took == 0 { { text!("reached every copy at once") } } else { { text!("reached every copy in") }{ " " }<b>{ exact(window.took) }</b> }if window.missed_again { { ", " }{ text!("a copy lost it again") } }</span>
            </span>
        }
    });
    let replayed = model.sharing.replayed.map(|same| match same {
        true => html! { <span class="chip ok">{ icon(Icon::Check) }{ text!("Replayed identically") }</span> },
        false => {
            html! { <span class="chip bad">{ icon(Icon::Fault) }{ text!("Replay differs from the shared run") }</span> }
        }
    });
    html! {
        <div class="chips" role="group" aria-label={text!("Verdicts on the run")}>
            { convergence_chip(model, on(verdict(""))) }
            { for broken }
            { window.unwrap_or_default() }
            { replayed.unwrap_or_default() }
        </div>
    }
}

/// Draws the chip about convergence: the verdict if it is known, the states of the copies, and the messages in flight.
fn convergence_chip(model: &Model, onclick: Callback<MouseEvent>) -> Html {
    let summary = &model.run.summary;
    let of = |n: u32, one: &str, many: &str| {
        if summary.copies == 1 { filled(one, &[&n]) } else { filled(many, &[&n, &summary.copies]) }
    };
    let (class, symbol, copies) = if summary.stale > 0 {
        ("stale", Icon::InFlight, of(summary.stale, text!("{} of 1 copy stale"), text!("{} of {} copies stale")))
    } else if summary.diverged > 0 {
        (
            "diverged",
            Icon::Fault,
            of(summary.diverged, text!("{} of 1 copy diverged"), text!("{} of {} copies diverged")),
        )
    } else if summary.conflicted > 0 {
        (
            "diverged",
            Icon::Fault,
            of(summary.conflicted, text!("{} of 1 copy conflicted"), text!("{} of {} copies conflicted")),
        )
    } else if summary.acknowledged > 0 {
        ("ok", Icon::Check, text!("All copies consistent").to_string())
    } else if model.run.marks.iter().any(|mark| mark.kind == MarkKind::Update) {
        ("none", Icon::InFlight, text!("No write acknowledged yet").to_string())
    } else {
        ("none", Icon::InFlight, text!("No update yet").to_string())
    };
    let (class, symbol, verdict) = match model.verdicts.convergence() {
        Some(VerdictStatus::Violated) => ("bad", Icon::Fault, Some(text!("Will not converge"))),
        Some(VerdictStatus::Pending) if class != "ok" => (class, symbol, Some(text!("Converging"))),
        Some(VerdictStatus::Pending | VerdictStatus::Holds | VerdictStatus::Unknown) | None => (class, symbol, None),
    };
    let detail = (verdict.is_some()).then(|| html! { <span class="fact copies">{ &copies }</span> });
    let messages = (model.run.in_flight > 0).then(|| {
        html! { <span class="fact">{ count(model.run.in_flight, text!("1 message in flight"), text!("{} messages in flight")) }</span> }
    });
    let events = (summary.queued > 0).then(|| {
        html! { <span class="fact events">{ count(summary.queued, text!("1 event not acknowledged"), text!("{} events not acknowledged")) }</span> }
    });
    html! {
        <button class={classes!("chip", "first", class)} title={text!("Open the verdicts")} {onclick}>
            { icon(symbol) }<b>{ verdict.unwrap_or(&copies) }</b>
            { detail.unwrap_or_default() }
            { messages.unwrap_or_default() }
            { events.unwrap_or_default() }
        </button>
    }
}

/// Draws the banner over a drawing that came from a link: a preview until the visitor edits a copy.
pub fn banner(send: &Callback<Msg>) -> Html {
    html! {
        <div class="preview" role="region" aria-label={text!("Preview")}>
            <span><b>{ text!("Preview") }</b>{ " " }{ text!("of a shared scenario. Your own work is unchanged.") }</span>
            <button class="line small" onclick={send.reform(|_: MouseEvent| Msg::Document(DocumentMsg::EditCopy))}>{ text!("Edit a copy") }</button>
        </div>
    }
}

/// Draws the banner that reports a crash of the engine and restarts it.
pub fn crash_banner(model: &Model, send: &Callback<Msg>) -> Html {
    let Some(crash) = &model.crash else { return html! {} };
    html! {
        <section class="crash" role="alert" aria-label={text!("The engine stopped")}>
            <h2>{ text!("The engine stopped") }</h2>
            <pre>{ &crash.message }</pre>
            <p>{ text!("Seed {}. To reproduce the run:", crash.seed) }</p>
            <pre class="command">{ crash.command.as_deref().unwrap_or(text!("The drawing is too large for a link.")) }</pre>
            <button class="primary" onclick={send.reform(|_: MouseEvent| Msg::RestartEngine)}>{ text!("Restart") }</button>
        </section>
    }
}

/// The elements of the transport that the painter updates.
#[derive(Clone, Default, PartialEq)]
pub struct TransportRefs {
    /// The clock.
    pub clock: NodeRef,
    /// The scrubber.
    pub scrubber: NodeRef,
}

/// Draws the transport: reset, play, step, speed, clock, scrubber, panels.
pub fn transport(model: &Model, refs: &TransportRefs, send: &Callback<Msg>, scrub: &Callback<InputEvent>) -> Html {
    let on = |msg: Msg| send.reform(move |_: MouseEvent| msg.clone());
    let playing = model.playback.playing();
    let at_end = model.playback.at_end();
    let (symbol, label) = match (playing, at_end) {
        (true, _) => (Icon::Pause, text!("Pause")),
        (false, true) => (Icon::Play, text!("Play from the start")),
        (false, false) => (Icon::Play, text!("Play")),
    };
    let speeds = SPEEDS.iter().map(|&speed| {
        let chosen = (model.playback.speed() - speed).abs() < 1e-9;
        let number = decimal(speed);
        let text = if chosen { format!("{number}×") } else { number.clone() };
        html! {
            <button key={speed.to_string()} class={classes!(chosen.then_some("on"))} aria-pressed={chosen.to_string()}
                aria-label={text!("Speed {}", number)} onclick={on(Msg::Playback(PlaybackMsg::Speed(speed)))}>{ text }</button>
        }
    });
    // Narrow pages show only the icon of a panel's button.
    let panel = |id: ActionId, symbol: Icon| {
        if !(id.action().is_enabled)(model) {
            // A panel that an embed hides has no button.
            return html! {};
        }
        let content = html! { <>{ icon(symbol) }<span>{ id.action().label() }</span></> };
        action_button(id, "logs", content, model, send)
    };
    html! {
        <div class="transport" role="group" aria-label={text!("Playback")}>
            { icon_button(ActionId::Reset, Icon::Reset, model, send) }
            <button class="icon primary" title={text!("{} (Space)", label)} aria-label={label} onclick={on(ActionId::Play.msg())}>{ icon(symbol) }</button>
            { action_button(ActionId::StepBack, "icon back", icon(Icon::Next), model, send) }
            { icon_button(ActionId::Step, Icon::Next, model, send) }
            <span class="clock" ref={refs.clock.clone()}></span>
            <span class="seg speeds" role="group" aria-label={text!("Speed")}>{ for speeds }</span>
            { speed_choice(model, send) }
            <input ref={refs.scrubber.clone()} class="scrubber" type="range" min="0" step="1" aria-label={text!("Virtual time")}
                oninput={scrub.clone()} />
            if at_end && model.run.until > 0 {
                <span class="ended">{ text!("End of run") }</span>
                { action_button(ActionId::Extend, "line small", ActionId::Extend.action().label().into(), model, send) }
            }
            <span class="muted small seed">{ text!("seed {}", model.document.scenario.seed) }</span>
            { panel(ActionId::Outline, Icon::Outline) }
            { panel(ActionId::Diagram, Icon::Diagram) }
            { panel(ActionId::Branches, Icon::Branches) }
            { panel(ActionId::Verdicts, Icon::Verdicts) }
            { panel(ActionId::Log, Icon::Log) }
            <button class="icon more-button" title={text!("More actions")} aria-label={text!("More actions")} aria-haspopup="menu" aria-expanded={model.panels.more.to_string()}
                onclick={on(Msg::Panels(PanelsMsg::ToggleMore))}>{ icon(Icon::More) }</button>
        </div>
    }
}

/// Draws the choice of the speed, for pages without room for a button each.
fn speed_choice(model: &Model, send: &Callback<Msg>) -> Html {
    let onchange = send.reform(|event: Event| {
        let select = event.target_dyn_into::<HtmlSelectElement>();
        let index = select.and_then(|select| usize::try_from(select.selected_index()).ok());
        let speed = index.and_then(|index| SPEEDS.get(index)).copied().unwrap_or(1.0);
        Msg::Playback(PlaybackMsg::Speed(speed))
    });
    let option = |speed: &f64| {
        let chosen = (model.playback.speed() - speed).abs() < 1e-9;
        html! { <option selected={chosen}>{ format!("{speed}×") }</option> }
    };
    html! { <span class="input speed-choice"><select aria-label={text!("Speed")} {onchange}>{ for SPEEDS.iter().map(option) }</select></span> }
}

/// Describes the update that the publish button makes.
pub fn publish_hint(model: &Model) -> String {
    use crate::scenario::{Command, Operation};
    match model.next_update() {
        Some(Command::Operate { service, operation: Operation::Write { key, value }, .. }) => {
            text!("Set {} to {} at {}", key, value, model.name_of_id(&service))
        }
        Some(Command::Operate { service, operation, .. }) => {
            text!("Change {} at {}", operation.key(), model.name_of_id(&service))
        }
        Some(_) | None => String::new(),
    }
}
