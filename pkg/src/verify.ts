/** Whether everything expected has happened, as the engine sees it. */

import type { Core } from "./core.js";
import { VerificationError } from "./errors.js";
import type { Rule } from "./rule.js";

/** What may be missing. */
export interface VerifyOptions {
  /** Requests that no rule matched are no failure. */
  readonly allowUnmatched?: boolean;
}

/** Throws a `VerificationError` when a rule has answered too seldom, or a request matched no rule. */
export function verify(core: Core, options: VerifyOptions = {}): void {
  if (options.allowUnmatched === true) verifyRules(core, core.rules.all());
  else report(core, () => core.engine.verify());
}

/** Throws a `VerificationError` when one of these rules has answered too seldom. */
export function verifyRules(core: Core, rules: readonly Rule[]): void {
  report(core, () => core.engine.verifyRules(Float64Array.from(rules, (rule) => rule.id)));
}

function report(core: Core, ask: () => string): void {
  // Then nothing was asked for that could be missing.
  if (!core.hasEngine) return;
  if (ask() === "") return;
  // Something is amiss. Now the engine needs to see everything, to say what came nearest.
  core.journal.tell();
  core.rules.tellSites();
  throw new VerificationError((JSON.parse(ask()) as { message: string }).message);
}
