/** Replies that a function makes. */

import type { CapturedRequest } from "../captured.js";
import { HandlerError, messageOf, UnmatchedRequestError } from "../errors.js";
import type { Exchange } from "../exchange.js";
import type { State } from "../state.js";
import { answerFrom, checkUnread, isResponse } from "./foreign.js";
import { replyFrom, type Replyable } from "./from.js";
import { type Answer, Reply } from "./reply.js";

/** Makes the reply for a request. What it throws, `fetch` rejects with, as the `cause` of a `HandlerError`. */
export type Handler<Params = Record<string, string>, Body = any> = (
  request: CapturedRequest<Params, Body>,
  context: HandlerContext,
) => Replyable | Promise<Replyable>;

/** What a handler gets besides the request. */
export interface HandlerContext {
  /** The signal that the client gave to `fetch`, if it did. */
  readonly signal: AbortSignal | undefined;
  /** What the conversation remembers: the transport's `state`. */
  readonly state: State;
}

class Context implements HandlerContext {
  readonly signal: AbortSignal | undefined;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.signal = exchange.signal;
    this.#exchange = exchange;
  }

  get state(): State {
    return this.#exchange.core.state;
  }
}

export class HandlerReply extends Reply {
  readonly #handler: Handler<any>;

  constructor(handler: Handler<any>) {
    super();
    this.#handler = handler;
  }

  override answer(exchange: Exchange): Answer | Promise<Answer> {
    let made: unknown;
    try {
      made = this.#handler(exchange.captured, new Context(exchange));
    } catch (thrown) {
      throw failed(exchange, thrown);
    }
    if (!isThenable(made)) return this.#answerWith(made, exchange);
    const later = Promise.resolve(made).then(
      (value) => this.#answerWith(value, exchange),
      (thrown: unknown) => {
        throw failed(exchange, thrown);
      },
    );
    return exchange.race(later);
  }

  #answerWith(value: unknown, exchange: Exchange): Answer | Promise<Answer> {
    let reply: Reply | undefined;
    try {
      if (isResponse(value)) checkUnread(value);
      else reply = replyFrom(value);
    } catch (thrown) {
      throw failed(exchange, thrown);
    }
    // A failure that the handler asks for is the client's, and no failure of the handler.
    return reply?.answer(exchange) ?? answerFrom(value as Response);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** What the client gets. That nothing answers the request is no failure of the handler that finds it out. */
function failed(exchange: Exchange, thrown: unknown): Error {
  if (thrown instanceof UnmatchedRequestError) return thrown;
  const where = exchange.rule === undefined ? " for what no rule matched" : ` of ${exchange.rule}`;
  return new HandlerError(`the handler${where} failed: ${messageOf(thrown)}`, thrown);
}
