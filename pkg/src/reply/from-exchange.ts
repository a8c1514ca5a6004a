/** Replies that are made of their exchange: of the request, the time and the seed. */

import type { CapturedRequest } from "../captured.js";
import { HandlerError, InvalidReplyError, messageOf, shown } from "../errors.js";
import type { Exchange } from "../exchange.js";
import { RatedReply } from "../faults/rough.js";
import { replyFrom, type Replyable } from "./from.js";
import { type Answer, Reply } from "./reply.js";

/** What is known of an exchange when its reply is made. It is the same in every run of the same test. */
export interface ExchangeFacts {
  /** The request; its `sequence` is its number on the transport. */
  readonly request: CapturedRequest;
  /** When the reply is made, in milliseconds of the transport's time. */
  readonly at: number;
  /** The same as a date, in milliseconds since 1970: see the option `epoch`. */
  readonly date: number;
  /** Where random numbers come from: the option `seed`. */
  readonly seed: number;
  /** Where a rate limit refuses the request, and this is its refusal: for how many milliseconds, if not for ever. */
  readonly retryAfter: number | undefined;
}

class FromExchange extends Reply {
  readonly #make: (exchange: ExchangeFacts) => Replyable;

  constructor(make: (exchange: ExchangeFacts) => Replyable) {
    super();
    this.#make = make;
  }

  override answer(exchange: Exchange): Answer | Promise<Answer> {
    let made: Reply;
    try {
      made = replyFrom(this.#make(factsOf(exchange)));
    } catch (thrown) {
      throw new HandlerError(`the reply to ${exchange.captured} cannot be made: ${messageOf(thrown)}`, thrown);
    }
    return made.answer(exchange);
  }
}

function factsOf(exchange: Exchange): ExchangeFacts {
  const { core, captured, reply } = exchange;
  const after = reply instanceof RatedReply ? reply.retryAfter : NaN;
  return {
    request: captured,
    at: core.now,
    date: core.epoch + core.now,
    seed: core.options.seed ?? 0,
    retryAfter: Number.isNaN(after) ? undefined : after,
  };
}

/**
 * What the function makes of each exchange. Unlike a handler it answers at once, and what it gives is a value
 * like any other reply: for sequences, for requests that are held, for what a rate limit refuses with.
 *
 * @example
 * const unavailable = reply.fromExchange(({ request, date }) =>
 *   reply.json({ path: request.path, at: new Date(date).toISOString() }, { status: 503 }),
 * );
 */
export function fromExchange(make: (exchange: ExchangeFacts) => Replyable): Reply {
  if (typeof make === "function") return new FromExchange(make);
  throw new InvalidReplyError("MOCKWIRE_INVALID_BODY", `fromExchange() takes a function, not ${shown(make)}`);
}
