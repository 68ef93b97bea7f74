//! What all charts have: a title, an axis and a baseline.

use yew::prelude::*;

/// Height of a chart with its title and its foot, px.
pub const HEIGHT: f64 = 150.0;
/// Height of the title, px.
pub const TITLE: f64 = 30.0;
/// Height of the foot, px.
pub const FOOT: f64 = 14.0;
/// Draws the title of a chart, its baseline and the two ends of its axis. `room` is the width of the legend, `top` the upper
/// edge, px.
pub fn frame(title: &str, maximum: String, room: f64, width: f64, top: f64) -> Html {
    let (above, below) = (top + TITLE, top + HEIGHT - FOOT);
    html! {
        <>
            <text class="title" x="14" y={format!("{}", top + 20.0)}>{ title.to_string() }</text>
            <text class="tick" x={format!("{}", room - 6.0)} y={format!("{}", above + 4.0)} text-anchor="end">{ maximum }</text>
            <text class="tick" x={format!("{}", room - 6.0)} y={format!("{}", below + 4.0)} text-anchor="end">{ "0" }</text>
            <path class="lane" d={format!("M{room} {below}H{}", room + width)} />
        </>
    }
}
