//! What the card of a client shows: how its operations ended, and the last one.

use crate::app::playback::short;
use crate::app::status_text;
use crate::session::labels;
use crate::session::protocol::ClientView;
use crate::text;
use crate::trace::Outcome;
use yew::prelude::*;

/// Draws the rows of a client.
pub(super) fn client_body(client: &ClientView) -> Html {
    let stale = (client.reads > 0).then(|| {
        let share = 100.0 * client.stale_reads as f64 / client.reads as f64;
        html! { <span class={classes!("v", (client.stale_reads > 0).then_some("old"))} title={text!("Share of stale reads")}>{ text!("{} % stale", format!("{share:.0}")) }</span> }
    });
    let last = client.last.as_ref().map(|last| {
        let result = match (last.outcome, last.refusal) {
            (_, Some(refusal)) => labels::short_refusal(refusal).to_string(),
            (Outcome::Ok, None) => short(last.took),
            (Outcome::Fail | Outcome::Unknown, None) => labels::outcome(last.outcome).to_string(),
        };
        let details = last.refusal.map_or(result.clone(), |refusal| labels::refusal(refusal).to_string());
        let request = status_text::last_operation(last);
        let class = if last.stale || last.outcome != Outcome::Ok { "old" } else { "" };
        html! {
            <>
                <li><span class="mono key" title={request.clone()}>{ request }</span></li>
                <li class="result"><span class="muted">{ text!("last result") }</span><span class={classes!("v", class)} title={details}>{ result }</span></li>
            </>
        }
    });
    html! {
        <ul class="rows">
            <li>
                <span><b>{ client.ok }</b>{ " " }{ text!("ok") }</span>
                if client.fail > 0 { <span class="old"><b>{ client.fail }</b>{ " " }{ text!("fail") }</span> }
                if client.unknown > 0 { <span class="old"><b>{ client.unknown }</b>{ " " }{ text!("unknown") }</span> }
                { stale.unwrap_or_default() }
            </li>
            { last.unwrap_or_else(|| html! { <li><span class="muted">{ text!("no operation yet") }</span></li> }) }
        </ul>
    }
}
