/** Replies that are no reply: the connection fails. */

import { InvalidReplyError, shown } from "../errors.js";
import type { Exchange } from "../exchange.js";
import { pause } from "../pause.js";
import { checkedDelay, type ReplyInit } from "./head.js";
import { type Answer, Reply } from "./reply.js";

class FailureReply extends Reply {
  readonly #make: () => unknown;
  readonly #delay: number;

  constructor(make: () => unknown, delay: number) {
    super();
    this.#make = make;
    this.#delay = delay;
  }

  override answer(exchange: Exchange): Answer | Promise<Answer> {
    if (this.#delay === 0) throw this.#make();
    return pause(exchange, this.#delay).then(() => {
      throw this.#make();
    });
  }
}

/**
 * The connection fails, and `fetch` rejects as it does then: with `TypeError("fetch failed")`, whose
 * `cause.code` is the code that clients look at, such as `ECONNRESET`, `ECONNREFUSED`, `ENOTFOUND` or
 * `ETIMEDOUT`. An `Error` instead of a code is what `fetch` rejects with. With a `delay`, that happens so
 * many milliseconds after the request, in the transport's time.
 */
export function error(code: string | Error = "ECONNRESET", init: Pick<ReplyInit, "delay"> = {}): Reply {
  const delay = checkedDelay(init.delay);
  if (code instanceof Error) return new FailureReply(() => code, delay);
  if (typeof code === "string" && code !== "") return new FailureReply(() => networkError(code), delay);
  throw new InvalidReplyError(
    "MOCKWIRE_INVALID_OPTION",
    `error() takes a code such as ECONNRESET, or an Error, not ${shown(code)}`,
  );
}

/** What `fetch` rejects with when the connection fails. */
export function networkError(code: string, message = MESSAGES[code] ?? code): TypeError {
  return new TypeError("fetch failed", { cause: causeOf(code, message) });
}

/** What the reader of a body gets when the connection fails in the middle. */
export function terminated(code: string): TypeError {
  // Whoever is in the middle of a body has connected.
  const message = (MESSAGES[code] ?? code).replace(/^connect /, "read ");
  return new TypeError("terminated", { cause: causeOf(code, message) });
}

function causeOf(code: string, message: string): Error {
  const cause = Object.assign(new Error(message), { code });
  const name = NAMES[code];
  if (name !== undefined) cause.name = name;
  return cause;
}

const MESSAGES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "certificate has expired",
  EAI_AGAIN: "getaddrinfo EAI_AGAIN",
  ECONNABORTED: "software caused connection abort",
  ECONNREFUSED: "connect ECONNREFUSED",
  ECONNRESET: "read ECONNRESET",
  EHOSTUNREACH: "connect EHOSTUNREACH",
  ENETUNREACH: "connect ENETUNREACH",
  ENOTFOUND: "getaddrinfo ENOTFOUND",
  EPIPE: "write EPIPE",
  ETIMEDOUT: "connect ETIMEDOUT",
  HPE_INVALID_CONSTANT: "Response does not match the HTTP/1.1 protocol (Expected HTTP/)",
  UND_ERR_BODY_TIMEOUT: "Body Timeout Error",
  UND_ERR_CONNECT_TIMEOUT: "Connect Timeout Error",
  UND_ERR_HEADERS_TIMEOUT: "Headers Timeout Error",
  UND_ERR_SOCKET: "other side closed",
};

const NAMES: Readonly<Record<string, string>> = {
  HPE_INVALID_CONSTANT: "HTTPParserError",
  UND_ERR_BODY_TIMEOUT: "BodyTimeoutError",
  UND_ERR_CONNECT_TIMEOUT: "ConnectTimeoutError",
  UND_ERR_HEADERS_TIMEOUT: "HeadersTimeoutError",
  UND_ERR_SOCKET: "SocketError",
};
