/** Replies whose body is not known as a whole. */

import type { LiveBody } from "./body.js";
import { checkedBodyless, type Head } from "./head.js";
import { type Answer, Reply } from "./reply.js";

export class LiveReply extends Reply {
  readonly #head: Head;
  readonly #body: LiveBody;

  constructor(head: Head, body: LiveBody) {
    super();
    checkedBodyless(head.status);
    this.#head = head;
    this.#body = body;
  }

  override get status(): number {
    return this.#head.status;
  }

  override answer(): Answer {
    return { head: this.#head, body: this.#body };
  }
}
