/** Waiting for messages that are yet to come. */

import type { Core } from "../core.js";
import { DisposedError, HandlerError, messageOf, WaitTimeoutError } from "../errors.js";
import type { SocketMessage } from "./message.js";

interface Waiter {
  readonly test: (message: SocketMessage) => boolean;
  readonly settle: (settle: () => void) => void;
  readonly resolve: (message: SocketMessage) => void;
  readonly reject: (error: unknown) => void;
}

/** Those who wait for a message of one endpoint. */
export class MessageWaiters {
  readonly #core: Core;
  readonly #waiters = new Set<Waiter>();

  constructor(core: Core) {
    this.#core = core;
  }

  wait(test: (message: SocketMessage) => boolean, timeout: number, name: string): Promise<SocketMessage> {
    const core = this.#core;
    return new Promise((resolve, reject) => {
      const deadline = core.now + timeout;
      const dispose = () => settle(() => reject(new DisposedError()));
      const late = () => reject(new WaitTimeoutError(`waited until ${deadline} ms for ${name}, which did not come`));
      const settle = (end: () => void) => {
        this.#waiters.delete(waiter);
        core.offDispose(dispose);
        cancel?.();
        end();
      };
      const waiter = { test, settle, resolve, reject };
      this.#waiters.add(waiter);
      core.onDispose(dispose);
      const cancel = timeout === Infinity ? undefined : core.clock.at(deadline, () => settle(late), () => name);
    });
  }

  arrived(message: SocketMessage): void {
    if (this.#waiters.size === 0) return;
    // In a microtask: a filter of the test does not run inside the client's `send()`.
    queueMicrotask(() => {
      for (const { test, settle, resolve, reject } of [...this.#waiters]) {
        try {
          if (test(message)) settle(() => resolve(message));
        } catch (thrown) {
          settle(() => reject(new HandlerError(`the filter of waitForMessage() threw: ${messageOf(thrown)}`, thrown)));
        }
      }
    });
  }
}
