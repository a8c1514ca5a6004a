/** The handle of a registered rule. */

import type { CapturedRequest } from "./captured.js";
import type { Core } from "./core.js";
import { StaleHandleError } from "./errors.js";
import type { CheckedDamage } from "./faults/damage.js";
import { DISPOSE, INSPECT } from "./inspect.js";
import type { ParsedTarget } from "./target.js";

/** What few rules have. It is kept apart, so that the others are small: suites register thousands. */
export interface RuleExtras {
  /** What `toString` says, where the engine would say it in other words or not at all. */
  name?: string | undefined;
  /** Whether the engine captures parts of the path. */
  readonly captures?: boolean;
  /** The numbers of the replies with which its rate limits refuse; of a rule with such limits, or with a chaos. */
  readonly refusals?: readonly number[];
  /** What its own chaos may do. */
  readonly chaos?: readonly CheckedDamage[] | undefined;
  /** What the target captures, where the engine cannot tell. */
  readonly groups?: ParsedTarget["groups"];
  /** How often it had answered when it was removed. */
  finalCalls?: number;
  whenRemoved?: () => void;
}

/** A registered rule: how often it answered, and the way to take it back. */
export class Rule {
  /** The engine's number for it; `NaN` until that has been told of it. @internal */
  id: number;
  readonly #core: Core;
  #extras: RuleExtras | undefined;

  /** @internal */
  constructor(core: Core, id: number, extras: RuleExtras | undefined) {
    this.id = id;
    this.#core = core;
    this.#extras = extras;
  }

  /** Whether the engine captures parts of the path. @internal */
  get captures(): boolean {
    return this.#extras?.captures === true;
  }

  /** Whether its replies may come with more than they say: see `roughened`. @internal */
  get isRough(): boolean {
    return this.#extras?.refusals !== undefined;
  }

  /** What its own chaos may do. @internal */
  get chaos(): readonly CheckedDamage[] | undefined {
    return this.#extras?.chaos;
  }

  /** Whether the reply with this number is how one of its rate limits refuses. @internal */
  refusesWith(reply: number): boolean {
    return this.#extras?.refusals?.includes(reply) === true;
  }

  /** How often it has answered. */
  get calls(): number {
    if (this.isActive) this.#core.assertUsable();
    return this.#extras?.finalCalls ?? this.#core.engine.hits(this.id);
  }

  /** The requests it has answered, oldest first, as far as the journal keeps them. */
  requests(): CapturedRequest[] {
    this.#core.assertUsable();
    return this.#core.journal.all().filter((request) => request.rule === this);
  }

  /** Whether it is registered still. */
  get isActive(): boolean {
    return this.#extras?.finalCalls === undefined;
  }

  /** Whether its transport is gone. @internal */
  get isDisposed(): boolean {
    return this.#core.disposed;
  }

  /** Takes the rule back. Requests it holds go on waiting. Throws `StaleHandleError` the second time. */
  remove(): void {
    this.#core.assertUsable();
    if (!this.isActive) throw new StaleHandleError(`${this} was removed before`);
    this.#core.rules.remove(this);
  }

  /** Takes the rule back unless that has happened: for `using rule = ...`. */
  [DISPOSE](): void {
    if (this.isActive && !this.#core.disposed) this.remove();
  }

  /** `POST /v1/messages (tests/chat.test.ts:12:4)` */
  toString(): string {
    const name = this.#extras?.name;
    if (name !== undefined) return name;
    if (this.#core.disposed) return "a rule of a disposed transport";
    this.#core.rules.tellSites();
    const { rule, site } = inParts(this.#core.engine.describe(this.id));
    return ruleName(rule, site);
  }

  /** What it asks for, in the words of the engine as long as it is registered, and where it was registered. @internal */
  told(): { readonly rule: string; readonly site: string } {
    if (this.isActive) return inParts(this.#core.engine.describe(this.id));
    const [, rule, site] = /^(.*?)(?: \(([^()]*)\))?$/s.exec(this.#extras!.name!)!;
    return { rule: rule!, site: site ?? "" };
  }

  [INSPECT](): string {
    return `Rule ${this}`;
  }

  /** @internal */
  groupsOf(href: string): Record<string, string> | undefined {
    return this.#extras?.groups?.(href);
  }

  /** @internal */
  onRemoved(listener: () => void): void {
    this.#extras = { ...this.#extras, whenRemoved: listener };
    this.#core.onDispose(listener);
  }

  /** It is being removed; the engine still knows it. @internal */
  retire(): void {
    const extras = { ...this.#extras, name: String(this), finalCalls: this.calls };
    this.#extras = extras;
    if (extras.whenRemoved === undefined) return;
    this.#core.offDispose(extras.whenRemoved);
    extras.whenRemoved();
  }
}

/** The engine says `POST /v1/messages at tests/chat.test.ts:12:4`. */
function inParts(description: string): { readonly rule: string; readonly site: string } {
  const end = description.lastIndexOf(" at ");
  return { rule: description.slice(0, end), site: description.slice(end + " at ".length) };
}

/** What a rule is called: `POST /v1/messages (tests/chat.test.ts:12:4)`. */
export function ruleName(label: string, site: string): string {
  return site === "" ? label : `${label} (${site})`;
}
