/** The handle of a registered rule. */

import type { CapturedRequest } from "./captured.js";
import type { Core } from "./core.js";
import type { RuleDraft } from "./draft.js";
import { StaleHandleError } from "./errors.js";
import { DISPOSE, INSPECT } from "./inspect.js";
import type { ParsedTarget } from "./target.js";

/** A registered rule: how often it answered, and the way to take it back. */
export class Rule {
  /** @internal */
  readonly id: number;
  readonly #core: Core;
  readonly #method: string;
  readonly #label: string;
  readonly #site: string;
  readonly #groups: ParsedTarget["groups"];
  /** Whether the engine captures parts of the path. @internal */
  readonly captures: boolean;
  /** How often it had answered when it was removed. */
  #finalCalls: number | undefined;
  #whenRemoved: (() => void) | undefined;

  /** @internal */
  constructor(core: Core, id: number, draft: RuleDraft, site: string) {
    this.#core = core;
    this.id = id;
    this.#method = draft.method ?? "*";
    this.#label = draft.target.label;
    this.#site = site;
    this.captures = draft.target.captures;
    this.#groups = draft.target.groups;
  }

  /** How often it has answered. */
  get calls(): number {
    if (this.isActive) this.#core.assertUsable();
    return this.#finalCalls ?? this.#core.engine.hits(this.id);
  }

  /** The requests it has answered, oldest first, as far as the journal keeps them. */
  requests(): CapturedRequest[] {
    this.#core.assertUsable();
    return this.#core.journal.all().filter((request) => request.rule === this);
  }

  /** Whether it is registered still. */
  get isActive(): boolean {
    return this.#finalCalls === undefined;
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
    const site = this.#site === "" ? "" : ` (${this.#site})`;
    return `${this.#method} ${this.#label}${site}`;
  }

  [INSPECT](): string {
    return `Rule ${this}`;
  }

  /** @internal */
  groupsOf(href: string): Record<string, string> | undefined {
    return this.#groups?.(href);
  }

  /** @internal */
  onRemoved(listener: () => void): void {
    this.#whenRemoved = listener;
    this.#core.onDispose.add(listener);
  }

  /** @internal */
  retire(calls: number): void {
    this.#finalCalls = calls;
    if (this.#whenRemoved === undefined) return;
    this.#core.onDispose.delete(this.#whenRemoved);
    this.#whenRemoved();
  }
}
