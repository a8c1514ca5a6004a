/** Replies that another transport gives. */

import { InvalidReplyError, shown } from "../errors.js";
import type { Exchange } from "../exchange.js";
import { answerFrom, isResponse } from "./foreign.js";
import { type Answer, Reply } from "./reply.js";

/** A transport to pass requests on to: the platform's `fetch`, for one. */
export type Upstream = (request: Request) => Response | Promise<Response>;

class PassthroughReply extends Reply {
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    super();
    this.#upstream = upstream;
  }

  override answer(exchange: Exchange): Promise<Answer> {
    const { core, signal, redirect } = exchange;
    if (this.#upstream === core.fetch) {
      throw new InvalidReplyError(
        "MOCKWIRE_INVALID_OPTION",
        "passthrough() leads back to its own transport: take the platform's `fetch` before `install()` replaces it",
      );
    }
    const request = exchange.captured.toRequest({ redirect, ...(signal && { signal }) });
    return exchange.race(Promise.resolve(this.#upstream(request)).then(passedOn));
  }
}

function passedOn(response: unknown): Answer {
  if (isResponse(response)) return answerFrom(response);
  throw new InvalidReplyError(
    "MOCKWIRE_INVALID_BODY",
    `passthrough() takes a function that gives a Response, not ${shown(response)}`,
  );
}

/** Passes the request on, and its response back. What `upstream` rejects with, the client gets. */
export function passthrough(upstream: Upstream): Reply {
  if (typeof upstream === "function") return new PassthroughReply(upstream);
  throw new InvalidReplyError(
    "MOCKWIRE_INVALID_OPTION",
    `passthrough() takes a function like fetch, not ${shown(upstream)}`,
  );
}
