/** The reply that accepts a connection. */

import { HandlerError, InvalidRuleError, messageOf, shown, SocketError } from "../errors.js";
import type { CapturedRequest } from "../captured.js";
import { type Head, headOf } from "../reply/head.js";
import { type Answer, Reply } from "../reply/reply.js";
import { type ClientEnd, Connection } from "./connection.js";
import type { Endpoint } from "./endpoint.js";
import type { SocketExchange } from "./exchange.js";
import { ServerSocket } from "./server-socket.js";

/**
 * Plays the server for one connection. What it throws, and what its promise rejects with, is a
 * `HandlerError`: the client's socket gets an `error` and is closed with 1011, and the journal keeps it.
 * When it returns, the connection stays open.
 */
export type SocketHandler<Params = Record<string, string>> = (
  socket: ServerSocket<Params>,
  request: CapturedRequest<Params>,
) => unknown;

/** How connections are accepted. */
export interface AcceptOptions {
  /**
   * The subprotocol to answer with, or a function that chooses one of those offered. The first that
   * the client offers, unless given: a client that offers some refuses a connection without one.
   */
  readonly protocol?: string | ((offered: readonly string[]) => string | undefined);
}

export class AcceptReply extends Reply {
  readonly #endpoint: Endpoint<any>;
  readonly #handler: SocketHandler<any> | undefined;
  readonly #protocol: AcceptOptions["protocol"];

  constructor(endpoint: Endpoint<any>, handler: SocketHandler<any> | undefined, options: AcceptOptions) {
    super();
    this.#endpoint = endpoint;
    this.#handler = handler;
    this.#protocol = checked(options);
  }

  /** Who asks for this without wanting a WebSocket is told so (RFC 9110 §15.5.22). */
  override answer(): Answer {
    return { head: headOf({ status: 426, headers: { upgrade: "websocket", connection: "Upgrade" } }), body: null };
  }

  /** Opens the connection. Throws what the client's end fails with. */
  accept(exchange: SocketExchange, client: ClientEnd): Connection {
    const protocol = this.#choose(exchange);
    exchange.head = headFor(protocol);
    let socket: ServerSocket<any>;
    const endpoint = this.#endpoint;
    const note: ConstructorParameters<typeof Connection>[3] = (message) => {
      exchange.log.push(message);
      endpoint.note(message);
    };
    const connection = new Connection(exchange, client, protocol, note, (its) => {
      socket = new ServerSocket(its, (thrown) => fail(its, thrown));
      const { peer } = socket;
      const ended: typeof peer.ended = (end) => {
        endpoint.closed(socket);
        peer.ended(end);
      };
      return { ...peer, ended };
    });
    endpoint.opened(socket!);
    const handler = this.#handler;
    if (handler !== undefined) queueMicrotask(() => socket.run(() => handler(socket, socket.request)));
    return connection;
  }

  #choose({ offered }: SocketExchange): string {
    const choice = this.#protocol;
    const chosen = typeof choice === "function" ? choice(offered) : (choice ?? offered[0]);
    if (chosen === undefined && offered.length > 0) {
      throw notAgreed(`the server has chosen none of the subprotocols ${offered.join(", ")}`);
    }
    if (chosen !== undefined && !offered.includes(chosen)) {
      const given = offered.length === 0 ? "none" : `only ${offered.join(", ")}`;
      throw notAgreed(`the server has chosen the subprotocol ${chosen}, but the client offers ${given}`);
    }
    return chosen ?? "";
  }
}

function checked(options: AcceptOptions): AcceptOptions["protocol"] {
  const { protocol } = options;
  if (protocol === undefined || typeof protocol === "string" || typeof protocol === "function") return protocol;
  throw new InvalidRuleError("MOCKWIRE_INVALID_OPTION", `accept(): a subprotocol is a string, not ${shown(protocol)}`);
}

function headFor(protocol: string): Head {
  const headers = ["upgrade", "websocket", "connection", "Upgrade"];
  if (protocol !== "") headers.push("sec-websocket-protocol", protocol);
  return { status: 101, statusText: "Switching Protocols", headers, location: undefined };
}

function notAgreed(message: string): SocketError {
  return new SocketError("MOCKWIRE_PROTOCOL_MISMATCH", message);
}

function fail(connection: Connection, thrown: unknown): void {
  // It went on sending when its client was gone: nothing that a server could know beforehand.
  if (thrown instanceof SocketError && !connection.isOpen) return;
  const { rule } = connection.exchange;
  connection.fail(new HandlerError(`the handler of ${rule} failed: ${messageOf(thrown)}`, thrown));
}
