use serde::{Deserialize, Serialize};

/// The state of a copy, or of a service's worst copy. Ordered from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub enum CopyState {
    /// It reflects every acknowledged update that should reach it.
    #[default]
    Consistent,
    /// It reflects every such update, and more than one sibling is visible.
    Conflicted,
    /// It applied every such update, and its value still differs from the reference.
    Diverged,
    /// It does not reflect some such update.
    Stale,
    /// The service is down.
    Down,
}

impl CopyState {
    /// All states, from best to worst.
    pub const ALL: [CopyState; 5] =
        [CopyState::Consistent, CopyState::Conflicted, CopyState::Diverged, CopyState::Stale, CopyState::Down];

    /// The state's name in JSON output and on the page.
    pub fn name(self) -> &'static str {
        match self {
            CopyState::Consistent => "consistent",
            CopyState::Conflicted => "conflicted",
            CopyState::Diverged => "diverged",
            CopyState::Stale => "stale",
            CopyState::Down => "down",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CopyState;

    /// `model.md`: a diverged copy shows a wrong value, while each sibling of a conflicted copy is an acknowledged write; a
    /// stale copy has not even applied every update. The worst copy of a service is found by `max`.
    #[test]
    fn states_are_ordered_from_best_to_worst() {
        let ordered =
            [CopyState::Consistent, CopyState::Conflicted, CopyState::Diverged, CopyState::Stale, CopyState::Down];
        assert!(ordered.is_sorted());
        assert_eq!(ordered.into_iter().max(), Some(CopyState::Down));
        assert_eq!(CopyState::default(), CopyState::Consistent);
    }

    #[test]
    fn the_serialized_name_is_the_name_that_people_read() {
        for state in
            [CopyState::Consistent, CopyState::Conflicted, CopyState::Diverged, CopyState::Stale, CopyState::Down]
        {
            assert_eq!(serde_json::to_value(state).expect("a name"), serde_json::json!(state.name()));
        }
    }
}
