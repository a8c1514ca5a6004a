/**
 * Values that are kept for a while, in a transport's time, and fetched once however many ask for them.
 *
 * @packageDocumentation
 */

import type { CacheMachine } from "mockwire-extras";
import { InvalidArgumentError } from "../index.js";
import { shown } from "../words.js";
import { machines } from "./machines.js";
import { checked, isCount, isFunction, isTime } from "./options.js";
import { assertWanted, isSignal } from "./signals.js";
import { type TransportTime, Waits } from "./waits.js";

export type { TransportTime } from "./waits.js";

/** How much a {@link Cache} keeps, and for how long. What was used least recently goes first. */
export interface CacheOptions<V> {
  /** How many values. 1,024 unless given. */
  readonly maxEntries?: number;
  /** How much they may weigh together; goes with `weigh`. A value that weighs more by itself is not kept. */
  readonly maxWeight?: number;
  /** What a value weighs, in whatever unit, from 0; fractions are rounded up. */
  readonly weigh?: (value: V, key: string) => number;
  /** For how many milliseconds of the transport's time after it was set. For ever unless given. */
  readonly ttl?: number;
}

/** What a {@link Cache} has done so far. */
export interface CacheStats {
  /** How often a value was there. */
  readonly hits: number;
  /** How often a value was not there, and nobody was fetching it. */
  readonly misses: number;
  /** How often a value was not there, and somebody was fetching it already. */
  readonly joined: number;
  /** How many values had to make room. */
  readonly evicted: number;
  /** How many values were kept as long as they may be. */
  readonly expired: number;
}

/** What the machine answers to `ask`: the value is there, is to be fetched, or is being fetched. */
const HIT = 0;
const FETCH = 1;

/**
 * Values by key. They are any values, and the same objects come back.
 *
 * @example
 * const transport = new MockTransport();
 * const cache = new Cache(transport, { maxEntries: 100, ttl: 60_000 });
 *
 * const user = await cache.getOrFetch("ada", async () => ({ name: "Ada" }));
 * cache.get("ada") === user; // true
 *
 * await transport.advance(60_000);
 * cache.get("ada"); // undefined
 */
export class Cache<V> {
  readonly #waits: Waits;
  readonly #machine: CacheMachine;
  readonly #weigh: (value: V, key: string) => number;
  /** What the machine knows by number. */
  readonly #values = new Map<number, V>();
  /** The fetches that go on: what they give, or nothing when they fail. */
  readonly #flights = new Map<number, Promise<{ readonly value: V } | undefined>>();
  #lastNumber = 0;

  /** An empty cache in the time of this transport. */
  constructor(transport: TransportTime, options: CacheOptions<V> = {}) {
    this.#waits = new Waits(transport, "new Cache()");
    const tests = { maxEntries: isCount, maxWeight: isCount, weigh: isFunction, ttl: isTime };
    const { maxEntries = 1024, maxWeight, weigh, ttl = Infinity } = checked("new Cache()", options, tests);
    if ((maxWeight === undefined) !== (weigh === undefined)) {
      throw new InvalidArgumentError("new Cache(): the options `maxWeight` and `weigh` go together");
    }
    this.#weigh = weigh ?? (() => 0);
    this.#machine = new (machines().CacheMachine)(maxEntries, maxWeight ?? 0, ttl);
  }

  /** The value under this key, which then counts as used. */
  get(key: string): V | undefined {
    return this.#values.get(this.#told(this.#machine.get(checkedKey(key), this.#waits.now())));
  }

  /** Whether there is a value under this key. It does not count as used by that. */
  has(key: string): boolean {
    return this.#told(this.#machine.has(checkedKey(key), this.#waits.now()));
  }

  /** Keeps a value under this key. */
  set(key: string, value: V): this {
    const weight = this.#weightOf(value, checkedKey(key));
    this.#told(this.#machine.set(key, this.#number(value), weight, this.#waits.now()));
    return this;
  }

  /** Forgets the value under this key. Whether there was one. */
  delete(key: string): boolean {
    return this.#told(this.#machine.delete(checkedKey(key), this.#waits.now()));
  }

  /** Forgets all values. The statistics go on. */
  clear(): void {
    this.#told(this.#machine.clear());
  }

  /** How many values there are. */
  get size(): number {
    return this.#told(this.#machine.size(this.#waits.now()));
  }

  /** How much the values weigh together. */
  get weight(): number {
    return this.#told(this.#machine.weight(this.#waits.now()));
  }

  /** What has happened so far. */
  get stats(): CacheStats {
    const [hits, misses, joined, evicted, expired] = this.#told(this.#machine.stats(this.#waits.now()));
    return { hits: hits!, misses: misses!, joined: joined!, evicted: evicted!, expired: expired! };
  }

  /**
   * The value under this key; when there is none, what `fetch` gives, which is kept.
   *
   * However many ask for a value that is not there, one of them fetches it, and all get what it gives. If
   * that fails, who fetched gets the error, and the next one tries; so it is when who fetched gives up by
   * its signal, of which `fetch` is told by the signal that it gets. A fetch whose key is set, deleted or
   * cleared meanwhile is not kept. One that asks for its own key waits for itself. Rejects with the signal's reason when that aborts, and with a
   * `DisposedError` when the transport is disposed.
   */
  async getOrFetch(
    key: string,
    fetch: (signal: AbortSignal) => V | PromiseLike<V>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<V> {
    checkedKey(key);
    const { signal } = checked("getOrFetch()", options, { signal: isSignal });
    if (typeof fetch !== "function") {
      throw new InvalidArgumentError(`getOrFetch() takes a function that fetches, not ${shown(fetch)}`);
    }
    for (;;) {
      assertWanted(signal);
      const [answer, number] = this.#told(this.#machine.ask(key, this.#waits.now()));
      if (answer === HIT) return this.#values.get(number!)!;
      if (answer === FETCH) return this.#fetch(number!, key, fetch, signal);
      const landed = await this.#waits.until(this.#flights.get(number!)!, signal);
      if (landed !== undefined) return landed.value;
    }
  }

  async #fetch(
    flight: number,
    key: string,
    fetch: (signal: AbortSignal) => V | PromiseLike<V>,
    signal: AbortSignal | undefined,
  ): Promise<V> {
    let land!: (landed?: { readonly value: V }) => void;
    this.#flights.set(flight, new Promise((resolve) => (land = resolve)));
    const controller = new AbortController();
    try {
      const fetched = new Promise<V>((resolve) => resolve(fetch(controller.signal)));
      const value = await this.#waits.until(fetched, signal);
      const weight = this.#weightOf(value, key);
      this.#told(this.#machine.land(flight, this.#number(value), weight, this.#waits.now()));
      land({ value });
      return value;
    } catch (error) {
      controller.abort(error);
      this.#machine.crash(flight);
      land();
      throw error;
    } finally {
      this.#flights.delete(flight);
    }
  }

  #number(value: V): number {
    this.#values.set((this.#lastNumber += 1), value);
    return this.#lastNumber;
  }

  #weightOf(value: V, key: string): number {
    const weight = this.#weigh(value, key);
    if (typeof weight !== "number" || !(weight >= 0)) {
      throw new InvalidArgumentError(`the weight of ${shown(key)} cannot be ${shown(weight)}: it is a number from 0`);
    }
    return Math.min(Math.ceil(weight), 2 ** 32 - 1);
  }

  /** What the machine has answered; what it does not keep any more is let go. */
  #told<A>(answer: A): A {
    for (let number = this.#machine.gone(); number !== 0; number = this.#machine.gone()) this.#values.delete(number);
    return answer;
  }
}

function checkedKey(key: string): string {
  if (typeof key !== "string") throw new InvalidArgumentError(`a cache's keys are texts, not ${shown(key)}`);
  return key;
}
