//! The verdicts on examples, and the reasons for them.

use super::*;

/// Convergence verdicts at the end of the examples that do not converge. All others do: in *simpledb-2010*, for instance, the
/// last write is issued at 18.5 s, its copies are written within 508 ms, and the run ends at 20 s.
const CONVERGENCE: &[(&str, &str)] = &[
    ("first-update", "unknown"),
    ("lost-event", "will not converge"),
    ("duplicate-delivery", "will not converge"),
    ("reordering", "will not converge"),
    ("dual-write-crash", "will not converge"),
    ("poison-message", "will not converge"),
    ("visibility-timeout", "will not converge"),
    ("kafka-commit", "will not converge"),
    ("zombie-delete", "will not converge"),
    ("quorum-inversion", "unknown"),
    ("quorum-write-back", "unknown"),
    ("gossip-rumor", "will not converge"),
];

#[test]
fn each_example_has_the_expected_convergence_verdict_with_reasons() {
    for example in EXAMPLES {
        let scenario = example.scenario();
        let mut run = Run::new(&scenario);
        run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {});
        let context = run.context(&scenario);
        let (verdict, because) = reasons::convergence(&run.convergence(&scenario), &context);
        let expected = CONVERGENCE.iter().find(|(id, _)| *id == example.id).map_or("converged", |(_, verdict)| verdict);
        assert_eq!(verdict, expected, "{}: {because:?}", example.id);
        assert_eq!(because.is_empty(), verdict == "converged", "{}: {because:?}", example.id);
        // Each copy that is not consistent has a reason, with steps in the log.
        for (node, key, _) in run.analysis().staleness.inconsistent_copies() {
            let whys = context.explain(node, key);
            assert!(!whys.is_empty(), "{}: {} has no reason", example.id, context.names.node(node));
            for why in whys {
                assert_eq!(reasons::steps(&why, &context).len(), why.steps.len(), "{}", example.id);
                assert!(!why.steps.is_empty() && why.steps.is_sorted(), "{}: {:?}", example.id, why.steps);
            }
        }
    }
}

/// Returns the explanation of an example's stale and diverged copies.
fn explanation(id: &str) -> String {
    let scenario = examples::find(id).expect("an example").scenario();
    let mut run = Run::new(&scenario);
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {});
    let context = run.context(&scenario);
    let whys = run
        .analysis()
        .staleness
        .inconsistent_copies()
        .flat_map(|(node, key, _)| context.explain(node, key))
        .collect::<Vec<_>>();
    let story = |why: &converge::analysis::Explanation| {
        let steps: Vec<String> = reasons::steps(why, &context).into_iter().map(|step| step.text).collect();
        format!("{}\n{}\n", reasons::sentence(why, &context), steps.join("\n"))
    };
    whys.iter().map(story).collect()
}

#[test]
fn the_explanation_of_a_stale_copy_names_the_fault() {
    for (id, parts) in [
        ("lost-event", &["was cut", "committed", "attempt 1", "dropped: link cut", "nothing that carries it"][..]),
        ("dual-write-crash", &["committed", "crashed", "crashed before it published", "never published"]),
        ("poison-message", &["poison message", "every delivery to Strict fails"]),
        ("duplicate-delivery", &["added the change of", "has diverged"]),
        ("zombie-delete", &["deleted", "applied account = open"]),
    ] {
        let story = explanation(id);
        for part in parts {
            assert!(story.contains(part), "{id}: `{part}` is not in\n{story}");
        }
    }
}
