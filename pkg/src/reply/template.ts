/** Replies that repeat parts of the request. */

import type { Exchange } from "../exchange.js";
import { InvalidReplyError, shown } from "../errors.js";
import { valueOf } from "../headers.js";
import { StaticBody } from "./body.js";
import { checkedBodyless, type Head, headOf, type ReplyInit } from "./head.js";
import { type Answer, Reply } from "./reply.js";

class TemplateReply extends Reply {
  readonly #head: Head;
  readonly #text: string;

  constructor(head: Head, text: string) {
    super();
    checkedBodyless(head.status);
    this.#head = head;
    this.#text = text;
  }

  override get status(): number {
    return this.#head.status;
  }

  override get template(): string {
    return this.#text;
  }

  override get contentType(): string | undefined {
    return valueOf(this.#head.headers, "content-type");
  }

  override answer(exchange: Exchange): Answer {
    if (exchange.core.rules.reply(exchange.number)?.template !== this.#text) {
      throw new InvalidReplyError(
        "MOCKWIRE_INVALID_TEMPLATE",
        "a template is for a rule, which the engine knows; a handler can write its own text",
      );
    }
    return { head: this.#head, body: new StaticBody(exchange.render()) };
  }
}

/**
 * Text with placeholders: `{{method}}`, `{{url}}`, `{{path}}`, `{{body}}`, `{{param.id}}`, `{{query.page}}`,
 * `{{header.x-id}}`, `{{cookie.id}}`, `{{form.name}}`, `{{json /model}}`. The engine fills it in, with
 * values escaped as JSON text when the content type is JSON; a value that the request does not have
 * is an error. For a rule, not for the result of a handler.
 */
export function template(text: string, init?: ReplyInit): Reply {
  if (typeof text !== "string")
    throw new InvalidReplyError("MOCKWIRE_INVALID_TEMPLATE", `a template is a string, not ${shown(text)}`);
  return new TemplateReply(headOf(init, "text/plain;charset=UTF-8"), text);
}
