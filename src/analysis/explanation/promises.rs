//! Promised writes, and whether the decision on them reaches the participant.

use super::prospects::ProspectFinder;
use crate::analysis::prospect::Prospect;
use crate::scenario::Protocol;
use crate::trace::{KeyId, NodeId, UpdateId};

impl ProspectFinder<'_> {
    /// The prospect of a write that a participant promised, if it promised this one.
    pub(super) fn promised(&self, node: NodeId, key: KeyId, update: UpdateId) -> Option<Prospect> {
        let promised = self.run.analysis.members.get(node)?.promised.get(&key)?;
        (*promised == update).then(|| self.decision(node, key, update))
    }

    /// The prospect of the decision on a promised write, at its participant.
    pub(super) fn decision(&self, node: NodeId, key: KeyId, update: UpdateId) -> Prospect {
        let (run, healing) = (self.run, &self.work.healing);
        let voted = run.analysis.members.get(node).and_then(|member| member.coordinators.get(&key));
        let made = || run.analysis.updates.get(update).map(|info| info.node);
        let Some(coordinator) = voted.map(|voted| voted.node).or_else(made) else { return Prospect::Lost };
        let Some(up) = healing.up_from(run, coordinator) else { return Prospect::Down(coordinator) };
        // A coordinator sends only a commit again; it reports an abort when it is asked.
        let has_committed =
            voted.is_none_or(|voted| !voted.forgot && self.has_committed(coordinator, key, voted.transaction));
        let asks = if has_committed { Ok(()) } else { healing.path(run, node, coordinator) };
        let found = match (healing.path(run, coordinator, node), asks) {
            (Err(stopped), _) if !stopped.can_converge() => return stopped,
            (_, Err(stopped)) if !stopped.can_converge() => return stopped,
            (Err(stopped), _) | (Ok(()), Err(stopped)) => stopped,
            (Ok(()), Ok(())) if up > run.now => Prospect::AfterHealing(up),
            (Ok(()), Ok(())) => Prospect::Promised(coordinator),
        };
        // A coordinator that has forgotten a transaction reports that it aborted.
        if voted.is_some_and(|voted| voted.forgot) { Prospect::Lost } else { found }
    }

    /// Returns whether a coordinator decided to commit a transaction. In a group, it stores the update then.
    fn has_committed(&self, coordinator: NodeId, key: KeyId, transaction: UpdateId) -> bool {
        let run = self.run;
        let is_member = run.names.group(coordinator).is_some();
        run.analysis.updates.get(transaction).is_some_and(|info| {
            let copy = run.analysis.staleness.copy(coordinator, key).filter(|_| is_member);
            !is_member || copy.is_some_and(|copy| copy.reflects(info.version))
        })
    }

    /// Returns whether a message with an update changes a node: a participant of a group's transaction commits only what it
    /// promised.
    pub(super) fn is_prepared(&self, node: NodeId, update: UpdateId) -> bool {
        let config = self.run.names.group(node).and_then(|group| self.run.group(group));
        let is_two_phase = config.is_some_and(|config| matches!(config.protocol, Protocol::TwoPhase(_)));
        let member = self.run.analysis.members.get(node);
        !is_two_phase || member.is_some_and(|member| member.promised.values().any(|promised| *promised == update))
    }

    /// Returns whether a promised write will be decided, so that it changes the participant or releases its key.
    pub(super) fn is_decided(&self, node: NodeId, key: KeyId, update: UpdateId) -> bool {
        let forgot = || {
            let member = self.run.analysis.members.get(node);
            member.and_then(|member| member.coordinators.get(&key)).is_some_and(|coordinator| coordinator.forgot)
        };
        self.work.healing.up_from(self.run, node).is_some()
            && (self.decision(node, key, update).can_converge() || forgot())
    }
}
