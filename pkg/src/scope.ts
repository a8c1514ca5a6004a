/** Rules for a while. */

import type { Registrar } from "./builder.js";
import type { Core } from "./core.js";
import { VerificationError } from "./errors.js";
import { DISPOSE } from "./inspect.js";
import { Routes } from "./routes.js";
import type { Rule } from "./rule.js";

/**
 * Adds rules to a transport and takes them back when it is disposed, after checking that each has
 * answered as often as it was asked to.
 *
 * @example
 * using scope = transport.scope();
 * scope.get("/users/:id").once().reply({ id: 7 });
 */
export class Scope extends Routes {
  /** @internal */
  protected override readonly registrar: Registrar;
  readonly #rules: Array<{ readonly rule: Rule; readonly min: number }> = [];

  /** @internal */
  constructor(core: Core) {
    super();
    this.registrar = {
      register: (draft, replies, end, caller) => {
        core.assertUsable();
        const rule = core.rules.add(draft, replies, end, caller);
        this.#rules.push({ rule, min: draft.min });
        return rule;
      },
    };
  }

  /** Throws a `VerificationError` that names the rules of this scope that have answered too seldom. */
  verify(): void {
    const unmet = this.#rules.filter(({ rule, min }) => rule.calls < min);
    if (unmet.length === 0) return;
    const lines = unmet.map(({ rule, min }) => `\n  ${rule}: expected at least ${min}, answered ${rule.calls}`);
    throw new VerificationError(`${unmet.length} of the scope's rules answered too seldom:${lines.join("")}`);
  }

  /** Takes the rules back, then verifies. Once: what happens later is nothing to it. */
  dispose(): void {
    const rules = [...this.#rules];
    for (const { rule } of rules) rule[DISPOSE]();
    try {
      this.verify();
    } finally {
      this.#rules.length = 0;
    }
  }

  [DISPOSE](): void {
    this.dispose();
  }
}
