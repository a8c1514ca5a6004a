/** Replies that are known when the rule is made. */

import { copyOf } from "../bytes.js";
import { InvalidReplyError, shown } from "../errors.js";
import { jsonOf } from "../json.js";
import { StaticBody } from "./body.js";
import { checkedBodyless, type Head, headOf, type ReplyInit } from "./head.js";
import { type Answer, Reply } from "./reply.js";

/**
 * A head and a body that are the same every time: once somebody asked for it, the reply is its own
 * answer. Until then a text is nothing but the text: most replies of a large suite are never given.
 */
export class StaticReply extends Reply implements Answer {
  readonly head: Head;
  #content: string | StaticBody | null;

  constructor(head: Head, content: string | StaticBody | null) {
    super();
    if (content !== null) checkedBodyless(head.status);
    this.head = head;
    this.#content = content;
  }

  get body(): StaticBody | null {
    if (typeof this.#content === "string") this.#content = new StaticBody(this.#content);
    return this.#content;
  }

  override get status(): number {
    return this.head.status;
  }

  override answer(): Answer {
    return this;
  }
}

/** Text, as `text/plain` unless the headers say otherwise. */
export function text(content: string, init?: ReplyInit): StaticReply {
  if (typeof content !== "string") {
    throw new InvalidReplyError("MOCKWIRE_INVALID_BODY", `a text reply takes a string, not ${shown(content)}`);
  }
  return new StaticReply(headOf(init, "text/plain;charset=UTF-8"), content);
}

/** A value as JSON, as `application/json` unless the headers say otherwise. It is written now: later changes do not show. */
export function json(value: unknown, init?: ReplyInit): StaticReply {
  const content = jsonOf(value, "a JSON reply", InvalidReplyError);
  return new StaticReply(headOf(init, "application/json"), content);
}

/** Bytes; they are copied. */
export function bytes(content: ArrayBuffer | ArrayBufferView, init?: ReplyInit): StaticReply {
  return new StaticReply(headOf(init), new StaticBody(copyOf(content)));
}

/** A head without a body. */
export function empty(status = 204, init?: Omit<ReplyInit, "status">): StaticReply {
  return new StaticReply(headOf({ ...init, status }), null);
}

/** A redirect, 302 unless given, which `fetch` follows through this transport. */
export function redirect(location: string | URL, status = 302): StaticReply {
  const head = headOf({ status, headers: { location: String(location) } });
  if (head.location === undefined) {
    throw new InvalidReplyError(
      "MOCKWIRE_INVALID_STATUS",
      `a redirect's status is 301, 302, 303, 307 or 308, not ${status}`,
    );
  }
  return new StaticReply(head, null);
}
