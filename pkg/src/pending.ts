/** What has not come to its end: why a promise of a test does not settle. */

import type { CapturedRequest } from "./captured.js";
import type { Core } from "./core.js";

/** Something that somebody may be waiting for. */
export interface Pending {
  /** In words: the request, `sleep(100)`, `waitForRequests(2)`. */
  readonly what: string;
  /** When it is due, in the transport's time; `Infinity` when no time ends it. */
  readonly due: number;
  /** The request, when it is an exchange. */
  readonly request?: CapturedRequest;
}

/** The exchanges that are not over, oldest first, then who waits for a time, the next one first. */
export function pendingOn(core: Core): Pending[] {
  const exchanges = core.journal.all().filter((request) => request.outcome === "pending");
  return [
    ...exchanges.map((request) => ({ what: inWords(core, request), due: Infinity, request })),
    ...core.gates.waiting(),
    ...core.clock.waiting(),
  ];
}

function inWords(core: Core, request: CapturedRequest): string {
  const { sequence, method, url, status, delivered, rule } = request;
  const line = `#${sequence} ${method} ${url}`;
  if (core.admission?.isWaiting(core.journal.find(sequence)) === true) return `${line}: waits for others to be over (concurrency)`;
  if (status === undefined) return `${line}: no reply yet${rule === undefined ? "" : ` from ${rule}`}`;
  return `${line}: its body was not read to the end (${delivered} bytes were)`;
}
