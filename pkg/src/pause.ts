/** Pauses of an exchange, in the transport's time. */

import type { Exchange } from "./exchange.js";

/** Resolves after so long; rejects with the reason of a caller who gives up meanwhile. */
export function pause(exchange: Exchange, milliseconds: number): Promise<void> {
  const { core, sequence, method, address } = exchange;
  return new Promise((resolve, reject) => {
    const stop = (reason: unknown) => {
      cancel();
      reject(reason);
    };
    const due = core.clock.now + milliseconds;
    const cancel = core.clock.at(
      due,
      () => {
        exchange.unguard(stop);
        resolve();
      },
      () => `#${sequence} ${method} ${address.href}: waits for its reply`,
    );
    exchange.guard(stop);
  });
}
