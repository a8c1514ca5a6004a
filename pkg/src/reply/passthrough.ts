/** Replies that another transport gives. */

import { InvalidReplyError, shown } from "../errors.js";
import type { Exchange } from "../exchange.js";
import { answerFrom } from "./foreign.js";
import { type Answer, Reply } from "./reply.js";

/** A transport to pass requests on to: the platform's `fetch`, for one. */
export type Upstream = (request: Request) => Promise<Response>;

class PassthroughReply extends Reply {
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    super();
    this.#upstream = upstream;
  }

  override answer(exchange: Exchange): Promise<Answer> {
    const { signal, redirect } = exchange;
    const request = exchange.captured.toRequest({ redirect, ...(signal && { signal }) });
    return exchange.race(this.#upstream(request).then(answerFrom));
  }
}

/** Passes the request on, and its response back. What `upstream` rejects with, the client gets. */
export function passthrough(upstream: Upstream): Reply {
  if (typeof upstream === "function") return new PassthroughReply(upstream);
  throw new InvalidReplyError(
    "MOCKWIRE_INVALID_OPTION",
    `passthrough() takes a function like fetch, not ${shown(upstream)}`,
  );
}
