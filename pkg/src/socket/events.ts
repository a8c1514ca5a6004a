/** The events of a `WebSocket`, as the platform makes them; `CloseEvent` also where it has none. */

/** What `onmessage` gets. */
export interface SocketMessageEvent extends Event {
  /** Text as a string; bytes as a `Blob` or an `ArrayBuffer`, as `binaryType` says. */
  readonly data: any;
  /** The origin of the socket's URL: `wss://api.test`. */
  readonly origin: string;
}

/** What `onclose` gets. */
export interface SocketCloseEvent extends Event {
  /** The code that the server sent; 1005 when it sent none, 1006 when the connection was lost. */
  readonly code: number;
  readonly reason: string;
  /** Whether both sides have said goodbye. */
  readonly wasClean: boolean;
}

/** What `onerror` gets. The platform's says nothing; this one says what went wrong. */
export interface SocketErrorEvent extends Event {
  /** Such as an `UnmatchedRequestError`. */
  readonly error?: Error;
  readonly message?: string;
}

/** Which event comes with which name. */
export interface SocketEventMap {
  open: Event;
  message: SocketMessageEvent;
  error: SocketErrorEvent;
  close: SocketCloseEvent;
}

interface CloseEventInit extends EventInit {
  readonly code?: number;
  readonly reason?: string;
  readonly wasClean?: boolean;
}

type CloseEventClass = new (type: string, init?: CloseEventInit) => SocketCloseEvent;

let Close: CloseEventClass | undefined;

/** @internal */
export function messageEvent(data: unknown, origin: string): Event {
  return new MessageEvent("message", { data, origin });
}

/** @internal */
export function closeEvent(init: CloseEventInit): Event {
  Close ??= (globalThis as { CloseEvent?: CloseEventClass }).CloseEvent ?? ownCloseEvent();
  return new Close("close", init);
}

/** An `Event` like the platform's, which says what went wrong to those who look. @internal */
export function errorEvent(error: Error): SocketErrorEvent {
  const event = new Event("error");
  Object.defineProperty(event, "error", { value: error, enumerable: true });
  Object.defineProperty(event, "message", { value: error.message, enumerable: true });
  return event;
}

/** Node has `CloseEvent` since version 23. */
function ownCloseEvent(): CloseEventClass {
  const own = class extends Event implements SocketCloseEvent {
    readonly #init: CloseEventInit;

    constructor(type: string, init: CloseEventInit = {}) {
      super(type, init);
      this.#init = init;
    }

    get code(): number {
      return this.#init.code ?? 0;
    }

    get reason(): string {
      return this.#init.reason ?? "";
    }

    get wasClean(): boolean {
      return this.#init.wasClean ?? false;
    }

    get [Symbol.toStringTag](): string {
      return "CloseEvent";
    }
  };
  return Object.defineProperty(own, "name", { value: "CloseEvent" });
}
