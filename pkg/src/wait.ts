/** Waiting for requests that are yet to come. */

import type { CapturedRequest } from "./captured.js";
import type { Cancel } from "./clock.js";
import type { Core } from "./core.js";
import { DisposedError, InvalidArgumentError, shown, WaitTimeoutError } from "./errors.js";
import { type Filter, nameOf, select } from "./filter.js";

interface Waiter {
  readonly count: number;
  readonly filter: Filter | undefined;
  /** In the transport's time; `Infinity` when there is none. */
  readonly deadline: number;
  readonly resolve: (requests: CapturedRequest[]) => void;
  readonly reject: (error: unknown) => void;
  /** Takes back the alarm of the deadline. */
  readonly cancel: Cancel;
}

/** Those who wait for requests on one transport. */
export class Waiters {
  readonly #core: Core;
  #waiters: Waiter[] = [];
  #checking = false;

  constructor(core: Core) {
    this.#core = core;
  }

  get isWaiting(): boolean {
    return this.#waiters.length > 0;
  }

  /** The first `count` requests that are meant, as soon as there are so many. */
  wait(count: number, filter: Filter | undefined, timeout: number): Promise<CapturedRequest[]> {
    return new Promise((resolve, reject) => {
      this.#core.assertUsable();
      if (!Number.isSafeInteger(count) || count < 0 || typeof timeout !== "number" || !(timeout >= 0)) {
        throw new InvalidArgumentError(
          `waitForRequests() takes a count and a timeout in milliseconds, not ${shown(count)} and ${shown(timeout)}`,
        );
      }
      const present = select(this.#core, filter);
      if (present.length >= count) return resolve(present.slice(0, count));
      const { clock } = this.#core;
      const deadline = clock.now + timeout;
      const what = () => `waitForRequests(${count})${filter === undefined ? "" : ` of ${nameOf(filter)}`}`;
      const cancel = clock.at(deadline, () => this.check(), what);
      this.#waiters.push({ count, filter, deadline, resolve, reject, cancel });
    });
  }

  /** A request has arrived. Looked at once its body is there and its rule is known. */
  arrived(): void {
    if (this.#checking) return;
    this.#checking = true;
    void Promise.resolve().then(() => {
      this.#checking = false;
      this.check();
    });
  }

  /** Serves those whose requests are there, and turns away those whose deadline has passed. */
  check(): void {
    if (this.#core.disposed) return;
    const { now } = this.#core;
    this.#waiters = this.#waiters.filter((waiter) => {
      const { count, filter, deadline, resolve, reject } = waiter;
      try {
        const present = select(this.#core, filter);
        if (present.length >= count) {
          resolve(present.slice(0, count));
        } else if (deadline <= now) {
          const what = filter === undefined ? "" : ` of ${nameOf(filter)}`;
          const meant = `${count} ${count === 1 ? "request" : "requests"}${what}`;
          const came = present.length === 0 ? "none" : `only ${present.length}`;
          reject(new WaitTimeoutError(`waited until ${deadline} ms for ${meant}, but ${came} came`));
        } else {
          return true;
        }
      } catch (error) {
        reject(error);
      }
      waiter.cancel();
      return false;
    });
  }

  dispose(): void {
    for (const { reject } of this.#waiters.splice(0)) reject(new DisposedError());
  }
}
