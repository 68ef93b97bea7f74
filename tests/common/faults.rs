//! Random faults.

use converge::scenario::{Command, Latency, Step};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Returns a fault of a link in both directions. `delay_ms` is the mean of an exponential delay.
pub fn disturbance(from: String, to: String, loss: f64, duplicate: f64, delay_ms: f64, reorder: f64) -> Command {
    let delay = Some(Latency::Exponential { mean_ms: delay_ms });
    Command::DisturbLink { from, to, one_way: false, loss, duplicate, delay, reorder }
}

/// How faults of a group's members are drawn.
#[derive(Clone, Copy, Debug)]
pub struct MemberFaults {
    /// Whether a crash may lose the disk.
    pub lose_disks: bool,
    /// The last instant at which a fault may begin, ms.
    pub until_ms: f64,
    /// The exclusive upper bound of the number of faults.
    pub limit: usize,
}

/// Generates faults of members and of links between them. Every member, and every pair, is equally likely.
pub fn member_faults(members: Vec<String>, faults: MemberFaults) -> impl Strategy<Value = Vec<Step>> {
    let MemberFaults { lose_disks, until_ms, limit } = faults;
    let at = 0.0..until_ms;
    let fault = (at.clone(), 0u8..6, any::<Index>(), any::<Index>(), 0.0f64..1.0);
    let fault = fault.prop_map(move |(at_ms, kind, first, other, p)| {
        let a = first.index(members.len());
        // The distance is never 0, so the two members differ.
        let b = (a + 1 + other.index(members.len() - 1)) % members.len();
        let (from, to) = (members[a].clone(), members[b].clone());
        let command = match kind {
            0 => Command::CutLink { from, to, one_way: p < 0.5 },
            1 => disturbance(from, to, 0.3 * p, 0.3, 20.0, 0.3),
            2 => Command::Crash { service: from, lose_disk: lose_disks && p < 0.3 },
            3 => Command::Restart { service: from },
            4 => Command::Pause { node: from },
            _ => {
                let others = members.iter().filter(|member| **member != from).cloned().collect();
                Command::Partition { groups: vec![vec![from], others] }
            }
        };
        Step { at_ms, command }
    });
    let heal = at.prop_map(|at_ms| Step { at_ms, command: Command::HealAll });
    prop::collection::vec(prop_oneof![4 => fault, 1 => heal], 0..limit)
}

/// Generates one fault of these services and links. A restart or a healing may come at any time.
pub fn system_fault(services: &[&str], links: &[(&str, &str)], until_ms: f64) -> impl Strategy<Value = Step> + use<> {
    let services: Vec<String> = services.iter().map(|id| id.to_string()).collect();
    let links: Vec<(String, String)> = links.iter().map(|(from, to)| (from.to_string(), to.to_string())).collect();
    (0.0..until_ms, 0u8..6, select(services), select(links), 0.0f64..1.0).prop_map(
        |(at_ms, kind, service, (from, to), p)| {
            let command = match kind {
                0 => Command::CutLink { from, to, one_way: p < 0.5 },
                1 => disturbance(from, to, 0.4 * p, 0.4, 20.0, 0.3),
                2 => Command::Crash { service, lose_disk: false },
                3 => Command::Restart { service },
                4 => Command::Pause { node: service },
                _ => Command::HealAll,
            };
            Step { at_ms, command }
        },
    )
}
