/** Waiting on a transport: for its time, and no longer than it lives. */

import { InvalidArgumentError, type MockTransport } from "../index.js";
import { shown } from "../words.js";

/** What is needed of a transport: its time, and to know when it ends. */
export type TransportTime = Pick<MockTransport, "now" | "signal">;

/** Those who wait for what may never come. Nobody waits for longer than the transport lives. */
export class Waits {
  readonly transport: TransportTime;
  readonly #rejects = new Set<(reason: unknown) => void>();
  readonly #end = () => {
    for (const reject of [...this.#rejects]) reject(this.transport.signal.reason);
  };

  constructor(transport: TransportTime, forWhat: string) {
    if (typeof transport?.now !== "function" || !(transport.signal instanceof AbortSignal)) {
      throw new InvalidArgumentError(`${forWhat} takes a transport first, not ${shown(transport)}`);
    }
    transport.signal.throwIfAborted();
    this.transport = transport;
  }

  /** What the promise gives; rejects when the signal aborts or the transport is disposed before. */
  until<T>(promise: PromiseLike<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      this.transport.signal.throwIfAborted();
      signal?.throwIfAborted();
      const settle =
        <A>(end: (outcome: A) => void) =>
        (outcome: A) => {
          this.#remove(fail);
          signal?.removeEventListener("abort", abort);
          end(outcome);
        };
      const fail = settle(reject);
      const abort = () => fail(signal!.reason);
      this.#add(fail);
      signal?.addEventListener("abort", abort);
      promise.then(settle(resolve), fail);
    });
  }

  #add(reject: (reason: unknown) => void): void {
    if (this.#rejects.size === 0) this.transport.signal.addEventListener("abort", this.#end);
    this.#rejects.add(reject);
  }

  #remove(reject: (reason: unknown) => void): void {
    this.#rejects.delete(reject);
    if (this.#rejects.size === 0) this.transport.signal.removeEventListener("abort", this.#end);
  }
}
