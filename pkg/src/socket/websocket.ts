/** `WebSocket`, as the WebSockets standard has it, connected to one transport. */

import type { Core } from "../core.js";
import { Client, CLOSED, CLOSING, CONNECTING, OPEN } from "./client.js";
import { closeByClient } from "./close.js";
import type { SocketEventMap } from "./events.js";
import { openingOf, type WebSocketOptions } from "./opening.js";

type Listener<K extends keyof SocketEventMap> = ((this: any, event: SocketEventMap[K]) => any) | null;

type AddOptions = Parameters<EventTarget["addEventListener"]>[2];
type RemoveOptions = Parameters<EventTarget["removeEventListener"]>[2];

/** What `addEventListener` takes. */
export type SocketListener<E extends Event> = ((this: any, event: E) => any) | { handleEvent(event: E): any };

/** The class `transport.WebSocket`. */
export interface MockWebSocketClass {
  new (url: string | URL, protocols?: string | string[] | WebSocketOptions): MockWebSocket;
  readonly prototype: MockWebSocket;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
}

/**
 * A client's socket. It behaves as the platform's `WebSocket` does; its `error` events say what went
 * wrong.
 *
 * @example
 * const socket = new transport.WebSocket("wss://api.test/chat", ["v1"]);
 * socket.onmessage = ({ data }) => console.log(data);
 * socket.onerror = ({ error }) => console.log(error);
 * socket.onclose = ({ code, reason, wasClean }) => console.log(code, reason, wasClean);
 */
export class MockWebSocket extends EventTarget {
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;
  readonly #url: string;
  readonly #client: Client;
  readonly #listeners = new Map<string, Attribute>();

  /** @internal */
  constructor(core: Core, url: unknown, protocols: unknown) {
    super();
    const opening = openingOf(url, protocols, core.base);
    this.#url = opening.url.href;
    this.#client = new Client(this, core, opening);
  }

  /** The whole URL, with the scheme `ws` or `wss`. */
  get url(): string {
    return this.#url;
  }

  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#client.readyState;
  }

  /** The subprotocol that was agreed on; empty before, and when there is none. */
  get protocol(): string {
    return this.#client.protocol;
  }

  /** Always empty: extensions concern bytes on a wire, and there is none. */
  get extensions(): string {
    return "";
  }

  /** How many bytes were given to `send()` and have not left yet. Those that never leave are counted for ever. */
  get bufferedAmount(): number {
    return this.#client.bufferedAmount;
  }

  /** What bytes come as. Other values than these two are ignored. */
  get binaryType(): "blob" | "arraybuffer" {
    return this.#client.binaryType;
  }

  set binaryType(type: "blob" | "arraybuffer") {
    if (type === "blob" || type === "arraybuffer") this.#client.binaryType = type;
  }

  get onopen(): Listener<"open"> {
    return this.#attribute("open");
  }

  set onopen(listener: Listener<"open">) {
    this.#setAttribute("open", listener);
  }

  get onmessage(): Listener<"message"> {
    return this.#attribute("message");
  }

  set onmessage(listener: Listener<"message">) {
    this.#setAttribute("message", listener);
  }

  get onerror(): Listener<"error"> {
    return this.#attribute("error");
  }

  set onerror(listener: Listener<"error">) {
    this.#setAttribute("error", listener);
  }

  get onclose(): Listener<"close"> {
    return this.#attribute("close");
  }

  set onclose(listener: Listener<"close">) {
    this.#setAttribute("close", listener);
  }

  /** Sends text or bytes. Throws an `InvalidStateError` before the connection is open. */
  send(data: string | ArrayBuffer | ArrayBufferView | Blob): void {
    if (arguments.length === 0) throw new TypeError("WebSocket.send: 1 argument required, but only 0 present.");
    if (this.readyState === CONNECTING) {
      throw new DOMException("WebSocket.send: the connection is not open yet", "InvalidStateError");
    }
    this.#client.send(data);
  }

  /** Closes the connection: with no code, 1000 or 3000 to 4999, and a reason of at most 123 bytes. */
  close(code?: number, reason?: string): void {
    this.#client.close(closeByClient(code, reason));
  }

  override addEventListener<K extends keyof SocketEventMap>(
    type: K,
    listener: SocketListener<SocketEventMap[K]> | null,
    options?: AddOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: SocketListener<Event> | null,
    options?: AddOptions,
  ): void;
  override addEventListener(type: string, listener: any, options?: AddOptions): void {
    super.addEventListener(type, listener, options);
  }

  override removeEventListener<K extends keyof SocketEventMap>(
    type: K,
    listener: SocketListener<SocketEventMap[K]> | null,
    options?: RemoveOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: SocketListener<Event> | null,
    options?: RemoveOptions,
  ): void;
  override removeEventListener(type: string, listener: any, options?: RemoveOptions): void {
    super.removeEventListener(type, listener, options);
  }

  get [Symbol.toStringTag](): string {
    return "WebSocket";
  }

  #attribute(type: string): any {
    return this.#listeners.get(type)?.value ?? null;
  }

  /** As for every event handler of the platform: it keeps its place among the listeners when it is replaced. */
  #setAttribute(type: string, value: unknown): void {
    const present = this.#listeners.get(type);
    const isNothing = (typeof value !== "object" && typeof value !== "function") || value === null;
    if (present !== undefined && !isNothing) {
      present.value = value;
    } else if (present !== undefined) {
      super.removeEventListener(type, present.listener);
      this.#listeners.delete(type);
    } else if (!isNothing) {
      const attribute: Attribute = {
        value,
        listener: (event) => {
          if (typeof attribute.value === "function") attribute.value.call(this, event);
        },
      };
      this.#listeners.set(type, attribute);
      super.addEventListener(type, attribute.listener);
    }
  }
}

interface Attribute {
  value: unknown;
  readonly listener: (event: Event) => void;
}

const STATES = { CONNECTING, OPEN, CLOSING, CLOSED };

for (const [name, value] of Object.entries(STATES)) {
  Object.defineProperty(MockWebSocket, name, { value, enumerable: true });
  Object.defineProperty(MockWebSocket.prototype, name, { value, enumerable: true });
}

/** The class of one transport's sockets. */
export function webSocketOf(core: Core): MockWebSocketClass {
  const own = class extends MockWebSocket {
    constructor(url: string | URL, protocols?: string | string[] | WebSocketOptions) {
      if (arguments.length === 0) throw new TypeError("new WebSocket: 1 argument required, but only 0 present.");
      super(core, url, protocols);
    }
  };
  Object.defineProperty(own, "name", { value: "WebSocket" });
  return own as unknown as MockWebSocketClass;
}
