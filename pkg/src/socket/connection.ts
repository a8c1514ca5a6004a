/** A connection that is up: what each end sends reaches the other one, in order, until it is closed. */

import { SocketError } from "../errors.js";
import type { Context } from "./context.js";
import { type CloseFrame, kept, type MessageType, NOTHING, type SocketData, SocketMessage, sizeOf } from "./message.js";
import type { SocketExchange } from "./exchange.js";
import { queueTask } from "../tasks.js";

/** How a connection ended, as one of its ends sees it. */
export interface SocketEnd {
  /** The code that the other end sent; 1005 when it sent none, 1006 when the connection was lost. */
  readonly code: number;
  readonly reason: string;
  /** Whether both ends have said goodbye. */
  readonly wasClean: boolean;
}

/** The client's end. Everything happens in tasks of their own. */
export interface ClientEnd {
  opened(protocol: string): void;
  received(data: SocketData): void;
  /** A message of so many bytes has left. */
  sent(bytes: number): void;
  /** The server has begun to close. */
  closing(): void;
  /** Something went wrong that is not the end. */
  failed(error: Error): void;
  ended(end: SocketEnd, error?: Error): void;
}

/** The server's end: a handler, the test's hand, or a script. */
export interface SocketPeer {
  message(data: SocketData): void;
  /** The client has begun to close, and waits for an answer. */
  closing(frame: CloseFrame): void;
  ended(end: SocketEnd): void;
}

const LOST: SocketEnd = { code: 1006, reason: "", wasClean: false };

export class Connection {
  readonly exchange: SocketExchange;
  readonly protocol: string;
  readonly context: Context;
  readonly #client: ClientEnd;
  readonly #peer: SocketPeer;
  readonly #note: (message: SocketMessage) => void;
  /** The close frames, as far as they have arrived at the other end. */
  #fromServer: CloseFrame | undefined;
  #fromClient: CloseFrame | undefined;
  /** Whether the client has sent one. */
  #clientCloses = false;
  #isOver = false;

  /** Opens it. The peer is asked for once there is a connection that it can use. */
  constructor(
    exchange: SocketExchange,
    client: ClientEnd,
    protocol: string,
    context: Context,
    note: (message: SocketMessage) => void,
    peer: (connection: Connection) => SocketPeer,
  ) {
    this.exchange = exchange;
    this.protocol = protocol;
    this.context = context;
    this.#client = client;
    this.#note = note;
    exchange.guard((reason) => this.#lose(reason as Error));
    queueTask(() => client.opened(protocol));
    this.#peer = peer(this);
  }

  /** Whether the server can send: nobody has closed. */
  get isOpen(): boolean {
    return !this.#isOver && this.#fromServer === undefined;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The client sends. */
  receive(data: SocketData, bytes: number): void {
    if (this.#isOver) return;
    this.#capture("client", typeOf(data), data);
    queueMicrotask(() => {
      if (this.#isOver) return;
      this.#client.sent(bytes);
      this.#peer.message(data);
    });
  }

  /** The client begins to close, or agrees. */
  receiveClose(frame: CloseFrame): void {
    if (this.#isOver || this.#clientCloses) return;
    this.#clientCloses = true;
    this.#capture("client", "close", NOTHING, frame);
    queueMicrotask(() => {
      if (this.#isOver) return;
      this.#fromClient = frame;
      if (this.#fromServer === undefined) this.#peer.closing(frame);
      else this.#complete();
    });
  }

  /** The client gives up before it was told that the connection is open. */
  giveUp(): void {
    if (this.#isOver) return;
    this.#over();
    this.exchange.finish("cancelled");
    this.#peer.ended(LOST);
  }

  /** The server sends. */
  send(data: SocketData): void {
    this.#capture("server", typeOf(data), data);
    queueTask(() => {
      this.exchange.take(sizeOf(data));
      this.#client.received(data);
    });
  }

  /** The server asks for a sign of life; every client answers by itself. */
  ping(data: SocketData): void {
    this.#capture("server", "ping", data);
    this.#capture("client", "pong", data);
  }

  /** The server gives a sign of life, which clients take no notice of. */
  pong(data: SocketData): void {
    this.#capture("server", "pong", data);
  }

  /** The server closes, or agrees. */
  close(frame: CloseFrame): void {
    if (this.#isOver || this.#fromServer !== undefined) return;
    this.#capture("server", "close", NOTHING, frame);
    this.#fromServer = frame;
    if (this.#fromClient !== undefined) return this.#complete();
    queueTask(() => {
      if (this.#isOver) return;
      this.#client.closing();
      this.receiveClose(frame);
    });
  }

  /** The connection breaks. */
  abort(error: Error = new SocketError("MOCKWIRE_SOCKET_ABORTED", "the server has aborted the connection")): void {
    if (this.#isOver) return;
    this.exchange.finish("failed", error.message);
    this.#lose(error);
  }

  /** The server's end has failed: the client is told, in words and with the code for it, if it is still there. */
  fail(error: Error): void {
    if (this.#isOver) return this.exchange.failLate(error);
    this.exchange.fail(error);
    queueTask(() => this.#client.failed(error));
    this.close({ code: 1011, reason: "" });
  }

  #complete(): void {
    this.#over();
    this.exchange.finish("done");
    this.#peer.ended(endOf(this.#fromClient!));
    const end = endOf(this.#fromServer!);
    queueTask(() => this.#client.ended(end));
  }

  #lose(error: Error): void {
    if (this.#isOver) return;
    this.#over();
    this.#peer.ended(LOST);
    queueTask(() => this.#client.ended(LOST, error));
  }

  #over(): void {
    this.#isOver = true;
    this.context.end();
  }

  #capture(from: "client" | "server", type: MessageType, data: SocketData, close?: CloseFrame): void {
    const { core, sequence } = this.exchange;
    const copy = kept(data, core.bodyLimit);
    const message = new SocketMessage(from, type, core.now, sequence, copy.data, copy.truncated, close);
    this.context.note(message, data);
    this.#note(message);
  }
}

function typeOf(data: SocketData): MessageType {
  return typeof data === "string" ? "text" : "binary";
}

function endOf({ code = 1005, reason }: CloseFrame): SocketEnd {
  return { code, reason, wasClean: true };
}
