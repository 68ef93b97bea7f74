//! The internals of a replica group as sections of the inspector: logs, versions, hints, quorums, Merkle trees.

use super::update_colour::update_class;
use crate::app::internals::share;
use crate::app::model::{Msg, PlaybackMsg};
use crate::app::playback::{clock, short};
use crate::scenario::Micros;
use crate::session::labels;
use crate::session::protocol::internals::{
    CopyInternals, GroupInternals, HintView, LogEntryView, LogInternals, PhaseKind, QuorumOperation, QuorumPhase,
    ReplicaResponse, TombstoneView, TreeComparison, ValueInternals, ValueOrigin, WriteView,
};
use crate::text;
use crate::trace::{NodeId, Outcome, node_of};
use std::rc::Rc;
use yew::prelude::*;

/// Maximum number of cells drawn for a level of a tree.
const CELLS: u32 = 24;

/// The data that all sections use.
struct Sections<'a> {
    names: &'a [Rc<str>],
    send: &'a Callback<Msg>,
    now: Micros,
}

impl Sections<'_> {
    fn name(&self, node: NodeId) -> &str {
        self.names.get(node.index()).map_or("?", |name| name)
    }

    /// Names an origin of a version.
    fn origin(&self, origin: Option<NodeId>) -> &str {
        origin.map_or(text!("document"), |node| self.name(node))
    }

    /// Draws a button that seeks to an instant.
    fn at(&self, at: Micros) -> Html {
        let onclick = self.send.reform(move |_: MouseEvent| Msg::Playback(PlaybackMsg::Seek(at)));
        html! { <button type="button" class="jump" title={text!("Seek to this time")} {onclick}>{ clock(at) }</button> }
    }
}

/// Draws the sections that are not empty.
pub fn view(internals: &GroupInternals, names: &[Rc<str>], send: &Callback<Msg>) -> Html {
    let sections = Sections { names, send, now: internals.now };
    html! {
        <>
            if let Some(ahead) = internals.clock_ahead.filter(|ahead| *ahead != 0) {
                <section class="internals"><p class="skew">{ text!("Its clock is {}. Its writes are ordered by that clock.", clock_offset(ahead)) }</p></section>
            }
            { for internals.log.iter().map(log) }
            { copies(&sections, &internals.copies) }
            { section(text!("Hints for other replicas"), count(internals.hints.len()), internals.hints.iter().map(|kept| hint(&sections, kept)).collect()) }
            { section(text!("Prepared and locked"), count(internals.prepared.len()), internals.prepared.iter().map(|update| html! { <p class="mono">{ labels::update(update) }</p> }).collect()) }
            { section(text!("Operations and responses"), String::new(), internals.quorums.iter().map(|operation| quorum(&sections, operation)).collect()) }
            { section(text!("Merkle trees"), String::new(), internals.trees.iter().map(|exchange| tree(&sections, exchange)).collect()) }
            if internals.truncated { <section class="internals"><p class="faint">{ text!("The log no longer contains the start of the run. This list may be incomplete.") }</p></section> }
        </>
    }
}

/// Describes an offset of a clock: `300 ms behind`.
fn clock_offset(ahead: i64) -> String {
    let side = if ahead < 0 { text!("behind") } else { text!("ahead") };
    format!("{} {side}", labels::duration(ahead.unsigned_abs()))
}

fn count(n: usize) -> String {
    if n == 0 { String::new() } else { n.to_string() }
}

/// Draws a collapsible section, unless it is empty.
fn section(title: &'static str, aside: String, parts: Vec<Html>) -> Html {
    if parts.is_empty() {
        return html! {};
    }
    html! {
        <section class="internals" key={title}>
            <details open=true>
                <summary><h3>{ title }</h3><span>{ aside }</span></summary>
                { for parts }
            </details>
        </section>
    }
}

fn swatch(update: Option<u32>) -> Html {
    update.map(|update| html! { <b class={classes!("swatch", update_class(update))}></b> }).unwrap_or_default()
}

fn quorum(sections: &Sections, operation: &QuorumOperation) -> Html {
    let status = match operation.ended {
        None => html! { <em class="waits">{ text!("in flight") }</em> },
        Some((at, Outcome::Ok)) => html! { <em>{ short(at.saturating_sub(operation.begun)) }</em> },
        Some((_, outcome)) => html! { <em class="bad">{ labels::outcome(outcome) }</em> },
    };
    let who = match operation.at == operation.by {
        true => text!("{} coordinates itself", sections.name(operation.by)),
        false => text!("{}, by {}", sections.name(operation.by), sections.name(operation.at)),
    };
    // The axis ends shortly after the last response; without responses, at the current time.
    let parts = || operation.phases.iter().flat_map(|phase| &phase.parts);
    let ends = parts().flat_map(|part| [part.answered, part.lost.map(|(at, _)| at)]).flatten();
    let last = ends.chain(operation.phases.iter().filter_map(|phase| phase.enough)).max().unwrap_or(sections.now);
    let waits = parts().any(|part| part.answered.is_none() && part.lost.is_none());
    let to = last + (last.saturating_sub(operation.begun)) / if waits { 4 } else { 20 } + 1;
    html! {
        <article class="quorum" key={format!("{}-{}", operation.operation.operation, operation.begun)}>
            <h4><span class="mono">{ labels::operation(&operation.operation) }</span>{ status }</h4>
            <p>{ who }{ " · " }{ sections.at(operation.begun) }</p>
            { for operation.phases.iter().map(|phase| phase_view(sections, phase, (operation.begun, to))) }
        </article>
    }
}

/// Describes the responses that a phase needs: `2 of 3 responses`.
fn phase_text(phase: &QuorumPhase) -> String {
    let (needed, asked) = (phase.needed, phase.parts.len());
    match phase.kind {
        PhaseKind::Read => text!("{} of {} responses", needed, asked),
        PhaseKind::Write => text!("{} of {} acknowledgements", needed, asked),
        PhaseKind::WriteBack => text!("{} of {} replicas with the returned version", needed, asked),
    }
}

fn phase_view(sections: &Sections, phase: &QuorumPhase, (from, to): (Micros, Micros)) -> Html {
    let enough = match phase.enough {
        Some(at) if at <= from => text!("{} at once", phase_text(phase)),
        Some(at) => text!("{} after {}", phase_text(phase), short(at - from)),
        None => text!("waits for {}", phase_text(phase)),
    };
    let line = phase.enough.map(|at| share(at, from, to));
    let row = |part: &ReplicaResponse| {
        let asked = share(part.asked, from, to);
        let (class, end, label) = match (part.answered, part.lost) {
            (Some(at), _) if part.late => ("late", share(at, from, to), text!("late, {}", short(at - from))),
            (Some(at), _) => ("in-time", share(at, from, to), short(at - from)),
            (None, Some((at, cause))) => ("lost", share(at, from, to), labels::drop_cause(cause).to_string()),
            (None, None) if phase.enough.is_some() => ("awaited", 100.0, text!("not yet").into()),
            (None, None) => ("awaited", 100.0, text!("awaited").into()),
        };
        html! {
            <li key={format!("{}-{}", part.node.0, part.asked)} class={class}>
                <span class="who">{ sections.name(part.node) }</span>
                <svg viewBox="0 0 100 16" aria-hidden="true">
                    if let Some(x) = line { <path class="enough" d={format!("M{x:.1} 0V16")} /> }
                    <path class="span" d={format!("M{asked:.1} 8H{end:.1}")} />
                    { line_end(class, end) }
                </svg>
                <span class="result">{ label }</span>
            </li>
        }
    };
    html! {
        <div class="phase">
            <p class={classes!(phase.enough.is_none().then_some("waits"))}>{ enough }</p>
            <ul>{ for phase.parts.iter().map(row) }</ul>
        </div>
    }
}

/// Draws the end of a replica's line: a disc in time, a ring if late, a cross if lost, an arrow while awaited.
fn line_end(class: &str, x: f64) -> Html {
    let x = x.clamp(4.0, 96.0);
    match class {
        "lost" => html! { <path class="end" d={format!("M{:.1} 4.500l7 7m0 -7l-7 7", x - 3.5)} /> },
        "awaited" => html! { <path class="end" d={format!("M{:.1} 4.500l4 3.500-4 3.500", x - 1.0)} /> },
        _ => html! { <circle class="end" cx={format!("{x:.1}")} cy="8" r="3.500" /> },
    }
}

fn log(log: &LogInternals) -> Html {
    let role = if log.leads { text!("leads") } else { text!("follows") };
    let aside = text!("{}, term {} · {} of {} committed", role, log.term, log.committed, log.last);
    let shown = log.entries.len() as u32;
    let entry = |entry: &LogEntryView| {
        let committed = entry.index <= log.committed;
        let (class, label) =
            if committed { ("committed", text!("committed")) } else { ("uncommitted", text!("not committed")) };
        html! {
            <li key={format!("{}-{}", entry.index, entry.term)} class={class}>
                <i title={label}><span class="sr">{ label }</span></i><b>{ entry.index }</b><span class="term">{ format!("t{}", entry.term) }</span>
                <span class={classes!("mono", entry.update.is_none().then_some("faint"))}>{ entry_text(entry) }</span>{ swatch(entry.update.as_ref().map(|update| update.update)) }
            </li>
        }
    };
    let mut parts = vec![html! { <ol class="entries">{ for log.entries.iter().map(entry) }</ol> }];
    if shown < log.last {
        parts.insert(0, html! { <p class="faint">{ text!("{} earlier entries", log.last - shown) }</p> });
    }
    if log.last == 0 {
        parts = vec![html! { <p class="faint">{ text!("The log is empty.") }</p> }];
    }
    section(text!("Log"), aside, parts)
}

/// Describes an entry of a log: `x = 1`.
fn entry_text(entry: &LogEntryView) -> String {
    match (&entry.update, entry.change()) {
        (None, _) => text!("no-op of a new leader").into(),
        (Some(_), Some(change)) => labels::change(change),
        (Some(update), None) => labels::update(update),
    }
}

fn copies(sections: &Sections, copies: &[CopyInternals]) -> Html {
    let conflicted = copies.iter().map(|copy| copy.values.len()).filter(|values| *values > 1).sum::<usize>();
    let aside = if conflicted > 0 { text!("{} siblings", conflicted) } else { String::new() };
    section(text!("Versions and clocks"), aside, copies.iter().map(|copy| copy_view(sections, copy)).collect())
}

fn copy_view(sections: &Sections, copy: &CopyInternals) -> Html {
    let vector =
        copy.vector.iter().map(|(origin, count)| html! { <span>{ sections.origin(*origin) }<b>{ count }</b></span> });
    let vector = (!copy.vector.is_empty()).then(|| {
        html! { <span class="vector" title={text!("Version vector: the number of updates from each origin")}>{ for vector }</span> }
    });
    let values = match copy.values.as_slice() {
        [one] => html! {
            <>
                <p class="mono">{ swatch(one.update()) }{ one.value.to_string() }</p>
                <p>{ by(sections, one) }</p>
            </>
        },
        several => html! {
            <div class="siblings">
                { for several.iter().map(|sibling| html! {
                    <div class="sibling">
                        <p class="mono">{ swatch(sibling.update()) }{ sibling.value.to_string() }</p><p>{ version(sections, sibling) }</p><p>{ by(sections, sibling) }</p>
                    </div>
                }) }
            </div>
        },
    };
    let version =
        copy.values.first().filter(|_| copy.values.len() == 1).map(|one| html! { <em>{ version(sections, one) }</em> });
    html! {
        <article class="copy" key={copy.key.clone()}>
            <h4><span class="mono">{ &copy.key }</span>{ vector.unwrap_or_default() }{ version.unwrap_or_default() }</h4>
            if copy.values.is_empty() && copy.tombstone.is_none() { <p class="faint">{ text!("absent") }</p> }
            { values }
            if let Some(tombstone) = &copy.tombstone { <p class="tombstone">{ tombstone_text(tombstone, sections.now) }</p> }
        </article>
    }
}

/// Describes the version of a value: a time, a term and an entry, or a dot.
fn version(sections: &Sections, value: &ValueInternals) -> String {
    let ValueOrigin::Writes(writes) = &value.origin else { return String::new() };
    let Some(version) = writes.first().map(|write| write.version) else { return String::new() };
    match (version.reading(), version.time) {
        (Some(_), _) => labels::version(version),
        (None, 0) => format!("({}, {})", sections.origin(node_of(version.origin)), version.counter),
        (None, term) => text!("term {}, entry {}", term, version.counter),
    }
}

/// Describes a tombstone and its expiry.
fn tombstone_text(tombstone: &TombstoneView, now: Micros) -> String {
    let since = labels::duration(tombstone.since);
    match (tombstone.purged, tombstone.expires) {
        (Some(at), _) => text!("deleted at {}; the tombstone was purged at {}", since, labels::duration(at)),
        (None, Some(expires)) if expires > now => {
            text!("tombstone since {}, purged in {}", since, labels::duration(expires - now))
        }
        (None, _) => text!("tombstone since {}", since),
    }
}

/// Names the writer of a value, with the time of the write.
fn by(sections: &Sections, value: &ValueInternals) -> Html {
    let writes = match &value.origin {
        ValueOrigin::Document => return html! { text!("initial value") },
        ValueOrigin::Merged => return html! {},
        ValueOrigin::Writes(writes) => writes,
    };
    let writer = |write: &WriteView| {
        let name = sections.name(write.by);
        match write.clock_ahead.filter(|ahead| *ahead != 0) {
            Some(ahead) => text!("{}, its clock {}", name, clock_offset(ahead)),
            None => name.to_string(),
        }
    };
    let writers: Vec<String> = writes.iter().map(writer).collect();
    let at = writes.first().map(|write| html! { <>{ ", " }{ sections.at(write.at) }</> });
    html! { <>{ text!("written at {}", writers.join(&format!(" {} ", text!("or")))) }{ at.unwrap_or_default() }</> }
}

fn hint(sections: &Sections, hint: &HintView) -> Html {
    html! {
        <p class="hinted" key={format!("{}-{}", hint.replica.0, hint.key)}>{ swatch(hint.update.as_ref().map(|update| update.update)) }<span class="mono">{ hint.update.as_ref().map_or(hint.key.clone(), labels::update) }</span>
            <span>{ text!("for {}, since", sections.name(hint.replica)) }{ " " }{ sections.at(hint.since) }</span>
        </p>
    }
}

fn tree(sections: &Sections, exchange: &TreeComparison) -> Html {
    let last = exchange.levels.last().map_or(0, |(_, differing)| *differing);
    let leaves = exchange.levels.len() as u32 > exchange.depth;
    let (class, status) = match (last, exchange.under_way, leaves) {
        (0, ..) if exchange.levels.len() == 1 => ("same", text!("no difference").to_string()),
        (0, ..) => ("same", text!("repaired").to_string()),
        (_, true, false) => ("busy", text!("comparing").to_string()),
        (_, true, true) => ("busy", text!("exchanging keys").to_string()),
        (n, false, true) => {
            ("differ", if n == 1 { text!("1 leaf exchanged").to_string() } else { text!("{} leaves exchanged", n) })
        }
        (_, false, false) => ("broken", text!("aborted").to_string()),
    };
    let level = |(depth, (compared, differing)): (usize, &(u32, u32))| {
        let name = match depth as u32 {
            0 => text!("root").to_string(),
            depth if depth == exchange.depth => text!("leaves").into(),
            depth => text!("level {}", depth),
        };
        let cells = (0..(*compared).min(CELLS))
            .map(|i| html! { <i key={i} class={classes!((i < *differing).then_some("off"))}></i> });
        html! {
            <li key={depth}><span>{ name }</span><span class="cells" aria-hidden="true">{ for cells }</span><span class="result">{ text!("{} of {} differ", differing, compared) }</span></li>
        }
    };
    html! {
        <article class="tree" key={exchange.with.0}>
            <h4><span>{ format!("{} {}", if exchange.own { text!("with") } else { text!("started by") }, sections.name(exchange.with)) }</span><em class={class}>{ status }</em></h4>
            <ol>{ for exchange.levels.iter().enumerate().map(level) }</ol>
            <p>{ sections.at(exchange.at) }</p>
        </article>
    }
}
