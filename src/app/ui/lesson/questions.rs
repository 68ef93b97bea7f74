//! Questions: the reader predicts, then the system proves the right choice and refutes the others.

use super::View;
use crate::app::model::{LessonMsg, Msg};
use crate::session::protocol::lesson::{LessonChoice, LessonQuestion};
use yew::prelude::*;

impl View<'_> {
    pub(super) fn question(self, index: u32) -> Html {
        let Some(question) = self.lesson.page().and_then(|page| page.questions.get(index as usize)) else {
            return html! {};
        };
        let level = match question.level {
            1 => self.words.easy,
            2 => self.words.medium,
            _ => self.words.hard,
        };
        let is_proved = self.lesson.is_proved(index);
        html! {
            <section class="lesson-question" key={format!("question-{}", question.id)} data-question={question.id.clone()} aria-labelledby={format!("question-{index}")}>
                <h4 id={format!("question-{index}")} tabindex="-1">{ &question.ask }<span class="level">{ level }</span></h4>
                { if is_proved { self.proof_of(index, question) } else { self.prediction(index, question) } }
            </section>
        }
    }

    fn prediction(self, index: u32, question: &LessonQuestion) -> Html {
        let selected = self.lesson.selected.get(&index).copied();
        let choice = |(number, choice): (usize, &LessonChoice)| {
            let number = number as u32;
            let onchange = self.send.reform(move |_: Event| Msg::Lesson(LessonMsg::Select(index, number)));
            html! {
                <label key={number}><input type="radio" name={format!("question-{index}")} value={number.to_string()} checked={selected == Some(number)} {onchange} /><span>{ &choice.text }</span></label>
            }
        };
        html! {
            <>
                <fieldset><legend class="sr">{ self.words.predict }</legend>{ for question.choices.iter().enumerate().map(choice) }</fieldset>
                <button class="primary prove" disabled={selected.is_none()} onclick={self.on(LessonMsg::Prove(index))}>{ self.words.prove }</button>
            </>
        }
    }

    fn proof_of(self, index: u32, question: &LessonQuestion) -> Html {
        let chosen = self.lesson.tries_of(index).last().copied().unwrap_or_default();
        let is_right = question.choices.get(chosen as usize).is_some_and(|choice| choice.right);
        let choices = question.choices.iter().enumerate();
        html! {
            <>
                <p id={format!("result-{index}")} tabindex="-1" class={classes!("verdict-line", if is_right { "right" } else { "wrong" })}>{ if is_right { self.words.right } else { self.words.wrong } }</p>
                <ol class="lesson-proofs">{ for choices.map(|(number, choice)| self.choice_proof((index, number as u32), choice, chosen)) }</ol>
                <button class="line" onclick={self.on(LessonMsg::Again(index))}>{ self.words.again }</button>
            </>
        }
    }

    fn choice_proof(self, (index, number): (u32, u32), choice: &LessonChoice, chosen: u32) -> Html {
        let word = if choice.right { self.words.proved } else { self.words.refuted_choice };
        let measured = match self.lesson.proof(index, number) {
            None => html! { <span class="waits">{ self.words.not_yet }</span> },
            // The engine does not confirm the author.
            Some(measured) if !measured.is_met => {
                html! { <span class="refuted">{ format!("{} ({})", measured.text, self.words.refuted) }</span> }
            }
            Some(measured) => html! { <b>{ &measured.text }</b> },
        };
        let shown =
            self.lesson.shown_choice.as_ref().filter(|(q, c, _)| self.shown.is_some() && (*q, *c) == (index, number));
        html! {
            <li key={number} class={if choice.right { "right" } else { "wrong" }}>
                <p><span class="mark" aria-hidden="true">{ if choice.right { "✓" } else { "✗" } }</span><span>{ &choice.text }</span>{ " " }<span class="tag">{ word }</span>if chosen == number { { " " }<span class="tag yours">{ self.words.yours }</span> }</p>
                <p>{ &choice.because }</p>
                <p class="proof"><code>{ &choice.must }</code>{ " → " }{ measured }</p>
                <button class="small line" aria-pressed={shown.is_some().to_string()} onclick={self.on(LessonMsg::Show(index, number))}>{ self.words.show_run }</button>
                if let Some((_, _, because)) = shown {
                    <p class="shown" role="status">{ format!("{}. {because}", self.words.shown_run) }</p>
                }
            </li>
        }
    }
}
