//! The outline: the canvas as two tables with ordinary controls. It offers every action of the canvas.

use super::card::badge;
use super::field::FieldView;
use super::icons::{Icon, icon};
use super::update_colour::update_class;
use crate::app::faults::{dead_letters, faults};
use crate::app::fields::{self, Field};
use crate::app::model::{CanvasItem, DocumentMsg, LiveMsg, Model, Msg, Origin, SelectionMsg};
use crate::app::outline::{OutlineMsg, bus_summary, client_summary, service_summary};
use crate::app::scene::{LinkKind, NodeKind};
use crate::scenario::{Command, Scenario};
use crate::session::labels;
use crate::session::protocol::RowView;
use crate::text;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// The data that all rows use.
struct Sheet<'a> {
    model: &'a Model,
    /// The drawing with a position for every card.
    scenario: Rc<Scenario>,
    editable: bool,
    send: &'a Callback<Msg>,
}

/// Draws the outline.
pub fn view(model: &Model, send: &Callback<Msg>) -> Html {
    let editable = model.mode.edits() && model.document.origin == Origin::Own;
    let sheet = Sheet { model, scenario: model.all_placed(), editable, send };
    let on_key = {
        let send = send.clone();
        move |event: KeyboardEvent| {
            if event.key() == "Escape" && event.target_dyn_into::<HtmlInputElement>().is_none() {
                send.emit(Msg::Outline(OutlineMsg::Toggle));
            }
        }
    };
    let groups = model.scene.areas.iter().filter(|area| !area.region);
    let group_rows = groups.map(|area| sheet.group(&area.id, &area.name, &area.description));
    let cards = group_rows.chain((0..model.scene.nodes.len()).flat_map(|node| sheet.card(node)));
    let links = (0..model.scene.links.len()).flat_map(|link| sheet.link(link));
    html! {
        <section class="outline" role="main" tabindex="-1" aria-label={text!("Outline")} onkeydown={on_key}>
            { sheet.tools() }
            <div class="scroll">
                { table(text!("Cards"), &[text!("Card"), text!("State"), text!("Place"), text!("Links"), text!("Actions")], cards.collect()) }
                { table(text!("Links"), &[text!("Link"), text!("State"), text!("Latency"), text!("Actions")], links.collect()) }
                { sheet.connector() }
            </div>
        </section>
    }
}

// Roles are explicit: a narrow page displays the tables as lists, and browsers then drop the implicit roles.

fn table(name: &'static str, columns: &[&'static str], rows: Html) -> Html {
    let columns: Html = columns.iter().map(|name| cell("th", "columnheader", "", (*name).into())).collect();
    html! {
        <table role="table" aria-label={name}>
            <thead role="rowgroup"><tr role="row">{ columns }</tr></thead>
            <tbody role="rowgroup">{ rows }</tbody>
        </table>
    }
}

fn cell(tag: &'static str, role: &'static str, head: &'static str, content: Html) -> Html {
    html! { <@{tag} {role} data-head={head}>{ content }</@> }
}

fn span(class: &'static str, content: Html) -> Html {
    html! { <span {class}>{ content }</span> }
}

/// Draws a row of a service's data.
fn datum(row: &RowView) -> Html {
    let siblings: Vec<String> = row.siblings.iter().map(ToString::to_string).collect();
    let value = match &row.value {
        _ if !siblings.is_empty() => siblings.join(" | "),
        Some(value) => value.to_string(),
        None => "—".to_string(),
    };
    let update = row.update.map(update_class).unwrap_or_default();
    let version = row.version.map(labels::version).unwrap_or_default();
    html! { <span class="datum"><b class={classes!("swatch", update)}></b>{ format!("{} = {value} {version}", row.key) }</span> }
}

impl Sheet<'_> {
    /// Draws a button with an accessible label. A toggle has a state (`on`).
    fn button(&self, text: Html, label: String, on: Option<bool>, enabled: bool, msg: Msg) -> Html {
        let class = if on == Some(true) { "line small on" } else { "line small" };
        let onclick = self.send.reform(move |_: MouseEvent| msg.clone());
        html! { <button key={label.clone()} {class} aria-label={label} aria-pressed={on.map(|on| on.to_string())} disabled={!enabled} {onclick}>{ text }</button> }
    }

    /// Draws a button for an action on a named item.
    fn action(&self, label: &str, name: &str, msg: Msg) -> Html {
        self.button(label.into(), format!("{label}: {name}"), None, true, msg)
    }

    /// Draws the toolbar: add, tidy, heal, publish.
    fn tools(&self) -> Html {
        let add = |kind: NodeKind| {
            let word = kind.word();
            self.button(
                word.into(),
                text!("Add: {}", word),
                None,
                self.editable,
                Msg::Document(DocumentMsg::Add { kind, at: None }),
            )
        };
        let tool = |label: &'static str, enabled, msg| self.button(label.into(), label.into(), None, enabled, msg);
        html! {
            <header class="tools">
                <h2>{ text!("Outline") }</h2>
                { span("muted small", text!("Add").into()) }
                { for [NodeKind::Service, NodeKind::Bus, NodeKind::Client, NodeKind::Group].map(add) }
                { span("grow", Html::default()) }
                { tool(text!("Tidy up"), self.editable, Msg::Document(DocumentMsg::Tidy)) }
                { tool(text!("Heal everything"), true, Msg::Live(LiveMsg::Execute(Command::HealAll))) }
                { tool(text!("Publish update"), true, Msg::Live(LiveMsg::Publish)) }
                { self.button(icon(Icon::Close), text!("Close the outline").into(), None, true, Msg::Outline(OutlineMsg::Toggle)) }
            </header>
        }
    }

    /// Draws the form that connects two cards.
    fn connector(&self) -> Html {
        let end = |label: &'static str, chosen: usize| {
            let nodes = self.model.scene.nodes.iter().enumerate();
            let option = nodes.map(|(i, node)| {
                let (id, text) = (node.id.to_string(), format!("{} {}", node.kind.word(), node.name));
                html! { <option key={id.clone()} value={id} selected={i == chosen}>{ text }</option> }
            });
            span("input", html! { <select aria-label={label}>{ for option }</select> })
        };
        let send = self.send.clone();
        let onsubmit = move |event: SubmitEvent| {
            event.prevent_default();
            let selects = event.target_dyn_into::<Element>().and_then(|form| form.query_selector_all("select").ok());
            let chosen = |i: u32| Some(selects.as_ref()?.get(i)?.dyn_into::<HtmlSelectElement>().ok()?.value());
            if let (Some(from), Some(to)) = (chosen(0), chosen(1)) {
                send.emit(Msg::Outline(OutlineMsg::Connect { from, to }));
            }
        };
        html! {
            <form class="tools" {onsubmit}>
                { end(text!("Connect from"), 0) }{ "→" }{ end(text!("Connect to"), 1) }
                <button class="line small" disabled={!self.editable}>{ text!("Connect") }</button>
            </form>
        }
    }

    /// Draws fields of the drawing, each with its error.
    fn fields(&self, fields: &[Field], name: &str) -> Html {
        let field = |field: &Field| {
            let key = field.path.join("/");
            let placeholder = if key.ends_with("/name") { name.to_string() } else { String::new() };
            let field = Field { label: text!("{} of {}", field.label, name), ..field.clone() };
            html! { <FieldView {key} {field} {placeholder} scope="outline" scenario={self.scenario.clone()} send={self.send.clone()} /> }
        };
        html! { <fieldset disabled={!self.editable}>{ for fields.iter().map(field) }</fieldset> }
    }

    fn row(&self, id: String, item: &CanvasItem, cells: Html) -> Html {
        let class = self.model.selection.items.contains(item).then_some("selected");
        html! { <tr role="row" key={id.clone()} data-row={id} {class}>{ cells }</tr> }
    }

    /// Draws the kind and the name of a card.
    fn head(&self, symbol: Icon, kind: NodeKind, fields: &[Field], name: &str) -> Html {
        let contents = [icon(symbol), span("sr", kind.word().into()), self.fields(&fields[..1], name)];
        cell("th", "rowheader", "", span("what", contents.into_iter().collect()))
    }

    fn card(&self, node: usize) -> [Html; 2] {
        let placed = &self.model.scene.nodes[node];
        let (id, name) = (placed.id.to_string(), &*placed.name);
        let run = &self.model.run;
        let item = CanvasItem::Node(id.clone());
        let (service, at) = (run.services.get(node), &(node as u32));
        let (symbol, status) = match placed.kind {
            NodeKind::Service => (Icon::Service, service.map(|view| service_summary(view))),
            NodeKind::Bus => (Icon::Bus, run.buses.get(at).map(|view| bus_summary(view))),
            NodeKind::Client => (Icon::Client, run.clients.get(at).map(|view| client_summary(view))),
            NodeKind::Group => (Icon::Group, None),
        };
        let mut state: Vec<Html> = service.iter().map(|view| badge(view.state)).collect();
        state.push(span("status", status.unwrap_or_default().into()));
        state.extend(service.and_then(|view| view.stale_since).map(|since| {
            html! { <span class="status">{ text!("for") }{ " " }<span data-since={since.to_string()}></span></span> }
        }));
        state.push(span("bad", run.faults_of(node).into()));
        state.extend(service.iter().flat_map(|view| view.rows.iter().take(3)).map(datum));
        let mut actions = Vec::new();
        if placed.kind == NodeKind::Service {
            actions.push(self.action(text!("Publish"), name, Msg::Outline(OutlineMsg::Publish(node))));
        }
        actions.extend(self.actions(&item, name, true));
        let fields = fields::identity(&self.scenario, &id);
        let cells = [
            self.head(symbol, placed.kind, &fields, name),
            cell("td", "cell", text!("State"), state.into_iter().collect()),
            cell("td", "cell", text!("Place"), self.fields(&fields[1..], name)),
            cell("td", "cell", text!("Links"), (*placed.connections).into()),
            cell("td", "cell", "", span("acts", actions.into_iter().collect())),
        ];
        [self.row(id, &item, cells.into_iter().collect()), self.more(&item, name)]
    }

    fn group(&self, id: &str, name: &str, summary: &str) -> Html {
        let item = CanvasItem::Node(id.into());
        let cells = [
            self.head(Icon::Group, NodeKind::Group, &fields::identity(&self.scenario, id), name),
            cell("td", "cell", text!("State"), summary.into()),
            cell("td", "cell", "", Html::default()),
            cell("td", "cell", "", Html::default()),
            cell("td", "cell", "", span("acts", self.actions(&item, name, true).into_iter().collect())),
        ];
        self.row(id.into(), &item, cells.into_iter().collect())
    }

    fn link(&self, link: usize) -> [Html; 2] {
        let nodes = &self.model.scene.nodes;
        let link = &self.model.scene.links[link];
        let (from, to) = (&nodes[link.from], &nodes[link.to]);
        let item = CanvasItem::Link { from: from.id.to_string(), to: to.id.to_string() };
        let name = text!("{} to {}", from.name, to.name);
        let condition = self.model.condition(Some(&item));
        let state = match (condition.cut, condition.disturbed) {
            (true, _) => span("bad", html! { <>{ icon(Icon::Cut) }{ text!("cut") }</> }),
            (false, true) => span("bad", html! { <>{ icon(Icon::Fault) }{ text!("disturbed") }</> }),
            (false, false) => span("status", text!("up").into()),
        };
        let actions = self.actions(&item, &name, link.kind != LinkKind::Replicates);
        let cells = [
            cell("th", "rowheader", "", format!("{} {} {}", from.name, link.kind.word(), to.name).into()),
            cell("td", "cell", text!("State"), state),
            cell("td", "cell", text!("Latency"), (*link.label).into()),
            cell("td", "cell", "", span("acts", actions.into_iter().collect())),
        ];
        [self.row(format!("{}>{}", from.id, to.id), &item, cells.into_iter().collect()), self.more(&item, &name)]
    }

    fn faults(&self, item: &CanvasItem) -> Vec<(String, Command)> {
        let mut all = faults(&self.model.document.scenario, Some(item), &self.model.condition(Some(item)));
        if let CanvasItem::Node(id) = item
            && let Some(bus) = self.model.scene.find(id).and_then(|node| self.model.run.buses.get(&(node as u32)))
        {
            all.extend(dead_letters(&self.model.document.scenario, id, bus));
        }
        all
    }

    /// Draws the actions of a row: the first fault (such as cut or heal), all faults, inspect, delete.
    fn actions(&self, item: &CanvasItem, name: &str, removable: bool) -> Vec<Html> {
        let model = self.model;
        let faults = self.faults(item);
        let open = model.outline.faults_of.as_ref() == Some(item);
        let chosen = model.selection.items.len() == 1 && model.selection.items.contains(item);
        let first = faults.into_iter().next();
        let mut buttons = Vec::new();
        if let Some((label, command)) = first {
            let more = Msg::Outline(OutlineMsg::ToggleFaults(item.clone()));
            buttons.push(self.action(&label, name, Msg::Live(LiveMsg::Execute(command))));
            buttons.push(self.button(text!("Faults…").into(), text!("More faults: {}", name), Some(open), true, more));
        }
        let select = Msg::Selection(SelectionMsg::Select((!chosen).then(|| item.clone())));
        buttons.push(self.button(text!("Inspect").into(), text!("Inspect: {}", name), Some(chosen), true, select));
        let remove = Msg::Outline(OutlineMsg::Delete(item.clone()));
        buttons.push(self.button(
            text!("Delete").into(),
            text!("Delete: {}", name),
            None,
            self.editable && removable,
            remove,
        ));
        buttons
    }

    /// Draws the row with all faults of an item, if it is open.
    fn more(&self, item: &CanvasItem, name: &str) -> Html {
        if self.model.outline.faults_of.as_ref() != Some(item) {
            return html! {};
        }
        let buttons = self
            .faults(item)
            .into_iter()
            .map(|(label, command)| self.action(&label, name, Msg::Live(LiveMsg::Execute(command))));
        html! { <tr role="row" class="faults"><td role="cell" colspan="5"><span class="acts">{ for buttons }</span></td></tr> }
    }
}
