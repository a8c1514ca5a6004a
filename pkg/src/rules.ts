/** The rules of a transport on this side: what the engine's numbers stand for. */

import type { Core } from "./core.js";
import { InvalidRuleError, MockwireError } from "./errors.js";
import { Predicate } from "./predicates.js";
import type { Reply } from "./reply/reply.js";
import { Rule } from "./rule.js";
import { siteOf } from "./site.js";
import type { ParsedTarget } from "./target.js";

/** What a sequence does when it has given all of its replies: fail (the default), repeat the last one, or start over. */
export type SequenceEnd = "fail" | "repeat" | "cycle";

/** A rule to be registered. */
export interface RuleDraft {
  readonly name: string;
  readonly when: object;
  readonly target: ParsedTarget;
  readonly priority: number;
  readonly min: number;
  readonly max: number | null;
  readonly otherwise: boolean;
  readonly scenario: { readonly name: string; readonly when?: string; readonly then?: string } | null;
}

/** A reply under its number, and the rule it belongs to. */
export interface Registered {
  readonly reply: Reply;
  rule: Rule | undefined;
}

const ENDS = { fail: "fail", repeat: "repeat_last", cycle: "cycle" } as const;

export class Rules {
  readonly #core: Core;
  readonly #rules = new Map<Rule, readonly number[]>();
  readonly #replies: Array<Registered | undefined> = [];
  /** Numbers of removed replies, to be given out again. */
  readonly #free: number[] = [];

  constructor(core: Core) {
    this.#core = core;
  }

  /** What the engine means by the number. */
  registered(number: number): Registered {
    return this.#replies[number]!;
  }

  /** Registers a rule. `caller` is the public function it was called through: the site is where that was called. */
  add(draft: RuleDraft, replies: readonly Reply[], end: SequenceEnd | undefined, caller: unknown): Rule {
    const { name, target, when, priority, min, max, otherwise, scenario } = draft;
    const site = siteOf(caller);
    const slots = replies.map((reply): Registered => ({ reply, rule: undefined }));
    const numbers = slots.map((slot) => this.#number(slot));
    const specification = {
      priority,
      min,
      max,
      otherwise,
      scenario,
      site,
      when,
      replies: replies.map(({ status, template }, at) => ({
        status,
        external: numbers[at],
        template: template?.text,
        contentType: template?.contentType,
      })),
      end: end === undefined ? undefined : ENDS[end],
    };
    try {
      const id = this.#core.engine.addRule(this.encode(specification));
      const rule = new Rule(this.#core, id, name, site, target);
      for (const slot of slots) slot.rule = rule;
      this.#rules.set(rule, numbers);
      return rule;
    } catch (cause) {
      this.#release(numbers);
      throw invalid(name, cause);
    }
  }

  /** The engine's ids of all rules. */
  ids(): Float64Array {
    return Float64Array.from(this.#rules.keys(), (rule) => rule.id);
  }

  remove(rule: Rule): void {
    const numbers = this.#rules.get(rule);
    if (numbers === undefined) return;
    const { calls } = rule;
    this.#core.engine.removeRule(rule.id);
    this.#rules.delete(rule);
    this.#release(numbers);
    rule.retire(calls);
  }

  /** Forgets all rules. The engine, which still knows how often they answered, forgets them next. */
  clear(): void {
    for (const rule of this.#rules.keys()) rule.retire(rule.calls);
    this.#rules.clear();
    this.#replies.length = this.#free.length = 0;
  }

  /** As the engine takes it: JSON, with predicates by number. */
  encode(specification: object): string {
    return JSON.stringify(specification, (_key, value: unknown) =>
      value instanceof Predicate ? { id: this.#core.predicates.number(value), label: value.label } : value,
    );
  }

  #number(slot: Registered): number {
    const number = this.#free.pop() ?? this.#replies.length;
    this.#replies[number] = slot;
    return number;
  }

  #release(numbers: readonly number[]): void {
    for (const number of numbers) this.#replies[number] = undefined;
    this.#free.push(...numbers);
  }
}

function invalid(name: string, cause: unknown): MockwireError {
  if (cause instanceof MockwireError) return cause;
  const { code, message } = cause as { code?: unknown; message?: unknown };
  const kind = typeof code === "string" ? code : "MOCKWIRE_INVALID_PATTERN";
  return new InvalidRuleError(kind, `the rule ${name}: ${String(message ?? cause)}`, { cause });
}
