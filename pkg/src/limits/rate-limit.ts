/** Limits on how much may be done in how much time. */

import type { CapturedRequest } from "../captured.js";
import { InvalidArgumentError, shown } from "../errors.js";
import { Reading } from "../predicates.js";
import { replyFrom, type Replyable } from "../reply/from.js";
import type { Reply } from "../reply/reply.js";
import { text } from "../reply/static.js";
import { checkedKey } from "./concurrency.js";

/** How a rate limit counts. Times are milliseconds of the transport's time. */
export type RateCount =
  /** So many in each window of this length. Windows begin at the multiples of it. */
  | { readonly fixedWindow: number; readonly per: number }
  /** So many in any window of this length. */
  | { readonly slidingWindow: number; readonly per: number }
  /** So many at once; they come back steadily, `refill` of them in `per`. */
  | { readonly tokenBucket: number; readonly refill: number; readonly per: number };

/**
 * At most so many requests, or tokens, in so much of the transport's time. What is too much is refused
 * with 429, and counts for nothing. Where several limits apply together, a request counts for all of them
 * or for none.
 *
 * @example
 * transport.post("/v1/messages").rateLimit({ fixedWindow: 50, per: 60_000, headers: "anthropic" }).reply(message);
 * transport.post("/v1/chat").rateLimit({
 *   tokenBucket: 1000, refill: 10, per: 1000,
 *   tokens: (request) => request.json().max_tokens,
 *   key: (request) => request.headers.get("authorization") ?? "",
 * }).reply({ ok: true });
 */
export type RateLimit<Params = Record<string, string>, Body = any> = RateCount & {
  /** Counts tokens, as many as this says, instead of requests. */
  readonly tokens?: (request: CapturedRequest<Params, Body>) => number;
  /** Counts separately for each key: an account, a host. */
  readonly key?: (request: CapturedRequest<Params, Body>) => string;
  /**
   * How a refusal says when to try again: in seconds, or as a date, in `retry-after`; or in milliseconds, in
   * `retry-after-ms` besides; or not at all. Always rounded up: who waits so long is not refused again.
   * `"seconds"` unless given.
   */
  readonly retryAfter?: "seconds" | "date" | "milliseconds" | "none";
  /**
   * In which header fields every reply says how the limit stands: in those of a draft of the IETF
   * (`ratelimit-remaining`), as OpenAI (`x-ratelimit-remaining-requests`), as Anthropic
   * (`anthropic-ratelimit-requests-remaining`), or in none. `"draft"` unless given.
   */
  readonly headers?: "draft" | "openai" | "anthropic" | "none";
  /** Refuses with this, instead of 429 and a line of text. The header fields are added. */
  readonly refuseWith?: Replyable;
};

// The engine knows these words by their places.
const KINDS = ["fixedWindow", "slidingWindow", "tokenBucket"] as const;
const RETRY_AFTER: readonly string[] = ["seconds", "date", "milliseconds", "none"];
const HEADERS: readonly string[] = ["draft", "openai", "anthropic", "none"];
const KNOWN: readonly string[] = [...KINDS, "refill", "per", "tokens", "key", "retryAfter", "headers", "refuseWith"];

/** What is not given. */
const NOT = -1;

/** A checked limit: what crosses to the engine, and the reply that refuses. */
export class Rate {
  readonly refusal: Reply;
  readonly #limit: RateLimit<any>;
  readonly #where: string;

  /** Throws when it is none; `where` is who was given it. */
  constructor(limit: RateLimit<any>, where: string) {
    this.#limit = checked(limit, where);
    this.#where = where;
    this.refusal = refusalOf(limit, where);
  }

  /** As the engine takes it, its values in order, with the number of the reply that refuses. */
  encoded(refusal: number): ReadonlyArray<number | Reading> {
    const { per, tokens, key, retryAfter = "seconds", headers = "draft" } = this.#limit;
    const given = this.#limit as { readonly [name: string]: unknown };
    const kind = KINDS.findIndex((kind) => given[kind] !== undefined);
    return [
      kind,
      given[KINDS[kind]!] as number,
      (given["refill"] as number | undefined) ?? NOT,
      per,
      tokens === undefined
        ? NOT
        : new Reading((request) => checkedCost(tokens(request)), `\`tokens\` of ${this.#where}`),
      key === undefined ? NOT : new Reading((request) => checkedKey(key(request)), `\`key\` of ${this.#where}`),
      RETRY_AFTER.indexOf(retryAfter),
      HEADERS.indexOf(headers),
      refusal,
    ];
  }
}

/** One limit, or several. */
export function ratesOf(limits: RateLimit | readonly RateLimit[] | undefined, where: string): Rate[] {
  const list = limits === undefined ? [] : Array.isArray(limits) ? (limits as RateLimit[]) : [limits as RateLimit];
  return list.map((limit) => new Rate(limit, where));
}

function refusalOf({ refuseWith }: RateLimit<any>, where: string): Reply {
  if (refuseWith === undefined) return text("too many requests", { status: 429 });
  const reply = replyFrom(refuseWith);
  if (reply.template === undefined) return reply;
  throw new InvalidArgumentError(`${where}: \`refuseWith\` cannot be a template`);
}

function checkedCost(tokens: unknown): number {
  if (typeof tokens === "number" && tokens >= 0 && tokens <= Number.MAX_SAFE_INTEGER) return Math.ceil(tokens);
  throw new TypeError(`a number of tokens is a number from 0, not ${shown(tokens)}`);
}

function checked<T extends RateLimit<any>>(limit: T, where: string): T {
  if (typeof limit !== "object" || limit === null) {
    throw new InvalidArgumentError(`${where} takes an object such as { fixedWindow: 50, per: 60_000 }, not ${shown(limit)}`);
  }
  const given = limit as { readonly [name: string]: unknown };
  const unknown = Object.keys(given).find((name) => !KNOWN.includes(name));
  const kinds = KINDS.filter((kind) => given[kind] !== undefined);
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
  const isTime = (value: unknown) => typeof value === "number" && value > 0 && value < Infinity;
  const isOneOf = (value: unknown, words: readonly string[]) => value === undefined || words.includes(value as string);
  const isFunction = (value: unknown) => value === undefined || typeof value === "function";
  const fits =
    unknown === undefined &&
    kinds.length === 1 &&
    isCount(given[kinds[0]!]) &&
    (kinds[0] === "tokenBucket" ? isCount(given["refill"]) : given["refill"] === undefined) &&
    isTime(limit.per) &&
    isOneOf(limit.retryAfter, RETRY_AFTER) &&
    isOneOf(limit.headers, HEADERS) &&
    isFunction(limit.tokens) &&
    isFunction(limit.key);
  if (fits) return limit;
  throw new InvalidArgumentError(
    `${where} takes one of fixedWindow, slidingWindow and tokenBucket (with refill), whole numbers from 1, with ` +
      `{ per, tokens, key, retryAfter, headers, refuseWith }, not ${unknown ?? JSON.stringify(limit)}`,
  );
}
