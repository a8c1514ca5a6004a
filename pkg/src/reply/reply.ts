/** What a rule answers with. */

import type { Exchange } from "../exchange.js";
import type { LiveBody, StaticBody } from "./body.js";
import type { Head } from "./head.js";

/** A head and a body: what a response is made of. */
export interface Answer {
  readonly head: Head;
  readonly body: StaticBody | LiveBody | null;
}

/** A reply, made by the functions of `reply` or by the methods of a rule. */
export abstract class Reply {
  /** What the engine notes as the status, where it is known beforehand. @internal */
  get status(): number {
    return 200;
  }

  /** The text that the engine fills in, for replies that have one. @internal */
  get template(): string | undefined {
    return undefined;
  }

  /** Of a template: says how values are written into it. @internal */
  get contentType(): string | undefined {
    return undefined;
  }

  /** Whether it opens a connection instead, which chance leaves alone. @internal */
  get opensConnection(): boolean {
    return false;
  }

  /** The answer for one exchange. What it throws, `fetch` rejects with. @internal */
  abstract answer(exchange: Exchange): Answer | Promise<Answer>;
}
