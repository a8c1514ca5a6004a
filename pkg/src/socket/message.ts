/** What the two sides of a connection have said to each other. */

import { decode, encode, NO_BYTES } from "../bytes.js";
import type { Core } from "../core.js";
import { INSPECT } from "../inspect.js";
import type { Journal } from "../journal.js";

/** What is sent in one message: text, or bytes. */
export type SocketData = string | Uint8Array<ArrayBuffer>;

/** What a close frame says. */
export interface CloseFrame {
  /** `undefined` when the frame says nothing. */
  readonly code: number | undefined;
  readonly reason: string;
}

/** What a frame may be. */
export type MessageType = "text" | "binary" | "ping" | "pong" | "close";

/**
 * A message, or another frame, of one side of a connection; a snapshot, made when it was sent.
 *
 * @example
 * const [first] = transport.lastRequest().messages;
 * console.log(first.from, first.at, first.json());
 */
export class SocketMessage {
  /** Who sent it. */
  readonly from: "client" | "server";
  readonly type: MessageType;
  /** When it was sent: milliseconds of the transport's time. */
  readonly at: number;
  /** The connection: the sequence number of its handshake, as in `transport.request(n)`. */
  readonly connection: number;
  /** Whether it was longer than the journal keeps (`journal.bodyBytes`). */
  readonly truncated: boolean;
  /** Of a close frame: its code, unless it had none. */
  readonly code: number | undefined;
  /** Of a close frame: its reason. */
  readonly reason: string;
  readonly #data: SocketData;

  /** @internal */
  constructor(
    from: "client" | "server",
    type: MessageType,
    at: number,
    connection: number,
    data: SocketData,
    truncated: boolean,
    close: CloseFrame | undefined,
  ) {
    this.from = from;
    this.type = type;
    this.at = at;
    this.connection = connection;
    this.truncated = truncated;
    this.code = close?.code;
    this.reason = close?.reason ?? "";
    this.#data = data;
  }

  /** The message as text. */
  text(): string {
    return typeof this.#data === "string" ? this.#data : decode(this.#data);
  }

  /** The message as JSON. Throws a `SyntaxError` when it is not JSON. */
  json<T = any>(): T {
    return JSON.parse(this.text()) as T;
  }

  /** A copy of the message's bytes. */
  bytes(): Uint8Array<ArrayBuffer> {
    return typeof this.#data === "string" ? encode(this.#data) : this.#data.slice();
  }

  /** `#2 client text "hello"` */
  toString(): string {
    const { connection, from, type, code, reason } = this;
    const rest = type === "close" ? `${code ?? ""} ${reason}` : type === "text" ? brief(this.text()) : this.#size();
    return `#${connection} ${from} ${type} ${rest}`.trimEnd();
  }

  /** For `JSON.stringify`. */
  toJSON(): object {
    const { connection, from, type, at, code, reason } = this;
    if (type === "close") return { connection, from, type, at, code, reason };
    return { connection, from, type, at, ...(type === "text" ? { text: this.text() } : { bytes: [...this.bytes()] }) };
  }

  [INSPECT](): string {
    return `SocketMessage ${this}`;
  }

  #size(): string {
    return `${this.#data.length} bytes`;
  }
}

/** The latest messages of a connection or of an endpoint; as many as the journal keeps requests. */
export class SocketLog {
  readonly #core: Core;
  readonly #limit: number;
  #journal: Journal;
  #clearings: number;
  #messages: SocketMessage[] = [];
  #forgotten = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#limit = core.options.journal?.requests ?? 16_384;
    this.#journal = core.journal;
    this.#clearings = core.journal.clearings;
  }

  push(message: SocketMessage): void {
    this.#follow();
    this.#messages.push(message);
    const { length } = this.#messages;
    if (length <= 2 * this.#limit) return;
    this.#forgotten += length - this.#limit;
    this.#messages = this.all();
  }

  all(): SocketMessage[] {
    this.#follow();
    return this.#messages.slice(Math.max(0, this.#messages.length - this.#limit));
  }

  /** How many messages more there were. */
  get dropped(): number {
    this.#follow();
    return this.#forgotten + Math.max(0, this.#messages.length - this.#limit);
  }

  /** What the journal has forgotten is forgotten here. */
  #follow(): void {
    const { journal } = this.#core;
    if (journal === this.#journal && journal.clearings === this.#clearings) return;
    this.#journal = journal;
    this.#clearings = journal.clearings;
    this.#messages = [];
    this.#forgotten = 0;
  }
}

/** The message as it is kept: a copy, and no longer than `limit` bytes. */
export function kept(data: SocketData, limit: number): { readonly data: SocketData; readonly truncated: boolean } {
  if (typeof data !== "string") return { data: data.slice(0, limit), truncated: data.length > limit };
  // No character has more than three bytes in UTF-8 for each of its units.
  if (data.length * 3 <= limit) return { data, truncated: false };
  const bytes = encode(data);
  if (bytes.length <= limit) return { data, truncated: false };
  return { data: decode(bytes.subarray(0, limit)), truncated: true };
}

/** How many bytes a message has on the wire. */
export function sizeOf(data: SocketData): number {
  if (typeof data !== "string") return data.length;
  return /^[\0-\x7f]*$/.test(data) ? data.length : encode(data).length;
}

export const NOTHING: SocketData = NO_BYTES;

function brief(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}
