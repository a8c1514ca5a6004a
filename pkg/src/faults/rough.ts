/** What comes with a reply besides: how rate limits stand, and what chance does to it. */

import type { Exchange } from "../exchange.js";
import { type HeaderList, overridden } from "../headers.js";
import { isPromise } from "../reply/pieces.js";
import { type Answer, Reply } from "../reply/reply.js";
import { damagedBy } from "./damage.js";

/** A reply whose head says more than it does. */
export class RatedReply extends Reply {
  readonly reply: Reply;
  readonly fields: HeaderList;
  /** For how long a limit refuses the request with it, if one does; `NaN` otherwise, and for ever. */
  readonly retryAfter: number;

  constructor(reply: Reply, fields: HeaderList, retryAfter = NaN) {
    super();
    this.reply = reply;
    this.fields = fields;
    this.retryAfter = retryAfter;
  }

  override answer(exchange: Exchange): Answer | Promise<Answer> {
    const answer = this.reply.answer(exchange);
    return isPromise(answer)
      ? (answer as Promise<Answer>).then((later) => this.#rated(later))
      : this.#rated(answer as Answer);
  }

  #rated({ head, body }: Answer): Answer {
    return { head: { ...head, headers: overridden(head.headers, this.fields) }, body };
  }
}

/** The reply to the exchange that was decided about last, as it goes out. */
export function roughened(exchange: Exchange, reply: Reply): Reply {
  const { core, sequence, number, rule } = exchange;
  // A limit that refuses is exact: nothing happens to that by chance.
  const isRefusal = rule === undefined || rule.refusesWith(number);
  const isExact = isRefusal || reply.opensConnection;
  const drawn = isExact ? -1 : core.engine.damage(sequence, rule.id);
  const damage = (rule?.chaos ?? core.chaos)?.[drawn];
  const damaged = damage === undefined ? reply : damagedBy(reply, damage);
  const fields = core.engine.fields();
  const retryAfter = isRefusal ? core.engine.retryAfter() : NaN;
  return fields.length === 0 && Number.isNaN(retryAfter) ? damaged : new RatedReply(damaged, fields, retryAfter);
}
