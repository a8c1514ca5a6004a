/** Waiting on a transport: for its time, and no longer than it lives. */

import { InvalidArgumentError, type MockTransport } from "../index.js";
import { shown } from "../words.js";
import { assertWanted, isSignal } from "./signals.js";

/** What is needed of a transport: its time, and to know when it ends. */
export type TransportTime = Pick<MockTransport, "now" | "signal">;

/** Those who wait for what may never come. Nobody waits for longer than the transport lives. */
export class Waits {
  readonly transport: TransportTime;
  readonly #ends = new Set<(reason: unknown) => void>();
  readonly #end = () => {
    for (const end of [...this.#ends]) end(this.transport.signal.reason);
  };

  constructor(transport: TransportTime, forWhat: string) {
    if (typeof transport?.now !== "function" || !isSignal(transport.signal)) {
      throw new InvalidArgumentError(`${forWhat} takes a transport first, not ${shown(transport)}`);
    }
    assertWanted(transport.signal);
    this.transport = transport;
  }

  /** Whether the transport is disposed. */
  get isOver(): boolean {
    return this.transport.signal.aborted;
  }

  /** The transport's time. Throws when it is disposed. */
  now(): number {
    return this.transport.now();
  }

  /** What the promise gives; rejects when the signal aborts or the transport is disposed before. */
  until<T>(promise: PromiseLike<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      assertWanted(this.transport.signal);
      assertWanted(signal);
      const settle =
        <A>(end: (outcome: A) => void) =>
        (outcome: A) => {
          this.leave(fail);
          signal?.removeEventListener("abort", abort);
          end(outcome);
        };
      const fail = settle(reject);
      const abort = () => fail(signal!.reason);
      this.enter(fail);
      signal?.addEventListener("abort", abort);
      promise.then(settle(resolve), fail);
    });
  }

  /** Has `end` called when the transport is disposed, with the error. */
  enter(end: (reason: unknown) => void): void {
    if (this.#ends.size === 0) this.transport.signal.addEventListener("abort", this.#end);
    this.#ends.add(end);
  }

  /** Takes that back. */
  leave(end: (reason: unknown) => void): void {
    this.#ends.delete(end);
    if (this.#ends.size === 0) this.transport.signal.removeEventListener("abort", this.#end);
  }
}
