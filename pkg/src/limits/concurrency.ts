/** Limits on how many exchanges go on at once: the options, and how they stand. */

import type { CapturedRequest } from "../captured.js";
import { InvalidArgumentError, shown } from "../errors.js";
import { Reading } from "../predicates.js";

/** How urgent a request is among those that wait for the same thing. Equals keep their order. */
export type Priority = "low" | "normal" | "high" | "critical";

/**
 * How many exchanges may go on at once; further requests wait, in order of arrival. They are captured
 * already, and the rules are asked once they are admitted. A request that waits holds nothing that others
 * need: a busy host does not delay an idle one.
 *
 * An exchange goes on until its body was read or cancelled, it failed, or its client gave up; a WebSocket
 * connection as long as the client has it.
 */
export interface ConcurrencyOptions {
  /** At most so many on the whole transport. `Infinity` limits nothing, and counts. */
  readonly max?: number;
  /** At most so many with each host, or whatever `key` tells apart. */
  readonly perHost?: number;
  /** What to tell apart instead of hosts: an account, a model, a route. */
  readonly key?: (request: CapturedRequest) => string;
  /** How many requests may wait; others fail with a `QueueFullError`. Any number unless given. */
  readonly maxWaiting?: number;
  /** How urgent a request is: the most urgent of those that wait is admitted first. `"normal"` unless given. */
  readonly priority?: (request: CapturedRequest) => Priority;
  /** Lets a request rise by one priority whenever it has waited for so many milliseconds, so that none waits for ever. */
  readonly ageing?: number;
}

/** How the limit on one key stands. */
export interface KeyConcurrency {
  /** The host, or what the option `key` made of the request. */
  readonly key: string;
  /** How many more exchanges the limit lets go on; `Infinity` without one. */
  readonly available: number;
  /** How many exchanges go on: admitted, and not over. */
  readonly inFlight: number;
  /** How many requests wait to be admitted. */
  readonly waiting: number;
  /** The most exchanges that ever went on at once. */
  readonly peak: number;
}

/** How the limits on concurrency stand. */
export interface Concurrency extends Omit<KeyConcurrency, "key"> {
  /** The same for each key, in the order of their names. Of keys that nobody uses any more, a thousand are kept. */
  readonly keys: readonly KeyConcurrency[];
}

const PRIORITIES: readonly Priority[] = ["low", "normal", "high", "critical"];

const KNOWN = ["max", "perHost", "key", "maxWaiting", "priority", "ageing"];

/** More than can go on at once. */
const UNLIMITED = 0xffff_ffff;

/** What is not given. */
const NOT = -1;

/** The options as the engine takes them: their values in order. */
export function encodedConcurrency(options: ConcurrencyOptions): ReadonlyArray<number | Reading> {
  const { max = NOT, perHost = NOT, key, maxWaiting = NOT, priority, ageing = NOT } = checked(options);
  return [
    Math.min(max, UNLIMITED),
    Math.min(perHost, UNLIMITED),
    maxWaiting === Infinity ? NOT : maxWaiting,
    ageing === Infinity ? NOT : ageing,
    key === undefined ? NOT : new Reading((request) => checkedKey(key(request)), "the option `concurrency.key`"),
    priority === undefined
      ? NOT
      : new Reading((request) => placeOf(priority(request)), "the option `concurrency.priority`"),
  ];
}

/** What the engine says, as it is shown. */
export function shownConcurrency(told: readonly string[]): Concurrency {
  // Four numbers of the whole, four of each key, and its name.
  const count = (told.length - 4) / 5;
  const at = (place: number) => {
    const [available, inFlight, waiting, peak] = told.slice(4 * place, 4 * place + 4);
    return {
      available: available === "" ? Infinity : Number(available),
      inFlight: Number(inFlight),
      waiting: Number(waiting),
      peak: Number(peak),
    };
  };
  const keys = Array.from({ length: count }, (_, key) => ({ key: told[4 + 4 * count + key]!, ...at(1 + key) }));
  return { ...at(0), keys };
}

/** What a `key` function gave. */
export function checkedKey(key: unknown): string {
  if (typeof key === "string") return key;
  throw new TypeError(`a key is a string, not ${shown(key)}`);
}

function placeOf(priority: unknown): number {
  const place = priority === undefined ? 1 : PRIORITIES.indexOf(priority as Priority);
  if (place >= 0) return place;
  throw new TypeError(`a priority is one of ${PRIORITIES.join(", ")}, not ${shown(priority)}`);
}

function checked(options: ConcurrencyOptions): ConcurrencyOptions {
  const isFunction = (value: unknown) => value === undefined || typeof value === "function";
  const isCount = (value: unknown, least: number) =>
    value === undefined || value === Infinity || (Number.isInteger(value) && (value as number) >= least);
  const isTime = (value: unknown) => value === undefined || (typeof value === "number" && value > 0);
  const { max, perHost, key, maxWaiting, priority, ageing } = options;
  const wrong = Object.keys(options).find((name) => !KNOWN.includes(name));
  const fits =
    isCount(max, 1) && isCount(perHost, 1) && isCount(maxWaiting, 0) && isTime(ageing) && isFunction(key) && isFunction(priority);
  if (fits && wrong === undefined) return options;
  throw new InvalidArgumentError(
    "new MockTransport(): the option `concurrency` is { max, perHost, maxWaiting, ageing, key, priority }: " +
      `counts from 1 (0 of those that wait), milliseconds, functions; not ${wrong ?? JSON.stringify(options)}`,
  );
}
