use crate::language::phrase;
use crate::scenario::Micros;
use crate::trace::{DropReason, NodeId, SubscriptionId, UpdateId};

/// How a missing update may still reach a copy, or why it will not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// A message that carries the update is in flight.
    Arriving {
        /// When it would arrive.
        due: Micros,
    },
    /// The update's event is in the queue of a bus.
    Queued {
        /// The earliest time of its next delivery.
        not_before: Micros,
        /// Deliveries so far.
        deliveries: u32,
        /// Whether it was delivered and is not acknowledged yet.
        delivered: bool,
    },
    /// A service will still publish the event.
    Unpublished(NodeId),
    /// A member of the copy's group handles the event and awaits the group's response.
    BeingHandled(NodeId),
    /// A consumer received the event, and handles it next.
    Handled(NodeId),
    /// A member of a leaderless group received the update, and stores it once a worker has processed the message.
    Storing(NodeId),
    /// The service promised to commit the update and waits for the decision of this coordinator.
    Promised(NodeId),
    /// This node stores a hint for the copy.
    Hinted(NodeId),
    /// The group's protocol compares or retransmits state until every member has it.
    Repairing,
    /// A read will repair the copy, and clients still read.
    ReadRepair,
    /// This newer update is under way, and a copy that has it needs no older one.
    Superseded(UpdateId),
    /// The primary rolls back the update at this node, which alone has it.
    RollingBack(NodeId),
    /// A fault prevents it until the script heals the fault at this time.
    AfterHealing(Micros),
    /// The event is in a dead-letter queue, or will be for certain, and the script redrives it from there at this time.
    Redriven(Micros),
    /// This node is down, and nothing restarts it.
    Down(NodeId),
    /// This bus refuses the event: too few of its brokers are in sync, and nothing starts enough.
    OutOfSync(NodeId),
    /// The link from the first node to the second is cut, and nothing heals it.
    Cut(NodeId, NodeId),
    /// No member that has the update can reach the copy: links are cut or the members are down.
    CutOff,
    /// The event is in a dead-letter queue.
    DeadLettered(SubscriptionId),
    /// The event is a poison message: every delivery fails.
    Poison(SubscriptionId),
    /// Every delivery of the event fails: its consumer cannot store the result.
    Rejected(SubscriptionId),
    /// The bus discarded the event.
    Discarded(DropReason),
    /// The event's retention time ends before the script heals the fault that keeps it back.
    Expiring {
        /// When it ends.
        at: Micros,
    },
    /// The deliveries of the event are used up before the script heals the link from the bus to the service.
    UsedUp(NodeId, NodeId),
    /// The event was never published, and will not be.
    NeverPublished(NodeId),
    /// Every update was applied; the copy's value differs for another reason.
    Applied,
    /// Siblings remain until a write replaces them.
    Siblings,
    /// No work that carries the update is pending.
    Lost,
    /// An uncertain prospect.
    Uncertain(Uncertainty),
}

/// Why it is uncertain whether a copy becomes consistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncertainty {
    /// Members of a group that reach only a part of the others take over from each other.
    Takeovers,
    /// Members of a group lost their logs: no majority is known to store the update, or the leader cannot know what they lack.
    LostLogs,
    /// A read repairs the copy if its coordinator and the first responses are the right ones.
    Reads,
    /// A message, a hint or a paused member has a state that may contain the update.
    States,
    /// The coordinator of a sloppy write may find a stand-in that keeps the update.
    StandIns,
    /// The handler overwrites, and events of one key may be applied in another order or once more.
    Order,
    /// The handler adds, and an event may be applied once more.
    Repetition,
    /// The caller awaits its callees, and then commits the update or gives it up.
    Calls,
    /// A leader may still commit entries that a member which stays down lacks.
    Uncommitted,
    /// The script stops or cuts something on the way of the update before it is certain to have arrived.
    LaterFaults,
    /// The heartbeats of a log's reader keep it in its group although deliveries do not reach it.
    Readers,
    /// The bus has no leader, and the next one may lack the event.
    Brokers,
    /// The grace period of a tombstone may end before a fault is healed.
    GracePeriod,
    /// The attempts to publish or deliver may be used up before a fault is healed.
    Attempts,
    /// No fault lasts, and something else may keep an update from its copy.
    Possible(Obstacle),
}

/// What may keep an update from its copy although no fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Members lose interest in a rumor, perhaps before each has heard it.
    Rumors,
    /// Nothing sends an update again that a link may lose, or whose handler may fail.
    Chance,
    /// A request that its client gave up may still be executed, and leave siblings.
    Requests,
    /// An event may expire before it is handled.
    Retention,
    /// Events before this one fail, or end too late, and may hold it back.
    HeldBack,
}

impl Uncertainty {
    /// Describes it.
    pub fn text(self) -> &'static str {
        match self {
            Uncertainty::Takeovers => phrase(
                "members that reach only a part of the others take over from each other, and the last leader decides",
                "Mitglieder, die nur einen Teil der anderen erreichen, lösen einander ab, und der letzte Leader entscheidet",
            ),
            Uncertainty::LostLogs => phrase(
                "members lost their logs, so that a leader may lack it or not know who lacks it",
                "Mitglieder haben ihr Log verloren, so dass einem Leader die Änderung fehlen kann oder er nicht weiß, wem sie fehlt",
            ),
            Uncertainty::Reads => phrase(
                "only a read at the right coordinator with the right first responses repairs it",
                "nur ein Lesevorgang beim richtigen Koordinator mit den richtigen ersten Antworten repariert es",
            ),
            Uncertainty::States => phrase(
                "a state that may or may not contain it is under way",
                "unterwegs ist ein Zustand, der die Änderung enthalten kann",
            ),
            Uncertainty::StandIns => phrase(
                "the coordinator may find a member that stands in for the replica and keeps a hint",
                "der Koordinator kann ein Mitglied finden, das das Replikat vertritt und einen Hint aufbewahrt",
            ),
            Uncertainty::Order => phrase(
                "the handler overwrites, and an older event may be applied after a newer one",
                "der Handler überschreibt, und ein älteres Event kann nach einem neueren angewendet werden",
            ),
            Uncertainty::Repetition => phrase(
                "the handler adds, and an event may be delivered once more",
                "der Handler addiert, und ein Event kann noch einmal zugestellt werden",
            ),
            Uncertainty::Calls => phrase(
                "a service awaits its callees, and then commits it or gives it up",
                "ein Service wartet auf die aufgerufenen und committet die Änderung dann oder gibt sie auf",
            ),
            Uncertainty::Uncommitted => phrase(
                "the leader may still commit entries that a member which is down lacks",
                "der Leader kann noch Einträge committen, die einem ausgefallenen Mitglied fehlen",
            ),
            Uncertainty::LaterFaults => phrase(
                "the script stops or cuts something on the way later",
                "das Skript hält später etwas auf dem Weg an oder trennt es",
            ),
            Uncertainty::Readers => phrase(
                "a reader that deliveries do not reach stays in its group by its heartbeats, and may keep the partition",
                "ein Leser, den Zustellungen nicht erreichen, bleibt durch seine Heartbeats in der Gruppe und kann die Partition behalten",
            ),
            Uncertainty::Brokers => phrase(
                "the bus has no leader, and the next one may lack the event",
                "der Bus hat keinen Leader, und dem nächsten kann das Event fehlen",
            ),
            Uncertainty::GracePeriod => phrase(
                "the grace period of tombstones may end before the fault is healed",
                "die Schonfrist der Tombstones kann enden, bevor der Fehler behoben ist",
            ),
            Uncertainty::Attempts => phrase(
                "the attempts may be used up before the fault is healed",
                "die Versuche können verbraucht sein, bevor der Fehler behoben ist",
            ),
            Uncertainty::Possible(obstacle) => obstacle.text(),
        }
    }
}

impl Obstacle {
    /// Describes the obstacle.
    fn text(self) -> &'static str {
        match self {
            Obstacle::Rumors => phrase(
                "members may lose interest in a rumor before each has heard it",
                "die Mitglieder können das Interesse an einem Gerücht verlieren, bevor jedes davon gehört hat",
            ),
            Obstacle::Chance => phrase(
                "a link may lose it, or its handler may fail, and then nothing sends it again",
                "eine Verbindung kann sie verlieren, oder ihr Handler kann scheitern, und dann sendet nichts sie erneut",
            ),
            Obstacle::Requests => phrase(
                "a write that its client gave up may still be executed, and leave siblings",
                "ein Schreibvorgang, den sein Client aufgegeben hat, kann noch ausgeführt werden und Siblings hinterlassen",
            ),
            Obstacle::Retention => phrase(
                "its retention time may end before it is handled",
                "die Aufbewahrungszeit des Events kann enden, bevor es verarbeitet ist",
            ),
            Obstacle::HeldBack => phrase(
                "events before it that fail or end too late may hold it back",
                "frühere Events, die scheitern oder zu spät enden, können es aufhalten",
            ),
        }
    }
}

impl Prospect {
    /// Returns whether neither that the copy becomes consistent nor the opposite is certain.
    pub fn is_uncertain(self) -> bool {
        matches!(self, Prospect::Uncertain(_))
    }

    /// Returns whether the copy can become consistent without intervention.
    pub fn can_converge(self) -> bool {
        match self {
            Prospect::Arriving { .. }
            | Prospect::Queued { .. }
            | Prospect::Unpublished(_)
            | Prospect::BeingHandled(_)
            | Prospect::Handled(_)
            | Prospect::Storing(_)
            | Prospect::Promised(_)
            | Prospect::Hinted(_)
            | Prospect::Repairing
            | Prospect::ReadRepair
            | Prospect::Superseded(_)
            | Prospect::RollingBack(_)
            | Prospect::AfterHealing(_)
            | Prospect::Redriven(_)
            | Prospect::Uncertain(_) => true,
            Prospect::Down(_)
            | Prospect::OutOfSync(_)
            | Prospect::Cut(..)
            | Prospect::CutOff
            | Prospect::DeadLettered(_)
            | Prospect::Poison(_)
            | Prospect::Rejected(_)
            | Prospect::Discarded(_)
            | Prospect::Expiring { .. }
            | Prospect::UsedUp(..)
            | Prospect::NeverPublished(_)
            | Prospect::Applied
            | Prospect::Siblings
            | Prospect::Lost => false,
        }
    }
}
