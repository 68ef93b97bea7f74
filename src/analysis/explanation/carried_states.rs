//! Messages and hints between the members of a leaderless group: each carries the state of a key, which may contain earlier
//! updates.

use super::prospects::ProspectFinder;
use crate::analysis::prospect::{Prospect, Uncertainty};
use crate::scenario::{Group, Micros, Protocol, micros};
use crate::trace::{KeyId, NodeId, UpdateId};

impl ProspectFinder<'_> {
    /// The first hint for a copy that will reach it with an update. `up` is when its node is up.
    pub(super) fn hinted(
        &self,
        up: Micros,
        (node, key): (NodeId, KeyId),
        update: Option<UpdateId>,
    ) -> Option<Prospect> {
        let (run, healing) = (self.run, &self.work.healing);
        let (mut is_possible, mut is_expiring) = (false, false);
        let mut found = None;
        for holder in self.work.hints.get(&(node, key)).into_iter().flatten().copied() {
            let sent = healing.up_from(run, holder).zip(healing.open_from(run, holder, node));
            let Some(at) = sent.map(|(up, open)| up.max(open)) else { continue };
            let end = self.hint_expires(holder, node, key).unwrap_or(Micros::MAX);
            if end <= at.max(up) {
                continue;
            }
            let hinted = run.analysis.members.get(holder).and_then(|member| member.hinted.get(&(node, key)));
            match hinted.into_iter().flatten().any(|hinted| self.is_contained(node, key, update, *hinted)) {
                // It is sent at the next interval, and again if a link loses it.
                true if end <= at.max(up).saturating_add(self.hint_interval(holder)) => is_expiring = true,
                true => found = found.into_iter().chain([(at, holder)]).min(),
                false => is_possible |= !self.needs_only_the_newest(node, key),
            }
        }
        match found {
            Some((at, holder)) if at <= run.now => Some(Prospect::Hinted(holder)),
            Some((at, _)) => Some(Prospect::AfterHealing(at)),
            None if is_expiring => Some(Prospect::Uncertain(Uncertainty::GracePeriod)),
            None => is_possible.then_some(Prospect::Uncertain(Uncertainty::States)),
        }
    }

    /// The prospect of a write whose coordinator still waits for replicas: it keeps hints for those that do not answer.
    pub(super) fn hinted_later(
        &self,
        config: &Group,
        up: Micros,
        node: NodeId,
        update: Option<UpdateId>,
    ) -> Option<Prospect> {
        let (run, healing) = (self.run, &self.work.healing);
        let Protocol::Quorum(quorum) = &config.protocol else { return None };
        if quorum.sloppy {
            return self.hinted_by_stand_in(config, node, update?);
        }
        let (coordinator, until) = self.history.writes.awaited(run, update?)?;
        let sent = healing.up_from(run, coordinator)?.max(healing.open_from(run, coordinator, node)?).max(up);
        // The replica may be unreachable for too long, or it has answered and lost its disk.
        let is_kept = quorum.hints.as_ref().is_some_and(|hints| micros(hints.window_ms) >= until)
            && quorum.tombstone_grace_ms.is_none_or(|grace| until.saturating_add(micros(grace)) > sent)
            && !run.analysis.members.lost_disk(node)
            && run.analysis.faults.paused(coordinator).is_none();
        is_kept.then_some(match sent <= run.now {
            true => Prospect::Hinted(coordinator),
            false => Prospect::AfterHealing(sent),
        })
    }

    /// The prospect of a sloppy write: a member that stands in for the replica may keep a hint, if one is contacted or will be, and
    /// reaches the replica later.
    fn hinted_by_stand_in(&self, config: &Group, node: NodeId, update: UpdateId) -> Option<Prospect> {
        let (run, healing) = (self.run, &self.work.healing);
        let coordinator = self.history.writes.awaited(run, update).map(|(coordinator, _)| coordinator);
        let may_contact = |member: NodeId| {
            let open = coordinator.and_then(|coordinator| healing.open_from(run, coordinator, member));
            coordinator == Some(member) || open.is_some()
        };
        let may_stand_in = |member: NodeId| {
            let hands_off = healing.up_from(run, member).and(healing.open_from(run, member, node)).is_some();
            let is_contacted = self.work.carriers.contains_key(&(update, member));
            member != node && hands_off && (is_contacted || may_contact(member))
        };
        let mut members = config.members.iter().filter_map(|id| run.names.find_node(id));
        members.any(may_stand_in).then_some(Prospect::Uncertain(Uncertainty::StandIns))
    }

    /// Returns when a member discards a hint, if its group limits the time.
    fn hint_expires(&self, holder: NodeId, replica: NodeId, key: KeyId) -> Option<Micros> {
        let group = self.run.names.group(holder).and_then(|group| self.run.group(group))?;
        self.history.writes.hint_expires_at(group, holder, replica, key)
    }

    /// Returns the interval at which a member sends its hints.
    fn hint_interval(&self, holder: NodeId) -> Micros {
        let group = self.run.names.group(holder).and_then(|group| self.run.group(group));
        match group.map(|group| &group.protocol) {
            Some(Protocol::Quorum(quorum)) => quorum.hints.as_ref().map_or(0, |hints| micros(hints.every_ms)),
            Some(
                Protocol::Primary(_)
                | Protocol::Raft(_)
                | Protocol::Chain
                | Protocol::TwoPhase(_)
                | Protocol::Gossip(_),
            )
            | None => 0,
        }
    }

    fn needs_only_the_newest(&self, node: NodeId, key: KeyId) -> bool {
        self.run.analysis.staleness.copy(node, key).is_none_or(|copy| copy.needs_only_the_newest())
    }

    /// Returns whether a state that carries one update contains another one for certain: each member merges its own updates in
    /// their order.
    fn is_contained(&self, node: NodeId, key: KeyId, wanted: Option<UpdateId>, carried: UpdateId) -> bool {
        let version = |update: UpdateId| self.run.analysis.updates.get(update).map(|info| info.version);
        let Some(wanted) = wanted.filter(|wanted| *wanted != carried) else { return true };
        let Some((wanted, carried)) = version(wanted).zip(version(carried)) else { return true };
        let is_later = carried >= wanted;
        is_later && (self.needs_only_the_newest(node, key) || carried.origin == wanted.origin)
    }

    /// The prospect of an update that a message with another update may bring, at a copy whose updates have no total order.
    pub(super) fn carried_with_another(&self, node: NodeId, key: KeyId, update: UpdateId) -> Option<Prospect> {
        if self.needs_only_the_newest(node, key) {
            return None;
        }
        let (run, healing) = (self.run, &self.work.healing);
        let mut others = run.analysis.messages.iter().filter(|(_, message)| {
            let is_of_key = |carried: UpdateId| run.analysis.updates.get(carried).is_some_and(|info| info.key == key);
            message.to == node
                && message.update.is_some_and(|carried| carried != update && is_of_key(carried))
                && healing.open_from(run, message.from, node).is_some_and(|open| open <= message.due.max(run.now))
        });
        let (_, message) = others.next()?;
        match message.update.is_some_and(|carried| self.is_contained(node, key, Some(update), carried)) {
            true => Some(Prospect::Arriving { due: message.due }),
            false => Some(Prospect::Uncertain(Uncertainty::States)),
        }
    }
}
