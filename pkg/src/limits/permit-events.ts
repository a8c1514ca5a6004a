/** What happens to the permits of a transport that limits concurrency. */

import type { PermitWatch } from "../engine.js";

/** What happened to a permit, and when. Who waits either acquires one or abandons; who has one releases it. */
export interface PermitEvent {
  /**
   * - `waiting`: the request has to wait;
   * - `acquired`: it is admitted, at once or after it has waited;
   * - `released`: the exchange is over;
   * - `abandoned`: who waited is gone, without a permit.
   */
  readonly kind: "waiting" | "acquired" | "released" | "abandoned";
  /** The number of the request. */
  readonly sequence: number;
  /** The host, or what the option `concurrency.key` made of the request. */
  readonly key: string;
  /** When it happened, in the transport's time. */
  readonly at: number;
}

/**
 * The permits' events, in order, from when it was made until the transport is disposed, or `return()`. To
 * be iterated, or drained.
 *
 * @example
 * const events = transport.permitEvents();
 * await Promise.all([send(), send()]);
 * events.drain().map(({ sequence, kind }) => `${sequence} ${kind}`); // 1 acquired, 2 waiting, ..
 */
export class PermitEvents implements AsyncIterableIterator<PermitEvent, undefined> {
  #watch: PermitWatch | undefined;
  #missed = 0;
  /** What was not read when the watching ended; and, in between, what nobody has taken yet. */
  #unread: PermitEvent[] = [];
  #readers: Array<(result: IteratorResult<PermitEvent, undefined>) => void> = [];

  /** @internal */
  constructor(watch: PermitWatch | undefined) {
    this.#watch = watch;
  }

  /** Those that have happened and were not read, without waiting for one. */
  drain(): PermitEvent[] {
    this.#look();
    return this.#unread.splice(0);
  }

  /** How many were forgotten because nobody read them: 16,384 are kept, the latest ones. */
  get missed(): number {
    return this.#watch?.missed() ?? this.#missed;
  }

  /** The next one, as soon as there is one. */
  next(): Promise<IteratorResult<PermitEvent, undefined>> {
    return new Promise((resolve) => {
      this.#readers.push(resolve);
      this.changed();
    });
  }

  /** Ends the watching. */
  return(): Promise<IteratorResult<PermitEvent, undefined>> {
    this.close();
    this.#unread = [];
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Something may have happened. @internal */
  changed(): void {
    if (this.#readers.length === 0) return;
    this.#look();
    while (this.#readers.length > 0 && this.#unread.length > 0) {
      this.#readers.shift()!({ value: this.#unread.shift()!, done: false });
    }
    if (this.#watch !== undefined) return;
    for (const end of this.#readers.splice(0)) end({ value: undefined, done: true });
  }

  /** Nothing happens any more. @internal */
  close(): void {
    this.#look();
    this.#missed = this.missed;
    this.#watch?.free();
    this.#watch = undefined;
    this.changed();
  }

  /** Whether it still watches. @internal */
  get isOpen(): boolean {
    return this.#watch !== undefined;
  }

  #look(): void {
    const told = this.#watch?.drain() ?? [];
    for (let at = 0; at < told.length; at += 4) {
      const [kind, sequence, key, nanoseconds] = told.slice(at, at + 4) as [PermitEvent["kind"], string, string, string];
      this.#unread.push({ kind, sequence: Number(sequence), key, at: Number(nanoseconds) / 1e6 });
    }
  }
}
