//! The text of a lesson as elements.

use super::View;
use crate::app::model::{LessonMsg, Msg};
use crate::app::titles::title_in;
use crate::session::protocol::lesson::{LessonBlock, LessonSlider, LessonSpan};
use web_sys::HtmlInputElement;
use yew::prelude::*;

impl View<'_> {
    pub(super) fn blocks(self, blocks: &[LessonBlock]) -> Html {
        // The code in another programming language takes the place of the former, so that its buttons keep the focus.
        let page = self.lesson.page();
        let shown = blocks.iter().enumerate().filter_map(|(at, block)| match block {
            LessonBlock::Listing(index) => {
                let listing = page?.listings.get(*index as usize)?;
                (listing.language == self.chosen_language(page?)).then(|| (format!("code-{}", listing.scenario), block))
            }
            block => Some((at.to_string(), block)),
        });
        html! { { for shown.map(|(key, block)| html! { <key={key}>{ self.block(block) }</> }) } }
    }

    /// Draws the button of each offered scenario whose first number in this step is in these spans.
    fn offers(self, spans: &[LessonSpan]) -> Html {
        let offered = self.lesson.offered_with(spans);
        html! { { for offered.into_iter().map(|(index, title)| self.scenario_button(index, &title)) } }
    }

    fn block(self, block: &LessonBlock) -> Html {
        match block {
            LessonBlock::Heading(3, spans) => html! { <h4>{ self.spans(spans) }</h4> },
            LessonBlock::Heading(4, spans) => html! { <h5>{ self.spans(spans) }</h5> },
            LessonBlock::Heading(_, spans) => html! { <h6>{ self.spans(spans) }</h6> },
            LessonBlock::Paragraph(spans) => html! { <><p>{ self.spans(spans) }</p>{ self.offers(spans) }</> },
            LessonBlock::List(None, items) => html! { <ul>{ for items.iter().map(|item| self.item(item)) }</ul> },
            LessonBlock::List(Some(first), items) => {
                html! { <ol start={first.to_string()}>{ for items.iter().map(|item| self.item(item)) }</ol> }
            }
            LessonBlock::Quote(inner) => html! { <blockquote>{ self.blocks(inner) }</blockquote> },
            LessonBlock::Table(head, rows) => self.table(head, rows),
            LessonBlock::Slider(slider) => self.slider(slider),
            LessonBlock::Code(text) => html! { <pre><code>{ text }</code></pre> },
            LessonBlock::Rule => html! { <hr /> },
            LessonBlock::Listing(index) => self.listing(*index),
            LessonBlock::Question(index) => self.question(*index),
            LessonBlock::Scenario(index) => {
                let title = self.lesson.page().and_then(|page| page.scenarios.get(*index as usize));
                let is_opening = self.lesson.page().and_then(|page| page.steps.get(self.lesson.step)?.scenario);
                match title.filter(|_| is_opening != Some(*index) && !self.lesson.is_offered_with_a_number(*index)) {
                    Some(scenario) => self.scenario_button(*index, &scenario.title),
                    None => html! {},
                }
            }
            LessonBlock::Challenge(id, title) => html! {
                <p class="lesson-challenge"><a href={format!("#challenge={id}")}>{ format!("{} {}", self.words.challenge, title_in(title, self.language())) }</a></p>
            },
        }
    }

    /// Draws an item of a list. A single paragraph is drawn without a `p` element.
    fn item(self, blocks: &[LessonBlock]) -> Html {
        match blocks {
            [LessonBlock::Paragraph(spans)] => html! { <li>{ self.spans(spans) }{ self.offers(spans) }</li> },
            blocks => html! { <li>{ self.blocks(blocks) }</li> },
        }
    }

    fn table(self, head: &[Vec<LessonSpan>], rows: &[Vec<Vec<LessonSpan>>]) -> Html {
        let heads = head.iter().map(|cell| match cell.is_empty() {
            true => html! { <td></td> },
            false => html! { <th scope="col">{ self.spans(cell) }</th> },
        });
        let row = |row: &Vec<Vec<LessonSpan>>| {
            let cells = row.iter().enumerate().map(|(index, cell)| match index {
                0 => {
                    html! { <th scope="row">{ self.spans(cell) }{ for row.iter().map(|cell| self.offers(cell)) }</th> }
                }
                _ => html! { <td>{ self.spans(cell) }</td> },
            });
            html! { <tr>{ for cells }</tr> }
        };
        html! {
            <div class="lesson-table"><table>
                <thead><tr>{ for heads }</tr></thead>
                <tbody>{ for rows.iter().map(row) }</tbody>
            </table></div>
        }
    }

    /// Draws a slider, with the numbers at its stop. Its system opens when the slider is released.
    fn slider(self, slider: &LessonSlider) -> Html {
        let last = slider.stops.len().saturating_sub(1);
        let at = self.lesson.sliders.get(&slider.label).map_or(0, |at| (*at).min(last));
        let Some((stop, scenario)) = slider.stops.get(at) else { return html! {} };
        let slide = |opens: bool| {
            let (send, label) = (self.send.clone(), slider.label.clone());
            let scenarios: Vec<Option<u32>> = slider.stops.iter().map(|(_, scenario)| *scenario).collect();
            move |input: HtmlInputElement| {
                let at = input.value_as_number() as usize;
                send.emit(Msg::Lesson(LessonMsg::Slide(label.clone(), at)));
                if let Some(scenario) = scenarios.get(at).copied().flatten().filter(|_| opens) {
                    send.emit(Msg::Lesson(LessonMsg::OpenScenario(scenario)));
                }
            }
        };
        let (moved, released) = (slide(false), slide(true));
        let oninput = Callback::from(move |event: InputEvent| event.target_dyn_into().into_iter().for_each(&moved));
        let onchange = Callback::from(move |event: Event| event.target_dyn_into().into_iter().for_each(&released));
        let row = |(name, cells): &(Vec<LessonSpan>, Vec<Vec<LessonSpan>>)| {
            let number = cells.get(at).map(|spans| self.spans(spans));
            html! { <div><dt>{ self.spans(name) }</dt><dd>{ for number }</dd></div> }
        };
        let is_shown = scenario.is_some() && *scenario == self.shown;
        let head: Vec<Vec<LessonSpan>> = std::iter::once(vec![LessonSpan::Text(slider.label.clone())])
            .chain(slider.stops.iter().map(|(stop, _)| stop.clone()))
            .collect();
        let printed: Vec<Vec<Vec<LessonSpan>>> =
            slider.rows.iter().map(|(name, cells)| std::iter::once(name).chain(cells).cloned().collect()).collect();
        html! {
            <div class="lesson-slider" data-slider={slider.label.clone()}>
                <label><span>{ &slider.label }{ ": " }<b>{ self.spans(stop) }</b></span>
                    <input type="range" min="0" max={last.to_string()} step="1" value={at.to_string()} aria-valuetext={plain_text(stop)} {oninput} {onchange} /></label>
                <dl>{ for slider.rows.iter().map(row) }</dl>
                if let Some(scenario) = *scenario {
                    <button class="small line" aria-pressed={is_shown.to_string()} onclick={self.on(LessonMsg::OpenScenario(scenario))}>{ if is_shown { self.words.shown_system } else { self.words.show_system } }</button>
                }
                <div class="printed">{ self.table(&head, &printed) }</div>
            </div>
        }
    }

    pub(super) fn spans(self, spans: &[LessonSpan]) -> Html {
        html! { { for spans.iter().map(|span| self.span(span)) } }
    }

    fn span(self, span: &LessonSpan) -> Html {
        match span {
            LessonSpan::Text(text) => html! { { text } },
            LessonSpan::Emphasis(inner) => html! { <em>{ self.spans(inner) }</em> },
            LessonSpan::Strong(inner) => html! { <strong>{ self.spans(inner) }</strong> },
            LessonSpan::Code(text) => html! { <code>{ text }</code> },
            LessonSpan::Link(address, inner) => {
                html! { <a href={address.clone()} target="_blank" rel="noopener noreferrer">{ self.spans(inner) }</a> }
            }
            LessonSpan::StepLink(step, inner) => {
                let (send, step) = (self.send.clone(), step.clone());
                let href = format!("#lesson={}&step={step}", self.lesson.address);
                let onclick = Callback::from(move |event: MouseEvent| {
                    if !(event.ctrl_key() || event.meta_key() || event.shift_key()) {
                        event.prevent_default();
                        send.emit(Msg::Lesson(LessonMsg::GoToId(step.clone())));
                    }
                });
                html! { <a {href} {onclick}>{ self.spans(inner) }</a> }
            }
            LessonSpan::TermLink(term, inner) => {
                html! { <button class="term" popovertarget={format!("term-{term}")}>{ self.spans(inner) }</button> }
            }
            LessonSpan::Figure(index) => self.figure(*index),
            LessonSpan::Break => html! { <br /> },
        }
    }

    fn figure(self, index: u32) -> Html {
        let claim = self.lesson.page().and_then(|page| page.figures.get(index as usize)?.claim.clone());
        match self.lesson.figure(index) {
            None => {
                html! { <span class="figure waits" title={self.words.not_yet}><span aria-hidden="true">{ "…" }</span><span class="sr">{ self.words.not_yet }</span></span> }
            }
            Some(measured) if claim.is_some() && !measured.is_met => {
                let claim = claim.unwrap_or_default();
                html! { <span class="figure refuted">{ format!("{} ({}: ", measured.text, self.words.refuted) }<code>{ claim }</code>{ ")" }</span> }
            }
            Some(measured) => html! { <span class="figure">{ &measured.text }</span> },
        }
    }
}

/// The text of spans without numbers.
fn plain_text(spans: &[LessonSpan]) -> String {
    let text = |span: &LessonSpan| match span {
        LessonSpan::Text(text) | LessonSpan::Code(text) => text.clone(),
        LessonSpan::Emphasis(inner)
        | LessonSpan::Strong(inner)
        | LessonSpan::Link(_, inner)
        | LessonSpan::StepLink(_, inner)
        | LessonSpan::TermLink(_, inner) => plain_text(inner),
        LessonSpan::Figure(_) | LessonSpan::Break => String::new(),
    };
    spans.iter().map(text).collect()
}
