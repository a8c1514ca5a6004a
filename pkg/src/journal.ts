/**
 * What was captured, in step with the engine's journal: the engine numbers requests and decides which
 * are kept, this side has what was sent and how it went.
 *
 * A request crosses the boundary once, as a line. Everything else (headers, body, how it ended) follows
 * when the engine is asked something that needs it, which in most tests is never.
 */

import type { CapturedRequest } from "./captured.js";
import type { Core } from "./core.js";
import type { Exchange } from "./exchange.js";
import { NONE, withOne } from "./lists.js";

/** How many requests come between two looks at what the engine has evicted. */
const TRIM_EVERY = 256;

export class Journal {
  readonly #core: Core;
  /** The kept exchanges, without gaps: the first has the sequence number `#first`. */
  #exchanges: Exchange[] = NONE;
  #first = 1;
  #evicted = 0;
  /** How often it was cleared. */
  clearings = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Gives an arriving request its number, the one that the engine is about to give it. */
  open(exchange: Exchange): void {
    exchange.sequence = this.#first + this.#exchanges.length;
    this.#exchanges = withOne(this.#exchanges, exchange);
    if (this.#exchanges.length % TRIM_EVERY === 0) this.#trim();
  }

  /** Takes back the number of the latest request, which the engine has not given it. */
  withdraw(exchange: Exchange): void {
    if (this.#exchanges.at(-1) === exchange) this.#exchanges.pop();
  }

  find(sequence: number): Exchange | undefined {
    return this.#exchanges[sequence - this.#first];
  }

  /** The captured requests, oldest first. */
  all(): CapturedRequest[] {
    return this.exchanges().map((exchange) => exchange.captured);
  }

  /** The kept exchanges, oldest first. */
  exchanges(): readonly Exchange[] {
    this.#trim();
    return this.#exchanges;
  }

  /** Tells the engine what it has not needed to know so far, because it is about to be asked. */
  tell(): void {
    for (const exchange of this.exchanges()) exchange.tell(this.#core.engine);
  }

  /** The captured requests with these numbers, in their order. */
  withNumbers(sequences: Float64Array): CapturedRequest[] {
    return [...sequences].flatMap((sequence) => this.find(sequence)?.captured ?? []);
  }

  get size(): number {
    return this.exchanges().length;
  }

  clear(): void {
    this.clearings += 1;
    this.#first += this.#exchanges.length;
    this.#exchanges = NONE;
    this.#evicted = this.#core.engine.dropped();
  }

  /** The engine decides what is evicted; this side follows. */
  #trim(): void {
    if (!this.#core.hasEngine) return;
    const evicted = this.#core.engine.dropped();
    if (evicted === this.#evicted) return;
    this.#exchanges.splice(0, evicted - this.#evicted);
    this.#first += evicted - this.#evicted;
    this.#evicted = evicted;
  }
}
