//! The inspector of the selected item: its actions, then its fields.

use super::card::badge;
use super::field::FieldView;
use super::icons::{Icon, icon};
use super::internals;
use super::publisher::Publisher;
use super::verdicts::step_view;
use crate::app::actions::ActionId;
use crate::app::drawing;
use crate::app::edit;
use crate::app::faults::{ItemCondition, faults};
use crate::app::fields::{self, AddButton, Field, Section};
use crate::app::internals::names;
use crate::app::measurement::Measurement;
use crate::app::model::{CanvasItem, DocumentMsg, LiveMsg, Msg, SelectionMsg, VerdictsMsg};
use crate::app::playback::clock;
use crate::app::scene::NodeKind;
use crate::app::status_text;
use crate::app::texts::translated;
use crate::scenario::{Command, Consistency, Micros, Scenario, Service};
use crate::session::labels;
use crate::session::measurement::SEEDS;
use crate::session::protocol::internals::GroupInternals;
use crate::session::protocol::{BusView, MeasurementRow, PartitionDepth, ServiceView, SubscriptionView, VerdictView};
use crate::text;
use std::rc::Rc;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`Inspector`].
#[derive(Clone, PartialEq, Properties)]
pub struct InspectorProps {
    /// The drawing.
    pub scenario: Rc<Scenario>,
    /// The selected item; `None` for the scenario.
    pub selected: Option<CanvasItem>,
    /// The selected nodes, if they are several of one kind.
    pub many: Vec<String>,
    /// The state of a selected service.
    pub view: Option<Rc<ServiceView>>,
    /// The state of a selected bus.
    pub bus: Option<Rc<BusView>>,
    /// The active faults of the item, on which its actions depend.
    pub condition: ItemCondition,
    /// The measurements of a group under each consistency.
    pub measured: Measurement,
    /// The internals of a selected group, of a member, or of a client of one.
    pub internals: Option<Rc<GroupInternals>>,
    /// Why the copies of a selected service are not consistent.
    pub reasons: Reasons,
    /// Whether the drawing can be edited.
    pub editable: bool,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// Why the copies of a service are not consistent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reasons {
    /// The explanations, one for each missing update or inconsistent copy.
    pub all: Vec<VerdictView>,
    /// The instant that they are about, while the visitor follows one through time.
    pub pinned: Option<Micros>,
    /// Whether the service is not consistent.
    pub is_open: bool,
}

/// The inspector.
#[component]
pub fn Inspector(props: &InspectorProps) -> Html {
    let is_many = !props.many.is_empty();
    let sections = if is_many {
        fields::shared_sections(&props.scenario, &props.many)
    } else {
        fields::sections(&props.scenario, props.selected.as_ref())
    };
    let key = format!("{:?} {}", props.selected, props.many.join(" "));
    html! {
        <aside class="inspector" id="inspector" tabindex="-1" aria-label={text!("Inspector")} key={key}>
            { head(props) }
            { if is_many { faults_of_many(props) } else { actions(props) } }
            <fieldset disabled={!props.editable}>
                { for sections.into_iter().enumerate().map(|(index, section)| section_view(props, index, section)) }
            </fieldset>
        </aside>
    }
}

fn report(send: &Callback<Msg>, result: Result<Scenario, String>) {
    match result {
        Ok(scenario) => send.emit(Msg::Document(DocumentMsg::Edit(Box::new(scenario)))),
        Err(why) => send.emit(Msg::Notify(why)),
    }
}

fn head(props: &InspectorProps) -> Html {
    let (symbol, name) = match &props.selected {
        None if !props.many.is_empty() => {
            let (symbol, _) = icon_and_name(&props.scenario, &props.many[0]);
            let kind = match drawing::kind(&props.scenario, &props.many[0]) {
                Some(NodeKind::Service) => text!("service"),
                Some(NodeKind::Bus) => text!("bus"),
                Some(NodeKind::Client) => text!("client"),
                Some(NodeKind::Group) => text!("replica group"),
                None => text!("node"),
            };
            (symbol, format!("{} × {kind}", props.many.len()))
        }
        None => (Icon::Note, text!("Scenario").to_string()),
        Some(CanvasItem::Link { from, to }) => {
            let name = |id| drawing::name(&props.scenario, id);
            (Icon::Connect, format!("{} – {}", name(from), name(to)))
        }
        Some(CanvasItem::Node(id)) => icon_and_name(&props.scenario, id),
    };
    let state = props.view.as_ref().map(|view| badge(view.state)).unwrap_or_default();
    html! {
        <section class="head"><h2>{ icon(symbol) }<span class="grow">{ name }</span>{ state }
            <button class="icon small" aria-label={text!("Close the inspector")} onclick={props.send.reform(|_| Msg::Selection(SelectionMsg::Select(None)))}>{ icon(Icon::Close) }</button>
        </h2></section>
    }
}

/// Returns the icon and the name of a node.
fn icon_and_name(scenario: &Scenario, id: &str) -> (Icon, String) {
    let symbol = match drawing::kind(scenario, id) {
        Some(NodeKind::Service) => Icon::Service,
        Some(NodeKind::Bus) => Icon::Bus,
        Some(NodeKind::Client) => Icon::Client,
        Some(NodeKind::Group) => Icon::Group,
        None => Icon::Note,
    };
    (symbol, drawing::name(scenario, id).to_string())
}

/// Draws the faults of several nodes.
fn faults_of_many(props: &InspectorProps) -> Html {
    let button = |action: ActionId| {
        let onclick = props.send.reform(move |_: MouseEvent| action.msg());
        html! { <button class="line" title={action.action().tooltip()} {onclick}>{ action.action().label() }</button> }
    };
    html! {
        <section class="actions"><h3>{ text!("Inject a fault") }</h3>
            { for [ActionId::CrashCard, ActionId::FreezeCard, ActionId::HealCard].map(button) }
        </section>
    }
}

/// Draws the actions on the selected item.
fn actions(props: &InspectorProps) -> Html {
    let service = match &props.selected {
        Some(CanvasItem::Node(id)) if props.scenario.services.iter().any(|service| service.id == *id) => {
            Some(id.clone())
        }
        Some(CanvasItem::Node(_) | CanvasItem::Link { .. }) | None => None,
    };
    let active_faults = props.condition.active_faults.iter().copied().map(status_text::fault);
    let active_faults = active_faults.collect::<Vec<String>>().join(" · ");
    html! {
        <>
            if let Some(service) = service {
                { why(props) }
                <Publisher {service} keys={keys_of(props)} send={props.send.clone()} />
            }
            { consumers(props) }
            { depths(props) }
            { props.internals.as_ref().map(|internals| internals::view(internals, &names(&props.scenario), &props.send)).unwrap_or_default() }
            { dead_letters(props) }
            { consistency(props) }
            <Palette faults={faults(&props.scenario, props.selected.as_ref(), &props.condition)}
                active_faults={active_faults.clone()} editable={props.editable} send={props.send.clone()} />
        </>
    }
}

/// Draws why the copies of a service are not consistent: the cause first, then the steps that led there.
fn why(props: &InspectorProps) -> Html {
    let Some(view) = props.view.as_ref().filter(|_| props.reasons.is_open) else { return html! {} };
    let reason = |reason: &VerdictView| {
        html! {
            <div class="why" key={reason.because.clone()}>
                <h3>{ &reason.title }</h3>
                <p>{ &reason.because }</p>
                <ol>{ for reason.steps.iter().map(|step| step_view(step, &props.send)) }</ol>
            </div>
        }
    };
    let refresh = props.send.reform(|_: MouseEvent| Msg::Verdicts(VerdictsMsg::Refresh));
    html! {
        <section class="reasons" aria-label={text!("Why")}>
            if props.reasons.all.is_empty() { <h3>{ text!("Why is it {}?", labels::copy_state(view.state)) }</h3> }
            { props.reasons.all.iter().map(reason).collect::<Html>() }
            if let Some(at) = props.reasons.pinned {
                <button class="line small" onclick={refresh}>{ text!("As of {} · Refresh", clock(at)) }</button>
            }
        </section>
    }
}

/// Draws the choice of a group's consistency: eventual, read-after-write or strong.
fn consistency(props: &InspectorProps) -> Html {
    let group = match &props.selected {
        Some(CanvasItem::Node(id)) => drawing::group_of(&props.scenario, id)
            .or_else(|| props.scenario.groups.iter().position(|group| group.id == *id)),
        Some(CanvasItem::Link { .. }) | None => None,
    };
    let Some(group) = group.filter(|_| props.editable) else { return html! {} };
    let now = props.scenario.consistency(group);
    let choice = |consistency: Consistency| {
        let scenario = props.scenario.clone();
        let onclick = props.send.reform(move |_: MouseEvent| {
            Msg::Document(DocumentMsg::Edit(Box::new(scenario.with_consistency(group, consistency))))
        });
        let on = now == Some(consistency);
        html! { <button class={classes!("line", on.then_some("on"))} aria-pressed={on.to_string()} {onclick}>{ translated(consistency.name()) }</button> }
    };
    html! {
        <section class="actions"><h3>{ text!("Consistency") }</h3>
            { for Consistency::ALL.into_iter().map(choice) }
            { measured(props, group) }
        </section>
    }
}

/// Draws the latency and the staleness of each consistency, measured by a short sweep.
fn measured(props: &InspectorProps, group: usize) -> Html {
    let Measurement { seeds, rows, .. } = &props.measured;
    let onclick = props.send.reform(move |_: MouseEvent| Msg::Measure(group));
    let about = props.measured.is_about(group);
    if about && *seeds == 0 {
        return html! { <p class="hint" role="status">{ text!("Measuring…") }</p> };
    }
    if !has_workload(&props.scenario, group) {
        return html! { <p class="hint">{ text!("To measure it, add a client of the group that reads and writes, or operations in the script.") }</p> };
    }
    if !about {
        let title = text!("Run the scenario with {} seeds under each consistency and compare the results", SEEDS);
        return html! { <button class="line" {title} {onclick}>{ text!("Measure all three") }</button> };
    }
    let row = |(metric, cells): &MeasurementRow| {
        html! { <tr><th scope="row">{ metric }</th>{ for cells.iter().map(|cell| html! { <td>{ cell }</td> }) }</tr> }
    };
    let heads = Consistency::ALL
        .into_iter()
        .map(|consistency| html! { <th scope="col">{ translated(consistency.name()) }</th> });
    html! {
        <>
            <table class="measured">
                <caption>{ text!("{} of {} seeds, each run to the end", seeds, SEEDS) }</caption>
                <thead><tr><td></td>{ for heads }</tr></thead>
                <tbody>{ for rows.iter().map(row) }</tbody>
            </table>
            if *seeds == SEEDS { <button class="line" {onclick}>{ text!("Measure again") }</button> }
        </>
    }
}

/// Returns whether the drawing itself reads or writes a group's data. Otherwise there is nothing to measure.
fn has_workload(scenario: &Scenario, group: usize) -> bool {
    let Some(group) = scenario.groups.get(group) else { return false };
    let is_in_group = |id: &String| *id == group.id || group.members.contains(id);
    let operates = |command: &Command| matches!(command, Command::Operate { service, .. } if is_in_group(service));
    scenario
        .clients
        .iter()
        .any(|client| is_in_group(&client.target) && (client.generate.is_some() || !client.script.is_empty()))
        || scenario.script.iter().any(|step| operates(&step.command))
        || scenario.services.iter().any(|service| is_in_group(&service.id) && !service.subscribes.is_empty())
}

#[derive(Clone, PartialEq, Properties)]
struct PaletteProps {
    faults: Vec<(String, Command)>,
    active_faults: String,
    editable: bool,
    send: Callback<Msg>,
}

/// The faults. Each is injected now, or added to the script at the current time.
#[component]
fn Palette(props: &PaletteProps) -> Html {
    let scripted = use_state(|| false);
    let toggle = {
        let scripted = scripted.clone();
        Callback::from(move |_: Event| scripted.set(!*scripted))
    };
    let act = |(label, command): &(String, Command)| {
        let (command, scripted) = (command.clone(), *scripted);
        let msg = move |_: MouseEvent| {
            if scripted {
                Msg::Document(DocumentMsg::AddStep(command.clone()))
            } else {
                Msg::Live(LiveMsg::Execute(command.clone()))
            }
        };
        html! { <button key={label.clone()} class="line" onclick={props.send.reform(msg)}>{ label }</button> }
    };
    if props.faults.is_empty() && props.active_faults.is_empty() {
        return html! {};
    }
    html! {
        <section class="actions"><h3>{ if *scripted { text!("Add a fault to the script") } else { text!("Inject a fault") } }</h3>
            if !props.active_faults.is_empty() { <p class="trouble">{ &props.active_faults }</p> }
            { props.faults.iter().map(act).collect::<Html>() }
            if props.editable {
                <label class="scripted"><input type="checkbox" checked={*scripted} onchange={toggle} />{ text!("Add to the script at the current time") }</label>
            }
        </section>
    }
}

/// Draws the consumers of a bus: how each is attached, and the deliveries that it holds.
fn consumers(props: &InspectorProps) -> Html {
    let Some(bus) = props.bus.as_ref().filter(|bus| !bus.subscriptions.is_empty()) else { return html! {} };
    let row = |subscription: &SubscriptionView| {
        let service = props.scenario.services.get(subscription.service.index());
        let name = service.map(|service| icon_and_name(&props.scenario, &service.id).1).unwrap_or_default();
        // A consumer works on as many events as it has workers; the others wait in it.
        let prefetched = subscription.held.saturating_sub(service.map_or(0, |service| service.concurrency));
        let attached = match (subscription.attached, subscription.polls) {
            (false, _) => text!("no"),
            (true, true) => text!("polls"),
            (true, false) => text!("connected"),
        };
        html! { <tr><th scope="row">{ name }</th><td>{ attached }</td><td>{ subscription.held }</td><td>{ prefetched }</td><td>{ subscription.most }</td></tr> }
    };
    html! {
        <section class="actions consumers"><h3>{ text!("Consumers") }</h3>
            <table class="measured">
                <thead><tr><th scope="col">{ text!("consumer") }</th><th scope="col">{ text!("attached") }</th><th scope="col">{ text!("in flight") }</th><th scope="col">{ text!("prefetched") }</th><th scope="col">{ text!("at most") }</th></tr></thead>
                <tbody>{ for bus.subscriptions.iter().map(row) }</tbody>
            </table>
        </section>
    }
}

/// Draws the number of events in each partition of a bus.
fn depths(props: &InspectorProps) -> Html {
    let Some(bus) = &props.bus else { return html! {} };
    let tables = bus.subscriptions.iter().filter(|subscription| !subscription.depths.is_empty()).map(|subscription| {
        let service = props.scenario.services.get(subscription.service.index());
        let name = service.map(|service| icon_and_name(&props.scenario, &service.id).1).unwrap_or_default();
        let row = |depth: &PartitionDepth| {
            html! { <tr><th scope="row">{ depth.partition }</th><td>{ depth.queued }</td><td>{ depth.in_flight }</td></tr> }
        };
        html! {
            <table class="measured">
                <caption>{ text!("{} for {}, partitions with events: {} of {}", subscription.topic, name, subscription.depths.len(), subscription.partitions) }</caption>
                <thead><tr><th scope="col">{ text!("partition") }</th><th scope="col">{ text!("queued") }</th><th scope="col">{ text!("in flight") }</th></tr></thead>
                <tbody>{ for subscription.depths.iter().map(row) }</tbody>
            </table>
        }
    });
    let tables: Vec<Html> = tables.collect();
    if tables.is_empty() {
        return html! {};
    }
    html! { <section class="actions depths"><h3>{ text!("Depth by partition") }</h3>{ for tables }</section> }
}

/// Draws the dead-letter queues of a bus, with buttons that redrive or purge them.
fn dead_letters(props: &InspectorProps) -> Html {
    let (Some(bus), Some(CanvasItem::Node(id))) = (&props.bus, &props.selected) else { return html! {} };
    let has_queue = |service: &&Service| {
        let mut subscriptions = service.subscribes.iter().filter(|subscription| subscription.to == *id);
        subscriptions.any(|subscription| subscription.max_deliveries.is_some() && subscription.dead_letter)
    };
    if bus.subscriptions.iter().all(|subscription| subscription.dead == 0)
        && props.scenario.services.iter().any(|service| has_queue(&service))
    {
        return html! { <section class="actions"><h3>{ text!("Dead letters") }</h3><p class="muted">{ text!("None. An event arrives here after its last delivery attempt.") }</p></section> };
    }
    let queues = bus.subscriptions.iter().filter(|subscription| subscription.dead > 0).map(|subscription| {
        let service = props
            .scenario
            .services
            .get(subscription.service.index())
            .map(|service| service.id.clone())
            .unwrap_or_default();
        let act = |label: &'static str, command: Command| {
            let onclick = props.send.reform(move |_: MouseEvent| Msg::Live(LiveMsg::Execute(command.clone())));
            html! { <button class="line" {onclick}>{ label }</button> }
        };
        let more = subscription.dead as usize - subscription.dead_letters.len();
        html! {
            <section class="actions dead-letters" key={subscription.service.0}>
                <h3>{ text!("Dead letters for {}", icon_and_name(&props.scenario, &service).1) }</h3>
                <ul class="mono">
                    { for subscription.dead_letters.iter().map(|update| html! { <li>{ labels::update(update) }</li> }) }
                    if more > 0 { <li class="muted">{ text!("{} more", more) }</li> }
                </ul>
                { act(text!("Redrive"), Command::Redrive { bus: id.clone(), service: service.clone() }) }
                { act(text!("Purge"), Command::Purge { bus: id.clone(), service }) }
            </section>
        }
    });
    queues.collect()
}

fn keys_of(props: &InspectorProps) -> Vec<AttrValue> {
    let rows = props.view.iter().flat_map(|view| view.rows.iter().map(|row| AttrValue::from(row.key.clone())));
    rows.collect()
}

fn section_view(props: &InspectorProps, index: usize, section: Section) -> Html {
    let field = |field: &Field| {
        // Without a name, a card shows its id.
        let placeholder = match &props.selected {
            Some(CanvasItem::Node(id)) if field.path.last().is_some_and(|part| part == "name") => id.clone(),
            Some(_) | None => String::new(),
        };
        html! {
            <FieldView key={field.path.join("/")} field={field.clone()} {placeholder} scenario={props.scenario.clone()} send={props.send.clone()} />
        }
    };
    // A nested list with keys, so that Yew keeps the elements of fields when others come and go.
    let fields: Html = section.fields.iter().map(field).collect();
    let remove = section.remove.map(|path| {
        let (scenario, send) = (props.scenario.clone(), props.send.clone());
        let onclick = Callback::from(move |_: MouseEvent| report(&send, edit::remove(&scenario, &path)));
        let label = text!("Remove: {}", section.title);
        html! { <button type="button" class="icon small" title={text!("Remove")} aria-label={label} {onclick}>{ icon(Icon::Close) }</button> }
    });
    html! {
        <section key={index}>
            <h3><span class="grow">{ section.title }</span>{ remove.unwrap_or_default() }</h3>
            { fields }
            { for section.adders.into_iter().map(|adder| html! { <AdderView {adder} scenario={props.scenario.clone()} send={props.send.clone()} /> }) }
        </section>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct AdderProps {
    adder: AddButton,
    scenario: Rc<Scenario>,
    send: Callback<Msg>,
}

/// A button that appends an item to a list, or adds a field with a name.
#[component]
fn AdderView(props: &AdderProps) -> Html {
    let name = use_node_ref();
    let onsubmit = {
        let (name, props) = (name.clone(), props.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let AdderProps { adder, scenario, send } = &props;
            if adder.asks_name.is_none() {
                return report(send, edit::append(scenario, &adder.path, adder.item.clone()));
            }
            let Some(input) = name.cast::<HtmlInputElement>() else { return };
            let key = input.value().trim().to_string();
            if key.is_empty() {
                return send.emit(Msg::Confirm(text!("Enter a name first.").into()));
            }
            let mut path = adder.path.clone();
            path.push(key);
            input.set_value("");
            report(send, edit::set(scenario, &path, adder.item.clone()));
        })
    };
    html! {
        <form class="adder" {onsubmit}>
            if let Some(label) = props.adder.asks_name { <input ref={name} aria-label={label} placeholder={label} /> }
            <button class="line small">{ &props.adder.label }</button>
        </form>
    }
}
