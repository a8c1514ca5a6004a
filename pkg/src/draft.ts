/** What a rule asks for, while it is being made. */

import { type Condition, method, url } from "./conditions.js";
import type { CheckedChaos } from "./faults/chaos.js";
import type { Rate } from "./limits/rate-limit.js";
import type { ParsedTarget } from "./target.js";

const NONE: readonly Condition[] = [];

/** Collected by a `RuleBuilder`, registered by `Rules`. */
export class RuleDraft {
  readonly target: ParsedTarget;
  /** Every method when it is `undefined`. */
  readonly method: string | undefined;
  readonly otherwise: boolean;
  /** What is asked besides method and target. */
  conditions: readonly Condition[] = NONE;
  min = 0;
  max: number | null = null;
  priority = 0;
  scenario: { readonly name: string; readonly when?: string; readonly then?: string } | null = null;
  /** How fast it answers, and what goes wrong by chance: few rules have any. */
  rates: readonly Rate[] | undefined;
  chaos: CheckedChaos | undefined;

  constructor(target: ParsedTarget, method: string | undefined, otherwise: boolean) {
    this.target = target;
    this.method = method;
    this.otherwise = otherwise;
  }

  /** `POST /v1/messages`, with `*` for every method. */
  get label(): string {
    return `${this.method ?? "*"} ${this.target.label}`;
  }

  /** Whether method and target, which is a text, are all that it asks for. */
  get isPlain(): boolean {
    return (
      this.target.text !== undefined &&
      this.conditions.length === 0 &&
      this.min === 0 &&
      this.max === null &&
      this.priority === 0 &&
      this.scenario === null &&
      this.rates === undefined &&
      this.chaos === undefined &&
      !this.otherwise
    );
  }

  /** Everything that it asks of a request, for the engine. */
  get when(): object {
    const { text, condition } = this.target;
    const asked = [condition ?? url(text!), ...this.conditions].map(({ specification }) => specification);
    return { all: this.method === undefined ? asked : [method(this.method).specification, ...asked] };
  }
}
