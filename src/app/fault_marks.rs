//! The marks of the script's steps in the timeline: operations in the row of updates, faults and repairs in the row of faults.
//! Steps of a row that are too close for a mark each share one.

use super::ribbon::Scale;
use super::script::{self, CommandKind};
use crate::scenario::{Micros, Scenario, micros};

/// Width of a mark as a target, and the least distance between the middles of two marks, px.
pub const TARGET: f64 = 24.0;
/// The share of the axis that the steps of a mark get when the visitor looks at them more closely.
const SHARE_OF_STEPS: f64 = 0.6;

/// A mark of one step, or of several that are close to each other.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultMark {
    /// The steps by their places in the script, the earliest first.
    pub steps: Vec<usize>,
    /// The instants of the first and the last step.
    pub span: (Micros, Micros),
    /// The middle of the mark, px from the left end of the axis.
    pub x: f64,
}

impl FaultMark {
    /// Returns the part of the axis, from and to, in which the steps are apart. None if all steps are at the same instant, or
    /// fill the axis already.
    pub fn closer_look(&self, window: (Micros, Micros)) -> Option<(Micros, Micros)> {
        let (first, last) = self.span;
        let length = ((last - first) as f64 / SHARE_OF_STEPS) as Micros;
        let from = first.saturating_sub((length - (last - first)) / 2);
        (last > first && length < window.1.saturating_sub(window.0)).then_some((from, from + length))
    }
}

/// Returns the time at which a step is shown: a step after the end of the run at its end.
pub fn shown_at(scenario: &Scenario, step: usize) -> Micros {
    micros(scenario.script[step].at_ms.min(scenario.until_ms))
}

/// Returns what a step does to the running system.
pub fn kind(scenario: &Scenario, step: usize) -> CommandKind {
    script::kind(&scenario.script[step].command)
}

/// Returns the marks of the operations that the axis shows, or of the other steps, from left to right, so that two of them
/// never overlap.
pub fn fault_marks(scenario: &Scenario, scale: Scale, operations: bool) -> Vec<FaultMark> {
    let is_in_row = |step: &usize| operations == (kind(scenario, *step) == CommandKind::Operation);
    let steps = (0..scenario.script.len()).filter(is_in_row).map(|step| (shown_at(scenario, step), step));
    let mut steps: Vec<(Micros, usize)> = steps.filter(|(at, _)| (scale.from..=scale.until).contains(at)).collect();
    steps.sort_unstable();
    let mut marks: Vec<FaultMark> = Vec::new();
    for (at, step) in steps {
        marks.push(FaultMark { steps: vec![step], span: (at, at), x: scale.x(at) });
        // Two marks that overlap are merged. The merged mark is between them, and may overlap the mark before.
        while let [.., left, right] = &marks[..]
            && right.x - left.x < TARGET
        {
            let (all, own) = ((left.steps.len() + right.steps.len()) as f64, right.steps.len() as f64);
            let x = left.x + (right.x - left.x) * own / all;
            let Some(right) = marks.pop() else { break };
            if let Some(left) = marks.last_mut() {
                left.steps.extend(right.steps);
                (left.span.1, left.x) = (right.span.1, x);
            }
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::time_view::{TimeMsg, TimeView};
    use crate::scenario::{Command, Step, examples};

    fn scenario(times: &[f64]) -> Scenario {
        let step = |at_ms: &f64| Step { at_ms: *at_ms, command: Command::HealAll };
        Scenario { until_ms: 10_000.0, script: times.iter().map(step).collect(), ..Scenario::default() }
    }

    fn steps(times: &[f64], scale: Scale) -> Vec<Vec<usize>> {
        fault_marks(&scenario(times), scale, false).into_iter().map(|mark| mark.steps).collect()
    }

    const AXIS: Scale = Scale { from: 0, until: 10_000_000, width: 1000.0 };

    #[test]
    fn marks_of_steps_that_are_closer_than_a_target_do_not_overlap() {
        assert_eq!(steps(&[1000.0, 5000.0, 1100.0, 5240.0], AXIS), [vec![0, 2], vec![1], vec![3]]);
        assert_eq!(steps(&[1000.0, 1000.0, 1000.0], AXIS), [[0, 1, 2]], "at the same instant");
        assert_eq!(steps(&[], AXIS), Vec::<Vec<usize>>::new());
        for example in examples::EXAMPLES {
            for width in [230.0, 1100.0] {
                let scenario = example.scenario();
                let scale = Scale { from: 0, until: micros(scenario.until_ms), width };
                let rows = [true, false].map(|operations| fault_marks(&scenario, scale, operations));
                for marks in &rows {
                    let gaps = marks.windows(2).map(|pair| pair[1].x - pair[0].x);
                    assert!(gaps.into_iter().all(|gap| gap >= TARGET), "{}: {marks:?}", example.id);
                    assert!(marks.iter().all(|mark| (0.0..=width).contains(&mark.x)));
                }
                let steps = rows.iter().flatten().map(|mark| mark.steps.len());
                assert_eq!(steps.sum::<usize>(), scenario.script.len());
            }
        }
    }

    #[test]
    fn a_merged_mark_is_merged_with_the_mark_before_it_if_they_overlap() {
        // 100, 123 and 146 px: each pair is closer than a target.
        assert_eq!(steps(&[1000.0, 1230.0, 1460.0], AXIS), [vec![0, 1], vec![2]]);
        assert_eq!(steps(&[1000.0, 1250.0, 1300.0, 1300.0, 1200.0], AXIS), [[0, 4, 1, 2, 3]]);
    }

    #[test]
    fn a_closer_look_has_a_mark_for_each_step() {
        let scenario = scenario(&[1000.0, 1100.0, 1200.0]);
        let [mark] = &fault_marks(&scenario, AXIS, false)[..] else { panic!("one mark") };
        let (from, to) = mark.closer_look((AXIS.from, AXIS.until)).expect("steps at several instants");
        let mut view = TimeView::default();
        view.update(TimeMsg::Show(from, to), AXIS.until);
        assert_eq!(fault_marks(&scenario, view.scale(AXIS.until, AXIS.width), false).len(), 3);
    }

    #[test]
    fn steps_at_one_instant_and_steps_beside_the_axis_need_no_closer_look() {
        let scenario = scenario(&[1000.0, 1000.0, 9000.0]);
        let part = Scale { from: 500_000, until: 2_000_000, width: 1000.0 };
        let [mark] = &fault_marks(&scenario, part, false)[..] else { panic!("one mark") };
        assert_eq!(mark.closer_look((part.from, part.until)), None);
    }
}
