//! Replica groups: services that hold the same data under one replication protocol.

use super::json::Document;
use super::{Client, Latency, Scenario, Service, is_default, is_one, one};

/// Services that hold the same data under one replication protocol. Its keys are its own: a key of the same name
/// elsewhere is another key.
#[derive(Clone, Debug, Default, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Unique among all nodes: letters, digits, `_`, `-`, `.`.
    pub id: String,
    /// What people see; the id where it is absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Services, each in one group at most; a member calls no other service. Members of a group of registers may publish and
    /// subscribe.
    pub members: Vec<String>,
    /// What a key holds, and how two versions of it become one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub data: Data,
    /// How its members agree.
    #[serde(default, skip_serializing_if = "is_default")]
    pub protocol: Protocol,
}

impl Group {
    /// So many members have a link for each pair.
    pub const MOST_LINKED: usize = 1_000;

    /// Whether its protocol orders all writes of a key in one place, so that a write can look at what is there.
    pub fn orders_writes(&self) -> bool {
        match self.protocol {
            Protocol::Primary(_) | Protocol::Raft(_) | Protocol::Chain | Protocol::TwoPhase(_) => true,
            Protocol::Quorum(_) | Protocol::Gossip(_) => false,
        }
    }

    /// Whether its members reach each other without links of their own: all like a link that is not listed.
    pub fn is_wide(&self) -> bool {
        self.members.len() > Group::MOST_LINKED
    }

    /// Whether the clocks of its members say which write is the newest. A log orders its writes by itself.
    pub fn is_ordered_by_clock(&self) -> bool {
        let clock = matches!(self.data, Data::Register { clock: VersionClock::Wall | VersionClock::Hybrid });
        clock && matches!(self.protocol, Protocol::Quorum(_) | Protocol::Gossip(_))
    }
}

/// What a key of a group holds, and how two versions of it become one.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Data {
    /// A register of which the newest write wins. What a key holds is read, changed and written back: a number that is
    /// incremented, or a set, map or list that is changed, is a naive one, which loses what was done at the same time.
    Register {
        /// Which clock says what is newest.
        #[serde(default, skip_serializing_if = "is_default")]
        clock: VersionClock,
    },
    /// A register that keeps every write that no other has seen, as siblings, by dotted version vectors. A write by a
    /// session that has read the siblings replaces them.
    MultiValue,
    /// The same, but a read returns one value, made of the siblings by a rule; any operation changes that.
    Merged {
        /// The rule.
        by: Merge,
    },
    /// A number whose increments at all replicas add up (PN-counter).
    Counter,
    /// A set in which an addition wins against a removal that has not seen it (OR-set, without tombstones).
    Set,
    /// A set in which a removal wins against an addition that has not seen it (RW-set). The marks of removals stay until
    /// the element is added again.
    RemoveWinsSet,
    /// A map of fields: a put wins against a removal that has not seen it, and what two puts say that have not seen each
    /// other stays as siblings of the field.
    Map,
    /// A list in which every element keeps its place behind the one that it was inserted behind (RGA); of those behind
    /// the same one the later stands first, by a Lamport clock, ties to the later node of the document. The marks of
    /// removals stay.
    Sequence,
}

/// How the siblings of a key become one value. It is a rule about the whole lot, so all who see the same siblings read the
/// same. (The newest write of all is what a register returns.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// All elements of sets (a value that is no set is one of one element): nothing added is lost, removals are.
    #[default]
    Union,
    /// The elements that all have: nothing removed comes back, additions are lost.
    Intersection,
    /// The greatest: numbers before texts before sets, lists and maps.
    Max,
    /// The least, in the same order.
    Min,
}

impl Default for Data {
    fn default() -> Self {
        Data::Register { clock: VersionClock::default() }
    }
}

/// What orders the writes of a register. Ties go to the later node of the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum VersionClock {
    /// The coordinator's own wall clock, skew and all.
    #[default]
    Wall,
    /// One more than the highest count that the coordinator has seen of the key (Lamport 1978).
    Lamport,
    /// The wall clock, but never behind what the coordinator has seen (hybrid logical clock, Kulkarni 2014).
    Hybrid,
}

/// How the members of a group agree.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Protocol {
    /// Leaderless: whoever is asked sends each operation to all replicas of the key, and waits for some.
    Quorum(Quorum),
    /// One member takes all writes and sends them on in order.
    Primary(Primary),
    /// Members elect a leader, and commit what a majority has (Raft).
    Raft(Raft),
    /// Writes go from the first member to the last, which acknowledges them and serves reads.
    Chain,
    /// Whoever takes a write asks every member to promise it, and commits when all have.
    TwoPhase(TwoPhase),
    /// Every member passes on what it has to others at random.
    Gossip(Gossip),
}

impl Default for Protocol {
    fn default() -> Self {
        Protocol::Quorum(Quorum::default())
    }
}

/// A leaderless quorum (Dynamo 2007, Cassandra, Riak).
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Quorum {
    /// How many members hold a key, N: the first so many from a place given by the key's hash; all where absent.
    #[serde(skip_serializing_if = "is_default")]
    pub replicas: Option<u32>,
    /// How many responses answer a read, R.
    #[serde(skip_serializing_if = "is_one")]
    pub read: u32,
    /// How many acknowledgements commit a write, W.
    #[serde(skip_serializing_if = "is_one")]
    pub write: u32,
    /// Whether the next healthy members stand in for replicas that do not answer, and count (sloppy quorum). What they
    /// keep are hints, with the usual settings where none are given.
    #[serde(skip_serializing_if = "is_default")]
    pub sloppy: bool,
    /// Writes that a replica missed are kept as hints, and sent to it when it is back.
    #[serde(skip_serializing_if = "is_default")]
    pub hints: Option<Hints>,
    /// What is done about replicas that a read finds behind.
    #[serde(skip_serializing_if = "is_default")]
    pub read_repair: ReadRepair,
    /// A read writes what it returns to W replicas before it ends, and a write asks R replicas for the newest version first
    /// (ABD 1995; with R + W > N a register is linearizable).
    #[serde(skip_serializing_if = "is_default")]
    pub write_back: bool,
    /// Replicas compare their keys by Merkle trees, and exchange what differs.
    #[serde(skip_serializing_if = "is_default")]
    pub anti_entropy: Option<AntiEntropy>,
    /// After how long a replica that has not answered counts as unreachable, ms.
    #[serde(skip_serializing_if = "is_default_replica_timeout")]
    pub timeout_ms: f64,
    /// How long the mark of a deletion is kept, ms; for ever where absent.
    #[serde(skip_serializing_if = "is_default")]
    pub tombstone_grace_ms: Option<f64>,
}

impl Default for Quorum {
    fn default() -> Self {
        Quorum {
            replicas: None,
            read: 1,
            write: 1,
            sloppy: false,
            hints: None,
            read_repair: ReadRepair::None,
            write_back: false,
            anti_entropy: None,
            timeout_ms: DEFAULT_REPLICA_TIMEOUT,
            tombstone_grace_ms: None,
        }
    }
}

const DEFAULT_REPLICA_TIMEOUT: f64 = 500.0;

fn is_default_replica_timeout(ms: &f64) -> bool {
    *ms == DEFAULT_REPLICA_TIMEOUT
}

/// Hinted handoff.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Hints {
    /// How long a hint is kept, ms.
    #[serde(skip_serializing_if = "is_default_hint_window")]
    pub window_ms: f64,
    /// How often hints are tried again, ms.
    #[serde(skip_serializing_if = "is_default_hint_every")]
    pub every_ms: f64,
}

impl Default for Hints {
    fn default() -> Self {
        Hints { window_ms: HINT_WINDOW, every_ms: HINT_EVERY }
    }
}

/// Cassandra: three hours.
const HINT_WINDOW: f64 = 10_800_000.0;
const HINT_EVERY: f64 = 1000.0;

fn is_default_hint_window(ms: &f64) -> bool {
    *ms == HINT_WINDOW
}
fn is_default_hint_every(ms: &f64) -> bool {
    *ms == HINT_EVERY
}

/// What is done about replicas that a read finds behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum ReadRepair {
    /// Nothing.
    #[default]
    None,
    /// They are sent the newest version once all have answered, or their time is up; the read does not wait for that.
    Async,
    /// Those among the R that answered are sent the newest version, and the read waits until they have it.
    Blocking,
}

/// Anti-entropy by Merkle trees: a replica and a random other compare hashes from the root down.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct AntiEntropy {
    /// How often each replica begins, ms.
    pub every_ms: f64,
    /// Depth of the tree: 2^depth leaves share the keys.
    pub depth: u32,
}

impl Default for AntiEntropy {
    fn default() -> Self {
        AntiEntropy { every_ms: 5000.0, depth: 4 }
    }
}

/// One member takes all writes, the first at the start.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Primary {
    /// How many followers must have a write before it is acknowledged: 0 is asynchronous replication, some is
    /// semi-synchronous, all synchronous.
    #[serde(skip_serializing_if = "is_default")]
    pub acknowledgements: u32,
    /// A follower takes over when it has not heard of the primary for so long, ms; none does where absent.
    #[serde(skip_serializing_if = "is_default")]
    pub failover_ms: Option<f64>,
    /// How often the primary lets its followers hear of it, and sends again what they lack, ms.
    #[serde(skip_serializing_if = "is_default_heartbeat")]
    pub heartbeat_ms: f64,
}

impl Default for Primary {
    fn default() -> Self {
        Primary { acknowledgements: 0, failover_ms: None, heartbeat_ms: HEARTBEAT }
    }
}

const HEARTBEAT: f64 = 50.0;

fn is_default_heartbeat(ms: &f64) -> bool {
    *ms == HEARTBEAT
}

/// Raft (Ongaro and Ousterhout 2014).
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Raft {
    /// A follower stands for election when it has not heard of a leader for a time drawn from here to twice that, ms.
    #[serde(skip_serializing_if = "is_default_election")]
    pub election_ms: f64,
    /// How often the leader lets its followers hear of it, ms.
    #[serde(skip_serializing_if = "is_default_heartbeat")]
    pub heartbeat_ms: f64,
    /// How reads are served.
    #[serde(skip_serializing_if = "is_default")]
    pub reads: RaftReads,
}

impl Default for Raft {
    fn default() -> Self {
        Raft { election_ms: ELECTION, heartbeat_ms: HEARTBEAT, reads: RaftReads::ReadIndex }
    }
}

const ELECTION: f64 = 150.0;

fn is_default_election(ms: &f64) -> bool {
    *ms == ELECTION
}

/// How reads of a Raft group are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum RaftReads {
    /// By the leader, once a majority has confirmed that it still is.
    #[default]
    ReadIndex,
    /// By whoever is asked, from what it has applied: possibly stale.
    Local,
}

/// Two-phase commit (Gray 1978). What was promised stays locked until the coordinator's decision comes.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct TwoPhase {
    /// After how long without all promises the coordinator aborts, ms; it sends a decision again as often.
    #[serde(skip_serializing_if = "is_default_replica_timeout")]
    pub timeout_ms: f64,
}

impl Default for TwoPhase {
    fn default() -> Self {
        TwoPhase { timeout_ms: DEFAULT_REPLICA_TIMEOUT }
    }
}

/// Gossip (Demers 1987).
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Gossip {
    /// Who tells whom.
    #[serde(skip_serializing_if = "is_default")]
    pub style: GossipStyle,
    /// Time between two rounds of a member. A constant makes all go at once; exponential gives each a Poisson clock.
    pub every: Latency,
    /// How many others a member contacts in a round.
    #[serde(skip_serializing_if = "is_one")]
    pub fan_out: u32,
}

impl Default for Gossip {
    fn default() -> Self {
        Gossip { style: GossipStyle::Push, every: Latency::Constant { ms: 1000.0 }, fan_out: one() }
    }
}

/// Who tells whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GossipStyle {
    /// A member sends all that it has.
    #[default]
    Push,
    /// A member asks another for all that it has.
    Pull,
    /// Both.
    PushPull,
    /// A member sends what is news to it, and loses interest after so many others knew it already (rumor mongering with
    /// feedback and counter, reset by a contact that did not).
    Rumor {
        /// How many, k.
        lose_interest_after: u32,
    },
}

/// Which member of a group a client asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Each session its own, chosen by chance at the start.
    #[default]
    Sticky,
    /// Any, each time by chance.
    Any,
    /// The one whose link has the lowest mean latency.
    Nearest,
    /// The one that takes writes, as far as the client knows: the first at the start, then whom it is sent on to.
    Primary,
    /// None: the client sends to the replicas itself (a leaderless group's client-side coordinator).
    Itself,
}

/// What a client's sessions are promised (Terry 1994), enforced by a version token that each session carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum SessionGuarantee {
    /// A read reflects the session's own writes.
    ReadYourWrites,
    /// A read reflects what the session has read before.
    MonotonicReads,
    /// A write is ordered behind the session's earlier ones.
    MonotonicWrites,
    /// A write is ordered behind what the session has read.
    WritesFollowReads,
}

/// Nodes that are near each other.
#[derive(Clone, Debug, Default, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Unique among the regions.
    pub id: String,
    /// What people see; the id where it is absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Its nodes, each in one region at most.
    pub nodes: Vec<String>,
    /// Latency to other regions, or within this one, each way; the scenario's default where none is given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub latency: Vec<RegionLatency>,
}

/// Latency from one region to another and back, for links that have none of their own.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct RegionLatency {
    /// The other region; the region itself for links within it.
    pub to: String,
    /// How long a message is under way.
    pub latency: Latency,
}

impl Scenario {
    /// Latency from one node to another, as it is listed or follows from their regions.
    pub fn latency(&self, from: &str, to: &str) -> &Latency {
        let find = |from: &str, to: &str| self.links.iter().find(|link| link.from == from && link.to == to);
        let listed = find(from, to).or_else(|| find(to, from)).and_then(|link| link.latency.as_ref());
        listed.or_else(|| self.latency_of_regions(from, to)).unwrap_or(&self.default_latency)
    }

    /// Latency between nodes of two regions, or within one, where it is given.
    pub fn latency_of_regions(&self, from: &str, to: &str) -> Option<&Latency> {
        let of = |node: &str| self.regions.iter().find(|region| region.nodes.iter().any(|id| id == node));
        let (from, to) = (of(from)?, of(to)?);
        let listed = |a: &Region, b: &Region| a.latency.iter().position(|latency| latency.to == b.id);
        match (listed(from, to), listed(to, from)) {
            (Some(at), _) => Some(&from.latency[at].latency),
            (None, Some(at)) => Some(&to.latency[at].latency),
            (None, None) => None,
        }
    }

    /// The member of a group whose link from a node has the lowest mean latency.
    pub fn nearest<'a>(&self, node: &str, group: &'a Group) -> Option<&'a str> {
        let mean = |member: &&String| self.latency(node, member).mean_ms();
        group.members.iter().min_by(|a, b| mean(a).total_cmp(&mean(b))).map(String::as_str)
    }

    /// The services that are a group's members.
    pub fn members_of<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Service> {
        self.services.iter().filter(|service| group.members.contains(&service.id))
    }

    /// Whether any member of a group publishes or subscribes: then its keys are those of the services outside of all
    /// groups. Else they are its own.
    pub fn is_connected(&self, group: &Group) -> bool {
        self.members_of(group).any(|member| !member.publishes.is_empty() || !member.subscribes.is_empty())
    }

    /// The members that a client of a group asks as long as all is well: the nearest, or any.
    pub fn asked_members<'a>(&'a self, client: &Client) -> Vec<&'a str> {
        let Some(group) = self.groups.iter().find(|group| group.id == client.target) else { return Vec::new() };
        let routes = [client.route, client.read_route.unwrap_or(client.route)];
        let all = routes.iter().any(|route| matches!(route, Route::Sticky | Route::Any | Route::Itself))
            || (routes.contains(&Route::Primary) && matches!(group.protocol, Protocol::Raft(_)));
        if all {
            return group.members.iter().map(String::as_str).collect();
        }
        let mut asked: Vec<&str> = Vec::new();
        if routes.contains(&Route::Primary) {
            asked.extend(group.members.first().map(String::as_str));
        }
        if routes.contains(&Route::Nearest) {
            asked.extend(self.nearest(&client.id, group).filter(|id| asked.first() != Some(id)));
        }
        asked
    }
}
