/** A rule in the making: conditions, then how often, then exactly one reply. */

import { Conditional } from "./conditional.js";
import type { Condition } from "./conditions.js";
import type { Core } from "./core.js";
import type { RuleDraft } from "./draft.js";
import { InvalidRuleError, shown } from "./errors.js";
import { type Chaos, checkedChaos } from "./faults/chaos.js";
import type { HeadersInput } from "./headers.js";
import { Rate, type RateLimit } from "./limits/rate-limit.js";
import { error, type ErrorCode } from "./reply/failure.js";
import { replyFrom, type ReplyBody, type Replyable, replyWith } from "./reply/from.js";
import { type Handler, HandlerReply } from "./reply/handler.js";
import type { ReplyInit } from "./reply/head.js";
import { Held } from "./reply/held.js";
import { passthrough, type Upstream } from "./reply/passthrough.js";
import type { Reply } from "./reply/reply.js";
import { redirect } from "./reply/static.js";
import type { Fault } from "./reply/script.js";
import { type Chunks, stream, type StreamInit } from "./reply/stream.js";
import { template } from "./reply/template.js";
import type { Rule } from "./rule.js";
import type { SequenceEnd } from "./rules.js";
import { type Place, placeOf } from "./site.js";
import { boundsOf, isCount, type Times } from "./times.js";

/** Whoever takes finished rules. @internal */
export interface Registrar {
  readonly core: Core;
  register(draft: RuleDraft, replies: readonly Reply[], end: SequenceEnd | undefined, place: Place): Rule;
}

/**
 * Collects what a rule asks for. Nothing is registered until one of the replies is chosen: `reply`,
 * `replySequence`, `retry`, `stream`, `template`, `redirect`, `hold`, `passthrough` or `error`.
 *
 * `Params` are the captures of the path, `Body` is what `request.json()` gives in handlers.
 */
export class RuleBuilder<Params = Record<string, string>, Body = any> extends Conditional<Params, Body> {
  readonly #registrar: Registrar;
  readonly #draft: RuleDraft;
  #caller: unknown;

  /** @internal */
  constructor(registrar: Registrar, draft: RuleDraft) {
    super();
    this.#registrar = registrar;
    this.#draft = draft;
  }

  /** Says what the bodies are, for the type of `request.json()`. Nothing is checked. */
  accepts<T>(): RuleBuilder<Params, T> {
    return this as unknown as RuleBuilder<Params, T>;
  }

  /** Exactly this often, or from `min` to `max` times. */
  times(times: number | Times): this {
    const refused = (message: string) => new InvalidRuleError("MOCKWIRE_INVALID_OPTION", message);
    const { min, max } = boundsOf("times", times, refused);
    this.#draft.min = min;
    this.#draft.max = max;
    return this;
  }

  /** Exactly once. */
  once(): this {
    return this.times(1);
  }

  /** It need not answer at all: `verify()` does not ask for it. */
  optional(): this {
    this.#draft.min = 0;
    return this;
  }

  /** Of several rules that match, the one with the highest priority answers; among equals, the first. 0 unless given. */
  priority(priority: number): this {
    if (!Number.isInteger(priority) || Math.abs(priority) > 0x7fffffff) {
      throw new InvalidRuleError("MOCKWIRE_INVALID_OPTION", `priority() takes a whole number, not ${shown(priority)}`);
    }
    this.#draft.priority = priority;
    return this;
  }

  /** Makes the rule part of a scenario: a named state that rules wait for and change. */
  inScenario(name: string): this {
    this.#draft.scenario = { ...this.#draft.scenario, name: word("inScenario", name) };
    return this;
  }

  /** It answers only when its scenario is in this state; every scenario begins in `started`. */
  whenState(state: string): this {
    this.#draft.scenario = { ...this.#inScenario("whenState"), when: word("whenState", state) };
    return this;
  }

  /** When it has answered, its scenario is in this state. */
  thenState(state: string): this {
    this.#draft.scenario = { ...this.#inScenario("thenState"), then: word("thenState", state) };
    return this;
  }

  /**
   * Limits how fast it answers: what is too much is refused with 429, and takes no turn. More than one
   * limit apply together. See {@link RateLimit}.
   *
   * @example transport.get("/search").rateLimit({ fixedWindow: 10, per: 1000 }).reply({ hits: [] });
   */
  rateLimit(limit: RateLimit<Params, Body>): this {
    this.#registrar.core.keepTime();
    this.#draft.rates = [...(this.#draft.rates ?? []), new Rate(limit, "rateLimit()")];
    return this;
  }

  /**
   * What goes wrong with its replies by chance, instead of what the option `chaos` does to all.
   *
   * @example transport.get("/flaky").chaos([{ share: 0.2, damage: { status: 503 } }]).reply({ ok: true });
   */
  chaos(chaos: Chaos): this {
    this.#draft.chaos = checkedChaos("chaos()", chaos);
    return this;
  }

  /**
   * Registers the rule with its reply: a status with a body and headers; a handler; or a value: text,
   * bytes, a platform `Response`, something made with `reply`, or else what is sent as JSON.
   *
   * @example
   * transport.get("/health").reply(204);
   * transport.get("/users/:id").reply({ id: 7 });
   * transport.post("/users").reply(201, { id: 8 }, { location: "/users/8" });
   * transport.post("/echo").reply((request) => request.json());
   */
  reply(status: number, body?: ReplyBody, headers?: HeadersInput): Rule;
  reply(handler: Handler<Params, Body>): Rule;
  reply(value: Replyable): Rule;
  reply(value: Replyable | Handler<Params, Body>, body?: ReplyBody, headers?: HeadersInput): Rule {
    if (typeof value === "number") {
      const init = headers === undefined ? { status: value } : { status: value, headers };
      return this.#register([replyWith(body, init)], placeOf(this.#caller ?? this.reply));
    }
    return this.#register([toReply(value)], placeOf(this.#caller ?? this.reply));
  }

  /** Replies one after the other. After the last one the next request fails, unless `end` says otherwise. */
  replySequence(
    replies: ReadonlyArray<Replyable | Handler<Params, Body>>,
    options: { readonly end?: SequenceEnd } = {},
  ): Rule {
    const { end = "fail" } = options;
    if (!Array.isArray(replies) || replies.length === 0 || !(end === "fail" || end === "repeat" || end === "cycle")) {
      throw new InvalidRuleError(
        "MOCKWIRE_INVALID_OPTION",
        "replySequence() takes an array of at least one reply, and `end` is fail, repeat or cycle",
      );
    }
    return this.#register(replies.map(toReply), placeOf(this.#caller ?? this.replySequence), end);
  }

  /** The first `n` requests get `failure`, all later ones `success`. */
  retry(n: number, failure: Replyable | Handler<Params, Body>, success: Replyable | Handler<Params, Body>): Rule {
    if (!isCount(n))
      throw new InvalidRuleError("MOCKWIRE_INVALID_OPTION", `retry() takes a whole number, not ${shown(n)}`);
    const failures = new Array<Reply>(n).fill(toReply(failure));
    return this.#register([...failures, toReply(success)], placeOf(this.#caller ?? this.retry), "repeat");
  }

  /** A body in pieces. See {@link stream}. */
  stream(chunks: Chunks | (() => Chunks), init?: StreamInit): Rule {
    return this.#register([stream(chunks, init)], placeOf(this.#caller ?? this.stream));
  }

  /** Text with placeholders such as `{{param.id}}` and `{{json /model}}`. See {@link template}. */
  template(text: string, init?: ReplyInit): Rule {
    return this.#register([template(text, init)], placeOf(this.#caller ?? this.template));
  }

  /** A redirect, 302 unless given, which `fetch` follows through this transport. */
  redirect(location: string | URL, status?: number): Rule {
    return this.#register([redirect(location, status)], placeOf(this.#caller ?? this.redirect));
  }

  /** Requests wait until the test replies to them: `const held = await rule.next(); held.reply(200)`. */
  hold(): Held<Params, Body> {
    const held = new Held<Params, Body>();
    return held.attach(this.#register([held], placeOf(this.#caller ?? this.hold)));
  }

  /** Requests go on to another transport, such as the platform's `fetch`, and its response comes back. */
  passthrough(upstream: Upstream): Rule {
    return this.#register([passthrough(upstream)], placeOf(this.#caller ?? this.passthrough));
  }

  /** The connection fails: `fetch` rejects with a network error of this code, or with this error. See {@link error}. */
  error(code?: ErrorCode | { readonly fault: Fault } | Error, init?: Pick<ReplyInit, "delay">): Rule {
    return this.#register([error(code, init)], placeOf(this.#caller ?? this.error));
  }

  /** @internal */
  protected override and(condition: Condition): this {
    this.#draft.conditions = [...this.#draft.conditions, condition];
    return this;
  }

  /** The rule's place is where this function was called, and not the one that gives the reply. @internal */
  calledBy(caller: unknown): this {
    this.#caller = caller;
    return this;
  }

  #inScenario(caller: string): { name: string } {
    if (this.#draft.scenario !== null) return this.#draft.scenario;
    throw new InvalidRuleError("MOCKWIRE_INVALID_OPTION", `${caller}() needs a scenario: call inScenario() before`);
  }

  #register(replies: readonly Reply[], place: Place, end?: SequenceEnd): Rule {
    return this.#registrar.register(this.#draft, replies, end, place);
  }
}

function toReply(value: Replyable | Handler<any, any>): Reply {
  return typeof value === "function" ? new HandlerReply(value as Handler) : replyFrom(value);
}

function word(caller: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new InvalidRuleError("MOCKWIRE_INVALID_OPTION", `${caller}() takes a name, not ${shown(value)}`);
}
