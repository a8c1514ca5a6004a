/** Whether everything expected has happened, as the engine sees it. */

import type { Core } from "./core.js";
import { VerificationError } from "./errors.js";

/** What may be missing. */
export interface VerifyOptions {
  /** Requests that no rule matched are no failure. */
  readonly allowUnmatched?: boolean;
}

/** Throws a `VerificationError` when a rule has answered too seldom, or a request matched no rule. */
export function verify(core: Core, options: VerifyOptions = {}): void {
  if (core.engine.verify() === "") return;
  // Something is amiss: now the engine needs to see everything, to say what came nearest.
  core.journal.hydrate();
  const report = core.engine.verify();
  const { message, unmet } = JSON.parse(report) as { message: string; unmet: readonly unknown[] };
  if (options.allowUnmatched === true && unmet.length === 0) return;
  throw new VerificationError(message);
}
