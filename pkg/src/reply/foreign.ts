/** Replies that are platform responses: given by the test, or by another transport. */

import { copyOf } from "../bytes.js";
import { InvalidReplyError } from "../errors.js";
import type { Exchange } from "../exchange.js";
import { networkError } from "../network-error.js";
import { StaticBody } from "./body.js";
import { type Head, headOf } from "./head.js";
import { type Answer, Reply } from "./reply.js";
import { bodyOf } from "./stream.js";

/** A platform response, also one of another realm. */
export function isResponse(value: unknown): value is Response {
  return Object.prototype.toString.call(value) === "[object Response]";
}

/** Passes a response on, body and all, as it comes. Good for one exchange. */
export function answerFrom(response: Response): Answer {
  checkUnread(response);
  if (response.type === "error") throw networkError("ECONNRESET", undefined, "the reply was Response.error()");
  return { head: headFrom(response), body: response.body === null ? null : bodyOf(response) };
}

/** A response that a rule gives again and again: its body is read once, as a whole, for the first request. */
export class ResponseReply extends Reply {
  readonly #response: Response;
  readonly #head: Head;
  #body: Promise<StaticBody | null> | undefined;

  constructor(response: Response) {
    super();
    checkUnread(response);
    this.#response = response;
    this.#head = headFrom(response);
  }

  override get status(): number {
    return this.#head.status;
  }

  override answer(exchange: Exchange): Promise<Answer> {
    this.#body ??= this.#read();
    return exchange.race(this.#body.then((body) => ({ head: this.#head, body })));
  }

  async #read(): Promise<StaticBody | null> {
    return this.#response.body === null ? null : new StaticBody(copyOf(await this.#response.arrayBuffer()));
  }
}

/** Throws when there is nothing left to pass on. */
export function checkUnread(response: Response): void {
  if (!response.bodyUsed && response.body?.locked !== true) return;
  throw new InvalidReplyError(
    "MOCKWIRE_INVALID_BODY",
    "the body of the Response was read already: give one that was not",
  );
}

function headFrom(response: Response): Head {
  const { status, statusText, headers, url, redirected } = response;
  const head = headOf({ status, statusText, headers });
  return url === "" ? head : { ...head, origin: { url, redirected } };
}
