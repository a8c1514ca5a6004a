/** The server's end of a connection, in the hands of the test. */

import { copyOf, isBytes } from "../bytes.js";
import type { CapturedRequest } from "../captured.js";
import { InvalidArgumentError, shown, SocketError } from "../errors.js";
import { closeByServer, wellFormed } from "./close.js";
import type { Connection, SocketEnd, SocketPeer } from "./connection.js";
import type { SocketData } from "./message.js";

/** How many bytes a ping has at most. */
const PING_BYTES = 125;

interface Reader {
  readonly resolve: (message: SocketData | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The server's end of one connection: what a handler gets, and what `endpoint.next()` gives. Text is a
 * string, bytes are a `Uint8Array`. Messages wait until somebody takes them: `onmessage`, `receive()` or
 * iteration.
 *
 * @example
 * transport.websocket("wss://api.test/chat").accept(async (socket) => {
 *   socket.send("welcome");
 *   for await (const message of socket) socket.send(`you said ${message}`);
 * });
 */
export class ServerSocket<Params = Record<string, string>> {
  readonly #connection: Connection;
  readonly #fail: (thrown: unknown) => void;
  #onmessage: ((message: SocketData) => unknown) | null = null;
  #waiting: SocketData[] = [];
  #readers: Reader[] = [];
  #end: SocketEnd | undefined;
  #whenClosed: Array<(end: SocketEnd) => void> = [];

  /**
   * Called when the connection is over.
   *
   * @example socket.onclose = ({ code }) => console.log(code);
   */
  onclose: ((end: SocketEnd) => unknown) | null = null;

  /** @internal */
  constructor(connection: Connection, fail: (thrown: unknown) => void) {
    this.#connection = connection;
    this.#fail = fail;
  }

  /**
   * The handshake.
   *
   * @example socket.request.headers.get("authorization");
   */
  get request(): CapturedRequest<Params> {
    return this.#connection.exchange.captured as CapturedRequest<any>;
  }

  /** The subprotocol that was agreed on; empty when there is none. */
  get protocol(): string {
    return this.#connection.protocol;
  }

  /**
   * Whether messages can be sent: the server has not closed the connection, and it is not over.
   *
   * @example if (socket.isOpen) socket.send("still there");
   */
  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /**
   * How the connection ended; resolves when it does.
   *
   * @example const { code, wasClean } = await socket.closed;
   */
  get closed(): Promise<SocketEnd> {
    if (this.#end !== undefined) return Promise.resolve(this.#end);
    return new Promise((resolve) => this.#whenClosed.push(resolve));
  }

  /**
   * Called with each message. What it throws, and what its promise rejects with, ends the connection
   * with 1011.
   *
   * @example socket.onmessage = (message) => socket.send(message);
   */
  get onmessage(): ((message: SocketData) => unknown) | null {
    return this.#onmessage;
  }

  set onmessage(listener: ((message: SocketData) => unknown) | null) {
    this.#onmessage = listener;
    if (listener !== null && this.#waiting.length > 0) queueMicrotask(() => this.#hand());
  }

  /**
   * Sends text or bytes. Throws a `SocketError` when the connection is closed.
   *
   * @example socket.send(JSON.stringify({ type: "welcome" }));
   */
  send(message: string | ArrayBuffer | ArrayBufferView): void {
    this.#assertOpen("send");
    this.#connection.send(messageOf("send", message));
  }

  /**
   * Asks for a sign of life. Every client answers by itself; the answer is captured as a `pong`.
   *
   * @example socket.ping("are you there");
   */
  ping(payload: string | ArrayBuffer | ArrayBufferView = ""): void {
    this.#assertOpen("ping");
    const data = messageOf("ping", payload);
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    if (bytes.length > PING_BYTES) {
      throw new InvalidArgumentError(
        `ping() takes at most ${PING_BYTES} bytes, not ${bytes.length}`,
        "MOCKWIRE_INVALID_MESSAGE",
      );
    }
    this.#connection.ping(bytes);
  }

  /**
   * Closes the connection: the client gets this code and reason, or 1005 when there is none. When it is
   * closed already, nothing happens.
   *
   * @example socket.close(1012, "restart");
   */
  close(code?: number, reason?: string): void {
    this.#connection.close(closeByServer(code, reason));
  }

  /**
   * Breaks the connection: the client gets an `error` and the code 1006.
   *
   * @example socket.abort();
   */
  abort(): void {
    this.#connection.abort();
  }

  /**
   * The next message. Rejects with a `SocketError` when the connection ends before there is one.
   *
   * @example const greeting = await socket.receive();
   */
  async receive(): Promise<SocketData> {
    const message = await this.#read();
    if (message !== undefined) return message;
    throw closed(`the connection is closed (${this.#end!.code}): nothing more will come`);
  }

  /**
   * The messages, until the connection ends.
   *
   * @example for await (const message of socket) console.log(message);
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<SocketData, void, void> {
    for (let message = await this.#read(); message !== undefined; message = await this.#read()) yield message;
  }

  /** Where the connection reports to. @internal */
  get peer(): SocketPeer {
    return {
      message: (data) => {
        this.#waiting.push(typeof data === "string" ? data : data.slice());
        this.#hand();
      },
      closing: (frame) => this.#connection.close(frame),
      ended: () => {},
    };
  }

  /** Calls a function of the test: what goes wrong there, ends the connection. @internal */
  run(work: () => unknown): void {
    try {
      const result = work();
      if (isThenable(result)) result.then(undefined, this.#fail);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** The connection has ended. @internal */
  over(end: SocketEnd): void {
    this.#end = end;
    for (const { resolve } of this.#readers.splice(0)) resolve(undefined);
    for (const resolve of this.#whenClosed.splice(0)) resolve(end);
    // In a microtask: whoever ends the connection is not interrupted.
    queueMicrotask(() => this.run(() => this.onclose?.(end)));
  }

  #read(): Promise<SocketData | undefined> {
    if (this.#waiting.length > 0) return Promise.resolve(this.#waiting.shift());
    if (this.#end !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  #hand(): void {
    while (this.#waiting.length > 0) {
      const reader = this.#readers.shift();
      const listener = this.#onmessage;
      if (reader === undefined && listener === null) return;
      const message = this.#waiting.shift()!;
      if (reader !== undefined) reader.resolve(message);
      else this.run(() => listener!(message));
    }
  }

  #assertOpen(method: string): void {
    if (this.isOpen) return;
    const code = this.#end === undefined ? "it is closing" : `it was closed with ${this.#end.code}`;
    throw closed(`${method}(): the connection of ${this.request.url} is not open: ${code}`);
  }
}

/** What a message may be on the server's side. @internal */
export function messageOf(method: string, message: unknown): SocketData {
  if (typeof message === "string") return wellFormed(message);
  if (isBytes(message)) return copyOf(message);
  throw new InvalidArgumentError(`${method}() takes text or bytes, not ${shown(message)}`, "MOCKWIRE_INVALID_MESSAGE");
}

function closed(message: string): SocketError {
  return new SocketError("MOCKWIRE_SOCKET_CLOSED", message);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
