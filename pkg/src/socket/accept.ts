/** The reply that accepts a connection. */

import type { CapturedRequest } from "../captured.js";
import { HandlerError, messageOf, SocketError } from "../errors.js";
import type { HeaderList } from "../headers.js";
import { type Head, headOf } from "../reply/head.js";
import { type Answer, Reply } from "../reply/reply.js";
import { type ClientEnd, Connection, type SocketPeer } from "./connection.js";
import { type ConnectionRate, type Context, type Identify, openContext } from "./context.js";
import type { Endpoint } from "./endpoint.js";
import type { SocketExchange } from "./exchange.js";
import type { SocketMessage } from "./message.js";
import { playScript } from "./script.js";
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

/** A subprotocol, or a function that chooses one of those offered. */
export type ProtocolChoice = string | ((offered: readonly string[]) => string | undefined);

/** Who plays the server: a handler, a script as JSON, or the test. */
export type Server = SocketHandler<any> | string | undefined;

/** On what terms connections are opened. */
export interface Terms {
  readonly protocol: ProtocolChoice | undefined;
  readonly identify: Identify<any> | undefined;
  readonly rate: ConnectionRate | undefined;
}

export class AcceptReply extends Reply {
  readonly #endpoint: Endpoint<any>;
  readonly #server: Server;
  readonly #terms: Terms;

  constructor(endpoint: Endpoint<any>, server: Server, terms: Terms) {
    super();
    this.#endpoint = endpoint;
    this.#server = server;
    this.#terms = terms;
  }

  override get opensConnection(): boolean {
    return true;
  }

  /** Who asks for this without wanting a WebSocket is told so (RFC 9110 §15.5.22). */
  override answer(): Answer {
    return { head: headOf({ status: 426, headers: { upgrade: "websocket", connection: "Upgrade" } }), body: null };
  }

  /** Opens the connection, now or when a script says so. Throws what the client's end fails with. */
  accept(
    exchange: SocketExchange,
    client: ClientEnd,
    opened: (connection: Connection) => void,
    fields: HeaderList,
  ): void {
    const protocol = this.#choose(exchange);
    const context = openContext(exchange, this.#terms.identify, this.#terms.rate);
    const open = (peerOf: (connection: Connection, socket: ServerSocket<any>) => SocketPeer) =>
      opened(this.#open(exchange, client, protocol, fields, context, peerOf));
    if (typeof this.#server === "string") playScript(this.#server, protocol, exchange, client, open, () => context.end());
    else open((_, socket) => socket.peer);
  }

  #open(
    exchange: SocketExchange,
    client: ClientEnd,
    protocol: string,
    fields: HeaderList,
    context: Context,
    peerOf: (connection: Connection, socket: ServerSocket<any>) => SocketPeer,
  ): Connection {
    exchange.answer(headFor(protocol, fields));
    context.begin();
    const endpoint = this.#endpoint;
    const note = (message: SocketMessage) => {
      exchange.log.push(message);
      endpoint.note(message);
    };
    return new Connection(exchange, client, protocol, context, note, (connection) => {
      const socket = new ServerSocket(connection, (thrown) => fail(connection, thrown));
      const peer = peerOf(connection, socket);
      endpoint.opened(socket);
      const handler = this.#server;
      if (typeof handler === "function") queueMicrotask(() => socket.run(() => handler(socket, socket.request)));
      return {
        message: (data) => peer.message(data),
        closing: (frame) => peer.closing(frame),
        ended: (end) => {
          endpoint.closed(socket);
          peer.ended(end);
          socket.over(end);
        },
      };
    });
  }

  #choose({ offered, rule }: SocketExchange): string {
    let chosen: string | undefined;
    try {
      const choice = this.#terms.protocol;
      chosen = typeof choice === "function" ? choice(offered) : (choice ?? offered[0]);
    } catch (thrown) {
      throw new HandlerError(`the choice of a subprotocol of ${rule} failed: ${messageOf(thrown)}`, thrown);
    }
    if (chosen === undefined && offered.length > 0) {
      throw mismatch(`the server has chosen none of the subprotocols ${offered.join(", ")}`);
    }
    if (chosen !== undefined && !offered.includes(chosen)) {
      const given = offered.length === 0 ? "none" : `only ${offered.join(", ")}`;
      throw mismatch(`the server has chosen the subprotocol ${chosen}, but the client offers ${given}`);
    }
    return chosen ?? "";
  }
}

function headFor(protocol: string, fields: HeaderList): Head {
  const headers = ["upgrade", "websocket", "connection", "Upgrade"];
  if (protocol !== "") headers.push("sec-websocket-protocol", protocol);
  headers.push(...fields);
  return { delay: 0, status: 101, statusText: "Switching Protocols", headers, location: undefined };
}

function mismatch(message: string): SocketError {
  return new SocketError("MOCKWIRE_PROTOCOL_MISMATCH", message);
}

function fail(connection: Connection, thrown: unknown): void {
  // It went on sending when its client was gone: nothing that a server could know beforehand.
  if (thrown instanceof SocketError && !connection.isOpen) return;
  const { rule } = connection.exchange;
  connection.fail(new HandlerError(`the handler of ${rule} failed: ${messageOf(thrown)}`, thrown));
}
