/** Servers that play a script: the engine plays it, so that it is the same natively and here. */

import { base64 } from "../bytes.js";
import type { Cancel } from "../clock.js";
import type { Core } from "../core.js";
import type { SocketEvent } from "../engine.js";
import { networkError } from "../reply/failure.js";
import type { ClientEnd, Connection, SocketEnd, SocketPeer } from "./connection.js";
import type { SocketExchange } from "./exchange.js";
import type { CloseFrame, SocketData } from "./message.js";
import { queueTask } from "../tasks.js";

/**
 * What the server's end of a connection does, step by step; times are milliseconds of the transport's
 * time. It is JSON, as the Rust crate reads and writes it, and bytes may be given as they are.
 *
 * A message of the client that no step waits for is captured and left at that. After the last step the
 * connection stays open until the client closes it.
 *
 * @example
 * transport.websocket("wss://api.test/chat").accept({
 *   steps: [{ expect: "hi" }, { delay: 100 }, { send: "hello" }, { close: { code: 1000, reason: "bye" } }],
 * });
 */
export interface SocketScript {
  /** In order; none unless given. */
  readonly steps?: readonly SocketStep[];
  /** The subprotocol to choose; that of the rule unless given. */
  readonly protocol?: string;
  /** Opens the connection so much later. */
  readonly openAfter?: number;
  /** Never opens it: the client's socket stays connecting until it gives up. */
  readonly neverOpen?: boolean;
  /** Fails the connection once the server has sent so many messages, wherever in the script that is. */
  readonly faultAfter?: { readonly messages: number; readonly fault: SocketFault };
}

/**
 * One thing that the server does: waits for a message, which must match (or it closes with 1008, and
 * `verify()` fails); sends one; sends back all that come, or so many; waits; closes, with 1000 unless
 * there is another code, or without one (`null`); fails, which the client sees as 1006.
 */
export type SocketStep =
  | { readonly expect: MessagePattern }
  | { readonly send: SocketPayload }
  | "echo"
  | { readonly echo: number }
  | { readonly delay: number }
  | { readonly ping: SocketPayload }
  | { readonly pong: SocketPayload }
  | { readonly close: { readonly code?: number; readonly reason?: string } | null }
  | "abort"
  | { readonly fault: SocketFault };

/** Text, bytes, or a value whose JSON is the text. */
export type SocketPayload = string | Uint8Array | { readonly json: unknown } | { readonly base64: string };

/**
 * What a message is to be: this text, these bytes, a text with this part, or (at least) this JSON;
 * `"any"` is any message, and `{ text: "any" }` this one.
 */
export type MessagePattern =
  | string
  | Uint8Array
  | "any"
  | { readonly text: string }
  | { readonly contains: string }
  | { readonly json: unknown }
  | { readonly jsonPartial: unknown }
  | { readonly base64: string };

/** How a connection fails. */
export type SocketFault =
  | "connectTimeout"
  | "connectionClosed"
  | "connectionRefused"
  | "connectionReset"
  | "dnsFailure"
  | "malformedResponse"
  | "timeout"
  | "tlsFailure";

/** The script as the engine reads it. */
export function encodeScript(script: SocketScript): string {
  const steps = script.steps?.map((step) => {
    if (typeof step !== "object" || !("expect" in step) || typeof step.expect !== "string") return step;
    return step.expect === "any" ? step : { expect: { text: step.expect } };
  });
  return JSON.stringify({ ...script, ...(steps && { steps }) }, function (this: any, key: string, value: unknown) {
    // What was there before `toJSON`, which Node's buffers have.
    const original: unknown = this[key];
    return original instanceof Uint8Array ? { base64: base64(original) } : value;
  });
}

/** Asks for a connection, and opens it when the script says so. */
export function playScript(
  script: string,
  protocol: string,
  exchange: SocketExchange,
  client: ClientEnd,
  open: (peer: (connection: Connection) => SocketPeer) => void,
  neverOpened: () => void,
): void {
  const { clock, engine } = exchange.core;
  clock.follow();
  // An expectation that is not met says where its rule is.
  exchange.core.rules.tellSites();
  const socket = engine.askForSocket(exchange.sequence, exchange.rule!.id, script, protocol);
  let cancel: Cancel | undefined;
  exchange.guard((reason) => {
    cancel?.();
    engine.leaveSocket(socket);
    neverOpened();
    queueTask(() => client.ended({ code: 1006, reason: "", wasClean: false }, reason as Error));
  });
  const tryToOpen = () => {
    const due = engine.openSocket(socket);
    if (due < 0) {
      open((connection) => new Player(exchange.core, socket, connection));
    } else if (due < Infinity) {
      cancel = clock.at(due, tryToOpen, () => `the opening of ${exchange.address.href}`);
    }
  };
  tryToOpen();
}

/** Carries out what the engine says that the server does. */
class Player implements SocketPeer {
  readonly #core: Core;
  readonly #socket: number;
  readonly #connection: Connection;
  #cancel: Cancel | undefined;
  #hasClosed = false;

  constructor(core: Core, socket: number, connection: Connection) {
    this.#core = core;
    this.#socket = socket;
    this.#connection = connection;
    queueMicrotask(() => this.#play());
  }

  message(data: SocketData): void {
    if (this.#hasClosed) return;
    const { engine } = this.#core;
    if (typeof data === "string") engine.sendText(this.#socket, data);
    else engine.sendBytes(this.#socket, data);
    this.#play();
  }

  closing({ code, reason }: CloseFrame): void {
    if (this.#hasClosed) return;
    this.#core.engine.sendClose(this.#socket, code, reason);
    this.#play();
  }

  ended(_end: SocketEnd): void {
    this.#cancel?.();
    this.#core.engine.leaveSocket(this.#socket);
  }

  #play(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const { clock } = this.#core;
    clock.follow();
    while (!this.#connection.isOver) {
      const event = this.#core.engine.socketNext(this.#socket);
      if (event[0] === "wait") {
        if (event[1] < Infinity) {
          this.#cancel = clock.at(event[1], () => this.#play(), () => `a step of a WebSocket's script`);
        }
        return;
      }
      if (this.#perform(event)) return;
    }
  }

  /** Whether that was the last thing. */
  #perform(event: SocketEvent): boolean {
    const connection = this.#connection;
    switch (event[0]) {
      case "text":
      case "binary":
        if (connection.isOpen) connection.send(event[1]);
        return false;
      case "ping":
        if (connection.isOpen) connection.ping(event[1]);
        return false;
      case "pong":
        if (connection.isOpen) connection.pong(event[1]);
        return false;
      case "close":
        this.#hasClosed = true;
        connection.close({ code: event[1], reason: event[2] ?? "" });
        return true;
      case "fault":
        connection.abort(networkError(event[1]));
        return true;
      case "aborted":
        connection.abort();
        return true;
      default:
        return true;
    }
  }
}
