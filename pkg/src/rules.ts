/** The rules of a transport on this side: what the engine's numbers stand for. */

import type { Core } from "./core.js";
import type { RuleDraft } from "./draft.js";
import { InvalidRuleError, MockwireError } from "./errors.js";
import type { Reply } from "./reply/reply.js";
import { NONE, withOne } from "./lists.js";
import { addPlainRule } from "./plain-rules.js";
import { encode, encodeNumbers } from "./predicates.js";
import { Rule, ruleName } from "./rule.js";
import { type Place, siteOf } from "./site.js";

/** What a sequence does when it has given all of its replies: fail (the default), repeat the last one, or start over. */
export type SequenceEnd = "fail" | "repeat" | "cycle";

/** How many rules may have places that are not in words yet. */
const PLACES_LIMIT = 16;

/** Kept small per rule: suites register thousands. */
export class Rules {
  readonly #core: Core;
  /** Replies by number, and the rules they belong to. */
  #replies: Array<Reply | undefined> = NONE;
  #owners: Array<Rule | undefined> = NONE;
  /** The first replies, which belong to no rule: the transport itself refuses with them. */
  readonly #refusals: readonly Reply[];
  /** Numbers of removed replies, to be given out again. */
  #free: number[] | undefined;
  /** The numbers of the predicates of those rules that have any. */
  #predicates: Map<Rule, readonly number[]> | undefined;
  /** Where the latest plain rules were registered, as long as nobody wants to know: words are slow to make. */
  #places: Array<{ readonly rule: Rule; readonly place: Place }> = NONE;

  constructor(core: Core, refusals: readonly Reply[]) {
    this.#core = core;
    this.#refusals = refusals;
    if (refusals.length > 0) this.#begin();
  }

  /** The reply that the engine means. */
  reply(number: number): Reply | undefined {
    return this.#replies[number];
  }

  /** The rule whose reply the engine means. */
  owner(number: number): Rule | undefined {
    return this.#owners[number];
  }

  /** Registers a rule. */
  add(draft: RuleDraft, replies: readonly Reply[], end: SequenceEnd | undefined, place: Place): Rule {
    const reply = replies[0];
    const isPlain = draft.isPlain && end === undefined && reply!.template === undefined;
    return isPlain ? this.#addPlain(draft, reply!, place) : this.#addSpecial(draft, replies, end, place);
  }

  #addPlain(draft: RuleDraft, reply: Reply, place: Place): Rule {
    const number = this.#number(reply);
    const { method, target } = draft;
    let id = NaN;
    try {
      if (!this.#core.keepRule(draft, reply.status, number)) {
        id = addPlainRule(this.#core.engine, `${method ?? ""} ${target.text!}`, reply.status, number);
      }
    } catch (cause) {
      this.#release(number);
      throw invalid(draft.label, cause);
    }
    // The engine can name it, unless it is for every method: that is `*` here, and nothing there.
    const name = method === undefined ? ruleName(draft.label, siteOf(place)) : undefined;
    const { captures } = target;
    const rule = new Rule(this.#core, id, captures || name !== undefined ? { name, captures } : undefined);
    this.#owners[number] = rule;
    if (place !== undefined) {
      if (this.#places.length === PLACES_LIMIT) this.tellSites();
      this.#places = withOne(this.#places, { rule, place });
    }
    return rule;
  }

  #addSpecial(draft: RuleDraft, replies: readonly Reply[], end: SequenceEnd | undefined, place: Place): Rule {
    const site = siteOf(place);
    const numbers = replies.map((reply) => this.#number(reply));
    const refusals = draft.rates?.map(({ refusal }) => this.#number(refusal)) ?? NONE;
    const isRough = draft.rates !== undefined || draft.chaos !== undefined;
    let predicates: readonly number[] = [];
    try {
      const encoded = encode(this.#core, specificationOf(draft, replies, numbers, end, site));
      predicates = encoded.predicates;
      const rates = encodeNumbers(this.#core, draft.rates?.flatMap((rate, at) => rate.encoded(refusals[at]!)) ?? NONE);
      predicates = [...predicates, ...rates.predicates];
      const shares = draft.chaos && Float64Array.from(draft.chaos.shares);
      const id = this.#core.engine.addRule(encoded.json, rates.numbers, shares);
      const { captures, groups } = draft.target;
      const name = ruleName(draft.label, site);
      const chaos = draft.chaos?.damages;
      const rule = new Rule(this.#core, id, { name, captures, groups, chaos, ...(isRough && { refusals }) });
      for (const number of [...numbers, ...refusals]) this.#owners[number] = rule;
      if (predicates.length > 0) (this.#predicates ??= new Map()).set(rule, predicates);
      return rule;
    } catch (cause) {
      for (const number of [...numbers, ...refusals]) this.#release(number);
      this.#core.releasePredicates(predicates);
      throw invalid(draft.label, cause);
    }
  }

  /** Tells the engine where rules were registered, because it is about to say so. */
  tellSites(): void {
    const places = this.#places;
    if (places.length === 0) return;
    this.#places = NONE;
    const { engine } = this.#core;
    for (const { rule, place } of places) engine.nameSite(rule.id, siteOf(place));
  }

  /** All rules. */
  all(): Rule[] {
    return [...new Set(this.#owners.filter((rule) => rule !== undefined))];
  }

  remove(rule: Rule): void {
    rule.retire();
    this.#core.engine.removeRule(rule.id);
    this.#owners.forEach((owner, number) => owner === rule && this.#release(number));
    const predicates = this.#predicates?.get(rule);
    if (predicates === undefined) return;
    this.#core.releasePredicates(predicates);
    this.#predicates!.delete(rule);
  }

  /** Forgets all rules. The engine, which still knows how often they answered, forgets them next. */
  clear(): void {
    for (const rule of this.all()) rule.retire();
    this.#free = this.#predicates = undefined;
    this.#places = NONE;
    this.#begin();
  }

  #begin(): void {
    this.#replies = [...this.#refusals];
    this.#owners = this.#refusals.map(() => undefined);
  }

  #number(reply: Reply): number {
    const free = this.#free?.pop();
    if (free !== undefined) {
      this.#replies[free] = reply;
      return free;
    }
    const number = this.#replies.length;
    this.#replies = withOne(this.#replies, reply);
    this.#owners = withOne(this.#owners, undefined);
    return number;
  }

  #release(number: number): void {
    this.#replies[number] = this.#owners[number] = undefined;
    (this.#free ??= []).push(number);
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
    end,
  };
}

function invalid(name: string, cause: unknown): MockwireError {
  if (cause instanceof MockwireError) return cause;
  const { code, message } = cause as { code?: unknown; message?: unknown };
  const kind = typeof code === "string" ? code : "MOCKWIRE_INVALID_PATTERN";
  return new InvalidRuleError(kind, `the rule ${name}: ${String(message ?? cause)}`, { cause });
}
