/** From a client's wish to a connection: the engine decides which rule answers. */

import { NEEDS } from "../engine.js";
import { SocketError } from "../errors.js";
import { RatedReply } from "../faults/rough.js";
import { arrive, decide, perform } from "../fetch.js";
import { NO_HEADERS } from "../headers.js";
import type { ClientEnd, Connection, SocketEnd } from "./connection.js";
import type { SocketExchange } from "./exchange.js";
import { AcceptReply } from "./accept.js";
import { queueTask } from "../tasks.js";

const FAILED: SocketEnd = { code: 1006, reason: "", wasClean: false };

/** Never throws: what goes wrong, the client's end is told. */
export function handshake(
  exchange: SocketExchange,
  client: ClientEnd,
  opened: (connection: Connection) => void,
): void {
  const fail = (error: unknown) => queueTask(() => client.ended(FAILED, asError(error)));
  const abandon = (error: unknown) => {
    exchange.fail(error);
    fail(error);
  };
  const go = (answer: number) => {
    const { reply } = exchange;
    const [given, fields] = reply instanceof RatedReply ? [reply.reply, reply.fields] : [reply, NO_HEADERS];
    if (given instanceof AcceptReply) return given.accept(exchange, client, opened, fields);
    perform(exchange, answer)
      .then((response) => refused(exchange, response))
      .then(fail, fail);
  };
  try {
    exchange.core.assertUsable();
    const answer = decided(exchange);
    if (typeof answer === "number") go(answer);
    else answer.then(go).catch(abandon);
  } catch (error) {
    abandon(error);
  }
}

/** What the engine decides: at once, or when the connection is admitted. */
function decided(exchange: SocketExchange): number | Promise<number> {
  const { admission } = exchange.core;
  if (admission !== undefined) return admission.decide(exchange);
  const known = arrive(exchange);
  return known === NEEDS ? decide(exchange) : known;
}

/** A response that opens no connection. Nobody reads its body but for the diagnosis of what no rule matched. */
async function refused(exchange: SocketExchange, response: Response): Promise<SocketError> {
  exchange.finish("done");
  const { rule, outcome } = exchange;
  const why = outcome === "unmatched" ? `: ${await response.text()}` : rule === undefined ? "" : ` by ${rule}`;
  if (outcome !== "unmatched") void response.body?.cancel();
  return new SocketError("MOCKWIRE_HANDSHAKE_REFUSED", `the handshake was refused with ${response.status}${why}`);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new SocketError("MOCKWIRE_HANDSHAKE_REFUSED", String(error), { cause: error });
}
