//! Numbers in the text, `{{scenario: figure}}`, and the sliders whose stops have them.

use super::{Reader, SLIDER};
use crate::language::{phrase, sentence};
use crate::lessons::lesson::Expression;
use crate::scenario::goal::Requirement;

impl Reader<'_> {
    /// Finds `{{scenario: figure}}` outside of blocks.
    pub(super) fn expressions(&mut self) {
        let mut is_in_block = false;
        for (index, line) in self.lesson.lines.clone().iter().enumerate() {
            if line.starts_with("```") {
                is_in_block = !is_in_block;
            }
            if is_in_block {
                continue;
            }
            let mut from = 0;
            while let Some(start) = line[from..].find("{{").map(|at| at + from) {
                let Some(end) = line[start..].find("}}").map(|at| start + at + 2) else {
                    self.error(
                        index + 1,
                        phrase(
                            "two opening braces are not closed on the same line",
                            "zu zwei öffnenden geschweiften Klammern fehlen die schließenden in derselben Zeile",
                        ),
                    );
                    break;
                };
                self.expression(index + 1, (start, end), &line[start + 2..end - 2]);
                from = end;
            }
        }
    }

    /// Checks that each stop of a slider has a number, whose scenario it opens.
    pub(super) fn sliders(&mut self) {
        let lines = self.lesson.lines.clone();
        let cells = |line: &str| -> Vec<String> {
            line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_string()).collect()
        };
        for (index, line) in lines.iter().enumerate() {
            let head = cells(line);
            if !line.trim_start().starts_with('|') || !head[0].starts_with(SLIDER) {
                continue;
            }
            if head[0][SLIDER.len()..].trim().is_empty() {
                self.error(
                    index + 1,
                    phrase(
                        "the name of what the slider sets is expected, as in `slider: Latency of the link`",
                        "der Name dessen, was der Regler einstellt, wird erwartet, wie in `slider: Latenz der Verbindung`",
                    ),
                );
            }
            if head.len() < 3 {
                self.error(
                    index + 1,
                    phrase(
                        "a slider needs at least two stops: columns after the first",
                        "ein Regler braucht mindestens zwei Stufen: Spalten nach der ersten",
                    ),
                );
            }
            let rows = lines[index + 1..].iter().take_while(|line| line.trim_start().starts_with('|'));
            let rows: Vec<Vec<String>> = rows.skip(1).map(|line| cells(line)).collect();
            for (column, stop) in head.iter().enumerate().skip(1) {
                if !rows.iter().any(|row| row.get(column).is_some_and(|cell| cell.contains("{{"))) {
                    self.error(
                        index + 1,
                        sentence!(
                            "the stop `{stop}` has no number, as in `{{{{scenario: figure}}}}`",
                            "die Stufe `{stop}` hat keine Zahl wie in `{{{{scenario: figure}}}}`"
                        ),
                    );
                }
            }
        }
    }

    fn expression(&mut self, line: usize, span: (usize, usize), text: &str) {
        let Some((scenario, goal)) = text.split_once(':') else {
            return self.error(
                line,
                sentence!(
                    "`{{{{scenario: figure}}}}` is expected, not `{text}`",
                    "`{{{{scenario: figure}}}}` wird erwartet, nicht `{text}`"
                ),
            );
        };
        let (scenario, goal) = (scenario.trim().to_string(), goal.trim());
        let Some(of) = self.lesson.scenarios.get(&scenario) else {
            return self.error(
                line,
                sentence!("no scenario has the id `{scenario}`", "kein Szenario hat die Id `{scenario}`"),
            );
        };
        let (goal, is_percentage) = goal.strip_suffix('%').map_or((goal, false), |goal| (goal.trim_end(), true));
        let is_claim = Requirement::parse(goal, of).is_ok();
        // A figure alone is measured like a goal that is always met.
        let whole = if is_claim { goal.to_string() } else { format!("{goal} >= -1") };
        match Requirement::parse(&whole, of) {
            Ok(requirement) if requirement.needs_curve() => {
                self.error(line, phrase("error(…) needs a task's curve", "error(…) braucht die Kurve einer Aufgabe"))
            }
            Ok(_) => {
                self.lesson.expressions.push(Expression { line, span, scenario, goal: whole, is_claim, is_percentage })
            }
            Err(problem) => self.error(line, problem),
        }
    }
}
