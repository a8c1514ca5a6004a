/** Rules for a while. */

import type { Registrar } from "./builder.js";
import type { Core } from "./core.js";
import { DISPOSE } from "./inspect.js";
import { Routes } from "./routes.js";
import type { Rule } from "./rule.js";
import { verifyRules } from "./verify.js";

/**
 * Adds rules to a transport. When it is disposed it takes them back, and checks that each has answered
 * as often as it must.
 *
 * @example
 * using scope = transport.scope();
 * scope.get("/users/:id").once().reply({ id: 7 });
 */
export class Scope extends Routes {
  /** @internal */
  protected override readonly registrar: Registrar;
  readonly #core: Core;
  #rules: Rule[] = [];

  /** @internal */
  constructor(core: Core) {
    super();
    this.#core = core;
    this.registrar = {
      core,
      register: (draft, replies, end, place) => {
        const rule = core.register(draft, replies, end, place);
        this.#rules.push(rule);
        return rule;
      },
    };
  }

  /** Throws a `VerificationError` that names the rules of this scope that have answered too seldom. */
  verify(): void {
    this.#core.assertUsable();
    verifyRules(
      this.#core,
      this.#rules.filter((rule) => rule.isActive),
    );
  }

  /** Verifies, and takes the rules back, also when that fails. A second time it does nothing. */
  dispose(): void {
    if (this.#core.disposed) return;
    try {
      this.verify();
    } finally {
      for (const rule of this.#rules) rule[DISPOSE]();
      this.#rules = [];
    }
  }

  [DISPOSE](): void {
    this.dispose();
  }
}
