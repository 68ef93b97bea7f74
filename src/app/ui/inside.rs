//! What is inside a member of a group, and what operations ask of whom, as sections of the inspector.

use super::card::update_class;
use crate::app::internals::share;
use crate::app::model::Msg;
use crate::app::playback::{clock, short};
use crate::scenario::Micros;
use crate::session::protocol::Packed;
use crate::session::protocol::inside::{
    CopyInside, HintInside, Inside, LogInside, PartInside, PhaseInside, QuorumInside, TreeInside, ValueInside,
};
use crate::session::words;
use crate::trace::{NodeId, Outcome};
use std::rc::Rc;
use yew::prelude::*;

/// Cells of a level of a tree that are drawn; of more the number is told.
const CELLS: u32 = 24;

/// Who is called what, and where to report.
struct Page<'a> {
    names: &'a [Rc<str>],
    send: &'a Callback<Msg>,
    now: Micros,
}

impl Page<'_> {
    fn name(&self, node: NodeId) -> &str {
        self.names.get(node.index()).map_or("?", |name| name)
    }

    /// An instant, to jump to.
    fn at(&self, at: Micros) -> Html {
        // What is selected stays selected: its inside is what is looked at.
        let onclick = self.send.reform(move |_: MouseEvent| Msg::Seek(at));
        html! { <button type="button" class="jump" title="Go there" {onclick}>{ clock(at) }</button> }
    }
}

/// The sections; nothing where there is nothing to tell.
pub fn view(inside: &Packed, names: &[Rc<str>], send: &Callback<Msg>) -> Html {
    let Some(inside) = inside.read::<Inside>() else { return html! {} };
    let page = Page { names, send, now: inside.now };
    html! {
        <>
            if !inside.clock.is_empty() && inside.clock != "exact" {
                <section class="inside"><p class="skew">{ format!("Its clock is {}. That orders its writes.", inside.clock) }</p></section>
            }
            { for inside.log.iter().map(log) }
            { copies(&page, &inside.copies) }
            { section("Hints kept for others", count(inside.hints.len()), inside.hints.iter().map(|it| hint(&page, it)).collect()) }
            { section("Promised and locked", count(inside.promised.len()), inside.promised.iter().map(|key| html! { <p class="mono">{ key }</p> }).collect()) }
            { section("Operations, and who answers", String::new(), inside.quorums.iter().map(|it| quorum(&page, it)).collect()) }
            { section("Merkle trees", String::new(), inside.trees.iter().map(|it| tree(&page, it)).collect()) }
            if inside.cut { <section class="inside"><p class="faint">{ "The log no longer holds the run's beginning: something may be missing here." }</p></section> }
        </>
    }
}

fn count(n: usize) -> String {
    if n == 0 { String::new() } else { n.to_string() }
}

/// A section that can be folded; none where it is empty.
fn section(title: &'static str, aside: String, parts: Vec<Html>) -> Html {
    if parts.is_empty() {
        return html! {};
    }
    html! {
        <section class="inside" key={title}>
            <details open=true>
                <summary><h4>{ title }</h4><span>{ aside }</span></summary>
                { for parts }
            </details>
        </section>
    }
}

fn swatch(update: Option<u32>) -> Html {
    update.map(|update| html! { <b class={classes!("swatch", update_class(update))}></b> }).unwrap_or_default()
}

fn quorum(page: &Page, it: &QuorumInside) -> Html {
    let how = match it.ended {
        None => html! { <em class="waits">{ "under way" }</em> },
        Some((at, Outcome::Ok)) => html! { <em>{ short(at.saturating_sub(it.begun)) }</em> },
        Some((_, outcome)) => html! { <em class="bad">{ words::outcome(outcome) }</em> },
    };
    let who = match it.at == it.by {
        true => format!("{} coordinates itself", page.name(it.by)),
        false => format!("{}, by {}", page.name(it.by), page.name(it.at)),
    };
    // As far as anybody has answered, and a little more; all of it where nobody has.
    let parts = || it.phases.iter().flat_map(|phase| &phase.parts);
    let known = parts().flat_map(|part| [part.answered, part.lost.map(|(at, _)| at)]).flatten();
    let last = known.chain(it.phases.iter().filter_map(|phase| phase.enough)).max().unwrap_or(page.now);
    let waits = parts().any(|part| part.answered.is_none() && part.lost.is_none());
    let to = last + (last.saturating_sub(it.begun)) / if waits { 4 } else { 20 } + 1;
    html! {
        <article class="quorum" key={format!("{}-{}", it.operation, it.begun)}>
            <h5><span class="mono">{ &it.text }</span>{ how }</h5>
            <p>{ who }{ " · " }{ page.at(it.begun) }</p>
            { for it.phases.iter().map(|phase| phase_view(page, phase, (it.begun, to))) }
        </article>
    }
}

fn phase_view(page: &Page, phase: &PhaseInside, (from, to): (Micros, Micros)) -> Html {
    let enough = match phase.enough {
        Some(at) if at <= from => format!("{} at once", phase.text),
        Some(at) => format!("{} after {}", phase.text, short(at - from)),
        None => format!("waits for {}", phase.text),
    };
    let line = phase.enough.map(|at| share(at, from, to));
    let row = |part: &PartInside| {
        let asked = share(part.asked, from, to);
        let (class, end, told) = match (part.answered, part.lost) {
            (Some(at), _) if part.late => ("late", share(at, from, to), format!("late, {}", short(at - from))),
            (Some(at), _) => ("in-time", share(at, from, to), short(at - from)),
            (None, Some((at, cause))) => ("lost", share(at, from, to), words::drop_cause(cause).to_string()),
            (None, None) if phase.enough.is_some() => ("awaited", 100.0, "not yet".into()),
            (None, None) => ("awaited", 100.0, "awaited".into()),
        };
        html! {
            <li key={format!("{}-{}", part.node.0, part.asked)} class={class}>
                <span class="who">{ page.name(part.node) }</span>
                <svg viewBox="0 0 100 16" aria-hidden="true">
                    if let Some(x) = line { <path class="enough" d={format!("M{x:.1} 0V16")} /> }
                    <path class="span" d={format!("M{asked:.1} 8H{end:.1}")} />
                    { end_of(class, end) }
                </svg>
                <span class="told">{ told }</span>
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

/// How a replica's line ends: a disc in time, a ring late, a cross where it was lost, an arrow while it is awaited.
fn end_of(class: &str, x: f64) -> Html {
    let x = x.clamp(4.0, 96.0);
    match class {
        "lost" => html! { <path class="end" d={format!("M{:.1} 4.500l7 7m0 -7l-7 7", x - 3.5)} /> },
        "awaited" => html! { <path class="end" d={format!("M{:.1} 4.500l4 3.500-4 3.500", x - 1.0)} /> },
        _ => html! { <circle class="end" cx={format!("{x:.1}")} cy="8" r="3.500" /> },
    }
}

fn log(log: &LogInside) -> Html {
    let role = if log.leads { "leads" } else { "follows" };
    let aside = format!("{role}, term {} · {} of {} committed", log.term, log.committed, log.last);
    let shown = log.entries.len() as u32;
    let entry = |entry: &crate::session::protocol::inside::EntryInside| {
        let committed = entry.index <= log.committed;
        let (class, told) = if committed { ("committed", "committed") } else { ("uncommitted", "not committed") };
        html! {
            <li key={format!("{}-{}", entry.index, entry.term)} class={class}>
                <i title={told}><span class="sr">{ told }</span></i><b>{ entry.index }</b><span class="term">{ format!("t{}", entry.term) }</span>
                <span class={classes!("mono", entry.update.is_none().then_some("faint"))}>{ &entry.text }</span>{ swatch(entry.update) }
            </li>
        }
    };
    let mut parts = vec![html! { <ol class="entries">{ for log.entries.iter().map(entry) }</ol> }];
    if shown < log.last {
        parts.insert(0, html! { <p class="faint">{ format!("{} before", log.last - shown) }</p> });
    }
    if log.last == 0 {
        parts = vec![html! { <p class="faint">{ "It is empty." }</p> }];
    }
    section("Log", aside, parts)
}

fn copies(page: &Page, copies: &[CopyInside]) -> Html {
    let conflicted = copies.iter().map(|copy| copy.values.len()).filter(|values| *values > 1).sum::<usize>();
    let aside = if conflicted > 0 { format!("{conflicted} siblings") } else { String::new() };
    section("Versions and clocks", aside, copies.iter().map(|it| copy(page, it)).collect())
}

fn copy(page: &Page, it: &CopyInside) -> Html {
    let vector = it.vector.iter().map(|(origin, count)| html! { <span>{ origin }<b>{ count }</b></span> });
    let vector = (!it.vector.is_empty()).then(|| {
        html! { <span class="vector" title="Version vector: how many updates of each origin are here">{ for vector }</span> }
    });
    let values = match it.values.as_slice() {
        [one] => html! {
            <>
                <p class="mono">{ swatch(one.update) }{ &one.value }</p>
                <p>{ by(page, one) }</p>
            </>
        },
        several => html! {
            <div class="siblings">
                { for several.iter().map(|it| html! {
                    <div class="sibling">
                        <p class="mono">{ swatch(it.update) }{ &it.value }</p><p>{ &it.version }</p><p>{ by(page, it) }</p>
                    </div>
                }) }
            </div>
        },
    };
    let version = it.values.first().filter(|_| it.values.len() == 1).map(|one| html! { <em>{ &one.version }</em> });
    html! {
        <article class="copy" key={it.key.clone()}>
            <h5><span class="mono">{ &it.key }</span>{ vector.unwrap_or_default() }{ version.unwrap_or_default() }</h5>
            if it.values.is_empty() && it.tombstone.is_empty() { <p class="faint">{ "absent" }</p> }
            { values }
            if !it.tombstone.is_empty() { <p class="tombstone">{ &it.tombstone }</p> }
        </article>
    }
}

/// Who wrote a value, and when.
fn by(page: &Page, it: &ValueInside) -> Html {
    let at = it.at.map(|at| html! { <>{ ", " }{ page.at(at) }</> });
    html! { <>{ &it.by }{ at.unwrap_or_default() }</> }
}

fn hint(page: &Page, it: &HintInside) -> Html {
    html! {
        <p class="hinted" key={format!("{}-{}", it.replica.0, it.text)}>{ swatch(it.update) }<span class="mono">{ &it.text }</span>
            <span>{ format!("for {}, since ", page.name(it.replica)) }{ page.at(it.since) }</span>
        </p>
    }
}

fn tree(page: &Page, it: &TreeInside) -> Html {
    let last = it.levels.last().map_or(0, |(_, differing)| *differing);
    let leaves = it.levels.len() as u32 > it.depth;
    let (class, how) = match (last, it.under_way, leaves) {
        (0, ..) if it.levels.len() == 1 => ("same", "all the same".to_string()),
        (0, ..) => ("same", "mended meanwhile".to_string()),
        (_, true, false) => ("busy", "comparing".to_string()),
        (_, true, true) => ("busy", "exchanging keys".to_string()),
        (n, false, true) => ("differ", format!("{n} {} exchanged", if n == 1 { "leaf" } else { "leaves" })),
        (_, false, false) => ("broken", "broken off".to_string()),
    };
    let level = |(depth, (compared, differing)): (usize, &(u32, u32))| {
        let name = match depth as u32 {
            0 => "root".to_string(),
            depth if depth == it.depth => "leaves".into(),
            depth => format!("level {depth}"),
        };
        let cells = (0..(*compared).min(CELLS))
            .map(|i| html! { <i key={i} class={classes!((i < *differing).then_some("off"))}></i> });
        html! {
            <li key={depth}><span>{ name }</span><span class="cells" aria-hidden="true">{ for cells }</span><span class="told">{ format!("{differing} of {compared} differ") }</span></li>
        }
    };
    html! {
        <article class="tree" key={it.with.0}>
            <h5><span>{ format!("{} {}", if it.own { "asks" } else { "asked by" }, page.name(it.with)) }</span><em class={class}>{ how }</em></h5>
            <ol>{ for it.levels.iter().enumerate().map(level) }</ol>
            <p>{ page.at(it.at) }</p>
        </article>
    }
}
