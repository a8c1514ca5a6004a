/**
 * What the engine has not been told yet. Many tests have a rule or two, make a request, and look at what was
 * sent: for them no engine is made, and no module compiled.
 *
 * Nothing is decided here that could be decided in two ways. Kept are rules for one method and a target of plain
 * letters, and requests that are, letter by letter, what the first rule for their method and path asks for.
 * Everything else is for the engine, which is told of all this first, in order, and comes to the same.
 */

import type { Address } from "./address.js";
import type { Engine } from "./engine.js";
import type { Exchange } from "./exchange.js";
import { NONE, withOne } from "./lists.js";
import { addPlainRule } from "./plain-rules.js";
import type { Rule } from "./rule.js";

/** How many rules and how many requests are kept. With one more, the engine is worth its price. */
const RULES_LIMIT = 16;
const REQUESTS_LIMIT = 64;

/** A path, perhaps with an origin before it: nothing wild in it, nothing escaped, no query. */
const PLAIN = /^(?:https?:\/\/[a-z0-9.-]+(?::\d{1,4})?)?\/[\w.~/-]*$/;

/** A rule that the engine has not been told of. */
interface Kept {
  readonly method: string;
  readonly target: string;
  /** The end of the target, or all of it. */
  readonly path: string;
  readonly status: number;
  /** The number of its reply. */
  readonly reply: number;
}

export class Backlog {
  #rules: Kept[] = NONE;
  #exchanges: Exchange[] = NONE;

  /** Keeps a rule; `false` when it is for the engine. */
  takeRule(method: string | undefined, target: string, status: number, reply: number): boolean {
    if (method === undefined || this.#rules.length === RULES_LIMIT || !PLAIN.test(target)) return false;
    const path = target.startsWith("/") ? target : target.slice(target.indexOf("/", "https://".length));
    this.#rules = withOne(this.#rules, { method, target, path, status, reply });
    return true;
  }

  /** Keeps a request, and answers the number of its reply; `undefined` when it is for the engine. */
  takeRequest(exchange: Exchange): number | undefined {
    if (this.#exchanges.length === REQUESTS_LIMIT) return undefined;
    const reply = this.#replyTo(exchange.method, exchange.address);
    if (reply !== undefined) this.#exchanges = withOne(this.#exchanges, exchange);
    return reply;
  }

  /** Tells the engine of everything; `owner` has the rules by the numbers of their replies. */
  tell(engine: Engine, owner: (reply: number) => Rule): void {
    for (const { method, target, status, reply } of this.#rules) {
      owner(reply).id = addPlainRule(engine, `${method} ${target}`, status, reply);
    }
    for (const { address, method } of this.#exchanges) address.line(method).arrive(engine);
  }

  #replyTo(method: string, address: Address): number | undefined {
    for (const rule of this.#rules) {
      if (rule.path !== address.plainPath || rule.method !== method) continue;
      // Another origin may still be meant: one without a port means every port.
      return rule.target === rule.path || rule.target === address.href ? rule.reply : undefined;
    }
    return undefined;
  }
}
