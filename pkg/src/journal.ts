/** What was captured: the requests on this side, and what the engine's journal says about them. */

import type { CapturedRequest } from "./captured.js";
import type { Engine, Entry } from "./engine.js";
import type { Exchange } from "./exchange.js";

/** How many requests come between two looks at what the engine has evicted. */
const TRIM_EVERY = 256;

export class Journal {
  readonly #engine: Engine;
  /** The kept exchanges, without gaps: the first has the sequence number `#first`. */
  #exchanges: Exchange[] = [];
  #first = 1;
  #evicted = 0;
  #entries: ReadonlyMap<number, Entry> | undefined;
  #closed = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Gives an arriving request its number, the one that the engine is about to give it. */
  open(exchange: Exchange): void {
    exchange.sequence = this.#first + this.#exchanges.length;
    this.#exchanges.push(exchange);
    this.#entries = undefined;
    if (this.#exchanges.length % TRIM_EVERY === 0) this.#trim();
  }

  /** Takes back the number of the latest request, which the engine has not given it. */
  withdraw(exchange: Exchange): void {
    if (this.#exchanges.at(-1) === exchange) this.#exchanges.pop();
  }

  /** Something has happened: what was read from the engine is out of date. */
  changed(): void {
    this.#entries = undefined;
  }

  /** Whether the request was evicted or cleared, or all were. */
  forgot(sequence: number): boolean {
    return this.#closed || sequence < this.#first;
  }

  find(sequence: number): Exchange | undefined {
    return this.#exchanges[sequence - this.#first];
  }

  /** What the engine's journal says about a request. */
  entry(sequence: number): Entry | undefined {
    if (this.#closed) return this.#entries?.get(sequence);
    this.#entries ??= this.#read();
    return this.#entries.get(sequence);
  }

  /** The captured requests, oldest first. */
  all(): CapturedRequest[] {
    this.#trim();
    return this.#exchanges.map((exchange) => exchange.captured);
  }

  /** Gives the engine what it has not needed so far, because it is about to be asked. */
  hydrate(): void {
    this.#trim();
    for (const exchange of this.#exchanges) {
      if (exchange.hydrated || exchange.body === undefined) continue;
      exchange.hydrated = true;
      this.#engine.hydrate(exchange.sequence, exchange.headerBlock(), exchange.bodyBytes());
    }
  }

  /** The captured requests that satisfy the engine's condition, oldest first. */
  matching(condition: string): CapturedRequest[] {
    this.hydrate();
    return [...this.#engine.matching(condition)].flatMap((sequence) => this.find(sequence)?.captured ?? []);
  }

  get size(): number {
    this.#trim();
    return this.#exchanges.length;
  }

  clear(): void {
    this.#first += this.#exchanges.length;
    this.#exchanges = [];
    this.#entries = undefined;
    this.#evicted = this.#engine.dropped();
  }

  /** The engine forgets everything: from now on there is only what was read already. */
  close(): void {
    this.#closed = true;
  }

  #read(): ReadonlyMap<number, Entry> {
    const entries = JSON.parse(this.#engine.journal(this.#first)) as Entry[];
    return new Map(entries.map((entry) => [entry.sequence, entry]));
  }

  /** The engine decides what is evicted; this side follows. */
  #trim(): void {
    const evicted = this.#engine.dropped();
    if (evicted === this.#evicted) return;
    this.#exchanges.splice(0, evicted - this.#evicted);
    this.#first += evicted - this.#evicted;
    this.#evicted = evicted;
  }
}
