/** Replies that the test gives by hand, when it wants to. */

import type { CapturedRequest } from "../captured.js";
import { DisposedError, type MockwireError, StaleHandleError } from "../errors.js";
import type { Exchange } from "../exchange.js";
import type { HeadersInput } from "../headers.js";
import { networkError } from "../network-error.js";
import type { Rule } from "../rule.js";
import { answerFrom, isResponse } from "./foreign.js";
import { replyFrom, type ReplyBody, type Replyable, replyWith } from "./from.js";
import { type Answer, Reply } from "./reply.js";

/** A request that waits for its reply. */
export class HeldRequest<Params = Record<string, string>, Body = any> {
  readonly request: CapturedRequest<Params, Body>;
  readonly #exchange: Exchange;
  #settle: { resolve: (answer: Answer | Promise<Answer>) => void; reject: (error: unknown) => void } | undefined;

  /** @internal */
  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.request = exchange.captured as CapturedRequest<any, any>;
  }

  /** Whether the client still waits: nobody has replied, and it has not given up. */
  get isWaiting(): boolean {
    return this.#settle !== undefined && !this.#exchange.ended;
  }

  /** Gives the reply: a status with body and headers, or any value that a rule can reply with. */
  reply(status: number, body?: ReplyBody, headers?: HeadersInput): void;
  reply(value: Replyable): void;
  reply(value: Replyable, body?: ReplyBody, headers?: HeadersInput): void {
    // Made first: a reply that cannot be made is the caller's mistake, and the request goes on waiting.
    const made = isResponse(value) ? value : replyOf(value, body, headers);
    const { resolve, reject } = this.#take();
    try {
      resolve(made instanceof Reply ? made.answer(this.#exchange) : answerFrom(made));
    } catch (thrown) {
      reject(thrown);
    }
  }

  /** Lets the request fail: with a network error of this code, or with this error. */
  fail(error: string | Error = "ECONNRESET"): void {
    const { address } = this.#exchange;
    this.#take().reject(typeof error === "string" ? networkError(error, address) : error);
  }

  /** @internal */
  wait(): Promise<Answer> {
    return this.#exchange.race(new Promise((resolve, reject) => (this.#settle = { resolve, reject })));
  }

  #take() {
    const settle = this.#settle;
    if (settle === undefined)
      throw new StaleHandleError(`${this.request.method} ${this.request.url} was answered already`);
    if (this.#exchange.ended)
      throw new StaleHandleError(`${this.request.method} ${this.request.url} is over: its client gave up`);
    this.#settle = undefined;
    return settle;
  }
}

/** The handle of a rule that holds its requests until the test replies. */
export class Held<Params = Record<string, string>, Body = any> extends Reply {
  #rule: Rule | undefined;
  #arrived: Array<HeldRequest<Params, Body>> = [];
  #waiting: Array<{ resolve: (held: HeldRequest<Params, Body>) => void; reject: (error: unknown) => void }> = [];

  /** The rule, to remove it or to count its calls. */
  get rule(): Rule {
    return this.#rule!;
  }

  /** How many requests wait for a reply and were not taken by `next()`. */
  get waiting(): number {
    return this.#arrived.filter((held) => held.isWaiting).length;
  }

  /** The next request that nobody has replied to yet, in order of arrival; waits for one to arrive. */
  next(): Promise<HeldRequest<Params, Body>> {
    const { length } = this.#arrived;
    for (let at = 0; at < length; at += 1) {
      const held = this.#arrived.shift()!;
      if (held.isWaiting) return Promise.resolve(held);
    }
    if (!this.rule.isActive || this.rule.isDisposed) return Promise.reject(this.#over());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** @internal */
  override answer(exchange: Exchange): Promise<Answer> {
    const held = new HeldRequest<Params, Body>(exchange);
    const answer = held.wait();
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#arrived.push(held);
    else waiter.resolve(held);
    return answer;
  }

  /** @internal */
  attach(rule: Rule): this {
    this.#rule = rule;
    rule.onRemoved(() => {
      for (const { reject } of this.#waiting.splice(0)) reject(this.#over());
    });
    return this;
  }

  #over(): MockwireError {
    return this.rule.isDisposed
      ? new DisposedError()
      : new StaleHandleError(`${this.rule} was removed: nothing will arrive`);
  }
}

function replyOf(value: Replyable, body?: ReplyBody, headers?: HeadersInput): Reply {
  if (typeof value !== "number") return replyFrom(value);
  return replyWith(body, { status: value, ...(headers && { headers }) });
}
