//! The text of a lesson as elements.

use super::View;
use crate::app::model::LessonMsg;
use crate::session::protocol::lesson::{LessonBlock, LessonSpan};
use yew::prelude::*;

impl View<'_> {
    pub(super) fn blocks(self, blocks: &[LessonBlock]) -> Html {
        html! { { for blocks.iter().map(|block| self.block(block)) } }
    }

    fn block(self, block: &LessonBlock) -> Html {
        match block {
            LessonBlock::Heading(3, spans) => html! { <h4>{ self.spans(spans) }</h4> },
            LessonBlock::Heading(4, spans) => html! { <h5>{ self.spans(spans) }</h5> },
            LessonBlock::Heading(_, spans) => html! { <h6>{ self.spans(spans) }</h6> },
            LessonBlock::Paragraph(spans) => html! { <p>{ self.spans(spans) }</p> },
            LessonBlock::List(None, items) => html! { <ul>{ for items.iter().map(|item| self.item(item)) }</ul> },
            LessonBlock::List(Some(first), items) => {
                html! { <ol start={first.to_string()}>{ for items.iter().map(|item| self.item(item)) }</ol> }
            }
            LessonBlock::Quote(inner) => html! { <blockquote>{ self.blocks(inner) }</blockquote> },
            LessonBlock::Table(head, rows) => self.table(head, rows),
            LessonBlock::Code(text) => html! { <pre><code>{ text }</code></pre> },
            LessonBlock::Rule => html! { <hr /> },
            LessonBlock::Listing(place) => self.listing(*place),
            LessonBlock::Question(place) => self.question(*place),
            LessonBlock::Scenario(place) => {
                let title = self.lesson.page().and_then(|page| page.scenarios.get(*place as usize));
                let is_opening = self.lesson.page().and_then(|page| page.steps.get(self.lesson.step)?.scenario);
                match title.filter(|_| is_opening != Some(*place)) {
                    Some(scenario) => self.scenario_button(*place, &scenario.title),
                    None => html! {},
                }
            }
            LessonBlock::Challenge(id, title) => html! {
                <p class="lesson-challenge"><a href={format!("#challenge={id}")}>{ format!("{} {title}", self.words.challenge) }</a></p>
            },
        }
    }

    /// Draws an item of a list. A single paragraph is drawn without a `p` element.
    fn item(self, blocks: &[LessonBlock]) -> Html {
        match blocks {
            [LessonBlock::Paragraph(spans)] => html! { <li>{ self.spans(spans) }</li> },
            blocks => html! { <li>{ self.blocks(blocks) }</li> },
        }
    }

    fn table(self, head: &[Vec<LessonSpan>], rows: &[Vec<Vec<LessonSpan>>]) -> Html {
        let heads = head.iter().map(|cell| match cell.is_empty() {
            true => html! { <td></td> },
            false => html! { <th scope="col">{ self.spans(cell) }</th> },
        });
        let row = |row: &Vec<Vec<LessonSpan>>| {
            let cells = row.iter().enumerate().map(|(place, cell)| match place {
                0 => html! { <th scope="row">{ self.spans(cell) }</th> },
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
                        send.emit(crate::app::model::Msg::Lesson(LessonMsg::GoToId(step.clone())));
                    }
                });
                html! { <a {href} {onclick}>{ self.spans(inner) }</a> }
            }
            LessonSpan::TermLink(term, inner) => {
                html! { <button class="term" popovertarget={format!("term-{term}")}>{ self.spans(inner) }</button> }
            }
            LessonSpan::Figure(place) => self.figure(*place),
            LessonSpan::Break => html! { <br /> },
        }
    }

    fn figure(self, place: u32) -> Html {
        let is_claim =
            self.lesson.page().and_then(|page| page.figures.get(place as usize)).is_some_and(|it| it.is_claim);
        match self.lesson.figure(place) {
            None => {
                html! { <span class="figure waits" title={self.words.not_yet}><span aria-hidden="true">{ "…" }</span><span class="sr">{ self.words.not_yet }</span></span> }
            }
            Some(measured) if is_claim && !measured.is_met => {
                html! { <span class="figure refuted">{ format!("{} ({})", measured.text, self.words.refuted) }</span> }
            }
            Some(measured) => html! { <span class="figure">{ &measured.text }</span> },
        }
    }
}
