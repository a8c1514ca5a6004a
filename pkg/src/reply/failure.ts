/** Replies that are no reply: the connection fails, or nothing ever comes. */

import { codeOf } from "../engine.js";
import { InvalidReplyError, shown } from "../errors.js";
import type { Exchange } from "../exchange.js";
import { networkError } from "../network-error.js";
import { pause } from "../pause.js";
import { checkedDelay, type ReplyInit } from "./head.js";
import { type Answer, Reply } from "./reply.js";
import type { Fault } from "./script.js";

/** A reply without a head. */
export abstract class NoReply extends Reply {
  /** How long after the request it is known that there is none. */
  readonly delay: number;

  constructor(delay: number) {
    super();
    this.delay = delay;
  }

  /** What becomes of the exchange when the time has come. */
  protected abstract end(exchange: Exchange): Promise<Answer> | never;

  override answer(exchange: Exchange): Promise<Answer> {
    return this.delay === 0 ? this.end(exchange) : pause(exchange, this.delay).then(() => this.end(exchange));
  }

  /** The same, so much later. */
  abstract later(by: number): NoReply;
}

class FailureReply extends NoReply {
  readonly #make: (exchange: Exchange) => unknown;

  constructor(make: (exchange: Exchange) => unknown, delay: number) {
    super(delay);
    this.#make = make;
  }

  protected override end(exchange: Exchange): never {
    throw this.#make(exchange);
  }

  override later(by: number): NoReply {
    return new FailureReply(this.#make, this.delay + by);
  }
}

class NeverReply extends NoReply {
  protected override end(exchange: Exchange): Promise<Answer> {
    return exchange.race(new Promise<never>(() => {}));
  }

  override later(by: number): NoReply {
    return new NeverReply(this.delay + by);
  }
}

/** The codes that {@link error} knows as those of failures that clients meet. Any other text is a code as well. */
export type ErrorCode =
  | "EAI_AGAIN"
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "ENOTFOUND"
  | "EPIPE"
  | "ETIMEDOUT"
  | "CERT_HAS_EXPIRED"
  | "DEPTH_ZERO_SELF_SIGNED_CERT"
  | "ERR_TLS_CERT_ALTNAME_INVALID"
  | "UND_ERR_BODY_TIMEOUT"
  | "UND_ERR_CONNECT_TIMEOUT"
  | "UND_ERR_HEADERS_TIMEOUT"
  | "UND_ERR_SOCKET"
  | (string & {});

/**
 * The connection fails, and `fetch` rejects as Node's does then: with `TypeError("fetch failed")`, whose
 * `cause.code` is the code that clients look at. `{ fault }` is a failure by its name in scripts. An `Error`
 * instead of a code is what `fetch` rejects with. With a `delay`, that happens so many milliseconds after
 * the request, in the transport's time.
 *
 * @example
 * reply.error("ECONNREFUSED");
 * reply.error({ fault: "connectTimeout" }, { delay: 10_000 });
 */
export function error(
  code: ErrorCode | { readonly fault: Fault } | Error = "ECONNRESET",
  init: Pick<ReplyInit, "delay"> = {},
): Reply {
  const delay = checkedDelay(init.delay);
  if (code instanceof Error) return new FailureReply(() => code, delay);
  const failure = typeof code === "object" && code !== null ? codeFor(code.fault) : code;
  if (typeof failure === "string" && failure !== "") {
    return new FailureReply(({ address }) => networkError(failure, address), delay);
  }
  throw new InvalidReplyError(
    "MOCKWIRE_INVALID_OPTION",
    `error() takes a code such as ECONNRESET, a fault, or an Error, not ${shown(code)}`,
  );
}

function codeFor(fault: Fault): string {
  try {
    return codeOf(fault);
  } catch (cause) {
    throw new InvalidReplyError("MOCKWIRE_INVALID_OPTION", `error(): ${(cause as Error).message}`, { cause });
  }
}

/** Nothing comes, ever: the client waits until it gives up. No time ends that; see `pending()`. */
export function never(): Reply {
  return new NeverReply(0);
}
