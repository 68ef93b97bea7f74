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
