// The engine of Converge as an ES module. The types below are generated from the Rust types (js/tests/types.rs).
//
//   import init, { run } from "./engine/converge.js";
//   await init();
//   console.log(run("ex=first-update", { seed: 7 }).digest);
//
// Numbers are JavaScript numbers and exact; a result that no number represents exactly throws. Digests are strings of 16
// hexadecimal digits. In scenarios and options, undefined counts as null.

/** A scenario: a plain object, its JSON text, a link, `ex=ID` for an example, or `challenge=ID` for a challenge. */
export type ScenarioInput = Scenario | string;

/** What every function throws when its input is not valid. */
export interface ConvergeError extends Error {
  name: "ConvergeError";
  /** The path of the first error. */
  path: string;
  /** What is wrong and what was expected there. */
  expected: string;
  /** All errors. */
  errors: InputError[];
}

/**
 * Fetches the wasm file: of the npm package from the same folder, of a built page from `app/engine-<hash>/`, whose module
 * `engine/converge.js` exports. Call it once and wait for it before any other function. `module_or_path` gives another
 * address, the bytes or the compiled module; Node, which does not fetch files, needs the bytes.
 */
export default function init(options?: {
  module_or_path?: string | URL | Request | Response | BufferSource | WebAssembly.Module | Promise<Response>;
}): Promise<unknown>;

/** Loads the wasm file from bytes or from a compiled module, without waiting. */
export function initSync(options: { module: BufferSource | WebAssembly.Module }): unknown;

/** Validates a scenario and returns all errors. Throws only if the input is not plain data. */
export function validate(scenario: ScenarioInput): ValidationReport;

/** Runs a scenario to its end. */
export function run(scenario: ScenarioInput, options?: RunOptions): RunReport;

/** Runs a scenario once with each seed, and aggregates the measurements. */
export function sweep(scenario: ScenarioInput, options: SweepOptions): SweepReport;

/**
 * The same, but lets the page work between the runs. `onProgress` is called after each run. Rejects with the signal's reason when
 * it is aborted.
 */
export function sweepAsync(
  scenario: ScenarioInput,
  options: SweepOptions,
  control?: { signal?: AbortSignal; onProgress?: (done: number, all: number) => void },
): Promise<SweepReport>;

/** Runs a scenario, and explains each copy that is not consistent at a time: what it lacks, why, and what may still bring it. */
export function why(scenario: ScenarioInput, options?: WhyOptions): ReasonsReport;

/** Checks which guarantees a history keeps: an array of Jepsen's operations, or its text as JSON Lines, JSON or EDN. */
export function check(history: string | object[], options?: CheckOptions): CheckReport;

/**
 * Grades an answer, the scenario as the learner changed it, to the tasks of a scenario. `progress` is called after each run; the
 * grading stops if it returns false, and no goal of an incomplete task is met.
 */
export function grade(
  scenario: ScenarioInput,
  answer: ScenarioInput,
  options?: GradeOptions | null,
  progress?: (done: number, all: number) => boolean | void,
): GradeReport;

/** Encodes a scenario as a link, which begins with `1r.`. */
export function linkEncode(scenario: ScenarioInput): string;

/** Decodes a link, or an address that ends in a link. */
export function linkDecode(link: string): Scenario;

/** Returns the examples that the page lists. */
export function examples(): ExampleReport[];

/** When the consumer acknowledges a delivery. */
export type Acknowledge = "never" | "before_processing" | "after_processing";

/** Which acknowledgement a publisher waits for (Kafka: acks). */
export type Acks = "none" | "leader" | "all";

/** Anti-entropy by Merkle trees: a replica compares hashes with a random other replica, from the root down. */
export interface AntiEntropy {
  /** Depth of the tree; its 2^depth leaves share the keys. */
  depth?: number;
  /** Interval at which each replica starts a comparison, ms. */
  every_ms?: number;
}

/** When a session issues generated operations. */
export type Arrivals = {
  poisson: {
    /** Mean rate, operations per second. */
    per_second: number;
  };
} | {
  periodic: {
    /** Interval, ms. */
    every_ms: number;
  };
} | {
  after: {
    /** The other client. */
    client: string;
    /** Delay after the write, ms. */
    ms: number;
  };
} | {
  closed: {
    /** Think time. */
    think: Latency;
  };
};

/** How deliveries reach a consumer. Nothing is delivered to a consumer that is not attached. */
export type Attachment = {
  connection: Connection;
} | {
  polling: Polling;
};

/** How long to wait before a retry. */
export type Backoff = "none" | {
  fixed: {
    /** The wait, ms. */
    ms: number;
  };
} | {
  exponential: {
    /** First wait, ms. */
    base_ms: number;
    /** Maximum wait, ms. */
    cap_ms: number;
  };
} | {
  equal_jitter: {
    /** First wait, ms. */
    base_ms: number;
    /** Maximum wait, ms. */
    cap_ms: number;
  };
} | {
  full_jitter: {
    /** First wait, ms. */
    base_ms: number;
    /** Maximum wait, ms. */
    cap_ms: number;
  };
} | {
  decorrelated_jitter: {
    /** Minimum wait, ms. */
    base_ms: number;
    /** Maximum wait, ms. */
    cap_ms: number;
  };
};

/** An alternative run: how it differs from the document. */
export interface Branch {
  /** Unique name of at most 80 characters. */
  name: string;
  /** Steps in addition to the document's script. */
  script?: Step[];
  /**
   * Settings that differ: the path `<id>.<field>` of a node's or a group's field, with its value as JSON or as plain
   * text.
   */
  set?: { [key: string]: string };
}

/** Values of a sketch that differ by at most 2 %. */
export interface Bucket {
  /** Number of values. */
  count: number;
  /** The largest value. */
  max: number;
  /** The smallest value. */
  min: number;
}

/** An event bus: stores events by topic and delivers them to each subscription. */
export interface Bus {
  /** Whether an event is acknowledged to the publisher only when it is flushed; immediately otherwise. */
  acknowledges_flushed?: boolean;
  /**
   * Time after which an accepted event is flushed to disk or a replica, ms. An outage with `lose_unflushed` loses events
   * that are not flushed.
   */
  flush_ms?: number;
  /** Unique among all nodes: letters, digits, `_`, `-`, `.`. */
  id: string;
  /** Displayed name; the id if absent. */
  name?: string;
  /** Position of its card on the canvas, [x, y] of the upper left corner; chosen automatically if absent. */
  position?: [number, number] | null;
  /** Replicated brokers that store its events; one broker if absent. */
  replication?: Replication | null;
  /** Its topics; if empty, one with the bus's id and one partition. */
  topics?: Topic[];
}

/** A synchronous call to another service before a write commits. */
export interface Call {
  /** A write to a key of the callee; if absent, the callee applies the caller's write. */
  do?: Operation | null;
  /**
   * How long the caller waits for an answer, ms. Under two-phase commit also the interval at which the decision is sent
   * or requested again.
   */
  timeout_ms?: number;
  /** The service that is called. */
  to: string;
}

/** Options of `check`. */
export interface CheckOptions {
  /** Steps of a search after which the verdict is unknown. */
  budget?: number;
  /** The guarantees; by default `linearizable`. */
  guarantees?: string[];
  /** The initial value of every key; by default null. */
  initial?: unknown;
  /** The most acknowledged changes that a read may lack, for bounded staleness. */
  k?: number | null;
  /** Whether values are `[key, value]`; by default inferred. */
  keyed?: boolean;
  /** What a key holds; by default inferred from the operations. */
  model?: DataModel | null;
  /** The longest time for which a read may lack a change, ms, for bounded staleness. */
  t?: number | null;
}

/** The verdicts on a history. */
export interface CheckReport {
  /** Operations that failed. */
  fail: number;
  /** The number of keys. */
  keys: number;
  /** What a key holds. */
  model: DataModel;
  /** Operations that succeeded. */
  ok: number;
  /** The number of operations. */
  operations: number;
  /** The number of processes. */
  processes: number;
  /** Operations whose effect is unknown. */
  unknown: number;
  /** One verdict for each guarantee. */
  verdicts: VerdictReport[];
}

/** One or more sessions that issue operations: scripted, generated or both. */
export interface Client {
  /**
   * Attempts of an operation at most, each with that timeout; in a group each at another member. The operation may take
   * effect at each attempt.
   */
  attempts?: number;
  /** Randomly generated operations. */
  generate?: Workload | null;
  /** Guarantees of its sessions, enforced by a version token: a read that violates them is retried at another member. */
  guarantees?: SessionGuarantee[];
  /** Unique among all nodes: letters, digits, `_`, `-`, `.`. */
  id: string;
  /** Displayed name; the id if absent. */
  name?: string;
  /** Position of its card on the canvas, [x, y] of the upper left corner; chosen automatically if absent. */
  position?: [number, number] | null;
  /** Which member it contacts for reads; as `route` if absent. */
  read_route?: Route | null;
  /** The service from which it reads; the target if absent. */
  reads_from?: string | null;
  /** Which member of a replica group it contacts. */
  route?: Route;
  /** Operations at given times. */
  script?: ClientStep[];
  /** Number of sessions, which issue operations independently. */
  sessions?: number;
  /** The service or replica group to which it sends its operations. */
  target: string;
  /** Timeout after which an operation without an answer ends as unknown, ms. */
  timeout_ms?: number;
}

/** Operations of a client by outcome. */
export interface ClientReport {
  /** Operations that failed. */
  fail: number;
  /** Operations that succeeded. */
  ok: number;
  /** Operations that had not ended when the run did. */
  pending: number;
  /** Reads that succeeded. */
  reads: number;
  /** Reads that lacked an update acknowledged before they were issued. */
  stale_reads: number;
  /** Operations that timed out, so that their effect is unknown. */
  unknown: number;
}

/** A scripted operation of a client. */
export interface ClientStep {
  /** When it is issued, ms from the start. */
  at_ms: number;
  /** The operation. */
  do: Operation;
}

/** How a node's clock deviates from true time: reading = true time × (1 + drift) + offset. */
export interface Clock {
  /** Drift, parts per million; may be negative. */
  drift_ppm?: number;
  /** Offset, ms; may be negative. */
  offset_ms?: number;
  /** Standard deviation of a further offset, ms; it is drawn once a run from a normal distribution with mean 0. */
  offset_sd_ms?: number;
}

/** A write or a fault. Commands of the script and of the person at the page are the same. */
export type Command = {
  operate: {
    /** The operation. */
    operation: Operation;
    /** Whether the update's event is a poison message, which every handler fails to process. */
    poison?: boolean;
    /** The service. */
    service: string;
  };
} | {
  cut_link: {
    /** The node that sends. */
    from: string;
    /** Only this direction, instead of both. */
    one_way?: boolean;
    /** The node that receives. */
    to: string;
  };
} | {
  disturb_link: {
    /** Additional latency of each message. */
    delay?: Latency | null;
    /** Probability, 0 to 1, that a message is delivered twice. */
    duplicate?: number;
    /** The node that sends. */
    from: string;
    /** Probability, 0 to 1, that a message is lost. */
    loss?: number;
    /** Only this direction, instead of both. */
    one_way?: boolean;
    /**
     * Probability, 0 to 1, that later messages overtake a message: it takes a second latency in addition, and the link
     * does not keep its order.
     */
    reorder?: number;
    /** The node that receives. */
    to: string;
  };
} | {
  partition: {
    /** The groups: lists of nodes. */
    groups: string[][];
  };
} | {
  heal_link: {
    /** The node that sends. */
    from: string;
    /** Only this direction, instead of both. */
    one_way?: boolean;
    /** The node that receives. */
    to: string;
  };
} | {
  crash: {
    /** Whether its store is lost too. */
    lose_disk?: boolean;
    /** The service. */
    service: string;
  };
} | {
  restart: {
    /** The service. */
    service: string;
  };
} | {
  pause: {
    /** The node. */
    node: string;
  };
} | {
  resume: {
    /** The node. */
    node: string;
  };
} | {
  slow_down: {
    /** Factor by which its work takes longer; 1 is the configured speed. */
    factor: number;
    /** The service. */
    service: string;
  };
} | {
  set_clock: {
    /** Drift, parts per million; may be negative. */
    drift_ppm?: number;
    /** Offset, ms; may be negative. */
    offset_ms?: number;
    /** The service. */
    service: string;
  };
} | {
  jump_clock: {
    /** Distance, ms; may be negative. */
    by_ms: number;
    /** The service. */
    service: string;
  };
} | {
  stop_bus: {
    /** The bus. */
    bus: string;
    /** Whether events that it has not flushed are lost. */
    lose_unflushed?: boolean;
  };
} | {
  start_bus: {
    /** The bus. */
    bus: string;
  };
} | {
  stop_broker: {
    /** Number of the broker, from 1; the leader if absent. */
    broker?: number | null;
    /** The bus. */
    bus: string;
    /** Whether the events on its disk are lost. */
    lose_disk?: boolean;
  };
} | {
  start_broker: {
    /** Number of the broker, from 1; all stopped brokers if absent. */
    broker?: number | null;
    /** The bus. */
    bus: string;
  };
} | {
  rebalance: {
    /** The bus. */
    bus: string;
  };
} | {
  redrive: {
    /** The bus. */
    bus: string;
    /** The service that subscribes. */
    service: string;
  };
} | {
  purge: {
    /** The bus. */
    bus: string;
    /** The service that subscribes. */
    service: string;
  };
} | "heal_all";

/** How the write of a service and the writes of the services that it calls commit. */
export type Commit = "one_by_one" | "two_phase";

/** When an event of a replicated bus is committed. */
export type CommitRule = {
  in_sync: InSync;
} | "majority";

/** A connection on which a bus pushes events. */
export interface Connection {
  /**
   * Time without a heartbeat after which either end closes the connection, ms (RabbitMQ: 60,000). If absent, only the end of
   * the consumer's process closes it.
   */
  heartbeat_ms?: number | null;
  /** Unacknowledged deliveries to this consumer at most (RabbitMQ: basic.qos); `max_in_flight` if absent. */
  prefetch?: number | null;
  /**
   * Whether the deliveries belong to the connection, as on a RabbitMQ channel: what a link loses is sent again until it
   * closes; then unacknowledged deliveries are requeued at once; and a missed acknowledgement deadline closes it. Otherwise
   * they are redelivered after the acknowledgement deadline (JetStream).
   */
  requeue_on_close?: boolean;
}

/** Whether the copies come to agree. */
export interface ConvergenceReport {
  /** The reasons for the verdict, a sentence each. */
  because: string[];
  /** `converged`, `converging`, `will not converge` or `unknown`. */
  verdict: "converged" | "converging" | "will not converge" | "unknown";
}

/** Counts of copies by state. */
export interface CopiesReport {
  /** Copies with more than one value (siblings). */
  conflicted: number;
  /** Copies that differ from the reference without lacking an update. */
  diverged: number;
  /** The inconsistency window that closed last, ms. */
  last_window_ms: number | null;
  /** Copies that lack an acknowledged update. */
  stale: number;
  /** All copies. */
  total: number;
}

/** The state of a copy of a key. */
export interface CopyReport {
  /** Acknowledged updates that it does not reflect; a diverged copy has applied them, and lost them again. */
  behind: number;
  /** The clock reading of the write, ms, where a clock orders the register. */
  clock_ms: number | null;
  /** All values that a read returns, where there are several. */
  siblings: Value[];
  /** The time since which it has been stale or diverged without having been consistent in between, ms. */
  stale_since_ms: number | null;
  /** `consistent`, `conflicted`, `diverged`, `stale` or `down`. */
  state: CopyState;
  /** The value that a read returns; null for an absent key. */
  value: Value | null;
  /** Version counter; 0 for an absent key. */
  version: number;
}

/** The state of a copy, or of a service's worst copy. Ordered from best to worst. */
export type CopyState = "consistent" | "conflicted" | "diverged" | "stale" | "down";

/** A point of a curve over time. */
export interface CurvePoint {
  /** How many were counted. */
  of: number;
  /** How many more were not observed for so long, and did not hold at the end of their run. */
  open: number;
  /** The share. */
  p: number | null;
  /** Its standard error. */
  standard_error: number | null;
  /** The time, ms. */
  t_ms: number;
}

/** Data type of a group's keys, and how two versions of a key are merged. */
export type Data = {
  register: {
    /** The clock that orders writes. */
    clock?: VersionClock;
  };
} | "multi_value" | {
  merged: {
    /** The rule for merging. */
    by: Merge;
  };
} | "counter" | "set" | "remove_wins_set" | "map" | "sequence";

/** The data model of a key. */
export type DataModel = "register" | "cas-register" | "counter" | "set" | "append";

/** How an event changes the consumer's store. */
export type Effect = "set_if_newer" | "overwrite" | "last_writer_wins" | "increment";

/** The numbers of a bus's events by their fate, over all subscriptions. */
export interface EventCounts {
  /** Acknowledged, or delivered to a subscription without acknowledgements. */
  acknowledged: number;
  /** Events in dead-letter queues. */
  dead_lettered: number;
  /** Given up, purged, or lost. */
  discarded: number;
  /** Discarded at the end of their retention. */
  expired: number;
  /** Delivered and not yet acknowledged. */
  in_flight: number;
  /** Events, counted once for each subscription or group that receives them. */
  published: number;
  /** Waiting for a delivery. */
  queued: number;
}

/** An example. */
export interface ExampleReport {
  /** The id, as in `ex=ID`. */
  id: string;
  /** The scenario. */
  scenario: Scenario;
  /** What the example shows. */
  shows: string;
}

/** A run that fails a goal. */
export interface FailedRun {
  /** The instant of the violation, ms; the end of the run for a violation without an instant. */
  at_ms: number;
  /** Why the condition is false. */
  because: string;
  /** A link to the run at that instant; null if the scenario does not fit into a link. */
  link: string | null;
  /** Its seed. */
  seed: number;
}

/** Figures computed from the counts of a sweep. A figure is null where nothing was counted. */
export interface Figures {
  /** Time from the last acknowledgement until all copies were consistent, ms; of converged runs. */
  convergence_ms: Quantiles;
  /** Deliveries of an event. */
  deliveries: Quantiles;
  /** Effects of a handler for each published event. */
  effects_per_event: number | null;
  /** Completed executions of a handler for each published event. */
  executions_per_event: number | null;
  /** The share of fresh reads by time since the newest acknowledgement. */
  fresh: CurvePoint[];
  /** Latency of successful reads, ms. */
  read_latency_ms: Quantiles;
  /** The share of copies that had reflected an update, by time since its acknowledgement. */
  reflected: CurvePoint[];
  /** The relative error of all quantiles. */
  relative_error_of_quantiles: number;
  /** How many updates stale reads lacked. */
  stale_read_k: Quantiles;
  /** The share of stale reads among successful reads. */
  stale_read_share: number | null;
  /** Its standard error. */
  stale_read_share_standard_error: number | null;
  /** How long before a stale read the oldest update that it lacked was acknowledged, ms. */
  stale_read_t_ms: Quantiles;
  /** The time from an update's acknowledgement until the last read that lacked it, ms. */
  stale_read_window_ms: Quantiles;
  /**
   * The share of updates that had been reflected by every copy at a moment, by time since their acknowledgement: visible
   * everywhere within t. A copy may have lost an update again.
   */
  visible_everywhere: CurvePoint[];
  /** Inconsistency windows that closed, ms. */
  window_ms: Quantiles;
  /** Latency of successful writes, ms. */
  write_latency_ms: Quantiles;
}

/** The halted run with the smallest seed. */
export interface FirstHalt {
  /** Its seed. */
  seed: number;
  /** Why it was halted, a sentence that names the limit, the nodes and the loop. */
  why: string;
}

/**
 * Which applied events a service publishes, and as what. By default each is published as the same update under the same key;
 * otherwise the service commits a separate update with it.
 */
export interface Forward {
  /** Id of the bus whose events it publishes; those of all its subscriptions if absent. */
  from?: string | null;
  /** The key of the separate update; the event's key if absent. */
  key?: string | null;
  /** What is added to a number after that. */
  plus?: number;
  /** The factor by which a number is multiplied. */
  times?: number;
}

/** A condition of a task, with the points for meeting it. */
export interface Goal {
  /** Unique id in the task. */
  id: string;
  /** The condition, such as `runs(converged) == 1` or `fresh(100) >= 0.99`. */
  must: string;
  /** Points for meeting it, from 1 to 100. */
  points?: number;
  /** The goal in words; at most 200 characters. */
  text?: string;
}

/** The grade of one goal. */
export interface GoalGrade {
  /**
   * The first run in which the condition of `runs(…)` is false, or because of which the figure is not known; null if there is
   * none.
   */
  failure: FailedRun | null;
  /**
   * The figure that was compared; null if nothing was counted, if a run was halted, or if it is not known, because of what had
   * not ended at the end of a run.
   */
  figure: number | null;
  /** The id of the goal. */
  id: string;
  /** Whether it is met. */
  met: boolean;
  /** The condition. */
  must: string;
  /** The points that the goal gives. */
  points: number;
  /** The goal in words. */
  text: string;
}

/** Gossip, also called epidemic replication (Demers 1987). */
export interface Gossip {
  /** Time between two rounds of a member. Constant: all members start at the same time; exponential: independently. */
  every?: Latency;
  /** Number of members that a member contacts in a round. */
  fan_out?: number;
  /** Direction of the exchange. */
  style?: GossipStyle;
}

/** Direction of a gossip exchange. */
export type GossipStyle = "push" | "pull" | "push_pull" | {
  rumor: {
    /** Number of contacts that already had the update, k. */
    lose_interest_after: number;
  };
};

/** Options of `grade`. */
export interface GradeOptions {
  /** A run is halted after this number of events, and then meets no condition. */
  maxEvents?: number;
  /** The id of a task; by default all tasks are graded. */
  task?: string | null;
}

/** The grades of an answer in all tasks of a document. */
export interface GradeReport {
  /** Why the first halted run of the first task with one was halted; null if none was. */
  first_halt: FirstHalt | null;
  /** Runs of all tasks that were halted at a limit. */
  halted: number;
  /** The points of all goals. */
  of: number;
  /** Whether every goal of every task is met. */
  passed: boolean;
  /** The points of all goals that are met. */
  points: number;
  /** One grade for each task. */
  tasks: TaskGrade[];
}

/**
 * Services that hold the same data under one replication protocol. Unless members publish or subscribe, its keys are
 * separate from keys of the same name elsewhere.
 */
export interface Group {
  /** Data type of its keys, and how two versions of a key are merged. */
  data?: Data;
  /** Unique among all nodes: letters, digits, `_`, `-`, `.`. */
  id: string;
  /**
   * Ids of its services. A service is a member of at most one group and calls no other service. Members of a group of
   * registers may publish and subscribe.
   */
  members: string[];
  /** Displayed name; the id if absent. */
  name?: string;
  /** Replication protocol of its members. */
  protocol?: Protocol;
}

/** Hinted handoff. */
export interface Hints {
  /** Interval at which hints are sent again, ms. */
  every_ms?: number;
  /**
   * How long a replica may be unreachable before a coordinator keeps no more hints for it, ms (Cassandra: max_hint_window). What
   * it has kept until then it sends when the replica is back. Stand-ins of a sloppy quorum always keep hints.
   */
  window_ms?: number;
}

/** Settings of in-sync replicas. */
export interface InSync {
  /** Time after which a lagging follower is no longer in sync, ms (Kafka: replica.lag.time.max.ms). */
  lag_ms?: number;
  /**
   * Brokers in sync, including the leader, without which publications with `acks` of `all` are refused (Kafka:
   * min.insync.replicas).
   */
  min_insync?: number;
  /**
   * Whether a broker that is not in sync may become the leader if no other is up (Kafka:
   * unclean.leader.election.enable); the bus is unavailable otherwise.
   */
  unclean_election?: boolean;
}

/** A table of handled events. */
export interface Inbox {
  /** How long a row is kept, ms; forever if absent. */
  window_ms?: number | null;
}

/** An error in the input: where it is, and what is wrong and what was expected there. */
export interface InputError {
  /** What is wrong and what was expected, as a sentence. */
  expected: string;
  /**
   * Path in the document, as in `services[1].subscribes[0].fails`, or the name of an option; empty for the input
   * as a whole.
   */
  path: string;
}

/** The verdict on an invariant of the scenario. */
export interface InvariantReport {
  /** The time of the first violation, ms. */
  at_ms: number | null;
  /** The values that violate it, or why the verdict is unknown. */
  because: string;
  /** The invariant as it is written in the scenario. */
  invariant: string;
  /** `holds`, `violated` or `unknown`. */
  verdict: "holds" | "violated" | "unknown";
}

/** The key of a generated operation. */
export type Keys = {
  one: {
    /** The key. */
    key: string;
  };
} | {
  uniform: {
    /** Number of keys, N. */
    count: number;
    /** Text before the number. */
    prefix: string;
  };
} | {
  zipf: {
    /** Number of keys, N. */
    count: number;
    /** Skew: 0 is uniform, 1 is Zipf's law. */
    exponent: number;
    /** Text before the number. */
    prefix: string;
  };
};

/** What an acknowledgement does that arrives after its delivery has ended. */
export type LateAcknowledgement = "accept" | "ignore" | "refuse";

/** A distribution of durations in milliseconds. */
export type Latency = {
  constant: {
    /** The duration, ms. */
    ms: number;
  };
} | {
  uniform: {
    /** Maximum, ms. */
    high_ms: number;
    /** Minimum, ms. */
    low_ms: number;
  };
} | {
  exponential: {
    /** Mean, ms. */
    mean_ms: number;
  };
} | {
  normal: {
    /** Mean before truncation, ms. */
    mean_ms: number;
    /** Standard deviation before truncation, ms. */
    sd_ms: number;
  };
} | {
  lognormal: {
    /** Median, ms. */
    median_ms: number;
    /** Standard deviation of the natural logarithm. */
    sigma: number;
  };
} | {
  pareto: {
    /** Scale (the minimum, xm), ms. */
    scale_ms: number;
    /** Shape (alpha); a smaller shape has a heavier tail. */
    shape: number;
  };
} | {
  mixture: {
    /** The components. */
    parts: Weighted[];
  };
} | {
  samples: {
    /** Measured durations, ms, in any order. */
    ms: number[];
  };
};

/** What the delivery limit counts. */
export type Limit = "deliveries" | "redeliveries";

/** Settings of one direction of a link. */
export interface Link {
  /** Probability, 0 to 1, that a message is delivered twice, each time with a separate latency. */
  duplicate?: number;
  /** Whether messages arrive in the order in which they are sent. */
  fifo?: boolean;
  /** The node that sends. */
  from: string;
  /** Latency of a message; that between the regions of the two nodes, or else the scenario's default, if absent. */
  latency?: Latency | null;
  /** Probability, 0 to 1, that a message is lost. */
  loss?: number;
  /** The node that receives. */
  to: string;
}

/**
 * How the siblings of a key are merged into one value. The rule depends on the siblings alone, so that replicas with the
 * same siblings return the same value.
 */
export type Merge = "union" | "intersection" | "max" | "min";

/** Numbers of messages by their fate. */
export interface MessageCounts {
  /** Delivered. */
  delivered: number;
  /** Lost because the link was disturbed on arrival. */
  dropped_disturbance: number;
  /** Lost because the link was cut on arrival. */
  dropped_link_cut: number;
  /** Lost by a link's loss probability. */
  dropped_loss: number;
  /** Lost because the receiver was down on arrival. */
  dropped_receiver_down: number;
  /** Copies made by links. */
  duplicated: number;
  /** Messages in flight. */
  in_flight: number;
  /** Sent by nodes. */
  sent: number;
}

/** What a consumer does whose handler failed. */
export type OnFailure = "refuse" | "wait";

/** An operation of a client on one key. */
export type Operation = {
  read: {
    /** The key. */
    key: string;
  };
} | {
  write: {
    /** The key. */
    key: string;
    /** Its new value. */
    value: Value;
  };
} | {
  add: {
    /** The element: a whole number or a text. */
    element: Value;
    /** The key. */
    key: string;
  };
} | {
  remove: {
    /** The element: a whole number or a text. */
    element: Value;
    /** The key. */
    key: string;
  };
} | {
  put: {
    /** The name of the field. */
    field: string;
    /** The key. */
    key: string;
    /** Its new value: a whole number or a text. */
    value: Value;
  };
} | {
  insert: {
    /** Index in the list as the contacted replica has it; the end of the list if absent or beyond the end. */
    at?: number | null;
    /** The element: a whole number or a text. */
    element: Value;
    /** The key. */
    key: string;
  };
} | {
  remove_at: {
    /** Index in the list as the contacted replica has it; the element must exist. */
    at: number;
    /** The key. */
    key: string;
  };
} | {
  increment: {
    /** The amount; may be negative. */
    by: number;
    /** The key. */
    key: string;
  };
} | {
  delete: {
    /** The key. */
    key: string;
  };
} | {
  compare_and_set: {
    /** The expected value; `null` for an absent key. */
    expect?: Value | null;
    /** The key. */
    key: string;
    /** Its new value. */
    value: Value;
  };
};

/** An operation of the history. */
export interface OperationReport {
  /** Its function, by the name that it has in the history. */
  f: string;
  /** Its index in the history. */
  index: number;
  /** Its key, unless the history has only one key without a name. */
  key?: string | null;
  /** Its process: a number, or a name. */
  process: unknown;
  /** `ok`, `fail` or `info`. */
  type: "ok" | "fail" | "info";
  /** Its argument, or what a read returned, as in the history. */
  value: unknown;
}

/** Order in which a subscription's events are delivered. */
export type Order = "none" | "fifo_per_key" | "log";

/** How operations of one kind ended. */
export interface Outcomes {
  /** As fail. */
  fail: number;
  /** As ok. */
  ok: number;
  /** Still pending at the end of the run. */
  pending: number;
  /** As unknown: timed out. */
  unknown: number;
}

/** A consumer that asks for events. */
export interface Polling {
  /** Events per receive at most (SQS: up to 10). A consumer asks for no more than its free workers. */
  batch?: number;
  /** Events that the consumer receives beyond its free workers; they wait in the consumer while their deadline runs. */
  prefetch?: number;
  /** Time for which an unanswered receive waits for an event, ms (SQS: long polling, up to 20 s). */
  wait_ms?: number;
}

/** Primary-backup replication. The first member is the primary at the start. */
export interface Primary {
  /**
   * Number of followers that must store a write before it is acknowledged: none is asynchronous replication, some
   * semi-synchronous, all synchronous.
   */
  acknowledgements?: number;
  /** Failover: a follower becomes the primary after this time without a heartbeat, ms; never if absent. */
  failover_ms?: number | null;
  /** Interval of the primary's heartbeats, which also resend what followers lack, ms. */
  heartbeat_ms?: number;
}

/** What the author expects at the end of the run. */
export type Promise = "converged" | {
  stale: {
    /** The key. */
    key: string;
    /** The service. */
    service: string;
  };
} | {
  diverged: {
    /** The key. */
    key: string;
    /** The service. */
    service: string;
  };
} | {
  consistent: {
    /** The key. */
    key: string;
    /** The service. */
    service: string;
  };
} | {
  conflicted: {
    /** The key. */
    key: string;
    /** The service. */
    service: string;
  };
} | "all_operations_ok" | "no_stale_reads" | {
  lost_updates: {
    /** The exact number. */
    count: number;
  };
};

/** Replication protocol of a group. */
export type Protocol = {
  quorum: Quorum;
} | {
  primary: Primary;
} | {
  raft: Raft;
} | "chain" | {
  two_phase: TwoPhase;
} | {
  gossip: Gossip;
};

/** Where and how a service publishes its updates as events. */
export interface Publication {
  /** Which acknowledgement it requests. At a bus without `replication`, `leader` and `all` are the same. */
  acks?: Acks;
  /** An event chain: which of the events that the service applies it publishes too; none if absent. */
  forward?: Forward | null;
  /**
   * Time between the commit and a direct publication, ms. After a crash in between, only the first of the two has
   * happened. The modes `outbox` and `change_data_capture` have no such gap.
   */
  gap_ms?: number;
  /** When the event is published: directly before or after the commit (a dual write), or by a relay from the store. */
  mode?: PublishMode;
  /**
   * Retries if the bus does not acknowledge; no retries if absent. The relay of an outbox or of change data capture
   * always retries: every second without limit if this is absent.
   */
  retry?: PublishRetry | null;
  /** Id of the bus. */
  to: string;
  /** The topic; the bus's first if absent. */
  topic?: string | null;
}

/** When the event of an update is published. */
export type PublishMode = "after_commit" | "before_commit" | {
  outbox: {
    /** Number of rows per poll at most. */
    batch: number;
    /** Polling interval of the relay, ms. */
    poll_ms: number;
  };
} | {
  change_data_capture: {
    /** Number of log entries per poll at most. */
    batch: number;
    /**
     * Interval at which the relay flushes its position, ms (Kafka Connect: offset.flush.interval.ms); immediately if 0.
     * After a crash it publishes again what the bus has acknowledged since the last flush.
     */
    flush_ms?: number;
    /** Polling interval of the relay, ms. */
    poll_ms: number;
  };
};

/** Retries of a publication without acknowledgement. */
export interface PublishRetry {
  /** Number of attempts at most, including the first. */
  attempts: number;
  /** Timeout for the acknowledgement, ms. */
  timeout_ms: number;
}

/** The distribution of integers, such as microseconds. */
export interface QuantileSketch {
  /** The i-th bucket contains values v with γ^(i−1) < v ≤ γ^i, γ = (1 + error)/(1 − error). */
  buckets: { [key: string]: Bucket };
  /** Number of values. */
  count: number;
  /** The sum of the values. */
  sum: number;
  /** Number of values that are 0. */
  zeros: number;
}

/** Mean and quantiles; null where nothing was counted. */
export interface Quantiles {
  /** How many values were counted. */
  count: number;
  /** The largest value. */
  max: number | null;
  /** The mean, exact. */
  mean: number | null;
  /** The median. */
  p50: number | null;
  /** The 90th percentile. */
  p90: number | null;
  /** The 95th percentile. */
  p95: number | null;
  /** The 99th percentile. */
  p99: number | null;
  /** The 99.9th percentile. */
  p999: number | null;
}

/** A leaderless quorum (Dynamo 2007, Cassandra, Riak). */
export interface Quorum {
  /** Anti-entropy: replicas compare their keys by Merkle trees and exchange those that differ. */
  anti_entropy?: AntiEntropy | null;
  /** Hinted handoff: writes that a replica missed are kept as hints and sent to it when it is back. */
  hints?: Hints | null;
  /** Number of responses that complete a read, R. */
  read?: number;
  /** Repair of stale replicas that a read finds. */
  read_repair?: ReadRepair;
  /** Number of replicas of a key, N: members in order, from one given by the key's hash; all members if absent. */
  replicas?: number | null;
  /**
   * Sloppy quorum: the next healthy members replace replicas that do not answer, and count for the quorum. They keep
   * the write as a hint, with default settings if `hints` is absent. A write goes on to further members if they do not
   * answer either, each time after the timeout.
   */
  sloppy?: boolean;
  /** Time after which a replica without an answer counts as unreachable, ms. */
  timeout_ms?: number;
  /** How long tombstones are kept after the deletion, ms; forever if absent. */
  tombstone_grace_ms?: number | null;
  /** Number of acknowledgements that complete a write, W. */
  write?: number;
  /**
   * A read writes its result back to W replicas before it returns, and a write first queries R replicas for the newest
   * version (ABD 1995; with R + W > N a register is linearizable).
   */
  write_back?: boolean;
}

/** Raft (Ongaro and Ousterhout 2014). */
export interface Raft {
  /** Election timeout, ms: a follower starts an election after a random time without a heartbeat, from this to twice this. */
  election_ms?: number;
  /** Interval of the leader's heartbeats, ms. */
  heartbeat_ms?: number;
  /** How the group serves reads. */
  reads?: RaftReads;
}

/** How a Raft group serves reads. */
export type RaftReads = "read_index" | "local";

/** A part of the page that shows what happened. */
export type ReadOut = "verdicts" | "why" | "inspector" | "log";

/** Repair of stale replicas that a read finds. */
export type ReadRepair = "none" | "async" | "blocking";

/**
 * Membership of a consumer group. A consumer fetches again if a delivery has not arrived within the acknowledgement
 * deadline (Kafka: request.timeout.ms); `max_in_flight` is also the number of events per poll (Kafka: max.poll.records).
 */
export interface ReaderSession {
  /** Interval of its heartbeats, ms (Kafka: heartbeat.interval.ms). */
  heartbeat_ms: number;
  /**
   * Time for the events of one poll, after which the consumer leaves the group, ms (Kafka: max.poll.interval.ms). A rebalance
   * waits as long until the consumer has joined the group again.
   */
  max_poll_ms: number;
  /** Time without a heartbeat after which the bus reassigns its partitions, ms (Kafka: session.timeout.ms). */
  timeout_ms: number;
}

/** What reads returned. */
export interface Reads {
  /** Reads that ended as ok. */
  count: number;
  /**
   * The reads that were issued so long after the newest acknowledgement of an update of their key, and how many of them were
   * fresh, for each interval of the grid.
   */
  fresh: Share[];
  /** The number of such updates, of stale reads. */
  k: QuantileSketch;
  /** Reads that did not reflect an update acknowledged before they were issued. */
  stale: number;
  /** The time between the acknowledgement of the oldest such update and the read, of stale reads, µs. */
  t_us: QuantileSketch;
}

/** A copy and one update that it lacks. */
export interface ReasonReport {
  /** Whether the copy can still become consistent without intervention. */
  can_converge: boolean;
  /** The key. */
  key: string;
  /** What the copy lacks and what may still bring it. */
  sentence: string;
  /** The service's id. */
  service: string;
  /** The records that led to this state, in order. */
  steps: StepReport[];
}

/** Whether the copies come to agree, and the reason for each copy that does not agree yet. */
export interface ReasonsReport {
  /** The time at which the run was examined, ms. */
  at_ms: number;
  /** The reasons for a verdict that no copy explains, a sentence each. */
  because: string[];
  /** One entry for each update that a copy lacks. */
  copies: ReasonReport[];
  /** Why the run was halted before that time; null if it was not. Then the verdict is unknown. */
  halted: string | null;
  /** `converged`, `converging`, `will not converge` or `unknown`. */
  verdict: string;
}

/** A change that the task does not permit. */
export interface Refused {
  /** What was expected there. */
  expected: string;
  /** The path of the field, `<id>.<field>`. */
  path: string;
}

/** Nodes that are close to each other. */
export interface Region {
  /** Unique among the regions. */
  id: string;
  /** Latency to other regions or within this one, in each direction; the scenario's default if absent. */
  latency?: RegionLatency[];
  /** Displayed name; the id if absent. */
  name?: string;
  /** Ids of its nodes; a node is in at most one region. */
  nodes: string[];
}

/** Latency between two regions, in each direction, for links without a latency. */
export interface RegionLatency {
  /** Latency of a message. */
  latency: Latency;
  /** The other region, or the region itself for links within it. */
  to: string;
}

/**
 * The brokers that store a bus's events: a leader accepts and delivers events, and followers fetch them in order. Only
 * committed events are delivered.
 */
export interface Replication {
  /** When an event is committed, and which brokers may become the leader. */
  commit?: CommitRule;
  /** Latency from the leader to a follower. */
  latency?: Latency;
  /** Number of brokers, including the leader (Kafka: replication.factor; RabbitMQ: x-quorum-initial-group-size). */
  replicas: number;
  /**
   * Time after which a broker that is down is noticed, ms: a new leader is elected, or a follower is removed from those
   * in sync (Kafka: broker.session.timeout.ms).
   */
  session_ms?: number;
}

/** Which member of a group a client contacts. */
export type Route = "sticky" | "any" | "nearest" | "primary" | "itself";

/** Options of `run`. */
export interface RunOptions {
  /** The branch of the scenario; by default the one that the page opens. */
  branch?: string | null;
  /** The run is halted after this number of events, so that no call blocks the page for ever. */
  maxEvents?: number;
  /** The seed; by default the scenario's. */
  seed?: number | null;
  /** The end of the run, ms; by default the scenario's. */
  untilMs?: number | null;
}

/** The result of one run. */
export interface RunReport {
  /** Event buses by id, over all subscriptions. */
  buses: { [key: string]: EventCounts };
  /** Clients by id. The user at the page is listed under the id of the service that the user operates. */
  clients: { [key: string]: ClientReport };
  /** Whether the copies come to agree. */
  convergence: ConvergenceReport;
  /** All copies together. */
  copies: CopiesReport;
  /** XXH3-64 of the trace, 16 hexadecimal digits. */
  digest: string;
  /** The time at which the run ended, ms. */
  end_ms: number;
  /** Events that the engine processed: arrivals, timers and commands. */
  events: number;
  /**
   * Why the run was halted before its end, a sentence that names the limit, the nodes and the loop; or null. The verdicts
   * on a halted run are unknown.
   */
  halted: string | null;
  /** The scenario's invariants, in the order of the document. */
  invariants: InvariantReport[];
  /**
   * Acknowledged writes of replica groups that a write unaware of them replaced, or that their group rolled back, deletions whose
   * older value came back, and updates whose last copy was lost with a disk, as a read showed.
   */
  lost_updates: number;
  /** Messages by their fate. */
  messages: MessageCounts;
  /** Promises of the scenario that the run missed, a sentence each. */
  missed: string[];
  /** Records of the trace. */
  records: number;
  /** The seed of the run. */
  seed: number;
  /** Services by id. */
  services: { [key: string]: ServiceReport };
  /** The scenario's title. */
  title: string;
  /** Whether events remain that are due later. */
  unfinished: boolean;
}

/** A system, its traffic and its faults: everything that a run depends on. */
export interface Scenario {
  /** Name of the branch that is open at the start; the first branch if absent. */
  branch?: string;
  /** Alternative runs of the same system, with other settings or further steps. */
  branches?: Branch[];
  /** Event buses, which deliver published events to subscribers. */
  buses?: Bus[];
  /** Clients, which read and write at services or replica groups. */
  clients?: Client[];
  /** Version of the document's format: 1. */
  converge: number;
  /** Latency of links that `links` does not list, in each direction. */
  default_latency?: Latency;
  /** Replica groups: services that hold the same data under one replication protocol. */
  groups?: Group[];
  /**
   * Conditions that must always be true of the data, such as `stock >= 0` or
   * `orders.status == inventory.status when quiescent`.
   */
  invariants?: string[];
  /**
   * Settings of links, by direction. A direction that is not listed has the settings of the opposite direction, or
   * the default latency if neither is listed. Its random numbers and its faults are always separate.
   */
  links?: Link[];
  /** What the scenario shows, as plain text of at most 2,000 characters. */
  note?: string;
  /** What the author expects at the end of the run. `converge run` exits with 1 if a promise is not kept. */
  promises?: Promise[];
  /** Regions: nodes that are close to each other, with the latency to other regions. */
  regions?: Region[];
  /** Commands (writes and faults) at given times. */
  script?: Step[];
  /** Seed of all random numbers of a run. */
  seed?: number;
  /** Services: processes, each with a durable store. */
  services?: Service[];
  /** Exercises: what a learner must make true by changing the scenario. */
  tasks?: Task[];
  /** The title above the canvas; at most 80 characters. */
  title?: string;
  /** Duration of a run in virtual time, ms. */
  until_ms?: number;
}

/** A process with a durable key-value store, a clock, and workers behind a bounded queue. */
export interface Service {
  /** Services that it calls synchronously before a write commits. */
  calls?: Call[];
  /** How its clock deviates from true time. */
  clock?: Clock;
  /** How its write and the writes of the services that it calls commit. */
  commit?: Commit;
  /** Number of workers: how many requests and events are processed at the same time. */
  concurrency?: number;
  /** Contents of the store at the start, each key at version 1. */
  data?: { [key: string]: Value };
  /** Unique among all nodes: letters, digits, `_`, `-`, `.`. */
  id: string;
  /** Displayed name; the id if absent. */
  name?: string;
  /** Position of its card on the canvas, [x, y] of the upper left corner; chosen automatically if absent. */
  position?: [number, number] | null;
  /** Where it publishes an event, asynchronously, for each update that it commits. */
  publishes?: Publication[];
  /** How many requests and events may wait for a worker; further ones are refused. */
  queue?: number;
  /** How long a worker needs for one request. */
  service_time?: Latency;
  /**
   * The store that it uses together with all services that name the same one, such as the workers of a consumer group: they
   * contend for its rows. Its own store if absent. The loss of a service's disk does not concern a shared store.
   */
  store?: string | null;
  /** Topics whose events it applies to its own store. */
  subscribes?: Subscription[];
}

/** The state of a service. */
export interface ServiceReport {
  /** Its copies by key. */
  keys: { [key: string]: CopyReport };
  /** The worst state of its copies: `consistent`, `conflicted`, `diverged`, `stale` or `down`. */
  state: CopyState;
}

/** A session guarantee (Terry 1994), enforced by a version token of each session. */
export type SessionGuarantee = "read_your_writes" | "monotonic_reads" | "monotonic_writes" | "writes_follow_reads";

/** A share at one point of the grid. */
export interface Share {
  /** Number of cases that hold. */
  held: number;
  /** The number of those that will never: their run is quiet, and its copies will not converge. */
  never: number;
  /** Number of cases. */
  of: number;
  /** Number of further cases that were not observed for so long, and did not hold at the end of their run. */
  open: number;
}

/** A command at a given time. */
export interface Step {
  /** When it is executed, ms from the start; after all other events of that instant. */
  at_ms: number;
  /** The command. */
  do: Command;
}

/** A record of the trace that explains the state of a copy. */
export interface StepReport {
  /** The time of the record, ms. */
  at_ms: number;
  /** The number of the record in the trace. */
  record: number;
  /** The sentence of the page's log. */
  text: string;
}

/** A subscription of a service to a topic: how the bus delivers events, and how the service handles them. */
export interface Subscription {
  /** Time after which the bus redelivers an event that is not acknowledged, ms (SQS: visibility timeout). */
  ack_deadline_ms?: number;
  /** When the consumer acknowledges an event. */
  acknowledge?: Acknowledge;
  /**
   * How deliveries reach the consumer. If absent, it follows from the other settings: polling as in SQS if `max_in_flight`
   * is 120,000; a connection as in RabbitMQ if `limit` is `redeliveries`; otherwise a connection without heartbeats.
   */
  attach?: Attachment | null;
  /** Additional wait of the bus before each redelivery, after the deadline or a negative acknowledgement. */
  backoff?: Backoff;
  /**
   * Interval at which acknowledgements are sent together, ms (Kafka: auto.commit.interval.ms); each immediately if
   * absent. A crash loses those that have not been sent.
   */
  commit_every_ms?: number | null;
  /** Whether an event that has reached the delivery limit goes to the dead-letter queue; it is discarded otherwise. */
  dead_letter?: boolean;
  /**
   * Whether the retention of an event starts again when it enters the dead-letter queue (SQS standard queues keep the
   * original time).
   */
  dead_letter_renews_time?: boolean;
  /** How an event changes the store. */
  effect?: Effect;
  /** Probability, 0 to 1, that the handler fails and leaves the store unchanged. */
  fails?: number;
  /** Consumer group: subscriptions to a topic with the same group share its events, each of which goes to one of them. */
  group?: string | null;
  /**
   * A table of handled events, written in the same transaction as their effects, so that a redelivered event has no
   * second effect.
   */
  inbox?: Inbox | null;
  /**
   * What an acknowledgement does that arrives after its delivery has ended; if absent, what the imitated system does:
   * `accept`, or `refuse` for a channel and for polling in order, or `ignore` for polling without order.
   */
  late_acknowledgement?: LateAcknowledgement | null;
  /** What `max_deliveries` counts. */
  limit?: Limit;
  /** Number of deliveries of an event at most, including the first; unlimited if absent. */
  max_deliveries?: number | null;
  /**
   * Number of unacknowledged deliveries at most: of all consumers of a group together (JetStream: MaxAckPending); of each if
   * it has a channel (RabbitMQ); for `log` of each, per partition.
   */
  max_in_flight?: number;
  /** What the consumer does after a failure of its handler; if absent, `wait` for polling and `refuse` otherwise. */
  on_failure?: OnFailure | null;
  /** Order in which events are delivered. */
  order?: Order;
  /** How long the handler takes. */
  processing?: Latency;
  /**
   * For `log`: membership of the consumer group by heartbeats, which ends if they stop or the consumer polls too rarely
   * (Kafka). Consumers of a group have the same settings unless they have others. If absent, a consumer is removed
   * after it was silent for the acknowledgement deadline.
   */
  session?: ReaderSession | null;
  /** Id of the bus. */
  to: string;
  /** The topic; the bus's first if absent. */
  topic?: string | null;
}

/** Options of `sweep`. */
export interface SweepOptions {
  /** The branch of the scenario; by default the one that the page opens. */
  branch?: string | null;
  /**
   * A run is halted after this number of events. After this number of events in all runs, no further run starts; the
   * report's `seeds` are those that were run.
   */
  maxEvents?: number;
  /** The seeds from the first to the second, without the second. */
  seeds: [number, number];
  /** The end of each run, ms; by default the scenario's. */
  untilMs?: number | null;
}

/** What a sweep counted, which can be merged with other sweeps, and the figures that follow from it. */
export interface SweepReport {
  /** Events acknowledged by their consumer. */
  acknowledged: number;
  /** Version of this format: 2. */
  converge_sweep: number;
  /** Runs with at least one acknowledged update whose copies are all consistent at the end. */
  converged: number;
  /** The time from the last acknowledgement to the end of the other runs with an acknowledged update. */
  convergence_unended: Unended;
  /** The time from the last acknowledgement until every copy stays consistent, µs; of converged runs. */
  convergence_us: QuantileSketch;
  /** Events dead-lettered. */
  dead_lettered: number;
  /** Deliveries of each event that was acknowledged, dead-lettered or discarded. */
  deliveries: QuantileSketch;
  /** Events that were discarded, expired, or lost with a bus's disk. */
  discarded: number;
  /** Messages that were dropped. */
  dropped: number;
  /** Handler executions with an effect. */
  effects: number;
  /** Events of the engine. */
  events: number;
  /** Handler executions that did not fail: effects and inbox hits. */
  executions: number;
  /** Shares, means, quantiles and curves computed from the counts. */
  figures: Figures;
  /** Why the halted run with the smallest seed was halted; null if none was. */
  first_halt: FirstHalt | null;
  /** Runs that were halted at a limit, so that their figures are incomplete. */
  halted: number;
  /** Messages sent, by kind. */
  messages: { [key: string]: number };
  /** Updates whose event was never published, because of a crash or because the publisher stopped retrying. */
  never_published: number;
  /** Published events, counted once for each subscription. */
  published: number;
  /** Latency of reads that ended as ok, µs. */
  read_latency_us: QuantileSketch;
  /** Outcomes of reads. */
  read_outcomes: Outcomes;
  /** What reads returned. */
  reads: Reads;
  /**
   * The copies that should receive an update, and how many of them reflected it so long after its acknowledgement, at each
   * point of the grid. Updates acknowledged later than that before the run's end do not count.
   */
  reflected: Share[];
  /** Number of runs. */
  runs: number;
  /** XXH3-64 of the scenario's document with seed 0, 16 hexadecimal digits. Only sweeps of the same scenario merge. */
  scenario: string;
  /** The seeds that were run, as ranges [from, to) in order. */
  seeds: ([number, number])[];
  /**
   * Windows to the last stale read: from an update's acknowledgement until the last read that lacked it was issued, µs.
   * Of updates that were the oldest that a read lacked.
   */
  stale_read_window_us: QuantileSketch;
  /** The scenario's title. */
  title: string;
  /** Updates that were acknowledged. */
  updates: number;
  /**
   * The acknowledged updates, and how many of their inconsistency windows had closed so long after the acknowledgement, at
   * each point of the grid: every copy that should hold them reflected them at a moment, and may have lost them again.
   * Counted as `reflected`.
   */
  visible_everywhere: Share[];
  /** How long these windows had been open. */
  window_unended: Unended;
  /** Inconsistency windows: from an update's acknowledgement until every copy that should hold it reflects it, µs. */
  window_us: QuantileSketch;
  /** Windows that are open at the end of a run. */
  windows_open: number;
  /** Latency of writes that ended as ok, µs. */
  write_latency_us: QuantileSketch;
  /** Outcomes of writes: all operations that change a key. */
  write_outcomes: Outcomes;
}

/**
 * An exercise on the scenario. `converge grade` and the JavaScript module grade an answer: the scenario as the
 * learner changed it.
 */
export interface Task {
  /** Number of attempts that a page grants; without limit if absent. The grader does not count them. */
  attempts?: number | null;
  /**
   * What may be changed: `<id>` of a node with all of its fields, `<id>.<field>` as in the settings of a branch, `links`,
   * `regions`, `script`, `default_latency` or `until_ms`. Names and positions may always be changed.
   */
  change?: string[];
  /** A curve to match, for goals such as `error(fresh) <= 0.05`: pairs of a time of the grid, ms, and a share. */
  curve?: ([number, number])[];
  /** Whether commands may be added to the script. */
  faults?: boolean;
  /** What must become true. */
  goals: Goal[];
  /** What a page that offers the task hides, because it would give the answer away. */
  hide?: ReadOut[];
  /** Hints in the order in which they are revealed. */
  hints?: string[];
  /** Unique id. */
  id: string;
  /** The kinds of nodes that may be added. */
  palette?: TaskNode[];
  /** Whether a page that offers the task permits pasting into the drawing. */
  paste?: boolean;
  /** Number of runs over which the goals are judged, from 200 to 10,000; the seeds are 1, 2, 3 and so on. */
  runs?: number;
  /** What to do, as plain text of at most 2,000 characters. */
  text?: string;
  /** The title; at most 80 characters. */
  title?: string;
}

/** The grade of an answer in one task. */
export interface TaskGrade {
  /** Whether all runs of the task were made. If not, no goal is met. */
  complete: boolean;
  /** XXH3-64 of the digests of all runs in order, 16 hexadecimal digits. Equal digests mean equal runs. */
  digest: string;
  /** Why the halted run with the smallest seed was halted; null if none was. */
  first_halt: FirstHalt | null;
  /** One grade for each goal, in the order of the task. */
  goals: GoalGrade[];
  /** Runs that were halted at a limit. If there are any, what the runs show is unknown, and no goal is met. */
  halted: number;
  /** What the answer changed without permission. If there is anything, no run is made and no goal is met. */
  not_permitted: Refused[];
  /** The points of all goals. */
  of: number;
  /** Whether every goal is met and nothing else was changed. */
  passed: boolean;
  /** The points of the goals that are met. */
  points: number;
  /** The number of runs; their seeds are 1, 2, 3 and so on. */
  runs: number;
  /** The id of the task. */
  task: string;
}

/** A kind of node that a task permits to add. */
export type TaskNode = "service" | "bus" | "client" | "group";

/** A topic of a bus. */
export interface Topic {
  /** Deduplication: an event that is published again within this time is acknowledged but not queued again, ms. */
  dedup_ms?: number | null;
  /** Unique name in the bus. */
  name: string;
  /** Number of partitions; the hash of an event's key selects one. */
  partitions?: number;
  /** How long an event is kept at most, ms; forever if absent. */
  retention_ms?: number | null;
}

/** Two-phase commit (Gray 1978). Prepared keys are locked until the coordinator's decision arrives. */
export interface TwoPhase {
  /** Time after which the coordinator aborts without all votes, ms; also the interval at which it resends a decision. */
  timeout_ms?: number;
}

/** Durations that had not ended at the end of their runs. */
export interface Unended {
  /** The number of those that never end: their run is quiet, and its copies will not converge. */
  never: number;
  /** The durations so far of those that may still end, µs. */
  so_far_us: QuantileSketch;
}

/** Whether a scenario is valid, and if not, all that is wrong with it. */
export interface ValidationReport {
  /** All errors, in the order in which they were found. */
  errors: InputError[];
  /** Whether there are no errors. */
  valid: boolean;
  /** The warnings of parts that are valid and have no effect, or no end. */
  warnings: InputError[];
}

/** The value of a key: a whole number, a text, or a set, list or map of those. */
export type Value = number | string | (number | string)[] | {
  list: (number | string)[];
} | {
  map: { [key: string]: number | string };
};

/** The verdict on one guarantee. */
export type VerdictReport = {
  /** The guarantee's name. */
  guarantee: string;
  verdict: "holds";
} | {
  /** The guarantee's name. */
  guarantee: string;
  /** A minimal set of operations that proves the violation. */
  operations: OperationReport[];
  /** Why the operations prove the violation. */
  sentence: string;
  verdict: "violated";
} | {
  /** The guarantee's name. */
  guarantee: string;
  verdict: "unknown";
  /** Why. */
  why: string;
};

/**
 * The clock that orders writes of a register. Of writes with the same reading of wall clocks, a deletion wins, then the
 * larger value; other ties go to the later node of the document.
 */
export type VersionClock = "wall" | "lamport" | "hybrid";

/** A component of [`Latency::Mixture`]. */
export interface Weighted {
  /** Distribution of the component. */
  of: Latency;
  /** Weight relative to the other components; more than 0. */
  weight: number;
}

/** Options of `why`. */
export interface WhyOptions {
  /** The time to examine, ms; by default the scenario's end. */
  atMs?: number | null;
  /** The branch of the scenario; by default the one that the page opens. */
  branch?: string | null;
  /** A key; by default all are explained. */
  key?: string | null;
  /** The run is halted after this number of events. */
  maxEvents?: number;
  /** The seed; by default the scenario's. */
  seed?: number | null;
  /** The id of a service; by default all are explained. */
  service?: string | null;
}

/** Randomly generated operations: when they are issued, on which keys, and the share of reads. */
export interface Workload {
  /** When each session issues its operations. */
  arrivals: Arrivals;
  /** Start, ms. */
  from_ms?: number;
  /** The key of each operation. */
  keys: Keys;
  /**
   * Makes each write optimistic: read the key, then compare-and-set it to the next number. If another write came in
   * between, it is retried after this backoff; `none` retries immediately.
   */
  optimistic?: Backoff | null;
  /** Share of reads, 0 to 1; the rest are writes of distinct whole numbers. */
  read_share?: number;
  /** End, ms; the end of the run if absent. */
  until_ms?: number | null;
}
