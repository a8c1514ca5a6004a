/** The server's side of a WebSocket rule: its connections, and what was said on them. */

import type { Core } from "../core.js";
import { DisposedError, InvalidArgumentError, type MockwireError, shown, StaleHandleError } from "../errors.js";
import type { Rule } from "../rule.js";
import { type MessageFilter, nameOf, testOf } from "./filter.js";
import { SocketLog, type SocketMessage } from "./message.js";
import { messageOf, type ServerSocket } from "./server-socket.js";
import { MessageWaiters } from "./wait.js";

interface Waiter<Params> {
  readonly resolve: (socket: ServerSocket<Params>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The handle of a rule that accepts WebSocket connections.
 *
 * @example
 * const chat = transport.websocket("wss://api.test/chat").accept();
 * const client = new transport.WebSocket("wss://api.test/chat");
 * const socket = await chat.next();
 * socket.send("hello");
 * await chat.waitForMessage("thanks");
 */
export class Endpoint<Params = Record<string, string>> {
  readonly #core: Core;
  readonly #log: SocketLog;
  readonly #waiters: MessageWaiters;
  readonly #open = new Set<ServerSocket<Params>>();
  #rule: Rule | undefined;
  /** Connections that `next()` has not given yet, and those who wait for one. */
  #arrived: Array<ServerSocket<Params>> = [];
  #waiting: Array<Waiter<Params>> = [];

  /** @internal */
  constructor(core: Core) {
    this.#core = core;
    this.#log = new SocketLog(core);
    this.#waiters = new MessageWaiters(core);
  }

  /**
   * The rule, to remove it or to count how many connections it accepted. Connections outlive it.
   *
   * @example endpoint.rule.calls; // 2
   */
  get rule(): Rule {
    return this.#rule!;
  }

  /**
   * The connections that are open, in the order in which they were accepted.
   *
   * @example for (const socket of endpoint.connections) socket.abort();
   */
  get connections(): ReadonlyArray<ServerSocket<Params>> {
    return [...this.#open].filter((socket) => socket.isOpen);
  }

  /**
   * What both sides have sent over all connections, in order; as far as the journal keeps it.
   *
   * @example endpoint.messages.map(String); // [`#1 client text "hi"`, `#1 server text "hello"`]
   */
  get messages(): readonly SocketMessage[] {
    return this.#log.all();
  }

  /**
   * The next open connection that was not given yet; waits for one. Rejects when the rule is removed or
   * the transport disposed.
   *
   * @example const socket = await endpoint.next();
   */
  next(): Promise<ServerSocket<Params>> {
    const socket = this.#arrived.shift();
    if (socket !== undefined) return Promise.resolve(socket);
    if (!this.rule.isActive || this.#core.disposed) return Promise.reject(this.#over());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /**
   * Sends a message to every open connection; to how many.
   *
   * @example chat.broadcast(JSON.stringify({ type: "news" }));
   */
  broadcast(message: string | ArrayBuffer | ArrayBufferView): number {
    const data = messageOf("broadcast", message);
    const { connections } = this;
    for (const socket of connections) socket.send(data);
    return connections.length;
  }

  /**
   * The first message that is meant, of those captured and those to come: text that is equal, a pattern
   * found in it, bytes, or a function's choice. Only a function is asked about what the server sent.
   * Rejects with a `WaitTimeoutError` when `timeout` milliseconds of the transport's time pass before.
   *
   * @example
   * const message = await chat.waitForMessage((it) => it.from === "client" && it.json().type === "join", { timeout: 1000 });
   */
  waitForMessage(filter?: MessageFilter, options: { readonly timeout?: number } = {}): Promise<SocketMessage> {
    const { timeout = Infinity } = options;
    if (typeof timeout !== "number" || !(timeout >= 0)) {
      throw new InvalidArgumentError(`waitForMessage() takes a timeout in milliseconds, not ${shown(timeout)}`);
    }
    this.#core.assertUsable();
    const test = testOf(filter);
    const present = this.messages.find(test);
    if (present !== undefined) return Promise.resolve(present);
    return this.#waiters.wait(test, timeout, nameOf(filter));
  }

  /** `GET wss://api.test/chat (tests/chat.test.ts:12:4)` */
  toString(): string {
    return String(this.rule);
  }

  /** @internal */
  attach(rule: Rule): this {
    this.#rule = rule;
    rule.onRemoved(() => {
      for (const { reject } of this.#waiting.splice(0)) reject(this.#over());
    });
    return this;
  }

  /** @internal */
  opened(socket: ServerSocket<Params>): void {
    this.#open.add(socket);
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#arrived.push(socket);
    else waiter.resolve(socket);
  }

  /** @internal */
  closed(socket: ServerSocket<Params>): void {
    this.#open.delete(socket);
    this.#arrived = this.#arrived.filter((other) => other !== socket);
  }

  /** @internal */
  note(message: SocketMessage): void {
    this.#log.push(message);
    this.#waiters.arrived(message);
  }

  #over(): MockwireError {
    return this.#core.disposed
      ? new DisposedError()
      : new StaleHandleError(`${this.rule} was removed: nothing will arrive`);
  }
}
