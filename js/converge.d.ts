// The engine of Converge as an ES module. The types below are generated from the Rust types (js/tests/types.rs).
//
//   import init, { run } from "./engine/converge.js";
//   await init();
//   console.log(run("ex=first-update", { seed: 7 }).digest);
//
// Numbers are JavaScript numbers and exact; a result that no number represents exactly throws. Digests are strings of 16
// hexadecimal digits. In scenarios and options, undefined counts as null.

/** A scenario: a plain object, its JSON text, a link, or `ex=ID` for an example. */
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
 * Loads the wasm file, which is next to this module. Call it once and wait for it before any other function.
 * `module_or_path` gives another address, the bytes or the compiled module.
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

/** Checks which guarantees a history keeps: an array of Jepsen's operations, or its text as JSON Lines, JSON or EDN. */
export function check(history: string | object[], options?: CheckOptions): CheckReport;

/** Encodes a scenario as a link, which begins with `1r.`. */
export function linkEncode(scenario: ScenarioInput): string;

/** Decodes a link, or an address that ends in a link. */
export function linkDecode(link: string): Scenario;

/** Returns the examples that the page lists. */
export function examples(): ExampleReport[];

/** When the consumer acknowledges a delivery. */
export type Acknowledge = "never" | "before_processing" | "after_processing";

/** What a publisher asks of a replicated bus before it counts an event as published (Kafka: acks). */
export type Acks = "none" | "leader" | "all";

/** Anti-entropy by Merkle trees: a replica and a random other compare hashes from the root down. */
export interface AntiEntropy {
  /** Depth of the tree: 2^depth leaves share the keys. */
  depth?: number;
  /** How often each replica begins, ms. */
  every_ms?: number;
}

/** When a session issues generated operations. */
export type Arrivals = {
  poisson: {
    /** Mean rate, operations a second. */
    per_second: number;
  };
} | {
  periodic: {
    /** Distance, ms. */
    every_ms: number;
  };
} | {
  after: {
    /** The other client. */
    client: string;
    /** How long after, ms. */
    ms: number;
  };
} | {
  closed: {
    /** Think time. */
    think: Latency;
  };
};

/** How long the bus waits before a further delivery. */
export type Backoff = "none" | {
  fixed: {
    /** The wait, ms. */
    ms: number;
  };
} | {
  exponential: {
    /** The first wait, ms. */
    base_ms: number;
    /** The longest wait, ms. */
    cap_ms: number;
  };
} | {
  equal_jitter: {
    /** The first wait, ms. */
    base_ms: number;
    /** The longest wait, ms. */
    cap_ms: number;
  };
} | {
  full_jitter: {
    /** The first wait, ms. */
    base_ms: number;
    /** The longest wait, ms. */
    cap_ms: number;
  };
} | {
  decorrelated_jitter: {
    /** The least wait, ms. */
    base_ms: number;
    /** The longest wait, ms. */
    cap_ms: number;
  };
};

/** A branch: what the scenario is besides what the document says. */
export interface Branch {
  /** What people call it: unique, at most 80 characters. */
  name: string;
  /** Steps behind those of the document's script. */
  script?: Step[];
  /**
   * Fields of nodes and groups that are different: `<id>.<field>`, as `&set.` in a link, with its value as JSON or as
   * plain text.
   */
  set?: { [key: string]: string };
}

/** A broker: it keeps events by topic and delivers them to each subscription. */
export interface Bus {
  /** Whether the publisher is told only when its event is safe; else at once. */
  acknowledges_flushed?: boolean;
  /**
   * How long an event that was taken in is not yet safe on disk or at a replica, ms: an outage with loss of what is
   * not flushed takes it.
   */
  flush_ms?: number;
  /** Unique among all nodes: letters, digits, `_`, `-`, `.`. */
  id: string;
  /** What people see; the id where it is absent. */
  name?: string;
  /** Where its card stands on the canvas, [x, y] of the upper left corner; laid out where absent. */
  position?: [number, number] | null;
  /** The brokers that keep its events; where absent it is one, which is there or is not. */
  replication?: Replication | null;
  /** Its topics; one with the bus's id and one partition where the list is empty. */
  topics?: Topic[];
}

/** A blocking call to another service, made before a write commits. */
export interface Call {
  /** What it writes, of a key of its own; where absent it takes in what its caller writes. */
  do?: Operation | null;
  /**
   * After how long without an answer the caller gives up, ms; of two-phase commit also how often the decision is told
   * again, and asked for.
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
  /** For bounded staleness: the most acknowledged changes that a read may lack. */
  k?: number | null;
  /** Whether values are `[key, value]`; by default inferred. */
  keyed?: boolean;
  /** What a key holds; by default inferred from the operations. */
  model?: DataModel | null;
  /** For bounded staleness: the longest time for which a read may lack a change, ms. */
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

/** One or more sessions that issue operations, scripted, generated or both. */
export interface Client {
  /**
   * How often an operation is asked in all, each time for that long; of a group another member each time. It may take
   * effect as often.
   */
  attempts?: number;
  /** Operations made by chance. */
  generate?: Workload | null;
  /** What its sessions are promised, by a version token: a read that does not reflect it is asked again elsewhere. */
  guarantees?: SessionGuarantee[];
  /** Unique among all nodes: letters, digits, `_`, `-`, `.`. */
  id: string;
  /** What people see; the id where it is absent. */
  name?: string;
  /** Where its card stands on the canvas, [x, y] of the upper left corner; laid out where absent. */
  position?: [number, number] | null;
  /** The member that it reads at, where that is found in another way. */
  read_route?: Route | null;
  /** The service that it reads from, where that is another than the target. */
  reads_from?: string | null;
  /** Of a group, the member that it asks. */
  route?: Route;
  /** Operations at given times. */
  script?: ClientStep[];
  /** How many sessions issue operations independently. */
  sessions?: number;
  /** The service or replica group that it sends its operations to. */
  target: string;
  /** After how long an unanswered operation ends as unknown, ms. */
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
  /** What is asked. */
  do: Operation;
}

/** How a node's clock differs from true time: reading = true time × (1 + drift) + offset. */
export interface Clock {
  /** Drift, parts in a million; may be negative. */
  drift_ppm?: number;
  /** Offset, ms; may be negative. */
  offset_ms?: number;
  /** A further offset, drawn for each run from a normal distribution with mean 0 and this standard deviation, ms. */
  offset_sd_ms?: number;
}

/** What a person does to a running system, by script or live; both are the same. */
export type Command = {
  operate: {
    /** What is asked. */
    operation: Operation;
    /** The update's event is a poison message: no handler can ever handle it. */
    poison?: boolean;
    /** The service. */
    service: string;
  };
} | {
  cut_link: {
    /** The node that sends. */
    from: string;
    /** This direction alone; else both. */
    one_way?: boolean;
    /** The node that receives. */
    to: string;
  };
} | {
  disturb_link: {
    /** How much longer each message is under way. */
    delay?: Latency | null;
    /** The chance, 0 to 1, that a message is delivered twice. */
    duplicate?: number;
    /** The node that sends. */
    from: string;
    /** The chance, 0 to 1, that a message is lost. */
    loss?: number;
    /** This direction alone; else both. */
    one_way?: boolean;
    /**
     * The chance, 0 to 1, that a message is overtaken: it is under way for a second latency more, and no order
     * is kept for it.
     */
    reorder?: number;
    /** The node that receives. */
    to: string;
  };
} | {
  partition: {
    /** The groups, each a list of nodes. */
    groups: string[][];
  };
} | {
  heal_link: {
    /** The node that sends. */
    from: string;
    /** This direction alone; else both. */
    one_way?: boolean;
    /** The node that receives. */
    to: string;
  };
} | {
  crash: {
    /** The store is gone too. */
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
    /** How many times as long; 1 is as configured. */
    factor: number;
    /** The service. */
    service: string;
  };
} | {
  set_clock: {
    /** Drift, parts in a million; may be negative. */
    drift_ppm?: number;
    /** Offset, ms; may be negative. */
    offset_ms?: number;
    /** The service. */
    service: string;
  };
} | {
  jump_clock: {
    /** How far, ms; may be negative. */
    by_ms: number;
    /** The service. */
    service: string;
  };
} | {
  stop_bus: {
    /** The bus. */
    bus: string;
    /** What it had not flushed is gone. */
    lose_unflushed?: boolean;
  };
} | {
  start_bus: {
    /** The bus. */
    bus: string;
  };
} | {
  stop_broker: {
    /** Which, from 1; the one that leads where absent. */
    broker?: number | null;
    /** The bus. */
    bus: string;
    /** What it keeps is gone. */
    lose_disk?: boolean;
  };
} | {
  start_broker: {
    /** Which, from 1; all that are stopped where absent. */
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
    /** The service whose events they are. */
    service: string;
  };
} | {
  purge: {
    /** The bus. */
    bus: string;
    /** The service whose events they are. */
    service: string;
  };
} | "heal_all";

/** How the write of a service and those of the services that it calls commit. */
export type Commit = "one_by_one" | "two_phase";

/** When an event of a replicated bus is committed. */
export type CommitRule = {
  in_sync: InSync;
} | "majority";

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
  /** Acknowledged updates that it lacks. */
  behind: number;
  /** The clock reading of the write, ms, where a clock orders the register. */
  clock_ms: number | null;
  /** All values that a read returns, where there are several. */
  siblings: Value[];
  /** Since when it has been stale, ms. */
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
  /** The share. */
  p: number | null;
  /** Its standard error. */
  standard_error: number | null;
  /** The time, ms. */
  t_ms: number;
}

/** What a key of a group holds, and how two versions of it become one. */
export type Data = {
  register: {
    /** Which clock says what is newest. */
    clock?: VersionClock;
  };
} | "multi_value" | {
  merged: {
    /** The rule. */
    by: Merge;
  };
} | "counter" | "set" | "remove_wins_set" | "map" | "sequence";

/** What a key holds. */
export type DataModel = "register" | "cas-register" | "counter" | "set" | "append";

/** What handling an event does to the consumer's store. */
export type Effect = "set_if_newer" | "overwrite" | "last_writer_wins" | "increment";

/** What became of the events of a bus, over all subscriptions. */
export interface EventCounts {
  /** Done: acknowledged, or sent where no acknowledgement is wanted. */
  acknowledged: number;
  /** In dead-letter queues. */
  dead_lettered: number;
  /** Given up, purged, or lost before they were flushed. */
  discarded: number;
  /** Kept as long as their topic keeps events. */
  expired: number;
  /** Delivered and not acknowledged yet. */
  in_flight: number;
  /** Events times the subscriptions (or groups of them) that each was for. */
  published: number;
  /** Waiting to be delivered, for the first time or again. */
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

/** Figures computed from the counts of a sweep. A figure is null where nothing was counted. */
export interface Figures {
  /** Time from the last acknowledgement until all copies were consistent, ms. */
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
  /** The share of copies that reflect an update by time since its acknowledgement. */
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
  /** Inconsistency windows, ms. */
  window_ms: Quantiles;
  /** Latency of successful writes, ms. */
  write_latency_ms: Quantiles;
}

/** Gossip (Demers 1987). */
export interface Gossip {
  /** Time between two rounds of a member. A constant makes all go at once; exponential gives each a Poisson clock. */
  every?: Latency;
  /** How many others a member contacts in a round. */
  fan_out?: number;
  /** Who tells whom. */
  style?: GossipStyle;
}

/** Who tells whom. */
export type GossipStyle = "push" | "pull" | "push_pull" | {
  rumor: {
    /** How many, k. */
    lose_interest_after: number;
  };
};

/**
 * Services that hold the same data under one replication protocol. Its keys are its own: a key of the same name
 * elsewhere is another key.
 */
export interface Group {
  /** What a key holds, and how two versions of it become one. */
  data?: Data;
  /** Unique among all nodes: letters, digits, `_`, `-`, `.`. */
  id: string;
  /**
   * Services, each in one group at most; a member calls no other service. Members of a group of registers may publish and
   * subscribe.
   */
  members: string[];
  /** What people see; the id where it is absent. */
  name?: string;
  /** How its members agree. */
  protocol?: Protocol;
}

/** Hinted handoff. */
export interface Hints {
  /** How often hints are tried again, ms. */
  every_ms?: number;
  /** How long a hint is kept, ms. */
  window_ms?: number;
}

/** Who is in sync, and what that is good for. */
export interface InSync {
  /** A follower that lacks something for so long is in sync no more, ms (Kafka: replica.lag.time.max.ms). */
  lag_ms?: number;
  /** With fewer in sync, the leader included, a publication that waits for all is refused (Kafka: min.insync.replicas). */
  min_insync?: number;
  /**
   * Where none that is in sync is up, another leads with what it has (Kafka: unclean.leader.election.enable); else the bus
   * waits.
   */
  unclean_election?: boolean;
}

/** A table of handled events, by consumer and event. */
export interface Inbox {
  /** How long a row is kept, ms; for ever where absent. */
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

/** Which key a generated operation is about. */
export type Keys = {
  one: {
    /** The key. */
    key: string;
  };
} | {
  uniform: {
    /** How many keys, N. */
    count: number;
    /** What the number is put behind. */
    prefix: string;
  };
} | {
  zipf: {
    /** How many keys, N. */
    count: number;
    /** How uneven; 0 is uniform, 1 is Zipf's law. */
    exponent: number;
    /** What the number is put behind. */
    prefix: string;
  };
};

/** A distribution of durations, in milliseconds. How it is drawn: `engine::chance`. */
export type Latency = {
  constant: {
    /** The duration, ms. */
    ms: number;
  };
} | {
  uniform: {
    /** Greatest, ms. */
    high_ms: number;
    /** Least, ms. */
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
    /** Scale (the least value, xm), ms. */
    scale_ms: number;
    /** Shape (alpha); the smaller, the heavier the tail. */
    shape: number;
  };
} | {
  mixture: {
    /** The components. */
    parts: Weighted[];
  };
} | {
  samples: {
    /** The measurements, ms, in any order. */
    ms: number[];
  };
};

/** What the limit of deliveries counts. */
export type Limit = "deliveries" | "redeliveries";

/** Settings of one direction of a link. */
export interface Link {
  /** The chance, 0 to 1, that a message is delivered twice, the second time with a delay of its own. */
  duplicate?: number;
  /** Whether messages arrive in the order in which they were sent. */
  fifo?: boolean;
  /** The node that sends. */
  from: string;
  /** How long a message is under way; the scenario's default latency where absent. */
  latency?: Latency | null;
  /** The chance, 0 to 1, that a message is lost. */
  loss?: number;
  /** The node that receives. */
  to: string;
}

/**
 * How the siblings of a key become one value. It is a rule about the whole lot, so all who see the same siblings read the
 * same. (The newest write of all is what a register returns.)
 */
export type Merge = "union" | "intersection" | "max" | "min";

/** How many messages there were, and what became of them. */
export interface MessageCounts {
  /** Arrived. */
  delivered: number;
  /** Lost because the link was disturbed on arrival. */
  dropped_disturbance: number;
  /** Lost because the link was cut on arrival. */
  dropped_link_cut: number;
  /** Lost by a link's loss probability. */
  dropped_loss: number;
  /** Lost because the receiver was down on arrival. */
  dropped_receiver_down: number;
  /** Second copies made by links. */
  duplicated: number;
  /** Under way. */
  in_flight: number;
  /** Sent by nodes. */
  sent: number;
}

/** What a client asks of a service, always about one key. */
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
    /** How many elements come before it where it is asked; behind the last where absent, or where there are fewer. */
    at?: number | null;
    /** The element: a whole number or a text. */
    element: Value;
    /** The key. */
    key: string;
  };
} | {
  remove_at: {
    /** How many elements come before it where it is asked; there must be one. */
    at: number;
    /** The key. */
    key: string;
  };
} | {
  increment: {
    /** How much; may be negative. */
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
    /** What it must hold; `null` for an absent key. */
    expect?: Value | null;
    /** The key. */
    key: string;
    /** Its new value. */
    value: Value;
  };
};

/** An operation of the history. */
export interface OperationReport {
  /** Its function, as in Jepsen: `read`, `write`, `cas`, `increment`, `add`, `remove` or `append`. */
  f: string;
  /** Its index in the history. */
  index: number;
  /** Its key, unless the history has only one key without a name. */
  key?: string | null;
  /** Its process: a number, or a name. */
  process: unknown;
  /** `ok`, `fail` or `info`. */
  type: "ok" | "fail" | "info";
  /** Its argument, or what a read returned. */
  value: unknown;
}

/** In which order a subscription's events reach its consumer. */
export type Order = "none" | "fifo_per_key" | "log";

/** How operations of one kind ended. */
export interface Outcomes {
  /** As fail. */
  fail: number;
  /** As ok. */
  ok: number;
  /** Not ended when the run did. */
  pending: number;
  /** As unknown: timed out. */
  unknown: number;
}

/** One member takes all writes, the first at the start. */
export interface Primary {
  /**
   * How many followers must have a write before it is acknowledged: 0 is asynchronous replication, some is
   * semi-synchronous, all synchronous.
   */
  acknowledgements?: number;
  /** A follower takes over when it has not heard of the primary for so long, ms; none does where absent. */
  failover_ms?: number | null;
  /** How often the primary lets its followers hear of it, and sends again what they lack, ms. */
  heartbeat_ms?: number;
}

/** What the author promises of the run's end. */
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
    /** How many, exactly. */
    count: number;
  };
};

/** How the members of a group agree. */
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

/** Where and how a service publishes its updates. */
export interface Publication {
  /** What the bus must have done before it acknowledges; of a bus without `replication` it is the same but for `none`. */
  acks?: Acks;
  /**
   * What lies between the commit and the publishing (or, before the commit, the other way round), ms: a crash in
   * between does the one and not the other. An outbox and a log have no such gap.
   */
  gap_ms?: number;
  /** When the event is published: beside the commit (a dual write), or from what the commit wrote. */
  mode?: PublishMode;
  /**
   * Publish again where the bus does not acknowledge; never where absent. A relay of an outbox or a log always does:
   * after one second where this is absent, and without end.
   */
  retry?: PublishRetry | null;
  /** The bus. */
  to: string;
  /** The topic; the bus's first where absent. */
  topic?: string | null;
}

/** When an update's event is published. */
export type PublishMode = "after_commit" | "before_commit" | {
  outbox: {
    /** How many rows it takes each time. */
    batch: number;
    /** How often the relay looks, ms. */
    poll_ms: number;
  };
} | {
  change_data_capture: {
    /** How many entries it takes each time. */
    batch: number;
    /** How often the relay looks, ms. */
    poll_ms: number;
  };
};

/** How often, and after how long without the bus's acknowledgement, an event is published again. */
export interface PublishRetry {
  /** How many times the event is sent at most, the first included. */
  attempts: number;
  /** How long to wait for the acknowledgement, ms. */
  timeout_ms: number;
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
  /** Replicas compare their keys by Merkle trees, and exchange what differs. */
  anti_entropy?: AntiEntropy | null;
  /** Writes that a replica missed are kept as hints, and sent to it when it is back. */
  hints?: Hints | null;
  /** How many responses answer a read, R. */
  read?: number;
  /** What is done about replicas that a read finds behind. */
  read_repair?: ReadRepair;
  /** How many members hold a key, N: the first so many from a place given by the key's hash; all where absent. */
  replicas?: number | null;
  /**
   * Whether the next healthy members stand in for replicas that do not answer, and count (sloppy quorum). What they
   * keep are hints, with the usual settings where none are given.
   */
  sloppy?: boolean;
  /** After how long a replica that has not answered counts as unreachable, ms. */
  timeout_ms?: number;
  /** How long the mark of a deletion is kept, ms; for ever where absent. */
  tombstone_grace_ms?: number | null;
  /** How many acknowledgements commit a write, W. */
  write?: number;
  /**
   * A read writes what it returns to W replicas before it ends, and a write asks R replicas for the newest version first
   * (ABD 1995; with R + W > N a register is linearizable).
   */
  write_back?: boolean;
}

/** Raft (Ongaro and Ousterhout 2014). */
export interface Raft {
  /** A follower stands for election when it has not heard of a leader for a time drawn from here to twice that, ms. */
  election_ms?: number;
  /** How often the leader lets its followers hear of it, ms. */
  heartbeat_ms?: number;
  /** How reads are served. */
  reads?: RaftReads;
}

/** How reads of a Raft group are served. */
export type RaftReads = "read_index" | "local";

/** What is done about replicas that a read finds behind. */
export type ReadRepair = "none" | "async" | "blocking";

/**
 * How a log's reader keeps its place in its group. Where a delivery has not reached it within the acknowledgement's
 * deadline, it fetches again (Kafka: request.timeout.ms); `max_in_flight` is also how many events one poll returns
 * (Kafka: max.poll.records).
 */
export interface ReaderSession {
  /** How often it tells the bus that it is there, ms (Kafka: heartbeat.interval.ms). */
  heartbeat_ms: number;
  /** How long what one poll returned may take; then the reader leaves its group, ms (Kafka: max.poll.interval.ms). */
  max_poll_ms: number;
  /** Without a heartbeat for so long, the bus takes its partitions away, ms (Kafka: session.timeout.ms). */
  timeout_ms: number;
}

/** What reads returned. */
export interface Reads {
  /** Reads that ended as ok. */
  count: number;
  /**
   * For each point of the grid up to the next: reads issued so long after the newest acknowledgement that concerns
   * them, and how many of these were fresh.
   */
  fresh: Share[];
  /** Of stale reads: how many such updates. */
  k: Sketch;
  /** Those that did not reflect an update acknowledged before they were issued. */
  stale: number;
  /** Of stale reads: how long before the read the oldest of those was acknowledged, µs. */
  t_us: Sketch;
}

/** Nodes that are near each other. */
export interface Region {
  /** Unique among the regions. */
  id: string;
  /** Latency to other regions, or within this one, each way; the scenario's default where none is given. */
  latency?: RegionLatency[];
  /** What people see; the id where it is absent. */
  name?: string;
  /** Its nodes, each in one region at most. */
  nodes: string[];
}

/** Latency from one region to another and back, for links that have none of their own. */
export interface RegionLatency {
  /** How long a message is under way. */
  latency: Latency;
  /** The other region; the region itself for links within it. */
  to: string;
}

/**
 * The brokers that keep a bus's events: a leader, which takes them in and delivers them, and followers, which fetch them
 * from it in order. Only what is committed is delivered.
 */
export interface Replication {
  /** When an event is committed, and who may lead. */
  commit?: CommitRule;
  /** How long an event is under way from the leader to a follower. */
  latency?: Latency;
  /** How many brokers, the leader included (Kafka: replication.factor; RabbitMQ: x-quorum-initial-group-size). */
  replicas: number;
  /**
   * How long a broker is down before it is missed, ms: another leads instead, or it is in sync no more (Kafka:
   * broker.session.timeout.ms).
   */
  session_ms?: number;
}

/** Which member of a group a client asks. */
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
  /** Why the run stopped before its end, or null. */
  halted: string | null;
  /** The scenario's invariants, in the order of the document. */
  invariants: InvariantReport[];
  /** Acknowledged writes of replica groups that were overwritten by writes that had not seen them. */
  lost_updates: number;
  /** Messages by what became of them. */
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

/** A system, its traffic and its faults: all that a run depends on. */
export interface Scenario {
  /** The name of the branch that opens; the first where absent. */
  branch?: string;
  /** Ways that the run could go; none where the document itself is the only one. */
  branches?: Branch[];
  /** Event buses. */
  buses?: Bus[];
  /** Clients. */
  clients?: Client[];
  /** Version of the document's format: 1. */
  converge: number;
  /** Latency of links that the document does not list, each way. */
  default_latency?: Latency;
  /** Services that hold the same data under one replication protocol. */
  groups?: Group[];
  /**
   * What must be true of the data whatever happens, as in `stock >= 0` or
   * `orders.status == inventory.status when quiescent`; the README says how they are written.
   */
  invariants?: string[];
  /**
   * Settings of links, by direction. A direction that is not listed takes the settings of the
   * opposite one, and the default latency where neither is; its chance and its faults are its own.
   */
  links?: Link[];
  /** What the scenario shows; at most 2,000 characters of plain text. */
  note?: string;
  /** What the author promises of the run's end; `converge run` exits 1 where one is missed. */
  promises?: Promise[];
  /** Nodes that are near each other, and how far they are from others. */
  regions?: Region[];
  /** Writes and faults at given times. */
  script?: Step[];
  /** Where all chance comes from. */
  seed?: number;
  /** Processes with a durable store each. */
  services?: Service[];
  /** What people see above the canvas; at most 80 characters. */
  title?: string;
  /** How long the run lasts, ms of virtual time. */
  until_ms?: number;
}

/** A process with a durable store of keyed data, a clock, and a bounded queue before its workers. */
export interface Service {
  /** Services that it calls before a write commits: the blocking `before`. */
  calls?: Call[];
  /** How its clock differs from true time. */
  clock?: Clock;
  /** How its write and those of the services that it calls commit. */
  commit?: Commit;
  /** How many requests and events are worked on at once. */
  concurrency?: number;
  /** What the store holds at the start, each key at version 1. */
  data?: { [key: string]: Value };
  /** Unique among all nodes: letters, digits, `_`, `-`, `.`. */
  id: string;
  /** What people see; the id where it is absent. */
  name?: string;
  /** Where its card stands on the canvas, [x, y] of the upper left corner; laid out where absent. */
  position?: [number, number] | null;
  /** Where it publishes an event for each update that it commits: the asynchronous `after`. */
  publishes?: Publication[];
  /** How many more may wait; those beyond are refused. */
  queue?: number;
  /** How long a worker is busy with one request. */
  service_time?: Latency;
  /** Whose events it takes into its own store. */
  subscribes?: Subscription[];
}

/** The state of a service. */
export interface ServiceReport {
  /** Its copies by key. */
  keys: { [key: string]: CopyReport };
  /** The worst state of its copies: `consistent`, `conflicted`, `diverged`, `stale` or `down`. */
  state: CopyState;
}

/** What a client's sessions are promised (Terry 1994), enforced by a version token that each session carries. */
export type SessionGuarantee = "read_your_writes" | "monotonic_reads" | "monotonic_writes" | "writes_follow_reads";

/** At one point of the grid: how many there were, and how many of them held. */
export interface Share {
  /** How many of them. */
  held: number;
  /** How many. */
  of: number;
}

/** How values, whole numbers such as microseconds, are spread. */
export interface Sketch {
  /** How many lie in each bucket: the i-th holds values v with γ^(i−1) < v ≤ γ^i, γ = (1 + error)/(1 − error). */
  buckets: { [key: string]: never };
  /** How many. */
  count: number;
  /** Their sum. */
  sum: number;
  /** How many are 0. */
  zeros: number;
}

/** A command at a given time. */
export interface Step {
  /** When, ms from the start; after everything else of that instant. */
  at_ms: number;
  /** What. */
  do: Command;
}

/** Whose events a service takes in, how the bus delivers them, and what handling one does. */
export interface Subscription {
  /** After how long without acknowledgement the bus delivers again, ms (SQS: visibility timeout). */
  ack_deadline_ms?: number;
  /** When the consumer tells the bus that it has the event. */
  acknowledge?: Acknowledge;
  /** How long the bus waits before each further delivery, beyond the deadline or the refusal. */
  backoff?: Backoff;
  /**
   * How often acknowledgements go out, all that came up together, ms (Kafka: auto.commit.interval); each at once
   * where absent. A crash takes those that have not gone out.
   */
  commit_every_ms?: number | null;
  /** Whether an event that used up its deliveries goes to the dead-letter queue; else it is discarded. */
  dead_letter?: boolean;
  /**
   * Whether an event in the dead-letter queue counts its retention from there, rather than from when it was first
   * queued (SQS standard keeps the original time).
   */
  dead_letter_renews_time?: boolean;
  /** What handling an event does to the store. */
  effect?: Effect;
  /** The chance, 0 to 1, that handling fails and leaves the store as it was. */
  fails?: number;
  /** Subscriptions of one topic with the same group share its events: each goes to one of them. */
  group?: string | null;
  /**
   * A table of the events that were handled, written in the same transaction as their effect: an event that comes
   * again within the window has no effect again.
   */
  inbox?: Inbox | null;
  /** What `max_deliveries` counts. */
  limit?: Limit;
  /** How many times an event is delivered at most, the first included; without end where absent. */
  max_deliveries?: number | null;
  /** How many deliveries may be unacknowledged at once; for a log those of one partition. */
  max_in_flight?: number;
  /** In which order events reach the consumer. */
  order?: Order;
  /** How long handling takes. */
  processing?: Latency;
  /**
   * A log's reader keeps its place in its group by heartbeats, and loses it where they stop or it polls too rarely
   * (Kafka); whoever shares the group has the same unless it says otherwise. Where absent, a reader is given up when
   * it has been silent for the acknowledgement's deadline. Without meaning for other orders.
   */
  session?: ReaderSession | null;
  /** The bus. */
  to: string;
  /** The topic; the bus's first where absent. */
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
  /** Version of this format: 1. */
  converge_sweep: number;
  /** Runs whose copies were all consistent at the end, and at least one update acknowledged. */
  converged: number;
  /** From the last acknowledgement until every copy was consistent for good, µs; of runs that converged. */
  convergence_us: Sketch;
  /** Events dead-lettered. */
  dead_lettered: number;
  /** Deliveries of each event that is done, dead-lettered or given up. */
  deliveries: Sketch;
  /** Events given up, expired, or lost with a bus's disk. */
  discarded: number;
  /** Messages that did not arrive. */
  dropped: number;
  /** Times that a handler had its effect. */
  effects: number;
  /** Events of the engine. */
  events: number;
  /** Times that a handler came to its end without failing: effects and inbox hits. */
  executions: number;
  /** Shares, means, quantiles and curves computed from the counts. */
  figures: Figures;
  /** Those that used up their budget of events or messages. */
  halted: number;
  /** Messages sent, by kind. */
  messages: { [key: string]: number };
  /** Updates whose event was never published, a crash having come first, or the publisher having given up. */
  never_published: number;
  /** Events times the subscriptions that they were for. */
  published: number;
  /** Latency of reads that ended as ok, µs. */
  read_latency_us: Sketch;
  /** Reads and writes; a write is whatever changes a key. */
  read_outcomes: Outcomes;
  /** What reads returned. */
  reads: Reads;
  /**
   * At each point of the grid: copies that should get an update, and how many of them reflected it so long after its
   * acknowledgement. Only updates acknowledged that long before the run's end count.
   */
  reflected: Share[];
  /** How many runs. */
  runs: number;
  /** XXH3-64 of the scenario's document with seed 0, 16 hexadecimal digits: only sweeps of one scenario merge. */
  scenario: string;
  /** The seeds that were run, as ranges [from, to) in order. */
  seeds: ([number, number])[];
  /** Updates that were acknowledged. */
  updates: number;
  /** From an update's acknowledgement until every copy that should hold it reflects it, µs. */
  window_us: Sketch;
  /** Windows still open at the run's end. */
  windows_open: number;
  /** Latency of writes that ended as ok, µs. */
  write_latency_us: Sketch;
  /** See `read_outcomes`. */
  write_outcomes: Outcomes;
}

/** A topic of a bus. */
export interface Topic {
  /** An event that was published before within this time is acknowledged and not queued again, ms. */
  dedup_ms?: number | null;
  /** Unique in its bus. */
  name: string;
  /** How many partitions; an event goes to the one that its key's hash names. */
  partitions?: number;
  /** How long an event is kept at most, ms; without end where absent. */
  retention_ms?: number | null;
}

/** Two-phase commit (Gray 1978). What was promised stays locked until the coordinator's decision comes. */
export interface TwoPhase {
  /** After how long without all promises the coordinator aborts, ms; it sends a decision again as often. */
  timeout_ms?: number;
}

/** Whether a scenario is valid, and if not, all that is wrong with it. */
export interface ValidationReport {
  /** All errors, in the order in which they were found. */
  errors: InputError[];
  /** Whether there are no errors. */
  valid: boolean;
}

/** What a key holds: a whole number, a text, or a set, list or map of those. */
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

/** What orders the writes of a register. Ties go to the later node of the document. */
export type VersionClock = "wall" | "lamport" | "hybrid";

/** A component of [`Latency::Mixture`]. */
export interface Weighted {
  /** The component. */
  of: Latency;
  /** Relative weight, above 0. */
  weight: number;
}

/** Operations made by chance: when, on which keys, and how many of them are reads. */
export interface Workload {
  /** When each session issues its operations. */
  arrivals: Arrivals;
  /** When it begins, ms. */
  from_ms?: number;
  /** Which key each is about. */
  keys: Keys;
  /**
   * Each write is optimistic: the key is read, and compared and set to the next number; where another write came
   * between, again after this wait. `none` tries again at once.
   */
  optimistic?: Backoff | null;
  /** The share of reads, 0 to 1; the rest are writes of whole numbers, each different. */
  read_share?: number;
  /** When it stops, ms; at the run's end where absent. */
  until_ms?: number | null;
}
