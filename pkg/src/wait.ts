/** Waiting for requests that are yet to come. */

import type { CapturedRequest } from "./captured.js";
import type { Core } from "./core.js";
import { DisposedError, WaitTimeoutError } from "./errors.js";
import { type Filter, nameOf, select } from "./filter.js";

interface Waiter {
  readonly count: number;
  readonly filter: Filter | undefined;
  /** In the transport's time; `Infinity` when there is none. */
  readonly deadline: number;
  readonly resolve: (requests: CapturedRequest[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Those who wait for requests on one transport. */
export class Waiters {
  readonly #core: Core;
  #waiters: Waiter[] = [];
  #checking = false;
  #stepping = false;
  /** Counts arrivals, to see whether anything happens. */
  #arrivals = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  get isWaiting(): boolean {
    return this.#waiters.length > 0;
  }

  /** The first `count` requests that are meant, as soon as there are so many. */
  wait(count: number, filter: Filter | undefined, timeout: number): Promise<CapturedRequest[]> {
    const present = select(this.#core, filter);
    if (present.length >= count) return Promise.resolve(present.slice(0, count));
    return new Promise((resolve, reject) => {
      const deadline = this.#core.now + timeout;
      this.#waiters.push({ count, filter, deadline, resolve, reject });
      if (deadline < Infinity && this.#core.options.timing !== "manual") void this.#stepTime();
    });
  }

  /** A request has arrived. Looked at once its body is there and its rule is known. */
  arrived(): void {
    this.#arrivals += 1;
    if (this.#checking) return;
    this.#checking = true;
    queueMicrotask(() => {
      this.#checking = false;
      this.check();
    });
  }

  /** Serves those whose requests are there, and turns away those whose deadline has passed. */
  check(): void {
    if (this.#core.disposed) return;
    const { now } = this.#core;
    this.#waiters = this.#waiters.filter(({ count, filter, deadline, resolve, reject }) => {
      try {
        const present = select(this.#core, filter);
        if (present.length >= count) {
          resolve(present.slice(0, count));
        } else if (deadline <= now) {
          const what = filter === undefined ? "" : ` of ${nameOf(filter)}`;
          reject(
            new WaitTimeoutError(
              `waited until ${deadline} ms for ${count} requests${what}, but only ${present.length} came`,
            ),
          );
        } else {
          return true;
        }
      } catch (error) {
        reject(error);
      }
      return false;
    });
  }

  dispose(): void {
    for (const { reject } of this.#waiters.splice(0)) reject(new DisposedError());
  }

  /** Instant timing: when a whole macrotask has passed and nothing came, time steps to the next deadline. */
  async #stepTime(): Promise<void> {
    if (this.#stepping) return;
    this.#stepping = true;
    for (let seen = -1; !this.#core.disposed;) {
      await macrotask();
      const deadline = Math.min(...this.#waiters.map((waiter) => waiter.deadline));
      if (deadline === Infinity || this.#core.disposed) break;
      if (seen === this.#arrivals) {
        this.#core.advance(Math.max(0, deadline - this.#core.now));
      }
      seen = this.#arrivals;
    }
    this.#stepping = false;
  }
}

/** After everything that is due now. No timer, which tests like to replace. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
