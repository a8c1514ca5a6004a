/** Waiting in the transport's time. */

import type { Core } from "./core.js";
import { DisposedError, InvalidArgumentError, shown } from "./errors.js";

/** Resolves after so long; rejects when the signal aborts, with its reason, and when the transport is disposed. */
export function sleep(core: Core, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    core.assertUsable();
    if (typeof milliseconds !== "number" || !(milliseconds >= 0)) {
      throw new InvalidArgumentError(`sleep() takes milliseconds, not ${shown(milliseconds)}`);
    }
    if (signal?.aborted === true) throw signal.reason;
    const { clock } = core;
    const leave = () => {
      cancel();
      signal?.removeEventListener("abort", abort);
      core.offDispose(dispose);
    };
    const abort = () => {
      leave();
      reject(signal!.reason);
    };
    const dispose = () => {
      leave();
      reject(new DisposedError());
    };
    const wake = () => {
      leave();
      resolve();
    };
    const cancel = clock.at(clock.now + milliseconds, wake, () => `sleep(${milliseconds})`);
    signal?.addEventListener("abort", abort);
    core.onDispose(dispose);
  });
}
