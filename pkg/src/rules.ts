/** The rules of a transport on this side: what the engine's numbers stand for. */

import type { Core } from "./core.js";
import type { RuleDraft } from "./draft.js";
import { InvalidRuleError, MockwireError } from "./errors.js";
import type { Reply } from "./reply/reply.js";
import { Rule, type RuleExtras, ruleName } from "./rule.js";
import { siteOf } from "./site.js";

/** What a sequence does when it has given all of its replies: fail (the default), repeat the last one, or start over. */
export type SequenceEnd = "fail" | "repeat" | "cycle";

const ENDS = { fail: "fail", repeat: "repeat_last", cycle: "cycle" } as const;

/** Kept small per rule: suites register thousands. */
export class Rules {
  readonly #core: Core;
  /** Replies by number, and the rules they belong to. */
  readonly #replies: Array<Reply | undefined> = [];
  readonly #owners: Array<Rule | undefined> = [];
  /** Numbers of removed replies, to be given out again. */
  readonly #free: number[] = [];
  /** The numbers of the predicates of those rules that have any. */
  readonly #predicates = new Map<Rule, readonly number[]>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** The reply that the engine means. */
  reply(number: number): Reply | undefined {
    return this.#replies[number];
  }

  /** The rule whose reply the engine means. */
  owner(number: number): Rule | undefined {
    return this.#owners[number];
  }

  /** Registers a rule. `caller` is the public function it was called through: the site is where that was called. */
  add(draft: RuleDraft, replies: readonly Reply[], end: SequenceEnd | undefined, caller: unknown): Rule {
    const site = siteOf(caller);
    const numbers = replies.map((reply) => this.#number(reply));
    const [reply] = replies;
    const isPlain = draft.isPlain && end === undefined && reply?.template === undefined;
    let predicates: readonly number[] = [];
    try {
      const { engine } = this.#core;
      let id: number;
      if (isPlain) {
        id = engine.addPlainRule(draft.method ?? "", draft.target.text!, reply!.status, numbers[0]!, site);
      } else {
        const encoded = this.#core.predicates.encode(specificationOf(draft, replies, numbers, end, site));
        predicates = encoded.predicates;
        id = engine.addRule(encoded.json);
      }
      const rule = new Rule(this.#core, id, extrasOf(draft, isPlain, site));
      for (const number of numbers) this.#owners[number] = rule;
      if (predicates.length > 0) this.#predicates.set(rule, predicates);
      return rule;
    } catch (cause) {
      for (const number of numbers) this.#release(number);
      this.#core.predicates.release(predicates);
      throw invalid(draft.label, cause);
    }
  }

  /** All rules. */
  all(): Rule[] {
    return [...new Set(this.#owners.filter((rule) => rule !== undefined))];
  }

  remove(rule: Rule): void {
    rule.retire();
    this.#core.engine.removeRule(rule.id);
    this.#owners.forEach((owner, number) => owner === rule && this.#release(number));
    this.#core.predicates.release(this.#predicates.get(rule) ?? []);
    this.#predicates.delete(rule);
  }

  /** Forgets all rules. The engine, which still knows how often they answered, forgets them next. */
  clear(): void {
    for (const rule of this.all()) rule.retire();
    this.#replies.length = this.#owners.length = this.#free.length = 0;
    this.#predicates.clear();
  }

  #number(reply: Reply): number {
    const number = this.#free.pop() ?? this.#replies.length;
    this.#replies[number] = reply;
    this.#owners[number] = undefined;
    return number;
  }

  #release(number: number): void {
    this.#replies[number] = this.#owners[number] = undefined;
    this.#free.push(number);
  }
}

/** The rule as the engine takes it. Spelt out: objects made by spreading are slow to make and slow to write. */
function specificationOf(
  draft: RuleDraft,
  replies: readonly Reply[],
  numbers: readonly number[],
  end: SequenceEnd | undefined,
  site: string,
): object {
  const { priority, min, max, otherwise, scenario, when } = draft;
  return {
    priority,
    min,
    max,
    otherwise,
    scenario,
    site,
    when,
    replies: replies.map(({ status, template, contentType }, at) => ({
      status,
      external: numbers[at],
      template,
      contentType,
    })),
    end: end === undefined ? undefined : ENDS[end],
  };
}

/** What the rule has to remember itself. The engine can name a plain rule, whose method and target say it all. */
function extrasOf(draft: RuleDraft, isPlain: boolean, site: string): RuleExtras | undefined {
  const { method, target, label } = draft;
  const { captures, groups } = target;
  const name = isPlain && method !== undefined ? undefined : ruleName(label, site);
  return name === undefined && !captures && groups === undefined ? undefined : { name, captures, groups };
}

function invalid(name: string, cause: unknown): MockwireError {
  if (cause instanceof MockwireError) return cause;
  const { code, message } = cause as { code?: unknown; message?: unknown };
  const kind = typeof code === "string" ? code : "MOCKWIRE_INVALID_PATTERN";
  return new InvalidRuleError(kind, `the rule ${name}: ${String(message ?? cause)}`, { cause });
}
