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
  /** What the engine's journal notes as the status, unless it is told another one. @internal */
  readonly status: number = 200;

  /** The text that the engine fills in, and the type that says how: for replies that have one. @internal */
  readonly template: { readonly text: string; readonly contentType: string | undefined } | undefined = undefined;

  /** The answer for one exchange. What it throws, `fetch` rejects with. @internal */
  abstract answer(exchange: Exchange): Answer | Promise<Answer>;
}
