/** The client's end of a connection: its state, and the events that tell of it. */

import { copyOf, isBytes } from "../bytes.js";
import type { Core } from "../core.js";
import { SocketError } from "../errors.js";
import { wellFormed } from "./close.js";
import type { ClientEnd, Connection, SocketEnd } from "./connection.js";
import { closeEvent, errorEvent, messageEvent } from "./events.js";
import { type Opening, SocketExchange } from "./exchange.js";
import { handshake } from "./handshake.js";
import { type CloseFrame, type SocketData, sizeOf } from "./message.js";
import { queueTask } from "../tasks.js";

export const CONNECTING = 0;
export const OPEN = 1;
export const CLOSING = 2;
export const CLOSED = 3;

export class Client implements ClientEnd {
  readonly #target: EventTarget;
  readonly #origin: string;
  readonly #exchange: SocketExchange;
  readyState: 0 | 1 | 2 | 3 = CONNECTING;
  binaryType: "blob" | "arraybuffer" = "blob";
  bufferedAmount = 0;
  protocol = "";
  #connection: Connection | undefined;
  /** Blobs are read asynchronously: what is sent after one waits for it. */
  #reading: Promise<void> | undefined;

  constructor(target: EventTarget, core: Core, opening: Opening) {
    this.#target = target;
    this.#origin = `${opening.url.protocol}//${opening.url.host}`;
    this.#exchange = new SocketExchange(core, opening);
    handshake(this.#exchange, this, (connection) => (this.#connection = connection));
  }

  /** Sends what `send()` was given. */
  send(data: unknown): void {
    if (isBlob(data)) {
      this.bufferedAmount += data.size;
      if (this.readyState !== OPEN) return;
      this.#inOrder(async () => this.#connection!.receive(new Uint8Array(await data.arrayBuffer()), data.size));
      return;
    }
    const message = isBytes(data) ? copyOf(data) : wellFormed(String(data));
    const bytes = sizeOf(message);
    this.bufferedAmount += bytes;
    if (this.readyState !== OPEN) return;
    if (this.#reading === undefined) this.#connection!.receive(message, bytes);
    else this.#inOrder(() => this.#connection!.receive(message, bytes));
  }

  close(frame: CloseFrame): void {
    if (this.readyState === CLOSING || this.readyState === CLOSED) return;
    const wasOpen = this.readyState === OPEN;
    this.readyState = CLOSING;
    if (wasOpen) {
      if (this.#reading === undefined) this.#connection!.receiveClose(frame);
      else this.#inOrder(() => this.#connection!.receiveClose(frame));
      return;
    }
    this.#connection?.giveUp();
    const reason = new SocketError("MOCKWIRE_SOCKET_CLOSED", "close() was called before the connection was open");
    this.#exchange.interrupt(reason);
    queueTask(() => this.ended({ code: 1006, reason: "", wasClean: false }, reason));
  }

  opened(protocol: string): void {
    if (this.readyState !== CONNECTING) return;
    this.readyState = OPEN;
    this.protocol = protocol;
    this.#target.dispatchEvent(new Event("open"));
  }

  received(data: SocketData): void {
    if (this.readyState !== OPEN) return;
    const value = typeof data === "string" ? data : this.#binary(data);
    this.#target.dispatchEvent(messageEvent(value, this.#origin));
  }

  sent(bytes: number): void {
    this.bufferedAmount -= bytes;
  }

  closing(): void {
    if (this.readyState === OPEN) this.readyState = CLOSING;
  }

  failed(error: Error): void {
    if (this.readyState !== CLOSED) this.#target.dispatchEvent(errorEvent(error));
  }

  ended(end: SocketEnd, error?: Error): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    const close = () => this.#target.dispatchEvent(closeEvent(end));
    if (error === undefined) return void close();
    this.#target.dispatchEvent(errorEvent(error));
    // A task of its own: whoever waits for the error may listen for the close still.
    queueTask(close);
  }

  #binary(data: Uint8Array<ArrayBuffer>): Blob | ArrayBuffer {
    const copy = data.slice();
    return this.binaryType === "blob" ? new Blob([copy]) : copy.buffer;
  }

  #inOrder(step: () => void | Promise<void>): void {
    const reading = (this.#reading ?? Promise.resolve()).then(step).finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    this.#reading = reading;
  }
}

function isBlob(value: unknown): value is Blob {
  // By tag, not by class: a blob may come from another realm.
  return /^\[object (?:Blob|File)\]$/.test(Object.prototype.toString.call(value));
}
